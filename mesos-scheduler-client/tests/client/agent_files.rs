//! Files of agents, with answers recorded from real ones.

use mesos_proto::v1::agent;
use mesos_scheduler_client::operator::{AgentApi, FilePart, OperatorError};
use prost::Message;

use crate::{
    operator::{PROTOBUF, url_of},
    peer::{Peer, Request, within},
};

const READ_FILE: &[u8] = include_bytes!("../data/agent-read-file-range.pb.body");
const READ_FILE_END: &[u8] = include_bytes!("../data/agent-read-file-end.pb.body");
const LIST_FILES: &[u8] = include_bytes!("../data/agent-list-files.pb.body");
const FILES_READ: &[u8] = include_bytes!("../data/agent-files-read-offset-0-length-100.body");
const FILES_READ_SIZE: &[u8] = include_bytes!("../data/agent-files-read-offset-minus-1.body");
const FILES_READ_RAW: &[u8] = include_bytes!("../data/agent-files-read-raw-bytes.body");
const DIRECTORY: &[u8] = include_bytes!("../data/agent-files-read-directory.body");
const WRONG_PATH: &[u8] = include_bytes!("../data/agent-files-read-slave-prefix.body");

#[tokio::test]
async fn an_agent_gives_parts_of_files() {
    for (body, size, bytes) in [(READ_FILE, 151_914, 50), (READ_FILE_END, 151_914, 0)] {
        let peer = Peer::start().await;
        let api = AgentApi::new(url_of(&peer));
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
    let api = AgentApi::new(url_of(&peer));
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

    let (error, text) = read_error("400 Bad Request", "", DIRECTORY).await;
    assert!(!error.may_heal());
    assert!(error.is_directory());
    assert_eq!(text, "URL/api/v1: '/a' is a directory, expected a file");

    let (error, text) = read_error("400 Bad Request", "", b"no such field").await;
    assert!(!error.is_directory() && !error.may_heal());
    assert_eq!(text, "URL/api/v1: refused with 400 'no such field'");

    let (error, _) = read_error("503 Service Unavailable", "", b"").await;
    assert!(error.may_heal());

    let (_, text) = read_error("200 OK", PROTOBUF, b"\xff\xff").await;
    assert!(text.starts_with("URL/api/v1: wrong answer: failed to decode"), "{text}");

    let (_, text) = read_error("200 OK", PROTOBUF, b"").await;
    assert_eq!(text, "URL/api/v1: wrong answer: 'read_file' is missing");

    let (error, text) = read_error("200 OK", PROTOBUF, &vec![0; 1024 * 1024 + 1]).await;
    assert!(matches!(error, OperatorError::TooLarge { limit: 1_048_576, .. }), "{error}");
    assert_eq!(text, "URL/api/v1: wrong answer: more than 1048576 bytes");
}

#[tokio::test]
async fn an_agent_lists_a_folder() {
    let peer = Peer::start().await;
    let api = AgentApi::new(url_of(&peer));
    let (files, request) =
        within(async { tokio::join!(api.list_files("/a"), answer(&peer, "200 OK", LIST_FILES)) }).await;
    let call = agent::Call::decode(request.body).unwrap();
    assert_eq!(call.r#type(), agent::call::Type::ListFiles);
    assert_eq!(call.list_files.unwrap().path, "/a");
    let files = files.unwrap();
    let folder = "/frameworks/ca2cc848-1a2b-4d3a-9551-261cca47dc65-0000/executors/web-1/runs/latest";
    let seen: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    assert_eq!(
        seen,
        [
            (format!("{folder}/stderr").as_str(), Some(731)),
            (format!("{folder}/stdout").as_str(), Some(151_914))
        ]
    );
    let answering = answer(&peer, "404 Not Found", b"");
    let (error, _) = within(async { tokio::join!(api.list_files("/gone"), answering) }).await;
    assert!(error.unwrap_err().is_not_found());
}

#[tokio::test]
async fn files_read_takes_bytes_that_are_no_text() {
    let peer = Peer::start().await;
    // The files are not below the name of the actor.
    let url = format!("{}/slave(1)", peer.url()).parse().unwrap();
    let api = AgentApi::new(url);
    for (body, offset, data) in [
        (FILES_READ_RAW, 151_894, "äöü\nraw \u{ff}\u{fe} bytes\n"),
        (
            FILES_READ,
            0,
            "first line\nline 0 äöü\nline 1 äöü\nline 2 äöü\nline 3 äöü\nline 4 äöü\nline 5 äöü\nline ",
        ),
    ] {
        // U+00FF and U+00FE stand for the two bytes that are no text.
        let expected: Vec<u8> = data
            .chars()
            .flat_map(|c| match c {
                '\u{fe}' | '\u{ff}' => vec![c as u8],
                other => other.to_string().into_bytes(),
            })
            .collect();
        let reading = api.files_read("/a b", offset, Some(100));
        let (chunk, request) = within(async { tokio::join!(reading, answer(&peer, "200 OK", body)) }).await;
        let line = format!("GET /files/read?path=/a%20b&offset={offset}&length=100 HTTP/1.1\r\n");
        assert!(request.head.starts_with(&line), "{}", request.head);
        assert_eq!((request.header("content-type"), request.header("accept")), (None, None));
        let chunk = chunk.unwrap();
        assert_eq!((chunk.offset, &chunk.data[..]), (offset, &expected[..]));
    }
}

#[tokio::test]
async fn files_read_tells_the_size() {
    let peer = Peer::start().await;
    let api = AgentApi::new(url_of(&peer));
    let answering = answer(&peer, "200 OK", FILES_READ_SIZE);
    let (size, request) = within(async { tokio::join!(api.files_size("/a"), answering) }).await;
    assert!(request.head.starts_with("GET /files/read?path=/a HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(size.unwrap(), 151_914);
}

#[tokio::test]
async fn refusals_of_files_read_are_told_apart() {
    let peer = Peer::start().await;
    let api = AgentApi::new(url_of(&peer));
    for (status, body, text) in [
        ("404 Not Found", &b""[..], "there is no file '/a'"),
        ("404 Not Found", WRONG_PATH, "refused with 404 '404 Not Found.'"),
        ("400 Bad Request", DIRECTORY, "'/a' is a directory, expected a file"),
        ("200 OK", b"<html>", "wrong answer: '<html>' where '{' was expected"),
    ] {
        let reading = api.files_read("/a", 0, None);
        let (error, _) = within(async { tokio::join!(reading, answer(&peer, status, body)) }).await;
        let url = format!("{}/files/read?path=/a&offset=0", peer.url());
        assert_eq!(error.unwrap_err().to_string(), format!("{url}: {text}"));
    }
}

#[tokio::test]
async fn a_path_that_fits_no_url_is_an_error_that_tells_its_length() {
    let fits = format!("http://a:1/{}", "p".repeat(32 * 1024 - 1));
    for (url, path, bytes) in [
        ("http://a:1", "x".repeat(70_000), 70_017 + 9),
        // A space takes three bytes of a URL.
        ("http://a:1", " ".repeat(20_000), 60_017 + 9),
        (fits.as_str(), "x".to_owned(), 32 * 1024 + 18 + 9),
    ] {
        let api = AgentApi::new(url.parse().unwrap());
        let error = api.files_read(&path, 0, None).await.unwrap_err();
        assert!(matches!(error, OperatorError::PathTooLong { .. }) && !error.may_heal(), "{error:?}");
        let why = format!("…': its path has {bytes} bytes, expected at most 32768");
        assert!(error.to_string().ends_with(&why), "{error}");
        // The bytes of the offset are not there.
        let error = api.files_size(&path).await.unwrap_err();
        assert!(error.to_string().contains(&format!("has {} bytes", bytes - 9)), "{error}");
    }
}

#[tokio::test]
async fn a_path_of_the_longest_kind_of_a_file_system_is_asked_for() {
    let peer = Peer::start().await;
    let api = AgentApi::new(url_of(&peer));
    let path = "ü".repeat(4096 / 2);
    let answering = answer(&peer, "200 OK", FILES_READ_SIZE);
    let (size, request) = within(async { tokio::join!(api.files_size(&path), answering) }).await;
    assert!(request.head.contains(&"%C3%BC".repeat(4096 / 2)));
    size.unwrap();
}

/// Answers one request with this, and returns the request.
async fn answer(peer: &Peer, status: &str, body: &[u8]) -> Request {
    let mut connection = peer.accept().await;
    let request = connection.request().await;
    connection.respond(status, PROTOBUF, body).await;
    request
}
