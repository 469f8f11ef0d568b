//! What a real master's HTTP parser lets through.
//!
//! It closes a connection without a word where the server here would answer 400 or 431, never says `100 Continue`,
//! and answers HTTP/1.0 with HTTP/1.1. So the bytes of requests pass through here on their way.

mod filter;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::HeaderValue;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use self::filter::{BLANK, Filter};

/// The value of a header as it was sent, with the blanks at its end.
pub(super) fn as_sent(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != BLANK).map_or(0, |at| at + 1);
    String::from_utf8_lossy(&bytes[..end]).into_owned() + &" ".repeat(bytes.len() - end)
}

/// A connection whose requests are filtered. What is refused ends it.
#[derive(Debug)]
pub(super) struct Gate {
    stream: TcpStream,
    filter: Filter,
}

impl Gate {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, filter: Filter::default() }
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            let passed = gate.filter.passed();
            if !passed.is_empty() {
                let length = passed.len().min(buffer.remaining());
                buffer.put_slice(&passed.split_to(length));
                return Poll::Ready(Ok(()));
            }
            let mut bytes = [0; 16 * 1024];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut gate.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            let refused = |text: &'static str| io::Error::new(io::ErrorKind::InvalidData, text);
            gate.filter.push(read.filled()).map_err(refused)?;
        }
    }
}

impl AsyncWrite for Gate {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
