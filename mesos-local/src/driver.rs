//! The loop around the master core: one task owns it, everybody else talks to that task.

mod handle;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mesos_proto::v1::{self, scheduler};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use self::handle::Input;
pub(crate) use self::handle::{DriverHandle, Events, Reply, StreamItem};
use crate::{
    master::{AgentAction, AgentLoss, AgentRegistration, Answer, Master, MasterConfig, StreamNumber},
    transcript::{Said, Transcript},
};

/// Owns the master.
pub(crate) struct Driver {
    master: Master,
    /// What the first master was told.
    config: MasterConfig,
    started: Instant,
    /// When the present master started.
    master_started: Duration,
    /// How many masters there were before it.
    predecessors: u64,
    /// Whether the master can be reached.
    is_leading: bool,
    /// Calls that came when that was over: their connections are about to be cut.
    unanswered: Vec<oneshot::Sender<Reply>>,
    /// Agents that do not answer.
    lost: BTreeSet<String>,
    inputs: mpsc::UnboundedReceiver<Input>,
    handle: DriverHandle,
    streams: BTreeMap<StreamNumber, mpsc::UnboundedSender<StreamItem>>,
    /// Name and mailbox of each agent by id.
    agents: BTreeMap<String, (String, mpsc::UnboundedSender<AgentAction>)>,
    transcript: Arc<Mutex<Transcript>>,
    /// Whether the transcript takes anything.
    is_recorded: bool,
}

impl Driver {
    pub(crate) fn new(
        config: MasterConfig,
        transcript: Arc<Mutex<Transcript>>,
        started: Instant,
    ) -> (Self, DriverHandle) {
        let (sender, inputs) = mpsc::unbounded_channel();
        let handle = DriverHandle(sender);
        let is_recorded = transcript.lock().unwrap_or_else(PoisonError::into_inner).takes_entries();
        let driver = Self {
            master: Master::new(config.clone()),
            config,
            started,
            master_started: Duration::ZERO,
            predecessors: 0,
            is_leading: true,
            unanswered: Vec::new(),
            lost: BTreeSet::new(),
            inputs,
            handle: handle.clone(),
            streams: BTreeMap::new(),
            agents: BTreeMap::new(),
            transcript,
            is_recorded,
        };
        (driver, handle)
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let deadline = self.master.poll_timeout().map(|at| self.started + self.master_started + at);
            let next = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                input = self.inputs.recv() => match input {
                    Some(input) => self.handle(input),
                    None => return,
                },
                () = next => {
                    let now = self.master_now();
                    self.master.handle_timeout(now);
                }
            }
            self.drain();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the driver gives the core its time")]
    fn now(&self) -> Duration {
        Instant::now().duration_since(self.started)
    }

    /// The time of the present master, which began when it started.
    fn master_now(&self) -> Duration {
        self.now().saturating_sub(self.master_started)
    }

    fn handle(&mut self, input: Input) {
        let now = self.master_now();
        match input {
            // Dropping the reply says that nobody is there.
            Input::Operate { .. } if !self.is_leading => {}
            Input::Operate { call, reply } => {
                self.say("operator", "master", || Said::Operate(call.clone()));
                // The one who asked may be gone.
                let _ = reply.send(self.master.handle_operator_call(now, &call));
            }
            Input::Call { reply, .. } if !self.is_leading => self.unanswered.push(reply),
            Input::Call { principal, call, stream_id, reply } => {
                self.call(now, principal, call, stream_id, reply);
            }
            Input::StreamClosed(stream) => {
                if self.streams.remove(&stream).is_some() {
                    self.say(Scheduler(stream), "master", || Said::StreamClosed);
                }
                self.master.handle_stream_closed(now, stream);
            }
            Input::Register { name, info, actions, reply } => {
                self.say(&name, "master", || Said::Registered(info.clone()));
                let outcome = self.master.handle_agent_registered(now, AgentRegistration { info: *info });
                if let Ok(id) = &outcome {
                    self.agents.insert(id.value.clone(), (name, actions));
                }
                // The one who asked may be gone.
                let _ = reply.send(outcome);
            }
            Input::Status { agent, framework, status } => {
                let name = self.agent_name(&agent);
                self.say(name, "master", || Said::Status(status.clone()));
                self.master.handle_status(now, &agent, &framework, *status);
            }
            Input::ExecutorExited { agent, framework, executor, status } => {
                let name = self.agent_name(&agent);
                self.say(name, "master", || Said::ExecutorExited { executor: executor.clone(), status });
                self.master.handle_executor_exited(&agent, &framework, &executor, status);
            }
            Input::ExecutorMessage { agent, framework, executor, data } => {
                let name = self.agent_name(&agent);
                let said = || Said::ExecutorMessage { executor: executor.clone(), data: data.clone() };
                self.say(name, "master", said);
                self.master.handle_executor_message(&agent, &framework, &executor, data);
            }
            Input::Query(query) => query(&self.master),
            Input::DropStreams => {
                self.say("test", "cluster", || Said::Fault("drop all streams".into()));
                self.drop_streams(now);
            }
            Input::CutOffMaster { done } => {
                self.say("test", "cluster", || Said::Fault("cut the master off".into()));
                self.is_leading = false;
                self.drop_streams(now);
                // The one who asked may be gone; the same below.
                let _ = done.send(());
            }
            Input::EndMaster { done } => {
                self.say("test", "cluster", || Said::Fault("end the master".into()));
                self.is_leading = false;
                self.cut_streams();
                self.succeed(self.config.port);
                let _ = done.send(());
            }
            Input::Lead { successor, done } => {
                self.lead(successor);
                let _ = done.send(());
            }
            Input::LoseAgent(agent, loss) => {
                let name = self.agent_name(&agent);
                self.say("test", "cluster", || Said::Fault(format!("lose {name}: {loss:?}")));
                self.lost.insert(agent.value.clone());
                // Without a master nobody notices that an agent is silent.
                if self.is_leading || loss != AgentLoss::Unreachable {
                    self.master.handle_agent_lost(now, &agent, loss);
                }
            }
            Input::DisconnectAgent(agent) => {
                let name = self.agent_name(&agent);
                self.say("test", "cluster", || Said::Fault(format!("disconnect {name}")));
                self.lost.insert(agent.value.clone());
                if self.is_leading {
                    self.master.handle_agent_disconnected(now, &agent);
                }
            }
            Input::ReturnAgent(agent) => {
                let name = self.agent_name(&agent);
                self.say("test", "cluster", || Said::Fault(format!("return {name}")));
                self.lost.remove(&agent.value);
                if self.is_leading {
                    self.master.handle_agent_returned(now, &agent);
                }
            }
        }
    }

    /// Breaks every stream; the master notices.
    fn drop_streams(&mut self, now: Duration) {
        for stream in self.cut_streams() {
            self.master.handle_stream_closed(now, stream);
        }
    }

    fn cut_streams(&mut self) -> Vec<StreamNumber> {
        let streams = std::mem::take(&mut self.streams);
        for sender in streams.values() {
            // A stream that nobody reads any more is as good as cut.
            let _ = sender.send(StreamItem::Cut);
        }
        streams.into_keys().collect()
    }

    /// Puts another master in the place of the present one.
    fn succeed(&mut self, port: u16) {
        self.predecessors += 1;
        self.master_started = self.now();
        let mut config = self.config.clone();
        // Far from the seeds of agents, so that no uuid comes twice.
        config.seed ^= self.predecessors.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        config.started_at += self.master_started;
        config.port = port;
        let placeholder = Master::new(config.clone());
        let predecessor = std::mem::replace(&mut self.master, placeholder);
        self.master = Master::after(config, predecessor);
    }

    fn lead(&mut self, successor: Option<u16>) {
        let what =
            successor.map_or("the master is back".into(), |port| format!("a new master at port {port}"));
        self.say("test", "cluster", || Said::Fault(what));
        if let Some(port) = successor {
            self.succeed(port);
        }
        self.is_leading = true;
        // Their connections are gone.
        self.unanswered.clear();
        let now = self.master_now();
        for id in self.agents.keys().cloned().map(v1::AgentId::new) {
            if self.lost.contains(&id.value) {
                self.master.handle_agent_lost(now, &id, AgentLoss::Unreachable);
            } else {
                self.master.handle_agent_returned(now, &id);
            }
        }
    }

    fn call(
        &mut self,
        now: Duration,
        principal: Option<String>,
        call: Box<scheduler::Call>,
        stream_id: Option<String>,
        reply: oneshot::Sender<Reply>,
    ) {
        let framework = call.framework_id.clone();
        let name = framework.as_ref().map_or("a scheduler", |id| id.value.as_str());
        self.say(name, "master", || Said::Call(call.clone()));
        match self.master.handle_call_of(now, principal.as_deref(), *call, stream_id.as_deref()) {
            Answer::Status { status, text } => {
                self.say("master", name, || Said::Answer { status, text: text.clone() });
                // The caller may have closed its connection; the call took effect all the same.
                let _ = reply.send(Reply::Status { status, text });
            }
            Answer::Stream { stream, stream_id } => {
                let text = || format!("{} {stream_id}", Scheduler(stream));
                self.say("master", name, || Said::Answer { status: 200, text: text() });
                let (sender, items) = mpsc::unbounded_channel();
                self.streams.insert(stream, sender);
                let events = Events { stream, items, driver: self.handle.clone() };
                // If nobody waits, dropping the events closes the stream.
                let _ = reply.send(Reply::Stream { stream_id, events });
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.master.poll_stream() {
            let name = Scheduler(output.stream);
            match output.event {
                Some(event) => {
                    let event = Box::new(event);
                    self.say("master", name, || Said::Event(event.clone()));
                    if let Some(sender) = self.streams.get(&output.stream) {
                        // The closing of the stream is on its way to the master.
                        let _ = sender.send(StreamItem::Event(event));
                    }
                }
                None => {
                    self.say("master", name, || Said::EndOfStream);
                    self.streams.remove(&output.stream);
                }
            }
        }
        while let Some(command) = self.master.poll_command() {
            let Some((name, actions)) = self.agents.get(&command.agent_id.value) else {
                continue;
            };
            self.say("master", name, || Said::Action(Box::new(command.action.clone())));
            // An agent that ended has stopped its tasks.
            let _ = actions.send(command.action);
        }
    }

    fn agent_name<'a>(&'a self, id: &'a v1::AgentId) -> &'a str {
        self.agents.get(&id.value).map_or(&id.value, |(name, _)| name)
    }

    /// Adds to the transcript, if there is one: nothing is copied for nobody.
    fn say(&self, from: impl Display, to: impl Display, said: impl FnOnce() -> Said) {
        if self.is_recorded {
            let at = self.now();
            let mut transcript = self.transcript.lock().unwrap_or_else(PoisonError::into_inner);
            transcript.add(at, &from.to_string(), &to.to_string(), said());
        }
    }
}

/// What the transcript calls whoever reads a stream.
#[derive(Clone, Copy)]
struct Scheduler(StreamNumber);

impl Display for Scheduler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "scheduler {}", self.0.0)
    }
}
