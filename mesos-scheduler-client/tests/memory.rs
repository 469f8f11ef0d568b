//! How much memory a very large record takes on its way through a client.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic, and has no users")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use allocation_counter::measure;
use mesos_proto::{
    recordio::encode_message,
    v1::{self, scheduler},
};
use mesos_scheduler_client::{ClientBuilder, Event, Masters};
use prost::Message;

#[allow(dead_code, reason = "the benches use the rest")]
#[path = "../benches/loopback/streams.rs"]
mod streams;

/// A build for debugging would take half a minute for the larger one.
const RECORD_BYTES: usize = if cfg!(debug_assertions) { 8 } else { 50 } * 1024 * 1024;

#[test]
fn offers_of_many_mb_take_little_more_than_the_record_and_its_message() {
    let one = streams::offers(1).encoded_len();
    let event = streams::offers(RECORD_BYTES / one + 1);
    let payload = event.encode_to_vec();
    let record = encode_message(&event);
    drop(event);
    assert!(payload.len() >= RECORD_BYTES);

    let mut kept = None;
    let message = measure(|| kept = Some(scheduler::Event::decode(&payload[..]).unwrap())).bytes_current;
    let expected = kept.take().unwrap().offers.unwrap().offers.len();
    let size = payload.len() as i64;
    drop(payload);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let master = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        assert!(tcp.read(&mut [0; 64 * 1024]).unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: s1\r\n\
             Transfer-Encoding: chunked\r\n\r\n";
        tcp.write_all(head.as_bytes()).unwrap();
        tcp.write_all(&streams::subscribed()).unwrap();
        tcp.write_all(format!("{:x}\r\n", record.len()).as_bytes()).unwrap();
        tcp.write_all(&record).unwrap();
        tcp.write_all(b"\r\n").unwrap();
    });
    // All of the client runs on this thread, the one that is measured.
    let peak = measure(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let info = v1::FrameworkInfo { user: "nobody".into(), name: "m".into(), ..Default::default() };
            let (_client, mut events) =
                ClientBuilder::new(info, Masters::parse(&master).unwrap()).start().unwrap();
            assert!(matches!(events.next().await, Some(Event::Subscribed { .. })));
            let Some(Event::Mesos(event)) = events.next().await else { panic!("the record comes") };
            assert_eq!(event.offers.unwrap().offers.len(), expected);
        });
    })
    .bytes_max as i64;
    server.join().unwrap();

    println!(
        "record {size} bytes, message {message} bytes, peak {peak} bytes: {:.2} times the record, {:.2} times the \
         message, {:.2} times both",
        peak as f64 / size as f64,
        peak as f64 / message as f64,
        peak as f64 / (size + message) as f64,
    );
    // A twentieth for buffers and whatever else a client has.
    assert!(peak <= (size + message) * 21 / 20, "{peak} for a record of {size} and a message of {message}");
}
