//! Agents whose tasks are simulated.

use std::{path::Path, sync::Arc};

use mesos_proto::v1::Ranges;
use tokio::sync::mpsc;

use super::{AgentHandle, AgentPorts, Cluster, ClusterConfig, ClusterError, agent_seed, listen, local_port};
use crate::{
    agent::{
        Executors, Ledger, Sandboxes,
        simulated::{self, SimulatedConfig},
    },
    http::{self, AgentApi},
};

/// The first port of those that real agents offer unless told otherwise.
const FIRST_PORT: u64 = 31_000;

impl Cluster {
    /// Starts all agents behind one listener, which takes one descriptor however many there are.
    pub(super) async fn start_simulated_agents(
        &mut self,
        config: &ClusterConfig,
        simulated: &SimulatedConfig,
        work_dir: &Path,
    ) -> Result<(), ClusterError> {
        let listener = listen(0).await?;
        let port = local_port(&listener)?;
        let sandboxes = Sandboxes::create(work_dir, "simulated")
            .map_err(|source| ClusterError::WorkDir { path: work_dir.to_owned(), source })?;
        self.server_tasks.spawn(http::serve(
            listener,
            Arc::new(AgentApi { sandboxes, executors: Executors::default(), ledger: Ledger::default() }),
            self.connections.clone(),
            std::future::pending(),
        ));
        for (index, agent) in config.agents.iter().enumerate() {
            let ports = match &agent.ports {
                // Nobody listens on them: agents may offer the same, as those of different machines do.
                AgentPorts::Reserved(0) => Ranges::default(),
                AgentPorts::Reserved(wanted) => {
                    Ranges::single(FIRST_PORT, FIRST_PORT + u64::from(*wanted) - 1)
                }
                AgentPorts::Exactly(ports) => ports.clone(),
            };
            let (actions, receiver) = mpsc::unbounded_channel();
            let driver = self.driver.0.clone();
            let refused = |reason| ClusterError::Agent { name: agent.name.clone(), reason };
            let id =
                driver.register(&agent.name, agent.info(port, &ports), actions).await.map_err(refused)?;
            self.agents.push(AgentHandle {
                name: agent.name.clone(),
                hostname: agent.hostname.clone(),
                id: id.value.clone(),
                url: format!("http://127.0.0.1:{port}"),
            });
            let (stop, seed) = (self.stop.subscribe(), agent_seed(config.seed, index));
            self.agent_tasks.spawn(simulated::run(id, simulated.clone(), driver, receiver, stop, seed));
        }
        Ok(())
    }
}
