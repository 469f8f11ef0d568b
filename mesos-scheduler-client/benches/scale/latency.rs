//! From the wish for a task to the task that runs, one after the other, beside what the master itself takes.

use std::time::{Duration, Instant};

use mesos_proto::v1::{
    self, TaskState,
    offer::{Operation, operation},
    scheduler::event,
};
use mesos_scheduler_client::{Client, Event, Events, Framework, Policy};

use crate::{counters::Counters, master::Master, record::Record, workload};

/// Each creation starts from a framework at rest, which may ask for offers: no more than ten times a second in the
/// long run, whoever creates more than that.
const BETWEEN: Duration = Duration::from_millis(110);

pub(crate) async fn measure(samples: usize, agents: usize) {
    let counters = Counters::install();
    let master = Master::start(agents);
    let (accept, revive) = raw(&master.url, samples).await;
    print("raw_accept", accept);
    print("raw_revive", revive);
    let hold = |hold| {
        let mut policy = Policy::default();
        policy.hold = hold;
        policy
    };
    let (held, _) = creations(&master.url, hold(Duration::from_secs(60)), samples, &counters).await;
    print("held", held);
    let (_, suppressed) = creations(&master.url, hold(Duration::ZERO), samples, &counters).await;
    print("suppressed", suppressed);
    master.stop();
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    assert!(!times.is_empty(), "nothing was measured of '{name}'");
    let quantile = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let mut record = Record::new("latency");
    record.add("what", name);
    record.add("samples", times.len());
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        record.add_seconds(name, quantile(share));
    }
    record.print();
}

/// ACCEPT → TASK_RUNNING, and REVIVE → OFFERS, with nothing but the calls.
async fn raw(master: &str, samples: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (client, mut events) = workload::client(master);
    let (mut accepts, mut revives) = (Vec::new(), Vec::new());
    let mut offers = next_offers(&client, &mut events).await;
    for index in 0..samples {
        // Nothing is offered any more when the answer is there.
        client.suppress(Vec::new()).await;
        let offer = offers.pop().expect("every agent has room");
        decline_all(&client, offers).await;
        // As long as below, so that caches and processors have forgotten as much.
        tokio::time::sleep(BETWEEN).await;
        let start = Instant::now();
        drop(client.accept(vec![offer.id.clone()], vec![launch(index, &offer)], None));
        run(&client, &mut events).await;
        accepts.push(start.elapsed());

        tokio::time::sleep(BETWEEN).await;
        let start = Instant::now();
        drop(client.revive(Vec::new()));
        offers = next_offers(&client, &mut events).await;
        revives.push(start.elapsed());
    }
    client.teardown().await.unwrap();
    (accepts, revives)
}

async fn decline_all(client: &Client, offers: Vec<v1::Offer>) {
    if !offers.is_empty() {
        client.decline(offers.into_iter().map(|offer| offer.id).collect(), None).await;
    }
}

async fn next_offers(client: &Client, events: &mut Events) -> Vec<v1::Offer> {
    loop {
        let Event::Mesos(event) = events.next().await.unwrap() else { continue };
        if let Some(update) = event.update {
            drop(client.acknowledge(&update.status));
        } else if let Some(offers) = event.offers {
            return offers.offers;
        }
    }
}

async fn run(client: &Client, events: &mut Events) {
    loop {
        let Event::Mesos(event) = events.next().await.unwrap() else { continue };
        assert!(event.r#type() == event::Type::Update, "nothing else is due: {event:?}");
        let status = event.update.unwrap().status;
        drop(client.acknowledge(&status));
        if status.state() == TaskState::TaskRunning {
            return;
        }
    }
}

fn launch(index: usize, offer: &v1::Offer) -> Operation {
    let info = v1::TaskInfo {
        task_id: v1::TaskId::new(format!("raw-{index}")),
        agent_id: offer.agent_id.clone(),
        resources: vec![
            v1::Resource::scalar_milli("cpus", workload::CPUS_MILLI),
            v1::Resource::scalar_milli("mem", workload::MEM_MIB * 1000),
        ],
        ..workload::template()
    };
    Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: vec![info] }),
        ..Operation::default()
    }
}

/// Creations that found a held offer, and those that needed a REVIVE.
async fn creations(
    master: &str,
    policy: Policy,
    samples: usize,
    counters: &Counters,
) -> (Vec<Duration>, Vec<Duration>) {
    let rules = workload::Rules::new();
    let (client, events) = workload::client(master);
    let framework = Framework::start(client, events, policy);
    let revives = || counters.read().get("call:REVIVE").copied().unwrap_or(0);
    let (mut held, mut revived) = (Vec::new(), Vec::new());
    framework.submit(workload::spec("first".into(), rules.get(0))).await.unwrap();
    for index in 0..samples {
        let before = revives();
        let start = Instant::now();
        let task = framework.submit(workload::spec(format!("task-{index}"), rules.get(index))).await.unwrap();
        let took = start.elapsed();
        if revives() == before {
            held.push(took)
        } else {
            revived.push(took)
        };
        framework.kill(&task.id).await;
        tokio::time::sleep(BETWEEN).await;
    }
    framework.teardown().await.unwrap();
    (held, revived)
}
