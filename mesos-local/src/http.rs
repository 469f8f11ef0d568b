//! HTTP on loopback: the scheduler and operator APIs of the master, the API of agents.

mod accept;
mod agent;
mod body;
mod json_rules;
mod master;
mod path;
mod respond;
mod scheduler;
mod stream;

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use self::respond::Body;
pub(crate) use self::{agent::AgentApi, master::MasterApi};

/// One HTTP server's way of answering.
pub(crate) trait Api: Send + Sync + 'static {
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves until it is dropped, and with it every connection.
pub(crate) async fn serve<A: Api>(listener: TcpListener, api: Arc<A>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Small answers go out at once; a socket that refuses this works all the same.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve_connection(TokioIo::new(stream), api.clone()));
                }
                Err(error) => {
                    // No more file descriptors, most likely: give others time to return theirs.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve_connection<A: Api>(connection: TokioIo<tokio::net::TcpStream>, api: Arc<A>) {
    let service = service_fn(|request| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(api.answer(request).await) }
    });
    let served = http1::Builder::new().title_case_headers(true).serve_connection(connection, service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke");
    }
}
