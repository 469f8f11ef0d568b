//! Runs many seeds, and says of a failing one what a reader needs.

use std::{
    fmt::Write as _,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{finale::run, invariant::Violation, script::Script, seen::Seen, shrink::shrink, workload::draw};

/// Lines of the transcript that are shown, the last ones.
const SHOWN_LINES: usize = 120;
/// After so many failing seeds nobody learns more from another.
const MOST_FAILURES: usize = 5;

/// What came of many seeds.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// The first seeds that failed, by number.
    pub(crate) failures: Vec<(u64, Violation)>,
    pub(crate) seen: Seen,
}

/// Runs seeds on all processors; `progress` is told how many are done.
pub(crate) fn run_seeds(first: u64, count: u64, progress: impl Fn(u64) + Sync) -> Summary {
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary::default());
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(seed) = (number < count).then(|| first.wrapping_add(number)) else { return };
                    let outcome = run(&draw(seed), false);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.seen.add(&outcome.seen);
                    summary.failures.extend(outcome.violation.map(|violation| (seed, violation)));
                    if summary.failures.len() >= MOST_FAILURES {
                        return;
                    }
                    drop(summary);
                    progress(number + 1);
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.failures.sort_by_key(|(seed, _)| *seed);
    summary
}

/// Asks something of all items, on all processors; the answers come in the order of the items.
#[cfg(feature = "mutations")]
pub(crate) fn for_all<T: Copy + Send + Sync, A: Send>(
    items: &[T],
    ask: impl Fn(T) -> A + Sync,
) -> Vec<(T, A)> {
    let next = AtomicU64::new(0);
    let answers = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("there are few");
                    let Some(item) = items.get(index).copied() else { return };
                    let answer = ask(item);
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push((index, item, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(index, ..)| *index);
    answers.into_iter().map(|(_, item, answer)| (item, answer)).collect()
}

/// What a seed finds of a deliberate bug.
#[cfg(feature = "mutations")]
pub(crate) fn violation_of(seed: u64, mutation: crate::script::Mutation) -> Option<Violation> {
    let script = draw(seed);
    // They take long and find nothing that small ones do not find.
    if script.setup.agents >= 100 {
        return None;
    }
    run(&Script { mutation: Some(mutation), ..script }, false).violation
}

/// All about a failing seed: what broke, the least that breaks it, what happened then, and how to see it again.
pub(crate) fn explain(seed: u64, violation: &Violation) -> String {
    let script = shrink(&draw(seed), violation.invariant);
    let mut text = format!("seed {seed} breaks an invariant: {violation}\n\nsee it again:\n");
    let _ = writeln!(text, "    cargo xtask sim --seeds 1 --seed {seed}\n\n{}", explain_script(&script));
    text
}

pub(crate) fn explain_script(script: &Script) -> String {
    let outcome = run(script, true);
    let mut text = format!("the least that was found to break it:\n{script}\n");
    if let Some(violation) = outcome.violation {
        let _ = writeln!(text, "which ends so: {violation}\n");
    }
    let lines = outcome.transcript;
    let end = lines.iter().position(|line| line.contains("VIOLATION")).map_or(lines.len(), |at| at + 1);
    for line in &lines[end.saturating_sub(SHOWN_LINES)..end] {
        let _ = writeln!(text, "{line}");
    }
    text
}
