//! The text of resources: what is read, what is refused and where, and what a real master wrote.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a test program")]

use std::{fs, path::Path};

use mesos_proto::{
    recordio::Decoder,
    v1::{MAX_RESOURCES, MAX_RESOURCES_TEXT, Resources, scheduler::Event},
};
use prost::Message;

#[path = "../fuzz/src/resources_text.rs"]
mod fuzzed;

#[test]
fn the_text_of_the_flag_is_read_and_written_as_mesos_writes_it() {
    for (text, written) in [
        ("", "{}"),
        (" ; ;", "{}"),
        ("{}", "{}"),
        ("cpus:4;mem:1024;ports:[31000-32000]", "cpus:4; mem:1024; ports:[31000-32000]"),
        ("cpus:4; mem:1024; ports:[31000-32000]", "cpus:4; mem:1024; ports:[31000-32000]"),
        (" cpus : 4.50 ; ", "cpus:4.5"),
        ("cpus:.5;mem:+1e3;disk:5.", "cpus:0.5; mem:1000; disk:5"),
        ("cpus:0.0005;mem:0.12345", "cpus:0.001; mem:0.123"),
        ("cpus:0;ports:[];keys:{}", "{}"),
        ("cpus:1;cpus:2;cpus(*):3", "cpus:6"),
        ("ports:[ 5 - 9 ,1-3, 4-4]", "ports:[1-9]"),
        ("ports:[20-30,1-3]", "ports:[1-3, 20-30]"),
        ("ports:[0-18446744073709551615]", "ports:[0-18446744073709551615]"),
        ("keys:{b, a}", "keys:{a, b}"),
        ("disk(role):5", "disk(reservations: [(STATIC,role)]):5"),
        ("disk( role ) :5", "disk(reservations: [(STATIC,role)]):5"),
        (
            "cpus(allocated: web)(reservations: [(STATIC,eng), (DYNAMIC,eng/dev,me)]){REV}:1",
            "cpus(allocated: web)(reservations: [(STATIC,eng),(DYNAMIC,eng/dev,me)]){REV}:1",
        ),
        ("cpus( allocated: * )( * ):1", "cpus(allocated: *):1"),
        ("{REV}:1;", "error"),
        ("größe:1", "größe:1"),
    ] {
        let read = text.parse::<Resources>().map(|read| read.to_string());
        assert_eq!(read.unwrap_or_else(|_| "error".into()), written, "{text}");
    }
}

#[test]
fn every_wrong_text_is_shown_with_its_place_and_what_was_expected() {
    const VALUE: &str = "a number such as 0.5, ranges such as [31000-32000] or a set such as {a,b}";
    for (text, column, found, expected) in [
        ("cpus", 5, "", &*format!("':' and {VALUE}")),
        (":4", 1, ":", "a name"),
        ("(web):4", 1, "(", "a name"),
        ("cpus:4;a\u{1}b:1", 9, "\\u{1}b", "a name without control characters"),
        ("cpus:4;mem:", 12, "", VALUE),
        ("cpus:four", 6, "four", VALUE),
        ("cpus:4 5", 6, "4 5", VALUE),
        ("cpus:nan", 6, "nan", VALUE),
        ("cpus:+inf", 6, "+inf", VALUE),
        ("cpus:1e999", 6, "1e999", VALUE),
        ("cpus:1:2", 6, "1:2", VALUE),
        ("é:x", 3, "x", VALUE),
        ("cpus:-1", 6, "-1", "a scalar that is not negative"),
        ("cpus:0.0001", 6, "0.0001", "0 or at least 0.0005, the scalar is 1e-4"),
        ("mem:1e13", 5, "1e13", "a scalar of 2251799813685 at most"),
        ("ports:[1-2", 7, "[1-2", "']' behind the ranges"),
        ("ports:[1]", 8, "1", "a range such as 31000-32000, also for one number"),
        ("ports:[1-2,]", 12, "", "a range such as 31000-32000, also for one number"),
        ("ports:[1-x]", 10, "x", "a whole number from 0 to 18446744073709551615"),
        ("ports:[-1-2]", 8, "", "a whole number from 0 to 18446744073709551615"),
        (
            "ports:[1-18446744073709551616]",
            10,
            "18446744073709551616",
            "a whole number from 0 to 18446744073709551615",
        ),
        ("ports:[5-4]", 8, "5-4", "a range whose begin is not after its end"),
        ("ports:[7-9,1-3,3-5]", 16, "3-5", "ranges that do not overlap, as with 1-3"),
        ("keys:{a", 6, "{a", "'}' behind the items"),
        ("keys:{a,,b}", 9, "", "an item without brackets and colons"),
        ("keys:{a,b:c}", 9, "b:c", "an item without brackets and colons"),
        ("keys:{a,b,a}", 11, "a", "each item once"),
        ("cpus(web:4", 5, "(web:4", "')' behind the role"),
        ("cpus():4", 6, "", "a role that is not empty"),
        ("cpus(a b):4", 6, "a b", "a role without blanks and control characters"),
        ("cpus(reservations: [(STATIC,*)]):4", 29, "*", "a role other than '*', which stands for unreserved"),
        (
            "cpus(reservations: [(STATIC)]):4",
            21,
            "(STATIC)",
            "a reservation such as (STATIC,web) or (DYNAMIC,web,principal)",
        ),
        ("cpus(a)(b):4", 8, "(b):4", "one role, or one stack of reservations"),
        ("cpus(a) b:4", 9, "b:4", "a role in parentheses, '{REV}' or ':' and a value"),
        ("cpus(a,b):4", 6, "a,b", "a role without punctuation"),
        ("cpus(allocated:):4", 16, "", "a role that is not empty"),
        ("cpus(allocated:a)(allocated:b):4", 18, "(allocated:b):4", "one role of the allocation"),
        ("cpus{REV}{REV}:4", 10, "{REV}:4", "'{REV}' once"),
        ("cpus{rev}:4", 5, "{rev}:4", "a role in parentheses, '{REV}' or ':' and a value"),
        ("disk[MOUNT:/a]:4", 5, "[MOUNT:/a]:4", "':' and a value; disks and shared resources are not read"),
        ("disk<SHARED>:4", 5, "<SHARED>:4", "':' and a value; disks and shared resources are not read"),
        ("cpus(reservations: web):4", 5, "(reservations: web):4", "'])' behind the reservations"),
        ("cpus(reservations: x[])):4", 20, "x[", "reservations such as [(STATIC,web)]"),
        ("cpus(reservations: []):4", 21, "", "a reservation such as (STATIC,web) or (DYNAMIC,web,principal)"),
        ("cpus(reservations: [(FIXED,web)]):4", 22, "FIXED", "STATIC or DYNAMIC"),
        (
            "cpus(reservations: [(STATIC,a)(STATIC,b)]):4",
            31,
            "(STATIC,b)",
            "',' and another reservation, or ']'",
        ),
        (
            "cpus(reservations: [(DYNAMIC,a,{k: v})]):4",
            32,
            "{k: v}",
            "a principal without punctuation; labels are not read",
        ),
        (
            "cpus(reservations: [(STATIC,a),(DYNAMIC,b)]):4",
            1,
            "cpus(reservations: [(STATIC,a),(DYNAMIC,b)]):4",
            "a role below 'a', not 'b'",
        ),
        ("ports:[1-2];ports:3", 13, "ports:3", "a value of type RANGES as above for 'ports'"),
        ("ports:3;ports(web):[1-2]", 9, "ports(web):[1-2]", "a value of type SCALAR as above for 'ports'"),
    ] {
        let error = text.parse::<Resources>().expect_err(text);
        assert_eq!((error.column(), error.found(), error.expected()), (column, found, expected), "{text}");
        let shown = error.to_string();
        assert!(shown.contains(&format!("column {column}:")) && shown.contains(expected), "{shown}");
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
}

#[test]
fn texts_have_a_limit_of_bytes_and_of_resources() {
    let name = "é".repeat(MAX_RESOURCES_TEXT / 2 - 1);
    assert!(format!("{name}:1").parse::<Resources>().is_ok());
    let error = format!("{name}:10").parse::<Resources>().unwrap_err();
    assert_eq!((error.column(), error.found()), (MAX_RESOURCES_TEXT / 2 + 2, "0"));
    assert_eq!(error.expected(), "65536 bytes at most");
    assert!(error.to_string().chars().count() < 500);
    // The limit lies inside of a character.
    let error = format!("a{}", "é".repeat(MAX_RESOURCES_TEXT / 2)).parse::<Resources>().unwrap_err();
    assert_eq!((error.column(), error.found()), (MAX_RESOURCES_TEXT / 2 + 1, "é"));

    let mut text: String = (0..MAX_RESOURCES).map(|number| format!("r{number}:1;")).collect();
    assert_eq!(text.parse::<Resources>().unwrap().iter().count(), MAX_RESOURCES);
    text += "cpus:1";
    let error = text.parse::<Resources>().unwrap_err();
    assert_eq!((error.found(), error.expected()), ("cpus:1", "1024 resources at most"));
}

#[test]
fn what_a_master_wrote_is_read_and_written_the_same() {
    let mut texts = Vec::new();
    for event in recorded_events() {
        let update = event.update.map(|update| update.status.message().to_owned());
        let operation = event.update_operation_status.map(|update| update.status.message().to_owned());
        for message in update.into_iter().chain(operation) {
            // 'Total resources A required by task and its executor is more than available B', 'B does not
            // contain A'.
            let message = message.trim_start_matches("Total resources ");
            let two = message.split_once(" does not contain ").or_else(|| {
                let (asked, rest) = message.split_once(" required by ")?;
                Some((asked, rest.split_once(" more than available ")?.1))
            });
            texts.extend(two.into_iter().flat_map(|(first, second)| [first.to_owned(), second.to_owned()]));
        }
    }
    assert!(texts.len() >= 12, "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("(reservations: [(DYNAMIC,web)])")));
    for text in texts {
        assert_eq!(text.parse::<Resources>().unwrap().to_string(), text);
    }
}

#[test]
fn recorded_offers_are_valid_and_read_back_from_their_text() {
    let mut offers = 0;
    for event in recorded_events() {
        for offer in event.offers.into_iter().flat_map(|offers| offers.offers) {
            let listed = offer.resources.len();
            let resources = Resources::try_from(offer.resources).unwrap();
            assert_eq!(resources.iter().count(), listed, "no kind comes twice in an offer");
            assert_eq!(resources.to_string().parse::<Resources>().unwrap(), resources);
            offers += 1;
        }
    }
    assert!(offers > 1000, "{offers}");
}

#[test]
fn committed_inputs_of_fuzzing_hold() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/resources_text");
    let mut seen = Vec::new();
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        // The last path that is printed is the input that failed.
        println!("{}", path.display());
        let outcome = fuzzed::resources_text(&fs::read(&path).unwrap());
        assert_ne!(outcome, fuzzed::Outcome::Unusable, "{}", path.display());
        seen.push(outcome);
    }
    for outcome in [fuzzed::Outcome::Refused, fuzzed::Outcome::Empty, fuzzed::Outcome::Read] {
        assert!(seen.contains(&outcome), "no input is {outcome:?}");
    }
}

/// Of all streams in protobuf.
fn recorded_events() -> impl Iterator<Item = Event> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scheduler");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".pb.recordio"));
    paths.sort();
    paths.into_iter().flat_map(|path| {
        let mut decoder = Decoder::new();
        decoder.push(fs::read(path).unwrap().into());
        let mut events = Vec::new();
        while let Ok(Some(record)) = decoder.next_record() {
            events.push(Event::decode(record).unwrap());
        }
        events
    })
}
