//! Reads the recording of the upstream runtimes.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};

pub(crate) const RECORDING: &str = include_str!("../data/action-runtimes.md");

const SENTINEL: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// What a later `,%` stands for.
const INIT_TAIL: &str = r#""binary":false,"env":{"__OW_ACTION_NAME":"/guest/probe","__OW_ACTIVATION_ID":"b7a1d7d8d9c74f2fa1d7d8d9c7df2f0e"}"#;
const BINARY_TAIL: &str = r#"","binary":true,"env":{"__OW_ACTION_NAME":"/guest/probe","__OW_ACTIVATION_ID":"b7a1d7d8d9c74f2fa1d7d8d9c7df2f0e"}}}"#;
/// What a later `@` stands for.
const RUN_FIELDS: &str = r#""namespace":"guest","action_name":"/guest/probe","action_version":"0.0.1","activation_id":"b7a1d7d8d9c74f2fa1d7d8d9c7df2f0e","transaction_id":"tid_1","deadline":"4102444800000","api_key":"u:p""#;

/// One heading: what was sent to one fresh container, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) kind: &'static str,
    pub(crate) heading: &'static str,
    /// The block below the heading, as it is recorded.
    pub(crate) block: String,
}

/// The parts of a block.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
    /// The exit status of the container, where it ended by itself.
    pub(crate) exit: Option<i32>,
}

#[derive(Debug)]
pub(crate) struct Exchange {
    /// Of two overlapping runs, this one begins before the other and ends after it.
    pub(crate) is_first_of_two: bool,
    pub(crate) is_second_of_two: bool,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Reply {
        status: u16,
        content_type: Option<String>,
        content_length: usize,
        /// Ends with `…` where only the beginning is known.
        body: String,
    },
    /// Not a byte came before the connection ended, or could be made.
    Closed,
    /// Not a byte came in the time that the client waited.
    Nothing,
}

/// All headings of the recording.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut found = Vec::new();
    for section in RECORDING.split("\n## openwhisk/").skip(1) {
        let kind = match section.split(['\n', ' ']).next() {
            Some("action-nodejs-v20") => "nodejs",
            Some("action-python-v3.11") => "python",
            Some("dockerskeleton") => "native",
            other => panic!("unknown image {other:?}"),
        };
        for part in section.split("\n### ").skip(1) {
            let (heading, rest) = part.split_once("\n```\n").expect("a block follows each heading");
            let (block, _) = rest.split_once("\n```").expect("a block ends");
            found.push(Scenario { kind, heading, block: block.to_owned() });
        }
    }
    found
}

impl Script {
    /// Takes a block apart; panics at a line that it does not know.
    pub(crate) fn parse(block: &str) -> Self {
        let mut script = Self::default();
        let mut lines = block.lines().peekable();
        let mut comment = "";
        while let Some(line) = lines.next() {
            if let Some(text) = line.strip_prefix("# ") {
                comment = text;
            } else if let Some(text) = line.strip_prefix("stdout: ") {
                script.stdout = parse_log(text);
            } else if let Some(text) = line.strip_prefix("stderr: ") {
                script.stderr = parse_log(text);
            } else if let Some(text) = line.strip_prefix("container: exited exit=") {
                script.exit = Some(text.split(' ').next().unwrap().parse().unwrap());
            } else {
                let (method, rest) = line.split_once(' ').expect("a request line");
                let (path, body) = rest.split_once("  ").expect("two blanks before the body");
                assert!(matches!(method, "GET" | "POST"), "unknown line: {line}");
                let answer = lines.next().unwrap().strip_prefix("  -> ").expect("an answer");
                let mut more = Vec::new();
                while let Some(text) = lines.peek().and_then(|line| line.strip_prefix("     ")) {
                    more.push(text);
                    lines.next();
                }
                script.exchanges.push(Exchange {
                    is_first_of_two: comment.starts_with("first of two"),
                    is_second_of_two: comment.starts_with("second, sent while"),
                    method: method.to_owned(),
                    path: path.to_owned(),
                    body: expand(body),
                    answer: parse_answer(answer, &more),
                });
                comment = "";
            }
        }
        script
    }
}

fn parse_answer(line: &str, more: &[&str]) -> Answer {
    if line.starts_with("connection closed") || line.starts_with("ConnectionResetError") {
        return Answer::Closed;
    }
    if line.starts_with("TimeoutError") {
        return Answer::Nothing;
    }
    if let Some(status) = line.strip_prefix("HTTP/1.1 ") {
        let header = |name: &str| more.iter().find_map(|line| line.strip_prefix(name));
        return Answer::Reply {
            status: status[..3].parse().unwrap(),
            content_type: header("Content-Type: ").map(str::to_owned),
            content_length: header("Content-Length: ").unwrap().parse().unwrap(),
            body: parse_body(more.last().unwrap()),
        };
    }
    let (status, rest) = line.split_once(" | ").expect("a content type");
    let (content_type, rest) = rest.split_once(" | ").expect("a length");
    let (length, mut body) = rest.strip_prefix("Content-Length ").unwrap().split_once(" | ").expect("a body");
    if let Some(rest) = body.strip_prefix("Keep-Alive: timeout=5 | ") {
        body = rest;
    }
    Answer::Reply {
        status: status[..3].parse().unwrap(),
        content_type: (content_type != "no Content-Type").then(|| content_type.to_owned()),
        content_length: length.parse().unwrap(),
        body: parse_body(body),
    }
}

fn parse_body(text: &str) -> String {
    if let Some(beginning) = text.strip_suffix(" …[cut]") {
        return format!("{beginning}…");
    }
    // Only HTML has line feeds inside; in JSON they stay escaped.
    match text.strip_suffix("\\n") {
        Some(line) => format!("{line}\n"),
        None => text.to_owned(),
    }
}

fn parse_log(text: &str) -> Vec<String> {
    if text == "(nothing)" {
        return Vec::new();
    }
    text.split(" / ")
        .map(|line| match line {
            "SENTINEL" => SENTINEL.to_owned(),
            "(empty line)" => String::new(),
            other => other.to_owned(),
        })
        .collect()
}

/// The whole body of a request that is recorded in a short form.
fn expand(body: &str) -> String {
    if let Some((beginning, _)) = body.split_once(" …[cut]") {
        return long_argument(beginning);
    }
    if let Some((beginning, length)) = body.split_once(" …[") {
        let body = cut_archive(beginning).replacen("{%,", INIT_HEAD.as_str(), 1);
        let length: usize = length.strip_suffix(" chars in all]").unwrap().parse().unwrap();
        assert_eq!(body.len(), length, "the archive was put together wrongly");
        return body;
    }
    let mut text = body.replacen("{%,", INIT_HEAD.as_str(), 1).replacen(",%}", &format!(",{INIT_TAIL}}}"), 1);
    if let Some((value, deadline)) = text.split_once(",@ with \"deadline\":") {
        let number = deadline.strip_suffix('}').unwrap();
        let fields = RUN_FIELDS.replace("\"4102444800000\"", number);
        text = format!("{value},{fields}}}");
    }
    text.replacen(",@}", &format!(",{RUN_FIELDS}}}"), 1)
}

/// What `{%,` at the beginning of a value stands for.
static INIT_HEAD: LazyLock<String> = LazyLock::new(|| r#"{"name":"probe","main":"main","#.to_owned());

/// A run of so many `y` that its argument has the 140,009 bytes that its action counted.
fn long_argument(beginning: &str) -> String {
    assert!(beginning.starts_with(r#"{"value":{"s":"yyy"#), "{beginning}");
    format!(r#"{{"value":{{"s":"{}"}},{RUN_FIELDS}}}"#, "y".repeat(140_000))
}

/// Completes the body of an `/init` whose archive or environment is cut off.
fn cut_archive(beginning: &str) -> String {
    let (head, code) = beginning.split_once("\"code\":\"").expect("code");
    let code = code.split('"').next().unwrap();
    let whole = code.len() - code.len() % 4;
    let mut archive = STANDARD.decode(&code[..whole]).unwrap();
    complete_archive(&mut archive);
    format!("{head}\"code\":\"{}{BINARY_TAIL}", STANDARD.encode(archive))
}

/// Writes the last record of a zip archive, which follows from the records before it.
fn complete_archive(archive: &mut Vec<u8>) {
    let positions = |magic: &[u8]| {
        archive
            .windows(4)
            .enumerate()
            .filter(|(_, bytes)| *bytes == magic)
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    let entries = positions(b"PK\x01\x02");
    let end = *positions(b"PK\x05\x06").last().expect("the last record begins");
    archive.truncate(end);
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let size = u32::try_from(end - entries[0]).unwrap().to_le_bytes();
    let offset = u32::try_from(entries[0]).unwrap().to_le_bytes();
    archive.extend([b"PK\x05\x06".as_slice(), &[0; 4], &count, &count, &size, &offset, &[0; 2]].concat());
}
