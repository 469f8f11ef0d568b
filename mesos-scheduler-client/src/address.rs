//! Where an agent listens, and where it keeps the files of a task.

use mesos_proto::v1::{self, master::response::get_agents::Agent};

use crate::url::{HttpUrl, UrlError};

/// The port that an agent has unless it was told another.
const AGENT_PORT: i64 = 5051;

/// The base URL of the agent that an offer is from.
///
/// The path of `offer.url` (`/slave(1)`) is left out: the API has it optionally, files are not below it.
/// So is its scheme, which says `http` in any case.
///
/// # Errors
/// The offer names no usable host or port.
pub fn agent_url_of_offer(offer: &v1::Offer) -> Result<HttpUrl, UrlError> {
    match &offer.url {
        Some(url) => of_address(&url.address, &offer.hostname),
        None => HttpUrl::new(&offer.hostname, AGENT_PORT),
    }
}

/// The base URL of an agent in the answer to GET_AGENTS: of its `pid`, whose address needs no name resolution,
/// or else of its host name.
///
/// # Errors
/// The agent names no usable host or port.
pub fn agent_url(agent: &Agent) -> Result<HttpUrl, UrlError> {
    let pid_address = agent.pid.as_deref().and_then(|pid| pid.rsplit_once('@'));
    match pid_address {
        Some((_, address)) => address.parse(),
        None => {
            let port = agent.agent_info.port.map_or(AGENT_PORT, i64::from);
            HttpUrl::new(&agent.agent_info.hostname, port)
        }
    }
}

/// An agent's host name is meant for humans and need not resolve, so its IP address comes first.
fn of_address(address: &v1::Address, hostname: &str) -> Result<HttpUrl, UrlError> {
    let known = [address.ip.as_deref(), address.hostname.as_deref()];
    let host = known.into_iter().flatten().find(|host| !host.is_empty());
    HttpUrl::new(host.unwrap_or(hostname), address.port.into())
}

/// The virtual path of a file in the sandbox of an executor's latest run, for
/// [`AgentApi::read_file`](crate::operator::AgentApi::read_file). Needs Mesos 1.5. A task launched with a command or a
/// Docker container has an executor with the id of the task.
///
/// ```
/// use mesos_proto::v1::{ExecutorId, FrameworkId};
/// use mesos_scheduler_client::operator::sandbox_path;
///
/// let path = sandbox_path(&FrameworkId::new("f-0000"), &ExecutorId::new("task-1"), "stdout");
/// assert_eq!(path, "/frameworks/f-0000/executors/task-1/runs/latest/stdout");
/// ```
pub fn sandbox_path(framework_id: &v1::FrameworkId, executor_id: &v1::ExecutorId, file: &str) -> String {
    let file = file.trim_start_matches('/');
    format!("/frameworks/{framework_id}/executors/{executor_id}/runs/latest/{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(ip: Option<&str>, hostname: Option<&str>, port: i32) -> v1::Offer {
        let address = v1::Address { ip: ip.map(Into::into), hostname: hostname.map(Into::into), port };
        let url =
            v1::Url { scheme: "http".into(), address, path: Some("/slave(1)".into()), ..v1::Url::default() };
        v1::Offer { url: Some(url), hostname: "human.example".into(), ..v1::Offer::default() }
    }

    #[test]
    fn an_offer_leads_to_its_agent_without_the_path_of_its_url() {
        for (ip, hostname, url) in [
            (Some("10.0.0.1"), Some("agent1.example"), "http://10.0.0.1:5052"),
            (None, Some("agent1.example"), "http://agent1.example:5052"),
            (Some(""), None, "http://human.example:5052"),
            (Some("fe80::1"), None, "http://[fe80::1]:5052"),
        ] {
            assert_eq!(agent_url_of_offer(&offer(ip, hostname, 5052)).unwrap().to_string(), url);
        }
        let without_url = v1::Offer { url: None, ..offer(None, None, 1) };
        assert_eq!(agent_url_of_offer(&without_url).unwrap().to_string(), "http://human.example:5051");
        let error = agent_url_of_offer(&offer(Some("10.0.0.1"), None, -1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid URL '10.0.0.1:-1': '-1' is no port, expected a number from 1 to 65535"
        );
    }

    #[test]
    fn an_agent_is_found_by_its_pid_or_else_by_its_name() {
        let mut agent = Agent::default();
        agent.agent_info.hostname = "agent1.example".into();
        assert_eq!(agent_url(&agent).unwrap().to_string(), "http://agent1.example:5051");
        agent.agent_info.port = Some(5053);
        assert_eq!(agent_url(&agent).unwrap().to_string(), "http://agent1.example:5053");
        agent.pid = Some("slave(1)@10.0.0.1:5052".into());
        assert_eq!(agent_url(&agent).unwrap().to_string(), "http://10.0.0.1:5052");
    }
}
