//! The action runtime beside a recording of the upstream runtimes, heading by heading.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod differences;
mod life;
mod record;
mod replay;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use self::{
    differences::{DIFFERENCES, missing_program},
    record::Scenario,
};

/// How many runtimes run at once.
const WORKERS: usize = 4;

#[test]
fn the_runtime_answers_as_the_recorded_ones_did() {
    let scenarios = record::scenarios();
    assert_eq!(scenarios.len(), 77, "headings of the recording");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let place = format!("{}: {}", scenario.kind, scenario.heading);
                    if let Some(program) = missing_program(scenario) {
                        println!("{place}: NOT RUN, because {program} is not installed");
                        continue;
                    }
                    let wrong = replay::replay(&with_differences(scenario));
                    println!("{place}: {}", if wrong.is_empty() { "same" } else { "DIFFERS" });
                    failures.lock().unwrap().extend(wrong.iter().map(|wrong| format!("{place}\n{wrong}")));
                }
            });
        }
    });
    for difference in DIFFERENCES {
        println!(
            "{}: {}: known difference: {}",
            difference.kind,
            difference.heading.unwrap_or("any heading"),
            difference.reason
        );
    }
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn each_known_difference_is_recorded() {
    for difference in DIFFERENCES {
        let found = record::scenarios().iter().any(|scenario| difference.applies_to(scenario));
        assert!(found, "nothing recorded for: {}", difference.reason);
    }
}

fn with_differences(scenario: &Scenario) -> Scenario {
    let mut changed = scenario.clone();
    for difference in DIFFERENCES.iter().filter(|difference| difference.applies_to(scenario)) {
        changed.block = changed.block.replace(difference.recorded, difference.here);
    }
    changed
}
