//! The HTTP contract of a running master, row by row (`tests/data/http-contract.tsv`).

mod bodies;

use std::time::Duration;

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::{
    recordio,
    v1::{
        self,
        scheduler::{Call, Event, call},
    },
};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use self::bodies::request_body;
use crate::client::{Scheduler, framework, within};

/// Rows that this master is known not to follow, and why.
const SKIPPED: [(u32, &str); 14] = [
    (1, "hyper answers a path without a slash with 400"),
    (10, "the event stream of the operator API is not supported"),
    (11, "the event stream of the operator API is not supported"),
    (129, "there is no v0 protocol here"),
    (137, "hyper cuts blanks off header values"),
    (160, "the size limit of RE2 programs is not imposed"),
    (164, "gzip bodies are not supported, broken or not"),
    (167, "hyper sends 100 Continue"),
    (171, "that nothing comes cannot be told without a clock"),
    (174, "hyper answers HTTP/1.0 with that version"),
    (175, "hyper answers HTTP/1.0 with that version"),
    (179, "hyper answers a preface of HTTP/2 with 400"),
    (180, "hyper answers a TLS hello with 400"),
    (182, "hyper answers a header block that is too large with 431"),
];

struct Row {
    number: u32,
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
    let cluster = Cluster::start(ClusterConfig::with_agents(1)).await.unwrap();
    let world = World::new(&cluster).await;
    let mut failures = Vec::new();
    let mut held = 0;
    for row in &rows {
        if SKIPPED.iter().any(|(number, _)| *number == row.number) {
            continue;
        }
        match check(&world, row).await {
            Ok(()) => held += 1,
            Err(text) => failures.push(format!("row {} ({}): {text}", row.number, row.case)),
        }
    }
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), rows.len(), failures.join("\n"));
    assert_eq!(held + SKIPPED.len(), rows.len());
    cluster.shutdown().await;
}

impl World {
    async fn new(cluster: &Cluster) -> Self {
        let framework = known(cluster, framework()).await;
        let lasting = v1::FrameworkInfo { failover_timeout: Some(600.0), ..crate::client::framework() };
        let gone = known(cluster, lasting).await;
        let disconnected = (gone.framework_id.value.clone(), gone.stream_id.clone());
        gone.vanish();
        let mut removed = known(cluster, crate::client::framework()).await;
        removed.call(call::Type::Teardown, Call::default()).await;
        // The master noticed the closed connection when it says so.
        within("the end of a connection", async {
            while !cluster.transcript().entries().any(|entry| entry.kind() == "connection closed") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        Self {
            address: cluster.master_url().replace("http://", ""),
            framework,
            disconnected,
            removed: removed.framework_id.value,
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("<stream-id-of-framework>", &self.framework.stream_id)
            .replace("<stream-id-of-disconnected-framework>", &self.disconnected.1)
            .replace("<framework>", &self.framework.framework_id.value)
            .replace("<uuid>", "00000000-0000-4000-8000-000000000000")
            .replace("http://127.0.0.1:5050", &format!("http://{}", self.address))
    }
}

/// Subscribes and reads until the framework has its id.
async fn known(cluster: &Cluster, info: v1::FrameworkInfo) -> Scheduler {
    let subscribe = call::Subscribe { framework_info: info, ..Default::default() };
    let mut scheduler = Scheduler::subscribe(cluster, subscribe).await;
    scheduler.event().await.unwrap();
    scheduler
}

async fn check(world: &World, row: &Row) -> Result<(), String> {
    let (head, rest, closed) = exchange(world, row).await?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if status != format!("HTTP/1.1 {}", row.status) {
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
        // Details of patterns and their lengths are those of another engine.
        let found = if expected.ends_with("<uuid>")
            || (row.number == 159 && expected.starts_with("Content-Length"))
        {
            let name = expected.split(':').next().unwrap();
            headers.iter().any(|header| header.starts_with(name))
        } else {
            headers.contains(&expected)
        };
        if !found {
            return Err(format!("no header '{expected}' in {headers:?}"));
        }
    }
    if row.then.starts_with("events: ") {
        return check_events(&row.then["events: ".len()..], &rest);
    }
    let body = String::from_utf8_lossy(&rest);
    let expected = world.fill(&row.body);
    let same = if row.number == 159 {
        body.starts_with(expected.split("missing ]").next().unwrap())
    } else if row.method == "HEAD" {
        body.is_empty()
    } else {
        body.trim_end() == expected.trim_end()
    };
    if !same {
        return Err(format!("said '{body}', not '{expected}'"));
    }
    if closed != (row.then == "connection closed by the master") {
        return Err(format!("connection closed: {closed}, expected: {}", row.then));
    }
    Ok(())
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
        let value = if name == "x-pad" { "x".repeat(80_896) } else { value.to_owned() };
        header(name, &value);
    }
    let chunked = row.other_headers.as_deref() == Some("transfer-encoding: chunked");
    let length = if row.number == 170 { body.len() - 10 } else { body.len() };
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
