//! `whisk-mesos run` on the embedded cluster: results, failures, exit codes, and nothing left behind.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

mod support;

use serde_json::{Value, json};

use self::support::{Meeting, Place};

/// Runs and compares: exit code, the JSON on stdout, texts that stderr must hold.
fn check(arguments: &[&str], code: i32, result: Option<Value>, stderr: &[&str]) -> support::Ended {
    let ended = Place::new().run(arguments);
    let shown = format!("{arguments:?}\nstdout: {}\nstderr: {}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{shown}");
    match result {
        Some(result) => {
            let lines: Vec<&str> = ended.stdout.lines().collect();
            assert_eq!(lines.len(), 1, "{shown}");
            assert_eq!(serde_json::from_str::<Value>(lines[0]).unwrap(), result, "{shown}");
        }
        None => assert_eq!(ended.stdout, "", "{shown}"),
    }
    for text in stderr {
        assert!(ended.stderr.contains(text), "'{text}' is missing\n{shown}");
    }
    assert!(!ended.stderr.contains('\u{1b}'), "decoration in a pipe\n{shown}");
    ended
}

fn greeting(name: &str) -> Option<Value> {
    Some(json!({ "greeting": format!("Hello, {name}!") }))
}

/// Runs an action written for the test.
fn check_code(
    name: &str,
    code: &str,
    more: &[&str],
    exit: i32,
    result: Option<Value>,
    stderr: &[&str],
) -> support::Ended {
    let place = Place::new();
    let file = place.file(name, code);
    let mut arguments = vec!["run", file.to_str().unwrap()];
    arguments.extend(more);
    check(&arguments, exit, result, stderr)
}

#[test]
fn a_python_action_answers_on_stdout_and_logs_on_stderr() {
    let ended = check(&["run", "examples/hello.py", "-p", "name", "Mesos"], 0, greeting("Mesos"), &[]);
    let streams: Vec<&str> =
        ended.stderr.lines().filter_map(|line| line.split_once(": ")).map(|(s, _)| s).collect();
    assert_eq!(streams, ["stdout", "stderr"], "{}", ended.stderr);
    assert!(!ended.stderr.contains("XXX_THE_END"), "{}", ended.stderr);
}

#[test]
fn a_node_action_answers() {
    check(
        &["run", "examples/hello.js", "-p", "name", "Mesos"],
        0,
        greeting("Mesos"),
        &["stdout: ", "stderr: "],
    );
}

#[test]
fn an_executable_answers() {
    check(
        &["run", "examples/hello.sh", "-p", "name", "Mesos"],
        0,
        greeting("Mesos"),
        &["stdout: ", "stderr: "],
    );
}

#[test]
fn parameters_come_from_file_and_line_and_the_kind_from_an_option() {
    let place = Place::new();
    let parameters = place.file("p.json", r#"{"a": 1, "b": [true]}"#);
    let parameters = parameters.to_str().unwrap();
    check_code(
        "action.txt",
        "def main(args):\n    return args\n",
        &[
            "--kind",
            "python:3",
            "-P",
            parameters,
            "-p",
            "a",
            "{\"x\": 2}",
            "-p",
            "c",
            "plain",
            "-p",
            "n",
            "-1",
        ],
        0,
        Some(json!({"a": {"x": 2}, "b": [true], "c": "plain", "n": -1})),
        &[],
    );
}

#[test]
fn a_kind_is_stronger_than_the_name_of_the_file() {
    let kind = ["--kind", "nodejs:20"];
    check_code(
        "action.py",
        "function main() { return {node: true} }",
        &kind,
        0,
        Some(json!({"node": true})),
        &[],
    );
}

#[test]
fn an_action_is_told_who_it_is() {
    check_code(
        "who.py",
        "import os\ndef main(args):\n    return {k: v for k, v in os.environ.items() if k in \
         ('__OW_ACTION_NAME', '__OW_NAMESPACE')}\n",
        &[],
        0,
        Some(json!({"__OW_ACTION_NAME": "/guest/who", "__OW_NAMESPACE": "guest"})),
        &[],
    );
}

#[test]
fn constraints_choose_the_agent() {
    let rules = ["--constraint", "rack LIKE r[12]", "--constraint", "rack UNLIKE r1"];
    let mut arguments = vec!["run", "examples/hello.py"];
    arguments.extend(rules);
    check(&arguments, 0, greeting("stranger"), &[]);
}

#[test]
fn an_action_that_returns_an_error_fails_with_it() {
    check_code(
        "error.js",
        "function main() { console.log('before'); return {error: 'bad input'} }",
        &[],
        1,
        Some(json!({"error": "bad input"})),
        &["stdout: before"],
    );
}

#[test]
fn code_that_cannot_be_loaded_fails_with_its_reason_in_the_logs() {
    check_code(
        "broken.py",
        "def main(args)\n",
        &[],
        1,
        Some(json!({"error": "The action failed to generate or locate a binary. See logs for details."})),
        &["stderr: "],
    );
}

#[test]
fn an_action_that_kills_its_process_fails_and_the_end_of_the_container_is_told() {
    check_code(
        "exit.js",
        "function main() { process.exit(3) }",
        &[],
        1,
        Some(json!({"error": "The action did not produce a valid response and exited unexpectedly."})),
        &[],
    );
}

#[test]
fn an_action_over_its_time_limit_fails() {
    check_code(
        "slow.py",
        "import time\ndef main(args):\n    time.sleep(600)\n",
        &["--timeout", "1500ms"],
        1,
        Some(json!({"error": "The action exceeded its time limits of 1500 milliseconds."})),
        &[],
    );
}

#[test]
fn wrong_usage_is_explained_before_anything_starts() {
    let place = Place::new();
    let list = place.file("list.json", "[1]");
    let list = list.to_str().unwrap();
    for (arguments, stderr) in [
        (&["run"][..], &["<FILE>"][..]),
        (&["run", "no/such.py"], &["'no/such.py'", "No such file"]),
        (&["run", "examples/README.md"], &["examples/README.md", "--kind", "python:3, nodejs:20, native"]),
        (&["run", "examples/hello.py", "--kind", "perl:5"], &["'perl:5'", "python:3, nodejs:20, native"]),
        (&["run", "examples/hello.py", "--constraint", "rack LIEK r1"], &["rack LIEK r1", "LIEK", "LIKE"]),
        (&["run", "examples/hello.py", "--constraint", "rack LIKE r["], &["rack LIKE r["]),
        (&["run", "examples/hello.py", "--timeout", "60"], &["60", "such as 45s"]),
        (&["run", "examples/hello.py", "--memory", "0"], &["'0'", "1.."]),
        (&["run", "examples/hello.py", "-P", list], &["list.json", "an array", "JSON object"]),
        (&["run", "examples/hello.py", "--master", "ftp://host"], &["ftp://host"]),
        (&["run", "examples/hello.py", "--transcript", "/no/such/folder/t"], &["/no/such/folder/t"]),
        (&["run", "examples/hello.py", "--nope"], &["--nope"]),
        (&["walk"], &["walk"]),
    ] {
        check(arguments, 2, None, stderr);
    }
}

#[test]
fn a_configuration_is_used_and_options_win_over_it() {
    let place = Place::new();
    let text = "whisk.mesos { constraints = [\"rack LIKE r9\"], timeouts.task-launch = 1 s }\n\
                whisk.container-factory.container-args.extra-env-vars = [\"GREETING=hello\"]\n";
    let config = place.file("w.conf", text);
    let action = place
        .file("env.py", "import os\ndef main(args):\n    return {'greeting': os.environ.get('GREETING')}\n");
    let (config, action) = (config.to_str().unwrap(), action.to_str().unwrap());
    check(&["run", action, "--config", config], 3, None, &["rack LIKE r9"]);
    let hello = Some(json!({"greeting": "hello"}));
    check(
        &["run", action, "--config", config, "-D", "whisk.mesos.constraints.0=rack LIKE r1"],
        0,
        hello.clone(),
        &[],
    );
    check(
        &["run", action, "--config", config, "--constraint", "rack LIKE r2", "--launch-timeout", "30s"],
        0,
        hello,
        &[],
    );
}

#[test]
fn settings_that_do_nothing_are_told_and_those_that_cannot_be_fulfilled_refused() {
    check(
        &["run", "examples/hello.py", "-D", "whisk.mesos.state-dir=/x"],
        0,
        greeting("stranger"),
        &["warning: whisk.mesos.state-dir (-D) has no effect in this version"],
    );
    check(
        &["run", "examples/hello.py", "-D", "whisk.mesos.container-address=container-ip"],
        2,
        None,
        &["whisk.mesos.container-address = 'container-ip' (-D): this version can only 'host-port'"],
    );
    check(
        &["run", "examples/hello.py", "-D", "whisk.mesos.log-collection=off"],
        0,
        greeting("stranger"),
        &[],
    );
    check(
        &["run", "examples/hello.py", "-D", "whisk.mesos.packing=x", "-D", "whisk.mesos.rolle=y"],
        2,
        None,
        &["whisk.mesos.packing (-D): 'x'", "did you mean whisk.mesos.role?"],
    );
}

#[test]
fn a_master_of_the_configuration_takes_the_place_of_the_embedded_one() {
    check(
        &[
            "run",
            "examples/hello.py",
            "-D",
            "whisk.mesos.master-url=http://127.0.0.1:1",
            "--launch-timeout",
            "1s",
        ],
        3,
        None,
        &["http://127.0.0.1:1", "refused"],
    );
}

#[test]
fn no_fitting_offer_is_a_failure_of_the_platform_that_names_each_agent_and_rule() {
    check(
        &["run", "examples/hello.py", "--constraint", "rack LIKE r9", "--launch-timeout", "2s"],
        3,
        None,
        &["no offer could be used in time", "3 agents", "rack LIKE r9", "r1", "r2", "r3"],
    );
}

#[test]
fn a_container_too_big_for_any_agent_is_a_failure_of_the_platform_that_says_what_there_was() {
    check(
        &["run", "examples/hello.py", "--memory", "1000000", "--launch-timeout", "2s"],
        3,
        None,
        &["cpus: 976.563 wanted, 4 offered"],
    );
}

#[test]
fn an_image_that_no_agent_can_run_is_a_failed_launch() {
    check(
        &["run", "examples/hello.py", "--image", "nosuch/image"],
        3,
        None,
        &["Failed to pull container image 'nosuch/image'.", "this agent has no Docker"],
    );
}

#[test]
fn an_unreachable_master_is_named_with_what_was_seen() {
    check(
        &["run", "examples/hello.py", "--master", "http://127.0.0.1:1", "--launch-timeout", "1s"],
        3,
        None,
        &["http://127.0.0.1:1", "refused"],
    );
}

#[test]
fn a_transcript_holds_what_was_said() {
    let place = Place::new();
    let transcript = place.file("transcript", "");
    let path = transcript.to_str().unwrap();
    check(&["run", "examples/hello.py", "--transcript", path], 0, greeting("stranger"), &[]);
    let text = std::fs::read_to_string(transcript).unwrap();
    for word in
        ["SUBSCRIBE", "SUBSCRIBED", "OFFERS", "ACCEPT", "TASK_RUNNING", "ACKNOWLEDGE", "KILL", "TEARDOWN"]
    {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
}

#[test]
fn sigint_while_the_action_runs_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        let (place, meeting) = (Place::new(), Meeting::new());
        let file = place.file("wait.py", &meeting.action());
        let running = place.start(&["run", file.to_str().unwrap()]);
        let _action = meeting.join();
        assert!(!place.processes().is_empty(), "the action runs as a process");
        running.signal(signal);
        let ended = running.wait();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{}", ended.stderr);
        place.assert_nothing_left();
    }
}

#[test]
fn sigint_in_every_stage_leaves_nothing() {
    for stage in ["WaitingForOffer", "Staging", "Starting", "Running"] {
        let place = Place::new();
        // No agent fits while it waits; the other stages are left quickly, so the signal may come late.
        let rule = if stage == "WaitingForOffer" { "rack LIKE r9" } else { "rack LIKE r1" };
        let mut running = place.start(&["-vv", "run", "examples/hello.py", "--constraint", rule]);
        running.wait_for_stderr(&format!("Stage({stage})"));
        running.signal("INT");
        let ended = running.wait();
        assert!(matches!(ended.code, Some(130 | 0)), "{stage}: {:?} {}", ended.code, ended.stderr);
        if stage == "WaitingForOffer" {
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""));
        }
        place.assert_nothing_left();
    }
}

#[test]
fn sigint_is_heeded_while_a_master_does_not_answer() {
    let place = Place::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let running = place.start(&["run", "examples/hello.py", "--master", &url]);
    let _connection = silent.accept().unwrap();
    running.signal("INT");
    let ended = running.wait();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{}", ended.stderr);
    place.assert_nothing_left();
}

#[test]
fn a_master_that_does_not_answer_is_named() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    check(
        &["run", "examples/hello.py", "--master", &url, "--launch-timeout", "1s"],
        3,
        None,
        &[&url, "not subscribed at a master"],
    );
}

#[test]
fn an_initialization_over_its_time_limit_fails() {
    check_code(
        "slow.py",
        "import time\ntime.sleep(600)\ndef main(args):\n    return {}\n",
        &["--timeout", "1500ms"],
        1,
        Some(
            json!({"error": "The action exceeded its time limits of 1500 milliseconds during initialization."}),
        ),
        &[],
    );
}

#[test]
fn an_action_that_never_stops_writing_is_ended() {
    let ended = check_code(
        "endless.py",
        "def main(args):\n    while True:\n        print('x' * 1000)\n",
        &["--timeout", "500ms"],
        1,
        Some(json!({"error": "The action exceeded its time limits of 500 milliseconds."})),
        &[],
    );
    assert!(ended.stderr.lines().count() > 100);
}

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let place = Place::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = place.start_with(&["run", "examples/hello.py"], full.into()).wait();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("stdout cannot be written"), "{}", ended.stderr);
    place.assert_nothing_left();
}

#[test]
fn a_terminal_sees_the_stages() {
    // util-linux' script gives the program a terminal; Debian always has it.
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_whisk-mesos");
    let ended = place.command(
        "script",
        &[
            "-qec",
            &format!("{program} run examples/hello.py --constraint 'rack LIKE r9' --launch-timeout 1s"),
            "/dev/null",
        ],
    );
    assert!(ended.stdout.contains("waiting for an offer"), "{}", ended.stdout);
    assert!(ended.stdout.contains("cleaning up"), "{}", ended.stdout);
    assert!(ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
}

#[test]
fn what_an_action_leaves_behind_ends_with_it() {
    let code = "import subprocess\ndef main(args):\n    \
                subprocess.Popen(['sleep', '98765'], start_new_session=True)\n    \
                subprocess.Popen(['sleep', '98766'], env={})\n    return {}\n";
    check_code("leave.py", code, &[], 0, Some(json!({})), &[]);
    for sleeper in ["sleep 98765", "sleep 98766"] {
        assert_eq!(support::processes(sleeper), [] as [String; 0]);
    }
}

#[test]
fn a_killed_program_takes_its_action_with_it() {
    let (place, meeting) = (Place::new(), Meeting::new());
    let file = place.file("wait.py", &meeting.action());
    let running = place.start(&["run", file.to_str().unwrap()]);
    let action = meeting.join();
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
    // The action's end closes its connection; its runtime goes with it.
    let mut byte = [0];
    assert_eq!(std::io::Read::read(&mut { action }, &mut byte).unwrap_or(0), 0);
    while !place.processes().is_empty() {
        std::thread::yield_now();
    }
}
