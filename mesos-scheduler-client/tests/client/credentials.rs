//! Where credentials go: to the masters that were configured and to where these redirect, and no further.

use mesos_scheduler_client::{
    Credentials, Masters,
    operator::{AgentApi, MasterApi, OperatorError},
};

use crate::{
    operator::url_of,
    peer::{Connection, Peer, Request, builder, expect_subscribed, within},
};

const BASIC: Option<&str> = Some("Basic cDpz");

fn credentials() -> Credentials {
    Credentials::basic("p", "s").unwrap()
}

#[tokio::test]
async fn a_client_shows_them_to_the_target_of_a_master_and_not_to_the_target_of_that() {
    let [configured, target, stranger] = peers().await;
    let (client, mut events) = builder(&configured.url()).credentials(credentials()).start().unwrap();
    assert_eq!(redirect(&configured, &target).await.header("authorization"), BASIC);
    assert_eq!(redirect(&target, &stranger).await.header("authorization"), BASIC);
    let (_stream, subscribe) = stranger.accept_stream(15.0).await;
    assert_eq!(subscribe.header("authorization"), None);
    expect_subscribed(&mut events, &stranger.url()).await;
    drop(client.revive(vec![]));
    let mut calls = stranger.accept().await;
    assert_eq!(accepted(&mut calls).await.header("authorization"), None);
    drop(client.suppress(vec![]));
    assert_eq!(accepted(&mut calls).await.header("authorization"), None);
}

#[tokio::test]
async fn calls_carry_them_to_the_target_of_a_master() {
    let [configured, target, _] = peers().await;
    let (client, mut events) = builder(&configured.url()).credentials(credentials()).start().unwrap();
    redirect(&configured, &target).await;
    let (_stream, subscribe) = target.accept_stream(15.0).await;
    assert_eq!(subscribe.header("authorization"), BASIC);
    expect_subscribed(&mut events, &target.url()).await;
    drop(client.revive(vec![]));
    let mut calls = target.accept().await;
    assert_eq!(accepted(&mut calls).await.header("authorization"), BASIC);
}

#[tokio::test]
async fn a_client_shows_them_to_a_configured_master_whoever_redirects_there() {
    let [configured, target, other] = peers().await;
    let list = format!("{},{}", configured.url(), other.url());
    let (_client, _events) = builder(&list).credentials(credentials()).start().unwrap();
    redirect(&configured, &target).await;
    redirect(&target, &other).await;
    let (_stream, subscribe) = other.accept_stream(15.0).await;
    assert_eq!(subscribe.header("authorization"), BASIC);
}

#[tokio::test]
async fn operator_calls_show_them_to_the_target_of_a_master_and_not_to_the_target_of_that() {
    let [configured, target, stranger] = peers().await;
    let master = MasterApi::new(url_of(&configured)).credentials(credentials());
    let agent = AgentApi::new(url_of(&configured)).credentials(credentials());
    let answering = async {
        for _ in 0..3 {
            assert_eq!(redirect(&configured, &target).await.header("authorization"), BASIC);
            assert_eq!(redirect(&target, &stranger).await.header("authorization"), BASIC);
            assert_eq!(refuse(&stranger).await.header("authorization"), None);
        }
    };
    let asking = async {
        [
            master.get_tasks().await.unwrap_err(),
            agent.read_file("/a", 0, None).await.unwrap_err(),
            agent.files_read("/a", 0, None).await.unwrap_err(),
        ]
    };
    let (errors, ()) = within(async { tokio::join!(asking, answering) }).await;
    for error in errors {
        assert!(matches!(error, OperatorError::Unauthorized { sent: false, .. }), "{error}");
    }
}

#[tokio::test]
async fn operator_calls_show_them_to_a_configured_master_whoever_redirects_there() {
    let [configured, target, other] = peers().await;
    let list = Masters::parse(&format!("{},{}", configured.url(), other.url())).unwrap();
    let api = MasterApi::new(list).credentials(credentials());
    let answering = async {
        redirect(&configured, &target).await;
        redirect(&target, &other).await;
        refuse(&other).await
    };
    let (error, request) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    assert_eq!(request.header("authorization"), BASIC);
    let error = error.unwrap_err();
    assert!(matches!(error, OperatorError::Unauthorized { sent: true, .. }), "{error}");
}

async fn peers() -> [Peer; 3] {
    [Peer::start().await, Peer::start().await, Peer::start().await]
}

/// Redirects one request, and returns it.
async fn redirect(from: &Peer, to: &Peer) -> Request {
    let location = format!("Location: //{}\r\n", to.authority());
    respond(from, "307 Temporary Redirect", &location).await
}

/// Refuses one request, and returns it.
async fn refuse(peer: &Peer) -> Request {
    respond(peer, "401 Unauthorized", "").await
}

async fn respond(peer: &Peer, status: &str, headers: &str) -> Request {
    let mut connection = peer.accept().await;
    let request = connection.request().await;
    connection.respond(status, headers, b"").await;
    request
}

/// Accepts the next call of a connection, and returns it.
async fn accepted(calls: &mut Connection) -> Request {
    let call = calls.request().await;
    calls.respond("202 Accepted", "", b"").await;
    call
}
