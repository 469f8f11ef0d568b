//! What the master gives out.

use mesos_proto::v1;

/// One SUBSCRIBE response of this master; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamNumber(pub u64);

/// The HTTP answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// 200 with an event stream that stays open.
    Stream {
        /// Names the stream in what [`Master::poll_stream`](super::Master::poll_stream) gives.
        stream: StreamNumber,
        /// Value of the header `Mesos-Stream-Id`.
        stream_id: String,
    },
    /// A status code and a plain text, which may be empty.
    Status {
        /// 200, 202, 400, 403, 404 or 501.
        status: u16,
        /// The body.
        text: String,
    },
}

impl Answer {
    pub(super) fn accepted() -> Self {
        Self::Status { status: 202, text: String::new() }
    }

    pub(super) fn done() -> Self {
        Self::Status { status: 200, text: String::new() }
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::Status { status: 404, text: text.into() }
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::Status { status: 400, text: text.into() }
    }

    pub(super) fn forbidden(text: impl Into<String>) -> Self {
        Self::Status { status: 403, text: text.into() }
    }
}

/// Something for one event stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamOutput {
    /// Which stream.
    pub stream: StreamNumber,
    /// An event, or `None`: the response ends in good order.
    pub event: Option<v1::scheduler::Event>,
}

/// Something for one agent to do.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentCommand {
    /// Which agent.
    pub agent_id: v1::AgentId,
    /// What to do.
    pub action: AgentAction,
}

/// What an agent can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentAction {
    /// Start a task.
    Launch {
        /// The framework as the master knows it, its id included.
        framework: Box<v1::FrameworkInfo>,
        /// The task, with the role of its resources filled in.
        task: Box<v1::TaskInfo>,
    },
    /// Start tasks in an executor, which is started for them if it does not run.
    LaunchInExecutor {
        /// The framework as the master knows it, its id included.
        framework: Box<v1::FrameworkInfo>,
        /// The executor: the default one, or one of the framework's own.
        executor: Box<v1::ExecutorInfo>,
        /// The tasks, with the role of their resources filled in.
        tasks: Vec<v1::TaskInfo>,
        /// Whether they live and die together.
        is_group: bool,
        /// Whether the executor has to be started. If not and there is none, the tasks are dropped.
        launch_executor: bool,
    },
    /// Pass a message on to an executor.
    Message {
        /// Whose executor.
        framework_id: v1::FrameworkId,
        /// Which executor.
        executor_id: v1::ExecutorId,
        /// What it is told.
        data: bytes::Bytes,
    },
    /// End an executor and its tasks.
    ShutdownExecutor {
        /// Whose executor.
        framework_id: v1::FrameworkId,
        /// Which executor.
        executor_id: v1::ExecutorId,
    },
    /// End a task.
    Kill {
        /// Whose task.
        framework_id: v1::FrameworkId,
        /// Which task.
        task_id: v1::TaskId,
        /// Overrides the policy of the task.
        kill_policy: Option<v1::KillPolicy>,
    },
    /// End everything of a framework; nothing is to be reported about it any more.
    ShutdownFramework {
        /// Which framework.
        framework_id: v1::FrameworkId,
    },
    /// End everything: the master does not know this agent any more.
    Shutdown,
}
