//! An owner who does not take events.

use mesos_proto::v1::{self, scheduler::call::reconcile};
use mesos_scheduler_client::{CallOutcome, DisconnectCause, Event};

use crate::{
    framework::Framework,
    world::{World, alone, within},
};

const CAPACITY: usize = 4;

/// Lets the master tell more than fits, and waits until the client has hung up because of it.
async fn overflow(world: &World, framework: &Framework) {
    let tasks = (0..50).map(|number| reconcile::Task {
        task_id: v1::TaskId::new(format!("unknown-{number}")),
        agent_id: None,
    });
    // The answer comes before or after the overflow.
    let _ = within(framework.client.reconcile(tasks.collect())).await;
    world.proxy.wait_for_silence().await;
    within(world.cluster.wait_for_connections(0)).await;
}

async fn framework(world: &World) -> Framework {
    let mut framework = Framework::start(world.builder().event_capacity(CAPACITY));
    framework.expect_first_subscription().await;
    framework
}

#[test]
fn a_slow_reader_loses_the_subscription_and_gets_it_back_when_it_has_caught_up() {
    alone(async {
        let world = World::start().await;
        let mut framework = framework(&world).await;
        for _ in 0..3 {
            overflow(&world, &framework).await;
            assert_eq!(within(framework.client.revive(Vec::new())).await, CallOutcome::NotSubscribed);
            let mut waiting = 0;
            loop {
                match framework.next().await {
                    Event::Mesos(_) => waiting += 1,
                    Event::Disconnected { cause, .. } => {
                        assert_eq!(cause, DisconnectCause::Overflow);
                        break;
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(waiting, CAPACITY);
            framework.expect_subscribed().await;
            framework.works().await;
        }
        world.end(framework).await;
    });
}

#[test]
fn a_reader_that_never_comes_back_leaves_nothing() {
    alone(async {
        let world = World::start().await;
        let framework = framework(&world).await;
        overflow(&world, &framework).await;
        world.end(framework).await;
    });
}
