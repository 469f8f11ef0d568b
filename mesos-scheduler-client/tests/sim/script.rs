//! What a seed makes of a simulation: the surroundings, and what the user and fate do when.

use std::{fmt, time::Duration};

#[cfg(feature = "mutations")]
pub(crate) use mesos_scheduler_client::Mutation;

/// There is none without the feature.
#[cfg(not(feature = "mutations"))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mutation {}

/// A simulation that can be run again and again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    /// A deliberate bug.
    pub(crate) mutation: Option<Mutation>,
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
    /// How long faults go on.
    pub(crate) length: Duration,
}

/// What holds from the start to the end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub(crate) agents: u32,
    pub(crate) masters: u8,
    /// Host ports of each agent.
    pub(crate) ports: u16,
    /// One way from the scheduler to a master.
    pub(crate) latency: Duration,
    /// Time between the session and the core of the framework, which run apart in a program. Zero runs
    /// them as one.
    pub(crate) lag: Duration,
    pub(crate) is_partition_aware: bool,
    pub(crate) is_multi_role: bool,
    /// Roles of the framework; more than one only with MULTI_ROLE.
    pub(crate) role_count: usize,
    /// From an agent to the master.
    pub(crate) agent_latency: Duration,
    pub(crate) tells_killing: bool,
    /// Whether tasks outlive the connection of their agent.
    pub(crate) is_checkpointed: bool,
    /// After so long the master rescinds offers.
    pub(crate) offer_timeout: Option<Duration>,
    /// How long offers are held.
    pub(crate) hold: Duration,
    pub(crate) max_held_offers: usize,
    pub(crate) is_spreading: bool,
}

/// Names of roles.
const ROLES: [&str; 2] = ["web", "batch"];

impl Setup {
    pub(crate) fn roles(&self) -> Vec<String> {
        ROLES[..self.role_count].iter().map(|role| (*role).to_owned()).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) at: Duration,
    pub(crate) action: Action,
}

/// Something that the user or fate does. Tasks and agents are named by numbers: one that is not there makes the
/// action void, so that any action can be left out of a script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Submit {
        task: u32,
        wish: Wish,
        life: Life,
    },
    Kill {
        task: u32,
    },
    /// The task ends by itself, well or badly.
    Finish {
        task: u32,
        is_well: bool,
    },
    /// The process of the scheduler dies after so many more effects, the last of them carried out or not.
    Crash {
        effects: u64,
        is_carried_out: bool,
        down: Duration,
        is_silent: bool,
    },
    /// The event stream breaks after so many more bytes; the master learns it later.
    CutStream {
        bytes: u64,
        master_learns: Duration,
    },
    /// The event stream falls silent.
    StallStream {
        time: Duration,
    },
    /// The connection of the calls breaks. So many of the calls on their way still take effect, late.
    CutCalls {
        taken: usize,
        late: Duration,
    },
    /// The same, and connections for calls are refused for a time.
    RefuseCalls {
        time: Duration,
    },
    /// Answers to calls are late.
    StallReplies {
        time: Duration,
    },
    /// Calls are late.
    StallCalls {
        time: Duration,
    },
    /// Nothing passes between the scheduler and the masters.
    Partition {
        time: Duration,
    },
    /// The agent does not answer for a time.
    LoseAgent {
        agent: u32,
        time: Duration,
    },
    /// The process of the agent starts anew; its tasks go on.
    RestartAgent {
        agent: u32,
        time: Duration,
    },
    /// The machine of the agent starts anew; its tasks are gone.
    RebootAgent {
        agent: u32,
        time: Duration,
    },
    /// The agent takes its leave; a new one comes in its place.
    UnregisterAgent {
        agent: u32,
        time: Duration,
    },
    /// An operator says that the agent never comes back; a new one comes in its place.
    MarkAgentGone {
        agent: u32,
        is_reachable: bool,
        time: Duration,
    },
    /// A new agent comes.
    JoinAgent,
    /// A program outside of Mesos takes a port of the agent, for a time.
    TakePort {
        agent: u32,
        port: u16,
        time: Duration,
    },
    /// The next kills do not reach the agent.
    LoseKills {
        agent: u32,
        count: u32,
    },
    /// The leading master dies; another one, or the same started anew, leads after a time. Its agents come
    /// back to it within another.
    FailOver {
        to: u8,
        down: Duration,
        recovery: Duration,
        returns: Duration,
        is_silent: bool,
    },
    /// The store of the framework id fails so many times.
    FailStore {
        count: u32,
    },
    /// Questions for the tasks of the master fail so many times.
    FailQueries {
        count: u32,
    },
}

/// What the user asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    pub(crate) cpus_milli: i64,
    pub(crate) mem_mib: i64,
    pub(crate) ports: usize,
    pub(crate) priority: i32,
    pub(crate) role: Option<&'static str>,
    pub(crate) rack: Option<&'static str>,
    pub(crate) launch_timeout: Duration,
    pub(crate) kill_grace: Duration,
}

/// What the executor makes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Life {
    /// From the launch to STARTING.
    pub(crate) start: Duration,
    /// From STARTING to RUNNING.
    pub(crate) run: Duration,
    /// From RUNNING to the end, and whether it is a good one.
    pub(crate) end: Option<(Duration, bool)>,
    /// It ends badly instead of running.
    pub(crate) never_runs: bool,
    /// From the wish to kill it to its end, at most the grace period.
    pub(crate) dies_within: Duration,
    /// RUNNING is said again after so long, as for a health check.
    pub(crate) again: Option<Duration>,
}

impl fmt::Display for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mutation) = self.mutation {
            writeln!(formatter, "deliberate bug: {mutation:?}")?;
        }
        writeln!(formatter, "seed {}, faults for {:?}, {:?}", self.seed, self.length, self.setup)?;
        for Step { at, action } in &self.steps {
            writeln!(formatter, "{:>12} {action:?}", format!("{at:?}"))?;
        }
        Ok(())
    }
}
