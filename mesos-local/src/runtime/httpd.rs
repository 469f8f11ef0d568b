//! A web server with one page, in the place of images that are a web server and no action.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

use super::server::ACCEPT_PAUSE;

const PAGE: &str = "<!DOCTYPE html>\n<html><body><h1>It works</h1></body></html>\n";

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener) -> u8 {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(async move {
                        let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
                        // Clients may break off.
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, page) = page(request.method(), request.uri().path());
    let mut response = Response::new(Full::from(page));
    *response.status_mut() = status;
    let html = header::HeaderValue::from_static("text/html");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

fn page(method: &Method, path: &str) -> (StatusCode, &'static str) {
    match (method, path) {
        (&Method::GET | &Method::HEAD, "/" | "/index.html") => (StatusCode::OK, PAGE),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "There is no such page.\n"),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are answered.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_page() {
        for (method, path, status) in [
            (Method::GET, "/", 200),
            (Method::HEAD, "/index.html", 200),
            (Method::GET, "/other", 404),
            (Method::POST, "/", 405),
        ] {
            assert_eq!(page(&method, path).0, status, "{method} {path}");
        }
    }
}
