//! Streams of events as a master sends them, made of recorded ones.

use std::{fs, path::Path};

use bytes::Bytes;
use mesos_proto::{
    event_stream::EventStream,
    recordio::encode_message,
    v1::{
        self,
        scheduler::{Event, event},
    },
};

/// Events to be sent again and again.
#[derive(Clone)]
pub(crate) struct Stream {
    /// Each record as the chunk of HTTP that a master makes of it.
    pub(crate) chunks: Vec<Bytes>,
    /// Bytes of the records.
    pub(crate) record_bytes: usize,
}

impl Stream {
    fn new(events: &[Event], number: usize) -> Self {
        let records: Vec<Bytes> = events.iter().map(encode_message).collect();
        let records = || records.iter().cycle().take(number);
        Self {
            chunks: records().map(|record| chunk(record)).collect(),
            record_bytes: records().map(Bytes::len).sum(),
        }
    }

    /// So many UPDATEs of a task that starts, runs and finishes.
    pub(crate) fn updates(number: usize) -> Self {
        Self::new(&recorded("task-finished", event::Type::Update), number)
    }

    /// So many OFFERS events, each with offers of as many agents.
    pub(crate) fn offers(number: usize, agents: usize) -> Self {
        Self::new(&[offers(agents)], number)
    }
}

/// OFFERS with offers of so many agents.
pub(crate) fn offers(agents: usize) -> Event {
    let mut event = recorded("two-offers-one-agent", event::Type::Offers).remove(0);
    let recorded = event.offers.take().unwrap().offers;
    let numbered = recorded.iter().cycle().enumerate().take(agents).map(|(number, offer)| v1::Offer {
        id: v1::OfferId::new(format!("{}{number}", offer.id)),
        agent_id: v1::AgentId::new(format!("{}{number}", offer.agent_id)),
        hostname: format!("agent{number}.example.org"),
        ..offer.clone()
    });
    event.offers = Some(event::Offers { offers: numbered.collect() });
    event
}

/// SUBSCRIBED, with so long an interval of heartbeats that none is missed while nothing is measured.
pub(crate) fn subscribed() -> Bytes {
    let subscribed = event::Subscribed {
        framework_id: v1::FrameworkId::new("f"),
        heartbeat_interval_seconds: Some(3600.0),
        master_info: None,
    };
    let event = Event {
        r#type: Some(event::Type::Subscribed.into()),
        subscribed: Some(subscribed),
        ..Event::default()
    };
    chunk(&encode_message(&event))
}

fn chunk(record: &[u8]) -> Bytes {
    [format!("{:x}\r\n", record.len()).as_bytes(), record, b"\r\n"].concat().into()
}

fn recorded(name: &str, of_type: event::Type) -> Vec<Event> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.pb.recordio"));
    let mut stream = EventStream::<Event>::new();
    stream.push(fs::read(path).unwrap().into());
    let events = std::iter::from_fn(|| stream.next_event().unwrap());
    let found: Vec<Event> = events.filter(|event| event.r#type() == of_type).collect();
    assert!(!found.is_empty(), "{name} has {of_type:?}");
    found
}
