//! Masters that come and go, and a second instance of the framework.

use mesos_local::MasterPhase;
use mesos_proto::v1::{self, TaskState};
use mesos_scheduler_client::{CallOutcome, ClientBuilder, CloseReason, DisconnectCause, Event, Masters};

use crate::{
    framework::{Framework, info},
    world::{World, alone, builder, within},
};

async fn running(framework: &mut Framework) -> String {
    let offer = framework.offer().await;
    let (task, accept) = framework.launch(&offer, "sleep 1000");
    assert_eq!(within(framework.client.send(accept)).await, CallOutcome::Accepted);
    framework.reach(&task, TaskState::TaskRunning).await;
    task
}

async fn kill(framework: &mut Framework, task: &str) {
    assert_eq!(within(framework.client.kill(task.into(), None, None)).await, CallOutcome::Accepted);
    framework.reach(task, TaskState::TaskKilled).await;
}

#[test]
fn a_framework_and_its_task_move_with_the_leadership() {
    alone(async {
        let world = World::with(|config| config.masters = 2).await;
        let urls = world.cluster.master_urls().to_vec();
        let mut framework = Framework::subscribed(builder(&urls.join(","))).await;
        let task = running(&mut framework).await;
        for leader in [1, 0, 1] {
            world.cluster.elect(leader).await.unwrap();
            framework.expect_disconnected(DisconnectCause::StreamEnded).await;
            loop {
                match framework.next_of_session().await {
                    Event::Disconnected { .. } => {}
                    Event::Subscribed { framework_id, url, .. } => {
                        assert_eq!((&framework_id, &url), (&framework.id, &urls[leader]));
                        break;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        kill(&mut framework, &task).await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_framework_lives_through_an_election_that_takes_its_time() {
    alone(async {
        let world = World::with(|config| config.masters = 3).await;
        let urls = world.cluster.master_urls().to_vec();
        let mut framework = Framework::subscribed(builder(&urls.join(","))).await;
        let task = running(&mut framework).await;
        world.cluster.set_master_phase(0, MasterPhase::Dead).await.unwrap();
        framework.expect_disconnected(DisconnectCause::StreamEnded).await;
        // The dead one refuses, the others point at it; then they know of no leader; then one of them recovers.
        for _ in 0..3 {
            assert!(framework.expect_disconnected(DisconnectCause::Unreachable).await.contains("refused"));
        }
        for master in [1, 2] {
            world.cluster.set_master_phase(master, MasterPhase::NoLeader).await.unwrap();
        }
        framework.wait_until_told("503 'No leader elected'").await;
        world.cluster.set_master_phase(1, MasterPhase::Recovering).await.unwrap();
        let leader = urls[1].replace("http://", "");
        world.cluster.set_master_phase(2, MasterPhase::Standby { leader }).await.unwrap();
        framework.wait_until_told("503 'Master has not finished recovery'").await;
        world.cluster.set_master_phase(1, MasterPhase::Leading).await.unwrap();
        framework.failures_until_subscribed().await;
        kill(&mut framework, &task).await;
        framework.works().await;
        world.cluster.set_master_phase(0, MasterPhase::NoLeader).await.unwrap();
        world.end(framework).await;
    });
}

/// A framework that its master removes as soon as its scheduler is gone.
fn short_lived(world: &World) -> ClientBuilder {
    let info = v1::FrameworkInfo { failover_timeout: None, ..info() };
    ClientBuilder::new(info, Masters::parse(&world.proxy.url()).unwrap())
        .backoff(std::time::Duration::from_millis(1), std::time::Duration::from_millis(5))
        .seed(1)
}

#[test]
fn a_master_that_comes_back_with_the_list_of_removed_frameworks_ends_the_session() {
    alone(async {
        let world = World::start().await;
        let mut framework = Framework::subscribed(short_lived(&world)).await;
        framework.works().await;
        world.cluster.set_master_phase(0, MasterPhase::Unreachable).await.unwrap();
        framework.expect_disconnected(DisconnectCause::StreamEnded).await;
        world.cluster.set_master_phase(0, MasterPhase::Leading).await.unwrap();
        let reason = loop {
            match framework.next_of_session().await {
                Event::Disconnected { .. } => {}
                Event::Closed(reason) => break reason,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(reason, CloseReason::Removed { message: "Framework has been removed".into() });
        assert_eq!(within(framework.client.revive(Vec::new())).await, CallOutcome::NotSubscribed);
        world.end(framework).await;
    });
}

#[test]
fn a_master_that_starts_anew_without_that_list_takes_the_framework_back() {
    alone(async {
        let world = World::start().await;
        let mut framework = Framework::subscribed(short_lived(&world)).await;
        let task = running(&mut framework).await;
        world.cluster.set_master_phase(0, MasterPhase::Dead).await.unwrap();
        framework.expect_disconnected(DisconnectCause::StreamEnded).await;
        world.cluster.set_master_phase(0, MasterPhase::Leading).await.unwrap();
        framework.failures_until_subscribed().await;
        kill(&mut framework, &task).await;
        framework.works().await;
        world.end(framework).await;
    });
}

#[test]
fn a_second_instance_ends_the_first_one_and_is_left_alone_by_it() {
    alone(async {
        let world = World::start().await;
        let mut first = world.subscribed().await;
        first.works().await;
        let info = v1::FrameworkInfo { id: Some(first.id.clone()), ..info() };
        let again = ClientBuilder::new(info, Masters::parse(&world.proxy.url()).unwrap()).seed(2);
        let mut second = Framework::subscribed(again).await;
        assert_eq!(second.id, first.id);
        assert_eq!(first.expect_closed().await, CloseReason::FailedOver);
        assert_eq!(within(first.client.revive(Vec::new())).await, CallOutcome::NotSubscribed);
        second.works().await;
        drop(first);
        second.works().await;
        world.end(second).await;
    });
}
