//! `whisk-mesos decode`: events on stdout, exit codes, and where a broken stream breaks.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

mod support;

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use self::support::{Ended, Place, repository};

const RECORDED: &str = "mesos-proto/tests/data/scheduler";

/// Runs it with the bytes as stdin.
fn decode(arguments: &[&str], stdin: &[u8]) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whisk-mesos"))
        .arg("decode")
        .args(arguments)
        .current_dir(repository())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let (written, output) = std::thread::scope(|scope| {
        let writer = scope.spawn(move || pipe.write_all(stdin));
        let output = child.wait_with_output().unwrap();
        (writer.join().unwrap(), output)
    });
    if output.status.success() {
        written.unwrap();
    }
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[track_caller]
fn check(arguments: &[&str], stdin: &[u8], code: i32, stdout: &str, stderr: &str) {
    let ended = decode(arguments, stdin);
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (Some(code), stdout, stderr),
        "{arguments:?}"
    );
}

const HEARTBEAT: &str = "HEARTBEAT {\"type\":\"HEARTBEAT\"}\n";

#[test]
fn a_small_stream_has_exactly_these_lines() {
    let expected =
        "ERROR {\"type\":\"ERROR\",\"error\":{\"message\":\"'a/b' contains invalid characters\"}}\n";
    check(&[&format!("{RECORDED}/refused-id-invalid.pb.recordio")], b"", 0, expected, "");
    check(&["--json", &format!("{RECORDED}/refused-id-invalid.json.recordio")], b"", 0, expected, "");
    check(&["-"], b"", 0, "", "");
    check(&["-"], b"2\n\x08\x082\n\x08\x08", 0, &HEARTBEAT.repeat(2), "");
}

#[test]
fn every_recorded_stream_is_printed_with_its_types() {
    let index = fs::read(recorded("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let mut streams = 0;
    for (name, entry) in index.as_object().unwrap() {
        let file = format!("{RECORDED}/{name}.recordio");
        let json: &[&str] = if name.ends_with(".json") { &["--json"] } else { &[] };
        let from_file = decode(&[json, &[file.as_str()]].concat(), b"");
        assert_eq!((from_file.code, from_file.stderr.as_str()), (Some(0), ""), "{name}");
        let lines = from_file.stdout.lines();
        let kinds = lines.clone().map(|line| line.split_once(' ').unwrap().0);
        let events = entry["events"].as_array().unwrap().iter();
        let expected = events.map(|event| event.as_str().unwrap().split(' ').next().unwrap());
        assert!(kinds.eq(expected), "{name}: {}", from_file.stdout);
        for line in lines {
            let (kind, event) = line.split_once(' ').unwrap();
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            assert_eq!(event["type"], kind, "{name}");
        }
        streams += 1;
    }
    assert_eq!(streams, 100);
}

#[test]
fn a_pipe_gives_what_a_file_gives() {
    for (name, json) in [("huge-offers-1000.pb", None), ("task-group.json", Some("--json"))] {
        let file = format!("{RECORDED}/{name}.recordio");
        let arguments = |file| json.into_iter().chain([file]).collect::<Vec<_>>();
        let from_file = decode(&arguments(file.as_str()), b"");
        let stream = fs::read(recorded(&format!("{name}.recordio"))).unwrap();
        let from_pipe = decode(&arguments("-"), &stream);
        assert_eq!((from_pipe.code, from_pipe.stderr.as_str()), (Some(0), ""), "{name}");
        assert!(!from_file.stdout.is_empty() && from_pipe.stdout == from_file.stdout, "{name}");
    }
}

#[test]
fn json_is_printed_as_it_was_recorded() {
    let name = "offers-3-agents.json.recordio";
    let ended = decode(&["--json", &format!("{RECORDED}/{name}")], b"");
    let stream = fs::read_to_string(recorded(name)).unwrap();
    for line in ended.stdout.lines() {
        let (_, event) = line.split_once(' ').unwrap();
        assert!(stream.contains(&format!("{}\n{event}", event.len())), "{event}");
    }
    let unknown = br#"{"more":[1],"type":"HEARTBEAT"}"#;
    let stream = [format!("{}\n", unknown.len()).as_bytes(), unknown].concat();
    check(&["--json", "-"], &stream, 0, "HEARTBEAT {\"more\":[1],\"type\":\"HEARTBEAT\"}\n", "");
}

#[test]
fn types_that_the_schema_does_not_have_are_printed() {
    check(&["-"], b"2\n\x08\x632\n\x08\x08", 0, &format!("99 {{\"type\":99}}\n{HEARTBEAT}"), "");
    check(&["--json", "-"], b"15\n{\"type\": \"NEW\"}", 0, "NEW {\"type\":\"NEW\"}\n", "");
}

#[test]
fn the_operator_api_has_other_events() {
    let expected = "HEARTBEAT {\"type\":\"HEARTBEAT\"}\nAGENT_REMOVED \
                    {\"type\":\"AGENT_REMOVED\",\"agent_removed\":{\"agent_id\":{\"value\":\"S0\"}}}\n";
    check(&["--api", "operator", "-"], b"2\n\x08\x0910\n\x08\x05\x32\x06\x0a\x04\x0a\x02S0", 0, expected, "");
    let text = br#"{"type":"AGENT_REMOVED","agent_removed":{"agent_id":{"value":"S0"}}}"#;
    let stream = [b"20\n{\"type\":\"HEARTBEAT\"}", format!("{}\n", text.len()).as_bytes(), text].concat();
    check(&["--api=operator", "--json", "-"], &stream, 0, expected, "");
    let ended = decode(&["--api", "executor", "-"], b"");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("possible values: scheduler, operator"), "{}", ended.stderr);
}

#[test]
fn a_broken_stream_is_printed_up_to_the_byte_where_it_breaks() {
    for (rest, problem) in [
        (&b"x2\n"[..], "record header 'x' at byte 4 is not a decimal length"),
        (b"\n", "record header '\\n' at byte 4 is not a decimal length"),
        (b"12", "stream ended inside the record header '12' at byte 4"),
        (b"3\n\x08\x08", "stream ended inside the record at byte 4, 1 bytes are missing"),
        (b"268435457\n", "record at byte 4 has 268435457 bytes, more than the limit of 268435456"),
        (b"f\r\n2\n", "record header 'f' at byte 4 is not a decimal length"),
        (
            b"4\r\n2\n",
            "record header '4\\r' at byte 4 is not a decimal length; expected the body of the response \
             alone, without HTTP's head and chunks",
        ),
        (b"2\n\x08\x082\n\x08", "stream ended inside the record at byte 8, 1 bytes are missing"),
    ] {
        let stream = [b"2\n\x08\x08", rest].concat();
        let events = HEARTBEAT.repeat(if rest.starts_with(b"2\n") { 2 } else { 1 });
        check(&["-"], &stream, 2, &events, &format!("whisk-mesos: stdin: {problem}\n"));
    }
    let ended = decode(&["-"], b"HTTP/1.1 200 OK\r\n");
    assert!(ended.stderr.ends_with("without HTTP's head and chunks\n"), "{}", ended.stderr);
}

#[test]
fn a_record_that_is_no_event_is_told_with_its_place() {
    for (arguments, record, problem) in [
        (&["-"][..], &b"\x08"[..], "not a protobuf message of this type: failed to decode Protobuf message"),
        (&["-"], b"\x78\x01", "it has no type"),
        (&["-"], b"\x08\x02\x12\x00", "missing required fields: subscribed.framework_id"),
        (&["-"], b"{\"type\":\"HEARTBEAT\"}", "; it begins with '{': try --json\n"),
        (&["--json", "-"], b"\x08\x08", "; it does not begin with '{': try without --json\n"),
        (&["--json", "-"], b"{\"type\"", "not JSON: the text ends too early"),
        (&["--json", "-"], b"{\"type\":x}", "not JSON at 'x}': expected value at line 1 column 9\n"),
        (&["--json", "-"], b"{}", "it has no type\n"),
        (
            &["--json", "-"],
            b"{\"type\":8}",
            "type: expected the name of a mesos.v1.scheduler.Event.Type, found 8\n",
        ),
        (
            &["--json", "-"],
            br#"{"type":"RESCIND","rescind":{"offer_id":{"value":7}}}"#,
            "rescind.offer_id.value: expected a string, found 7\n",
        ),
    ] {
        let (before, place) = match arguments {
            ["-"] => (&b"2\n\x08\x08"[..], "record 2 at byte 4"),
            _ => (&b"20\n{\"type\":\"HEARTBEAT\"}"[..], "record 2 at byte 23"),
        };
        let stream = [before, format!("{}\n", record.len()).as_bytes(), record].concat();
        let ended = decode(arguments, &stream);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), HEARTBEAT), "{problem}");
        let prefix = format!("whisk-mesos: stdin: {place} is no event: ");
        assert!(ended.stderr.starts_with(&prefix), "{}", ended.stderr);
        assert!(ended.stderr.contains(problem), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn an_empty_record_is_skipped_and_told() {
    check(
        &["-"],
        b"0\n2\n\x08\x08",
        0,
        HEARTBEAT,
        "whisk-mesos: stdin: record 1 at byte 0 is empty and skipped\n",
    );
}

#[test]
fn a_file_that_cannot_be_read_is_wrong_usage_and_named() {
    let problem = "whisk-mesos: no/such.recordio: No such file or directory (os error 2)\n";
    check(&["no/such.recordio"], b"", 2, "", problem);
    check(&["docs"], b"", 2, "", "whisk-mesos: docs: Is a directory (os error 21)\n");
    let ended = decode(&[], b"");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("<FILE>"), "{}", ended.stderr);
}

#[test]
fn a_broken_file_is_named_in_the_error() {
    let place = Place::new();
    let file = place.file("broken", "2\n");
    let file = file.to_str().unwrap();
    let problem =
        format!("whisk-mesos: {file}: stream ended inside the record at byte 0, 2 bytes are missing\n");
    check(&[file], b"", 2, "", &problem);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whisk-mesos"))
        .args(["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // It ends by itself, although its input goes on.
    while stdin.write_all(&b"2\n\x08\x08".repeat(1000)).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

fn recorded(file: &str) -> PathBuf {
    repository().join(RECORDED).join(file)
}
