//! A ZooKeeper server that can be frozen, killed and started again.

use std::{
    env, fs,
    future::Future,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Once,
    time::Duration,
};

use mesos_scheduler_client::ZooKeeperUrl;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};
use zookeeper_client::Client;

/// What runs everything that Debian's package needs is named in the manifest of this file.
const JAR: &str = "/usr/share/java/zookeeper.jar";

/// How long anything may take before the test fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// The server of one test. It is killed when this is dropped, also by a panic.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// A server that answers; None where ZooKeeper is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let mut server = Self::prepare()?;
        server.restart().await;
        Some(server)
    }

    /// A server that does not run yet.
    pub(crate) fn prepare() -> Option<Self> {
        if !is_installed() {
            let missing = format!("no ZooKeeper here, {JAR} and java are needed: nothing is tested");
            assert!(env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{missing}");
            // The test harness shows what macros print only where a test fails.
            static ONCE: Once = Once::new();
            ONCE.call_once(|| drop(writeln!(io::stderr(), "{missing}")));
            return None;
        }
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let data = folder.path().join("data");
        let configuration = format!(
            "tickTime=100\nminSessionTimeout=200\nmaxSessionTimeout=60000\ndataDir={}\nclientPort={port}\n\
             clientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=cons\n",
            data.display()
        );
        fs::write(folder.path().join("zoo.cfg"), configuration).unwrap();
        Some(Self { folder, port, process: None })
    }

    /// Starts the server on its port with its data, and waits until it answers.
    pub(crate) async fn restart(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut java = Command::new("java");
        java.args(["-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args(["-Dzookeeper.jmx.log4j.disable=true", "-cp", JAR])
            .arg("org.apache.zookeeper.server.ZooKeeperServerMain")
            .arg(self.folder.path().join("zoo.cfg"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.process = Some(java.spawn().unwrap());
        eventually("the server answers", async || {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("log"));
            assert!(ended.is_none(), "ZooKeeper ended: {ended:?}: {:?}", log());
            // It accepts connections some time before it opens sessions, and then it may forget them.
            let address = self.address();
            let session = Client::connector().with_fail_eagerly().connect(&address);
            time::timeout(Duration::from_secs(2), session).await.is_ok_and(|session| session.is_ok())
        })
        .await;
    }

    /// Ends the server without a word to its clients.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// The server answers nobody until it is thawed, but its sockets stay.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.process.as_ref().unwrap()), signal).unwrap();
    }

    /// How many clients are connected, apart from the one that asks.
    pub(crate) async fn connections(&self) -> usize {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(b"cons").await.unwrap();
        let mut answer = String::new();
        within("the list of connections", stream.read_to_string(&mut answer)).await.unwrap();
        answer.lines().filter(|line| line.trim_start().starts_with('/')).count() - 1
    }

    /// `zk://`, what stands before `@`, the server and the path.
    pub(crate) fn url_as(&self, credentials: &str, path: &str) -> ZooKeeperUrl {
        format!("zk://{credentials}{}{path}", self.address()).parse().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> ZooKeeperUrl {
        self.url_as("", path)
    }

    /// A client that stands for whoever writes what the tested ones read. Its session survives the
    /// outages of a test.
    pub(crate) async fn admin(&self) -> Client {
        let connector = Client::connector().with_session_timeout(LIMIT * 2);
        connector.connect(&self.address()).await.unwrap()
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_installed() -> bool {
    let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    Path::new(JAR).exists() && java.is_ok_and(|status| status.success())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    listener.local_addr().unwrap().port()
}

/// Asks until it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        let mut turns = time::interval(Duration::from_millis(20));
        while !is_so().await {
            turns.tick().await;
        }
    };
    within(what, asking).await;
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("not within {LIMIT:?}: {what}"))
}
