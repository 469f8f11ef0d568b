//! The whole of a simulation, and its time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use mesos_local::master::AgentAction;
use mesos_proto::v1::{FrameworkId, Task};
use mesos_scheduler_client::{CallOutcome, OutcomeToken, SessionState};

use crate::{
    agents::Due,
    cluster::{Cluster, Phase},
    invariant::{Checked, Invariant, Violation, broken},
    ledger::Ledger,
    network::{LinkId, Network},
    process::Process,
    random::Random,
    script::Script,
    seen::Seen,
    transcript::Transcript,
    user::User,
};

/// More than this at one instant is a loop without a pause.
const MOST_STEPS_AT_ONCE: u32 = 30_000;
/// More than this in a simulation is a loop with pauses.
const MOST_STEPS: u64 = 3_000_000;

/// Five heartbeats, and some time to notice.
const LONGEST_SILENCE: Duration = Duration::from_secs(5 * 15 + 1);

pub(crate) struct World {
    pub(crate) now: Duration,
    epoch: Instant,
    queue: BTreeMap<(Duration, u64), Happening>,
    sequence: u64,
    steps_at_once: u32,
    steps: u64,
    pub(crate) random: Random,
    pub(crate) script: Script,
    pub(crate) network: Network,
    pub(crate) cluster: Cluster,
    /// The program of the scheduler, if it runs.
    pub(crate) process: Option<Process>,
    /// Lives of that program.
    pub(crate) incarnation: u32,
    pub(crate) store: Store,
    pub(crate) user: User,
    pub(crate) ledger: Ledger,
    pub(crate) crash: Option<Crash>,
    /// Outputs of the scheduler that were carried out.
    pub(crate) effects: u64,
    /// The same of the present step.
    pub(crate) effects_at_once: u64,
    /// Calls of the present second that nobody asked for.
    pub(crate) calls_in_second: (u64, u32),
    /// Events of the present second.
    pub(crate) heard_in_second: (u64, u32),
    /// Questions for tasks that will fail.
    pub(crate) queries_to_fail: u32,
    /// Nothing may move any more.
    pub(crate) is_quiet: bool,
    pub(crate) transcript: Transcript,
    pub(crate) seen: Seen,
    /// Of updates that came.
    pub(crate) uuids: BTreeSet<Vec<u8>>,
    pub(crate) violation: Option<Violation>,
}

/// What outlives the scheduler.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) id: Option<FrameworkId>,
    pub(crate) failures: u32,
}

/// The next crash of the scheduler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crash {
    /// Counted as [`World::effects`] are.
    pub(crate) at_effect: u64,
    pub(crate) is_carried_out: bool,
    pub(crate) down: Duration,
    pub(crate) is_silent: bool,
}

/// Something that becomes due.
#[derive(Debug)]
pub(crate) enum Happening {
    /// An action of the script.
    Step(usize),
    /// Something may have arrived at the master.
    Up(LinkId),
    /// Something may have arrived at the scheduler.
    Down(LinkId),
    /// The scheduler notices that the connection of the calls broke.
    CallsFail(LinkId),
    StartScheduler,
    Loaded {
        incarnation: u32,
        is_good: bool,
    },
    Saved {
        incarnation: u32,
        id: FrameworkId,
        is_good: bool,
    },
    Ask {
        incarnation: u32,
    },
    Answered {
        incarnation: u32,
        tasks: Option<Vec<Task>>,
        is_complete: bool,
    },
    /// One more event reaches the core.
    ToCore {
        incarnation: u32,
    },
    Outcome {
        incarnation: u32,
        token: OutcomeToken,
        outcome: CallOutcome,
    },
    /// One more wish of the core reaches the session.
    ToSession {
        incarnation: u32,
    },
    Command {
        agent: usize,
        action: Box<AgentAction>,
    },
    Reports {
        agent: usize,
    },
    Due {
        agent: usize,
        due: Due,
    },
    AgentBack {
        agent: usize,
    },
    AgentRegisters {
        agent: usize,
        generation: u64,
    },
    /// A new agent comes, in the place of another.
    AgentReplaced {
        old: Option<usize>,
    },
    FreePort {
        agent: usize,
        port: u64,
    },
    Phase {
        generation: u64,
        master: usize,
        phase: Phase,
    },
    Lead {
        generation: u64,
        master: usize,
        returns: Duration,
    },
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "time begins somewhere; only differences count")]
    pub(crate) fn new(script: &Script, is_recorded: bool) -> Self {
        let mut random = Random::new(script.seed ^ 0x5eed);
        let cluster = Cluster::new(&script.setup, random.next());
        let mut world = Self {
            now: Duration::ZERO,
            epoch: Instant::now(),
            queue: BTreeMap::new(),
            sequence: 0,
            steps_at_once: 0,
            steps: 0,
            random,
            script: script.clone(),
            network: Network::default(),
            cluster,
            process: None,
            incarnation: 0,
            store: Store::default(),
            user: User::default(),
            ledger: Ledger::default(),
            crash: None,
            effects: 0,
            effects_at_once: 0,
            calls_in_second: (0, 0),
            heard_in_second: (0, 0),
            queries_to_fail: 0,
            is_quiet: false,
            transcript: Transcript::new(is_recorded),
            seen: Seen::default(),
            uuids: BTreeSet::new(),
            violation: None,
        };
        for (index, step) in script.steps.iter().enumerate() {
            world.at(step.at, Happening::Step(index));
        }
        world.at(Duration::ZERO, Happening::StartScheduler);
        world
    }

    pub(crate) fn instant(&self) -> Instant {
        self.epoch + self.now
    }

    /// Puts something on the list of what will happen.
    pub(crate) fn at(&mut self, at: Duration, what: Happening) {
        self.sequence += 1;
        self.queue.insert((at.max(self.now), self.sequence), what);
    }

    pub(crate) fn after(&mut self, delay: Duration, what: Happening) {
        self.at(self.now + delay, what);
    }

    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        self.transcript.say(self.now, line);
    }

    /// Takes note of the first violation.
    pub(crate) fn check(&mut self, checked: Checked) {
        if let Err(violation) = checked {
            self.say(|| format!("VIOLATION {violation}"));
            self.violation.get_or_insert(violation);
        }
    }

    pub(crate) fn fail(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.check(Err(Violation { invariant, what: what.into() }));
    }

    /// Lets time pass up to an instant, or to the first violation.
    pub(crate) fn run_until(&mut self, end: Duration) {
        while self.violation.is_none() {
            match self.next() {
                Some((at, next)) if at <= end => self.step(at, next),
                Some(_) | None => break,
            }
        }
        self.now = self.now.max(end);
    }

    fn next(&self) -> Option<(Duration, Next)> {
        let process = self.process.as_ref();
        let since_epoch = |at: Instant| at.saturating_duration_since(self.epoch);
        let session = process.and_then(|process| process.session.poll_timeout());
        let core = process.and_then(|process| process.core.poll_timeout());
        let next = [
            self.queue.keys().next().map(|(at, _)| (*at, Next::Happening)),
            self.cluster.deadline().map(|at| (at, Next::Master)),
            session.map(|(at, _)| (since_epoch(at), Next::Session)),
            core.map(|at| (since_epoch(at), Next::Core)),
        ];
        next.into_iter().flatten().min_by_key(|(at, _)| (*at).max(self.now))
    }

    fn step(&mut self, at: Duration, next: Next) {
        if at > self.now {
            self.now = at;
            self.steps_at_once = 0;
            if self.process.is_some() {
                self.check(self.ledger.check_hold(self.now, self.script.setup.hold));
                self.check(self.check_silence());
            }
        }
        self.steps += 1;
        self.steps_at_once += 1;
        if self.steps_at_once > MOST_STEPS_AT_ONCE || self.steps > MOST_STEPS {
            self.fail(Invariant::TimeGoesOn, format!("{next:?} is due again and again"));
        }
        match next {
            Next::Happening => {
                if let Some((_, happening)) = self.queue.pop_first() {
                    self.happen(happening);
                }
            }
            Next::Master => self.cluster.master.handle_timeout(self.cluster.master_now(self.now)),
            Next::Session | Next::Core => {
                let now = self.instant();
                if let Some(process) = &mut self.process {
                    match next {
                        Next::Session => process.session.handle_timeout(now),
                        Next::Core | Next::Master | Next::Happening => process.core.timeout(now),
                    }
                }
            }
        }
        self.drain_process();
        self.drain_master();
    }

    /// A stream on which nothing came for longer than five heartbeats has to be given up.
    fn check_silence(&self) -> Checked {
        let Some(process) = &self.process else { return Ok(()) };
        if process.session.state() != SessionState::Subscribed {
            return Ok(());
        }
        match self.network.stream_of(self.incarnation) {
            Some((_, link)) if link.last_arrival + LONGEST_SILENCE < self.now => {
                broken(Invariant::SilenceIsNoticed, format!("nothing has come since {:?}", link.last_arrival))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Step(index) => self.act(index),
            Happening::Up(link) => self.arrive_above(link),
            Happening::Down(link) => self.arrive_below(link),
            Happening::CallsFail(link) => self.calls_fail(link),
            Happening::StartScheduler => self.start_scheduler(),
            Happening::Loaded { incarnation, is_good } => self.loaded(incarnation, is_good),
            Happening::Saved { incarnation, id, is_good } => self.saved(incarnation, &id, is_good),
            Happening::Ask { incarnation } => self.ask(incarnation),
            Happening::Answered { incarnation, tasks, is_complete } => {
                self.answered(incarnation, tasks, is_complete);
            }
            Happening::ToCore { incarnation } => self.one_event_to_core(incarnation),
            Happening::Outcome { incarnation, token, outcome } => {
                self.outcome_to_core(incarnation, token, outcome);
            }
            Happening::ToSession { incarnation } => self.one_wish_to_session(incarnation),
            Happening::Command { agent, action } => self.command(agent, *action),
            Happening::Reports { agent } => self.report(agent),
            Happening::Due { agent, due } => self.due(agent, &due),
            Happening::AgentBack { agent } => self.agent_is_back(agent),
            Happening::AgentRegisters { agent, generation } => {
                if generation == self.cluster.generation {
                    self.seen.note("an agent registers again with a new master");
                    self.register(agent);
                }
            }
            Happening::AgentReplaced { old } => self.replace_agent(old),
            Happening::FreePort { agent, port } => self.cluster.agents[agent].free_port(port),
            Happening::Phase { generation, master, phase } => {
                if generation == self.cluster.generation {
                    self.say(|| format!("master{master} is {phase:?}"));
                    self.cluster.phases[master] = phase;
                }
            }
            Happening::Lead { generation, master, returns } => self.lead(generation, master, returns),
        }
    }

    /// What is still to come of the script does not.
    pub(crate) fn stop_script(&mut self) {
        self.queue.retain(|_, happening| !matches!(happening, Happening::Step(_)));
    }
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Happening,
    Master,
    Session,
    Core,
}
