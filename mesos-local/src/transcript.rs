//! Everything that was said in a cluster, for people who ask why.

use std::{collections::VecDeque, fmt, time::Duration};

use mesos_proto::{
    json,
    v1::{self, scheduler},
};

use prost::Message as _;

use crate::master::AgentAction;

/// What was said in a cluster, the oldest first. It is bounded: when it is full, the oldest entries go.
///
/// `Display` prints one line for each entry: seconds since the start, who spoke to whom, the kind of
/// message, the message as JSON. Environments of tasks are part of it.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    entries: VecDeque<Entry>,
    limit: usize,
    /// What the messages take on the wire.
    bytes: usize,
    dropped: u64,
}

/// Messages of so many bytes are kept, whatever their number.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// One message.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, since the cluster started.
    pub at: Duration,
    /// Who spoke: `master`, `scheduler <n>` or the name of an agent.
    pub from: String,
    /// Who was spoken to.
    pub to: String,
    said: Said,
}

/// Kept as it came: most transcripts are never printed.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Call(Box<scheduler::Call>),
    Operate(Box<v1::master::Call>),
    Answer { status: u16, text: String },
    Event(Box<scheduler::Event>),
    EndOfStream,
    StreamClosed,
    Registered(Box<v1::AgentInfo>),
    Action(Box<AgentAction>),
    Status(Box<v1::TaskStatus>),
    ExecutorExited { executor: v1::ExecutorId, status: i32 },
    ExecutorMessage { executor: v1::ExecutorId, data: bytes::Bytes },
    Fault(String),
}

impl Transcript {
    /// A transcript of at most so many entries.
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Whether anything is kept at all.
    pub(crate) fn takes_entries(&self) -> bool {
        self.limit > 0
    }

    pub(crate) fn add(&mut self, at: Duration, from: &str, to: &str, said: Said) {
        if self.limit == 0 {
            return;
        }
        self.bytes += said.size();
        self.entries.push_back(Entry { at, from: from.to_owned(), to: to.to_owned(), said });
        while self.entries.len() > self.limit || self.bytes > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.said.size();
            self.dropped += 1;
        }
    }

    /// The entries in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many entries are gone because there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Said {
    fn size(&self) -> usize {
        match self {
            Self::Call(call) => call.encoded_len(),
            Self::Operate(call) => call.encoded_len(),
            Self::Answer { text, .. } | Self::Fault(text) => text.len(),
            Self::Event(event) => event.encoded_len(),
            Self::EndOfStream | Self::StreamClosed | Self::ExecutorExited { .. } => 0,
            Self::ExecutorMessage { data, .. } => data.len(),
            Self::Registered(info) => info.encoded_len(),
            Self::Action(action) => match &**action {
                AgentAction::Launch { task, .. } => task.encoded_len(),
                AgentAction::LaunchInExecutor { tasks, .. } => {
                    tasks.iter().map(prost::Message::encoded_len).sum()
                }
                AgentAction::Message { data, .. } => data.len(),
                AgentAction::ShutdownExecutor { .. }
                | AgentAction::Kill { .. }
                | AgentAction::ShutdownFramework { .. }
                | AgentAction::Shutdown => 0,
            },
            Self::Status(status) => status.encoded_len(),
        }
    }
}

impl Entry {
    /// The kind of message: the type of a call or event (`ACCEPT`, `UPDATE`), the number of an answer's
    /// status, or what an agent was told or reported (`launch`, `TASK_RUNNING`).
    pub fn kind(&self) -> String {
        match &self.said {
            Said::Call(call) => call.r#type().as_str_name().into(),
            Said::Operate(call) => call.r#type().as_str_name().into(),
            Said::Answer { status, .. } => status.to_string(),
            Said::Event(event) => event.r#type().as_str_name().into(),
            Said::EndOfStream => "end of stream".into(),
            Said::StreamClosed => "connection closed".into(),
            Said::Registered(_) => "register".into(),
            Said::Action(action) => match **action {
                AgentAction::Launch { .. } => "launch",
                AgentAction::LaunchInExecutor { is_group: true, .. } => "launch group",
                AgentAction::LaunchInExecutor { is_group: false, .. } => "launch",
                AgentAction::Message { .. } => "message",
                AgentAction::ShutdownExecutor { .. } => "shut executor down",
                AgentAction::Kill { .. } => "kill",
                AgentAction::ShutdownFramework { .. } => "shut framework down",
                AgentAction::Shutdown => "shut down",
            }
            .into(),
            Said::Status(status) => status.state().as_str_name().into(),
            Said::ExecutorExited { .. } => "executor exited".into(),
            Said::ExecutorMessage { .. } => "message".into(),
            Said::Fault(_) => "fault".into(),
        }
    }

    /// The message itself, as JSON or as text; empty where the kind says it all.
    pub fn body(&self) -> String {
        match &self.said {
            Said::Call(call) => json::to_value(call.as_ref()).to_string(),
            Said::Operate(call) => json::to_value(call.as_ref()).to_string(),
            Said::Answer { text, .. } | Said::Fault(text) => text.clone(),
            Said::Event(event) => json::to_value(event.as_ref()).to_string(),
            Said::EndOfStream | Said::StreamClosed => String::new(),
            Said::Registered(info) => json::to_value(info.as_ref()).to_string(),
            Said::Action(action) => match action.as_ref() {
                AgentAction::Launch { task, .. } => json::to_value(task.as_ref()).to_string(),
                AgentAction::LaunchInExecutor { tasks, .. } => {
                    let tasks: Vec<String> =
                        tasks.iter().map(|task| json::to_value(task).to_string()).collect();
                    tasks.join(" ")
                }
                AgentAction::Message { executor_id, data, .. } => {
                    format!("{executor_id}: {}", data.escape_ascii())
                }
                AgentAction::ShutdownExecutor { executor_id, .. } => executor_id.value.clone(),
                AgentAction::Kill { task_id, .. } => task_id.value.clone(),
                AgentAction::ShutdownFramework { framework_id } => framework_id.value.clone(),
                AgentAction::Shutdown => String::new(),
            },
            Said::ExecutorExited { executor, status } => format!("{executor}: {status}"),
            Said::ExecutorMessage { executor, data } => format!("{executor}: {}", data.escape_ascii()),
            Said::Status(status) => json::to_value(status.as_ref()).to_string(),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, from, to, .. } = self;
        write!(formatter, "{:10.4} {from} -> {to} {} {}", at.as_secs_f64(), self.kind(), self.body())
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped > 0 {
            writeln!(formatter, "... {} earlier entries were dropped", self.dropped)?;
        }
        self.entries.iter().try_for_each(|entry| writeln!(formatter, "{entry}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_transcript_drops_the_oldest_and_says_so() {
        let mut transcript = Transcript::with_limit(2);
        for status in [200, 202, 400] {
            let said = Said::Answer { status, text: "text".into() };
            transcript.add(Duration::from_millis(1500), "master", "scheduler 1", said);
        }
        assert_eq!(
            transcript.to_string(),
            "... 1 earlier entries were dropped\n    1.5000 master -> scheduler 1 202 text\n    1.5000 master -> \
             scheduler 1 400 text\n"
        );
    }
}
