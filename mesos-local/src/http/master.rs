//! The routes of the master, and its operator API.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use mesos_proto::{
    json,
    v1::{
        self,
        master::{Call, Response as Answer, call, response},
    },
};

use super::{
    Api, accept, body, path,
    respond::{self, Body, Encoding},
    scheduler,
};
use crate::{
    cluster::{FrameworkCredentials, MasterPhase},
    driver::DriverHandle,
    master::{Answer as Done, VERSION},
};

/// Everything that the master answers.
pub(crate) struct MasterApi {
    pub(crate) driver: DriverHandle,
    /// `host:port` of the master.
    pub(crate) authority: String,
    pub(crate) phase: Mutex<MasterPhase>,
    /// `None`: everybody may call. Shared by the masters of a cluster.
    pub(crate) credentials: Arc<Mutex<Option<FrameworkCredentials>>>,
    /// Paths that nobody may call, without `/master`.
    pub(crate) disabled_endpoints: Arc<[String]>,
}

impl Api for MasterApi {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if is_actor_message(&request) {
            return respond::not_found();
        }
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match phase {
            // The connection is about to be cut.
            MasterPhase::Dead | MasterPhase::Unreachable => std::future::pending().await,
            MasterPhase::Starting => return respond::not_found(),
            MasterPhase::NoLeader
            | MasterPhase::Standby { .. }
            | MasterPhase::Recovering
            | MasterPhase::Leading => {}
        }
        let segments = path::segments(request.uri().path()).unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let route = match segments.as_slice() {
            ["master", rest @ ..] => rest,
            all => all,
        };
        let path = format!("/{}", route.join("/"));
        if self.disabled_endpoints.contains(&path) {
            return respond::text(StatusCode::FORBIDDEN, format!("Endpoint '/master{path}' is disabled"));
        }
        // Routes match by their first parts.
        match route {
            ["api", "v1", "scheduler", ..] => match self.principal(&request) {
                Ok(principal) => match not_leading(&phase, &request) {
                    Some(answer) => answer,
                    None => scheduler::answer(&self.driver, principal.as_deref(), request).await,
                },
                Err(unauthorized) => unauthorized,
            },
            ["api", "v1", ..] => match not_leading(&phase, &request) {
                Some(answer) => answer,
                None => match self.operator(request).await {
                    Ok(response) | Err(response) => response,
                },
            },
            ["health"] => respond::text(StatusCode::OK, ""),
            ["redirect"] => match &phase {
                MasterPhase::NoLeader => no_leader(),
                MasterPhase::Standby { leader } => respond::redirect(leader, ""),
                MasterPhase::Recovering
                | MasterPhase::Leading
                | MasterPhase::Dead
                | MasterPhase::Unreachable
                | MasterPhase::Starting => respond::redirect(&self.authority, ""),
            },
            // Not there on the leader.
            ["slaves", ..] => not_leading(&phase, &request).unwrap_or_else(respond::not_found),
            _ => respond::not_found(),
        }
    }
}

/// What a master says that does not lead, or not yet, whatever it is asked.
fn not_leading(phase: &MasterPhase, request: &Request<Incoming>) -> Option<Response<Body>> {
    match phase {
        MasterPhase::NoLeader => Some(no_leader()),
        MasterPhase::Standby { leader } => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let path = path.strip_prefix("/master").unwrap_or(path);
            Some(respond::redirect(leader, &format!("/master{path}")))
        }
        MasterPhase::Recovering => {
            Some(respond::text(StatusCode::SERVICE_UNAVAILABLE, "Master has not finished recovery"))
        }
        MasterPhase::Leading | MasterPhase::Dead | MasterPhase::Unreachable | MasterPhase::Starting => None,
    }
}

fn no_leader() -> Response<Body> {
    respond::text(StatusCode::SERVICE_UNAVAILABLE, "No leader elected")
}

impl MasterApi {
    /// Who has proved to call; `None` if no proof is wanted.
    #[expect(clippy::result_large_err, reason = "the error is the response, made once")]
    fn principal(&self, request: &Request<Incoming>) -> Result<Option<String>, Response<Body>> {
        let credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(credentials) = credentials.as_ref() else {
            return Ok(None);
        };
        let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        match given.and_then(|given| credentials.principal(given)) {
            Some(principal) => Ok(Some(principal.to_owned())),
            None => Err(respond::unauthorized("mesos-master-scheduler")),
        }
    }

    async fn operator(&self, request: Request<Incoming>) -> Result<Response<Body>, Response<Body>> {
        let (head, incoming) = request.into_parts();
        if head.method != Method::POST {
            return Err(respond::method_not_allowed("POST", &head.method));
        }
        let call: Call = body::read(&head.headers, incoming).await?;
        let Some(kind) = call.r#type.and_then(|number| call::Type::try_from(number).ok()) else {
            let text = "Failed to validate master::Call: Expecting 'type' to be present";
            return Err(respond::text(StatusCode::BAD_REQUEST, text));
        };
        let encoding = accept::negotiate(&head.headers)?;
        if changes_something(kind) {
            return self.operate(call).await;
        }
        let answer = self.operator_answer(kind).await?;
        Ok(match encoding {
            Encoding::Json => respond::json(&with_empty_lists(json::to_value(&answer))),
            Encoding::Protobuf => respond::message(encoding, &answer),
        })
    }

    async fn operate(&self, call: Call) -> Result<Response<Body>, Response<Body>> {
        let kind = call.r#type();
        match self.driver.operate(call).await.ok_or_else(respond::unavailable)? {
            Some(Done::Status { status, text }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Ok(respond::text(status, text))
            }
            Some(Done::Stream { .. }) | None => Err(not_supported(kind)),
        }
    }

    async fn operator_answer(&self, kind: call::Type) -> Result<Answer, Response<Body>> {
        use response::Type;
        let driver = &self.driver;
        let gone = respond::unavailable;
        let (kind, answer) = match kind {
            call::Type::GetHealth => {
                let get_health = Some(response::GetHealth { healthy: true });
                (Type::GetHealth, Answer { get_health, ..Answer::default() })
            }
            call::Type::GetVersion => {
                let version_info = v1::VersionInfo { version: VERSION.into(), ..v1::VersionInfo::default() };
                let get_version = Some(response::GetVersion { version_info });
                (Type::GetVersion, Answer { get_version, ..Answer::default() })
            }
            call::Type::GetMaster => {
                let get_master = Some(driver.query(|master| master.get_master()).await.ok_or_else(gone)?);
                (Type::GetMaster, Answer { get_master, ..Answer::default() })
            }
            call::Type::GetTasks => {
                let get_tasks = Some(driver.query(|master| master.get_tasks()).await.ok_or_else(gone)?);
                (Type::GetTasks, Answer { get_tasks, ..Answer::default() })
            }
            call::Type::GetAgents => {
                let get_agents = Some(driver.query(|master| master.get_agents()).await.ok_or_else(gone)?);
                (Type::GetAgents, Answer { get_agents, ..Answer::default() })
            }
            call::Type::GetFrameworks => {
                let get_frameworks =
                    Some(driver.query(|master| master.get_frameworks()).await.ok_or_else(gone)?);
                (Type::GetFrameworks, Answer { get_frameworks, ..Answer::default() })
            }
            call::Type::GetMaintenanceSchedule => {
                let schedule = driver.query(|master| master.get_maintenance_schedule()).await;
                let get_maintenance_schedule = Some(schedule.ok_or_else(gone)?);
                (Type::GetMaintenanceSchedule, Answer { get_maintenance_schedule, ..Answer::default() })
            }
            call::Type::GetMaintenanceStatus => {
                let status = driver.query(|master| master.get_maintenance_status()).await;
                let get_maintenance_status = Some(status.ok_or_else(gone)?);
                (Type::GetMaintenanceStatus, Answer { get_maintenance_status, ..Answer::default() })
            }
            other => return Err(not_supported(other)),
        };
        Ok(Answer { r#type: Some(kind.into()), ..answer })
    }
}

/// Calls that are answered with a status alone.
fn changes_something(kind: call::Type) -> bool {
    use call::Type;
    matches!(
        kind,
        Type::MarkAgentGone
            | Type::DrainAgent
            | Type::DeactivateAgent
            | Type::ReactivateAgent
            | Type::UpdateMaintenanceSchedule
            | Type::StartMaintenance
            | Type::StopMaintenance
            | Type::Teardown
    )
}

fn not_supported(kind: call::Type) -> Response<Body> {
    let text = format!("{} is not supported by this master", kind.as_str_name());
    respond::text(StatusCode::NOT_IMPLEMENTED, text)
}

/// Writes the lists of an answer also when nothing is in them, as real masters do, so that whoever goes
/// over them finds them.
fn with_empty_lists(mut answer: serde_json::Value) -> serde_json::Value {
    const LISTS: [(&str, &[&str]); 3] = [
        ("get_tasks", &["tasks", "unreachable_tasks", "completed_tasks"]),
        ("get_agents", &["agents", "recovered_agents"]),
        ("get_frameworks", &["frameworks", "completed_frameworks"]),
    ];
    for (field, lists) in LISTS {
        if let Some(object) = answer.get_mut(field).and_then(serde_json::Value::as_object_mut) {
            for list in lists {
                object.entry(*list).or_insert_with(|| serde_json::Value::Array(Vec::new()));
            }
        }
    }
    answer
}

/// Real masters take such requests as messages between their parts.
fn is_actor_message(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    let agent = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    agent.starts_with(b"libprocess/") || headers.contains_key("Libprocess-From")
}
