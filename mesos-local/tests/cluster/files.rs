//! The agent's files, in the words of a running agent (recordings of `/files/*` and READ_FILE).

use std::time::Duration;

use http_body_util::BodyExt as _;
use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1::agent;
use prost::Message as _;
use serde_json::{Value, json};

use crate::client::{Answer, Connection, command, subscribe, within};

const RUN: &str = "/frameworks/FRAMEWORK/executors/web-1/runs/latest";

struct Files {
    cluster: Cluster,
    connection: Connection,
    run: String,
}

impl Files {
    async fn new(script: &str) -> Self {
        let mut config = ClusterConfig::with_agents(1);
        config.allocation_interval = Duration::from_millis(50);
        let cluster = Cluster::start(config).await.unwrap();
        let mut scheduler = subscribe(&cluster).await;
        let offer = scheduler.offer().await;
        scheduler.launch(&offer, command("web-1", &offer, script)).await;
        scheduler.follow("web-1").await;
        let connection = Connection::open(&cluster.agents()[0].url).await;
        let run = RUN.replace("FRAMEWORK", &scheduler.framework_id.value);
        Self { cluster, connection, run }
    }

    async fn read(&mut self, rest: &str) -> Answer {
        let path = format!("/files/read?path={}{rest}", self.run);
        self.connection.get(&path).await
    }

    async fn call(&mut self, call: &Value) -> Answer {
        let call = call.to_string().replace("RUN", &self.run);
        self.connection.post("/api/v1", call).await
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

#[tokio::test]
async fn files_are_read_as_a_real_agent_reads_them() {
    let mut files = Files::new(r"printf 'first line\nl\303\244st'; yes | head -c 100000 > big").await;
    for (rest, status, media_type, body) in [
        ("/stdout&offset=0", 200, "application/json", "{\"data\":\"first line\\nläst\",\"offset\":0}"),
        ("/stdout&offset=6&length=4", 200, "application/json", "{\"data\":\"line\",\"offset\":6}"),
        ("/stdout", 200, "application/json", "{\"data\":\"\",\"offset\":16}"),
        ("/stdout&offset=-1", 200, "application/json", "{\"data\":\"\",\"offset\":16}"),
        ("/stdout&offset=1000000000", 200, "application/json", "{\"data\":\"\",\"offset\":1000000000}"),
        (
            "/stdout&offset=0&length=-1",
            200,
            "application/json",
            "{\"data\":\"first line\\nläst\",\"offset\":0}",
        ),
        ("/stdout&offset=abc", 400, PLAIN, "Failed to parse offset: Failed to convert 'abc' to number.\n"),
        ("/stdout&offset=-5", 400, PLAIN, "Negative offset provided: -5.\n"),
        ("&offset=0", 400, PLAIN, "Cannot read a directory.\n"),
        ("/stdoutx&offset=0", 404, PLAIN, ""),
        ("/../latest/stdout&offset=0", 404, PLAIN, ""),
    ] {
        let answer = files.read(rest).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, body), "{rest}");
        assert_eq!(answer.headers["Content-Type"], media_type, "{rest}");
    }
    let no_path = files.connection.get("/files/read").await;
    assert_eq!(
        (no_path.status.as_u16(), no_path.text().as_str()),
        (400, "Expecting 'path=value' in query.\n")
    );
    let run = files.run.clone();
    let prefixed = files.connection.get(&format!("/slave(1)/files/read?path={run}/stdout&offset=0")).await;
    assert_eq!((prefixed.status.as_u16(), prefixed.text().as_str()), (404, "404 Not Found."));
    let big: Value = serde_json::from_slice(&files.read("/big&offset=0").await.body).unwrap();
    assert_eq!(big["data"].as_str().unwrap().len(), 65_536);
    files.cluster.shutdown().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_stand_raw_in_the_answer() {
    let mut files = Files::new("printf 'raw \\377\\376 bytes\"'").await;
    let answer = files.read("/stdout&offset=0").await;
    assert_eq!(&answer.body[..], b"{\"data\":\"raw \xff\xfe bytes\\\"\",\"offset\":0}");
    let answer =
        files.call(&json!({"type": "READ_FILE", "read_file": {"path": "RUN/stdout", "offset": 0}})).await;
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json, json!({"type": "READ_FILE", "read_file": {"size": 13, "data": "cmF3IP/+IGJ5dGVzIg=="}}));
    files.cluster.shutdown().await;
}

#[tokio::test]
async fn read_file_gives_size_and_data() {
    let mut files = Files::new("printf 0123456789").await;
    let read = |more: Value| {
        let mut read_file = json!({"path": "RUN/stdout"});
        read_file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": "READ_FILE", "read_file": read_file})
    };
    for (more, data) in [
        (json!({"offset": 0}), "MDEyMzQ1Njc4OQ=="),
        (json!({"offset": "4", "length": "3"}), "NDU2"),
        (json!({"offset": 0, "length": 0}), ""),
        (json!({"offset": 1_000_000_000}), ""),
    ] {
        let answer = files.call(&read(more)).await;
        let json: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(json, json!({"type": "READ_FILE", "read_file": {"size": 10, "data": data}}));
    }
    for (path, status, body) in
        [("RUN/nope", 404, ""), ("RUN", 400, "Cannot read a directory.\n"), ("/etc/passwd", 404, "")]
    {
        let answer =
            files.call(&json!({"type": "READ_FILE", "read_file": {"path": path, "offset": 0}})).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, body), "{path}");
    }
    let call = agent::Call {
        r#type: Some(agent::call::Type::ReadFile.into()),
        read_file: Some(agent::call::ReadFile {
            path: format!("{}/stdout", files.run),
            offset: 2,
            length: Some(2),
        }),
        ..Default::default()
    };
    let request = http::Request::post("/slave(1)/api/v1")
        .header("Content-Type", "application/x-protobuf")
        .header("Accept", "application/x-protobuf")
        .body(call.encode_to_vec().into())
        .unwrap();
    let answer = files.connection.exchange(request).await;
    let read = agent::Response::decode(answer.body).unwrap().read_file.unwrap();
    assert_eq!((read.size, &read.data[..]), (10, &b"23"[..]));
    files.cluster.shutdown().await;
}

#[tokio::test]
async fn a_directory_is_listed_without_what_leads_out_of_it() {
    let mut files =
        Files::new("echo hi; ln -s /etc/passwd out; ln -s /proc/self/root all; mkfifo pipe; mkdir sub").await;
    let answer = files.call(&json!({"type": "LIST_FILES", "list_files": {"path": "RUN"}})).await;
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    let infos = json["list_files"]["file_infos"].as_array().unwrap();
    let names: Vec<&str> =
        infos.iter().map(|info| info["path"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["pipe", "stderr", "stdout", "sub"]);
    assert_eq!(infos[2]["size"], 3);
    assert_eq!(infos[2]["mode"], 33188);
    let run = files.run.clone();
    let answer = files.connection.get(&format!("/files/browse?path={run}")).await;
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json[2]["path"], format!("{run}/stdout"));
    assert_eq!(json[2]["mode"], "-rw-r--r--");
    for rest in ["/out&offset=0", "/all/etc/passwd&offset=0"] {
        let answer = files.read(rest).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (404, ""), "{rest}");
    }
    let answer = files.read("/pipe&offset=0").await;
    assert_eq!(answer.text(), "Cannot read what is not a regular file.\n");
    let download = files.connection.get(&format!("/files/download?path={run}/out")).await;
    assert_eq!((download.status.as_u16(), download.text().as_str()), (404, ""));
    let download = files.connection.get(&format!("/files/download?path={run}/stdout")).await;
    assert_eq!(download.text(), "hi\n");
    assert_eq!(download.headers["Content-Disposition"], "attachment; filename=stdout");
    assert_eq!(download.headers["Content-Type"], "application/octet-stream");
    files.cluster.shutdown().await;
}

#[tokio::test]
async fn a_file_of_any_size_is_downloaded_in_parts() {
    let mut files = Files::new("yes | head -c 200001 > big; truncate -s 1T huge; : > empty").await;
    let path = |name: &str| format!("/files/download?path={}/{name}", files.run);
    let (big, huge, empty) = (path("big"), path("huge"), path("empty"));
    let answer = files.connection.get(&big).await;
    assert_eq!(answer.headers["Content-Length"], "200001");
    assert_eq!(answer.text(), "y\n".repeat(100_000) + "y");
    let answer = files.connection.get(&empty).await;
    assert_eq!((&answer.headers["Content-Length"], answer.text().as_str()), (&"0".parse().unwrap(), ""));
    let request = http::Request::get(&huge).header("Host", "test").body(Default::default()).unwrap();
    let response = files.connection.send(request).await;
    assert_eq!(response.headers()["Content-Length"], (1_u64 << 40).to_string());
    let first = within("a part", response.into_body().frame()).await.unwrap().unwrap().into_data().unwrap();
    assert!(!first.is_empty() && first.iter().all(|&byte| byte == 0));
    files.connection.abort();
    files.cluster.shutdown().await;
}

#[tokio::test]
async fn an_agent_says_how_it_is_and_what_it_cannot() {
    let mut files = Files::new("true").await;
    let health = files.connection.get("/health").await;
    assert_eq!((health.status.as_u16(), health.text().as_str()), (200, ""));
    let health = files.connection.post("/slave(1)/api/v1", r#"{"type":"GET_HEALTH"}"#).await;
    let json: Value = serde_json::from_slice(&health.body).unwrap();
    assert_eq!(json, json!({"type": "GET_HEALTH", "get_health": {"healthy": true}}));
    let state = files.call(&json!({"type": "GET_STATE"})).await;
    assert_eq!(
        (state.status.as_u16(), state.text().as_str()),
        (501, "GET_STATE is not supported by this agent")
    );
    let wrong = files.call(&json!({"type": "READ_FILE"})).await;
    assert_eq!(wrong.text(), "Failed to validate agent::Call: Expecting 'read_file' to be present");
    let get = files.connection.get("/api/v1").await;
    assert_eq!(get.status, 405);
    files.cluster.shutdown().await;
}
