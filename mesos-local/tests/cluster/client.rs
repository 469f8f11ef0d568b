//! A small HTTP client, and a scheduler on top of it that knows no more than the wire.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use mesos_local::Cluster;
use mesos_proto::{
    recordio,
    v1::{
        self,
        framework_info::{Capability, capability},
        scheduler::{Call, Event, call},
    },
};
use prost::Message as _;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

/// Nothing in these tests takes longer unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Gives up after a while: heartbeats must not keep a broken test alive.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} took too long"))
}

/// One HTTP connection.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: JoinSet<()>,
}

/// A response whose body was read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    /// Connects to `http://host:port`.
    pub(crate) async fn open(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Tests break connections on purpose.
            let _ = connection.await;
        });
        Self { sender, driver }
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        within("a response", self.sender.send_request(request)).await.unwrap()
    }

    pub(crate) async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let (head, body) = self.send(request).await.into_parts();
        let body = within("a body", body.collect()).await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.exchange(Request::get(path).header("Host", "test").body(Full::default()).unwrap()).await
    }

    /// Posts JSON and takes JSON.
    pub(crate) async fn post(&mut self, path: &str, json: impl Into<String>) -> Answer {
        let request = Request::post(path)
            .header("Host", "test")
            .header("Content-Type", "application/json")
            .body(Full::from(json.into()))
            .unwrap();
        self.exchange(request).await
    }

    /// Ends the connection at once.
    pub(crate) fn abort(mut self) {
        self.driver.abort_all();
    }
}

/// A subscribed scheduler: one connection for the stream, one for calls.
pub(crate) struct Scheduler {
    pub(crate) framework_id: v1::FrameworkId,
    pub(crate) stream_id: String,
    calls: Connection,
    stream: Connection,
    body: Incoming,
    decoder: recordio::Decoder,
    /// Offers that came while something else was waited for, and that stand.
    offers: VecDeque<v1::Offer>,
}

impl Scheduler {
    pub(crate) async fn subscribe(cluster: &Cluster, subscribe: call::Subscribe) -> Self {
        Self::subscribe_at(&cluster.master_url(), subscribe).await
    }

    pub(crate) async fn subscribe_at(url: &str, subscribe: call::Subscribe) -> Self {
        let (calls, mut stream) = (Connection::open(url).await, Connection::open(url).await);
        let framework_id = subscribe.framework_info.id.clone().unwrap_or_default();
        let call = Call {
            framework_id: subscribe.framework_info.id.clone(),
            r#type: Some(call::Type::Subscribe.into()),
            subscribe: Some(subscribe),
            ..Default::default()
        };
        let request = protobuf(&call).body(Full::from(call.encode_to_vec())).unwrap();
        let response = stream.send(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let stream_id = response.headers()["Mesos-Stream-Id"].to_str().unwrap().to_owned();
        let body = response.into_body();
        Self {
            framework_id,
            stream_id,
            calls,
            stream,
            body,
            decoder: recordio::Decoder::new(),
            offers: VecDeque::new(),
        }
    }

    /// The next event, `None` at the end of the response.
    ///
    /// # Errors
    /// The stream broke.
    pub(crate) async fn try_event(&mut self) -> Result<Option<Event>, hyper::Error> {
        loop {
            if let Some(record) = self.decoder.next_record().unwrap() {
                let event = Event::decode(record).unwrap();
                if let Some(subscribed) = &event.subscribed {
                    self.framework_id = subscribed.framework_id.clone();
                }
                return Ok(Some(event));
            }
            match within("an event", self.body.frame()).await {
                None => {
                    self.decoder.finish().unwrap();
                    return Ok(None);
                }
                Some(frame) => self.decoder.push(frame?.into_data().unwrap()),
            }
        }
    }

    pub(crate) async fn event(&mut self) -> Option<Event> {
        self.try_event().await.unwrap()
    }

    /// The next event that is chosen; others are skipped, but the offers of them are kept.
    pub(crate) async fn find<T>(&mut self, choose: impl Fn(Event) -> Option<T>) -> T {
        loop {
            let event = self.event().await.expect("the stream goes on");
            let offers = event.offers.clone();
            if let Some(rescind) = &event.rescind {
                self.offers.retain(|offer| offer.id != rescind.offer_id);
            }
            if let Some(found) = choose(event) {
                return found;
            }
            self.offers.extend(offers.into_iter().flat_map(|offers| offers.offers));
        }
    }

    /// An offer that stands, or the next one.
    pub(crate) async fn offer(&mut self) -> v1::Offer {
        if let Some(offer) = self.offers.pop_front() {
            return offer;
        }
        self.find(|event| event.offers?.offers.into_iter().next()).await
    }

    /// Reads updates, acknowledging each, up to the end of a task; gives all statuses of it.
    pub(crate) async fn follow(&mut self, task: &str) -> Vec<v1::TaskStatus> {
        let mut seen = Vec::new();
        loop {
            let status = self.update(task).await;
            let ended = status.state().is_terminal();
            seen.push(status);
            if ended {
                return seen;
            }
        }
    }

    /// Reads and acknowledges updates until one about this task comes.
    pub(crate) async fn update(&mut self, task: &str) -> v1::TaskStatus {
        loop {
            let status = self.find(|event| Some(event.update?.status)).await;
            self.acknowledge(&status).await;
            if status.task_id.value == task {
                return status;
            }
        }
    }

    pub(crate) async fn acknowledge(&mut self, status: &v1::TaskStatus) {
        let (Some(agent_id), Some(uuid)) = (status.agent_id.clone(), status.uuid.clone()) else {
            return;
        };
        let acknowledge = call::Acknowledge { agent_id, task_id: status.task_id.clone(), uuid };
        let call = Call { acknowledge: Some(acknowledge), ..Default::default() };
        self.call(call::Type::Acknowledge, call).await;
    }

    /// Makes a call that has to be accepted.
    pub(crate) async fn call(&mut self, kind: call::Type, call: Call) {
        let answer = self
            .send(Call { r#type: Some(kind.into()), framework_id: Some(self.framework_id.clone()), ..call })
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{kind:?}: {}", answer.text());
    }

    pub(crate) async fn send(&mut self, call: Call) -> Answer {
        let request = protobuf(&call)
            .header("Mesos-Stream-Id", &self.stream_id)
            .body(Full::from(call.encode_to_vec()))
            .unwrap();
        self.calls.exchange(request).await
    }

    /// Launches one task on an offer; the rest comes back at once.
    pub(crate) async fn launch(&mut self, offer: &v1::Offer, task: v1::TaskInfo) {
        let launch = v1::offer::Operation {
            r#type: Some(v1::offer::operation::Type::Launch.into()),
            launch: Some(v1::offer::operation::Launch { task_infos: vec![task] }),
            ..Default::default()
        };
        let accept = call::Accept {
            offer_ids: vec![offer.id.clone()],
            operations: vec![launch],
            filters: Some(v1::Filters { refuse_seconds: Some(0.0) }),
        };
        self.call(call::Type::Accept, Call { accept: Some(accept), ..Default::default() }).await;
    }

    pub(crate) async fn kill(&mut self, task: &str, grace: Option<Duration>) {
        let kill_policy = grace.map(|grace| v1::KillPolicy {
            grace_period: Some(v1::DurationInfo { nanoseconds: i64::try_from(grace.as_nanos()).unwrap() }),
        });
        let kill = call::Kill { task_id: v1::TaskId::new(task), agent_id: None, kill_policy };
        self.call(call::Type::Kill, Call { kill: Some(kill), ..Default::default() }).await;
    }

    /// Closes both connections, as a crash does.
    pub(crate) fn vanish(self) {
        self.stream.abort();
        self.calls.abort();
    }
}

fn protobuf(_: &Call) -> http::request::Builder {
    Request::post("/api/v1/scheduler")
        .header("Host", "test")
        .header("Content-Type", "application/x-protobuf")
        .header("Accept", "application/x-protobuf")
}

/// A framework of role `web` that understands everything new.
pub(crate) fn framework() -> v1::FrameworkInfo {
    use capability::Type::{MultiRole, PartitionAware, ReservationRefinement, TaskKillingState};
    let capabilities = [MultiRole, PartitionAware, ReservationRefinement, TaskKillingState];
    v1::FrameworkInfo {
        user: "nobody".into(),
        name: "demo".into(),
        roles: vec!["web".into()],
        capabilities: capabilities.map(|capability| Capability { r#type: Some(capability.into()) }).into(),
        ..Default::default()
    }
}

pub(crate) async fn subscribe(cluster: &Cluster) -> Scheduler {
    Scheduler::subscribe(cluster, call::Subscribe { framework_info: framework(), ..Default::default() }).await
}

/// A task for an offer that runs a shell command.
pub(crate) fn command(id: &str, offer: &v1::Offer, command: &str) -> v1::TaskInfo {
    v1::TaskInfo {
        name: id.into(),
        task_id: v1::TaskId::new(id),
        agent_id: offer.agent_id.clone(),
        resources: vec![v1::Resource::scalar_milli("cpus", 100), v1::Resource::scalar_milli("mem", 32_000)],
        command: Some(v1::CommandInfo { value: Some(command.into()), ..Default::default() }),
        ..Default::default()
    }
}
