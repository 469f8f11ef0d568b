//! `whisk-mesos check`: the table, the warnings, the exit codes, and what a master says.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

mod support;

use std::fs;

use whisk_mesos_factory::Configuration;

use self::support::{Ended, Place, repository};

fn check(place: &Place, arguments: &[&str], code: i32) -> Ended {
    let ended = place.run(&[&["check"], arguments].concat());
    assert_eq!(ended.code, Some(code), "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
    ended
}

/// The columns of the line of a key.
fn line<'a>(ended: &'a Ended, key: &str) -> Vec<&'a str> {
    let line = ended.stdout.lines().find(|line| line.split_whitespace().next() == Some(key));
    line.unwrap_or_else(|| panic!("no {key} in\n{}", ended.stdout)).split_whitespace().collect()
}

#[test]
fn the_documentation_is_that_of_the_code() {
    let committed = fs::read_to_string(repository().join("docs/configuration.md")).unwrap();
    let made = Configuration::reference();
    assert!(
        committed.trim_end() == made.trim_end(),
        "run `cargo run -- check --keys > docs/configuration.md`"
    );
    let ended = check(&Place::new(), &["--keys"], 0);
    assert_eq!(ended.stdout.trim_end(), made.trim_end());
}

#[test]
fn the_table_has_every_setting_with_its_origin_and_no_secret() {
    let place = Place::new();
    let file = place
        .file("w.conf", "whisk.mesos {\n  role = web\n  credentials { principal = p, secret = hidden }\n}\n");
    let file = file.to_str().unwrap();
    let ended = check(&place, &["--config", file, "-D", "whisk.mesos.timeouts.failover=1 h"], 0);
    assert_eq!(line(&ended, "whisk.mesos.role")[1..], ["'web'", &format!("{file}:2")]);
    assert_eq!(line(&ended, "whisk.mesos.credentials.secret")[1..], ["***", &format!("{file}:3")]);
    assert_eq!(line(&ended, "whisk.mesos.timeouts.failover")[1..], ["1h", "-D"]);
    assert_eq!(line(&ended, "whisk.mesos.packing")[1..], ["'pack'", "default"]);
    assert_eq!(line(&ended, "whisk.mesos.state-dir*")[1..], ["-", "default"]);
    assert!(!(ended.stdout + &ended.stderr).contains("hidden"));
}

#[test]
fn warnings_go_to_stderr_and_what_cannot_be_done_fails() {
    let place = Place::new();
    let ended =
        check(&place, &["-D", "whisk.mesos.state-dir=/x", "-D", "whisk.mesos.timeouts.failover=60"], 0);
    assert_eq!(
        ended.stderr,
        "whisk-mesos: warning: whisk.mesos.timeouts.failover (-D): '60' has no unit and is milliseconds\n\
         whisk-mesos: warning: whisk.mesos.state-dir (-D) has no effect in this version\n"
    );
    let ended = check(&place, &["-D", "whisk.mesos.containerizer=mesos"], 2);
    assert_eq!(
        ended.stderr,
        "whisk-mesos: whisk.mesos.containerizer = 'mesos' (-D): this version can only 'docker'\n"
    );
}

#[test]
fn everything_wrong_is_told_and_nothing_printed() {
    let ended = check(&Place::new(), &["--config", "/no/such", "-D", "whisk.mesos.rolle=x"], 2);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("/no/such: No such file"), "{}", ended.stderr);
    assert!(ended.stderr.contains("did you mean whisk.mesos.role?"), "{}", ended.stderr);
}

#[test]
fn a_master_tells_its_version_its_agents_and_how_many_fit() {
    let place = Place::new();
    let mut cluster = place.start(&["local", "--agents", "3", "--port", "0"]);
    let master = cluster.line();
    let master = format!("whisk.mesos.master-url={}", master.strip_prefix("master ").unwrap());
    let connect = |rule: &str, code| {
        let rule = format!("whisk.mesos.constraints.0={rule}");
        // The cluster still runs in the same place.
        let ended = Place::new().run(&["check", "--connect", "-D", &master, "-D", &rule]);
        assert_eq!(ended.code, Some(code), "{}\n{}", ended.stdout, ended.stderr);
        let lines: Vec<String> = ended.stdout.lines().rev().take(3).map(str::to_owned).collect();
        lines
    };
    let lines = connect("rack LIKE r[12]", 0);
    assert_eq!(lines[0], "blackbox-constraints: 3 of 3 active agents satisfy them");
    assert_eq!(lines[1], "constraints: 2 of 3 active agents satisfy them");
    assert!(
        lines[2].contains(" answers: Mesos ") && lines[2].ends_with("3 agents, 3 of them active"),
        "{}",
        lines[2]
    );
    assert_eq!(connect("rack LIKE r9", 1)[1], "constraints: 0 of 3 active agents satisfy them");
    cluster.signal("INT");
    assert_eq!(cluster.wait().code, Some(0));
}

#[test]
fn a_master_that_does_not_answer_is_a_failure_of_the_platform() {
    let master = "whisk.mesos.master-url=http://127.0.0.1:1";
    let ended = check(&Place::new(), &["--connect", "-D", master], 3);
    assert!(
        ended.stderr.contains("no master answers: ") && ended.stderr.contains("127.0.0.1:1"),
        "{}",
        ended.stderr
    );
}
