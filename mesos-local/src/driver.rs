//! The loop around the master core: one task owns it, everybody else talks to that task.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mesos_proto::v1::{self, scheduler};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    master::{AgentAction, AgentLoss, AgentRegistration, Answer, Master, StreamNumber},
    transcript::{Said, Transcript},
};

/// What the loop takes in.
enum Input {
    Call {
        call: Box<scheduler::Call>,
        stream_id: Option<String>,
        reply: oneshot::Sender<Reply>,
    },
    StreamClosed(StreamNumber),
    Register {
        name: String,
        info: Box<v1::AgentInfo>,
        actions: mpsc::UnboundedSender<AgentAction>,
        reply: oneshot::Sender<Result<v1::AgentId, String>>,
    },
    Status {
        agent: v1::AgentId,
        framework: v1::FrameworkId,
        status: Box<v1::TaskStatus>,
    },
    Query(Box<dyn FnOnce(&Master) + Send>),
    DropStreams,
    LoseAgent(v1::AgentId, AgentLoss),
    ReturnAgent(v1::AgentId),
}

/// The answer to a call.
pub(crate) enum Reply {
    Status { status: u16, text: String },
    Stream { stream_id: String, events: Events },
}

/// What arrives on an event stream. Dropping it tells the master that the scheduler is gone.
pub(crate) struct Events {
    stream: StreamNumber,
    items: mpsc::UnboundedReceiver<StreamItem>,
    driver: DriverHandle,
}

pub(crate) enum StreamItem {
    Event(Box<scheduler::Event>),
    /// The connection breaks here.
    Cut,
}

impl Events {
    pub(crate) fn poll_recv(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<StreamItem>> {
        self.items.poll_recv(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.driver.send(Input::StreamClosed(self.stream));
    }
}

/// Talks to the loop.
#[derive(Clone)]
pub(crate) struct DriverHandle(mpsc::UnboundedSender<Input>);

impl DriverHandle {
    /// `None` if the cluster is shutting down.
    pub(crate) async fn call(&self, call: scheduler::Call, stream_id: Option<String>) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Call { call: Box::new(call), stream_id, reply });
        answer.await.ok()
    }

    /// `None` if the cluster is shutting down.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Master) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Query(Box::new(move |master| {
            // The one who asked may be gone.
            let _ = reply.send(query(master));
        })));
        answer.await.ok()
    }

    pub(crate) async fn register(
        &self,
        name: &str,
        info: v1::AgentInfo,
        actions: mpsc::UnboundedSender<AgentAction>,
    ) -> Result<v1::AgentId, String> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Register { name: name.to_owned(), info: Box::new(info), actions, reply });
        answer.await.unwrap_or_else(|_| Err("the master is gone".into()))
    }

    pub(crate) fn status(&self, agent: &v1::AgentId, framework: &v1::FrameworkId, status: v1::TaskStatus) {
        let (agent, framework) = (agent.clone(), framework.clone());
        self.send(Input::Status { agent, framework, status: Box::new(status) });
    }

    pub(crate) fn drop_streams(&self) {
        self.send(Input::DropStreams);
    }

    pub(crate) fn lose_agent(&self, agent: &v1::AgentId, loss: AgentLoss) {
        self.send(Input::LoseAgent(agent.clone(), loss));
    }

    pub(crate) fn return_agent(&self, agent: &v1::AgentId) {
        self.send(Input::ReturnAgent(agent.clone()));
    }

    fn send(&self, input: Input) {
        // Without a loop the cluster is gone, and nobody waits for the outcome.
        let _ = self.0.send(input);
    }
}

/// Owns the master.
pub(crate) struct Driver {
    master: Master,
    started: Instant,
    inputs: mpsc::UnboundedReceiver<Input>,
    handle: DriverHandle,
    streams: BTreeMap<StreamNumber, mpsc::UnboundedSender<StreamItem>>,
    /// Name and mailbox of each agent by id.
    agents: BTreeMap<String, (String, mpsc::UnboundedSender<AgentAction>)>,
    transcript: Arc<Mutex<Transcript>>,
}

impl Driver {
    pub(crate) fn new(
        master: Master,
        transcript: Arc<Mutex<Transcript>>,
        started: Instant,
    ) -> (Self, DriverHandle) {
        let (sender, inputs) = mpsc::unbounded_channel();
        let handle = DriverHandle(sender);
        let driver = Self {
            master,
            started,
            inputs,
            handle: handle.clone(),
            streams: BTreeMap::new(),
            agents: BTreeMap::new(),
            transcript,
        };
        (driver, handle)
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let deadline = self.master.poll_timeout().map(|at| self.started + at);
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
                    let now = self.now();
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

    fn handle(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::Call { call, stream_id, reply } => self.call(now, call, stream_id, reply),
            Input::StreamClosed(stream) => {
                if self.streams.remove(&stream).is_some() {
                    self.say(now, &scheduler_name(stream), "master", Said::StreamClosed);
                }
                self.master.handle_stream_closed(now, stream);
            }
            Input::Register { name, info, actions, reply } => {
                self.say(now, &name, "master", Said::Registered(info.clone()));
                let outcome = self.master.handle_agent_registered(now, AgentRegistration { info: *info });
                if let Ok(id) = &outcome {
                    self.agents.insert(id.value.clone(), (name, actions));
                }
                // The one who asked may be gone.
                let _ = reply.send(outcome);
            }
            Input::Status { agent, framework, status } => {
                let name = self.agent_name(&agent);
                self.say(now, &name, "master", Said::Status(status.clone()));
                self.master.handle_status(now, &agent, &framework, *status);
            }
            Input::Query(query) => query(&self.master),
            Input::DropStreams => {
                self.say(now, "test", "cluster", Said::Fault("drop all streams".into()));
                for (stream, sender) in std::mem::take(&mut self.streams) {
                    // A stream that nobody reads any more is as good as cut.
                    let _ = sender.send(StreamItem::Cut);
                    self.master.handle_stream_closed(now, stream);
                }
            }
            Input::LoseAgent(agent, loss) => {
                let name = self.agent_name(&agent);
                self.say(now, "test", "cluster", Said::Fault(format!("lose {name}: {loss:?}")));
                self.master.handle_agent_lost(now, &agent, loss);
            }
            Input::ReturnAgent(agent) => {
                let name = self.agent_name(&agent);
                self.say(now, "test", "cluster", Said::Fault(format!("return {name}")));
                self.master.handle_agent_returned(now, &agent);
            }
        }
    }

    fn call(
        &mut self,
        now: Duration,
        call: Box<scheduler::Call>,
        stream_id: Option<String>,
        reply: oneshot::Sender<Reply>,
    ) {
        let name = call.framework_id.as_ref().map_or("a scheduler", |id| id.value.as_str()).to_owned();
        self.say(now, &name, "master", Said::Call(call.clone()));
        match self.master.handle_call(now, *call, stream_id.as_deref()) {
            Answer::Status { status, text } => {
                self.say(now, "master", &name, Said::Answer { status, text: text.clone() });
                // The caller may have closed its connection; the call took effect all the same.
                let _ = reply.send(Reply::Status { status, text });
            }
            Answer::Stream { stream, stream_id } => {
                let text = format!("{} {stream_id}", scheduler_name(stream));
                self.say(now, "master", &name, Said::Answer { status: 200, text });
                let (sender, items) = mpsc::unbounded_channel();
                self.streams.insert(stream, sender);
                let events = Events { stream, items, driver: self.handle.clone() };
                // If nobody waits, dropping the events closes the stream.
                let _ = reply.send(Reply::Stream { stream_id, events });
            }
        }
    }

    fn drain(&mut self) {
        let now = self.now();
        while let Some(output) = self.master.poll_stream() {
            let name = scheduler_name(output.stream);
            match output.event {
                Some(event) => {
                    let event = Box::new(event);
                    self.say(now, "master", &name, Said::Event(event.clone()));
                    if let Some(sender) = self.streams.get(&output.stream) {
                        // The closing of the stream is on its way to the master.
                        let _ = sender.send(StreamItem::Event(event));
                    }
                }
                None => {
                    self.say(now, "master", &name, Said::EndOfStream);
                    self.streams.remove(&output.stream);
                }
            }
        }
        while let Some(command) = self.master.poll_command() {
            let Some((name, actions)) = self.agents.get(&command.agent_id.value) else {
                continue;
            };
            let (name, actions) = (name.clone(), actions.clone());
            self.say(now, "master", &name, Said::Action(Box::new(command.action.clone())));
            // An agent that ended has stopped its tasks.
            let _ = actions.send(command.action);
        }
    }

    fn agent_name(&self, id: &v1::AgentId) -> String {
        self.agents.get(&id.value).map_or_else(|| id.value.clone(), |(name, _)| name.clone())
    }

    fn say(&self, at: Duration, from: &str, to: &str, said: Said) {
        let mut transcript = self.transcript.lock().unwrap_or_else(PoisonError::into_inner);
        transcript.add(at, from, to, said);
    }
}

fn scheduler_name(stream: StreamNumber) -> String {
    format!("scheduler {}", stream.0)
}
