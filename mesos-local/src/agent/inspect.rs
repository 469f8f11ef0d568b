//! What `docker inspect` says about a container, as far as clients of Mesos read it.

use std::{net::Ipv4Addr, time::Duration};

use mesos_proto::v1::{Resource, TaskInfo, container_info::docker_info};
use serde_json::{Map, Value, json};

use super::{docker::Docker, plan::Plan, report::Reporter};

/// The JSON array in the `data` of TASK_RUNNING, of a container that lives or has ended in the meantime.
pub(super) fn json(
    task: &TaskInfo,
    reporter: &Reporter,
    docker: &Docker,
    plan: &Plan,
    is_alive: bool,
) -> bytes::Bytes {
    let container = &reporter.container_id.value;
    let started = rfc3339(super::since_epoch());
    let program = &plan.program;
    let text = |word: &std::ffi::OsString| word.to_string_lossy().into_owned();
    let words: Vec<String> = program.arguments.iter().map(text).collect();
    let variables = program.environment.iter();
    let variables: Vec<String> =
        variables.map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
    let network_mode = match docker.info.network() {
        docker_info::Network::Host => "host",
        docker_info::Network::Bridge => "bridge",
        docker_info::Network::None => "none",
        docker_info::Network::User => "user",
    };
    let memory = amount(&task.resources, "mem").saturating_mul(1024 * 1024) / 1000;
    let cpu_shares = (amount(&task.resources, "cpus").saturating_mul(1024) / 1000).max(2);
    let id = container_hash(container);
    let ports = ports(docker);
    let address = reporter.address.map(|ip: Ipv4Addr| ip.to_string()).unwrap_or_default();
    let value = json!([{
        "Id": id,
        "Created": started,
        "Path": text(&program.path),
        "Args": words,
        "State": {
            "Status": if is_alive { "running" } else { "exited" },
            "Running": is_alive,
            "Paused": false,
            "Restarting": false,
            "OOMKilled": false,
            "Dead": false,
            "Pid": reporter.pid.filter(|_| is_alive).unwrap_or(0),
            "ExitCode": 0,
            "Error": "",
            "StartedAt": started,
            "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "Image": docker.info.image,
        "Name": format!("/mesos-{container}"),
        "RestartCount": 0,
        "HostConfig": {
            "NetworkMode": network_mode,
            "PortBindings": ports,
            "AutoRemove": false,
            "Privileged": docker.info.privileged(),
            "CpuShares": cpu_shares,
            "Memory": memory,
            "MemorySwap": memory.saturating_mul(2),
        },
        "Mounts": [],
        "Config": {
            "Hostname": id.get(..12),
            "Env": variables,
            "Cmd": words,
            "Image": docker.info.image,
            "Labels": {},
        },
        "NetworkSettings": {
            "Ports": ports,
            "IPAddress": address,
            "Networks": { network_mode: { "IPAddress": address } },
        },
    }]);
    value.to_string().into()
}

/// The mapped ports as Docker writes them: `"8080/tcp": [{"HostIp", "HostPort"}]`.
fn ports(docker: &Docker) -> Map<String, Value> {
    let mut ports = Map::new();
    for (mapping, (of, to)) in docker.info.port_mappings.iter().zip(docker.mapped()) {
        let protocol = mapping.protocol.as_deref().unwrap_or("tcp");
        let binding = json!([{ "HostIp": "127.0.0.1", "HostPort": to.to_string() }]);
        ports.insert(format!("{of}/{protocol}"), binding);
    }
    ports
}

/// Thousandths of a scalar.
fn amount(resources: &[Resource], name: &str) -> i64 {
    let amounts = resources.iter().filter(|resource| resource.name == name).map(Resource::milli);
    amounts.fold(0, i64::saturating_add)
}

/// The 64 digits by which Docker calls a container, made of its uuid.
fn container_hash(container: &str) -> String {
    let digits: String = container.chars().filter(char::is_ascii_hexdigit).collect();
    digits.chars().cycle().take(if digits.is_empty() { 0 } else { 64 }).collect()
}

/// A time in UTC.
fn rfc3339(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Years from March on, in eras of 400 years; the first begins at 0000-03-01.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let nanos = since_epoch.subsec_nanos();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (1_795_344_505, "2026-11-22T10:48:25.000000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(rfc3339(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_container_is_called_by_64_digits() {
        let hash = container_hash("cdcca80b-b504-446c-be7e-e8015c0b6bac");
        assert_eq!(hash, "cdcca80bb504446cbe7ee8015c0b6bac".repeat(2));
    }
}
