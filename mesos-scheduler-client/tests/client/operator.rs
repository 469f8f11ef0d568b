//! The operator calls, with answers recorded from real masters and agents.

use std::time::Duration;

use mesos_proto::v1::{agent, master};
use mesos_scheduler_client::{
    HttpUrl,
    operator::{AgentApi, FilePart, MasterApi, OperatorError, agent_url},
};
use prost::Message;

use crate::peer::{Peer, within};

const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";
const GET_TASKS: &[u8] = include_bytes!("../data/master-get-tasks.pb.body");
const GET_AGENTS: &[u8] = include_bytes!("../data/master-get-agents.pb.body");
const READ_FILE: &[u8] = include_bytes!("../data/agent-read-file-range.pb.body");
const READ_FILE_END: &[u8] = include_bytes!("../data/agent-read-file-end.pb.body");

fn url(peer: &Peer) -> HttpUrl {
    peer.url().parse().unwrap()
}

#[tokio::test]
async fn a_master_tells_its_tasks_and_agents() {
    let peer = Peer::start().await;
    let api = MasterApi::new(url(&peer));
    let answering = async {
        let mut requests = Vec::new();
        for body in [GET_TASKS, GET_AGENTS] {
            let mut connection = peer.accept().await;
            let request = connection.request().await;
            assert!(request.head.starts_with("POST /api/v1 HTTP/1.1\r\n"), "{}", request.head);
            requests.push(master::Call::decode(request.body.clone()).unwrap().r#type());
            connection.respond("200 OK", PROTOBUF, body).await;
        }
        requests
    };
    let asking = async { (api.get_tasks().await.unwrap(), api.get_agents().await.unwrap()) };
    let ((tasks, agents), requests) = within(async { tokio::join!(asking, answering) }).await;
    assert_eq!(requests, [master::call::Type::GetTasks, master::call::Type::GetAgents]);
    let mut names: Vec<_> = tasks.tasks.iter().map(|task| task.task_id.value.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["batch-1", "web-1"]);
    assert!(!agents.agents.is_empty());
    for agent in &agents.agents {
        let url = agent_url(agent).unwrap();
        assert_eq!(url.endpoint().host(), "127.0.0.1", "the address of the pid, not the host name");
    }
}

#[tokio::test]
async fn a_standby_redirects_to_the_leader() {
    let (standby, leader) = (Peer::start().await, Peer::start().await);
    let api = MasterApi::new(url(&standby));
    let answering = async {
        let mut connection = standby.accept().await;
        connection.request().await;
        let location = format!("Location: //{}/master/api/v1\r\n", leader.authority());
        connection.respond("307 Temporary Redirect", &location, b"").await;
        let mut connection = leader.accept().await;
        let request = connection.request().await;
        assert!(request.head.starts_with("POST /master/api/v1 HTTP/1.1\r\n"), "{}", request.head);
        connection.respond("200 OK", PROTOBUF, GET_TASKS).await;
    };
    let (tasks, ()) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    assert!(!tasks.unwrap().tasks.is_empty());
}

#[tokio::test]
async fn an_agent_gives_parts_of_files() {
    for (body, size, bytes) in [(READ_FILE, 151_914, 50), (READ_FILE_END, 151_914, 0)] {
        let peer = Peer::start().await;
        let api = AgentApi::new(url(&peer));
        let answering = async {
            let mut connection = peer.accept().await;
            let request = connection.request().await;
            assert!(request.head.starts_with("POST /api/v1 HTTP/1.1\r\n"), "{}", request.head);
            connection.respond("200 OK", PROTOBUF, body).await;
            agent::Call::decode(request.body).unwrap()
        };
        let reading = api.read_file("/a/b", 100, Some(50));
        let (part, call) = within(async { tokio::join!(reading, answering) }).await;
        let FilePart { size: seen, data, .. } = part.unwrap();
        assert_eq!((seen, data.len()), (size, bytes));
        let read = call.read_file.unwrap();
        assert_eq!((read.path.as_str(), read.offset, read.length), ("/a/b", 100, Some(50)));
    }
}

/// What reading a file says when the agent answers so.
async fn read_error(status: &str, headers: &str, body: &[u8]) -> (OperatorError, String) {
    let peer = Peer::start().await;
    let api = AgentApi::new(url(&peer));
    let answering = async {
        let mut connection = peer.accept().await;
        connection.request().await;
        connection.respond(status, headers, body).await;
    };
    let (part, ()) = within(async { tokio::join!(api.read_file("/a", 0, None), answering) }).await;
    let error = part.unwrap_err();
    let text = error.to_string().replace(&peer.url(), "URL");
    (error, text)
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (error, text) = read_error("404 Not Found", "", b"").await;
    assert!(error.is_not_found() && !error.may_heal());
    assert_eq!(text, "URL/api/v1: there is no file '/a'");

    let (error, text) = read_error("404 Not Found", "", b"404 Not Found.").await;
    assert!(!error.is_not_found(), "that is no agent, or another path");
    assert_eq!(text, "URL/api/v1: refused with 404 '404 Not Found.'");

    let (error, text) = read_error("400 Bad Request", "", b"Cannot read a directory.\n").await;
    assert!(!error.may_heal());
    assert_eq!(text, "URL/api/v1: refused with 400 'Cannot read a directory.'");

    let (error, _) = read_error("503 Service Unavailable", "", b"").await;
    assert!(error.may_heal());

    let (_, text) = read_error("200 OK", PROTOBUF, b"\xff\xff").await;
    assert!(text.starts_with("URL/api/v1: wrong answer: failed to decode"), "{text}");

    let (_, text) = read_error("200 OK", PROTOBUF, b"").await;
    assert_eq!(text, "URL/api/v1: wrong answer: 'read_file' is missing");

    let (_, text) = read_error("200 OK", PROTOBUF, &vec![0; 1024 * 1024 + 1]).await;
    assert_eq!(text, "URL/api/v1: wrong answer: more than 1048576 bytes");
}

#[tokio::test]
async fn no_answer_is_told_apart_from_no_connection() {
    let peer = Peer::start().await;
    let api = AgentApi::new(url(&peer)).timeout(Duration::from_millis(50));
    let error = within(api.read_file("/a", 0, None)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{}/api/v1: no answer within 50ms", peer.url()));
    let gone = peer.url();
    drop(peer);
    let error = within(api.read_file("/a", 0, None)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{gone}/api/v1: connection refused"));
    assert!(error.may_heal());
}
