//! `whisk-mesos explain`: verdicts on stdout, exit codes, and what wrong input gets.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

mod support;

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread,
};

use self::support::{Ended, Place, repository};

fn explain(arguments: &[&str]) -> Ended {
    Place::new().run(&[&["explain"], arguments].concat())
}

/// Runs and compares everything.
#[track_caller]
fn check(arguments: &[&str], code: i32, stdout: &str, stderr: &str) {
    let ended = explain(arguments);
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (Some(code), stdout, stderr),
        "{arguments:?}"
    );
}

/// Without the ids of agents, which no other cluster has.
fn without_ids(stdout: &str) -> String {
    let without_id = |line: &str| {
        let words = line.split(' ').filter(|word| !(word.len() > 36 && word.contains("-S")));
        words.collect::<Vec<_>>().join(" ") + "\n"
    };
    stdout.lines().map(without_id).collect()
}

#[test]
fn each_constraint_gets_a_line_and_one_that_fails_counts() {
    check(
        &["--constraint", "rack LIKE r1", "--attribute", "rack=r1", "--attribute", "zone=z2"],
        0,
        "'rack LIKE r1' holds\n",
        "",
    );
    check(
        &[
            "--constraint=rack LIKE r1",
            "--constraint=zone UNLIKE z2",
            "--constraint=disk LIKE ssd",
            "--attribute=rack=r1",
            "--attribute=zone=z2",
        ],
        1,
        "'rack LIKE r1' holds\n\
         'zone UNLIKE z2' fails: zone is 'z2'\n\
         'disk LIKE ssd' fails: disk is missing\n",
        "",
    );
}

#[test]
fn the_meaning_of_a_missing_attribute_can_be_chosen() {
    let rules = ["--constraint=disk UNLIKE ssd", "--attribute=rack=r1", "--missing-attribute"];
    check(&[&rules[..], &["fails"]].concat(), 1, "'disk UNLIKE ssd' fails: disk is missing\n", "");
    check(&[&rules[..], &["satisfies-unlike"]].concat(), 0, "'disk UNLIKE ssd' holds\n", "");
}

#[test]
fn the_delimiter_can_be_chosen_and_is_plain_text() {
    check(
        &["--delimiter", "|", "--constraint", "os|LIKE|a|b c", "--attribute", "os=a"],
        0,
        "'os|LIKE|a|b c' holds\n",
        "",
    );
}

#[test]
fn the_first_equals_sign_splits_and_a_value_may_be_empty() {
    check(&["--constraint=a LIKE b=c", "--attribute=a=b=c"], 0, "'a LIKE b=c' holds\n", "");
    check(&["--constraint=a UNLIKE b", "--attribute=a="], 0, "'a UNLIKE b' holds\n", "");
}

#[test]
fn rules_delimiters_and_attributes_may_begin_with_a_hyphen() {
    let arguments = ["--constraint", "-x--LIKE---y", "--delimiter", "--", "--attribute", "-x=-y"];
    check(&arguments, 0, "'-x--LIKE---y' holds\n", "");
}

#[test]
fn attributes_are_what_an_agent_makes_of_them() {
    check(
        &[
            "--constraint=generation LIKE 7",
            "--constraint=os LIKE RedHat",
            r"--constraint=vlans LIKE \[1-3,8-9\]",
            "--attribute=generation=7.0",
            "--attribute=generation=8",
            "--attribute=os=Red Hat",
            "--attribute=vlans=[1-3,8-9]",
        ],
        0,
        "'generation LIKE 7' holds\n\
         'os LIKE RedHat' holds\n\
         'vlans LIKE \\[1-3,8-9\\]' holds\n",
        "whisk-mesos: --attribute 'generation=7.0': an agent reads the value as '7'\n\
         whisk-mesos: --attribute 'generation=8' is ignored: of two of one name the first counts\n\
         whisk-mesos: --attribute 'os=Red Hat': an agent reads the value as 'RedHat'\n",
    );
}

#[test]
fn a_pattern_that_cannot_be_decided_fails_and_says_so() {
    // Word boundaries are not decided for values with combining marks.
    let ended =
        explain(&[r"--constraint=a LIKE e\b.*", r"--constraint=a UNLIKE e\b.*", "--attribute=a=e\u{301}"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.stdout);
    for (line, operator) in lines.into_iter().zip(["LIKE", "UNLIKE"]) {
        let start = format!("'a {operator} e\\b.*' fails: a is 'e\u{301}': undecided");
        assert!(line.starts_with(&start), "{line}");
    }
}

#[test]
fn a_rule_that_holds_a_line_feed_has_one_line() {
    check(&["--constraint=a UNLIKE b\nc", "--attribute=a=b"], 0, "'a UNLIKE b\\nc' holds\n", "");
}

#[test]
fn wrong_input_is_shown_with_what_was_expected() {
    let rule = "--constraint=rack LIKE r1";
    for (arguments, stderr) in [
        (&["--attribute=rack=r1"][..], &["required", "--constraint <RULE>"][..]),
        (&[rule, "--attribute=rack"], &["'rack'", "no '='", "expected NAME=VALUE"]),
        (&[rule, "--attribute==r1"], &["'=r1'", "name is empty", "expected NAME=VALUE"]),
        (&[rule, "--attribute=a:b=r1"], &["'a:b=r1'", "no agent has an attribute 'a:b'"]),
        (&[rule, "--attribute= a=r1"], &["no agent has an attribute ' a'"]),
        (&[rule, "--attribute=a=b;c:d"], &["no agent has an attribute with ';'"]),
        (&[rule, "--attribute=a={c,b}"], &["no agent has a set as an attribute"]),
        (&[rule, "--attribute="], &["--attribute", "expected NAME=VALUE"]),
        (&[rule, "--delimiter="], &["--delimiter <TEXT>", "a value is required"]),
        (&[rule, "--missing-attribute=holds"], &["'holds'", "fails, satisfies-unlike"]),
        (&[rule, "--agents=0"], &["'0'", "1..=200"]),
        (&[rule, "--attribute=a=b", "--master=a:1"], &["--attribute", "cannot be used with", "--master"]),
        (&[rule, "--attribute=a=b", "--agents=1"], &["--attribute", "cannot be used with", "--agents"]),
        (&[rule, "--master=a:1", "--agents=1"], &["--master", "cannot be used with", "--agents"]),
        (&[rule, "--master=a:1,"], &["--master: invalid URL ''", "expected http://host:port"]),
        (&[rule, "rack=r1"], &["'rack=r1'", "Usage: whisk-mesos explain"]),
        (&[rule, "--delimiter=::"], &["rack LIKE r1", "expected '::'"]),
    ] {
        let ended = explain(arguments);
        let shown = format!("{arguments:?}\nstdout: {}\nstderr: {}", ended.stdout, ended.stderr);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{shown}");
        for text in stderr {
            assert!(ended.stderr.contains(text), "'{text}' is missing\n{shown}");
        }
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_passwords_are_not() {
    check(
        &[
            "--constraint=rack LIEK r1",
            "--constraint=zone LIKE z1",
            "--constraint=host",
            "--master=http://user:secret@host:5050",
        ],
        2,
        "",
        "whisk-mesos: --constraint: 2 of 3 constraints are invalid; \
         [0] invalid constraint 'rack LIEK r1' at column 6: unknown operator 'LIEK', expected LIKE or UNLIKE; \
         did you mean LIKE?; \
         [2] invalid constraint 'host' at column 5: expected ' ' and LIKE or UNLIKE after the attribute\n\
         --master: invalid URL 'http://***@host:5050': credentials do not belong into a URL\n",
    );
}

#[test]
fn the_embedded_cluster_is_asked_unless_something_else_is() {
    let ended = explain(&["--constraint", "rack LIKE r[12]", "--constraint", "zone UNLIKE z2"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        without_ids(&ended.stdout),
        "agent1 matches\n\
         agent2 does not match\n  'zone UNLIKE z2' fails: zone is 'z2'\n\
         agent3 does not match\n  'rack LIKE r[12]' fails: rack is 'r3'\n\
         1 of 3 agents match\n"
    );
    let ended = explain(&["--agents=2", "--constraint=rack LIKE r3", "--constraint=generation LIKE 1"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    assert_eq!(
        without_ids(&ended.stdout),
        "agent1 does not match\n  'rack LIKE r3' fails: rack is 'r1'\n\
         agent2 does not match\n  'rack LIKE r3' fails: rack is 'r2'\n  \
         'generation LIKE 1' fails: generation is '2'\n\
         0 of 2 agents match\n"
    );
}

#[test]
fn the_agents_of_the_first_master_that_answers_are_explained() {
    let place = Place::new();
    let mut local = place.start(&["local", "--agents", "2", "--port", "0"]);
    let url = local.line().replace("master ", "");
    let [one, other] = [(); 2].map(|()| local.line().split(' ').nth(2).unwrap().to_owned());
    let masters = format!("http://127.0.0.1:1,{url}");
    check(
        &["--constraint", "host LIKE agent2", "--master", &masters],
        0,
        &format!(
            "127.0.0.1 {one} does not match\n  'host LIKE agent2' fails: host is 'agent1'\n\
             127.0.0.1 {other} matches\n\
             1 of 2 agents match\n"
        ),
        "",
    );
    local.signal("INT");
    assert_eq!(local.wait().code, Some(0));
}

#[test]
fn attributes_of_a_real_master_are_read_as_those_of_its_offers() {
    let answer =
        fs::read(repository().join("mesos-scheduler-client/tests/data/master-get-agents.pb.body")).unwrap();
    let master = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", master.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let mut stream = BufReader::new(master.accept().unwrap().0);
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        stream.read_exact(&mut vec![0; length]).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), &answer].concat()).unwrap();
    });
    let ended = explain(&[
        "--master",
        &url,
        "--constraint",
        r"vlans LIKE \[100-120\]",
        "--constraint",
        "level LIKE 16",
        "--constraint",
        "rack UNLIKE 7",
    ]);
    answering.join().unwrap();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        without_ids(&ended.stdout),
        "agent1.example matches\n\
         agent2.example does not match\n  'vlans LIKE \\[100-120\\]' fails: vlans is missing\n  \
         'level LIKE 16' fails: level is missing\n  'rack UNLIKE 7' fails: rack is '7'\n\
         1 of 2 agents match\n"
    );
}

#[test]
fn masters_that_cannot_be_reached_are_named_with_what_was_seen() {
    check(
        &["--constraint=rack LIKE r1", "--master=http://127.0.0.1:1,127.0.0.1:2"],
        3,
        "",
        "whisk-mesos: no master told its agents: http://127.0.0.1:1/api/v1: connection refused; \
         http://127.0.0.1:2/api/v1: connection refused\n",
    );
}

#[test]
fn sigint_is_heeded_while_a_master_does_not_answer() {
    let place = Place::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let running = place.start(&["explain", "--constraint", "rack LIKE r1", "--master", &url]);
    let _connection = silent.accept().unwrap();
    running.signal("INT");
    let ended = running.wait();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{}", ended.stderr);
    place.assert_nothing_left();
}

#[test]
fn verdicts_that_cannot_be_written_are_no_success() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let arguments = ["explain", "--constraint", "rack LIKE r1", "--attribute", "rack=r1"];
    let ended = Place::new().start_with(&arguments, full.into()).wait();
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("stdout cannot be written"), "{}", ended.stderr);
}
