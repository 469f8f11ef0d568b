//! Each answer that was recorded from real masters has a decided outcome.

use mesos_scheduler_client::SessionState;

use crate::bench::{Bench, config};

const CONTRACT: &str = include_str!("../data/http-contract.tsv");

struct Row {
    number: String,
    check: String,
    is_subscribe: bool,
    status: u16,
    headers: Vec<(&'static str, String)>,
    text: String,
}

/// The rows that are about a POST to the scheduler API and have an answer.
fn rows() -> Vec<Row> {
    let fields = |line: &'static str| line.split('\t').collect::<Vec<_>>();
    CONTRACT
        .lines()
        .skip(1)
        .map(fields)
        .filter(|row| row[4] == "POST" && row[5] == "/api/v1/scheduler")
        .filter_map(|row| {
            let status = row[11].split(' ').next()?.parse().ok()?;
            let known = ["location", "mesos-stream-id"];
            let headers = row[12].split("; ").filter_map(|header| header.split_once(": "));
            let headers = headers
                .filter_map(|(name, value)| {
                    let name = known.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
                    Some((name, value.to_owned()))
                })
                .collect();
            Some(Row {
                number: row[0].to_owned(),
                check: row[2].to_owned(),
                is_subscribe: row[10].contains("SUBSCRIBE"),
                status,
                headers,
                text: row[13].to_owned(),
            })
        })
        .collect()
}

#[test]
fn every_recorded_answer_to_subscribe_is_decided() {
    let mut seen = 0;
    for row in rows().into_iter().filter(|row| row.is_subscribe) {
        let mut bench = Bench::new(config());
        bench.session.start(bench.now);
        bench.drain();
        let headers: Vec<_> = row.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        bench.head(row.status, &headers, &row.text);
        let outputs = bench.drain();
        let state = bench.session.state();
        let expected = match (row.status, row.check.as_str()) {
            (200, _) => SessionState::ExpectSubscribed,
            (307, _) => SessionState::Connecting,
            (404 | 503, _) => SessionState::Backoff,
            (400 | 401 | 403 | 406 | 415, _) => SessionState::Closed,
            (status, check) => panic!("row {}: {status} of check {check} is new", row.number),
        };
        // At start-up the head was recorded without its headers.
        let expected =
            if row.check == "start-up" && row.status == 200 { SessionState::Backoff } else { expected };
        assert_eq!(state, expected, "row {}: {outputs}", row.number);
        if row.status == 307 {
            assert!(outputs.contains("SUBSCRIBE http://master1.example:5050/master/api/v1/scheduler"));
        }
        seen += 1;
    }
    assert!(seen > 50, "{seen} rows");
}

#[test]
fn every_recorded_answer_to_a_call_is_decided() {
    let mut seen = 0;
    for row in rows().into_iter().filter(|row| !row.is_subscribe && row.status != 200 || row.check == "18") {
        let mut bench = Bench::subscribed();
        bench.decline();
        bench.drain();
        bench.reply(bench.sent[0], row.status, &row.text);
        let outputs = bench.drain();
        let is_lost = matches!(row.check.as_str(), "12" | "14" | "15" | "16" | "17")
            || matches!(row.status, 307 | 401 | 404)
            || row.text.starts_with("The stream ID ");
        let expected = if is_lost { SessionState::Backoff } else { SessionState::Subscribed };
        assert_eq!(bench.session.state(), expected, "row {}: {outputs}", row.number);
        let is_accepted = row.status < 300;
        assert_eq!(outputs.contains("call0=Accepted"), is_accepted, "row {}: {outputs}", row.number);
        seen += 1;
    }
    assert!(seen > 90, "{seen} rows");
}
