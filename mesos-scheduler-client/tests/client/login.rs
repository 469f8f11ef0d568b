//! Credentials that take their time, and refusals that do not come to an end.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_core::future::BoxFuture;
use mesos_scheduler_client::{
    AuthError, AuthHeader, AuthProvider, CloseReason, Credentials, DisconnectCause, Event,
};

use crate::peer::{Peer, builder, expect_subscribed, next};

/// A login that takes longer than a connection may; it numbers its tokens and notes which ones were refused.
#[derive(Clone, Default)]
struct SlowLogin {
    refused: Arc<Mutex<Vec<Option<AuthHeader>>>>,
}

impl AuthProvider for SlowLogin {
    fn header(&self, refused: Option<AuthHeader>) -> BoxFuture<'_, Result<AuthHeader, AuthError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(600)).await;
            let mut all = self.refused.lock().unwrap();
            all.push(refused);
            AuthHeader::authorization(&format!("token={}", all.len()))
        })
    }
}

#[tokio::test]
async fn a_login_may_take_longer_than_a_connection() {
    let peer = Peer::start().await;
    let login = SlowLogin::default();
    let impatient = builder(&peer.url()).connect_timeout(Duration::from_millis(500));
    let (_client, mut events) = impatient.credentials(Credentials::provider(login.clone())).start().unwrap();
    let (_stream, subscribe) = peer.accept_stream(15.0).await;
    assert_eq!(subscribe.header("authorization"), Some("token=1"));
    expect_subscribed(&mut events, &peer.url()).await;
}

#[tokio::test]
async fn the_header_that_was_refused_is_the_one_that_is_renewed() {
    let peer = Peer::start().await;
    let login = SlowLogin::default();
    let credentials = Credentials::provider(login.clone());
    let (_client, mut events) = builder(&peer.url()).credentials(credentials).start().unwrap();
    let mut first = peer.accept().await;
    assert_eq!(first.request().await.header("authorization"), Some("token=1"));
    first.respond("401 Unauthorized", "", b"").await;
    let (_stream, again) = peer.accept_stream(15.0).await;
    assert_eq!(again.header("authorization"), Some("token=2"));
    expect_subscribed(&mut events, &peer.url()).await;
    let first = AuthHeader::authorization("token=1").unwrap();
    assert_eq!(*login.refused.lock().unwrap(), [None, Some(first)]);
}

#[tokio::test]
async fn a_redirect_is_followed_before_its_body_ends() {
    let (standby, leader) = (Peer::start().await, Peer::start().await);
    let (_client, mut events) = builder(&standby.url()).start().unwrap();
    let mut asked = standby.accept().await;
    asked.request().await;
    // No length: the body ends with the connection, which stays open.
    let head = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: //{}/\r\n\r\n", leader.authority());
    asked.write(head).await;
    let (_stream, _) = leader.accept_stream(15.0).await;
    expect_subscribed(&mut events, &leader.url()).await;
}

#[tokio::test]
async fn a_refusal_whose_text_does_not_end_is_a_refusal() {
    for (status, is_final) in [("403 Forbidden", true), ("503 Service Unavailable", false)] {
        let peer = Peer::start().await;
        let (_client, mut events) = builder(&peer.url()).start().unwrap();
        let mut asked = peer.accept().await;
        asked.request().await;
        asked.write(format!("HTTP/1.1 {status}\r\n\r\nbeca")).await;
        match next(&mut events).await {
            Event::Closed(CloseReason::Rejected { status, text, .. }) if is_final => {
                assert_eq!((status, text.as_str()), (403, "beca"));
            }
            Event::Disconnected { cause, why, .. } if !is_final => {
                assert_eq!(cause, DisconnectCause::NotReady);
                assert_eq!(why, format!("{}: 503 'beca'", peer.url()));
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}
