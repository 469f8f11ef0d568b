//! What travels on the connections, and their end at the scheduler.

use std::time::Duration;

use http::StatusCode;

use crate::{
    cluster::Phase,
    network::{Down, Link, LinkId, Purpose, Up},
    world::{Happening, World},
};

pub(crate) const STREAM_ID: &str = "mesos-stream-id";

impl World {
    /// One way, this time.
    pub(crate) fn latency(&mut self) -> Duration {
        let base = u64::try_from(self.script.setup.latency.as_micros()).expect("it is short");
        Duration::from_micros(base + self.random.within(0, base))
    }

    pub(crate) fn send_up(&mut self, id: LinkId, delay: Duration, what: Up) {
        let ready = self.now + delay;
        if let Some(link) = self.network.links.get_mut(&id) {
            let at = link.up.push(ready, what);
            self.at(at, Happening::Up(id));
        }
    }

    pub(crate) fn send_down(&mut self, id: LinkId, delay: Duration, what: Down) {
        let ready = self.now + delay;
        if let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_below) {
            let at = link.down.push(ready, what);
            self.at(at, Happening::Down(id));
        }
    }

    /// The scheduler connects to a master.
    pub(crate) fn connect(&mut self, incarnation: u32, purpose: Purpose, master: usize) -> LinkId {
        let id = self.network.open(Link::new(incarnation, purpose, master));
        let round = self.latency() + self.latency();
        let is_refused = purpose == Purpose::Calls && self.now < self.network.calls_refused_until;
        if is_refused {
            self.seen.note("calls are refused");
        }
        let is_dead = self.cluster.phases[master] == Phase::Dead;
        let down = if is_refused || is_dead { Down::Failed("connection refused") } else { Down::Connected };
        if is_refused || is_dead {
            // What is sent nevertheless goes nowhere.
            if let Some(link) = self.network.links.get_mut(&id) {
                link.is_open_above = false;
            }
        }
        self.send_down(id, round, down);
        id
    }

    /// The scheduler closes a connection: what it has sent before still arrives.
    pub(crate) fn close_below(&mut self, id: LinkId, delay: Duration) {
        if let Some(link) = self.network.links.get_mut(&id) {
            link.is_open_below = false;
            link.down.queue.clear();
        }
        self.send_up(id, delay, Up::Closed);
    }

    /// The connection breaks at the scheduler's end; the master learns it later.
    fn break_below(&mut self, id: LinkId, master_learns: Duration) {
        if let Some(link) = self.network.links.get_mut(&id) {
            link.up.queue.clear();
        }
        self.close_below(id, master_learns);
    }

    /// Something may have arrived at the scheduler.
    pub(crate) fn arrive_below(&mut self, id: LinkId) {
        let now = self.now;
        while let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_below) {
            let Some(what) = link.down.pop(now) else { break };
            link.last_arrival = now;
            match what {
                Down::Bytes(bytes) => {
                    let (bytes, is_broken) = link.pass(bytes);
                    let purpose = link.purpose;
                    let master_learns = link.breaks_after.map(|(_, later)| later).unwrap_or_default();
                    if !bytes.is_empty() {
                        self.take(id, purpose, Down::Bytes(bytes.clone()));
                    }
                    if is_broken {
                        self.seen.note("a stream breaks");
                        if !bytes.is_empty() {
                            self.seen.note("a stream breaks within a record");
                        }
                        self.break_below(id, master_learns);
                        self.take(id, purpose, Down::Failed("connection reset"));
                    }
                }
                other @ (Down::Connected
                | Down::Head { .. }
                | Down::End
                | Down::Failed(_)
                | Down::Reply { .. }) => {
                    let purpose = link.purpose;
                    self.take(id, purpose, other);
                }
            }
        }
    }

    /// The scheduler's end of a connection takes something.
    fn take(&mut self, id: LinkId, purpose: Purpose, what: Down) {
        let now = self.instant();
        let Some(process) = &mut self.process else { return };
        let session = &mut process.session;
        match (purpose, what) {
            (Purpose::Stream(token), Down::Connected) => session.handle_connected(now, token),
            (Purpose::Stream(token), Down::Head { status, headers, text }) => {
                if let Some(stream_id) = headers.get(STREAM_ID) {
                    process.stream_id = Some(stream_id.clone());
                }
                session.handle_response_head(now, token, status, &headers, &text);
                self.say(|| format!("<- {status} {text}"));
            }
            (Purpose::Stream(token), Down::Bytes(bytes)) => session.handle_stream_bytes(now, token, bytes),
            (Purpose::Stream(token), Down::End) => session.handle_stream_end(now, token),
            (Purpose::Stream(token), Down::Failed(why)) => {
                session.handle_stream_failed(now, token, why);
                self.say(|| format!("stream: {why}"));
            }
            (Purpose::Calls, Down::Reply { call, status, text }) => {
                if let Some(link) = self.network.links.get_mut(&id) {
                    link.waiting.retain(|waiting| *waiting != call);
                }
                session.handle_call_reply(now, call, status, &text);
                if status != StatusCode::ACCEPTED {
                    self.say(|| format!("<- {call:?} {status} {text}"));
                }
            }
            (Purpose::Calls, Down::Failed(_)) => self.calls_fail(id),
            (Purpose::Calls, Down::Connected | Down::Head { .. } | Down::Bytes(_) | Down::End)
            | (Purpose::Stream(_), Down::Reply { .. }) => {}
        }
    }

    /// The scheduler notices that the connection of the calls broke.
    pub(crate) fn calls_fail(&mut self, id: LinkId) {
        let now = self.instant();
        let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_below) else { return };
        link.is_open_below = false;
        let waiting = std::mem::take(&mut link.waiting);
        let Some(process) = self.process.as_mut().filter(|process| process.incarnation == link.incarnation)
        else {
            return;
        };
        for call in waiting {
            self.seen.note("a call has no answer");
            process.session.handle_call_failed(now, call, "connection reset");
        }
        self.say(|| "the connection of the calls broke".to_owned());
    }
}
