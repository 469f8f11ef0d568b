//! Subscribes at a master that wants tokens of DC/OS.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::{env, error::Error, process::ExitCode};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use mesos_proto::v1::FrameworkInfo;
use mesos_scheduler_client::{
    AuthError, AuthHeader, AuthProvider, Client, ClientBuilder, Credentials, Event, Events, HttpUrl, Masters,
};
use serde_json::json;
use tokio::{net::TcpStream, task::JoinSet};

const USAGE: &str = "usage: DCOS_UID=... DCOS_PASSWORD=... dcos_auth LOGIN_URL MASTERS

Logs in, subscribes with the token that this gives, and ends the framework.
LOGIN_URL is for instance http://master.mesos:80/acs/api/v1/auth/login.
MASTERS is the URL of a master, http://host:5050 or https://host:5050, or a list of them with commas between;
or zk://host:2181/mesos in a build with the feature zookeeper (cargo run --features zookeeper ...).";

/// Logs in whenever a token is wanted: at first, and when a master refuses the one it was shown.
struct DcosLogin {
    url: HttpUrl,
    uid: String,
    password: String,
}

impl AuthProvider for DcosLogin {
    fn header(&self, _refused: Option<AuthHeader>) -> BoxFuture<'_, Result<AuthHeader, AuthError>> {
        Box::pin(async move { AuthHeader::authorization(&format!("token={}", self.log_in().await?)) })
    }
}

impl DcosLogin {
    async fn log_in(&self) -> Result<String, AuthError> {
        // A service account has no password but a key. In place of the password it sends
        // "token": a JWT with the claims {"uid", "exp"}, signed by its private key with RS256
        // (the crate jsonwebtoken does that). All else is the same.
        let body = json!({ "uid": self.uid, "password": self.password }).to_string();
        let (status, answer) = self
            .post(body)
            .await
            .map_err(|error| AuthError::unavailable(format!("{}: {error}", self.url)))?;
        match status.as_u16() {
            200 => {
                let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
                let token = answer["token"].as_str().map(str::to_owned);
                token.ok_or_else(|| {
                    AuthError::refused(format!("{}: expected a JSON object with 'token'", self.url))
                })
            }
            // As things are nobody can log in; the client tries again.
            429 | 500.. => Err(AuthError::unavailable(format!("{}: {status}", self.url))),
            _ => Err(AuthError::refused(format!("{}: {status} for '{}'", self.url, self.uid))),
        }
    }

    /// The crate has no HTTP client of its own to lend: take the one that the program has anyway, which may
    /// speak `https`.
    async fn post(&self, body: String) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
        let endpoint = self.url.endpoint();
        let tcp = TcpStream::connect((endpoint.host(), endpoint.port())).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await?;
        let mut io = JoinSet::new();
        io.spawn(connection);
        let request = Request::post(self.url.path())
            .header("Host", endpoint.authority())
            .header("Content-Type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let answer = sender.send_request(request).await?;
        Ok((answer.status(), answer.into_body().collect().await?.to_bytes()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if matches!(&arguments[..], [option] if option == "--help" || option == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let started = parse(&arguments).and_then(|(login, masters)| start(login, masters));
    let (client, events) = match started {
        Ok(started) => started,
        Err(problem) => {
            eprintln!("dcos_auth: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match subscribe(&client, events).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dcos_auth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<(DcosLogin, &str), Box<dyn Error>> {
    let [url, masters] = arguments else {
        return Err(format!("expected LOGIN_URL and MASTERS, seen: {arguments:?}").into());
    };
    let variable = |name| env::var(name).map_err(|error| format!("{name}: {error}"));
    let (uid, password) = (variable("DCOS_UID")?, variable("DCOS_PASSWORD")?);
    if url.starts_with("https:") {
        return Err(format!("'{url}': this example logs in over http only").into());
    }
    let url = url.parse().map_err(|error| format!("LOGIN_URL: {error}"))?;
    Ok((DcosLogin { url, uid, password }, masters))
}

/// What fails here is wrong with the arguments.
fn start(login: DcosLogin, masters: &str) -> Result<(Client, Events), Box<dyn Error>> {
    let info = FrameworkInfo {
        user: "nobody".into(),
        name: "dcos_auth".into(),
        principal: Some(login.uid.clone()),
        ..FrameworkInfo::default()
    };
    let credentials = Credentials::provider(login);
    Ok(ClientBuilder::new(info, Masters::parse(masters)?).credentials(credentials).start()?)
}

async fn subscribe(client: &Client, mut events: Events) -> Result<(), Box<dyn Error>> {
    while let Some(event) = events.next().await {
        match event {
            Event::Subscribed { framework_id, url, .. } => {
                println!("{url}: subscribed as {framework_id}");
                client.teardown().await?;
                return Ok(());
            }
            Event::Disconnected { why, retry_in, .. } => eprintln!("{why}; trying again in {retry_in:?}"),
            Event::Closed(reason) => return Err(reason.to_string().into()),
            _ => {}
        }
    }
    Err("the client ended without a reason".into())
}
