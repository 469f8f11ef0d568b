//! `whisk-mesos decode`: the events of a recorded stream, and where it breaks.

use std::{
    error::Error,
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use bytes::Bytes;
use mesos_proto::{
    json,
    recordio::{self, Decoder, ErrorKind},
    v1::{master, scheduler},
};
use prost::{Message, Name};
use serde_json::Value;

use super::{
    Exit, Failure,
    arguments::{Api, Decode},
    output::Output,
};

/// Bytes that are asked for at once; a pipe gives what it has.
const CHUNK: usize = 64 * 1024;

/// Makes the line of an event out of a record.
type Render = fn(&[u8]) -> Result<String, String>;

pub(super) fn run(arguments: &Decode, output: &Output) -> Result<Exit, Failure> {
    let (name, mut input) = open(&arguments.file)?;
    let render: Render = match (arguments.api, arguments.json) {
        (Api::Scheduler, false) => of_protobuf::<scheduler::Event>,
        (Api::Scheduler, true) => of_json::<scheduler::Event>,
        (Api::Operator, false) => of_protobuf::<master::Event>,
        (Api::Operator, true) => of_json::<master::Event>,
    };
    let mut stdout = BufWriter::new(io::stdout().lock());
    let note = |text: &str| output.problem(&format!("{name}: {text}"));
    match print_events(&mut *input, &mut stdout, render, note) {
        Ok(()) => Ok(Exit::Success),
        Err(Problem::Input(problem)) => Err(Failure::usage(format!("{name}: {problem}"))),
        // Who has gone away has seen enough.
        Err(Problem::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err(Problem::Stdout(error)) => Err(Failure::of_stdout(&error)),
    }
}

fn open(file: &Path) -> Result<(String, Box<dyn Read>), Failure> {
    if file == Path::new("-") {
        return Ok(("stdin".to_owned(), Box::new(io::stdin().lock())));
    }
    let name = file.display().to_string();
    match File::open(file) {
        Ok(opened) => Ok((name, Box::new(opened))),
        Err(error) => Err(Failure::usage(format!("{name}: {error}"))),
    }
}

/// Why not all events were printed.
#[derive(Debug)]
enum Problem {
    /// The stream is broken, or cannot be read.
    Input(String),
    Stdout(io::Error),
}

impl From<recordio::Error> for Problem {
    fn from(error: recordio::Error) -> Self {
        let mut text = error.to_string();
        let is_http = error.seen().ends_with(b"\r") || error.offset() == 0 && error.seen() == b"H";
        if error.kind() == ErrorKind::BadHeader && is_http {
            text += "; expected the body of the response alone, without HTTP's head and chunks";
        }
        Self::Input(text)
    }
}

/// Prints events as they come: what is known is written before more is waited for.
fn print_events(
    input: &mut dyn Read,
    out: &mut dyn Write,
    render: Render,
    note: impl Fn(&str),
) -> Result<(), Problem> {
    let mut decoder = Decoder::new();
    let mut chunk = vec![0; CHUNK];
    let (mut received, mut record_start, mut number) = (0_u64, 0, 0_u64);
    loop {
        let length = match input.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| Problem::Input(error.to_string()))?,
        };
        if length == 0 {
            return decoder.finish().map_err(Problem::from);
        }
        received += length as u64;
        decoder.push(Bytes::copy_from_slice(&chunk[..length]));
        let printed = loop {
            let record = match decoder.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            number += 1;
            let place = format!("record {number} at byte {record_start}");
            record_start = received - decoder.buffered() as u64;
            if record.is_empty() {
                note(&format!("{place} is empty and skipped"));
                continue;
            }
            match render(&record) {
                Ok(line) => writeln!(out, "{line}").map_err(Problem::Stdout)?,
                Err(problem) => break Err(Problem::Input(format!("{place} is no event: {problem}"))),
            }
        };
        out.flush().map_err(Problem::Stdout)?;
        printed?;
    }
}

fn of_protobuf<M: Message + Name + Default>(record: &[u8]) -> Result<String, String> {
    let event = json::from_protobuf::<M>(record).map_err(|error| {
        let hint = if record.starts_with(b"{") { "; it begins with '{': try --json" } else { "" };
        explained(&error) + hint
    })?;
    line(&json::to_value(&event))
}

fn of_json<M: Message + Name + Default>(record: &[u8]) -> Result<String, String> {
    json::from_slice::<M>(record).map_err(|error| {
        let is_json = record.trim_ascii_start().starts_with(b"{");
        let hint = if is_json { "" } else { "; it does not begin with '{': try without --json" };
        explained(&error) + hint
    })?;
    // With the fields that this program does not know.
    let event = serde_json::from_str(&String::from_utf8_lossy(record)).expect("it was read before");
    line(&event)
}

/// The type of the event and the event.
fn line(event: &Value) -> Result<String, String> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let kind = match event.get("type") {
        Some(Value::String(name)) if !name.is_empty() && name.chars().all(is_plain) => name.clone(),
        None | Some(Value::Null) => return Err("it has no type".to_owned()),
        // A name that is none, and the number of a type that the schema does not have.
        Some(other) => other.to_string(),
    };
    let mut line = String::new();
    for char in format!("{kind} {event}").chars() {
        // JSON lets some of what commands terminals stand as it is.
        if char.is_control() {
            line += &format!("\\u{:04x}", u32::from(char));
        } else {
            line.push(char);
        }
    }
    Ok(line)
}

fn explained(error: &json::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text += &format!(": {inner}");
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use mesos_proto::recordio::encode;

    use super::*;

    /// Gives a byte at a time, and fails at the end.
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else {
                return Err(io::Error::other("the disk is gone"));
            };
            (buffer[0], self.0) = (*first, rest);
            Ok(1)
        }
    }

    #[test]
    fn events_before_an_error_of_the_input_are_printed() {
        let mut out = Vec::new();
        let mut input = Failing(b"2\n\x08\x082\n\x08");
        let problem = print_events(&mut input, &mut out, of_protobuf::<scheduler::Event>, |_| ());
        assert!(matches!(problem, Err(Problem::Input(text)) if text == "the disk is gone"));
        assert_eq!(out, b"HEARTBEAT {\"type\":\"HEARTBEAT\"}\n");
    }

    #[test]
    fn an_event_is_written_before_more_is_waited_for() {
        /// Checks at each read what was written by then.
        struct Asking<'a>(&'a std::cell::RefCell<Vec<u8>>, u32);
        impl Read for Asking<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let lines = self.0.borrow().iter().filter(|byte| **byte == b'\n').count();
                assert_eq!(lines, self.1 as usize);
                self.1 += 1;
                buffer[..4].copy_from_slice(b"2\n\x08\x08");
                Ok(if self.1 == 4 { 0 } else { 4 })
            }
        }
        struct Shared<'a>(&'a std::cell::RefCell<Vec<u8>>);
        impl Write for Shared<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.borrow_mut().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let written = std::cell::RefCell::new(Vec::new());
        let mut out = BufWriter::new(Shared(&written));
        print_events(&mut Asking(&written, 0), &mut out, of_protobuf::<scheduler::Event>, |_| ()).unwrap();
    }

    #[test]
    fn what_a_recording_holds_cannot_break_a_line_or_command_a_terminal() {
        let text = "{\"type\":\"ERROR\",\"error\":{\"message\":\"a\\n\u{9b}2J\u{7f}\"}}";
        let mut stream = bytes::BytesMut::new();
        encode(text.as_bytes(), &mut stream);
        encode("{\"type\":\"A\\n\u{9b}C\"}".as_bytes(), &mut stream);
        let mut out = Vec::new();
        print_events(&mut &stream[..], &mut out, of_json::<scheduler::Event>, |_| ()).unwrap();
        let expected = "ERROR {\"type\":\"ERROR\",\"error\":{\"message\":\"a\\n\\u009b2J\\u007f\"}}\n\
                        \"A\\n\\u009bC\" {\"type\":\"A\\n\\u009bC\"}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
