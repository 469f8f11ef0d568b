//! The API of an agent: health, files, and the calls about them.

mod download;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use mesos_proto::v1::{
    self,
    agent::{Call, Response as Answer, call, response},
};

use self::download::Download;
use super::{
    Api, accept, body, executor, path,
    respond::{self, Body},
};
use crate::{
    agent::{
        Executors, Ledger, Sandboxes,
        files::{self, FileError, Part},
    },
    master::VERSION,
};

/// Everything that an agent answers.
pub(crate) struct AgentApi {
    pub(crate) sandboxes: Sandboxes,
    pub(crate) executors: Executors,
    pub(crate) ledger: Ledger,
}

type Outcome = Result<Response<Body>, Response<Body>>;

impl Api for AgentApi {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let segments = path::segments(request.uri().path()).unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let outcome = match segments.as_slice() {
            ["api", "v1", "executor"] | ["slave(1)", "api", "v1", "executor"] => {
                executor::answer(&self.executors, request).await
            }
            ["api", "v1", ..] | ["slave(1)", "api", "v1", ..] => self.call(request).await,
            // No prefix before these: seen on a real agent.
            ["files", "read"] => self.read(request.uri().query()).await,
            ["files", "download"] => self.download(request.uri().query()).await,
            ["files", "browse"] => self.browse(request.uri().query()).await,
            ["health"] | ["slave(1)", "health"] => Ok(respond::text(StatusCode::OK, "")),
            _ => Err(respond::not_found()),
        };
        match outcome {
            Ok(response) | Err(response) => response,
        }
    }
}

impl AgentApi {
    async fn call(&self, request: Request<Incoming>) -> Outcome {
        let (head, incoming) = request.into_parts();
        if head.method != Method::POST {
            return Err(respond::method_not_allowed("POST", &head.method));
        }
        let call: Call = body::read(&head.headers, incoming).await?;
        let Some(kind) = call.r#type.and_then(|number| call::Type::try_from(number).ok()) else {
            return Err(invalid("type"));
        };
        let encoding = accept::negotiate(&head.headers)?;
        let (kind, answer) = match kind {
            call::Type::GetHealth => {
                let get_health = Some(response::GetHealth { healthy: true });
                (response::Type::GetHealth, Answer { get_health, ..Answer::default() })
            }
            call::Type::GetVersion => {
                let version_info = v1::VersionInfo { version: VERSION.into(), ..v1::VersionInfo::default() };
                let get_version = Some(response::GetVersion { version_info });
                (response::Type::GetVersion, Answer { get_version, ..Answer::default() })
            }
            call::Type::ReadFile => {
                let call::ReadFile { path, offset, length } =
                    call.read_file.ok_or_else(|| invalid("read_file"))?;
                let Part { size, data } =
                    self.blocking(move |sandboxes| files::read(sandboxes, &path, offset, length)).await?;
                let read_file = Some(response::ReadFile { size, data: data.into() });
                (response::Type::ReadFile, Answer { read_file, ..Answer::default() })
            }
            call::Type::ListFiles => {
                let call::ListFiles { path } = call.list_files.ok_or_else(|| invalid("list_files"))?;
                let file_infos = self.blocking(move |sandboxes| files::list(sandboxes, &path)).await?;
                let list_files = Some(response::ListFiles { file_infos });
                (response::Type::ListFiles, Answer { list_files, ..Answer::default() })
            }
            call::Type::GetTasks => {
                let get_tasks = Some(self.ledger.tasks());
                (response::Type::GetTasks, Answer { get_tasks, ..Answer::default() })
            }
            call::Type::GetContainers => {
                let wanted = call.get_containers.unwrap_or_default();
                let get_containers = Some(self.ledger.containers(wanted.show_nested()));
                (response::Type::GetContainers, Answer { get_containers, ..Answer::default() })
            }
            other => {
                let text = format!("{} is not supported by this agent", other.as_str_name());
                return Err(respond::text(StatusCode::NOT_IMPLEMENTED, text));
            }
        };
        Ok(respond::message(encoding, &Answer { r#type: Some(kind.into()), ..answer }))
    }

    async fn read(&self, query: Option<&str>) -> Outcome {
        let path = required_path(query)?;
        let offset = number(query, "offset")?;
        let length = number(query, "length")?.and_then(|length| u64::try_from(length).ok());
        let offset = match offset {
            Some(-1) | None => None,
            Some(offset) => Some(u64::try_from(offset).map_err(|_| {
                respond::text(StatusCode::BAD_REQUEST, format!("Negative offset provided: {offset}.\n"))
            })?),
        };
        // Without an offset the answer is where the end is.
        let length = if offset.is_some() { length } else { Some(0) };
        let part = self
            .blocking(move |sandboxes| files::read(sandboxes, &path, offset.unwrap_or(0), length))
            .await?;
        let json = files_json(&part.data, offset.unwrap_or(part.size));
        Ok(respond::bytes(StatusCode::OK, Some("application/json"), json.into()))
    }

    async fn download(&self, query: Option<&str>) -> Outcome {
        let path = required_path(query)?;
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let (file, size) = self.blocking(move |sandboxes| files::open(sandboxes, &path)).await?;
        let mut response = Response::new(Download::new(file, size).boxed_unsync());
        let media_type = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename={name}")) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
        }
        Ok(response)
    }

    async fn browse(&self, query: Option<&str>) -> Outcome {
        let path = required_path(query)?;
        let infos = self.blocking(move |sandboxes| files::list(sandboxes, &path)).await?;
        let entries: Vec<serde_json::Value> = infos
            .into_iter()
            .map(|info| {
                serde_json::json!({
                    "gid": info.gid,
                    "mode": files::mode_text(info.mode.unwrap_or(0)),
                    "mtime": info.mtime.map_or(0, |time| time.nanoseconds) as f64 / 1e9,
                    "nlink": info.nlink,
                    "path": info.path,
                    "size": info.size,
                    "uid": info.uid,
                })
            })
            .collect();
        let json = serde_json::Value::from(entries).to_string();
        Ok(respond::bytes(StatusCode::OK, Some("application/json"), json.into()))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Sandboxes) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, Response<Body>> {
        let sandboxes = self.sandboxes.clone();
        match tokio::task::spawn_blocking(move || work(&sandboxes)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(FileError::Missing)) => {
                let mut response = respond::text(StatusCode::NOT_FOUND, "");
                let plain = HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(header::CONTENT_TYPE, plain);
                Err(response)
            }
            Ok(Err(FileError::Refused(text))) => {
                Err(respond::text(StatusCode::BAD_REQUEST, format!("{text}\n")))
            }
            Ok(Err(FileError::Io(error))) => {
                Err(respond::text(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot read: {error}\n")))
            }
            Err(_) => Err(respond::unavailable()),
        }
    }
}

fn invalid(field: &str) -> Response<Body> {
    let text = format!("Failed to validate agent::Call: Expecting '{field}' to be present");
    respond::text(StatusCode::BAD_REQUEST, text)
}

#[expect(clippy::result_large_err, reason = "the error is the response, made once")]
fn required_path(query: Option<&str>) -> Result<String, Response<Body>> {
    path::query_value(query, "path")
        .filter(|path| !path.is_empty())
        .ok_or_else(|| respond::text(StatusCode::BAD_REQUEST, "Expecting 'path=value' in query.\n"))
}

#[expect(clippy::result_large_err, reason = "the error is the response, made once")]
fn number(query: Option<&str>, name: &str) -> Result<Option<i64>, Response<Body>> {
    let Some(text) = path::query_value(query, name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let text = format!("Failed to parse {name}: Failed to convert '{text}' to number.\n");
        respond::text(StatusCode::BAD_REQUEST, text)
    })
}

/// `{"data":"…","offset":…}`. Bytes that are no UTF-8 stand in it as they are: such an answer is no JSON,
/// and that is how real agents answer.
fn files_json(data: &[u8], offset: u64) -> Vec<u8> {
    let mut out = br#"{"data":""#.to_vec();
    for &byte in data {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(br"\n"),
            b'\r' => out.extend(br"\r"),
            b'\t' => out.extend(br"\t"),
            0..=0x1f => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.extend(format!("\",\"offset\":{offset}}}").bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let json = files_json(b"a\"\\\n\x01\xff", 7);
        assert_eq!(json, b"{\"data\":\"a\\\"\\\\\\n\\u0001\xff\",\"offset\":7}");
    }
}
