//! The handle that calls are made with.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use mesos_proto::v1::{
    self,
    scheduler::{self, Call, call},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    calls,
    connection::Security,
    error::TeardownError,
    operator::MasterApi,
    session::{CallOutcome, CloseReason, Masters, MastersError},
};

/// A wish of the user on its way to the driver.
#[derive(Debug)]
pub(crate) enum Command {
    Call { call: Box<Call>, reply: oneshot::Sender<CallOutcome> },
    SetSuppressedRoles(Vec<String>),
    SetOfferConstraints(Option<Box<scheduler::OfferConstraints>>),
    SetFrameworkInfo(Box<v1::FrameworkInfo>),
    Teardown { done: oneshot::Sender<()> },
    Close { done: oneshot::Sender<()> },
}

/// Makes calls for one framework. Clones are cheap and belong to the same subscription.
///
/// Calls leave in the order in which they are made, on one connection, and are sent at most once.
///
/// The client ends with its [`Events`](crate::Events): dropping those closes the connections, and
/// every later call resolves as [`CallOutcome::NotSubscribed`].
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    pub(crate) closed: Arc<OnceLock<CloseReason>>,
    pub(crate) framework_info: Arc<v1::FrameworkInfo>,
    pub(crate) security: Security,
    /// More calls are not taken.
    pub(crate) max_calls_waiting: usize,
}

impl Client {
    /// Makes a call; it has its place in the order when this returns. The `framework_id` of the call is filled
    /// in. Calls wait in memory for their turn; too many resolve as [`CallOutcome::QueueFull`], so who makes
    /// very many awaits some of the replies.
    ///
    /// SUBSCRIBE and TEARDOWN are not for this method, and UNKNOWN is for none (it ends the process of a
    /// master): these resolve as [`CallOutcome::Invalid`].
    pub fn send(&self, call: Call) -> CallReply {
        let (reply, receiver) = oneshot::channel();
        match self.commands.send(Command::Call { call: Box::new(call), reply }) {
            Ok(()) => CallReply(State::Waiting(receiver)),
            Err(_closed) => CallReply(State::NotSent),
        }
    }

    /// Sets the roles that get no offers; the next SUBSCRIBE says so. For the present subscription send
    /// SUPPRESS or REVIVE, which need no call of this method.
    pub fn set_suppressed_roles(&self, roles: Vec<String>) {
        self.command(Command::SetSuppressedRoles(roles));
    }

    /// Sets which offers the master need not make (Mesos 1.11 and later), `None` for all offers; the next
    /// SUBSCRIBE says so. For the present subscription send UPDATE_FRAMEWORK, which needs no call of this method.
    pub fn set_offer_constraints(&self, constraints: Option<scheduler::OfferConstraints>) {
        self.command(Command::SetOfferConstraints(constraints.map(Box::new)));
    }

    /// Sets who the framework is; the next SUBSCRIBE says so. The id stays. For the present subscription
    /// send UPDATE_FRAMEWORK, which needs no call of this method.
    pub fn set_framework_info(&self, framework_info: v1::FrameworkInfo) {
        self.command(Command::SetFrameworkInfo(Box::new(framework_info)));
    }

    /// Ends the framework: the master kills its tasks and voids its id. Calls made before go out before. The
    /// client reconnects for it if it must, within the teardown timeout.
    ///
    /// # Errors
    /// No master confirmed it; the framework may still exist. The session is over anyway.
    pub async fn teardown(&self) -> Result<(), TeardownError> {
        let (done, ended) = oneshot::channel();
        self.command(Command::Teardown { done });
        // An error says that the driver has ended, which is what is waited for.
        let _ = ended.await;
        match self.closed.get() {
            Some(reason) if reason.is_framework_gone() => Ok(()),
            Some(reason) => Err(TeardownError { reason: reason.clone() }),
            None => Err(TeardownError { reason: CloseReason::ClosedByUser }),
        }
    }

    /// Drops the connections. Calls that have no answer yet are given up. The master keeps the framework and
    /// its tasks for the `failover_timeout` of the framework, which is 0 unless it was set.
    pub async fn close(&self) {
        let (done, ended) = oneshot::channel();
        self.command(Command::Close { done });
        // As above.
        let _ = ended.await;
    }

    /// Who the framework is, as the client was built.
    pub fn framework_info(&self) -> &v1::FrameworkInfo {
        &self.framework_info
    }

    /// The operator API of a master, with the credentials and the TLS of this client. The URL of the master that leads
    /// comes with [`Event::Subscribed`](crate::Event::Subscribed).
    ///
    /// # Errors
    /// The URL is none.
    pub fn master_api(&self, url: &str) -> Result<MasterApi, MastersError> {
        let api = MasterApi::new(Masters::parse(url)?).credentials(self.security.credentials.clone());
        #[cfg(feature = "tls")]
        let api = match &self.security.tls {
            Some(tls) => api.tls(tls.clone()),
            None => api,
        };
        Ok(api)
    }

    /// Why the client has ended; `None` while it has not.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.closed.get()
    }

    fn command(&self, command: Command) {
        // A driver that has ended has no use for wishes.
        let _ = self.commands.send(command);
    }
}

/// One method for each call; see [`calls`] for the messages they make.
impl Client {
    /// ACCEPT: uses offers of one agent and one role. What the operations leave over is declined with
    /// `filters`; without filters it stays away for 5 s.
    pub fn accept(
        &self,
        offer_ids: Vec<v1::OfferId>,
        operations: Vec<v1::offer::Operation>,
        filters: Option<v1::Filters>,
    ) -> CallReply {
        self.send(calls::accept(offer_ids, operations, filters))
    }

    /// DECLINE: gives offers back, for 5 s unless the filters say otherwise.
    pub fn decline(&self, offer_ids: Vec<v1::OfferId>, filters: Option<v1::Filters>) -> CallReply {
        self.send(calls::decline(offer_ids, filters))
    }

    /// ACCEPT_INVERSE_OFFERS: agrees to give resources back.
    pub fn accept_inverse_offers(&self, ids: Vec<v1::OfferId>, filters: Option<v1::Filters>) -> CallReply {
        self.send(calls::accept_inverse_offers(ids, filters))
    }

    /// DECLINE_INVERSE_OFFERS: does not agree to give resources back.
    pub fn decline_inverse_offers(&self, ids: Vec<v1::OfferId>, filters: Option<v1::Filters>) -> CallReply {
        self.send(calls::decline_inverse_offers(ids, filters))
    }

    /// REVIVE: clears filters and suppression of these roles, of all roles if the list is empty.
    pub fn revive(&self, roles: Vec<String>) -> CallReply {
        self.send(calls::revive(roles))
    }

    /// SUPPRESS: stops offers for these roles, for all roles if the list is empty.
    pub fn suppress(&self, roles: Vec<String>) -> CallReply {
        self.send(calls::suppress(roles))
    }

    /// KILL: ends a task. A wrong agent id makes it a call without effect.
    pub fn kill(
        &self,
        task_id: v1::TaskId,
        agent_id: Option<v1::AgentId>,
        kill_policy: Option<v1::KillPolicy>,
    ) -> CallReply {
        self.send(calls::kill(task_id, agent_id, kill_policy))
    }

    /// SHUTDOWN: ends an executor and its tasks.
    pub fn shutdown(&self, executor_id: v1::ExecutorId, agent_id: v1::AgentId) -> CallReply {
        self.send(calls::shutdown(executor_id, agent_id))
    }

    /// ACKNOWLEDGE of a status. `None` if the status needs none: it has no uuid or no agent id.
    pub fn acknowledge(&self, status: &v1::TaskStatus) -> Option<CallReply> {
        calls::acknowledge(status).map(|call| self.send(call))
    }

    /// ACKNOWLEDGE_OPERATION_STATUS. `None` if the status needs none: it has no uuid or no operation id.
    pub fn acknowledge_operation_status(&self, status: &v1::OperationStatus) -> Option<CallReply> {
        calls::acknowledge_operation_status(status).map(|call| self.send(call))
    }

    /// RECONCILE: asks for the states of these tasks, of all tasks that the master knows if the list is
    /// empty.
    pub fn reconcile(&self, tasks: Vec<call::reconcile::Task>) -> CallReply {
        self.send(calls::reconcile(tasks))
    }

    /// RECONCILE_OPERATIONS: the same for offer operations.
    pub fn reconcile_operations(&self, operations: Vec<call::reconcile_operations::Operation>) -> CallReply {
        self.send(calls::reconcile_operations(operations))
    }

    /// MESSAGE: bytes to an executor, at most once.
    pub fn message(&self, agent_id: v1::AgentId, executor_id: v1::ExecutorId, data: Bytes) -> CallReply {
        self.send(calls::message(agent_id, executor_id, data))
    }

    /// REQUEST: tells what resources would be welcome. The allocator of Mesos ignores it.
    pub fn request(&self, requests: Vec<v1::Request>) -> CallReply {
        self.send(calls::request(requests))
    }

    /// UPDATE_FRAMEWORK (Mesos 1.9 and later): replaces info, suppressed roles and offer constraints. When
    /// it is accepted, later SUBSCRIBE calls say the same.
    pub fn update_framework(&self, update: call::UpdateFramework) -> CallReply {
        self.send(calls::update_framework(update))
    }
}

/// The answer to a call. It may be dropped; the call goes out anyway.
#[derive(Debug)]
#[must_use = "drop it by name if the outcome does not matter"]
pub struct CallReply(State);

#[derive(Debug)]
enum State {
    Waiting(oneshot::Receiver<CallOutcome>),
    NotSent,
}

impl Future for CallReply {
    type Output = CallOutcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CallOutcome> {
        match &mut self.0 {
            State::NotSent => Poll::Ready(CallOutcome::NotSubscribed),
            State::Waiting(receiver) => Pin::new(receiver).poll(context).map(|outcome| {
                outcome.unwrap_or_else(|_ended| CallOutcome::OutcomeUnknown {
                    why: "the client was dropped before an answer came".to_owned(),
                })
            }),
        }
    }
}
