//! What hyper alone does with the same server.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use mesos_proto::{
    event_stream::EventStream,
    v1::{
        self,
        scheduler::{Call, Event, call},
    },
};
use mesos_scheduler_client::calls;
use prost::Message;
use tokio::{net::TcpStream, task::JoinSet};

/// A connection, and the stream that it may be.
pub(crate) struct Bare {
    authority: String,
    sender: SendRequest<Full<Bytes>>,
    body: Option<Incoming>,
    events: EventStream<Event>,
    _io: JoinSet<()>,
}

impl Bare {
    pub(crate) async fn connect(authority: &str) -> Self {
        let tcp = TcpStream::connect(authority).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let (sender, io) = http1::handshake(TokioIo::new(tcp)).await.unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move { io.await.unwrap() });
        let authority = authority.to_owned();
        Self { authority, sender, body: None, events: EventStream::new(), _io: task }
    }

    /// Subscribes and reads SUBSCRIBED.
    pub(crate) async fn subscribe(authority: &str) -> Self {
        let mut bare = Self::connect(authority).await;
        let subscribe = Call { r#type: Some(call::Type::Subscribe.into()), ..Call::default() };
        let response = bare.post(&subscribe).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        bare.body = Some(body);
        bare
    }

    async fn post(&mut self, call: &Call) -> http::Response<Incoming> {
        let request = Request::post("/api/v1/scheduler")
            .header("host", &self.authority)
            .header("content-type", "application/x-protobuf")
            .header("accept", "application/x-protobuf");
        self.sender.ready().await.unwrap();
        let body = Full::new(Bytes::from(call.encode_to_vec()));
        self.sender.send_request(request.body(body).unwrap()).await.unwrap()
    }

    async fn next_bytes(&mut self) -> Bytes {
        let body = self.body.as_mut().expect("a subscription");
        body.frame().await.unwrap().unwrap().into_data().unwrap()
    }

    /// Reads so many bytes of the stream.
    pub(crate) async fn read(&mut self, mut bytes: usize) {
        while bytes > 0 {
            bytes -= self.next_bytes().await.len();
        }
    }

    /// Reads so many events of the stream.
    pub(crate) async fn read_events(&mut self, mut number: usize) {
        while number > 0 {
            let bytes = self.next_bytes().await;
            self.events.push(bytes);
            while self.events.next_event().unwrap().is_some() {
                number -= 1;
            }
        }
    }

    /// Makes so many calls, each after the answer to the one before.
    pub(crate) async fn make_calls(&mut self, number: usize) {
        for _ in 0..number {
            let response = self.post(&calls::decline(vec![v1::OfferId::new("o1")], None)).await;
            assert_eq!(response.status(), StatusCode::ACCEPTED);
            assert!(response.into_body().frame().await.is_none());
        }
    }
}
