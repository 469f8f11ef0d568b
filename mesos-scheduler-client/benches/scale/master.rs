//! The other side: `mesos-local` with simulated tasks, in a process of its own, so that what each side takes can be
//! told apart.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use mesos_local::{AgentPorts, Cluster, ClusterConfig, Executor, SimulatedConfig};
use mesos_proto::v1::Ranges;
use tokio::runtime::Builder;

use crate::process;

/// Runs a cluster until stdin ends; prints its address first, and at the end what it took.
pub(crate) fn serve(agents: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::start(config(agents)).await.unwrap();
        println!("url={}", cluster.master_url());
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
            ended.send((process::cpu(), process::peak_kib())).unwrap();
        });
        let (cpu, peak_kib) = end.await.unwrap();
        println!("master_cpu={:.3} master_peak_kib={peak_kib}", cpu.as_secs_f64());
        cluster.shutdown().await;
    });
}

/// Agents with room for 128 tasks each, and more ports than that.
fn config(agents: usize) -> ClusterConfig {
    let mut config = ClusterConfig::with_agents(agents);
    config.executor = Executor::Simulated(SimulatedConfig::default());
    config.transcript_limit = 0;
    for agent in &mut config.agents {
        agent.cpus_milli = 12_800;
        agent.mem_mib = 16_384;
        agent.ports = AgentPorts::Exactly(Ranges::single(31_000, 31_999));
    }
    config
}

/// A running one.
pub(crate) struct Master {
    pub(crate) url: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Master {
    pub(crate) fn start(agents: usize) -> Self {
        let program = env::current_exe().unwrap();
        let mut child = Command::new(program)
            .args(["master", &agents.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("url=").unwrap().to_owned();
        Self { url, child, stdin, stdout }
    }

    /// Ends it; gives what it took, by name.
    pub(crate) fn stop(mut self) -> BTreeMap<String, String> {
        drop(self.stdin.take());
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(self.child.wait().unwrap().success());
        let pairs = line.split_whitespace().map(|pair| pair.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}
