//! What a network and masters do; after each the client subscribes again.

use std::time::Duration;

use mesos_proto::{
    recordio::encode_message,
    v1::{self, scheduler::event::Type},
};
use mesos_scheduler_client::Event;

use crate::{
    peer::{Peer, STREAM_HEAD, builder, expect_disconnected, expect_subscribed, next, subscribed_client},
    wire::{event, subscribed},
};

#[tokio::test]
async fn a_refused_connection_leads_to_the_next_master() {
    let gone = Peer::start().await;
    let (gone_url, peer) = (gone.url(), Peer::start().await);
    drop(gone);
    let (_client, mut events) = builder(&format!("{gone_url},{}", peer.url())).start().unwrap();
    assert_eq!(expect_disconnected(&mut events).await, format!("{gone_url}: connection refused"));
    let (_stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
}

#[tokio::test]
async fn answers_that_may_heal_are_told_and_tried_again() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).start().unwrap();
    for (status, headers, body, why) in [
        ("503 Service Unavailable", "", "No leader elected", "503 'No leader elected'"),
        ("404 Not Found", "", "404 Not Found.", "404 '404 Not Found.'"),
        ("500 Internal Server Error", "", "a\nb", "500 'a b'"),
        (
            "200 OK",
            "Content-Type: application/x-protobuf\r\n",
            "",
            "200 without Mesos-Stream-Id, so this is not the scheduler API of a master",
        ),
    ] {
        let mut connection = peer.accept().await;
        connection.request().await;
        connection.respond(status, headers, body.as_bytes()).await;
        assert_eq!(expect_disconnected(&mut events).await, format!("{}: {why}", peer.url()));
        connection.closed().await;
    }
    let (_stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
}

#[tokio::test]
async fn a_redirect_leads_to_the_leader_and_calls_go_there() {
    let (standby, leader) = (Peer::start().await, Peer::start().await);
    let (client, mut events) = builder(&standby.url()).start().unwrap();
    let mut connection = standby.accept().await;
    connection.request().await;
    let location = format!("Location: //{}/master/api/v1/scheduler\r\n", leader.authority());
    connection.respond("307 Temporary Redirect", &location, b"").await;
    let (_stream, request) = leader.accept_stream(15.0).await;
    assert!(request.head.starts_with("POST /master/api/v1/scheduler HTTP/1.1\r\n"));
    expect_subscribed(&mut events, &leader.url()).await;
    connection.closed().await;
    let _reply = client.revive(vec![]);
    let call = leader.accept().await.request().await;
    assert!(call.head.starts_with("POST /master/api/v1/scheduler HTTP/1.1\r\n"));
}

#[tokio::test]
async fn masters_that_redirect_in_a_circle_are_left_after_five_hops() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).start().unwrap();
    let location = format!("Location: //{}\r\n", peer.authority());
    for _ in 0..6 {
        let mut connection = peer.accept().await;
        connection.request().await;
        connection.respond("307 Temporary Redirect", &location, b"").await;
    }
    assert_eq!(
        expect_disconnected(&mut events).await,
        format!("{}: redirected 6 times, lastly to '//{}'", peer.url(), peer.authority())
    );
}

#[tokio::test]
async fn a_connection_that_breaks_anywhere_in_head_or_stream_is_replaced() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).start().unwrap();
    let record = encode_message(&subscribed("f", 15.0));
    let chunk = [format!("{:x}\r\n", record.len()).as_bytes(), &record, b"\r\n"].concat();
    let stream = [STREAM_HEAD.as_bytes(), &chunk].concat();
    for cut in 0..=stream.len() {
        let mut connection = peer.accept().await;
        connection.request().await;
        connection.write(&stream[..cut]).await;
        drop(connection);
        let mut told = next(&mut events).await;
        // The record is complete before the line end of its chunk is.
        if matches!(told, Event::Subscribed { .. }) {
            assert!(cut + 2 >= stream.len(), "cut at {cut}");
            told = next(&mut events).await;
        }
        let Event::Disconnected { why, .. } = told else { panic!("cut at {cut}: {told:?}") };
        assert!(why.starts_with(&format!("{}: ", peer.url())), "cut at {cut}: {why}");
    }
    let (_stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
}

#[tokio::test]
async fn a_record_that_is_cut_by_the_end_of_the_stream_is_told() {
    let peer = Peer::start().await;
    let (_client, mut events, mut stream) = subscribed_client(&peer).await;
    stream.chunk(b"10\nabc").await;
    stream.last_chunk().await;
    let offset = encode_message(&subscribed("f", 15.0)).len();
    assert_eq!(
        expect_disconnected(&mut events).await,
        format!("{}: stream ended inside the record at byte {offset}, 7 bytes are missing", peer.url())
    );
}

#[tokio::test]
async fn a_reset_is_named() {
    let peer = Peer::start().await;
    let (_client, mut events, stream) = subscribed_client(&peer).await;
    stream.reset();
    let why = expect_disconnected(&mut events).await;
    assert!(why.contains("connection reset"), "{why}");
}

#[tokio::test]
async fn a_silent_master_is_left() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).missed_heartbeats(3).start().unwrap();
    let (stream, _) = peer.accept_stream(0.02).await;
    expect_subscribed(&mut events, &peer.url()).await;
    assert_eq!(
        expect_disconnected(&mut events).await,
        format!("{}: the master was silent for 60ms", peer.url())
    );
    stream.closed().await;
}

#[tokio::test]
async fn a_master_that_never_answers_is_left() {
    let peer = Peer::start().await;
    let (_client, mut events) =
        builder(&peer.url()).subscribe_timeout(Duration::from_millis(50)).start().unwrap();
    let connection = peer.accept().await;
    let why = expect_disconnected(&mut events).await;
    assert!(why.starts_with(&format!("{}: no SUBSCRIBED within 50ms", peer.url())), "{why}");
    connection.closed().await;
}

#[tokio::test]
async fn a_record_of_many_megabytes_in_odd_pieces_arrives_whole() {
    let peer = Peer::start().await;
    let (_client, mut events, mut stream) = subscribed_client(&peer).await;
    let offer = v1::Offer { id: "o".into(), hostname: "h".repeat(1000), ..v1::Offer::default() };
    let offers = v1::scheduler::event::Offers { offers: vec![offer; 8000] };
    let sent = v1::scheduler::Event { offers: Some(offers), ..event(Type::Offers) };
    let record = encode_message(&sent);
    let writing = async {
        for piece in record.chunks(99_991) {
            stream.chunk(piece).await;
        }
    };
    let (told, ()) = tokio::join!(next(&mut events), writing);
    let Event::Mesos(told) = told else { panic!("{told:?}") };
    assert!(*told == sent);
}
