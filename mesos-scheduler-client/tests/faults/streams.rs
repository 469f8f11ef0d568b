//! Streams that break off, fall silent, or come in pieces.

use std::time::Duration;

use mesos_proto::v1::TaskState;
use mesos_scheduler_client::{CallOutcome, DisconnectCause, Event};

use crate::{
    framework::Framework,
    proxy::{End, Fault, Lane},
    world::{World, alone, within},
};

/// Where the chunks of an answer end that begin with its first byte, the head being the first of them. Only whole
/// chunks count.
fn boundaries(answer: &[u8]) -> Vec<usize> {
    let mut ends = vec![answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4];
    loop {
        let start = *ends.last().unwrap();
        let Some(line) = answer[start..].windows(2).position(|window| window == b"\r\n") else { return ends };
        let length = std::str::from_utf8(&answer[start..start + line]).unwrap();
        let end = start + line + 2 + usize::from_str_radix(length, 16).unwrap() + 2;
        if end > answer.len() {
            return ends;
        }
        ends.push(end);
    }
}

/// Subscribes and waits for the records SUBSCRIBED, HEARTBEAT and OFFERS; gives where head and records end.
async fn with_first_records(world: &World) -> (Framework, Vec<usize>) {
    let mut framework = world.subscribed().await;
    framework.works().await;
    let ends = boundaries(&world.proxy.seen(Lane::Stream));
    assert!(ends.len() > 3, "{ends:?}");
    (framework, ends[..4].to_vec())
}

#[test]
fn a_stream_that_is_closed_after_any_byte_of_its_first_records_is_opened_again() {
    alone(async {
        let world = World::start().await;
        let (mut framework, ends) = with_first_records(&world).await;
        // A record is known when its last byte is there, which the end of its chunk follows.
        let subscribed = ends[1] - 2;
        // The last record may differ in length by digits of numbers.
        let cuts = ends[0]..ends[3] - 8;
        world.proxy.plan(Lane::Stream, cuts.clone().map(|bytes| Fault::CutAfter(bytes, End::Close)));
        world.proxy.end(Lane::Stream, End::Close);
        framework.expect_disconnected(DisconnectCause::StreamEnded).await;
        for cut in cuts {
            if cut >= subscribed {
                assert_eq!(framework.expect_subscribed().await, world.proxy.url(), "cut after {cut}");
            }
            let why = framework.expect_disconnected(DisconnectCause::StreamEnded).await;
            assert!(why.starts_with(&format!("{}: ", world.proxy.url())), "cut after {cut}: {why}");
        }
        framework.expect_subscribed().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_stream_that_is_reset_after_any_byte_of_its_first_records_is_opened_again() {
    alone(async {
        let world = World::start().await;
        let (mut framework, ends) = with_first_records(&world).await;
        let cuts = ends[0]..ends[3] - 8;
        world.proxy.plan(Lane::Stream, cuts.clone().map(|bytes| Fault::CutAfter(bytes, End::Reset)));
        world.proxy.end(Lane::Stream, End::Reset);
        // A reset overtakes what was not read yet, so a subscription may be seen or not. Each connection fails once.
        let mut failed = 0;
        while failed <= cuts.len() {
            match framework.next_of_session().await {
                Event::Disconnected { .. } => failed += 1,
                Event::Subscribed { framework_id, .. } => assert_eq!(framework_id, framework.id),
                other => panic!("{other:?}"),
            }
        }
        framework.expect_subscribed().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_call_in_flight_when_the_stream_breaks_has_an_unknown_outcome() {
    alone(async {
        for end in [End::Close, End::Reset] {
            let world = World::start().await;
            let mut framework = world.subscribed().await;
            framework.works().await;
            world.proxy.stall(Lane::Calls);
            let reply = framework.client.revive(Vec::new());
            world.said("REVIVE", 1).await;
            world.proxy.end(Lane::Stream, end);
            match within(reply).await {
                CallOutcome::OutcomeUnknown { why } => assert!(!why.is_empty()),
                other => panic!("{other:?}"),
            }
            framework.expect_disconnected(DisconnectCause::StreamEnded).await;
            world.proxy.go_on(Lane::Calls);
            framework.expect_subscribed().await;
            framework.works().await;
            world.end(framework).await;
        }
    });
}

#[test]
fn a_stream_without_heartbeats_is_given_up_and_opened_again() {
    alone(async {
        let world = World::with(|config| config.heartbeat_interval = Duration::from_millis(200)).await;
        let mut framework = Framework::subscribed(world.builder().missed_heartbeats(3)).await;
        framework.works().await;
        world.proxy.stall(Lane::Stream);
        let why = framework.expect_disconnected(DisconnectCause::Silent).await;
        assert!(why.starts_with(&format!("{}: ", world.proxy.url())), "{why}");
        assert!(why.contains("600ms"), "{why}");
        world.proxy.go_on(Lane::Stream);
        framework.expect_subscribed().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_stream_that_stalls_before_its_first_record_is_given_up_at_the_deadline() {
    alone(async {
        let world = World::start().await;
        let first = Framework::subscribed(world.builder()).await;
        let head = boundaries(&world.proxy.seen(Lane::Stream))[0];
        drop(first);
        world.proxy.wait_for_silence().await;
        // Nothing, half of the head, the head, half of SUBSCRIBED.
        let stalls = [0, head / 2, head, head + 20];
        world.proxy.plan(Lane::Stream, stalls.map(Fault::StallAfter));
        let mut framework = Framework::start(world.builder().subscribe_timeout(Duration::from_millis(200)));
        for stall in stalls {
            let why = framework.expect_disconnected(DisconnectCause::Late).await;
            assert!(why.contains("200ms"), "{stall}: {why}");
        }
        framework.expect_first_subscription().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn answers_that_come_byte_by_byte_are_understood() {
    alone(async {
        let world = World::start().await;
        world.proxy.plan(Lane::Stream, [Fault::Pieces(1)]);
        world.proxy.plan(Lane::Calls, [Fault::Pieces(1)]);
        let mut framework = world.subscribed().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn what_a_stream_held_back_for_a_while_arrives_in_order() {
    alone(async {
        let world = World::start().await;
        let mut framework = world.subscribed().await;
        let offer = framework.offer().await;
        world.proxy.stall(Lane::Stream);
        let (task, accept) = framework.launch(&offer, "true");
        assert_eq!(within(framework.client.send(accept)).await, CallOutcome::Accepted);
        world.said("UPDATE", 1).await;
        world.proxy.go_on(Lane::Stream);
        framework.reach(&task, TaskState::TaskFinished).await;
        framework.works().await;
        world.end(framework).await;
    });
}
