//! Session, framework and master joined by a simulated network in one thread, under a seed: random work, every
//! fault that there is, and what must hold after every step. See `docs/simulation.md`.

#![allow(clippy::print_stderr, clippy::unwrap_used, missing_docs, reason = "a test program")]

mod agents;
mod answers;
mod cluster;
mod core;
mod effects;
mod fates;
mod faults;
mod finale;
mod intake;
mod invariant;
mod ledger;
mod network;
mod process;
mod random;
mod report;
mod script;
mod seen;
mod shown;
mod shrink;
mod transcript;
mod user;
mod wires;
mod workload;
mod world;

use std::{env, time::Duration};

use finale::{run, run_with_crash};
use seen::Seen;
use world::Crash;

/// Seeds that run with every test of the crate.
const FIXED_SEEDS: u64 = 40;

#[test]
fn every_invariant_holds_for_the_fixed_seeds() {
    check_seeds(0, FIXED_SEEDS);
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    for seed in [1, 5, 9] {
        let (first, second) = (run(&workload::draw(seed), true), run(&workload::draw(seed), true));
        assert!(first.transcript.len() > 10, "seed {seed} does next to nothing");
        assert_eq!(first.transcript, second.transcript, "seed {seed}");
    }
    assert_ne!(run(&workload::draw(1), true).transcript, run(&workload::draw(2), true).transcript);
}

/// Whatever the scheduler has said when it dies, and whatever it has not.
#[test]
fn a_crash_after_any_effect_is_survived() {
    let script = workload::small();
    let effects = run(&script, false).effects;
    assert!(effects > 60, "{effects} effects are no workload");
    for at_effect in 0..effects {
        for is_carried_out in [true, false] {
            let crash = Crash { at_effect, is_carried_out, down: Duration::from_secs(2), is_silent: false };
            let outcome = run_with_crash(&script, false, Some(crash));
            if let Some(violation) = outcome.violation {
                let lines = run_with_crash(&script, true, Some(crash)).transcript.join("\n");
                panic!("crash at effect {at_effect}, carried out: {is_carried_out}: {violation}\n{lines}");
            }
        }
    }
}

/// What `cargo xtask sim` runs: `SIM_SEEDS` seeds from `SIM_SEED` on.
#[test]
#[ignore = "takes as long as it is told to; cargo xtask sim runs it"]
fn many_seeds() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a whole number"));
    let (first, count) = (number("SIM_SEED").unwrap_or(0), number("SIM_SEEDS").unwrap_or(1000));
    let seen = check_seeds(first, count);
    eprintln!("what happened in {count} seeds:\n{seen}");
    if count >= 1000 {
        assert_eq!(seen.missing(), Vec::<&str>::new(), "what was to happen and never did");
    }
}

/// Proof that the simulation finds bugs: each deliberate one is found, within so many seeds.
#[cfg(feature = "mutations")]
#[test]
fn every_deliberate_bug_is_found() {
    const MOST_SEEDS: u64 = 200;
    let found: Vec<(script::Mutation, Option<(u64, invariant::Violation)>)> =
        report::for_all(&script::Mutation::ALL, |mutation| {
            (0..MOST_SEEDS).find_map(|seed| Some((seed, report::violation_of(seed, mutation)?)))
        });
    for (mutation, found) in &found {
        match found {
            Some((seed, violation)) => eprintln!("{mutation:?}: seed {seed}: {violation}"),
            None => eprintln!("{mutation:?}: not found"),
        }
    }
    let missed: Vec<_> =
        found.iter().filter(|(_, found)| found.is_none()).map(|(mutation, _)| mutation).collect();
    assert!(missed.is_empty(), "not found within {MOST_SEEDS} seeds: {missed:?}");
}

fn check_seeds(first: u64, count: u64) -> Seen {
    let step = (count / 20).max(50);
    let summary = report::run_seeds(first, count, |done| {
        if done % step == 0 {
            eprintln!("{done} of {count} seeds");
        }
    });
    if let Some((seed, violation)) = summary.failures.first() {
        let others: Vec<u64> = summary.failures.iter().skip(1).map(|(seed, _)| *seed).collect();
        panic!("{}\nmore seeds that fail: {others:?}", report::explain(*seed, violation));
    }
    summary.seen
}
