//! Connections that do not come about, and answers that break off in their head.

use mesos_scheduler_client::{CallOutcome, DisconnectCause, Event};

use crate::{
    framework::Framework,
    proxy::{End, Fault, Lane},
    world::{World, alone, within},
};

#[test]
fn a_refused_connection_is_tried_until_a_master_is_there() {
    alone(async {
        let mut world = World::start().await;
        world.proxy.refuse().await;
        let mut framework = Framework::start(world.builder());
        for _ in 0..3 {
            let why = framework.expect_disconnected(DisconnectCause::Unreachable).await;
            assert_eq!(why, format!("{}: connection refused", world.proxy.url()));
            assert_eq!(within(framework.client.revive(Vec::new())).await, CallOutcome::NotSubscribed);
        }
        world.proxy.listen();
        while let Err(failed) = first_subscription(&mut framework).await {
            assert!(failed.ends_with(": connection refused"), "{failed}");
        }
        framework.works().await;
        world.end(framework).await;
    });
}

async fn first_subscription(framework: &mut Framework) -> Result<(), String> {
    match framework.next_of_session().await {
        Event::Subscribed { framework_id, .. } => {
            framework.id = framework_id;
            Ok(())
        }
        Event::Disconnected { why, .. } => Err(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_master_that_is_gone_for_a_while_gives_the_framework_back() {
    alone(async {
        let mut world = World::start().await;
        let mut framework = world.subscribed().await;
        framework.works().await;
        world.proxy.refuse().await;
        framework.expect_disconnected(DisconnectCause::StreamEnded).await;
        assert_eq!(within(framework.client.revive(Vec::new())).await, CallOutcome::NotSubscribed);
        assert!(
            framework
                .expect_disconnected(DisconnectCause::Unreachable)
                .await
                .ends_with(": connection refused")
        );
        world.proxy.listen();
        for failed in framework.failures_until_subscribed().await {
            assert!(failed.ends_with(": connection refused"), "{failed}");
        }
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn connections_that_end_as_soon_as_they_are_there_are_tried_again() {
    alone(async {
        let world = World::start().await;
        let ends = [End::Reset, End::Close, End::Reset];
        world.proxy.plan_ends(ends);
        let mut framework = Framework::start(world.builder());
        for end in ends {
            let why = framework.expect_disconnected(DisconnectCause::StreamEnded).await;
            assert!(why.starts_with(&format!("{}: ", world.proxy.url())), "{end:?}: {why}");
        }
        framework.expect_first_subscription().await;
        framework.works().await;
        world.end(framework).await;
    });
}

/// The end of the head of an answer, the blank line included.
fn head_length(answer: &[u8]) -> usize {
    answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head has an end") + 4
}

#[test]
fn a_head_that_is_cut_after_any_byte_is_a_failed_attempt() {
    alone(async {
        let world = World::start().await;
        let mut framework = world.subscribed().await;
        let length = head_length(&world.proxy.seen(Lane::Stream));
        for end in [End::Close, End::Reset] {
            world.proxy.plan(Lane::Stream, (0..length).map(|bytes| Fault::CutAfter(bytes, end)));
            // The subscription that there was, and one attempt for each byte.
            world.proxy.end(Lane::Stream, end);
            for attempt in 0..=length {
                let why = framework.expect_disconnected(DisconnectCause::StreamEnded).await;
                assert!(why.starts_with(&format!("{}: ", world.proxy.url())), "{end:?} {attempt}: {why}");
            }
            framework.expect_subscribed().await;
            framework.works().await;
        }
        world.end(framework).await;
    });
}
