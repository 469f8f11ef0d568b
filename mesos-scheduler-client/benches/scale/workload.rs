//! The tasks of all runs: each with one port and two constraints.

use std::time::Duration;

use mesos_proto::v1;
use mesos_scheduler_client::{Client, ClientBuilder, Eligibility, Events, Masters, PortRequest, TaskSpec};

pub(crate) const CPUS_MILLI: i64 = 100;
pub(crate) const MEM_MIB: i64 = 128;

/// Longer than any run.
const LAUNCH_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn client(master: &str) -> (Client, Events) {
    let info =
        v1::FrameworkInfo { user: "nobody".into(), name: "scale".into(), ..v1::FrameworkInfo::default() };
    ClientBuilder::new(info, Masters::parse(master).unwrap()).start().unwrap()
}

/// The six rules that tasks share: a rack and a zone. Each fits a sixth of the agents.
pub(crate) struct Rules(Vec<Eligibility>);

impl Rules {
    pub(crate) fn new() -> Self {
        let rule = |index: usize| {
            let (rack, zone) = (format!("r{}", index % 3 + 1), format!("z{}", index % 2 + 1));
            Eligibility::new(move |offer| {
                require(offer, "rack", &rack).and_then(|()| require(offer, "zone", &zone))
            })
        };
        Self((0..6).map(rule).collect())
    }

    /// The rule of a task.
    pub(crate) fn get(&self, task: usize) -> &Eligibility {
        &self.0[task % self.0.len()]
    }
}

fn require(offer: &v1::Offer, name: &str, value: &str) -> Result<(), String> {
    let attribute = offer.attributes.iter().find(|attribute| attribute.name == name);
    let text = attribute.and_then(|attribute| attribute.text.as_ref()).map(|text| text.value.as_str());
    if text == Some(value) { Ok(()) } else { Err(format!("{name} is not {value}")) }
}

pub(crate) fn spec(id: String, eligibility: &Eligibility) -> TaskSpec {
    TaskSpec::new(id, CPUS_MILLI, MEM_MIB, template())
        .port(PortRequest::any(8080))
        .eligibility(eligibility.clone())
        .launch_timeout(LAUNCH_TIMEOUT)
}

/// As an action container has it.
pub(crate) fn template() -> v1::TaskInfo {
    let docker = v1::container_info::DockerInfo {
        image: "openwhisk/action-nodejs-v20".into(),
        network: Some(v1::container_info::docker_info::Network::Bridge.into()),
        ..Default::default()
    };
    v1::TaskInfo {
        name: "action".into(),
        command: Some(v1::CommandInfo { shell: Some(false), ..Default::default() }),
        container: Some(v1::ContainerInfo {
            r#type: v1::container_info::Type::Docker.into(),
            docker: Some(docker),
            ..Default::default()
        }),
        ..v1::TaskInfo::default()
    }
}
