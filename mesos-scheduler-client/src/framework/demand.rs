//! Whether the master should send offers: SUPPRESS, REVIVE, and when to say it again.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// REVIVEs that may be sent in a row, and how long one takes to come back. Each one costs the master an
/// allocation run.
const BURST: u32 = 20;
const REFILL: Duration = Duration::from_millis(100);
/// First and longest pause until a REVIVE that brought nothing usable is repeated.
const FIRST_REPEAT: Duration = Duration::from_secs(5);
const LAST_REPEAT: Duration = Duration::from_secs(60);

/// What the master was told about each role, and what it should know.
///
/// Calls can be lost, and filters may hide what a new task could use. So each piece of new work asks for
/// one more REVIVE, a REVIVE is repeated while work waits, and offers that arrive while the master
/// should be silent put the belief in doubt.
#[derive(Debug)]
pub(super) struct Demand {
    roles: BTreeMap<Arc<str>, RoleDemand>,
    tokens: u32,
    refilled_at: Option<Instant>,
    /// Counts subscriptions; answers to calls of earlier ones mean nothing.
    epoch: u64,
}

#[derive(Debug)]
struct RoleDemand {
    /// Counts pieces of work that may need offers.
    version: u64,
    told: Told,
    /// A REVIVE has no answer yet, and no offers came since it was sent.
    is_reviving: bool,
    repeat: Duration,
    repeat_at: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Suppressed,
    Revived { version: u64 },
}

/// What to say at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) revive: Vec<Arc<str>>,
    pub(super) suppress: Vec<Arc<str>>,
}

/// The roles of a call, until its answer comes.
#[derive(Debug)]
pub(super) struct DemandCall {
    roles: Vec<Arc<str>>,
    epoch: u64,
}

impl Demand {
    pub(super) fn new(roles: &[Arc<str>]) -> Self {
        let role = || RoleDemand {
            version: 0,
            told: Told::Nothing,
            is_reviving: false,
            repeat: FIRST_REPEAT,
            repeat_at: None,
        };
        Self {
            roles: roles.iter().map(|name| (name.clone(), role())).collect(),
            tokens: BURST,
            refilled_at: None,
            epoch: 0,
        }
    }

    /// There is work that did not exist before, for these roles. A REVIVE that is on its way will bring what it
    /// needs, or there is nothing to be had.
    pub(super) fn new_work<'a>(&mut self, roles: impl IntoIterator<Item = &'a Arc<str>>) {
        for role in roles {
            if let Some(role) = self.roles.get_mut(role) {
                role.repeat = FIRST_REPEAT;
                if !role.is_reviving {
                    role.version += 1;
                }
            }
        }
    }

    /// Nothing that was said holds any more: a new subscription.
    pub(super) fn forget(&mut self) {
        self.epoch += 1;
        for role in self.roles.values_mut() {
            role.told = Told::Nothing;
            role.is_reviving = false;
            role.repeat_at = None;
        }
    }

    /// Offers of a role arrived.
    pub(super) fn offers_arrived(&mut self, role: &str) {
        if let Some(role) = self.roles.get_mut(role) {
            role.is_reviving = false;
            if role.told == Told::Suppressed {
                role.told = Told::Nothing;
            }
        }
    }

    /// The answer to a call: whether the master has read it.
    pub(super) fn answered(&mut self, call: &DemandCall, is_read: bool) {
        if call.epoch != self.epoch {
            return;
        }
        for role in &call.roles {
            if let Some(role) = self.roles.get_mut(role) {
                // Offers came since: whatever became of the answer, the master has read it.
                let has_worked = matches!(role.told, Told::Revived { .. }) && !role.is_reviving;
                role.is_reviving = false;
                if !is_read && !has_worked {
                    role.told = Told::Nothing;
                }
            }
        }
    }

    pub(super) fn call(&self, roles: &[Arc<str>]) -> DemandCall {
        DemandCall { roles: roles.to_vec(), epoch: self.epoch }
    }

    /// What to say at this moment, given for which roles work waits.
    pub(super) fn poll(&mut self, now: Instant, work_waits: impl Fn(&str) -> bool) -> Wishes {
        let mut wishes = Wishes::default();
        for (name, role) in &mut self.roles {
            if work_waits(name) {
                if role.wants_revive(now) {
                    wishes.revive.push(name.clone());
                }
            } else {
                role.repeat_at = None;
                role.is_reviving = false;
                if role.told != Told::Suppressed {
                    role.told = Told::Suppressed;
                    wishes.suppress.push(name.clone());
                }
            }
        }
        if !wishes.revive.is_empty() && !self.spend_token(now) {
            wishes.revive.clear();
        }
        for name in &wishes.revive {
            if let Some(role) = self.roles.get_mut(name) {
                role.told = Told::Revived { version: role.version };
                role.is_reviving = true;
                role.repeat_at = Some(now + role.repeat);
                role.repeat = (role.repeat * 2).min(LAST_REPEAT);
            }
        }
        wishes
    }

    /// When to poll again.
    pub(super) fn next_deadline(&self, work_waits: impl Fn(&str) -> bool) -> Option<Instant> {
        let waiting = self.roles.iter().filter(|(name, _)| work_waits(name));
        let refill = self.refilled_at.map(|at| at + REFILL);
        let token = if self.tokens == 0 { refill } else { None };
        let deadlines = waiting.filter_map(|(_, role)| {
            if role.told == (Told::Revived { version: role.version }) {
                // What is due for a token is not due before.
                role.repeat_at.max(role.repeat_at.and(token))
            } else {
                // Only a missing token keeps a REVIVE back.
                refill
            }
        });
        deadlines.min()
    }

    fn spend_token(&mut self, now: Instant) -> bool {
        let refilled_at = *self.refilled_at.get_or_insert(now);
        let periods = now.saturating_duration_since(refilled_at).as_millis() / REFILL.as_millis();
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(periods).min(BURST);
        self.refilled_at = Some(refilled_at + REFILL.saturating_mul(periods));
        if self.tokens == 0 {
            return false;
        }
        self.tokens -= 1;
        true
    }
}

impl RoleDemand {
    fn wants_revive(&self, now: Instant) -> bool {
        let is_due = self.repeat_at.is_some_and(|at| at <= now);
        self.told != (Told::Revived { version: self.version }) || is_due
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use super::*;

    fn roles(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    fn wishes(revive: &[&str], suppress: &[&str]) -> Wishes {
        Wishes { revive: roles(revive), suppress: roles(suppress) }
    }

    #[test]
    fn no_work_suppresses_once_and_offers_put_it_in_doubt() {
        let now = Instant::now();
        let mut demand = Demand::new(&roles(&["web"]));
        assert_eq!(demand.poll(now, |_| false), wishes(&[], &["web"]));
        assert_eq!(demand.poll(now, |_| false), wishes(&[], &[]));
        assert_eq!(demand.next_deadline(|_| false), None);
        demand.offers_arrived("web");
        assert_eq!(demand.poll(now, |_| false), wishes(&[], &["web"]));
    }

    #[test]
    fn a_suppress_that_was_not_read_is_said_again() {
        let now = Instant::now();
        let mut demand = Demand::new(&roles(&["web"]));
        let suppress = demand.poll(now, |_| false).suppress;
        let call = demand.call(&suppress);
        demand.answered(&call, false);
        assert_eq!(demand.poll(now, |_| false), wishes(&[], &["web"]));
        demand.forget();
        let _ = demand.poll(now, |_| false);
        demand.answered(&call, false);
        assert_eq!(demand.poll(now, |_| false), wishes(&[], &[]), "of an earlier subscription");
    }

    #[test]
    fn a_repetition_without_a_token_is_due_when_there_is_one() {
        let now = Instant::now();
        let both = roles(&["a", "b"]);
        let mut demand = Demand::new(&both);
        assert_eq!(demand.poll(now, |role| role == "b").revive, roles(&["b"]));
        let between_refills = now + REFILL / 2;
        assert_eq!(demand.poll(between_refills, |_| true), wishes(&["a"], &[]));
        let due = between_refills + FIRST_REPEAT;
        // Role b spends every token just before a is due.
        for _ in 0..BURST {
            demand.offers_arrived("b");
            demand.new_work(&both[1..]);
            assert_eq!(demand.poll(due - Duration::from_millis(1), |_| true), wishes(&["b"], &[]));
        }
        assert_eq!(demand.poll(due, |_| true), wishes(&[], &[]));
        assert!(demand.next_deadline(|_| true).unwrap() > due);
    }

    #[test]
    fn a_revive_that_brought_offers_was_read_whatever_became_of_its_answer() {
        let now = Instant::now();
        let web = roles(&["web"]);
        for (brings_offers, again) in [(true, wishes(&[], &[])), (false, wishes(&["web"], &[]))] {
            let mut demand = Demand::new(&web);
            let revive = demand.poll(now, |_| true).revive;
            let revive = demand.call(&revive);
            if brings_offers {
                demand.offers_arrived("web");
            }
            demand.answered(&revive, false);
            assert_eq!(demand.poll(now, |_| true), again);
        }
    }

    #[test]
    fn new_work_revives_once_and_waiting_work_repeats_it_with_longer_pauses() {
        let now = Instant::now();
        let web = roles(&["web"]);
        let mut demand = Demand::new(&web);
        demand.new_work(&web);
        let revive = demand.poll(now, |_| true).revive;
        let revive = demand.call(&revive);
        assert_eq!(revive.roles, web);
        demand.new_work(&web);
        assert_eq!(demand.poll(now, |_| true), wishes(&[], &[]), "one is on its way");
        let first = demand.next_deadline(|_| true).unwrap();
        assert_eq!(first, now + FIRST_REPEAT);
        assert_eq!(demand.poll(first, |_| true), wishes(&["web"], &[]));
        assert_eq!(demand.next_deadline(|_| true), Some(first + FIRST_REPEAT));
        let second = first + FIRST_REPEAT;
        assert_eq!(demand.poll(second, |_| true), wishes(&["web"], &[]));
        assert_eq!(demand.next_deadline(|_| true), Some(second + 2 * FIRST_REPEAT));
        demand.answered(&revive, true);
        demand.new_work(&web);
        assert_eq!(demand.poll(second, |_| true), wishes(&["web"], &[]));
        demand.offers_arrived("web");
        demand.new_work(&web);
        assert_eq!(demand.poll(second, |_| true), wishes(&["web"], &[]), "what came may have been refused");
    }

    #[test]
    fn a_burst_of_work_spends_the_bucket_and_waits_for_a_token() {
        let now = Instant::now();
        let web = roles(&["web"]);
        let mut demand = Demand::new(&web);
        for _ in 0..BURST {
            demand.new_work(&web);
            assert_eq!(demand.poll(now, |_| true), wishes(&["web"], &[]));
            demand.offers_arrived("web");
        }
        demand.new_work(&web);
        assert_eq!(demand.poll(now, |_| true), wishes(&[], &[]));
        let next = demand.next_deadline(|_| true).unwrap();
        assert_eq!(demand.poll(next, |_| true), wishes(&["web"], &[]));
    }

    #[test]
    fn each_role_is_asked_for_by_itself() {
        let now = Instant::now();
        let both = roles(&["batch", "web"]);
        let mut demand = Demand::new(&both);
        demand.new_work(&both[1..]);
        assert_eq!(demand.poll(now, |role| role == "web"), wishes(&["web"], &["batch"]));
        demand.new_work(&both[..1]);
        assert_eq!(demand.poll(now, |_| true), wishes(&["batch"], &[]));
    }
}
