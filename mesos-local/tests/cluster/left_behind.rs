//! Nothing that a task started outlives it, wherever that went.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1::{self, TaskState};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{
    client::{Connection, Scheduler, command, subscribe, within},
    containers::action,
    processes::{cluster, first_port, leader, until},
};

/// How processes leave the group of their task; `SLEEP` is what they then do.
const SHELL_WAYS: [&str; 4] = [
    "setsid SLEEP &",
    // Their parent is gone: no line of parents leads to the task.
    "(setsid SLEEP >/dev/null 2>&1 &)",
    "(env -i setsid SLEEP &)",
    // Of the last one only its session is known.
    "(setsid sh -c '(cd / && exec env -i SLEEP >/dev/null 2>&1) & SLEEP' &)",
];

const PYTHON_WAYS: [&str; 2] = [
    "subprocess.Popen(ARGV, start_new_session=True)",
    // A daemon by the book, with nothing that reminds of where it came from.
    "daemon(ARGV)",
];

const PYTHON: &str = "import os, subprocess
def daemon(argv):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir('/')
            null = os.open('/dev/null', os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            os.execve('/bin/sh', ['sh', '-c', 'exec ' + ' '.join(argv)], {})
        os._exit(0)
    os.wait()
def main(args):
    WAY
    return {}
";

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Kill,
    Shutdown,
    Drop,
}

const ENDS: [End; 3] = [End::Kill, End::Shutdown, End::Drop];

#[tokio::test]
async fn a_command_takes_along_what_left_its_group() {
    for (way, end) in SHELL_WAYS.iter().flat_map(|way| ENDS.map(|end| (way, end))) {
        let cluster = cluster().await;
        let mut scheduler = subscribe(&cluster).await;
        let sleep = Sleep::new();
        let text = format!("{}\nexec sleep 1020", way.replace("SLEEP", &sleep.text()));
        let offer = scheduler.offer().await;
        scheduler.launch(&offer, command("t1", &offer, &text)).await;
        scheduler.update_to("t1", TaskState::TaskRunning).await;
        let expected = way.matches("SLEEP").count();
        until("the ones that left", || sleep.count() == expected).await;
        let _kept = bring_about(end, cluster, &mut scheduler).await;
        assert_eq!(sleep.count(), 0, "{end:?} of {way}");
    }
}

#[tokio::test]
async fn a_command_that_ends_by_itself_takes_along_what_left_its_group() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    for (number, way) in SHELL_WAYS.iter().enumerate() {
        let sleep = Sleep::new();
        let text = format!("{}\nuntil [ -e go ]; do sleep 0.01; done", way.replace("SLEEP", &sleep.text()));
        let offer = scheduler.offer().await;
        let id = format!("t{number}");
        scheduler.launch(&offer, command(&id, &offer, &text)).await;
        let running = scheduler.update_to(&id, TaskState::TaskRunning).await;
        until("the ones that left", || sleep.count() == way.matches("SLEEP").count()).await;
        fs::write(sandbox(&running).join("go"), "").unwrap();
        let statuses = scheduler.follow(&id).await;
        assert_eq!(statuses.last().unwrap().state(), TaskState::TaskFinished);
        assert_eq!(sleep.count(), 0, "{way}");
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_action_takes_along_what_left_its_group() {
    for (way, end) in PYTHON_WAYS.iter().flat_map(|way| ENDS.map(|end| (way, end))) {
        let cluster = cluster().await;
        let mut scheduler = subscribe(&cluster).await;
        let offer = scheduler.offer().await;
        let port = first_port(&offer);
        scheduler.launch(&offer, action("t1", &offer, "openwhisk/action-python-v3.11", port, port)).await;
        scheduler.update_to("t1", TaskState::TaskRunning).await;
        let sleep = Sleep::new();
        let argv = format!("['sleep', '{}']", sleep.0);
        let code = PYTHON.replace("WAY", &way.replace("ARGV", &argv));
        let mut connection = Connection::open(&format!("http://127.0.0.1:{port}")).await;
        let init = serde_json::json!({"value": {"main": "main", "code": code}}).to_string();
        assert_eq!(connection.post("/init", init).await.status, 200);
        assert_eq!(connection.post("/run", r#"{"value":{}}"#).await.status, 200);
        until("the one that left", || sleep.count() == 1).await;
        let _kept = bring_about(end, cluster, &mut scheduler).await;
        assert_eq!(sleep.count(), 0, "{end:?} of {way}");
    }
}

#[tokio::test]
async fn who_only_looks_at_a_sandbox_lives_on() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("t1", &offer, "pwd; exec sleep 1021")).await;
    let running = scheduler.update_to("t1", TaskState::TaskRunning).await;
    let mut reader = Command::new("tail")
        .args(["-f", "stdout"])
        .current_dir(sandbox(&running))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    scheduler.kill("t1", Some(Duration::ZERO)).await;
    scheduler.follow("t1").await;
    assert!(reader.try_wait().unwrap().is_none());
    cluster.shutdown().await;
    assert!(reader.try_wait().unwrap().is_none());
    reader.kill().unwrap();
    reader.wait().unwrap();
}

#[tokio::test]
async fn a_program_that_is_killed_leaves_no_task() {
    let sleep = Sleep::new();
    // Its files stay: nobody is left who could remove them.
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "left_behind::a_program_with_a_cluster"])
        .env("SLEEP", sleep.text())
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // What was just started is known to the guard a moment later.
    let is_running = || folder.path().join("running").exists();
    until("the tasks of the program", || is_running() && sleep.count() == 3).await;
    program.kill().unwrap();
    program.wait().unwrap();
    until("their end", || sleep.count() == 0).await;
}

#[tokio::test]
#[ignore = "the program that another test kills"]
async fn a_program_with_a_cluster() {
    let sleep = std::env::var("SLEEP").unwrap();
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("over", &offer, "true")).await;
    scheduler.follow("over").await;
    for (id, text) in
        [("family", format!("{sleep} & exec {sleep}")), ("deaf", format!("trap '' TERM HUP; {sleep}; true"))]
    {
        let offer = scheduler.offer().await;
        scheduler.launch(&offer, command(id, &offer, &text)).await;
        scheduler.update_to(id, TaskState::TaskRunning).await;
    }
    fs::write(std::env::temp_dir().join("running"), "").unwrap();
    within("being killed", std::future::pending::<()>()).await;
}

#[tokio::test]
async fn a_program_without_descriptors_leaves_no_task() {
    let sleep = Sleep::new();
    let folder = tempfile::tempdir().unwrap();
    // The cluster raises the soft limit, and its tasks use up the hard one.
    let mut program = tokio::process::Command::new("/bin/sh")
        .args(["-c", "ulimit -S -n 60 && ulimit -H -n 120 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "left_behind::a_program_with_few_descriptors", "--nocapture"])
        .env("SLEEP", sleep.text())
        .env("TMPDIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let running: usize = loop {
        let line = within("a line", lines.next_line()).await.unwrap().expect("a line with the number");
        if let Some((_, number)) = line.split_once("tasks: ") {
            break number.parse().unwrap();
        }
    };
    until("the tasks of the program", || sleep.count() == 2 * running).await;
    drop(program.stdin.take());
    assert!(within("the end of the program", program.wait()).await.unwrap().success());
    assert_eq!(sleep.count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
#[ignore = "the program of another test, which limits its descriptors"]
async fn a_program_with_few_descriptors() {
    let sleep = std::env::var("SLEEP").unwrap();
    let mut config = ClusterConfig::with_agents(1);
    config.allocation_interval = Duration::from_millis(50);
    // More than the descriptors are enough for.
    (config.agents[0].cpus_milli, config.agents[0].mem_mib) = (100_000, 100_000);
    let cluster = Cluster::start(config).await.unwrap();
    assert_eq!(getrlimit(Resource::Nofile).current, Some(120), "the cluster raises the soft limit");
    let mut scheduler = subscribe(&cluster).await;
    let mut running = 0;
    let refusal = loop {
        let id = format!("t{running}");
        let offer = scheduler.offer().await;
        let text = format!("trap '' TERM; setsid {sleep} & {sleep}; true");
        scheduler.launch(&offer, command(&id, &offer, &text)).await;
        let mut status = scheduler.update(&id).await;
        if status.state() == TaskState::TaskStarting {
            status = scheduler.update(&id).await;
        }
        if status.state() != TaskState::TaskRunning {
            break status;
        }
        running += 1;
    };
    assert_eq!(refusal.reason(), v1::task_status::Reason::ContainerLaunchFailed);
    assert!(refusal.message().contains("Too many open files"), "{}", refusal.message());
    println!("tasks: {running}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    // Nothing can be opened until a task has ended.
    let kept: Vec<fs::File> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
    cluster.shutdown().await;
    drop(kept);
}

/// Gives the cluster back if it lives on: its end must not do what the kill has to.
async fn bring_about(end: End, cluster: Cluster, scheduler: &mut Scheduler) -> Option<Cluster> {
    match end {
        End::Kill => {
            scheduler.kill("t1", Some(Duration::ZERO)).await;
            scheduler.follow("t1").await;
            return Some(cluster);
        }
        End::Shutdown => cluster.shutdown().await,
        End::Drop => drop(cluster),
    }
    None
}

/// Where a task works.
fn sandbox(status: &v1::TaskStatus) -> PathBuf {
    fs::read_link(format!("/proc/{}/cwd", leader(status))).unwrap()
}

/// A time to sleep that nobody else sleeps: the processes that do are found by it.
struct Sleep(String);

impl Sleep {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(format!("1{:07}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    fn text(&self) -> String {
        format!("sleep {}", self.0)
    }

    /// How many are asleep.
    fn count(&self) -> usize {
        self.processes().len()
    }

    fn processes(&self) -> Vec<Pid> {
        let wanted = format!("sleep\0{}\0", self.0);
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let entry = entry.unwrap();
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            Pid::from_raw(entry.file_name().to_str()?.parse().ok().filter(|_| line == wanted.as_bytes())?)
        });
        pids.collect()
    }
}

impl Drop for Sleep {
    /// What a failed test leaves should not stay.
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
