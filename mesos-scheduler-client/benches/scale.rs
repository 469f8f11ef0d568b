//! Many tasks through a client and HTTP, for `cargo xtask scale`: one run for each start of this program, one
//! record on stdout for each run.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark, which prints what it read from clocks"
)]

use std::env;

#[path = "scale/counters.rs"]
mod counters;
#[path = "scale/latency.rs"]
mod latency;
#[path = "scale/master.rs"]
mod master;
#[path = "scale/mesos_actor.rs"]
mod mesos_actor;
#[path = "scale/ours.rs"]
mod ours;
#[path = "scale/process.rs"]
mod process;
#[path = "scale/record.rs"]
mod record;
#[path = "scale/workload.rs"]
mod workload;

const USAGE: &str = "nothing is measured without arguments, which `cargo xtask scale` gives: \
                     burst <framework|mesos-actor> <tasks> <agents>, or latency <samples> <agents>";

fn main() {
    // What cargo adds is about criterion.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match arguments.as_slice() {
        ["master", agents] => master::serve(agents.parse().unwrap()),
        ["burst", "framework", tasks, agents] => {
            runtime().block_on(ours::burst(tasks.parse().unwrap(), agents.parse().unwrap()));
        }
        ["burst", "mesos-actor", tasks, agents] => {
            runtime().block_on(mesos_actor::burst(tasks.parse().unwrap(), agents.parse().unwrap()));
        }
        ["latency", samples, agents] => {
            runtime().block_on(latency::measure(samples.parse().unwrap(), agents.parse().unwrap()));
        }
        _ => println!("{USAGE}"),
    }
}
