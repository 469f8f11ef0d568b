//! Rules about which offers may carry a task.

use std::{fmt, sync::Arc};

use mesos_proto::v1;

type Predicate = dyn Fn(&v1::Offer) -> Result<(), String> + Send + Sync;

/// Says whether an offer may carry a task, and if not, why.
///
/// Clones are cheap and are one rule: tasks that share a rule and want the same resources are placed together, so
/// make a rule once and clone it.
///
/// ```
/// use mesos_scheduler_client::{Eligibility, mesos_proto::v1};
///
/// let rule = Eligibility::new(|offer| match offer.hostname.as_str() {
///     "agent1.example" => Ok(()),
///     other => Err(format!("host is '{other}'")),
/// });
/// let offer = v1::Offer { hostname: "agent2.example".into(), ..v1::Offer::default() };
/// assert_eq!(rule.check(&offer), Err("host is 'agent2.example'".to_owned()));
/// ```
#[derive(Clone)]
pub struct Eligibility(Arc<Rule>);

struct Rule {
    predicate: Box<Predicate>,
    offer_constraints: Vec<v1::scheduler::AttributeConstraint>,
}

impl Eligibility {
    /// A rule from a function. It is called for offers that are considered, so it should be cheap; it must not depend
    /// on anything but the offer. Its error is what reports count refusals by.
    pub fn new(predicate: impl Fn(&v1::Offer) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Rule { predicate: Box::new(predicate), offer_constraints: Vec::new() }))
    }

    /// The same rule, or a weaker one, for the master (Mesos 1.11 and later): offers that fail any of these need not be
    /// made. The function still decides, since older masters do not know them and every master lets attributes
    /// that are not text pass.
    ///
    /// They must hold wherever the function says yes, or the task may wait in vain.
    pub fn with_offer_constraints(self, offer_constraints: Vec<v1::scheduler::AttributeConstraint>) -> Self {
        let predicate = move |offer: &v1::Offer| (self.0.predicate)(offer);
        Self(Arc::new(Rule { predicate: Box::new(predicate), offer_constraints }))
    }

    /// Whether this offer may carry the task.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, offer: &v1::Offer) -> Result<(), String> {
        (self.0.predicate)(offer)
    }

    /// What the master may be told; empty if it cannot help.
    pub fn offer_constraints(&self) -> &[v1::scheduler::AttributeConstraint] {
        &self.0.offer_constraints
    }

    /// Tells rules apart as long as one of their clones lives.
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl fmt::Debug for Eligibility {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Eligibility")
            .field("offer_constraints", &self.0.offer_constraints.len())
            .finish_non_exhaustive()
    }
}
