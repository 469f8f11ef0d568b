//! What a session waits for, with the data that is valid while it does.

use std::time::{Duration, Instant};

use http::HeaderValue;
use mesos_proto::recordio::Decoder;

use super::{Event, StreamToken};
use crate::url::HttpUrl;

/// What a [`Session`](super::Session) waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// `start`.
    Idle,
    /// The framework id from its store.
    Loading,
    /// Word of a leader.
    Detecting,
    /// Other credentials, to repeat a SUBSCRIBE that was answered with 401.
    ExpectCredentials,
    /// The head of the answer to SUBSCRIBE.
    Connecting,
    /// The first record.
    ExpectSubscribed,
    /// The framework id to be stored; SUBSCRIBED came, and the owner has not been told.
    Saving,
    /// Events, and calls to send.
    Subscribed,
    /// The time of the next attempt.
    Backoff,
    /// The confirmation of TEARDOWN.
    Closing,
    /// Nothing.
    Closed,
}

#[derive(Debug)]
pub(super) enum State {
    Idle,
    Loading,
    Detecting,
    ExpectCredentials(Target),
    Connecting(Attempt),
    ExpectSubscribed(Stream),
    Saving(Saving),
    Subscribed(Subscription),
    Backoff,
    Closing(Closing),
    Closed,
}

/// A master to subscribe at.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: HttpUrl,
    /// Redirects that led here.
    pub(super) hops: u32,
    /// Whether it may see the credentials.
    pub(super) is_trusted: bool,
}

/// A SUBSCRIBE on its way.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) token: StreamToken,
    pub(super) target: Target,
    pub(super) is_connected: bool,
}

/// The event stream that answers a SUBSCRIBE.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) token: StreamToken,
    pub(super) target: Target,
    pub(super) id: HeaderValue,
    pub(super) decoder: Decoder,
}

/// A stream that began with SUBSCRIBED.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) stream: Stream,
    pub(super) since: Instant,
    /// Silence after which the stream counts as dead.
    pub(super) longest_silence: Duration,
}

/// A subscription that the owner is to be told of as soon as its id is stored.
#[derive(Debug)]
pub(super) struct Saving {
    pub(super) subscription: Subscription,
    /// What the owner is to be told then: that it stands, and what came since.
    pub(super) held: Vec<Event>,
}

/// A subscription on which TEARDOWN is to be sent, or was.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) subscription: Subscription,
    pub(super) is_accepted: bool,
    pub(super) is_ended: bool,
}

impl State {
    pub(super) fn name(&self) -> SessionState {
        match self {
            Self::Idle => SessionState::Idle,
            Self::Loading => SessionState::Loading,
            Self::Detecting => SessionState::Detecting,
            Self::ExpectCredentials(_) => SessionState::ExpectCredentials,
            Self::Connecting(_) => SessionState::Connecting,
            Self::ExpectSubscribed(_) => SessionState::ExpectSubscribed,
            Self::Saving(_) => SessionState::Saving,
            Self::Subscribed(_) => SessionState::Subscribed,
            Self::Backoff => SessionState::Backoff,
            Self::Closing(_) => SessionState::Closing,
            Self::Closed => SessionState::Closed,
        }
    }

    /// The attempt or stream that input is expected of.
    pub(super) fn peer(&self) -> Option<StreamToken> {
        match self {
            Self::Connecting(attempt) => Some(attempt.token),
            Self::ExpectSubscribed(stream) => Some(stream.token),
            Self::Saving(Saving { subscription, .. })
            | Self::Subscribed(subscription)
            | Self::Closing(Closing { subscription, .. }) => Some(subscription.stream.token),
            Self::Idle
            | Self::Loading
            | Self::Detecting
            | Self::ExpectCredentials(_)
            | Self::Backoff
            | Self::Closed => None,
        }
    }

    pub(super) fn is_peer(&self, token: StreamToken) -> bool {
        self.peer() == Some(token)
    }

    /// The master that the session has to do with at present.
    pub(super) fn target(&self) -> Option<&Target> {
        match self {
            Self::ExpectCredentials(target) => Some(target),
            Self::Connecting(attempt) => Some(&attempt.target),
            Self::ExpectSubscribed(stream) => Some(&stream.target),
            Self::Saving(Saving { subscription, .. })
            | Self::Subscribed(subscription)
            | Self::Closing(Closing { subscription, .. }) => Some(&subscription.stream.target),
            Self::Idle | Self::Loading | Self::Detecting | Self::Backoff | Self::Closed => None,
        }
    }

    /// The subscription that stands.
    pub(super) fn subscription(&self) -> Option<&Subscription> {
        match self {
            Self::Saving(Saving { subscription, .. })
            | Self::Subscribed(subscription)
            | Self::Closing(Closing { subscription, .. }) => Some(subscription),
            Self::Idle
            | Self::Loading
            | Self::Detecting
            | Self::ExpectCredentials(_)
            | Self::Connecting(_)
            | Self::ExpectSubscribed(_)
            | Self::Backoff
            | Self::Closed => None,
        }
    }

    pub(super) fn decoder(&mut self) -> Option<&mut Decoder> {
        match self {
            Self::ExpectSubscribed(stream) => Some(&mut stream.decoder),
            Self::Saving(Saving { subscription, .. })
            | Self::Subscribed(subscription)
            | Self::Closing(Closing { subscription, .. }) => Some(&mut subscription.stream.decoder),
            Self::Idle
            | Self::Loading
            | Self::Detecting
            | Self::ExpectCredentials(_)
            | Self::Connecting(_)
            | Self::Backoff
            | Self::Closed => None,
        }
    }
}
