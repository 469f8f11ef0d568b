//! Files that a command needs, and tasks that wait for them.

use std::{fs, path::Path};

use mesos_proto::v1;

use crate::{
    client::{command, subscribe, within},
    processes::{cluster, command_of, line, read, run},
};

#[tokio::test]
async fn uris_are_in_the_sandbox_before_the_command_starts() {
    let source = tempfile::tempdir().unwrap();
    let file = source.path().join("tool");
    fs::write(&file, "#!/bin/sh\necho fetched").unwrap();
    let archive = source.path().join("inner.tar.gz");
    let mut tar = std::process::Command::new("tar");
    let made = tar.arg("-czf").arg(&archive).arg("-C").arg(source.path()).arg("tool").status();
    assert!(made.unwrap().success());
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let uri = |path: &Path, executable, output_file: Option<&str>| v1::command_info::Uri {
        value: format!("file://{}", path.display()),
        executable: Some(executable),
        output_file: output_file.map(Into::into),
        ..Default::default()
    };
    let uris = vec![uri(&file, true, Some("bin/mine")), uri(&archive, false, None)];
    let seen = run(&mut scheduler, |offer| {
        let mut task = command("t1", offer, "bin/mine && sh ./tool && test ! -x stdout");
        command_of(&mut task).uris = uris;
        task
    })
    .await;
    assert_eq!(seen[2], "TASK_FINISHED SOURCE_EXECUTOR  Command exited with status 0");
    assert_eq!(read(&cluster, &scheduler, "t1", "stdout").await, "fetched\nfetched\n");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_task_that_is_killed_before_it_starts_never_does() {
    // A server that takes the connection and never says a word.
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let mut task = command("t1", &offer, "true");
    let value = format!("http://{}/file", server.local_addr().unwrap());
    command_of(&mut task).uris = vec![v1::command_info::Uri { value, ..Default::default() }];
    scheduler.launch(&offer, task).await;
    let (mut connection, _) = within("the fetcher", server.accept()).await.unwrap();
    scheduler.kill("t1", None).await;
    assert_eq!(
        line(&scheduler.update("t1").await),
        "TASK_KILLED SOURCE_AGENT REASON_TASK_KILLED_DURING_LAUNCH Killed before delivery to the executor"
    );
    // The fetcher is gone as well.
    let mut request = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut request);
    // A reset is an end, too.
    let _ = within("the end of the fetcher", read).await;
    cluster.shutdown().await;
}
