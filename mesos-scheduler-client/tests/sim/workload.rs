//! Draws a script from a seed.

use std::time::Duration;

use crate::{
    random::Random,
    script::{Action, Life, Script, Setup, Step, Wish},
};

/// The script of a seed.
pub(crate) fn draw(seed: u64) -> Script {
    let mut random = Random::new(seed);
    let setup = setup(&mut random);
    let length = random.skewed_millis(20_000, 400_000);
    let mut drawing = Drawing { random, setup, length, steps: Vec::new(), tasks: 0 };
    drawing.work();
    drawing.faults();
    let Drawing { setup, length, mut steps, .. } = drawing;
    steps.sort_by_key(|step| step.at);
    Script { seed, mutation: None, setup, steps, length }
}

/// A script without chance in it: every kind of work that there is, and a stream that breaks.
pub(crate) fn small() -> Script {
    let setup = Setup {
        agents: 2,
        masters: 1,
        ports: 5,
        latency: Duration::from_millis(1),
        lag: Duration::ZERO,
        is_partition_aware: true,
        is_multi_role: true,
        role_count: 2,
        agent_latency: Duration::from_millis(1),
        tells_killing: true,
        is_checkpointed: true,
        offer_timeout: None,
        hold: Duration::from_secs(5),
        max_held_offers: 32,
        is_spreading: false,
    };
    let wish = Wish {
        cpus_milli: 250,
        mem_mib: 32,
        ports: 1,
        priority: 0,
        role: None,
        rack: None,
        launch_timeout: Duration::from_secs(60),
        kill_grace: Duration::from_secs(3),
    };
    let life = Life {
        start: Duration::from_millis(100),
        run: Duration::from_millis(500),
        end: None,
        never_runs: false,
        dies_within: Duration::from_millis(300),
        again: None,
    };
    let submit = |task| Action::Submit { task, wish: wish.clone(), life: life.clone() };
    let steps = [
        (1_000, submit(0)),
        (1_000, submit(1)),
        (1_002, submit(2)),
        (3_000, Action::Kill { task: 0 }),
        (5_000, Action::Finish { task: 1, is_well: true }),
        (9_000, submit(3)),
        (9_700, Action::CutStream { bytes: 5, master_learns: Duration::from_millis(50) }),
        (15_000, submit(4)),
        (15_100, Action::Kill { task: 4 }),
    ];
    let steps = steps.map(|(at, action)| Step { at: Duration::from_millis(at), action }).to_vec();
    Script { seed: 0, mutation: None, setup, steps, length: Duration::from_secs(20) }
}

fn setup(random: &mut Random) -> Setup {
    let agents = match random.within(1, 100) {
        1..=60 => random.within(1, 6),
        61..=92 => random.within(7, 40),
        _ => random.within(100, 300),
    };
    let is_multi_role = random.chance(60);
    Setup {
        agents: u32::try_from(agents).expect("there are few"),
        masters: u8::try_from(random.within(1, 3)).expect("there are few"),
        ports: random.pick(&[2, 5, 50]),
        latency: Duration::from_micros(random.pick(&[1, 200, 1_000, 20_000, 150_000])),
        lag: Duration::from_millis(random.pick(&[0, 0, 1, 30])),
        is_partition_aware: random.chance(75),
        is_multi_role,
        role_count: if is_multi_role && random.chance(40) { 2 } else { 1 },
        agent_latency: Duration::from_millis(random.pick(&[1, 1, 20, 300])),
        tells_killing: random.chance(50),
        is_checkpointed: random.chance(75),
        offer_timeout: random.chance(25).then(|| random.millis(500, 6_000)),
        hold: Duration::from_millis(random.pick(&[0, 5_000, 5_000, 20_000])),
        max_held_offers: random.pick(&[1, 4, 32]),
        is_spreading: random.chance(30),
    }
}

/// How long the scheduler hears nothing, about.
fn time_of_blindness(action: &Action) -> Option<Duration> {
    match action {
        Action::Crash { down, .. } => Some(*down),
        Action::Partition { time } | Action::StallStream { time } => Some(*time),
        Action::CutStream { .. } => Some(Duration::from_millis(500)),
        Action::FailOver { down, recovery, returns, .. } => Some(*down + *recovery + *returns),
        _ => None,
    }
}

struct Drawing {
    random: Random,
    setup: Setup,
    length: Duration,
    steps: Vec<Step>,
    tasks: u32,
}

impl Drawing {
    fn work(&mut self) {
        let bursts = self.random.within(1, 8);
        for _ in 0..bursts {
            let at = self.instant();
            let most = if self.setup.agents >= 100 { 60 } else { 12 };
            let size = self.random.within(1, most);
            for _ in 0..size {
                self.task(at);
            }
        }
    }

    /// A task from its submission to its end.
    fn task(&mut self, burst: Duration) {
        let task = self.tasks;
        self.tasks += 1;
        let at = if self.random.chance(50) { burst } else { burst + self.random.skewed_millis(0, 20_000) };
        let (wish, life) = (self.wish(), self.life());
        self.push(at, Action::Submit { task, wish, life });
        let later = at + self.random.skewed_millis(0, 120_000);
        match self.random.within(1, 100) {
            1..=45 => self.push(later, Action::Kill { task }),
            46..=70 => {
                let is_well = self.random.chance(60);
                self.push(later, Action::Finish { task, is_well });
            }
            _ => {}
        }
        if self.random.chance(5) {
            let again = later + self.random.skewed_millis(0, 10_000);
            self.push(again, Action::Kill { task });
        }
    }

    fn wish(&mut self) -> Wish {
        Wish {
            cpus_milli: self.random.pick(&[50, 100, 250, 1000, 2000]),
            mem_mib: self.random.pick(&[32, 128, 512, 1024]),
            ports: self.random.pick(&[0, 1, 1, 2]),
            priority: self.random.pick(&[0, 0, 0, 1]),
            role: if self.setup.role_count > 1 {
                self.random.pick(&[None, Some("web"), Some("batch")])
            } else {
                None
            },
            rack: self.random.pick(&[None, None, None, Some("a"), Some("b")]),
            launch_timeout: Duration::from_secs(self.random.pick(&[5, 60, 60, 180])),
            kill_grace: Duration::from_secs(self.random.pick(&[0, 3, 10])),
        }
    }

    fn life(&mut self) -> Life {
        Life {
            start: self.random.skewed_millis(0, 3_000),
            run: self.random.skewed_millis(0, 8_000),
            end: self
                .random
                .chance(25)
                .then(|| (self.random.skewed_millis(0, 90_000), self.random.chance(60))),
            never_runs: self.random.chance(4),
            dies_within: self.random.skewed_millis(0, 4_000),
            again: self.random.chance(15).then(|| self.random.millis(1_000, 20_000)),
        }
    }

    fn faults(&mut self) {
        // Some seeds are calm: what goes wrong there goes wrong without any help.
        let most = self.random.pick(&[0, 3, 10, 25]);
        let count = self.random.within(0, most);
        for _ in 0..count {
            let at = self.instant_of_fault();
            let action = self.fault();
            let blind = time_of_blindness(&action);
            self.push(at, action);
            // What happens to agents while nobody can tell the scheduler is news that it never gets.
            if let Some(blind) = blind.filter(|_| self.random.chance(50)) {
                let most = u64::try_from(blind.as_millis()).expect("it is short");
                let (later, action) = (self.random.millis(0, most), self.agent_fault());
                self.push(at + later, action);
            }
        }
    }

    /// Often when there is work: what goes wrong then finds something on its way.
    fn instant_of_fault(&mut self) -> Duration {
        let works = self.steps.len();
        if works == 0 || self.random.chance(40) {
            return self.instant();
        }
        let last = u64::try_from(works - 1).expect("there are few steps");
        let index = usize::try_from(self.random.within(0, last)).expect("it is an index");
        self.steps[index].at + self.random.skewed_millis(0, 3_000)
    }

    fn fault(&mut self) -> Action {
        match self.random.within(1, 100) {
            1..=12 => self.crash(),
            13..=30 => self.stream_fault(),
            31..=50 => self.call_fault(),
            51..=55 => Action::Partition { time: self.random.skewed_millis(100, 120_000) },
            56..=82 => self.agent_fault(),
            83..=86 => self.port_fault(),
            87..=96 => self.fail_over(),
            97..=98 => Action::FailStore { count: u32::try_from(self.random.within(1, 3)).expect("few") },
            _ => Action::FailQueries { count: u32::try_from(self.random.within(1, 3)).expect("few") },
        }
    }

    fn crash(&mut self) -> Action {
        Action::Crash {
            effects: self.random.skewed_millis(0, 40).as_millis().try_into().expect("it is small"),
            is_carried_out: self.random.chance(50),
            down: self.random.skewed_millis(0, 60_000),
            is_silent: self.random.chance(15),
        }
    }

    fn stream_fault(&mut self) -> Action {
        if self.random.chance(25) {
            return Action::StallStream { time: self.random.skewed_millis(1_000, 200_000) };
        }
        Action::CutStream {
            bytes: if self.random.chance(30) { 0 } else { self.random.within(1, 600) },
            master_learns: self.random.skewed_millis(0, 60_000),
        }
    }

    fn call_fault(&mut self) -> Action {
        match self.random.within(1, 5) {
            5 => Action::RefuseCalls { time: self.random.skewed_millis(10, 30_000) },
            1 | 2 => Action::CutCalls {
                taken: usize::try_from(self.random.within(0, 4)).expect("few"),
                late: self.random.skewed_millis(0, 3_000),
            },
            3 => Action::StallReplies { time: self.random.skewed_millis(100, 100_000) },
            _ => Action::StallCalls { time: self.random.skewed_millis(100, 100_000) },
        }
    }

    fn agent_fault(&mut self) -> Action {
        let last = u64::from(self.setup.agents - 1);
        let agent = u32::try_from(self.random.within(0, last)).expect("there are few agents");
        let time = self.random.skewed_millis(100, 150_000);
        match self.random.within(1, 12) {
            1..=4 => Action::LoseAgent { agent, time },
            5 | 6 => Action::RestartAgent { agent, time: time.min(Duration::from_secs(10)) },
            7 | 8 => Action::RebootAgent { agent, time },
            9 => Action::UnregisterAgent { agent, time },
            10 => Action::MarkAgentGone { agent, is_reachable: self.random.chance(50), time },
            11 => Action::JoinAgent,
            _ => Action::LoseKills { agent, count: u32::try_from(self.random.within(1, 3)).expect("few") },
        }
    }

    fn port_fault(&mut self) -> Action {
        let last = u64::from(self.setup.agents - 1);
        Action::TakePort {
            agent: u32::try_from(self.random.within(0, last)).expect("there are few agents"),
            port: u16::try_from(self.random.within(0, u64::from(self.setup.ports) - 1)).expect("a port"),
            time: self.random.skewed_millis(1_000, 200_000),
        }
    }

    fn fail_over(&mut self) -> Action {
        Action::FailOver {
            to: u8::try_from(self.random.within(0, u64::from(self.setup.masters) - 1)).expect("few"),
            down: self.random.skewed_millis(10, 30_000),
            recovery: self.random.skewed_millis(0, 5_000),
            returns: self.random.skewed_millis(0, 120_000),
            is_silent: self.random.chance(20),
        }
    }

    fn instant(&mut self) -> Duration {
        let last = u64::try_from(self.length.as_millis()).expect("it is short");
        self.random.millis(0, last)
    }

    fn push(&mut self, at: Duration, action: Action) {
        self.steps.push(Step { at, action });
    }
}
