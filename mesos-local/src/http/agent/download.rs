//! A file as the body of a response: read in parts, as fast as the client takes them.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Frame, SizeHint};
use tokio::{
    fs::File,
    io::{AsyncRead as _, ReadBuf},
};

/// The size of a part.
const PART: usize = 65_536;

/// The first bytes of a file, as many as it had when it was opened: one that grows does not make the
/// response longer than it said, one that shrinks breaks it.
pub(super) struct Download {
    file: File,
    left: u64,
}

impl Download {
    pub(super) fn new(file: std::fs::File, size: u64) -> Self {
        Self { file: File::from_std(file), left: size }
    }
}

impl hyper::body::Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let length = usize::try_from(self.left).unwrap_or(PART).min(PART);
        if length == 0 {
            return Poll::Ready(None);
        }
        let mut part = BytesMut::zeroed(length);
        let mut buffer = ReadBuf::new(&mut part);
        ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            let text = format!("the file ended {} bytes before its size", self.left);
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))));
        }
        self.left -= read as u64;
        part.truncate(read);
        Poll::Ready(Some(Ok(Frame::data(part.freeze()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_file_is_given_as_long_as_it_was() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..=u8::MAX).cycle().take(3 * PART + 7).collect();
        file.write_all(&content).unwrap();
        let open = || std::fs::File::open(file.path()).unwrap();
        for size in [0, 1, PART, PART + 1, content.len()] {
            let body = Download::new(open(), size as u64);
            assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(size as u64));
            let read = body.collect().await.unwrap().to_bytes();
            assert_eq!(read, content[..size]);
        }
        let error = Download::new(open(), content.len() as u64 + 2).collect().await.unwrap_err();
        assert_eq!(error.to_string(), "the file ended 2 bytes before its size");
    }
}
