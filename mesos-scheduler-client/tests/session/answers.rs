//! The table of answers in the documentation, row by row; and no recorded answer that it does not decide.

use mesos_scheduler_client::SessionState;

use crate::{
    bench::{Bench, STREAM_ID, config},
    wire::{error, subscribed},
};

const DOCUMENT: &str = include_str!("../../docs/session.md");
const CONTRACT: &str = include_str!("../data/http-contract.tsv");

struct Row {
    to: String,
    /// Single statuses, or ERROR.
    statuses: Vec<String>,
    has_stream_id: bool,
    text: String,
    outcome: String,
}

fn rows() -> Vec<Row> {
    let (_, table) = DOCUMENT.split_once("# What the answers of a master mean").unwrap();
    let (table, _) = table.split_once("\n# ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [to, status, text, outcome, _because] = cells[..] else { panic!("{line}") };
        let numbers = status.split([' ', ',']).filter(|word| word.parse::<u16>().is_ok() || *word == "ERROR");
        Row {
            to: to.to_owned(),
            statuses: numbers.map(str::to_owned).collect(),
            has_stream_id: status.ends_with(" with Mesos-Stream-Id"),
            // Without the marks of code; what is inside may end with a blank.
            text: text.trim_matches('`').to_owned(),
            outcome: outcome.to_owned(),
        }
    })
    .collect()
}

/// A session that can renew its credentials, so that no 401 is final.
fn bench() -> Bench {
    let mut config = config();
    config.can_refresh_credentials = true;
    Bench::new(config)
}

fn connecting() -> Bench {
    let mut bench = bench();
    bench.session.start(bench.now);
    bench.drain();
    bench.connected();
    bench
}

/// What the session does with an answer, in the words of the table.
fn outcome(row_to: &str, status: &str, has_stream_id: bool, text: &str) -> String {
    let mut bench = match row_to {
        "SUBSCRIBE" | "first record" => connecting(),
        _ => {
            let mut bench = bench();
            bench.subscribe();
            bench
        }
    };
    match row_to {
        "SUBSCRIBE" => {
            let stream_id = has_stream_id.then_some(("mesos-stream-id", STREAM_ID));
            let headers: Vec<_> = stream_id.into_iter().chain([("location", "//b:7/")]).collect();
            bench.head(status.parse().unwrap(), &headers, text);
        }
        "call" => {
            bench.decline();
            bench.drain();
            bench.reply(bench.sent[0], status.parse().unwrap(), text);
        }
        "first record" => {
            bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
            bench.record(&error(text));
        }
        "later record" => bench.record(&error(text)),
        other => panic!("{other}"),
    }
    let told = bench.drain();
    let state = bench.session.state();
    match state {
        SessionState::Closed => {
            let reason = told.split_once("Closed(").unwrap().1;
            let reason: String = reason.chars().take_while(|letter| letter.is_alphabetic()).collect();
            format!("Closed({reason})")
        }
        SessionState::Subscribed if told.contains("refresh") => "refresh".to_owned(),
        SessionState::Subscribed if told.contains("call0=Accepted") => "Accepted".to_owned(),
        SessionState::Subscribed if told.contains("call0=Refused") => "Refused".to_owned(),
        SessionState::Backoff if told.contains("call0=Refused") => "Refused, Backoff".to_owned(),
        _ => format!("{state:?}"),
    }
}

#[test]
fn every_row_is_as_documented() {
    let rows = rows();
    assert!(rows.len() > 50, "{} rows", rows.len());
    for row in rows {
        for status in &row.statuses {
            let text = format!("{}x", row.text);
            let seen = outcome(&row.to, status, row.has_stream_id, &text);
            assert_eq!(seen, row.outcome, "{} {status} '{text}'", row.to);
        }
    }
}

/// The first row that decides an answer.
fn deciding<'a>(rows: &'a [Row], to: &str, status: &str, has_stream_id: bool, text: &str) -> Option<&'a Row> {
    rows.iter().find(|row| {
        row.to == to
            && row.statuses.iter().any(|known| known == status)
            && text.starts_with(&row.text)
            && (status != "200" || to != "SUBSCRIBE" || row.has_stream_id == has_stream_id)
    })
}

#[test]
fn every_recorded_answer_has_its_row() {
    let rows = rows();
    let mut seen = 0;
    for line in CONTRACT.lines().skip(1) {
        let fields: Vec<_> = line.split('\t').collect();
        let status = fields[11].split(' ').next().unwrap();
        if fields[4] != "POST" || fields[5] != "/api/v1/scheduler" || status.parse::<u16>().is_err() {
            continue;
        }
        let to = if fields[10].contains("SUBSCRIBE") { "SUBSCRIBE" } else { "call" };
        let has_stream_id = fields[12].to_ascii_lowercase().contains("mesos-stream-id");
        let row = deciding(&rows, to, status, has_stream_id, fields[13]);
        let row = row.unwrap_or_else(|| panic!("row {}: {to} {status} '{}'", fields[0], fields[13]));
        let decided = outcome(to, status, has_stream_id, fields[13]);
        assert_eq!(decided, row.outcome, "row {}: {to} {status} '{}'", fields[0], fields[13]);
        seen += 1;
    }
    assert!(seen > 150, "{seen} answers");
}

#[test]
fn every_text_of_an_error_has_its_row_in_both_places() {
    let rows = rows();
    for to in ["first record", "later record"] {
        for row in rows.iter().filter(|row| row.to == "first record") {
            let decided = deciding(&rows, to, "ERROR", false, &row.text).unwrap();
            assert_eq!(outcome(to, "ERROR", false, &row.text), decided.outcome, "{to} '{}'", row.text);
        }
    }
    // A first record is not always the first: a heartbeat of an old master may come before it.
    let mut bench = connecting();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&crate::wire::event(mesos_proto::v1::scheduler::event::Type::Heartbeat));
    bench.record(&subscribed("f", 15.0));
    assert_eq!(bench.drain(), "Subscribed(f, http://a:1)");
}
