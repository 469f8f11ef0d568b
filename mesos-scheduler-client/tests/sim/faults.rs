//! What the user and fate do.

use std::time::Duration;

use crate::{
    agents::task_id,
    cluster::Phase,
    network::{Down, Link, LinkId},
    script::Action,
    world::{Crash, Happening, World},
};

/// Longer than anybody waits for anything.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

impl World {
    /// Does a step of the script.
    pub(crate) fn act(&mut self, index: usize) {
        let action = self.script.steps[index].action.clone();
        self.say(|| format!("** {action:?}"));
        let now = self.instant();
        match action {
            Action::Submit { task, wish, .. } => {
                if let Some(process) = &mut self.process {
                    let id = task_id(task);
                    self.user.submit(&id);
                    process.core.submit(now, &id, &wish);
                }
            }
            Action::Kill { task } => {
                if let Some(process) = &mut self.process {
                    process.core.kill(now, &task_id(task));
                    self.user.doom(&task_id(task));
                }
            }
            Action::Finish { task, is_well } => {
                for agent in 0..self.cluster.agents.len() {
                    self.cluster.agents[agent].finish(&task_id(task), is_well);
                    self.send_reports(agent);
                }
            }
            Action::Crash { effects, is_carried_out, down, is_silent } => {
                if self.process.is_some() {
                    let at_effect = self.effects + effects;
                    self.crash = Some(Crash { at_effect, is_carried_out, down, is_silent });
                }
            }
            Action::CutStream { bytes, master_learns } => {
                if let Some((id, link)) = self.network.stream_of_mut(self.incarnation) {
                    link.breaks_after = Some((bytes, master_learns));
                    if bytes == 0 {
                        self.send_down(id, Duration::ZERO, Down::Bytes(bytes::Bytes::new()));
                    }
                }
            }
            Action::StallStream { time } => {
                let until = self.now + time;
                if let Some((id, link)) = self.network.stream_of_mut(self.incarnation) {
                    link.down.stalled_until = until;
                    self.at(until, Happening::Down(id));
                }
            }
            Action::CutCalls { taken, late } => self.cut_calls(taken, late),
            Action::RefuseCalls { time } => {
                self.network.calls_refused_until = self.now + time;
                self.cut_calls(0, Duration::ZERO);
            }
            Action::StallReplies { time } => {
                let until = self.now + time;
                if let Some((id, link)) = self.network.calls_of_mut(self.incarnation) {
                    self.seen.note("an answer is late");
                    link.down.stalled_until = until;
                    self.at(until, Happening::Down(id));
                }
            }
            Action::StallCalls { time } => {
                let until = self.now + time;
                if let Some((id, link)) = self.network.calls_of_mut(self.incarnation) {
                    self.seen.note("calls are late");
                    link.up.stalled_until = until;
                    self.at(until, Happening::Up(id));
                }
            }
            Action::Partition { time } => self.partition(time),
            Action::LoseAgent { agent, time } => {
                if self.lose_agent(agent, true) {
                    self.seen.note("an agent is lost");
                    self.after(time, Happening::AgentBack { agent: number(agent) });
                }
            }
            Action::RestartAgent { agent, time } => {
                if self.lose_agent(agent, false) {
                    self.seen.note("an agent restarts");
                    self.cluster.agents[number(agent)].restart();
                    self.after(time, Happening::AgentBack { agent: number(agent) });
                }
            }
            Action::RebootAgent { agent, time } => {
                if self.lose_agent(agent, true) {
                    self.seen.note("an agent reboots");
                    self.cluster.agents[number(agent)].reboot();
                    self.after(time, Happening::AgentBack { agent: number(agent) });
                }
            }
            Action::UnregisterAgent { agent, time } => self.unregister_agent(number(agent), time),
            Action::MarkAgentGone { agent, is_reachable, time } => {
                self.mark_agent_gone(number(agent), is_reachable, time);
            }
            Action::JoinAgent => self.replace_agent(None),
            Action::TakePort { agent, port, time } => {
                let port = u64::from(crate::cluster::FIRST_PORT + port);
                if let Some(known) = self.cluster.agents.get_mut(number(agent)) {
                    known.take_port(port);
                    self.after(time, Happening::FreePort { agent: number(agent), port });
                }
            }
            Action::LoseKills { agent, count } => {
                if let Some(known) = self.cluster.agents.get_mut(number(agent)) {
                    known.lose_kills(count);
                    self.seen.note("kills are lost");
                }
            }
            Action::FailOver { to, down, recovery, returns, is_silent } => {
                self.fail_over(usize::from(to), down, recovery, returns, is_silent);
            }
            Action::FailStore { count } => self.store.failures = count,
            Action::FailQueries { count } => self.queries_to_fail = count,
        }
    }

    /// The connection breaks. What the master has received by then takes effect, in its time.
    fn cut_calls(&mut self, taken: usize, late: Duration) {
        let until = self.now + late;
        let Some((id, link)) = self.network.calls_of_mut(self.incarnation) else { return };
        link.up.queue.truncate(taken);
        link.up.stalled_until = until;
        if link.down.queue.iter().any(|(_, what)| matches!(what, Down::Reply { .. })) {
            self.seen.note("an answer is lost after its call took effect");
        }
        link.down.queue.clear();
        self.at(until, Happening::Up(id));
        let notices = self.latency();
        self.after(notices, Happening::CallsFail(id));
    }

    fn partition(&mut self, time: Duration) {
        self.seen.note("nothing passes");
        let until = (self.now + time).max(self.network.partitioned_until);
        self.network.partitioned_until = until;
        let links: Vec<LinkId> = self.network.links.keys().copied().collect();
        for id in links {
            if let Some(link) = self.network.links.get_mut(&id) {
                link.up.stalled_until = link.up.stalled_until.max(until);
                link.down.stalled_until = link.down.stalled_until.max(until);
            }
            self.at(until, Happening::Up(id));
            self.at(until, Happening::Down(id));
        }
    }

    fn fail_over(
        &mut self,
        to: usize,
        down: Duration,
        recovery: Duration,
        returns: Duration,
        is_silent: bool,
    ) {
        if !self.cluster.is_leading() {
            return;
        }
        self.seen.note("the master fails over");
        // A smaller script may have fewer masters.
        let to = to % self.cluster.phases.len();
        let dead = self.cluster.leader;
        self.cluster.phases[dead] = Phase::Dead;
        self.cut_links_of(dead, is_silent);
        self.cluster.succeed(self.now);
        self.cluster.leader = to;
        let generation = self.cluster.generation;
        for master in 0..self.cluster.phases.len() {
            let early = if master == dead { Phase::Starting } else { Phase::NoLeader };
            self.after(down / 2, Happening::Phase { generation, master, phase: early });
            let then = if master == to { Phase::Recovering } else { Phase::Standby(to) };
            self.after(down, Happening::Phase { generation, master, phase: then });
        }
        self.after(down + recovery, Happening::Lead { generation, master: to, returns });
    }

    /// The machine of a master loses its connections, with a word or without.
    fn cut_links_of(&mut self, master: usize, is_silent: bool) {
        let is_of = |link: &Link| link.master == master && link.is_open_above;
        let links: Vec<LinkId> =
            self.network.links.iter().filter(|(_, link)| is_of(link)).map(|(id, _)| *id).collect();
        for id in links {
            if let Some(link) = self.network.links.get_mut(&id) {
                link.is_open_above = false;
                link.stream = None;
                link.up.queue.clear();
                if is_silent {
                    link.down.stalled_until = FOR_EVER;
                }
            }
            let delay = self.latency();
            self.send_down(id, delay, Down::Failed("connection reset"));
        }
    }

    /// A master begins to lead, and agents come back to it.
    pub(crate) fn lead(&mut self, generation: u64, master: usize, returns: Duration) {
        if generation != self.cluster.generation {
            return;
        }
        self.say(|| format!("master{master} leads"));
        self.cluster.phases[master] = Phase::Leading;
        let most = u64::try_from(returns.as_millis()).expect("it is short");
        for agent in 0..self.cluster.agents.len() {
            let delay = self.random.millis(0, most);
            self.after(delay, Happening::AgentRegisters { agent, generation });
        }
    }
}

/// The place of an agent of the script.
pub(crate) fn number(agent: u32) -> usize {
    usize::try_from(agent).expect("there are few agents")
}
