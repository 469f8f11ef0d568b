//! Streams of a real master, cut at every byte.

use mesos_proto::v1::scheduler::event::Type;
use mesos_scheduler_client::SessionState;

use crate::bench::{Bench, STREAM_ID, config};

const TASK_FINISHED: &[u8] = include_bytes!("../data/task-finished.pb.recordio");
const TWO_OFFERS: &[u8] = include_bytes!("../data/two-offers-one-agent.pb.recordio");
const REFUSED: &[u8] = include_bytes!("../data/refused-root.pb.recordio");

fn expecting() -> Bench {
    let mut bench = Bench::new(config());
    bench.session.start(bench.now);
    bench.drain();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench
}

#[test]
fn recorded_streams_are_told_event_by_event() {
    let mut bench = expecting();
    bench.bytes(TASK_FINISHED);
    assert_eq!(
        bench.drain(),
        "Subscribed(9019b326-57d8-43aa-8264-9cea73e2194b-0000, http://a:1); Mesos(OFFERS); Mesos(UPDATE); \
         Mesos(UPDATE); Mesos(UPDATE); Mesos(OFFERS)"
    );
    let mut bench = expecting();
    bench.bytes(REFUSED);
    assert_eq!(
        bench.drain(),
        "abort; Closed(Refused { message: \"User 'root' is not allowed to run frameworks without \
         --root_submissions set\" })"
    );
}

#[test]
fn a_stream_in_two_pieces_tells_the_same() {
    for stream in [TASK_FINISHED, TWO_OFFERS, REFUSED] {
        let mut whole = expecting();
        whole.bytes(stream);
        let whole = whole.drain();
        for cut in 0..=stream.len() {
            let mut bench = expecting();
            bench.bytes(&stream[..cut]);
            let mut told = bench.drain();
            bench.bytes(&stream[cut..]);
            let rest = bench.drain();
            if !told.is_empty() && !rest.is_empty() {
                told.push_str("; ");
            }
            assert_eq!(told + &rest, whole, "cut at {cut}");
        }
    }
}

#[test]
fn a_stream_byte_by_byte_tells_the_same() {
    let mut whole = expecting();
    whole.bytes(TWO_OFFERS);
    let mut bench = expecting();
    for byte in TWO_OFFERS.chunks(1) {
        bench.bytes(byte);
    }
    assert_eq!(bench.drain(), whole.drain());
}

#[test]
fn a_stream_that_ends_at_any_byte_is_lost_and_never_misread() {
    let mut whole = expecting();
    whole.bytes(TASK_FINISHED);
    let whole = whole.drain();
    for cut in 0..=TASK_FINISHED.len() {
        let mut bench = expecting();
        bench.bytes(&TASK_FINISHED[..cut]);
        let told = bench.drain();
        assert!(whole.starts_with(&told), "cut at {cut}: {told}");
        bench.end();
        let lost = bench.drain();
        assert!(lost.starts_with("abort; Disconnected(http://a:1: "), "cut at {cut}: {lost}");
        let is_clean = lost.contains("the master ended the stream");
        assert_ne!(is_clean, lost.contains("stream ended inside the record"), "cut at {cut}: {lost}");
        assert_eq!(bench.session.state(), SessionState::Backoff);
        bench.await_deadline();
        assert!(bench.drain().starts_with("SUBSCRIBE http://b:2"));
    }
}

#[test]
fn heartbeats_are_for_the_session_alone() {
    let mut bench = Bench::subscribed();
    bench.record(&crate::wire::event(Type::Heartbeat));
    assert_eq!(bench.drain(), "");
}
