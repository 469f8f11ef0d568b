//! A container as a Mesos task.

use std::time::Duration;

use mesos_proto::v1::{
    self,
    container_info::{DockerInfo, docker_info::Network},
    scheduler::{
        AttributeConstraint,
        attribute_constraint::{Predicate, Selector, predicate, selector},
    },
};
use mesos_scheduler_client::{Eligibility, PortRequest, TaskSpec};
use placement_constraints::{ConstraintSet, MissingAttribute, Operator};

use crate::{attributes::AgentAttributes, config::FactoryConfig, factory::ContainerRequest};

/// The port that every action container listens on.
pub(crate) const ACTION_PORT: u16 = 8080;

/// What must be submitted for a container.
pub(crate) fn task_spec(
    task_id: String,
    request: &ContainerRequest,
    config: &FactoryConfig,
    eligibility: Option<Eligibility>,
) -> TaskSpec {
    let cpus_milli = cpus_milli(request.cpu_shares);
    let mut spec = TaskSpec::new(task_id, cpus_milli, request.memory_mib, template(request, config));
    spec.ports = vec![PortRequest::any(ACTION_PORT)];
    spec.eligibility = eligibility;
    spec.launch_timeout = config.launch_timeout;
    // Most runtimes ignore the gentle signal and would cost the whole grace period.
    spec.kill_grace_period = Duration::ZERO;
    spec
}

/// Shares of 1024 in thousandths of a cpu, at least one: Mesos refuses amounts that round to nothing.
fn cpus_milli(cpu_shares: u32) -> i64 {
    let milli = (i64::from(cpu_shares) * 1000 + 512) / 1024;
    milli.max(1)
}

fn template(request: &ContainerRequest, config: &FactoryConfig) -> v1::TaskInfo {
    let variables = config.environment.iter().map(|(name, value)| v1::environment::Variable {
        name: name.clone(),
        value: Some(value.clone()),
        ..v1::environment::Variable::default()
    });
    v1::TaskInfo {
        name: request.name.clone(),
        // No value and no shell: the image's own entry point runs.
        command: Some(v1::CommandInfo {
            shell: Some(false),
            environment: Some(v1::Environment { variables: variables.collect() }),
            ..v1::CommandInfo::default()
        }),
        container: Some(container(&request.image, config)),
        ..v1::TaskInfo::default()
    }
}

fn container(image: &str, config: &FactoryConfig) -> v1::ContainerInfo {
    let (network, network_infos) = match config.network.to_ascii_lowercase().as_str() {
        "bridge" => (Network::Bridge, Vec::new()),
        "host" => (Network::Host, Vec::new()),
        _ => {
            let info = v1::NetworkInfo { name: Some(config.network.clone()), ..v1::NetworkInfo::default() };
            (Network::User, vec![info])
        }
    };
    let parameters = config.docker_parameters.iter();
    v1::ContainerInfo {
        r#type: v1::container_info::Type::Docker.into(),
        docker: Some(DockerInfo {
            image: image.to_owned(),
            network: Some(network.into()),
            force_pull_image: Some(false),
            parameters: parameters
                .map(|(key, value)| v1::Parameter { key: key.clone(), value: value.clone() })
                .collect(),
            ..DockerInfo::default()
        }),
        network_infos,
        ..v1::ContainerInfo::default()
    }
}

/// The rule that offers must pass: every constraint holds for the attributes of the agent. With `is_pushed_down` the master
/// is told as much of it as it can check.
pub(crate) fn eligibility(constraints: &ConstraintSet, is_pushed_down: bool) -> Option<Eligibility> {
    if constraints.is_empty() {
        return None;
    }
    let for_master = if is_pushed_down { offer_constraints(constraints) } else { Vec::new() };
    let constraints = constraints.clone();
    let rule = Eligibility::new(move |offer| {
        let attributes = AgentAttributes::new(&offer.attributes);
        let verdict = constraints.check(&attributes);
        if verdict.is_satisfied() { Ok(()) } else { Err(verdict.to_string()) }
    });
    Some(rule.with_offer_constraints(for_master))
}

/// What a master can check of the constraints. It is never stricter than they are: masters let attributes that are no
/// text pass, and a pattern that RE2 cannot express is left out.
fn offer_constraints(constraints: &ConstraintSet) -> Vec<AttributeConstraint> {
    let mut told = Vec::new();
    for constraint in constraints.iter() {
        let mut tell = |predicate| {
            told.push(AttributeConstraint {
                selector: Selector {
                    selector: Some(selector::Selector::AttributeName(constraint.attribute().to_owned())),
                },
                predicate: Predicate { predicate: Some(predicate) },
            });
        };
        // A missing attribute satisfies UNLIKE for masters.
        let must_exist = constraint.operator() == Operator::Unlike
            && constraints.missing_attribute() == MissingAttribute::Fails;
        if must_exist {
            tell(predicate::Predicate::Exists(predicate::Exists {}));
        }
        let Ok(regex) = constraint.pattern().re2() else { continue };
        tell(match constraint.operator() {
            Operator::Like => predicate::Predicate::TextMatches(predicate::TextMatches { regex }),
            Operator::Unlike => predicate::Predicate::TextNotMatches(predicate::TextNotMatches { regex }),
        });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ContainerRequest {
        ContainerRequest::new("wsk0_1_guest_hello", "openwhisk/action-nodejs-v20", 256, 256)
    }

    #[test]
    fn shares_become_thousandths_of_a_cpu_and_never_nothing() {
        for (shares, milli) in [(1024, 1000), (256, 250), (12, 12), (2, 2), (1, 1), (0, 1)] {
            assert_eq!(cpus_milli(shares), milli, "{shares}");
        }
    }

    #[test]
    fn a_container_is_a_docker_task_that_runs_the_entry_point_of_its_image() {
        let mut config = FactoryConfig::default();
        config.environment.push(("__OW_API_HOST".to_owned(), "https://host:443".to_owned()));
        let constraints = ConstraintSet::parse(["rack LIKE r[12]"]).unwrap();
        let spec = task_spec("whisk-1-7".to_owned(), &request(), &config, eligibility(&constraints, true));
        assert_eq!((spec.id.as_str(), spec.cpus_milli, spec.mem_mib), ("whisk-1-7", 250, 256));
        assert_eq!(spec.kill_grace_period, Duration::ZERO);
        let command = spec.template.command.unwrap();
        assert_eq!((command.shell, command.value), (Some(false), None));
        assert_eq!(command.environment.unwrap().variables[0].name, "__OW_API_HOST");
        let docker = spec.template.container.unwrap().docker.unwrap();
        assert_eq!(
            (docker.image.as_str(), docker.network()),
            ("openwhisk/action-nodejs-v20", Network::Bridge)
        );
        let parameters: Vec<String> = docker
            .parameters
            .iter()
            .map(|parameter| format!("{}={}", parameter.key, parameter.value))
            .collect();
        assert_eq!(
            parameters,
            [
                "cap-drop=NET_RAW",
                "cap-drop=NET_ADMIN",
                "ulimit=nofile=1024:1024",
                "pids-limit=1024",
                "log-driver=json-file"
            ]
        );
    }

    #[test]
    fn networks_other_than_bridge_and_host_are_user_defined_and_keep_their_case() {
        for (name, network, infos) in
            [("Bridge", Network::Bridge, 0), ("HOST", Network::Host, 0), ("MyNet", Network::User, 1)]
        {
            let config = FactoryConfig { network: name.to_owned(), ..FactoryConfig::default() };
            let container = container("image", &config);
            assert_eq!(container.docker.unwrap().network(), network);
            assert_eq!(container.network_infos.len(), infos);
            assert!(container.network_infos.iter().all(|info| info.name() == name));
        }
    }

    #[test]
    fn an_offer_is_refused_with_the_constraint_that_failed() {
        let constraints = ConstraintSet::parse(["rack LIKE r[12]", "generation LIKE 7"]).unwrap();
        let rule = eligibility(&constraints, true).unwrap();
        let mut offer =
            v1::Offer { attributes: vec![v1::Attribute::text("rack", "r1")], ..v1::Offer::default() };
        assert!(rule.check(&offer).unwrap_err().contains("generation LIKE 7"));
        offer.attributes.push(v1::Attribute::parse("generation", "7.0"));
        assert_eq!(rule.check(&offer), Ok(()));
        offer.attributes.insert(0, v1::Attribute::text("rack", "r3"));
        assert!(rule.check(&offer).unwrap_err().contains("rack LIKE r[12]"));
    }

    #[test]
    fn the_master_is_told_what_it_can_check_and_nothing_stricter() {
        let rules = ["rack LIKE r\\d", "zone UNLIKE z2", "disk LIKE (?!hdd).*"];
        let constraints = ConstraintSet::parse(rules).unwrap();
        let told = |constraints: &ConstraintSet| {
            let rule = eligibility(constraints, true).unwrap();
            let text = |one: &AttributeConstraint| {
                let Some(selector::Selector::AttributeName(name)) = &one.selector.selector else { panic!() };
                format!("{name} {:?}", one.predicate.predicate.as_ref().unwrap())
            };
            rule.offer_constraints().iter().map(text).collect::<Vec<_>>()
        };
        let like = r#"rack TextMatches(TextMatches { regex: "r[0-9]" })"#;
        let unlike = r#"zone TextNotMatches(TextNotMatches { regex: "z2" })"#;
        assert_eq!(told(&constraints), [like, "zone Exists(Exists)", unlike]);
        let constraints = constraints.with_missing_attribute(MissingAttribute::SatisfiesUnlike);
        assert_eq!(told(&constraints), [like, unlike]);
        assert!(eligibility(&constraints, false).unwrap().offer_constraints().is_empty());
    }
}
