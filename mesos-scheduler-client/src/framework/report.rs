//! Why a task was not placed: every refusal has a reason.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// Agents whose last refusal is remembered for each waiting task.
const MAX_AGENTS: usize = 32;
/// Rules that are counted each by its own.
const MAX_RULES: usize = 32;

/// Why one offer cannot carry one task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is for a role whose offers the task does not take.
    OtherRole {
        /// The role of the offer.
        role: String,
    },
    /// The operator wants the agent back.
    Maintenance,
    /// Too little of a scalar resource; both amounts in thousandths.
    NotEnough {
        /// `cpus`, `mem`, `disk` or `gpus`.
        resource: &'static str,
        /// What the task needs.
        wanted_milli: i64,
        /// What is offered and not yet given to another task.
        offered_milli: i64,
    },
    /// Too few ports.
    NotEnoughPorts {
        /// What the task needs.
        wanted: usize,
        /// What is there.
        offered: usize,
    },
    /// A fixed port is not among those offered.
    PortNotOffered {
        /// The port.
        port: u16,
    },
    /// There would be ports, but some could not be bound lately.
    PortsQuarantined,
    /// The task's own rule refused the offer.
    NotEligible(String),
}

impl Refusal {
    pub(super) fn step(&self) -> Step {
        match self {
            Self::OtherRole { .. } => Step::Role,
            Self::Maintenance => Step::Maintenance,
            Self::NotEnough { resource, .. } => Step::Resource(resource),
            Self::NotEnoughPorts { .. } | Self::PortNotOffered { .. } => Step::Ports,
            Self::PortsQuarantined => Step::Quarantine,
            Self::NotEligible(rule) => Step::Rule(rule.as_str().into()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherRole { role } => write!(formatter, "the offer is for role '{role}'"),
            Self::Maintenance => formatter.write_str("its maintenance is planned"),
            Self::NotEnough { resource, wanted_milli, offered_milli } => write!(
                formatter,
                "{resource}: {} wanted, {} offered",
                amount(*wanted_milli),
                amount(*offered_milli)
            ),
            Self::NotEnoughPorts { wanted, offered } => {
                write!(formatter, "ports: {wanted} wanted, {offered} offered")
            }
            Self::PortNotOffered { port } => write!(formatter, "port {port} is not offered"),
            Self::PortsQuarantined => formatter.write_str("ports that are left could not be bound lately"),
            Self::NotEligible(why) => formatter.write_str(why),
        }
    }
}

/// Where in the checks an offer was refused, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Role,
    Maintenance,
    Resource(&'static str),
    Ports,
    Quarantine,
    Rule(Arc<str>),
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role => formatter.write_str("role"),
            Self::Maintenance => formatter.write_str("maintenance"),
            Self::Resource(name) => formatter.write_str(name),
            Self::Ports => formatter.write_str("ports"),
            Self::Quarantine => formatter.write_str("quarantined ports"),
            Self::Rule(rule) => write!(formatter, "'{rule}'"),
        }
    }
}

/// What was tried for a task that waits. Tasks that want the same have one report: it begins when the first of
/// those that still wait was submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhyNot {
    offers_considered: u64,
    funnel: BTreeMap<Step, u64>,
    agents: BTreeMap<Arc<str>, Refusal>,
    more_agents: u64,
    connection: Option<String>,
}

impl WhyNot {
    /// Offers that were looked at and refused. Offers of one agent and role count as one.
    pub fn offers_considered(&self) -> u64 {
        self.offers_considered
    }

    /// How many offers failed on what, in the order of the checks: `role`, `maintenance`, `cpus`, `mem`, `disk`, `gpus`,
    /// `ports`, `quarantined ports`, and the words of rules in quotes.
    ///
    /// An offer counts for the first check that it failed.
    pub fn funnel(&self) -> impl Iterator<Item = (String, u64)> {
        self.funnel.iter().map(|(step, count)| (step.to_string(), *count))
    }

    /// The last refusal of each agent, by `<host name> (<agent id>)`; at most 32 agents.
    pub fn refusals(&self) -> impl Iterator<Item = (&str, &Refusal)> {
        self.agents.iter().map(|(agent, refusal)| (&**agent, refusal))
    }

    /// What was wrong with the connection to the master, if it was not up at the end.
    pub fn connection_trouble(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    pub(super) fn refuse(&mut self, agent: &Arc<str>, refusal: Refusal) {
        self.count(refusal.step(), 1);
        self.remember(agent, refusal);
    }

    /// Counts offers that were refused at a step, without looking at each.
    pub(super) fn count(&mut self, step: Step, offers: u64) {
        self.offers_considered += offers;
        if let Some(count) = self.funnel.get_mut(&step) {
            *count += offers;
            return;
        }
        let is_rule = matches!(step, Step::Rule(_));
        let rules = || self.funnel.keys().filter(|step| matches!(step, Step::Rule(_))).count();
        let step = if is_rule && rules() >= MAX_RULES { Step::Rule("other rules".into()) } else { step };
        *self.funnel.entry(step).or_default() += offers;
    }

    /// Keeps the refusal of an agent, if there is room.
    pub(super) fn remember(&mut self, agent: &Arc<str>, refusal: Refusal) {
        if let Some(last) = self.agents.get_mut(agent) {
            *last = refusal;
        } else if self.has_room() {
            self.agents.insert(agent.clone(), refusal);
        } else {
            self.more_agents += 1;
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.agents.len() < MAX_AGENTS
    }

    pub(super) fn count_more_agents(&mut self, agents: u64) {
        self.more_agents += agents;
    }

    pub(super) fn with_connection(mut self, trouble: Option<String>) -> Self {
        self.connection = trouble;
        self
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trouble) = &self.connection {
            write!(formatter, "{trouble}")?;
            if self.agents.is_empty() {
                return Ok(());
            }
            formatter.write_str("; ")?;
        }
        if self.agents.is_empty() {
            return formatter.write_str("the master made no offers");
        }
        let agents = self.agents.len();
        write!(formatter, "offers of {agents} agent{} were considered", if agents == 1 { "" } else { "s" })?;
        for (index, (step, count)) in self.funnel.iter().enumerate() {
            formatter.write_str(if index == 0 { ": " } else { ", " })?;
            write!(formatter, "{count} failed on {step}")?;
        }
        for (agent, refusal) in &self.agents {
            write!(formatter, "\n  {agent}: {refusal}")?;
        }
        if self.more_agents > 0 {
            write!(formatter, "\n  and {} offers of more agents", self.more_agents)?;
        }
        Ok(())
    }
}

fn amount(milli: i64) -> String {
    let text = format!("{}.{:03}", milli / 1000, (milli % 1000).abs());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_each_agent_and_its_last_reason_and_counts_all() {
        let mut report = WhyNot::default();
        assert_eq!(report.to_string(), "the master made no offers");
        let (a, b) = ("a (S0)".into(), "b (S1)".into());
        report.refuse(&a, Refusal::NotEnough { resource: "cpus", wanted_milli: 1500, offered_milli: 500 });
        report.refuse(&b, Refusal::NotEligible("rack is 'r1'".into()));
        report.refuse(&b, Refusal::NotEnoughPorts { wanted: 1, offered: 0 });
        assert_eq!(report.offers_considered(), 3);
        assert_eq!(
            report.to_string(),
            "offers of 2 agents were considered: 1 failed on cpus, 1 failed on ports, 1 failed on 'rack is \
             'r1''\n  a (S0): cpus: 1.5 wanted, 0.5 offered\n  b (S1): ports: 1 wanted, 0 offered"
        );
        let funnel: Vec<(String, u64)> = report.funnel().collect();
        assert_eq!(funnel[0], ("cpus".to_owned(), 1));
    }

    #[test]
    fn a_thousand_agents_and_rules_are_counted_and_not_all_kept() {
        let mut report = WhyNot::default();
        for number in 0..1000 {
            let agent = format!("a{number:04}").into();
            report.refuse(&agent, Refusal::NotEligible(format!("not number {number}")));
        }
        assert_eq!(report.refusals().count(), MAX_AGENTS);
        assert_eq!(report.funnel().count(), MAX_RULES + 1);
        assert_eq!(report.funnel().map(|(_, count)| count).sum::<u64>(), 1000);
        assert!(report.to_string().ends_with("\n  and 968 offers of more agents"), "{report}");
    }
}
