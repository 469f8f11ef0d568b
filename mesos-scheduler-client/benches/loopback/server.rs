//! A master for measuring: it takes a subscription and calls, and sends its stream when it is told to.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use bytes::Bytes;
use mesos_proto::v1::scheduler::{Call, call::Type};
use prost::Message;

use crate::streams::{Stream, subscribed};

const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: s1\r\n\
    Transfer-Encoding: chunked\r\n\r\n";

const ACCEPTED: &[u8] =
    b"HTTP/1.1 202 Accepted\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n";

/// How records are written.
#[derive(Clone, Copy)]
pub(crate) enum Writes {
    /// Each by itself, as a master does.
    OneByOne,
    /// Many at once, as they arrive from a network after a pause.
    InBursts,
}

/// Takes connections until the program ends; one of them may be a subscription.
pub(crate) struct Server {
    pub(crate) authority: String,
    go: mpsc::Sender<()>,
}

impl Server {
    pub(crate) fn start(stream: Stream, writes: Writes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (go, told) = mpsc::channel();
        thread::spawn(move || {
            let parts = match writes {
                Writes::OneByOne => stream.chunks,
                Writes::InBursts => vec![stream.chunks.concat().into()],
            };
            let mut told = Some((told, parts));
            for tcp in listener.incoming() {
                let tcp = tcp.unwrap();
                tcp.set_nodelay(true).unwrap();
                let mut reader = BufReader::new(tcp.try_clone().unwrap());
                let Some(first) = read_request(&mut reader) else { continue };
                if Call::decode(first).unwrap().r#type() == Type::Subscribe {
                    let (told, parts) = told.take().expect("one subscription for each server");
                    thread::spawn(move || send_stream(tcp, &told, &parts));
                } else {
                    thread::spawn(move || answer(tcp, reader));
                }
            }
        });
        Self { authority, go }
    }

    /// Sends the stream once.
    pub(crate) fn send_stream(&self) {
        self.go.send(()).unwrap();
    }
}

fn send_stream(mut tcp: TcpStream, told: &mpsc::Receiver<()>, parts: &[Bytes]) {
    tcp.write_all(&[STREAM_HEAD, &subscribed()].concat()).unwrap();
    while told.recv().is_ok() {
        for part in parts {
            tcp.write_all(part).unwrap();
        }
    }
}

/// Answers the first request, which is read, and all others; those that came together with one write.
fn answer(mut tcp: TcpStream, mut reader: BufReader<TcpStream>) {
    let mut answers = ACCEPTED.to_vec();
    loop {
        if reader.buffer().is_empty() {
            if tcp.write_all(&answers).is_err() {
                return;
            }
            answers.clear();
        }
        if read_request(&mut reader).is_none() {
            return;
        }
        answers.extend_from_slice(ACCEPTED);
    }
}

/// The body of a request; `None` at the end.
fn read_request(reader: &mut impl BufRead) -> Option<Bytes> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap()
            }
            Some(_) => {}
            None if line == "\r\n" => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body.into())
}
