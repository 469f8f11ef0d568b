//! What a session waits for, with the data that is valid while it does.

use std::time::{Duration, Instant};

use http::HeaderValue;
use mesos_proto::recordio::Decoder;

use super::StreamToken;
use crate::url::HttpUrl;

/// What a [`Session`](super::Session) waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// `start`.
    Idle,
    /// The head of the answer to SUBSCRIBE.
    Connecting,
    /// The first record.
    ExpectSubscribed,
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
    Connecting(Attempt),
    ExpectSubscribed(Stream),
    Subscribed(Subscription),
    Backoff,
    Closing(Closing),
    Closed,
}

/// A SUBSCRIBE on its way.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) token: StreamToken,
    pub(super) url: HttpUrl,
    /// Redirects that led here.
    pub(super) hops: u32,
    pub(super) is_connected: bool,
}

/// The event stream that answers a SUBSCRIBE.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) token: StreamToken,
    pub(super) url: HttpUrl,
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
            Self::Connecting(_) => SessionState::Connecting,
            Self::ExpectSubscribed(_) => SessionState::ExpectSubscribed,
            Self::Subscribed(_) => SessionState::Subscribed,
            Self::Backoff => SessionState::Backoff,
            Self::Closing(_) => SessionState::Closing,
            Self::Closed => SessionState::Closed,
        }
    }

    /// The attempt or stream that input is expected of, and where it leads to.
    pub(super) fn peer(&self) -> Option<(StreamToken, &HttpUrl)> {
        match self {
            Self::Connecting(attempt) => Some((attempt.token, &attempt.url)),
            Self::ExpectSubscribed(stream) => Some((stream.token, &stream.url)),
            Self::Subscribed(Subscription { stream, .. })
            | Self::Closing(Closing { subscription: Subscription { stream, .. }, .. }) => {
                Some((stream.token, &stream.url))
            }
            Self::Idle | Self::Backoff | Self::Closed => None,
        }
    }

    pub(super) fn is_peer(&self, token: StreamToken) -> bool {
        self.peer().is_some_and(|(expected, _)| expected == token)
    }

    /// The subscription that calls belong to.
    pub(super) fn subscription(&self) -> Option<&Subscription> {
        match self {
            Self::Subscribed(subscription) | Self::Closing(Closing { subscription, .. }) => {
                Some(subscription)
            }
            Self::Idle | Self::Connecting(_) | Self::ExpectSubscribed(_) | Self::Backoff | Self::Closed => {
                None
            }
        }
    }

    pub(super) fn decoder(&mut self) -> Option<&mut Decoder> {
        match self {
            Self::ExpectSubscribed(stream) => Some(&mut stream.decoder),
            Self::Subscribed(subscription) | Self::Closing(Closing { subscription, .. }) => {
                Some(&mut subscription.stream.decoder)
            }
            Self::Idle | Self::Connecting(_) | Self::Backoff | Self::Closed => None,
        }
    }
}
