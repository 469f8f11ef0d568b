//! A peer that reads whole requests and answers with any bytes.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use mesos_proto::{
    recordio::encode_message,
    v1::{
        self,
        scheduler::{self, call},
    },
};
use mesos_scheduler_client::{Client, ClientBuilder, Event, Events, Masters};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::wire::subscribed;

/// Guards against waiting for ever; nothing here takes a noticeable part of it.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("this does not take so long")
}

pub(crate) struct Peer {
    listener: TcpListener,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn authority(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    pub(crate) async fn accept(&self) -> Connection {
        let (tcp, _) = within(self.listener.accept()).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Connection { tcp, read: Vec::new() }
    }

    /// Accepts a connection, reads a SUBSCRIBE from it, and begins the stream.
    pub(crate) async fn accept_stream(&self, heartbeat: f64) -> (Connection, Request) {
        let mut stream = self.accept().await;
        let request = stream.request().await;
        assert_eq!(request.call().r#type(), call::Type::Subscribe);
        stream.write(STREAM_HEAD).await;
        stream.record(&subscribed("f", heartbeat)).await;
        (stream, request)
    }
}

pub(crate) const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\
     Mesos-Stream-Id: s1\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(crate) struct Connection {
    tcp: TcpStream,
    read: Vec<u8>,
}

pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn call(&self) -> scheduler::Call {
        scheduler::Call::decode(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Connection {
    pub(crate) async fn request(&mut self) -> Request {
        within(self.next_request()).await.expect("a request comes")
    }

    /// The next request, or `None` at the end of the connection.
    pub(crate) async fn next_request(&mut self) -> Option<Request> {
        loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
                let mut request = Request { head, body: Bytes::new() };
                let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
                if self.read.len() >= end + 4 + length {
                    let rest = self.read.split_off(end + 4 + length);
                    request.body = std::mem::replace(&mut self.read, rest).split_off(end + 4).into();
                    return Some(request);
                }
            }
            if !self.read_some().await {
                return None;
            }
        }
    }

    /// Waits for the head of a request, and leaves the request unread.
    pub(crate) async fn read_head(&mut self) {
        let has_head = |read: &[u8]| read.windows(4).any(|window| window == b"\r\n\r\n");
        within(async { while !has_head(&self.read) && self.read_some().await {} }).await;
        assert!(has_head(&self.read), "a head comes");
    }

    async fn read_some(&mut self) -> bool {
        matches!(self.tcp.read_buf(&mut self.read).await, Ok(read) if read > 0)
    }

    /// Waits until the client closes the connection.
    pub(crate) async fn closed(mut self) {
        within(async { while self.read_some().await {} }).await;
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.tcp.write_all(bytes.as_ref())).await.unwrap();
    }

    pub(crate) async fn respond(&mut self, status: &str, headers: &str, body: &[u8]) {
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        self.write([head.as_bytes(), body].concat()).await;
    }

    /// One chunk of the stream.
    pub(crate) async fn chunk(&mut self, bytes: &[u8]) {
        let head = format!("{:x}\r\n", bytes.len());
        self.write([head.as_bytes(), bytes, b"\r\n"].concat()).await;
    }

    pub(crate) async fn record(&mut self, event: &scheduler::Event) {
        self.chunk(&encode_message(event)).await;
    }

    pub(crate) async fn last_chunk(&mut self) {
        self.write("0\r\n\r\n").await;
    }

    /// Closes the connection with a reset.
    pub(crate) fn reset(self) {
        self.tcp.set_zero_linger().unwrap();
    }
}

/// A client that tries again at once.
pub(crate) fn builder(masters: &str) -> ClientBuilder {
    builder_of(info(), masters)
}

pub(crate) fn info() -> v1::FrameworkInfo {
    v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), ..v1::FrameworkInfo::default() }
}

pub(crate) fn builder_of(info: v1::FrameworkInfo, masters: &str) -> ClientBuilder {
    ClientBuilder::new(info, Masters::parse(masters).unwrap())
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .seed(1)
}

/// A client and the stream that it is subscribed by.
pub(crate) async fn subscribed_client(peer: &Peer) -> (Client, Events, Connection) {
    let (client, mut events) = builder(&peer.url()).start().unwrap();
    let (stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
    (client, events, stream)
}

pub(crate) async fn next(events: &mut Events) -> Event {
    within(events.next()).await.expect("an event comes")
}

pub(crate) async fn expect_subscribed(events: &mut Events, master: &str) {
    match next(events).await {
        Event::Subscribed { framework_id, url, .. } => {
            assert_eq!(framework_id.value, "f");
            assert_eq!(url, master);
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn expect_disconnected(events: &mut Events) -> String {
    match next(events).await {
        Event::Disconnected { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// Waits until no task of the runtime is left: nothing leaks.
pub(crate) async fn expect_no_tasks() {
    let metrics = tokio::runtime::Handle::current().metrics();
    within(async {
        while metrics.num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
