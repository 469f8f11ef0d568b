//! One request and its answer, on a connection of its own.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header::LOCATION};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::OperatorError;
use crate::{
    connection::{Connection, Security, describe, read_text},
    session::{excerpt, post},
    url::HttpUrl,
};

const MAX_REDIRECTS: usize = 5;

/// Posts `body` and returns the body of a 200, up to `limit` bytes; follows redirects.
pub(super) async fn exchange(
    url: &HttpUrl,
    body: Bytes,
    timeout: Duration,
    limit: usize,
) -> Result<Bytes, OperatorError> {
    let answer = tokio::time::timeout(timeout, follow(url.clone(), body, limit)).await;
    answer.unwrap_or_else(|_elapsed| Err(OperatorError::Late { url: url.to_string(), timeout }))
}

async fn follow(mut url: HttpUrl, body: Bytes, limit: usize) -> Result<Bytes, OperatorError> {
    for _ in 0..=MAX_REDIRECTS {
        let unreachable = |why| OperatorError::unreachable(&url, why);
        let mut connection =
            Connection::open(url.endpoint(), &Security::default()).await.map_err(unreachable)?;
        let request = post(&url, body.clone());
        let response = connection.request(request).await.map_err(|error| unreachable(error.why))?;
        let (head, body) = response.into_parts();
        match head.status {
            StatusCode::OK => return read_whole(&url, body, limit).await,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                let location = head.headers.get(LOCATION).map(|value| value.as_bytes()).unwrap_or_default();
                let target = url.resolve(&String::from_utf8_lossy(location));
                url = target.map_err(|error| OperatorError::bad_answer(&url, &error.to_string()))?;
            }
            status => {
                let text = excerpt(&read_text(body).await);
                let url = url.to_string();
                return Err(OperatorError::Refused { url, status: status.as_u16(), text });
            }
        }
    }
    Err(OperatorError::bad_answer(&url, &format!("redirected more than {MAX_REDIRECTS} times")))
}

async fn read_whole(url: &HttpUrl, mut body: Incoming, limit: usize) -> Result<Bytes, OperatorError> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| OperatorError::unreachable(url, describe(&error)))?;
        if let Some(data) = frame.data_ref() {
            if read.len() + data.len() > limit {
                return Err(OperatorError::bad_answer(url, &format!("more than {limit} bytes")));
            }
            read.extend_from_slice(data);
        }
    }
    Ok(read.freeze())
}
