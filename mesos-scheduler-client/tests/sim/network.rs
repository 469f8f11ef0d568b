//! Connections between the scheduler and the masters: bytes that are late, cut, split or lost.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use mesos_local::master::StreamNumber;
use mesos_scheduler_client::{CallToken, StreamToken};

/// One connection; never used twice.
pub(crate) type LinkId = u64;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Stream(StreamToken),
    Calls,
}

/// Something on its way to a master.
#[derive(Clone, Debug)]
pub(crate) enum Up {
    Request(HttpRequest),
    Closed,
}

/// A POST, as far as it differs from others.
#[derive(Clone, Debug)]
pub(crate) struct HttpRequest {
    /// `None` for a SUBSCRIBE.
    pub(crate) call: Option<CallToken>,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Something on its way to the scheduler.
#[derive(Clone, Debug)]
pub(crate) enum Down {
    Connected,
    Head { status: StatusCode, headers: HeaderMap, text: String },
    Bytes(Bytes),
    End,
    Failed(&'static str),
    Reply { call: CallToken, status: StatusCode, text: String },
}

/// One direction: what is on its way arrives in order.
#[derive(Debug)]
pub(crate) struct Lane<T> {
    pub(crate) queue: VecDeque<(Duration, T)>,
    last: Duration,
    /// Nothing arrives before.
    pub(crate) stalled_until: Duration,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), last: Duration::ZERO, stalled_until: Duration::ZERO }
    }
}

impl<T> Lane<T> {
    /// Puts something on its way; tells when it arrives.
    pub(crate) fn push(&mut self, ready: Duration, what: T) -> Duration {
        self.last = self.last.max(ready);
        self.queue.push_back((self.last, what));
        self.last.max(self.stalled_until)
    }

    /// What has arrived.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<T> {
        let (ready, _) = self.queue.front()?;
        if (*ready).max(self.stalled_until) > now {
            return None;
        }
        self.queue.pop_front().map(|(_, what)| what)
    }
}

/// A connection from one life of the scheduler to one master.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) incarnation: u32,
    pub(crate) purpose: Purpose,
    pub(crate) master: usize,
    /// Whether the scheduler takes what comes.
    pub(crate) is_open_below: bool,
    /// Whether the master takes what comes.
    pub(crate) is_open_above: bool,
    pub(crate) up: Lane<Up>,
    pub(crate) down: Lane<Down>,
    /// Bytes of the stream that still arrive before the connection breaks, and when the master learns it
    /// then.
    pub(crate) breaks_after: Option<(u64, Duration)>,
    /// The stream that the master opened on it.
    pub(crate) stream: Option<StreamNumber>,
    /// When something came from the master last.
    pub(crate) last_arrival: Duration,
    /// Calls without an answer.
    pub(crate) waiting: VecDeque<CallToken>,
}

impl Link {
    pub(crate) fn new(incarnation: u32, purpose: Purpose, master: usize) -> Self {
        Self {
            incarnation,
            purpose,
            master,
            is_open_below: true,
            is_open_above: true,
            up: Lane::default(),
            down: Lane::default(),
            breaks_after: None,
            stream: None,
            last_arrival: Duration::ZERO,
            waiting: VecDeque::new(),
        }
    }

    fn is_used_by(&self, incarnation: u32) -> bool {
        self.incarnation == incarnation && self.is_open_below
    }

    /// Whether neither side has anything to expect of it.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_open_below && (!self.is_open_above || self.up.queue.is_empty() && self.stream.is_none())
    }

    /// What is left of some bytes when the connection may break within them; whether it does.
    pub(crate) fn pass(&mut self, bytes: Bytes) -> (Bytes, bool) {
        let Some((left, _)) = &mut self.breaks_after else { return (bytes, false) };
        let length = u64::try_from(bytes.len()).expect("a chunk is short");
        if *left > length {
            *left -= length;
            return (bytes, false);
        }
        let kept = usize::try_from(*left).expect("it is less than the length");
        (bytes.slice(..kept), true)
    }
}

/// All connections, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) links: BTreeMap<LinkId, Link>,
    next: LinkId,
    /// Connections for calls are refused before.
    pub(crate) calls_refused_until: Duration,
    /// Nothing passes before.
    pub(crate) partitioned_until: Duration,
}

impl Network {
    pub(crate) fn open(&mut self, mut link: Link) -> LinkId {
        let id = self.next;
        self.next += 1;
        link.up.stalled_until = self.partitioned_until;
        link.down.stalled_until = self.partitioned_until;
        self.links.insert(id, link);
        id
    }

    /// The stream's connection of one life of the scheduler, if it has one.
    pub(crate) fn stream_of(&self, incarnation: u32) -> Option<(LinkId, &Link)> {
        let is_it = |link: &Link| matches!(link.purpose, Purpose::Stream(_));
        self.links
            .iter()
            .find(|(_, link)| link.is_used_by(incarnation) && is_it(link))
            .map(|(id, link)| (*id, link))
    }

    pub(crate) fn calls_of(&self, incarnation: u32) -> Option<(LinkId, &Link)> {
        let is_it = |link: &Link| link.purpose == Purpose::Calls;
        self.links
            .iter()
            .find(|(_, link)| link.is_used_by(incarnation) && is_it(link))
            .map(|(id, link)| (*id, link))
    }

    pub(crate) fn stream_of_mut(&mut self, incarnation: u32) -> Option<(LinkId, &mut Link)> {
        let (id, _) = self.stream_of(incarnation)?;
        self.links.get_mut(&id).map(|link| (id, link))
    }

    pub(crate) fn calls_of_mut(&mut self, incarnation: u32) -> Option<(LinkId, &mut Link)> {
        let (id, _) = self.calls_of(incarnation)?;
        self.links.get_mut(&id).map(|link| (id, link))
    }

    pub(crate) fn forget_what_is_over(&mut self) {
        self.links.retain(|_, link| !link.is_over());
    }
}
