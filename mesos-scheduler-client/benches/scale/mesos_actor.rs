//! The same burst as mesos-actor, the client of the old factory, would launch it: nothing is held or suppressed; of
//! each event the offer with the least memory that suits a waiting task takes all that fit, by one ACCEPT; all other
//! offers are declined for 5 s. A yardstick, not meant for use.

use std::{collections::VecDeque, time::Instant};

use mesos_proto::v1::{
    self, TaskState,
    offer::{Operation, operation},
    scheduler::event,
};
use mesos_scheduler_client::{Client, Eligibility, Event};

use crate::{
    counters::Counters,
    master::Master,
    process,
    record::Record,
    workload::{self, CPUS_MILLI, MEM_MIB},
};

const REFUSE_SECONDS: f64 = 5.0;

struct Waiting {
    id: String,
    eligibility: Eligibility,
}

/// Gives so many tasks to an idle framework and waits until all of them run.
pub(crate) async fn burst(tasks: usize, agents: usize) {
    let counters = Counters::install();
    let master = Master::start(agents);
    let rules = workload::Rules::new();
    let (client, mut events) = workload::client(&master.url);
    let mut waiting = VecDeque::new();
    // Idle: the offers of a subscription were refused when the tasks come.
    loop {
        if let Event::Mesos(event) = events.next().await.unwrap()
            && let Some(offers) = event.offers
        {
            match_offers(&client, &mut waiting, offers.offers);
            break;
        }
    }

    let before = counters.read();
    let (cpu_before, start) = (process::cpu(), Instant::now());
    waiting.extend(
        (0..tasks)
            .map(|index| Waiting { id: format!("task-{index}"), eligibility: rules.get(index).clone() }),
    );
    let mut running = 0;
    while running < tasks {
        let Event::Mesos(event) = events.next().await.unwrap() else { continue };
        match event.r#type() {
            event::Type::Offers => {
                match_offers(&client, &mut waiting, event.offers.unwrap_or_default().offers);
            }
            event::Type::Update => {
                let status = event.update.unwrap().status;
                // Nobody waits for the answer.
                drop(client.acknowledge(&status));
                running += usize::from(status.state() == TaskState::TaskRunning);
            }
            other => assert!(other == event::Type::Heartbeat, "{other:?}"),
        }
    }
    let took = start.elapsed();
    counters.acknowledged(&before, 2 * tasks).await;
    let cpu = process::cpu() - cpu_before;

    let mut record = Record::new("burst");
    record.add("way", "mesos-actor");
    record.add("tasks", tasks);
    record.add("agents", agents);
    record.add_seconds("seconds", took);
    record.add_seconds("client_cpu", cpu);
    record.add("client_peak_kib", process::peak_kib());
    for (name, count) in counters.since(&before) {
        record.add(name, count);
    }
    for (name, value) in master.stop() {
        record.add(name, value);
    }
    record.print();
}

fn match_offers(client: &Client, waiting: &mut VecDeque<Waiting>, mut offers: Vec<v1::Offer>) {
    offers.sort_by_key(|offer| scalar(offer, "mem"));
    let chosen = offers.iter().position(|offer| {
        room(offer) > 0 && waiting.iter().any(|task| task.eligibility.check(offer).is_ok())
    });
    if let Some(index) = chosen {
        launch(client, waiting, &offers.remove(index));
    }
    if !offers.is_empty() {
        let filters = v1::Filters { refuse_seconds: Some(REFUSE_SECONDS) };
        drop(client.decline(offers.into_iter().map(|offer| offer.id).collect(), Some(filters)));
    }
}

fn launch(client: &Client, waiting: &mut VecDeque<Waiting>, offer: &v1::Offer) {
    let ports = offer.resources.iter().find(|resource| resource.name == "ports");
    let ports = ports.and_then(|resource| resource.ranges.as_ref()).map(v1::Ranges::from_value);
    let mut ports = ports.unwrap_or_default().numbers().collect::<Vec<_>>().into_iter();
    let mut room = room(offer);
    let mut infos = Vec::new();
    waiting.retain(|task| {
        if room == 0 || task.eligibility.check(offer).is_err() {
            return true;
        }
        let Some(port) = ports.next() else { return true };
        room -= 1;
        infos.push(task_info(&task.id, offer, port));
        false
    });
    let operation = Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: infos }),
        ..Operation::default()
    };
    drop(client.accept(vec![offer.id.clone()], vec![operation], None));
}

fn task_info(id: &str, offer: &v1::Offer, port: u64) -> v1::TaskInfo {
    v1::TaskInfo {
        task_id: v1::TaskId::new(id),
        agent_id: offer.agent_id.clone(),
        resources: vec![
            v1::Resource::scalar_milli("cpus", CPUS_MILLI),
            v1::Resource::scalar_milli("mem", MEM_MIB * 1000),
            v1::Resource::ranges("ports", &v1::Ranges::single(port, port)),
        ],
        ..workload::template()
    }
}

/// How many tasks fit.
fn room(offer: &v1::Offer) -> i64 {
    (scalar(offer, "cpus") / CPUS_MILLI).min(scalar(offer, "mem") / (MEM_MIB * 1000))
}

/// In thousandths.
fn scalar(offer: &v1::Offer, name: &str) -> i64 {
    offer.resources.iter().filter(|resource| resource.name == name).map(v1::Resource::milli).sum()
}
