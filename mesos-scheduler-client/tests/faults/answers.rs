//! Answers of masters that do not lead, and of whoever stands before them.

use mesos_local::MasterPhase;
use mesos_scheduler_client::{CallOutcome, DisconnectCause, Event};

use crate::{
    framework::Framework,
    proxy::{Lane, answer},
    world::{World, alone, builder, within},
};

#[test]
fn a_master_that_starts_is_asked_until_it_leads() {
    alone(async {
        let world = World::start().await;
        let mut framework = world.subscribed().await;
        framework.works().await;
        for (phase, said) in [
            (MasterPhase::Starting, "404 '404 Not Found.'"),
            (MasterPhase::NoLeader, "503 'No leader elected'"),
            (MasterPhase::Recovering, "503 'Master has not finished recovery'"),
        ] {
            world.cluster.set_master_phase(0, phase).await.unwrap();
            // What was on its way is told first.
            framework.wait_until_told(&format!("{}: {said}", world.proxy.url())).await;
            assert_eq!(within(framework.client.revive(Vec::new())).await, CallOutcome::NotSubscribed);
        }
        world.cluster.set_master_phase(0, MasterPhase::Leading).await.unwrap();
        framework.failures_until_subscribed().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_404_at_the_very_start_is_tried_again() {
    alone(async {
        let world = World::start().await;
        world.proxy.plan(Lane::Stream, [answer("404 Not Found", "", "404 Not Found.")]);
        let mut framework = Framework::start(world.builder());
        let why = framework.expect_disconnected(DisconnectCause::NotReady).await;
        assert_eq!(why, format!("{}: 404 '404 Not Found.'", world.proxy.url()));
        framework.expect_first_subscription().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_proxy_that_has_no_master_is_tried_again() {
    alone(async {
        let world = World::start().await;
        let statuses =
            ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "429 Too Many Requests"];
        world.proxy.plan(Lane::Stream, statuses.map(|status| answer(status, "", "no <master>")));
        let mut framework = Framework::start(world.builder());
        for status in statuses {
            let why = framework.expect_disconnected(DisconnectCause::NotReady).await;
            assert_eq!(why, format!("{}: {} 'no <master>'", world.proxy.url(), &status[..3]));
        }
        framework.expect_first_subscription().await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn calls_that_show_that_the_master_does_not_lead_end_the_subscription() {
    alone(async {
        for (status, headers) in [
            ("503 Service Unavailable", ""),
            ("307 Temporary Redirect", "Location: //127.0.0.1:1/master/api/v1/scheduler\r\n"),
            ("404 Not Found", ""),
        ] {
            let world = World::start().await;
            let mut framework = world.subscribed().await;
            world.proxy.plan(Lane::Calls, [answer(status, headers, "x")]);
            let code: u16 = status[..3].parse().unwrap();
            let outcome = within(framework.client.revive(Vec::new())).await;
            assert_eq!(outcome, CallOutcome::Refused { status: code, text: "x".into() });
            framework.expect_disconnected(DisconnectCause::CallRefused).await;
            framework.expect_subscribed().await;
            framework.works().await;
            world.end(framework).await;
        }
    });
}

#[test]
fn two_masters_that_redirect_to_each_other_are_left_and_tried_again() {
    alone(async {
        let world = World::with(|config| config.masters = 2).await;
        let urls = world.cluster.master_urls().to_vec();
        for (master, other) in [(0, 1), (1, 0)] {
            let leader = urls[other].replace("http://", "");
            world.cluster.set_master_phase(master, MasterPhase::Standby { leader }).await.unwrap();
        }
        let mut framework = Framework::start(builder(&urls.join(",")));
        for _ in 0..3 {
            let why = framework.expect_disconnected(DisconnectCause::Redirect).await;
            assert!(why.contains("redirect"), "{why}");
        }
        world.cluster.elect(1).await.unwrap();
        loop {
            match framework.next_of_session().await {
                Event::Disconnected { why, .. } => assert!(why.contains("redirect"), "{why}"),
                Event::Subscribed { framework_id, url, .. } => {
                    assert_eq!(url, urls[1]);
                    framework.id = framework_id;
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_standby_that_still_points_at_the_dead_leader_is_tried_until_it_knows_better() {
    alone(async {
        let world = World::with(|config| config.masters = 2).await;
        let urls = world.cluster.master_urls().to_vec();
        let mut framework = Framework::subscribed(builder(&urls[1])).await;
        framework.works().await;
        world.cluster.set_master_phase(0, MasterPhase::Dead).await.unwrap();
        framework.expect_disconnected(DisconnectCause::StreamEnded).await;
        for _ in 0..2 {
            let why = framework.expect_disconnected(DisconnectCause::Unreachable).await;
            assert!(why.contains(&urls[0]) && why.contains("refused"), "{why}");
        }
        world.cluster.elect(1).await.unwrap();
        framework.failures_until_subscribed().await;
        framework.works().await;
        world.cluster.set_master_phase(0, MasterPhase::NoLeader).await.unwrap();
        world.end(framework).await;
    });
}
