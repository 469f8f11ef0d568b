//! Credentials that expire.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_core::future::BoxFuture;
use mesos_local::FrameworkCredentials;
use mesos_scheduler_client::{
    AuthError, AuthHeader, AuthProvider, CallOutcome, CloseReason, Credentials, DisconnectCause, Event,
};

use crate::{
    framework::Framework,
    proxy::{End, Lane},
    world::{World, alone, within},
};

/// Gives `token=1`, then `token=2`, and so on.
#[derive(Clone, Default)]
struct Tokens(Arc<AtomicUsize>);

impl Tokens {
    fn given(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl AuthProvider for Tokens {
    fn header(&self, _refused: Option<AuthHeader>) -> BoxFuture<'_, Result<AuthHeader, AuthError>> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move { AuthHeader::authorization(&format!("token={number}")) })
    }
}

fn accepted(token: usize) -> Option<FrameworkCredentials> {
    Some(FrameworkCredentials::new().header(&format!("token={token}"), "robot"))
}

async fn world() -> World {
    World::with(|config| config.framework_credentials = accepted(1)).await
}

async fn subscribed(world: &World, tokens: &Tokens) -> Framework {
    Framework::subscribed(world.builder().credentials(Credentials::provider(tokens.clone()))).await
}

#[test]
fn calls_that_meet_an_expired_token_are_sent_again_with_another_one() {
    alone(async {
        let (world, tokens) = (world().await, Tokens::default());
        let mut framework = subscribed(&world, &tokens).await;
        framework.works().await;
        world.cluster.set_framework_credentials(accepted(2));
        let client = &framework.client;
        let replies = [client.suppress(Vec::new()), client.reconcile(Vec::new()), client.revive(Vec::new())];
        for reply in replies {
            assert_eq!(within(reply).await, CallOutcome::Accepted);
        }
        assert_eq!(tokens.given(), 2);
        let transcript = world.cluster.transcript();
        let calls = transcript.entries().map(|entry| entry.kind());
        let taken: Vec<String> =
            calls.filter(|kind| ["SUPPRESS", "RECONCILE", "REVIVE"].contains(&kind.as_str())).collect();
        assert_eq!(taken, ["SUPPRESS", "RECONCILE", "REVIVE"]);
        // The subscription went on.
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_token_that_expired_while_subscribed_is_renewed_by_the_next_subscription() {
    alone(async {
        let (world, tokens) = (world().await, Tokens::default());
        let mut framework = subscribed(&world, &tokens).await;
        for token in 2..5 {
            world.cluster.set_framework_credentials(accepted(token));
            world.proxy.end(Lane::Stream, End::Reset);
            framework.expect_disconnected(DisconnectCause::StreamEnded).await;
            framework.expect_subscribed().await;
            assert_eq!(tokens.given(), token);
            framework.works().await;
        }
        world.end(framework).await;
    });
}

fn expect_unauthorized(reason: CloseReason, world: &World) {
    match reason {
        CloseReason::Unauthorized { url, text, .. } => {
            assert_eq!((url, text.as_str()), (world.proxy.url(), "401 Unauthorized."));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_token_that_is_refused_is_the_end() {
    alone(async {
        let (world, tokens) = (world().await, Tokens::default());
        world.cluster.set_framework_credentials(accepted(3));
        let mut framework =
            Framework::start(world.builder().credentials(Credentials::provider(tokens.clone())));
        expect_unauthorized(framework.expect_closed().await, &world);
        assert_eq!(tokens.given(), 2);
        world.end(framework).await;
    });
}

#[test]
fn a_call_that_no_token_helps_is_refused_and_the_session_ends() {
    alone(async {
        let (world, tokens) = (world().await, Tokens::default());
        let mut framework = subscribed(&world, &tokens).await;
        world.cluster.set_framework_credentials(Some(FrameworkCredentials::new()));
        let outcome = within(framework.client.revive(Vec::new())).await;
        assert_eq!(outcome, CallOutcome::Refused { status: 401, text: "401 Unauthorized.".into() });
        let reason = loop {
            match framework.next_of_session().await {
                Event::Disconnected { .. } => {}
                Event::Closed(reason) => break reason,
                other => panic!("{other:?}"),
            }
        };
        expect_unauthorized(reason, &world);
        world.end(framework).await;
    });
}

#[test]
fn a_password_that_was_changed_ends_the_session_at_the_next_call() {
    alone(async {
        let basic = |secret| Some(FrameworkCredentials::new().basic("alice", secret));
        let world = World::with(|config| config.framework_credentials = basic("old")).await;
        let credentials = Credentials::basic("alice", "old").unwrap();
        let mut framework = Framework::subscribed(world.builder().credentials(credentials)).await;
        framework.works().await;
        world.cluster.set_framework_credentials(basic("new"));
        let outcome = within(framework.client.revive(Vec::new())).await;
        assert_eq!(outcome, CallOutcome::Refused { status: 401, text: "401 Unauthorized.".into() });
        framework.expect_disconnected(DisconnectCause::CallRefused).await;
        expect_unauthorized(framework.expect_closed().await, &world);
        world.end(framework).await;
    });
}
