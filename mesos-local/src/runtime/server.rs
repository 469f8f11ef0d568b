//! HTTP/1.1 around one action.

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    Action,
    message::{Reply, Request},
};

/// How long to leave new connections alone after one could not be accepted.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A request and where its answer goes. Connections hand them over, so that a client that hangs up does
/// not cancel a run.
struct Call {
    request: Request,
    answer: oneshot::Sender<Option<Reply>>,
}

/// The server of one runtime.
pub(super) struct Server {
    listener: TcpListener,
    action: Arc<Action>,
}

/// The action ended before it answered.
#[derive(Debug, thiserror::Error)]
#[error("the action ended before it answered")]
struct Ended;

impl Server {
    pub(super) fn new(listener: TcpListener, action: Action) -> Self {
        Self { listener, action: Arc::new(action) }
    }

    /// Serves until the action ends; returns the exit code that it asks for.
    pub(super) async fn serve(self) -> u8 {
        let mut connections = JoinSet::new();
        let mut running = JoinSet::new();
        let (call_sender, mut calls) = mpsc::channel::<Call>(16);
        let ended = self.action.ended();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                code = &mut ended => return code,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, call_sender.clone(), self.action.max_body_bytes()));
                    }
                    // Often the connection is gone already; but if no descriptor is left, the next try
                    // fails at once, too.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(call) = calls.recv() => {
                    let action = Arc::clone(&self.action);
                    running.spawn(async move {
                        let reply = action.handle(call.request).await;
                        // The client may have hung up.
                        let _ = call.answer.send(reply);
                    });
                }
                Some(_) = connections.join_next() => {}
                Some(_) = running.join_next() => {}
            }
        }
    }
}

/// Serves one connection to its end.
async fn connection(stream: TcpStream, calls: mpsc::Sender<Call>, max_body_bytes: usize) {
    let service = service_fn(|request: http::Request<Incoming>| {
        let calls = calls.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = read_body(body, max_body_bytes).await.map_err(io::Error::other)?;
            let path = head.uri.path().to_owned();
            let (answer, wait) = oneshot::channel();
            let call = Call { request: Request { method: head.method, path, body }, answer };
            calls.send(call).await.map_err(|_| io::Error::other(Ended))?;
            let reply = wait.await.ok().flatten().ok_or_else(|| io::Error::other(Ended))?;
            Ok::<_, io::Error>(response(reply))
        }
    });
    // Whatever goes wrong with a connection is the client's to notice.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Reads a body to its end; `None` if it is longer than the limit. The rest of such a body is read too,
/// because a client that still writes would not see the answer.
async fn read_body(mut body: Incoming, max_body_bytes: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut bytes = Some(BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        bytes = bytes.filter(|bytes| bytes.len() + data.len() <= max_body_bytes);
        if let Some(bytes) = &mut bytes {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.map(BytesMut::freeze))
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    if let Some(content_type) = reply.content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    }
    response
}
