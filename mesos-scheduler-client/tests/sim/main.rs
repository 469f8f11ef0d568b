//! Session, framework and master joined by a simulated network in one thread, under a seed: random work, every
//! fault that there is, and what must hold after every step. See `docs/simulation.md`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

mod agents;
mod cluster;
mod core;
mod fates;
mod faults;
mod finale;
mod invariant;
mod ledger;
mod network;
mod process;
mod random;
mod script;
mod transcript;
mod user;
mod wires;
mod workload;
mod world;

#[test]
fn seeds() {
    let first: u64 = std::env::var("SIM_SEED").ok().map_or(0, |text| text.parse().unwrap());
    let count: u64 = std::env::var("SIM_SEEDS").ok().map_or(20, |text| text.parse().unwrap());
    let mut failures = 0;
    for seed in first..first + count {
        let script = workload::draw(seed);
        let outcome = finale::run(&script, false);
        if let Some(violation) = outcome.violation {
            failures += 1;
            println!("seed {seed}: {violation}");
            if count == 1 {
                println!("{script}");
                for line in finale::run(&script, true).transcript {
                    println!("{line}");
                }
            }
        }
    }
    assert_eq!(failures, 0);
}
