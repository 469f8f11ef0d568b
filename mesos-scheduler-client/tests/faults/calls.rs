//! Answers to calls that never come.

use std::time::Duration;

use mesos_proto::v1::TaskState;
use mesos_scheduler_client::{CallOutcome, CloseReason, DisconnectCause, Event};

use crate::{
    framework::Framework,
    proxy::{End, Fault, Lane},
    world::{World, alone, within},
};

fn expect_unknown(outcome: CallOutcome) {
    match outcome {
        CallOutcome::OutcomeUnknown { why } => assert!(!why.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_whose_answer_is_cut_after_any_byte_is_unknown_and_not_repeated() {
    alone(async {
        let world = World::start().await;
        let mut framework = world.subscribed().await;
        assert_eq!(within(framework.client.revive(Vec::new())).await, CallOutcome::Accepted);
        let length = world.proxy.seen(Lane::Calls).len();
        for end in [End::Close, End::Reset] {
            for bytes in 0..length {
                world.proxy.end(Lane::Calls, End::Close);
                world.proxy.plan(Lane::Calls, [Fault::CutAfter(bytes, end)]);
                let outcome = within(framework.client.reconcile(Vec::new())).await;
                match outcome {
                    CallOutcome::OutcomeUnknown { .. } => {}
                    other => panic!("cut after {bytes} of {length} by {end:?}: {other:?}"),
                }
            }
        }
        // The stream went on all the time.
        framework.works().await;
        assert_eq!(world.count("RECONCILE"), 2 * length);
        world.end(framework).await;
    });
}

#[test]
fn an_accept_whose_answer_is_reset_has_its_effect_and_the_subscription_goes_on() {
    alone(async {
        let world = World::start().await;
        let mut framework = world.subscribed().await;
        let offer = framework.offer().await;
        let (task, accept) = framework.launch(&offer, "true");
        world.proxy.plan(Lane::Calls, [Fault::CutAfter(0, End::Reset)]);
        expect_unknown(within(framework.client.send(accept)).await);
        framework.reach(&task, TaskState::TaskFinished).await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn an_accept_that_is_never_answered_ends_the_subscription_and_its_task_is_found_again() {
    alone(async {
        let world = World::start().await;
        let mut framework =
            Framework::subscribed(world.builder().call_timeout(Duration::from_millis(500))).await;
        let offer = framework.offer().await;
        let (task, accept) = framework.launch(&offer, "sleep 1000");
        world.proxy.plan(Lane::Calls, [Fault::StallAfter(0)]);
        expect_unknown(within(framework.client.send(accept)).await);
        let why = framework.expect_disconnected(DisconnectCause::CallLost).await;
        assert!(why.contains("500ms"), "{why}");
        framework.expect_subscribed().await;
        // The agent tells again what nobody acknowledged.
        framework.reach(&task, TaskState::TaskRunning).await;
        assert_eq!(
            within(framework.client.kill(task.as_str().into(), None, None)).await,
            CallOutcome::Accepted
        );
        framework.reach(&task, TaskState::TaskKilled).await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_teardown_whose_answer_is_lost_is_confirmed_by_asking_again() {
    alone(async {
        for end in [End::Close, End::Reset] {
            let world = World::start().await;
            let mut framework = world.subscribed().await;
            framework.works().await;
            world.proxy.end(Lane::Calls, End::Close);
            world.proxy.plan(Lane::Calls, [Fault::CutAfter(0, end)]);
            assert_eq!(within(framework.client.teardown()).await, Ok(()));
            let reason = loop {
                match framework.next_of_session().await {
                    Event::Disconnected { .. } => {}
                    Event::Closed(reason) => break reason,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(reason, CloseReason::TornDown);
            world.end(framework).await;
        }
    });
}

#[test]
fn a_teardown_that_nobody_answers_ends_unconfirmed() {
    alone(async {
        let mut world = World::start().await;
        let mut framework =
            Framework::subscribed(world.builder().teardown_timeout(Duration::from_millis(500))).await;
        framework.works().await;
        world.proxy.refuse().await;
        assert!(within(framework.client.teardown()).await.is_err());
        let reason = loop {
            match framework.next_of_session().await {
                Event::Disconnected { .. } => {}
                Event::Closed(reason) => break reason,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(reason, CloseReason::TeardownUnconfirmed { .. }), "{reason:?}");
        world.proxy.listen();
        world.end(framework).await;
    });
}

#[test]
fn calls_that_were_on_the_wire_together_are_unknown_together() {
    alone(async {
        let world = World::start().await;
        let mut framework = world.subscribed().await;
        framework.works().await;
        world.proxy.stall(Lane::Calls);
        let replies = [(); 3].map(|()| framework.client.reconcile(Vec::new()));
        world.said("RECONCILE", 3).await;
        world.proxy.end(Lane::Calls, End::Reset);
        for reply in replies {
            expect_unknown(within(reply).await);
        }
        world.proxy.go_on(Lane::Calls);
        // The stream went on, and nothing was repeated.
        framework.works().await;
        assert_eq!(world.count("RECONCILE"), 3);
        world.end(framework).await;
    });
}

#[test]
fn a_call_that_waited_behind_one_on_the_wire_was_not_sent() {
    alone(async {
        let world = World::start().await;
        let mut framework = Framework::subscribed(world.builder().max_calls_in_flight(1)).await;
        framework.works().await;
        world.proxy.stall(Lane::Calls);
        let (sent, waiting) = (framework.client.reconcile(Vec::new()), framework.client.suppress(Vec::new()));
        world.said("RECONCILE", 1).await;
        world.proxy.end(Lane::Stream, End::Reset);
        expect_unknown(within(sent).await);
        assert_eq!(within(waiting).await, CallOutcome::NotSubscribed);
        framework.expect_disconnected(DisconnectCause::StreamEnded).await;
        world.proxy.go_on(Lane::Calls);
        framework.expect_subscribed().await;
        framework.works().await;
        assert_eq!(world.count("SUPPRESS"), 0);
        world.end(framework).await;
    });
}
