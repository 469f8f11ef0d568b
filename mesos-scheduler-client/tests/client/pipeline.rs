//! Calls that are on the wire together: their answers, and what a connection costs that breaks under them.

use bytes::Bytes;
use mesos_proto::v1;
use mesos_scheduler_client::{CallOutcome, CallReply, Client, calls};

use crate::peer::{Connection, Peer, expect_no_tasks, subscribed_client, within};

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/// More than the sockets of both sides hold.
const LARGE: usize = 32 * 1024 * 1024;

fn decline(client: &Client, offer: &str) -> CallReply {
    client.decline(vec![v1::OfferId::new(offer)], None)
}

fn decline_all<const N: usize>(client: &Client, offers: [&str; N]) -> [CallReply; N] {
    offers.map(|offer| decline(client, offer))
}

fn send_large(client: &Client) -> CallReply {
    let data = Bytes::from(vec![0; LARGE]);
    client.send(calls::message(v1::AgentId::new("a"), v1::ExecutorId::new("e"), data))
}

fn refused(status: u16, text: &str) -> CallOutcome {
    CallOutcome::Refused { status, text: text.to_owned() }
}

/// Reads declines of these offers.
async fn expect_declines(connection: &mut Connection, offers: &[&str]) {
    for offer in offers {
        let call = connection.request().await.call();
        assert_eq!(call.decline.unwrap().offer_ids[0].value, *offer);
    }
}

async fn expect_unknown(reply: CallReply, peer: &Peer, why: &str) {
    let why = format!("{}: {why}", peer.url());
    assert_eq!(within(reply).await, CallOutcome::OutcomeUnknown { why });
}

/// Takes these declines over a new connection and accepts them.
async fn accept_on_new_connection(peer: &Peer, offers: &[&str]) {
    let mut connection = peer.accept().await;
    expect_declines(&mut connection, offers).await;
    connection.write(ACCEPTED.repeat(offers.len())).await;
}

/// Makes a call and takes it over a new connection.
async fn expect_new_connection(client: &Client, peer: &Peer) {
    let reply = decline(client, "new");
    accept_on_new_connection(peer, &["new"]).await;
    assert_eq!(within(reply).await, CallOutcome::Accepted);
}

#[tokio::test]
async fn five_calls_without_an_answer_are_answered_in_one_segment() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let replies = decline_all(&client, ["o1", "o2", "o3", "o4", "o5"]);
    let mut connection = peer.accept().await;
    expect_declines(&mut connection, &["o1", "o2", "o3", "o4", "o5"]).await;
    let answers = [
        ACCEPTED,
        "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n5\r\n call\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        ACCEPTED,
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\noh",
        ACCEPTED,
    ];
    connection.write(answers.concat()).await;
    let accepted = CallOutcome::Accepted;
    let expected =
        [accepted.clone(), refused(400, "bad call"), accepted.clone(), refused(500, "oh"), accepted];
    for (reply, expected) in replies.into_iter().zip(expected) {
        assert_eq!(within(reply).await, expected);
    }
}

#[tokio::test]
async fn answers_may_be_cut_anywhere() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let bad = "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n";
    let answers = [ACCEPTED, bad, ACCEPTED].concat();
    let replies = decline_all(&client, ["o1", "o2", "o3"]);
    let mut connection = peer.accept().await;
    let mut replies = Some(replies);
    for cut in 1..answers.len() {
        let [first, second, third] =
            replies.take().unwrap_or_else(|| decline_all(&client, ["o1", "o2", "o3"]));
        expect_declines(&mut connection, &["o1", "o2", "o3"]).await;
        connection.write(&answers[..cut]).await;
        // What is complete is told without waiting for the rest.
        if cut >= ACCEPTED.len() {
            assert_eq!(within(first).await, CallOutcome::Accepted, "cut at {cut}");
            connection.write(&answers[cut..]).await;
        } else {
            connection.write(&answers[cut..]).await;
            assert_eq!(within(first).await, CallOutcome::Accepted, "cut at {cut}");
        }
        assert_eq!(within(second).await, refused(400, "bad"), "cut at {cut}");
        assert_eq!(within(third).await, CallOutcome::Accepted, "cut at {cut}");
    }
}

#[tokio::test]
async fn calls_without_an_answer_are_lost_with_their_connection() {
    for (part, why) in [
        ("", "the connection was closed before the answer"),
        ("HTTP/1.1 202 Acc", "the connection was closed in the answer 'HTTP/1.1 202 Acc'"),
        (
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\nbad",
            "the connection was closed in an answer with status 400",
        ),
        ("SSH-2.0-x\r\n", "expected an answer of HTTP/1.1, found 'SSH-2.0-x': invalid HTTP version"),
    ] {
        let peer = Peer::start().await;
        let (client, _events, _stream) = subscribed_client(&peer).await;
        let [first, second, third] = decline_all(&client, ["o1", "o2", "o3"]);
        let mut connection = peer.accept().await;
        expect_declines(&mut connection, &["o1", "o2", "o3"]).await;
        connection.write([ACCEPTED, part].concat()).await;
        assert_eq!(within(first).await, CallOutcome::Accepted);
        drop(connection);
        expect_unknown(second, &peer, why).await;
        expect_unknown(third, &peer, why).await;
        expect_new_connection(&client, &peer).await;
    }
}

#[tokio::test]
async fn a_reset_in_a_head_costs_the_calls_that_were_written() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let [first, second, third] = decline_all(&client, ["o1", "o2", "o3"]);
    let mut connection = peer.accept().await;
    expect_declines(&mut connection, &["o1", "o2", "o3"]).await;
    connection.write([ACCEPTED, "HTTP/1.1 40"].concat()).await;
    assert_eq!(within(first).await, CallOutcome::Accepted);
    connection.reset();
    expect_unknown(second, &peer, "connection reset").await;
    expect_unknown(third, &peer, "connection reset").await;
    expect_new_connection(&client, &peer).await;
}

#[tokio::test]
async fn calls_behind_one_that_was_cut_are_sent_over_a_new_connection() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let large = send_large(&client);
    let [second, third] = decline_all(&client, ["o2", "o3"]);
    let mut connection = peer.accept().await;
    connection.read_head().await;
    connection.reset();
    accept_on_new_connection(&peer, &["o2", "o3"]).await;
    expect_unknown(large, &peer, "connection reset").await;
    assert_eq!(within(second).await, CallOutcome::Accepted);
    assert_eq!(within(third).await, CallOutcome::Accepted);
}

#[tokio::test]
async fn an_answer_is_read_while_its_call_is_written() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let large = send_large(&client);
    let mut connection = peer.accept().await;
    connection.read_head().await;
    connection.respond("413 Content Too Large", "Connection: close\r\n", b"no").await;
    assert_eq!(within(large).await, refused(413, "no"));
    expect_new_connection(&client, &peer).await;
}

/// A server takes nothing of a connection behind a request that it answers with `close`.
#[tokio::test]
async fn calls_behind_the_last_answer_are_sent_over_a_new_connection() {
    for (last, outcome) in [
        ("HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", CallOutcome::Accepted),
        ("HTTP/1.0 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad", refused(400, "bad")),
        ("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nup to the end", refused(400, "up to the end")),
    ] {
        let peer = Peer::start().await;
        let (client, _events, _stream) = subscribed_client(&peer).await;
        let [first, second, third] = decline_all(&client, ["o1", "o2", "o3"]);
        let mut connection = peer.accept().await;
        expect_declines(&mut connection, &["o1", "o2", "o3"]).await;
        connection.write(last).await;
        drop(connection);
        accept_on_new_connection(&peer, &["o2", "o3"]).await;
        assert_eq!(within(first).await, outcome);
        assert_eq!(within(second).await, CallOutcome::Accepted);
        assert_eq!(within(third).await, CallOutcome::Accepted);
    }
}

#[tokio::test]
async fn a_last_answer_that_is_cut_costs_one_call() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let [first, second] = decline_all(&client, ["o1", "o2"]);
    let mut connection = peer.accept().await;
    expect_declines(&mut connection, &["o1", "o2"]).await;
    connection.write("HTTP/1.1 400 Bad\r\nConnection: close\r\nContent-Length: 9\r\n\r\nbad").await;
    drop(connection);
    accept_on_new_connection(&peer, &["o2"]).await;
    expect_unknown(first, &peer, "the connection was closed in an answer with status 400").await;
    assert_eq!(within(second).await, CallOutcome::Accepted);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_ends_the_connection() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    // At once with one that was asked for, and later.
    for segments in [vec![ACCEPTED.repeat(2)], vec![ACCEPTED.to_owned(), ACCEPTED.to_owned()]] {
        let reply = decline(&client, "o1");
        let mut connection = peer.accept().await;
        expect_declines(&mut connection, &["o1"]).await;
        let mut replies = Some(reply);
        for segment in segments {
            connection.write(segment).await;
            if let Some(reply) = replies.take() {
                assert_eq!(within(reply).await, CallOutcome::Accepted);
            }
        }
        connection.closed().await;
    }
    expect_new_connection(&client, &peer).await;
}

#[tokio::test]
async fn an_idle_connection_that_ends_costs_no_call() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    for _ in 0..20 {
        let reply = decline(&client, "o1");
        let mut connection = peer.accept().await;
        expect_declines(&mut connection, &["o1"]).await;
        connection.write(ACCEPTED).await;
        assert_eq!(within(reply).await, CallOutcome::Accepted);
        // The next call is made without waiting for the client to notice.
        drop(connection);
    }
    expect_new_connection(&client, &peer).await;
}

#[tokio::test]
async fn each_call_costs_at_most_one_attempt_to_connect() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let url = peer.url();
    drop(peer);
    for reply in decline_all(&client, ["o1", "o2", "o3"]) {
        let why = format!("{url}: connection refused");
        assert_eq!(within(reply).await, CallOutcome::OutcomeUnknown { why });
    }
}

#[tokio::test]
async fn connections_that_end_at_once_are_not_tried_for_ever() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let replies = decline_all(&client, ["o1", "o2", "o3"]);
    let outcomes = async {
        for reply in replies {
            assert!(matches!(within(reply).await, CallOutcome::OutcomeUnknown { .. }));
        }
    };
    tokio::select! {
        () = outcomes => {}
        () = async { loop { peer.accept().await.reset() } } => {}
    }
    expect_new_connection(&client, &peer).await;
}

#[tokio::test]
async fn nothing_is_left_of_calls_when_the_client_is_dropped() {
    let peer = Peer::start().await;
    let (client, events, _stream) = subscribed_client(&peer).await;
    let _replies = decline_all(&client, ["o1", "o2"]);
    let _large = send_large(&client);
    let mut connection = peer.accept().await;
    expect_declines(&mut connection, &["o1", "o2"]).await;
    drop((client, events));
    connection.closed().await;
    expect_no_tasks().await;
}
