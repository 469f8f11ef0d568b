//! HTTP on loopback: the scheduler and operator APIs of the master, the API of agents.

mod accept;
mod agent;
mod body;
mod connections;
mod executor;
mod gate;
mod gzip;
mod json_rules;
mod master;
mod path;
mod respond;
mod scheduler;
mod stream;

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

pub(crate) use self::{agent::AgentApi, connections::Connections, master::MasterApi};
use self::{gate::Gate, respond::Body};

/// Real masters count bytes of heads, not headers; so many fit in no sensible head.
const MAX_HEADERS: usize = 512;

/// One HTTP server's way of answering.
pub(crate) trait Api: Send + Sync + 'static {
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves until `stop` is over, then ends every connection. Dropping it does that some time later.
pub(crate) async fn serve<A: Api>(
    listener: TcpListener,
    api: Arc<A>,
    open: Connections,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Small answers go out at once; a socket that refuses this works all the same.
                    let _ = stream.set_nodelay(true);
                    let (api, counted) = (api.clone(), open.open());
                    connections.spawn(async move {
                        serve_connection(TokioIo::new(Gate::new(stream)), api).await;
                        drop(counted);
                    });
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
    drop(listener);
    connections.shutdown().await;
}

async fn serve_connection<A: Api>(connection: TokioIo<Gate>, api: Arc<A>) {
    let service = service_fn(|request: Request<Incoming>| {
        let api = api.clone();
        async move {
            let may_pack = gzip::is_accepted(request.headers());
            let response = api.answer(request).await;
            Ok::<_, Infallible>(if may_pack { gzip::pack(response).await } else { response })
        }
    });
    let mut server = http1::Builder::new();
    server.title_case_headers(true).max_headers(MAX_HEADERS);
    let served = server.serve_connection(connection, service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke");
    }
}
