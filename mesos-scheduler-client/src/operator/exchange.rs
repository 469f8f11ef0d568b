//! One request and its answer, on a connection of its own.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::OperatorError;
use crate::{
    auth::AuthHeader,
    connection::{Connection, Security, describe, read_text},
    session::{excerpt, post},
    url::{Endpoint, HttpUrl},
};

const MAX_REDIRECTS: usize = 5;

/// A host that is gone swallows packets; another master is asked then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How requests are made.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) security: Security,
    /// For one request with all its redirects.
    pub(super) timeout: Duration,
    /// Bytes that an answer may have.
    limit: usize,
    /// The endpoints that were configured, see [`Self::may_see_credentials`].
    configured: Vec<Endpoint>,
}

/// A request that can be made again.
struct Question {
    method: Method,
    body: Bytes,
}

impl Exchange {
    /// Asks at `urls` and where they redirect to.
    pub(super) fn new(timeout: Duration, limit: usize, urls: &[HttpUrl]) -> Self {
        let configured = urls.iter().map(|url| url.endpoint().clone()).collect();
        Self { security: Security::default(), timeout, limit, configured }
    }

    /// Posts a call and returns the body of a 200; follows redirects.
    pub(super) async fn post(&self, url: &HttpUrl, body: Bytes) -> Result<Bytes, OperatorError> {
        self.ask(url, Question { method: Method::POST, body }).await
    }

    /// Returns the body of a 200; follows redirects.
    pub(super) async fn get(&self, url: &HttpUrl) -> Result<Bytes, OperatorError> {
        self.ask(url, Question { method: Method::GET, body: Bytes::new() }).await
    }

    async fn ask(&self, url: &HttpUrl, question: Question) -> Result<Bytes, OperatorError> {
        let answer = tokio::time::timeout(self.timeout, self.ask_with_credentials(url, &question)).await;
        answer.unwrap_or_else(|_elapsed| Err(OperatorError::late(url, self.timeout)))
    }

    /// Credentials that are refused are renewed once.
    async fn ask_with_credentials(&self, url: &HttpUrl, question: &Question) -> Result<Bytes, OperatorError> {
        let credentials = &self.security.credentials;
        let no_credentials = |error| OperatorError::no_credentials(url, error);
        let header = credentials.current().await.map_err(no_credentials)?;
        match self.follow(url, question, header.as_ref()).await {
            Err(OperatorError::Unauthorized { sent: true, .. }) if credentials.can_refresh() => {
                credentials.refresh(header).await.map_err(no_credentials)?;
                let header = credentials.current().await.map_err(no_credentials)?;
                self.follow(url, question, header.as_ref()).await
            }
            result => result,
        }
    }

    async fn follow(
        &self,
        url: &HttpUrl,
        question: &Question,
        header: Option<&AuthHeader>,
    ) -> Result<Bytes, OperatorError> {
        let (mut url, mut sent) = (url.clone(), header);
        for _ in 0..=MAX_REDIRECTS {
            let (_connection, response) = self.exchange(&url, question, sent).await?;
            let (head, body) = response.into_parts();
            match head.status {
                StatusCode::OK => return self.read_whole(&url, body).await,
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                    let target = target_of(&url, &head.headers)?;
                    sent = header.filter(|_| self.may_see_credentials(&url, &target));
                    url = target;
                }
                status => {
                    let text = excerpt(&read_text(body).await);
                    return Err(OperatorError::refused(&url, status, text, sent.is_some()));
                }
            }
        }
        Err(OperatorError::redirect(&url, format!("redirected more than {MAX_REDIRECTS} times")))
    }

    /// Credentials go to what was configured and to where that redirects, no further; and what was meant to be secret
    /// is not sent in the clear, whoever says so.
    fn may_see_credentials(&self, url: &HttpUrl, target: &HttpUrl) -> bool {
        let is_configured = |url: &HttpUrl| self.configured.contains(url.endpoint());
        (is_configured(target) || is_configured(url)) && !target.is_less_secure_than(url)
    }

    /// The head of an answer, with the connection that its body still comes over.
    async fn exchange(
        &self,
        url: &HttpUrl,
        question: &Question,
        header: Option<&AuthHeader>,
    ) -> Result<(Connection, Response<Incoming>), OperatorError> {
        let open = Connection::open(url.endpoint(), &self.security);
        let opened = tokio::time::timeout(CONNECT_TIMEOUT, open).await;
        let opened =
            opened.unwrap_or_else(|_elapsed| Err(format!("no connection within {CONNECT_TIMEOUT:?}")));
        let mut connection = opened.map_err(|why| OperatorError::unreachable(url, why))?;
        let answer = connection.request(question.request(url, header)).await;
        let answer = answer.map_err(|why| OperatorError::unreachable(url, why))?;
        Ok((connection, answer))
    }

    async fn read_whole(&self, url: &HttpUrl, mut body: Incoming) -> Result<Bytes, OperatorError> {
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| OperatorError::unreachable(url, describe(&error)))?;
            if let Some(data) = frame.data_ref() {
                if read.len() + data.len() > self.limit {
                    return Err(OperatorError::too_large(url, self.limit));
                }
                read.extend_from_slice(data);
            }
        }
        Ok(read.freeze())
    }
}

/// Where a redirect leads.
fn target_of(url: &HttpUrl, headers: &HeaderMap) -> Result<HttpUrl, OperatorError> {
    let Some(location) = headers.get(LOCATION) else {
        return Err(OperatorError::redirect(url, "a redirect without Location".to_owned()));
    };
    let target = url.resolve(&String::from_utf8_lossy(location.as_bytes()));
    target.map_err(|error| OperatorError::redirect(url, format!("cannot follow the redirect: {error}")))
}

impl Question {
    fn request(&self, url: &HttpUrl, header: Option<&AuthHeader>) -> Request<Bytes> {
        let mut request = post(url, self.body.clone());
        if self.method == Method::GET {
            // What `/files/` answers is JSON for everyone, and there is no body to have a type.
            *request.method_mut() = Method::GET;
            request.headers_mut().remove(CONTENT_TYPE);
            request.headers_mut().remove(ACCEPT);
        }
        if let Some(header) = header {
            request.headers_mut().insert(header.name().clone(), header.value().clone());
        }
        request
    }
}
