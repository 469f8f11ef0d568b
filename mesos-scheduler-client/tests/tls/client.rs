//! The client of the scheduler API over TLS.

use std::time::Duration;

use mesos_proto::{
    recordio::encode_message,
    v1::{
        self,
        scheduler::{self, event},
    },
};
use mesos_scheduler_client::{CallOutcome, ClientBuilder, Event, Events, Masters, Tls, operator::AgentApi};

use crate::{
    authority::Authority,
    server::{Server, read_request, respond, within, write},
};

fn builder(url: &str, authority: &Authority) -> ClientBuilder {
    let info = v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), ..Default::default() };
    ClientBuilder::new(info, Masters::parse(url).unwrap())
        .tls(Tls::builder().root_pem(authority.pem()).build().unwrap())
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
}

async fn next(events: &mut Events) -> Event {
    within(events.next()).await.expect("an event comes")
}

fn subscribed() -> scheduler::Event {
    let subscribed = event::Subscribed {
        framework_id: v1::FrameworkId::new("f"),
        heartbeat_interval_seconds: Some(15.0),
        master_info: None,
    };
    let r#type = Some(event::Type::Subscribed.into());
    scheduler::Event { r#type, subscribed: Some(subscribed), ..scheduler::Event::default() }
}

#[tokio::test]
async fn stream_and_calls_go_over_tls() {
    let authority = Authority::new();
    let server = Server::of(&authority).await;
    let (client, mut events) = builder(&server.url(), &authority).start().unwrap();
    let mut stream = server.accept().await.expect("TLS is spoken");
    let head = read_request(&mut stream).await;
    assert!(head.starts_with("POST /api/v1/scheduler HTTP/1.1\r\n"), "{head}");
    let record = encode_message(&subscribed());
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\
        Mesos-Stream-Id: s1\r\nTransfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    answer.extend(format!("{:x}\r\n", record.len()).bytes());
    answer.extend([&record[..], b"\r\n"].concat());
    write(&mut stream, &answer).await;
    match next(&mut events).await {
        Event::Subscribed { framework_id, url, .. } => {
            assert_eq!((framework_id.value.as_str(), url), ("f", server.url()));
        }
        other => panic!("{other:?}"),
    }
    let calling = async {
        let mut socket = server.accept().await.expect("TLS is spoken");
        read_request(&mut socket).await;
        respond(&mut socket, "202 Accepted", "", b"").await;
        socket
    };
    let (outcome, _socket) = within(async { tokio::join!(client.revive(Vec::new()), calling) }).await;
    assert_eq!(outcome, CallOutcome::Accepted);
    // Without a farewell of TLS.
    drop(stream);
    match next(&mut events).await {
        Event::Disconnected { why, .. } => {
            let expected = "the peer closed the connection without the farewell of TLS";
            assert!(why.starts_with(&server.url()) && why.ends_with(expected), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_ends_with_the_time_to_connect() {
    let authority = Authority::new();
    let server = Server::of(&authority).await;
    let builder = builder(&server.url(), &authority).connect_timeout(Duration::from_millis(50));
    let (_client, mut events) = builder.start().unwrap();
    let _silent = server.accept_tcp().await;
    match next(&mut events).await {
        Event::Disconnected { why, .. } => {
            assert_eq!(why, format!("{}: no connection within 50ms", server.url()));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_call_whose_handshake_stalls_ends_with_the_time_to_connect() {
    let authority = Authority::new();
    let silent = Server::of(&authority).await;
    let tls = Tls::builder().root_pem(authority.pem()).build().unwrap();
    let api = AgentApi::new(silent.url().parse().unwrap()).tls(tls);
    // Before the 10 s that the whole call may take.
    assert_eq!(
        api.list_files("/a").await.unwrap_err().to_string(),
        format!("{}/api/v1: no connection within 5s", silent.url())
    );
}

#[tokio::test]
async fn a_certificate_that_is_refused_is_told_and_tried_again() {
    let server = Server::of(&Authority::new()).await;
    let (_client, mut events) = builder(&server.url(), &Authority::new()).start().unwrap();
    for _ in 0..2 {
        assert!(server.accept().await.is_none());
        match next(&mut events).await {
            Event::Disconnected { why, .. } => {
                let expected = format!("{}: TLS: the certificate of '127.0.0.1' is signed", server.url());
                assert!(why.starts_with(&expected), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
}
