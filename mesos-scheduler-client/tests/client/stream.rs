//! How a client reads the answer to its SUBSCRIBE, whatever HTTP/1.1 makes of it.

use mesos_proto::{recordio::encode_message, v1::scheduler::event::Type};
use mesos_scheduler_client::{CloseReason, Event};

use crate::{
    peer::{Peer, STREAM_HEAD, builder, expect_disconnected, expect_subscribed, next},
    wire::{event, subscribed},
};

#[tokio::test]
async fn a_burst_of_many_times_the_capacity_does_not_overflow_for_who_takes_events() {
    const EVENTS: usize = 20_000;
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).event_capacity(1024).start().unwrap();
    let (mut stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
    let record = encode_message(&event(Type::Rescind));
    let chunk = [format!("{:x}\r\n", record.len()).as_bytes(), &record, b"\r\n"].concat();
    let taking = async {
        for number in 0..EVENTS {
            let told = next(&mut events).await;
            assert!(matches!(told, Event::Mesos(_)), "{number}: {told:?}");
        }
    };
    tokio::join!(stream.write(chunk.repeat(EVENTS)), taking);
}

#[tokio::test]
async fn a_stream_ends_as_its_head_says() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).start().unwrap();
    let record = encode_message(&subscribed("f", 15.0));
    let length = format!("Content-Length: {}", record.len());
    let longer = format!("Content-Length: {}", record.len() + 1);
    let ended = "the master ended the stream";
    let cut = "the connection was closed before the end of the stream";
    for (framing, why) in
        [(&length[..], ended), (&longer, cut), ("Connection: close", ended), ("Transfer-Encoding: x", ended)]
    {
        let mut stream = peer.accept().await;
        stream.request().await;
        let head = STREAM_HEAD.replace("Transfer-Encoding: chunked", framing);
        stream
            .write([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", head.as_bytes(), &record].concat())
            .await;
        drop(stream);
        expect_subscribed(&mut events, &peer.url()).await;
        assert_eq!(expect_disconnected(&mut events).await, format!("{}: {why}", peer.url()), "{framing}");
    }
}

#[tokio::test]
async fn garbage_behind_an_event_breaks_the_stream_after_it() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).start().unwrap();
    let (mut stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
    let record = encode_message(&event(Type::Rescind));
    let chunk = [format!("{:X};x=y\r\n", record.len()).as_bytes(), &record, b"\r\n"].concat();
    stream.write([&chunk[..], &chunk, b"nonsense\r\n"].concat()).await;
    assert!(matches!(next(&mut events).await, Event::Mesos(_)));
    assert!(matches!(next(&mut events).await, Event::Mesos(_)));
    assert_eq!(
        expect_disconnected(&mut events).await,
        format!("{}: expected the size of a chunk, found 'nonsense'", peer.url())
    );
}

#[tokio::test]
async fn what_is_no_answer_is_told() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).start().unwrap();
    let hint = "(does it speak https:// at this port?)";
    for (answer, why) in [
        ("", "the connection was closed before the answer"),
        ("HTTP/1.1 20", "the connection was closed in the answer 'HTTP/1.1 20'"),
        ("SSH-2.0-x\r\n", "expected an answer of HTTP/1.1, found 'SSH-2.0-x': invalid HTTP version"),
    ] {
        let mut stream = peer.accept().await;
        stream.request().await;
        stream.write(answer).await;
        drop(stream);
        let told = expect_disconnected(&mut events).await;
        assert!(told.starts_with(&format!("{}: {why} {hint}", peer.url())), "{told}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_up_to_a_limit_however_its_body_comes() {
    let chunks = format!("Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n{:x}\r\n{}", 9000, "x".repeat(9000));
    for (rest, begins) in [
        ("Content-Length: 2\r\n\r\nno, and more", "no"),
        ("Content-Length: 20\r\n\r\nno, a cut one", "no, a cut one"),
        ("Connection: close\r\n\r\nno, up to the end", "no, up to the end"),
        (&chunks, "noxxx"),
    ] {
        let peer = Peer::start().await;
        let (_client, mut events) = builder(&peer.url()).start().unwrap();
        let mut stream = peer.accept().await;
        stream.request().await;
        stream.write(format!("HTTP/1.1 400 Bad Request\r\n{rest}")).await;
        drop(stream);
        match next(&mut events).await {
            Event::Closed(CloseReason::Rejected { status: 400, text, .. }) => {
                assert!(text.starts_with(begins), "{text}");
                assert!(text.len() <= 4096 && (begins == "noxxx" || text == begins), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
}
