//! How everybody else talks to the loop around the master.

use mesos_proto::v1::{self, scheduler};
use tokio::sync::{mpsc, oneshot};

use crate::master::{AgentAction, AgentLoss, Answer, Master, StreamNumber};

/// What the loop takes in.
pub(super) enum Input {
    Call {
        principal: Option<String>,
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
    ExecutorExited {
        agent: v1::AgentId,
        framework: v1::FrameworkId,
        executor: v1::ExecutorId,
        status: i32,
    },
    ExecutorMessage {
        agent: v1::AgentId,
        framework: v1::FrameworkId,
        executor: v1::ExecutorId,
        data: bytes::Bytes,
    },
    Query(Box<dyn FnOnce(&Master) + Send>),
    DropStreams,
    CutOffMaster {
        done: oneshot::Sender<()>,
    },
    EndMaster {
        done: oneshot::Sender<()>,
    },
    Lead {
        successor: Option<u16>,
        done: oneshot::Sender<()>,
    },
    Operate {
        call: Box<v1::master::Call>,
        reply: oneshot::Sender<Option<Answer>>,
    },
    LoseAgent(v1::AgentId, AgentLoss),
    DisconnectAgent(v1::AgentId),
    ReturnAgent(v1::AgentId),
}

/// The answer to a call.
pub(crate) enum Reply {
    Status { status: u16, text: String },
    Stream { stream_id: String, events: Events },
}

/// What arrives on an event stream. Dropping it tells the master that the scheduler is gone.
pub(crate) struct Events {
    pub(super) stream: StreamNumber,
    pub(super) items: mpsc::UnboundedReceiver<StreamItem>,
    pub(super) driver: DriverHandle,
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
pub(crate) struct DriverHandle(pub(super) mpsc::UnboundedSender<Input>);

impl DriverHandle {
    /// `None` if the cluster is shutting down.
    pub(crate) async fn call(
        &self,
        principal: Option<&str>,
        call: scheduler::Call,
        stream_id: Option<String>,
    ) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        let principal = principal.map(str::to_owned);
        self.send(Input::Call { principal, call: Box::new(call), stream_id, reply });
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

    /// A call of an operator that changes something; nothing within if there is no such call here. `None` if the
    /// cluster is shutting down or the master is not there.
    pub(crate) async fn operate(&self, call: v1::master::Call) -> Option<Option<Answer>> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Operate { call: Box::new(call), reply });
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

    pub(crate) fn executor_exited(
        &self,
        agent: &v1::AgentId,
        framework: &v1::FrameworkId,
        executor: &v1::ExecutorId,
        status: i32,
    ) {
        let (agent, framework, executor) = (agent.clone(), framework.clone(), executor.clone());
        self.send(Input::ExecutorExited { agent, framework, executor, status });
    }

    pub(crate) fn executor_message(
        &self,
        agent: &v1::AgentId,
        framework: &v1::FrameworkId,
        executor: &v1::ExecutorId,
        data: bytes::Bytes,
    ) {
        let (agent, framework, executor) = (agent.clone(), framework.clone(), executor.clone());
        self.send(Input::ExecutorMessage { agent, framework, executor, data });
    }

    pub(crate) fn drop_streams(&self) {
        self.send(Input::DropStreams);
    }

    /// Nobody reaches the master any more; it remembers everything.
    pub(crate) async fn cut_off_master(&self) {
        let (done, over) = oneshot::channel();
        self.send(Input::CutOffMaster { done });
        // Without a loop there is nothing to wait for; the same below.
        let _ = over.await;
    }

    /// The master is dead. What agents do from here on they tell the next one.
    pub(crate) async fn end_master(&self) {
        let (done, over) = oneshot::channel();
        self.send(Input::EndMaster { done });
        let _ = over.await;
    }

    /// A master leads: a new one at this port, or the one that was cut off.
    pub(crate) async fn lead(&self, successor: Option<u16>) {
        let (done, over) = oneshot::channel();
        self.send(Input::Lead { successor, done });
        let _ = over.await;
    }

    pub(crate) fn lose_agent(&self, agent: &v1::AgentId, loss: AgentLoss) {
        self.send(Input::LoseAgent(agent.clone(), loss));
    }

    /// The agent's connection breaks.
    pub(crate) fn disconnect_agent(&self, agent: &v1::AgentId) {
        self.send(Input::DisconnectAgent(agent.clone()));
    }

    pub(crate) fn return_agent(&self, agent: &v1::AgentId) {
        self.send(Input::ReturnAgent(agent.clone()));
    }

    fn send(&self, input: Input) {
        // Without a loop the cluster is gone, and nobody waits for the outcome.
        let _ = self.0.send(input);
    }
}
