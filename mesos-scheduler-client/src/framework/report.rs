//! Why a task was not placed: every refusal has a reason.

use std::{collections::BTreeMap, fmt};

/// Agents whose last refusal is remembered for each waiting task.
const MAX_AGENTS: usize = 32;

/// Why one offer cannot carry one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too little of a scalar resource; both amounts in thousandths.
    NotEnough {
        /// `cpus`, `mem` or `disk`.
        resource: &'static str,
        /// What the task needs.
        wanted_milli: i64,
        /// What is offered and not yet given to another task.
        offered_milli: i64,
    },
    /// Too few ports that are free and not quarantined.
    NotEnoughPorts {
        /// What the task needs.
        wanted: usize,
        /// What is there.
        offered: usize,
    },
    /// The task's own rule refused the offer.
    NotEligible(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnough { resource, wanted_milli, offered_milli } => write!(
                formatter,
                "{resource}: {} wanted, {} offered",
                amount(*wanted_milli),
                amount(*offered_milli)
            ),
            Self::NotEnoughPorts { wanted, offered } => {
                write!(formatter, "ports: {wanted} wanted, {offered} offered")
            }
            Self::NotEligible(why) => formatter.write_str(why),
        }
    }
}

/// What was tried for a task that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhyNot {
    offers_considered: u64,
    agents: BTreeMap<String, Refusal>,
    more_agents: u64,
    connection: Option<String>,
}

impl WhyNot {
    /// Offers that were looked at.
    pub fn offers_considered(&self) -> u64 {
        self.offers_considered
    }

    /// The last refusal of each agent, by `<host name> (<agent id>)`; at most 32 agents.
    pub fn refusals(&self) -> &BTreeMap<String, Refusal> {
        &self.agents
    }

    /// What was wrong with the connection to the master, if it was not up at the end.
    pub fn connection_trouble(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    pub(super) fn refuse(&mut self, agent: &str, refusal: Refusal) {
        self.offers_considered += 1;
        if let Some(last) = self.agents.get_mut(agent) {
            *last = refusal;
        } else if self.agents.len() < MAX_AGENTS {
            self.agents.insert(agent.to_owned(), refusal);
        } else {
            self.more_agents += 1;
        }
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
    fn a_report_names_each_agent_and_its_last_reason() {
        let mut report = WhyNot::default();
        assert_eq!(report.to_string(), "the master made no offers");
        report.refuse(
            "a (S0)",
            Refusal::NotEnough { resource: "cpus", wanted_milli: 1500, offered_milli: 500 },
        );
        report.refuse("b (S1)", Refusal::NotEligible("rack is 'r1'".into()));
        report.refuse("b (S1)", Refusal::NotEnoughPorts { wanted: 1, offered: 0 });
        assert_eq!(report.offers_considered(), 3);
        assert_eq!(
            report.to_string(),
            "offers of 2 agents were considered\n  a (S0): cpus: 1.5 wanted, 0.5 offered\n  \
             b (S1): ports: 1 wanted, 0 offered"
        );
    }
}
