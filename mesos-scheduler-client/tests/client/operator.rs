//! The operator calls, with answers recorded from real masters and agents.

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use mesos_proto::v1::{self, master};
use mesos_scheduler_client::{
    AuthError, AuthHeader, AuthProvider, Credentials, HttpUrl, Masters, Scheme,
    operator::{AgentApi, MasterApi, OperatorError, agent_url},
};
use prost::Message;

use crate::peer::{Peer, Request, within};

pub(crate) const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";
const GET_TASKS: &[u8] = include_bytes!("../data/master-get-tasks.pb.body");
const GET_AGENTS: &[u8] = include_bytes!("../data/master-get-agents.pb.body");
const GET_MASTER: &[u8] = include_bytes!("../data/master-get-master.pb.body");

pub(crate) fn url_of(peer: &Peer) -> HttpUrl {
    peer.url().parse().unwrap()
}

#[tokio::test]
async fn a_master_tells_its_tasks_agents_and_itself() {
    let peer = Peer::start().await;
    let api = MasterApi::new(url_of(&peer));
    let answering = async {
        let mut requests = Vec::new();
        for body in [GET_TASKS, GET_AGENTS, GET_MASTER] {
            let mut connection = peer.accept().await;
            let request = connection.request().await;
            assert!(request.head.starts_with("POST /api/v1 HTTP/1.1\r\n"), "{}", request.head);
            requests.push(master::Call::decode(request.body.clone()).unwrap().r#type());
            connection.respond("200 OK", PROTOBUF, body).await;
        }
        requests
    };
    let asking = async {
        (api.get_tasks().await.unwrap(), api.get_agents().await.unwrap(), api.get_master().await.unwrap())
    };
    let ((tasks, agents, leader), requests) = within(async { tokio::join!(asking, answering) }).await;
    use master::call::Type;
    assert_eq!(requests, [Type::GetTasks, Type::GetAgents, Type::GetMaster]);
    assert_eq!(leader.master_info.unwrap().version.as_deref(), Some("1.12.0"));
    assert_eq!(leader.elected_time, Some(1_795_345_114.059_568));
    let mut names: Vec<_> = tasks.tasks.iter().map(|task| task.task_id.value.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["batch-1", "web-1"]);
    assert!(!agents.agents.is_empty());
    for agent in &agents.agents {
        let url = agent_url(agent).unwrap();
        assert_eq!(url.endpoint().host(), "127.0.0.1", "the address of the pid, not the host name");
    }
}

#[tokio::test]
async fn a_standby_redirects_to_the_leader() {
    let (standby, leader) = (Peer::start().await, Peer::start().await);
    let api = MasterApi::new(url_of(&standby)).credentials(Credentials::basic("p", "s").unwrap());
    let answering = async {
        let mut connection = standby.accept().await;
        assert_eq!(connection.request().await.header("authorization"), Some("Basic cDpz"));
        let location = format!("Location: //{}/master/api/v1\r\n", leader.authority());
        connection.respond("307 Temporary Redirect", &location, b"").await;
        let mut connection = leader.accept().await;
        let request = connection.request().await;
        assert!(request.head.starts_with("POST /master/api/v1 HTTP/1.1\r\n"), "{}", request.head);
        assert_eq!(request.header("authorization"), Some("Basic cDpz"));
        connection.respond("200 OK", PROTOBUF, GET_TASKS).await;
    };
    let (tasks, ()) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    assert!(!tasks.unwrap().tasks.is_empty());
}

#[tokio::test]
async fn an_agent_is_found_by_its_id() {
    let peer = Peer::start().await;
    for (agent, scheme, url) in [
        ("ca2cc848-1a2b-4d3a-9551-261cca47dc65-S2", None, Ok("http://127.0.0.1:5051")),
        ("ca2cc848-1a2b-4d3a-9551-261cca47dc65-S2", Some(Scheme::Https), Ok("https://127.0.0.1:5051")),
        ("nobody", None, Err("URL/api/v1: no agent 'nobody' is registered")),
    ] {
        let mut api = MasterApi::new(url_of(&peer));
        if let Some(scheme) = scheme {
            api = api.agent_scheme(scheme);
        }
        let answering = async {
            let mut connection = peer.accept().await;
            connection.request().await;
            connection.respond("200 OK", PROTOBUF, GET_AGENTS).await;
        };
        let id = v1::AgentId::new(agent);
        let (found, ()) = within(async { tokio::join!(api.agent_url(&id), answering) }).await;
        let found = found.map(|url| url.to_string());
        let found = found.map_err(|error| error.to_string().replace(&peer.url(), "URL"));
        assert_eq!(found.as_deref().map_err(String::as_str), url);
    }
}

/// Answers one request with this, and returns the request.
async fn answer(peer: &Peer, status: &str, body: &[u8]) -> Request {
    let mut connection = peer.accept().await;
    let request = connection.request().await;
    connection.respond(status, "", body).await;
    request
}

const OK: &str = "200 OK";
const NO_LEADER: (&str, &[u8]) = ("503 Service Unavailable", b"No leader elected");

#[tokio::test]
async fn the_next_master_is_asked_when_one_is_away_or_knows_no_leader() {
    let (gone, standby, leader) = (Peer::start().await, Peer::start().await, Peer::start().await);
    let list = [&gone, &standby, &leader].map(Peer::url).join(",");
    let api = MasterApi::new(Masters::parse(&list).unwrap());
    drop(gone);
    let answering = async {
        answer(&standby, NO_LEADER.0, NO_LEADER.1).await;
        answer(&leader, OK, GET_TASKS).await;
        // Who answered is asked first from here on.
        answer(&leader, OK, GET_AGENTS).await;
    };
    let asking = async { (api.get_tasks().await.unwrap(), api.get_agents().await.unwrap()) };
    within(async { tokio::join!(asking, answering) }).await;
}

#[tokio::test]
async fn the_failures_of_all_masters_are_told() {
    let (gone, standby) = (Peer::start().await, Peer::start().await);
    let urls = [gone.url(), standby.url()];
    let api = MasterApi::new(Masters::parse(&urls.join(",")).unwrap());
    drop(gone);
    let answering = answer(&standby, NO_LEADER.0, NO_LEADER.1);
    let (error, _) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    let error = error.unwrap_err();
    assert!(error.may_heal());
    assert_eq!(
        error.to_string(),
        format!(
            "none of 2 masters answered; {}/api/v1: connection refused; {}/api/v1: refused with 503 'No leader elected'",
            urls[0], urls[1]
        )
    );
}

#[tokio::test]
async fn the_next_master_is_asked_while_others_elect_or_start() {
    let (old, starting, leader) = (Peer::start().await, Peer::start().await, Peer::start().await);
    let list = [&old, &starting, &leader].map(Peer::url).join(",");
    let api = MasterApi::new(Masters::parse(&list).unwrap());
    let answering = async {
        // Takes itself for a standby of itself.
        redirect_in_a_circle(&old).await;
        answer(&starting, "404 Not Found", b"404 Not Found.").await;
        answer(&leader, OK, GET_TASKS).await;
    };
    let (tasks, ()) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    tasks.unwrap();
}

#[tokio::test]
async fn an_election_and_a_start_may_heal() {
    let peer = Peer::start().await;
    let api = MasterApi::new(url_of(&peer));
    let answering = async {
        redirect_in_a_circle(&peer).await;
        answer(&peer, "404 Not Found", b"404 Not Found.").await;
        for headers in ["", "Location: ftp://x\r\n"] {
            let mut connection = peer.accept().await;
            connection.request().await;
            connection.respond("307 Temporary Redirect", headers, b"").await;
        }
    };
    let asking = async {
        let mut errors = Vec::new();
        for _ in 0..4 {
            errors.push(api.get_tasks().await.unwrap_err());
        }
        errors
    };
    let (errors, ()) = within(async { tokio::join!(asking, answering) }).await;
    assert!(errors.iter().all(OperatorError::may_heal));
    let errors: Vec<_> = errors
        .iter()
        .map(|error| error.to_string().replace(&format!("{}/api/v1: ", peer.url()), ""))
        .collect();
    assert_eq!(
        errors,
        [
            "redirected more than 5 times",
            "refused with 404 '404 Not Found.'",
            "a redirect without Location",
            "cannot follow the redirect: invalid URL 'ftp://x': unknown scheme 'ftp', expected http://host:port or \
             https://host:port",
        ]
    );
}

/// Redirects a call to where it came to as often as it is followed.
async fn redirect_in_a_circle(peer: &Peer) {
    let location = format!("Location: //{}\r\n", peer.authority());
    for _ in 0..6 {
        let mut connection = peer.accept().await;
        connection.request().await;
        connection.respond("307 Temporary Redirect", &location, b"").await;
    }
}

#[tokio::test]
async fn masters_behind_zookeeper_are_not_looked_up() {
    let api = MasterApi::new(Masters::parse("zk://zk1.example/mesos").unwrap());
    let error = api.get_tasks().await.unwrap_err();
    assert!(!error.may_heal());
    assert_eq!(
        error.to_string(),
        "no URL of a master is known: zk:// is not asked here, expected a list of URLs"
    );
}

#[tokio::test]
async fn what_a_leader_refuses_is_not_asked_of_another_master() {
    let (leader, other) = (Peer::start().await, Peer::start().await);
    let api = MasterApi::new(Masters::parse(&format!("{},{}", leader.url(), other.url())).unwrap());
    let answering = answer(&leader, "403 Forbidden", b"no");
    let (error, _) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    assert_eq!(error.unwrap_err().to_string(), format!("{}/api/v1: refused with 403 'no'", leader.url()));
}

/// Gives `token=1`, `token=2` and so on.
struct Tokens(AtomicUsize);

impl AuthProvider for Tokens {
    fn header(
        &self,
        _: Option<AuthHeader>,
    ) -> Pin<Box<dyn Future<Output = Result<AuthHeader, AuthError>> + Send + '_>> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move {
            match number {
                3 => Err(AuthError::unavailable("the issuer is away")),
                _ => AuthHeader::authorization(&format!("token={number}")),
            }
        })
    }
}

#[tokio::test]
async fn refused_credentials_are_renewed_once() {
    const REFUSED: (&str, &[u8]) = ("401 Unauthorized", b"401 Unauthorized.");
    let peer = Peer::start().await;
    let api = MasterApi::new(url_of(&peer)).credentials(Credentials::provider(Tokens(AtomicUsize::new(0))));
    let answering = async {
        let mut seen = Vec::new();
        // Renewed with success; renewed in vain; not to be renewed.
        for (status, body) in [REFUSED, (OK, GET_TASKS), REFUSED] {
            let request = answer(&peer, status, body).await;
            seen.push(request.header("authorization").unwrap().to_owned());
        }
        seen
    };
    let asking = async { (api.get_tasks().await, api.get_tasks().await) };
    let ((tasks, error), seen) = within(async { tokio::join!(asking, answering) }).await;
    assert_eq!(seen, ["token=1", "token=2", "token=2"]);
    tasks.unwrap();
    let error = error.unwrap_err();
    assert!(error.may_heal());
    assert_eq!(error.to_string(), format!("{}/api/v1: no credentials: the issuer is away", peer.url()));

    for (credentials, sent, text) in [
        (Credentials::none(), None, "it wants credentials, none were sent: 401 '401 Unauthorized.'"),
        (
            Credentials::basic("p", "s").unwrap(),
            Some("Basic cDpz"),
            "the credentials were refused with 401 '401 Unauthorized.'",
        ),
    ] {
        let api = MasterApi::new(url_of(&peer)).credentials(credentials);
        let answering = answer(&peer, REFUSED.0, REFUSED.1);
        let (error, request) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
        assert_eq!(request.header("authorization"), sent);
        assert_eq!(error.unwrap_err().to_string(), format!("{}/api/v1: {text}", peer.url()));
    }
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    let peer = Peer::start().await;
    let api = MasterApi::new(url_of(&peer)).credentials(Credentials::provider(Tokens(AtomicUsize::new(0))));
    let answering = async {
        for _ in 0..2 {
            answer(&peer, "401 Unauthorized", b"no").await;
        }
    };
    let (error, ()) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    let error = error.unwrap_err();
    assert!(matches!(error, OperatorError::Unauthorized { sent: true, .. }) && !error.may_heal(), "{error}");
}

#[tokio::test]
async fn no_answer_is_told_apart_from_no_connection() {
    let peer = Peer::start().await;
    let api = AgentApi::new(url_of(&peer)).timeout(Duration::from_millis(50));
    let error = within(api.read_file("/a", 0, None)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{}/api/v1: no answer within 50ms", peer.url()));
    let gone = peer.url();
    drop(peer);
    let error = within(api.read_file("/a", 0, None)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{gone}/api/v1: connection refused"));
    assert!(error.may_heal());
}
