//! `whisk-mesos local`: a Mesos for other programs, and the way to a master that is not embedded.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use self::support::{Place, Running};

/// Starts a cluster and tells the address of its master.
fn cluster(place: &Place, agents: &str) -> (Running, String) {
    let mut running = place.start(&["local", "--agents", agents, "--port", "0"]);
    let line = running.line();
    let url = line.strip_prefix("master ").unwrap_or_else(|| panic!("{line}")).to_owned();
    (running, url)
}

/// A request as curl makes it.
fn http(url: &str, request: &str) -> String {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.replace("HOST", host).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_cluster_serves_other_programs_until_it_is_interrupted() {
    let place = Place::new();
    let (mut local, url) = cluster(&place, "2");
    assert!(local.line().starts_with("agent "));
    assert!(local.line().starts_with("agent "));
    let health = http(&url, "GET /health HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n");
    assert!(health.starts_with("HTTP/1.1 200 OK"), "{health}");
    let body = r#"{"type": "GET_AGENTS"}"#;
    let agents = http(
        &url,
        &format!(
            "POST /api/v1 HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    assert!(agents.starts_with("HTTP/1.1 200 OK"), "{agents}");
    assert_eq!(agents.matches("\"agent_info\"").count(), 2, "{agents}");
    // An empty list is there, for whoever goes over it.
    assert!(agents.contains("\"recovered_agents\":[]"), "{agents}");

    // The same way as to a real master.
    let run = Place::new().run(&["run", "examples/hello.py", "--master", &url, "-p", "name", "local"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, "{\"greeting\":\"Hello, local!\"}\n");

    local.signal("INT");
    let ended = local.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    place.assert_nothing_left();
}

#[test]
fn agents_and_the_master_are_what_the_flags_say() {
    let place = Place::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials.json");
    std::fs::write(&file, r#"{"credentials":[{"principal":"alice","secret":"s3cret"}]}"#).unwrap();
    let mut local = place.start(&[
        "local",
        "--port=0",
        "--agent=name=one hostname=one.example resources=cpus:8;cpus(web):1.5;mem:64 attributes=rack:r7 \
         domain=here/a",
        "--agent=resources=gpus:2",
        "--domain=here/b",
        "--allocation-interval=50ms",
        "--offer-timeout=1hrs",
        "--roles=web",
        "--no-root-submissions",
        "--agent-ping-timeout=1secs",
        "--max-agent-ping-timeouts=2",
        "--authenticate-http-frameworks",
        "--credentials",
        file.to_str().unwrap(),
    ]);
    let url = local.line().replace("master ", "");
    assert!(local.line().starts_with("agent one ") && local.line().starts_with("agent agent2 "));
    let post = |path: &str, authorization: &str, body: &str| {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: HOST\r\n{authorization}Accept: application/json\r\n");
        let length = body.len();
        http(
            &url,
            &format!(
                "{head}Content-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            ),
        )
    };
    let agents = post("/api/v1", "", r#"{"type": "GET_AGENTS"}"#);
    for part in [
        r#""hostname":"one.example""#,
        r#""region":{"name":"here"}"#,
        r#""name":"rack""#,
        r#""role":"web""#,
        r#""name":"gpus""#,
    ] {
        assert!(agents.contains(part), "{part} is not in {agents}");
    }
    let subscribe = |user: &str, role: &str| {
        let capabilities = r#"[{"type":"MULTI_ROLE"}]"#;
        format!(
            r#"{{"type":"SUBSCRIBE","subscribe":{{"framework_info":{{"user":"{user}","name":"demo","roles":["{role}"],"capabilities":{capabilities}}}}}}}"#
        )
    };
    // alice:s3cret
    let alice = "Authorization: Basic YWxpY2U6czNjcmV0\r\n";
    let scheduler = "/api/v1/scheduler";
    let stranger = post(scheduler, "", &subscribe("me", "web"));
    assert!(stranger.starts_with("HTTP/1.1 401 Unauthorized"), "{stranger}");
    let other = post(scheduler, alice, &subscribe("me", "other"));
    assert!(other.contains("Roles { other } are not present in the master's --roles"), "{other}");
    let root = post(scheduler, alice, &subscribe("root", "web"));
    assert!(root.contains("User 'root' is not allowed to run frameworks"), "{root}");
    local.signal("INT");
    assert_eq!(local.wait().code, Some(0));
    place.assert_nothing_left();
}

#[test]
fn agents_and_masters_come_and_go_at_a_word() {
    let place = Place::new();
    let mut local = place.start_with_stdin(&[
        "local",
        "--port=0",
        "--agent=name=one",
        "--masters=2",
        "--agent-ping-timeout=1ms",
        "--max-agent-ping-timeouts=1",
        "--control",
    ]);
    let first = local.line().replace("master ", "");
    let second = local.line().replace("standby ", "");
    assert!(local.line().starts_with("agent one "));
    let get = |url: &str, path: &str| {
        http(url, &format!("GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"))
    };
    assert!(get(&second, "/api/v1/scheduler").starts_with("HTTP/1.1 307"));
    for (said, answer) in [
        ("stop-agent one", "ok"),
        ("return-agent one", "ok"),
        ("restart-agent two", "there is no agent 'two'"),
        ("kill-master 0", "ok"),
        ("elect 7", "there is no master number 7, the cluster has 2, counted from 0"),
        ("elect 1", "ok"),
    ] {
        local.say(said);
        assert_eq!(local.line(), answer, "{said}");
    }
    local.say("explode");
    assert!(local.line().starts_with("'explode' is not known: expected stop-agent NAME, "));
    assert!(TcpStream::connect(first.strip_prefix("http://").unwrap()).is_err());
    assert!(get(&second, "/api/v1/scheduler").starts_with("HTTP/1.1 405"));
    // The end of stdin is no wish to stop.
    local.end_stdin();
    assert!(get(&second, "/health").starts_with("HTTP/1.1 200"));
    local.signal("INT");
    assert_eq!(local.wait().code, Some(0));
    place.assert_nothing_left();
}

#[test]
fn flags_that_make_no_sense_are_shown() {
    for (arguments, expected) in [
        (&["--agent=name=a", "--agent=name=a"][..], "--agent: two agents have the name 'a'"),
        (
            &["--authenticate-http-frameworks", "--credentials=/nowhere"],
            "--credentials: /nowhere cannot be read",
        ),
        (&["--allocation-interval=1s"], "'1s' is no time: expected a number with a unit"),
    ] {
        let ended = Place::new().run(&[&["local", "--port=0"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = Place::new().run(&["local", "--port", &port]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains(&port), "{}", ended.stderr);
}

#[test]
fn everything_that_was_said_is_printed_when_asked_for() {
    let place = Place::new();
    let mut local = place.start(&["local", "--agents", "1", "--port", "0", "--transcript"]);
    let url = local.line().replace("master ", "");
    let run = Place::new().run(&["run", "examples/hello.sh", "--master", &url]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    local.signal("INT");
    let ended = local.wait();
    assert!(ended.stdout.contains("SUBSCRIBE") && ended.stdout.contains("TEARDOWN"), "{}", ended.stdout);
}

#[test]
fn hundreds_of_agents_are_simulated() {
    let place = Place::new();
    let refused = place.run(&["local", "--agents", "300", "--port", "0"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--agents 300: more than 200 need --simulated"), "{}", refused.stderr);
    let mut local = place.start(&["local", "--agents", "300", "--port", "0", "--simulated"]);
    assert!(local.line().starts_with("master "));
    for number in 1..=300 {
        let line = local.line();
        assert!(line.starts_with(&format!("agent agent{number} ")), "{line}");
    }
    local.signal("INT");
    assert_eq!(local.wait().code, Some(0));
}
