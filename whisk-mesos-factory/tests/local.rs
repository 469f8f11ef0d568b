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
