//! The HTTP contract of a running master, row by row (`tests/data/http-contract.tsv`).

mod bodies;
mod stages;

use std::io::{ErrorKind, Write as _};

use mesos_proto::{recordio, v1::scheduler::Event};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use self::{
    bodies::request_body,
    stages::{prepare, stage},
};
use crate::client::{Connection, Scheduler, within};

/// Rows that this master is known not to follow, and why.
const SKIPPED: [(u32, &str); 5] = [
    (10, "the event stream of the operator API is not supported"),
    (11, "the event stream of the operator API is not supported"),
    (129, "there is no v0 protocol here"),
    (192, "a real master dies of it, this one answers 501"),
    (194, "a real master dies of it, this one answers 400"),
];

struct Row {
    number: u32,
    /// Which master was asked.
    listener: String,
    case: String,
    method: String,
    path: String,
    content_type: Option<String>,
    accept: Option<String>,
    stream_id: Option<String>,
    other_headers: Option<String>,
    status: String,
    headers: Vec<String>,
    body: String,
    then: String,
}

impl Row {
    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let optional = |index: usize| (fields[index] != "-").then(|| fields[index].to_owned());
        Self {
            number: fields[0].parse().unwrap(),
            listener: fields[1].to_owned(),
            case: fields[3].to_owned(),
            method: fields[4].to_owned(),
            path: fields[5].to_owned(),
            content_type: optional(6),
            accept: optional(7),
            stream_id: optional(8),
            other_headers: optional(9),
            status: fields[11].to_owned(),
            headers: fields[12].split("; ").filter(|part| *part != "-").map(str::to_owned).collect(),
            body: optional(13).unwrap_or_default(),
            then: fields[14].to_owned(),
        }
    }
}

/// What rows refer to by name.
struct World {
    address: String,
    framework: Scheduler,
    disconnected: (String, String),
    removed: String,
}

#[tokio::test]
async fn the_contract_holds_row_by_row() {
    let rows: Vec<Row> = include_str!("../data/http-contract.tsv").lines().skip(1).map(Row::parse).collect();
    let mut failures = Vec::new();
    let mut held = 0;
    let skipped = |row: &Row| SKIPPED.iter().any(|(number, _)| *number == row.number);
    for group in rows.chunk_by(|row, next| row.listener == next.listener) {
        let group: Vec<&Row> = group.iter().filter(|row| !skipped(row)).collect();
        let Some(listener) = group.first().map(|row| &row.listener) else { continue };
        let (cluster, world) = stage(listener).await.unwrap_or_else(|| panic!("who is '{listener}'?"));
        for row in group {
            prepare(&cluster, row).await;
            match check(&world, row).await {
                Ok(()) => held += 1,
                Err(text) => failures.push(format!("row {} ({}): {text}", row.number, row.case)),
            }
        }
        cluster.shutdown().await;
    }
    // Not by a macro: what those print is shown of failed tests only.
    let mut stderr = std::io::stderr();
    for (number, reason) in SKIPPED {
        writeln!(stderr, "row {number} of the HTTP contract is left out: {reason}").unwrap();
    }
    writeln!(stderr, "{held} of {} rows of the HTTP contract hold", rows.len()).unwrap();
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), rows.len(), failures.join("\n"));
    assert_eq!(held + SKIPPED.len(), rows.len());
}

impl World {
    fn fill(&self, text: &str) -> String {
        text.replace("<stream-id-of-framework>", &self.framework.stream_id)
            .replace("<stream-id-of-disconnected-framework>", &self.disconnected.1)
            .replace("<stream-id-of-recovered-framework>", &self.framework.stream_id)
            .replace("<framework>", &self.framework.framework_id.value)
            .replace("<uuid>", "00000000-0000-4000-8000-000000000000")
            .replace("http://127.0.0.1:5050", &format!("http://{}", self.address))
    }
}

async fn check(world: &World, row: &Row) -> Result<(), String> {
    if row.status == "refused" {
        let refused = TcpStream::connect(&world.address).await.map_err(|error| error.kind());
        return match refused {
            Err(ErrorKind::ConnectionRefused) => Ok(()),
            other => Err(format!("not refused: {other:?}")),
        };
    }
    if row.status == "none" {
        return check_silence(world, row).await;
    }
    let (head, rest, closed) = exchange(world, row).await?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    // Some rows have the number alone, and nothing of the head.
    let is_short = row.status.len() == 3;
    let seen = if is_short { &status[..status.len().min(12)] } else { status };
    if seen != format!("HTTP/1.1 {}", row.status) {
        return Err(format!("answered {status}: {}", String::from_utf8_lossy(&rest)));
    }
    let headers: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    if !headers.iter().any(|header| header.starts_with("Date: ")) {
        return Err("no Date".into());
    }
    let expected: Vec<&String> =
        row.headers.iter().filter(|header| !header.starts_with("charset=")).collect();
    for expected in expected {
        // The split of the table at `; ` cuts the one media type with a parameter.
        let expected = if expected == "Content-Type: text/plain" {
            "Content-Type: text/plain; charset=utf-8"
        } else {
            expected
        };
        let leader = (row.listener == "leader").then_some(world.address.as_str());
        let expected = &expected.replace("master1.example:5050", leader.unwrap_or("master1.example:5050"));
        let found = if expected.ends_with("<uuid>") {
            let name = expected.split(':').next().unwrap();
            headers.iter().any(|header| header.starts_with(name))
        } else {
            headers.iter().any(|header| same_header(header, expected))
        };
        if !found {
            return Err(format!("no header '{expected}' in {headers:?}"));
        }
    }
    if is_short && row.status == "200" {
        return check_events("SUBSCRIBED HEARTBEAT (open)", &rest);
    }
    if row.then.starts_with("events: ") {
        return check_events(&row.then["events: ".len()..], &rest);
    }
    let body = String::from_utf8_lossy(&rest);
    let expected = world.fill(&row.body);
    let same = if row.method == "HEAD" { body.is_empty() } else { body.trim_end() == expected.trim_end() };
    if !same {
        return Err(format!("said '{body}', not '{expected}'"));
    }
    if closed != (row.then == "connection closed by the master") {
        return Err(format!("connection closed: {closed}, expected: {}", row.then));
    }
    Ok(())
}

/// There is no answer: the connection is closed, or the rest of the request is waited for.
async fn check_silence(world: &World, row: &Row) -> Result<(), String> {
    let mut stream = TcpStream::connect(&world.address).await.unwrap();
    stream.write_all(&request(world, row)?).await.unwrap();
    let mut received = Vec::new();
    if row.then == "no response within 2 s" {
        // What the master was sent before this it has read when it answers somebody else.
        Connection::open(&format!("http://{}", world.address)).await.get("/health").await;
        let early = stream.try_read_buf(&mut received);
        if !early.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            return Err(format!("answered before the request was complete: {early:?}"));
        }
        stream.write_all(&[b' '; 10]).await.unwrap();
    }
    let length = match read_some_or_reset(&mut stream, &mut received).await {
        0 => "connection closed without a response",
        _ => "no response within 2 s",
    };
    if length == row.then { Ok(()) } else { Err(String::from_utf8_lossy(&received).into_owned()) }
}

/// Unread bytes make a close a reset.
async fn read_some_or_reset(stream: &mut TcpStream, received: &mut Vec<u8>) -> usize {
    within("the peer", stream.read_buf(received)).await.unwrap_or(0)
}

/// Names are compared as HTTP does, values byte for byte.
fn same_header(one: &str, other: &str) -> bool {
    match (one.split_once(": "), other.split_once(": ")) {
        (Some((name, value)), Some((other, expected))) => {
            name.eq_ignore_ascii_case(other) && value == expected
        }
        _ => one == other,
    }
}

/// Sends a row's request byte for byte; gives head, body, and whether the connection was closed then.
/// Of a stream that stays open only the first two records are read.
async fn exchange(world: &World, row: &Row) -> Result<(String, Vec<u8>, bool), String> {
    let mut stream = TcpStream::connect(&world.address).await.unwrap();
    stream.write_all(&request(world, row)?).await.unwrap();
    let mut received = Vec::new();
    let head_end = loop {
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if read_some(&mut stream, &mut received).await == 0 {
            return Err("the connection was closed without a response".into());
        }
    };
    let head = String::from_utf8(received[..head_end].to_vec()).unwrap();
    received.drain(..head_end + 4);
    if head.contains("Transfer-Encoding: chunked") {
        // Two chunks at least, or the last one.
        while received.windows(5).all(|window| window != b"0\r\n\r\n") && chunks(&received).len() < 2 {
            if read_some(&mut stream, &mut received).await == 0 {
                break;
            }
        }
        return Ok((head, received, false));
    }
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Length: "));
    let length: usize = length.ok_or("no Content-Length")?.parse().unwrap();
    let length = if row.method == "HEAD" { 0 } else { length };
    while received.len() < length {
        if read_some(&mut stream, &mut received).await == 0 {
            return Err("the body broke off".into());
        }
    }
    if row.case == "pipelining" {
        let second = |received: &[u8]| String::from_utf8_lossy(received).matches("HTTP/1.1 202").count();
        while second(&received) < 1 {
            if read_some(&mut stream, &mut received).await == 0 {
                return Err("the second call was not answered".into());
            }
        }
    }
    received.truncate(length);
    let closed = if row.then == "connection closed by the master" {
        read_some(&mut stream, &mut Vec::new()).await == 0
    } else {
        head.contains("Connection: close")
    };
    Ok((head, received, closed))
}

async fn read_some(stream: &mut TcpStream, received: &mut Vec<u8>) -> usize {
    within("the peer", stream.read_buf(received)).await.unwrap()
}

fn request(world: &World, row: &Row) -> Result<Vec<u8>, String> {
    let body = request_body(world, row).ok_or("this row's body is not known to the test")?;
    if matches!(row.number, 179 | 180) {
        return Ok(body);
    }
    let version = if row.case.starts_with("HTTP/1.0") { "1.0" } else { "1.1" };
    let mut head = format!("{} {} HTTP/{version}\r\nHost: test\r\n", row.method, world.fill(&row.path));
    let mut header = |name: &str, value: &str| head += &format!("{name}: {value}\r\n");
    if let Some(value) = &row.content_type {
        header("Content-Type", value);
    }
    if let Some(value) = &row.accept {
        header("Accept", value);
    }
    if row.number == 135 {
        header("Mesos-Stream-Id", &world.framework.stream_id);
    }
    let name = if row.number == 136 { "mesos-stream-id" } else { "Mesos-Stream-Id" };
    if let Some(value) = &row.stream_id {
        header(name, &world.fill(value));
    }
    if let Some((name, value)) = row.other_headers.as_deref().and_then(|line| line.split_once(": ")) {
        let value = match (name, row.number) {
            ("x-pad", 182) => "x".repeat(92_160),
            ("x-pad", _) => "x".repeat(80_896),
            _ => value.to_owned(),
        };
        header(name, &value);
    }
    let chunked = row.other_headers.as_deref() == Some("transfer-encoding: chunked");
    let length = match row.number {
        170 => body.len() - 10,
        171 => body.len() + 10,
        _ => body.len(),
    };
    if !chunked && row.number != 172 {
        header("Content-Length", &length.to_string());
    }
    let head = if row.number == 177 { head.replace("\r\n", "\n") + "\n" } else { head + "\r\n" };
    let mut bytes = head.into_bytes();
    if chunked {
        let (first, second) = body.split_at(10);
        for part in [first, second, b""] {
            bytes.extend(format!("{:x}\r\n", part.len()).bytes());
            bytes.extend(part);
            bytes.extend(b"\r\n");
        }
    } else {
        bytes.extend(&body);
    }
    if row.case == "pipelining" {
        bytes.extend(bytes.clone());
    }
    Ok(bytes)
}

/// Compares the first events of a stream with the table's `SUBSCRIBED HEARTBEAT (open)`.
fn check_events(expected: &str, received: &[u8]) -> Result<(), String> {
    let mut decoder = recordio::Decoder::new();
    let mut events = Vec::new();
    for chunk in chunks(received) {
        // One chunk holds one record.
        decoder.push(chunk.to_vec().into());
        let record = decoder.next_record().map_err(|error| error.to_string())?;
        let record = record.ok_or("a chunk holds less than a record")?;
        let event = match record.first() {
            Some(b'{') => {
                mesos_proto::json::from_slice::<Event>(&record).map_err(|error| format!("{error:?}"))?
            }
            _ => Event::decode(record).map_err(|error| error.to_string())?,
        };
        let kind = event.r#type().as_str_name();
        events
            .push(event.error.map_or_else(|| kind.to_owned(), |error| format!("{kind}({})", error.message)));
    }
    let ended = received.ends_with(b"0\r\n\r\n");
    let seen = format!("{} {}", events.join(" "), if ended { "end" } else { "(open)" });
    // What follows the heartbeat is up to the agents.
    let expected = expected.replace("HEARTBEAT OFFERS", "HEARTBEAT");
    if seen.starts_with(expected.trim_end_matches(" (open)")) && ended == expected.ends_with("end") {
        Ok(())
    } else {
        Err(format!("events {seen}, not {expected}"))
    }
}

/// The whole chunks of a body so far, without the last, empty one.
fn chunks(received: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    let mut rest = received;
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let length =
            std::str::from_utf8(&rest[..line]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let (Some(length), start) = (length, line + 2) else {
            break;
        };
        if length == 0 || rest.len() < start + length + 2 {
            break;
        }
        chunks.push(&rest[start..start + length]);
        rest = &rest[start + length + 2..];
    }
    chunks
}
