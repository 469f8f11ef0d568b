use super::*;
use crate::framework::PortRequest;

fn described(spec: &TaskSpec) -> v1::TaskInfo {
    describe(spec, "t", "t", &v1::AgentId::new("a"), Vec::new(), &[31000])
}

#[test]
fn ports_are_mapped_into_bridged_containers_and_named_in_the_environment() {
    let task = described(&TaskSpec::docker("t", 100, 32, "image").port(PortRequest::any(8080)));
    let mapping = &task.container.unwrap().docker.unwrap().port_mappings[0];
    assert_eq!((mapping.host_port, mapping.container_port), (31000, 8080));
    let variable = &task.command.unwrap().environment.unwrap().variables[0];
    assert_eq!((variable.name.as_str(), variable.value.as_deref()), ("PORT0", Some("31000")));
}

#[test]
fn ports_are_mapped_into_named_networks_of_the_mesos_containerizer_and_nowhere_else() {
    let mut spec = TaskSpec::ucr("t", 100, 32, "image").port(PortRequest::any(8080));
    assert!(described(&spec).container.unwrap().network_infos.is_empty());
    let network = v1::NetworkInfo { name: Some("ow".into()), ..v1::NetworkInfo::default() };
    spec.template.container.as_mut().unwrap().network_infos = vec![network];
    let mapping = described(&spec).container.unwrap().network_infos[0].port_mappings[0].clone();
    assert_eq!((mapping.host_port, mapping.container_port), (31000, 8080));
}

#[test]
fn a_task_of_another_name_bears_the_one_that_it_was_submitted_with() {
    let spec = TaskSpec::command("t", 100, 32, "true").label("owner", "me");
    let task = describe(&spec, "t", "t.r2", &v1::AgentId::new("a"), Vec::new(), &[]);
    assert_eq!(task.task_id.value, "t.r2");
    let labels = task.labels.unwrap().labels;
    assert_eq!((labels[1].key.as_str(), labels[1].value.as_deref()), (SUBMITTED_AS, Some("t")));
    assert!(task.command.unwrap().environment.is_none());
}
