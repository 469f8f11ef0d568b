//! Why a session is not subscribed, as a kind that programs can tell apart.

/// What ended a subscription, or an attempt to subscribe, without ending the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DisconnectCause {
    /// No connection could be made.
    Unreachable,
    /// The master answered with a status that may heal: it does not lead, has just started, or is busy.
    NotReady,
    /// Redirects went round in a circle or led nowhere.
    Redirect,
    /// SUBSCRIBED did not come in time.
    Late,
    /// What answered does not speak the scheduler API, or broke it.
    Protocol,
    /// The stream ended or broke.
    StreamEnded,
    /// The stream fell silent.
    Silent,
    /// The master ended the stream with an ERROR that may heal.
    Error,
    /// A call was not answered in time, or TEARDOWN was lost.
    CallLost,
    /// A call was refused because the subscription does not stand any more.
    CallRefused,
    /// Another master leads, or none does.
    LeaderChanged,
    /// No leader is known.
    NoLeader,
    /// There are no credentials at the moment.
    Credentials,
    /// The framework id could not be loaded or stored.
    Store,
    /// The owner did not take events in time; the session goes on when they were taken.
    Overflow,
    /// The master has removed the framework, and the owner wished to start over with another one.
    Removed,
}

impl DisconnectCause {
    /// Each cause.
    pub const ALL: &'static [Self] = &[
        Self::Unreachable,
        Self::NotReady,
        Self::Redirect,
        Self::Late,
        Self::Protocol,
        Self::StreamEnded,
        Self::Silent,
        Self::Error,
        Self::CallLost,
        Self::CallRefused,
        Self::LeaderChanged,
        Self::NoLeader,
        Self::Credentials,
        Self::Store,
        Self::Overflow,
        Self::Removed,
    ];

    /// The name in metrics and logs, such as `stream_ended`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NotReady => "not_ready",
            Self::Redirect => "redirect",
            Self::Late => "late",
            Self::Protocol => "protocol",
            Self::StreamEnded => "stream_ended",
            Self::Silent => "silent",
            Self::Error => "error",
            Self::CallLost => "call_lost",
            Self::CallRefused => "call_refused",
            Self::LeaderChanged => "leader_changed",
            Self::NoLeader => "no_leader",
            Self::Credentials => "credentials",
            Self::Store => "store",
            Self::Overflow => "overflow",
            Self::Removed => "removed",
        }
    }
}
