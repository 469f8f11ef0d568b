//! A burst of tasks through [`Framework`].

use std::time::Instant;

use mesos_scheduler_client::{Framework, Policy};

use crate::{counters::Counters, master::Master, process, record::Record, workload};

/// Submits so many tasks at once to an idle framework and waits until all of them run.
pub(crate) async fn burst(tasks: usize, agents: usize) {
    let counters = Counters::install();
    let master = Master::start(agents);
    let rules = workload::Rules::new();
    let (client, events) = workload::client(&master.url);
    let framework = Framework::start(client, events, Policy::default());
    // Subscribed, and every code path is warm.
    let first = framework.submit(workload::spec("first".into(), rules.get(0))).await.unwrap();
    framework.kill(&first.id).await;

    let (before, resident_before) = (counters.read(), process::resident_kib());
    let (cpu_before, start) = (process::cpu(), Instant::now());
    let submissions: Vec<_> = (0..tasks)
        .map(|index| framework.submit(workload::spec(format!("task-{index}"), rules.get(index))))
        .collect();
    let submitted = start.elapsed();
    let mut running = Vec::with_capacity(tasks);
    for submission in submissions {
        running.push(submission.await.unwrap());
    }
    let took = start.elapsed();
    counters.acknowledged(&before, 2 * tasks).await;
    let cpu = process::cpu() - cpu_before;

    let mut record = Record::new("burst");
    record.add("way", "framework");
    record.add("tasks", tasks);
    record.add("agents", agents);
    record.add_seconds("submitted", submitted);
    record.add_seconds("seconds", took);
    record.add_seconds("client_cpu", cpu);
    record.add("client_peak_kib", process::peak_kib());
    record.add("client_grown_kib", process::resident_kib().saturating_sub(resident_before));
    for (name, count) in counters.since(&before) {
        record.add(name, count);
    }
    for (name, value) in master.stop() {
        record.add(name, value);
    }
    record.print();
    drop(running);
}
