//! Deliberate bugs, for the tests that prove that the simulation finds bugs.

/// A deliberate bug of [`Session`](crate::Session) or [`FrameworkCore`](crate::FrameworkCore). It is there with the feature
/// `mutations` alone, which is for the tests of this crate; no other build has any of them.
#[cfg_attr(not(feature = "mutations"), expect(unreachable_pub, reason = "it is told with the feature alone"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// Session: calls carry the stream id of the first subscription for ever.
    KeepStreamId,
    /// Session: a SUBSCRIBE carries the stream id of the last subscription.
    SubscribeWithStreamId,
    /// Session: a SUBSCRIBE after the first one says nothing of the framework id.
    ForgetFrameworkId,
    /// Session: silence of the stream is not watched.
    IgnoreSilence,
    /// Session: a call without an answer, an ACCEPT also, is sent again.
    ResendCalls,
    /// Session: the subscription is told before its framework id is stored.
    TellBeforeStored,
    /// Framework: updates of tasks that are not known are not acknowledged.
    AcknowledgeKnownTasksOnly,
    /// Framework: offers are kept over a new subscription.
    KeepOffers,
    /// Framework: a port that was given is still there for the next task of the same ACCEPT.
    ForgetTakenPorts,
    /// Framework: memory that was given is still there for the next task of the same ACCEPT.
    ForgetTakenMemory,
    /// Framework: every RUNNING answers the submission.
    AnswerTwice,
    /// Framework: the master is never told to be silent.
    NeverSuppress,
    /// Framework: offers that nothing needs are forgotten instead of declined.
    LeakOffers,
    /// Framework: offers that nothing needs are declined twice.
    DeclineTwice,
    /// Framework: a rescinded offer is used.
    IgnoreRescind,
    /// Framework: a KILL is sent once.
    KillOnce,
    /// Framework: kills are not said again on a new subscription.
    ForgetKills,
    /// Framework: a kill before the launch leaves the submission without an answer.
    LeaveUnanswered,
    /// Framework: the tasks that are known are never asked for by name.
    SkipReconciliation,
    /// Framework: UNREACHABLE is the end of a task.
    EndUnreachable,
    /// Framework: a launch that may have arrived is tried again under the same id.
    ReuseTaskId,
    /// Framework: tasks of an earlier life are not taken over.
    ForgetTasks,
    /// Framework: strangers are killed before it is known who they are.
    KillStrangersEarly,
    /// Framework: calls are made without a subscription.
    IgnoreDisconnection,
    /// Framework: what may be lost is said again without a pause.
    RepeatWithoutPause,
}

#[cfg(feature = "mutations")]
impl Mutation {
    /// Every bug that there is.
    pub const ALL: [Self; 25] = [
        Self::KeepStreamId,
        Self::SubscribeWithStreamId,
        Self::ForgetFrameworkId,
        Self::IgnoreSilence,
        Self::ResendCalls,
        Self::TellBeforeStored,
        Self::AcknowledgeKnownTasksOnly,
        Self::KeepOffers,
        Self::ForgetTakenPorts,
        Self::ForgetTakenMemory,
        Self::AnswerTwice,
        Self::NeverSuppress,
        Self::LeakOffers,
        Self::DeclineTwice,
        Self::IgnoreRescind,
        Self::KillOnce,
        Self::ForgetKills,
        Self::LeaveUnanswered,
        Self::SkipReconciliation,
        Self::EndUnreachable,
        Self::ReuseTaskId,
        Self::ForgetTasks,
        Self::KillStrangersEarly,
        Self::IgnoreDisconnection,
        Self::RepeatWithoutPause,
    ];
}

/// The deliberate bug that a core has, if any; without the feature it has none, which the compiler knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutations {
    #[cfg(feature = "mutations")]
    pub(crate) present: Option<Mutation>,
}

impl Mutations {
    pub(crate) fn has(self, mutation: Mutation) -> bool {
        #[cfg(feature = "mutations")]
        return self.present == Some(mutation);
        #[cfg(not(feature = "mutations"))]
        {
            let _ = mutation;
            false
        }
    }
}
