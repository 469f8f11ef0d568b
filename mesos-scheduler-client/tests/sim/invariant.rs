//! What must hold after every step, and at the end.

use std::{collections::BTreeMap, fmt};

/// A rule of which the simulation looks for violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// An offer is accepted or declined once, on the subscription that it came on, unless nobody knows what
    /// became of the call.
    OfferSpentOnce,
    /// What an ACCEPT launches fits in its offers.
    LaunchFits,
    /// Nothing on an agent is used twice: no port by two tasks, no more than there is.
    NothingUsedTwice,
    /// No task is started twice under one id.
    StartedOnce,
    /// A task that is told to run does so where it is told to.
    PlacementIsTrue,
    /// A submission is answered once.
    OneOutcome,
    /// An update with a uuid is acknowledged when it was applied, and nothing else is.
    Acknowledged,
    /// A task that ended stays so, and has ended.
    TerminalIsFinal,
    /// Nothing is killed that the user did not kill and that ran in time, nor what an earlier life has left.
    KillsAreWished,
    /// A stream that is silent for too long is given up.
    SilenceIsNoticed,
    /// A call is made on a subscription and understood by the master.
    CallsHaveSubscription,
    /// An offer is answered within the time for which offers are held.
    OffersAnswered,
    /// Without demand the master is told to be silent, and nothing moves.
    RestsWithoutDemand,
    /// When faults are over, the framework, the master and the agents know the same tasks.
    AllAgree,
    /// When everything was killed, everything is free.
    NothingLeaks,
    /// The framework is never removed, refused or closed.
    FrameworkLives,
    /// Every instant ends.
    TimeGoesOn,
    /// Nobody panics.
    NobodyPanics,
}

impl fmt::Display for Invariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OfferSpentOnce => "an offer is spent once",
            Self::LaunchFits => "launches fit in their offers",
            Self::NothingUsedTwice => "nothing on an agent is used twice",
            Self::StartedOnce => "a task is started once",
            Self::PlacementIsTrue => "a task runs where it is told to run",
            Self::OneOutcome => "a submission has one outcome",
            Self::Acknowledged => "an update is acknowledged after it is applied",
            Self::TerminalIsFinal => "terminal is final",
            Self::KillsAreWished => "only what is to end is killed",
            Self::SilenceIsNoticed => "a silent stream is given up",
            Self::CallsHaveSubscription => "no call without a subscription",
            Self::OffersAnswered => "every offer is answered in time",
            Self::RestsWithoutDemand => "no demand, no offers",
            Self::AllAgree => "framework, master and agents agree at the end",
            Self::NothingLeaks => "nothing is left when everything was killed",
            Self::FrameworkLives => "the framework lives on",
            Self::TimeGoesOn => "every instant ends",
            Self::NobodyPanics => "nobody panics",
        })
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) invariant: Invariant,
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.invariant, self.what)
    }
}

/// What a check found, if it found something.
pub(crate) type Checked = Result<(), Violation>;

pub(crate) fn broken(invariant: Invariant, what: impl Into<String>) -> Checked {
    Err(Violation { invariant, what: what.into() })
}

/// Amounts by name, in thousandths; each port is an amount of its own. Apart from the arithmetic of the code
/// under test on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts(BTreeMap<String, i64>);

impl Amounts {
    pub(crate) fn of(resources: &[mesos_proto::v1::Resource]) -> Self {
        let mut amounts = Self::default();
        for resource in resources {
            if let Some(scalar) = &resource.scalar {
                #[expect(clippy::cast_possible_truncation, reason = "agents here are small")]
                let milli = (scalar.value * 1000.0).round() as i64;
                *amounts.0.entry(resource.name.clone()).or_default() += milli;
            }
            for range in resource.ranges.iter().flat_map(|ranges| &ranges.range) {
                for number in range.begin..=range.end {
                    *amounts.0.entry(format!("{} {number}", resource.name)).or_default() += 1;
                }
            }
        }
        amounts
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            *self.0.entry(name.clone()).or_default() += amount;
        }
    }

    /// What of `wanted` is not in here.
    pub(crate) fn missing(&self, wanted: &Self) -> Option<String> {
        let too_much = |(name, amount): &(&String, &i64)| self.0.get(*name).copied().unwrap_or(0) < **amount;
        let (name, amount) = wanted.0.iter().find(too_much)?;
        Some(format!("{amount} of {name} wanted, {} there", self.0.get(name).copied().unwrap_or(0)))
    }
}
