//! Makes a failing script small.

use std::time::Duration;

use crate::{
    finale::{Outcome, run},
    invariant::Invariant,
    script::{Script, Setup},
};

/// Runs that shrinking may take.
const MOST_RUNS: u32 = 600;

/// The smallest script found that breaks the same invariant; it is the given one if nothing can be left out.
pub(crate) fn shrink(script: &Script, invariant: Invariant) -> Script {
    let mut shrinking = Shrinking { best: script.clone(), invariant, runs: 0 };
    shrinking.leave_out_steps();
    shrinking.simplify_setup();
    shrinking.leave_out_steps();
    shrinking.shorten();
    shrinking.best
}

struct Shrinking {
    best: Script,
    invariant: Invariant,
    runs: u32,
}

impl Shrinking {
    /// Takes a candidate that still breaks the invariant.
    fn tries(&mut self, candidate: Script) -> bool {
        if self.runs >= MOST_RUNS || candidate == self.best {
            return false;
        }
        self.runs += 1;
        let Outcome { violation, .. } = run(&candidate, false);
        let breaks = violation.is_some_and(|violation| violation.invariant == self.invariant);
        if breaks {
            self.best = candidate;
        }
        breaks
    }

    /// Leaves runs of steps out, long ones first, until no single step can be left out.
    fn leave_out_steps(&mut self) {
        let mut size = self.best.steps.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            let mut has_shrunk = false;
            while at < self.best.steps.len() {
                let mut candidate = self.best.clone();
                let end = (at + size).min(candidate.steps.len());
                candidate.steps.drain(at..end);
                if self.tries(candidate) {
                    has_shrunk = true;
                } else {
                    at += size;
                }
            }
            if size > 1 || !has_shrunk {
                size /= 2;
            }
        }
    }

    fn simplify_setup(&mut self) {
        for agents in [1, 2, 3, 6, 20] {
            if agents < self.best.setup.agents && self.tries_setup(|setup| setup.agents = agents) {
                break;
            }
        }
        self.tries_setup(|setup| setup.masters = 1);
        self.tries_setup(|setup| setup.lag = Duration::ZERO);
        self.tries_setup(|setup| setup.latency = Duration::from_millis(1));
        self.tries_setup(|setup| setup.is_spreading = false);
        self.tries_setup(|setup| setup.tells_killing = false);
    }

    fn tries_setup(&mut self, change: impl FnOnce(&mut Setup)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate.setup);
        self.tries(candidate)
    }

    /// Faults end with the last step.
    fn shorten(&mut self) {
        let mut candidate = self.best.clone();
        candidate.length = candidate.steps.last().map(|step| step.at).unwrap_or_default();
        self.tries(candidate);
    }
}
