//! The header that proves who asks: fixed, or from a provider that can renew it.

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_core::future::BoxFuture;
use http::{
    HeaderName, HeaderValue,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
        EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};
use tokio::sync::Mutex;

const MESOS_STREAM_ID: HeaderName = HeaderName::from_static("mesos-stream-id");

/// The headers that credentials would break a request with, its framing or what it is answered with.
static OF_THE_REQUEST: [HeaderName; 13] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    MESOS_STREAM_ID,
];

/// A header that carries credentials. Its value is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl AuthHeader {
    /// `Authorization` with this value, such as `token=eyJ0…` for DC/OS or `Bearer …`.
    ///
    /// # Errors
    /// The value is empty or has bytes that no header can carry. The error does not show it.
    pub fn authorization(value: &str) -> Result<Self, AuthError> {
        Self::new(AUTHORIZATION, value)
    }

    /// Any header, but none that says how a request is to be read or answered, or on which stream it is.
    ///
    /// # Errors
    /// The name is one of those; or the value is empty or has bytes that no header can carry. The error does not show
    /// the value.
    pub fn new(name: HeaderName, value: &str) -> Result<Self, AuthError> {
        if OF_THE_REQUEST.contains(&name) {
            return Err(AuthError::refused(format!(
                "'{name}' is a header of the request itself, expected one for credentials such as 'authorization'"
            )));
        }
        match HeaderValue::from_str(value) {
            Ok(mut header) if !value.is_empty() => {
                header.set_sensitive(true);
                Ok(Self { name, value: header })
            }
            Ok(_) => Err(AuthError::refused(format!("the value of '{name}' is empty"))),
            Err(_) => Err(AuthError::refused(format!(
                "the value of '{name}' has characters that no header can carry, expected visible ASCII"
            ))),
        }
    }

    /// The name of the header.
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The value of the header, marked as sensitive.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }
}

impl fmt::Debug for AuthHeader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ***", self.name)
    }
}

/// Gives the header that goes out with every request to a master or an agent.
///
/// The header is asked for once and used until a master answers 401; then it is asked for once more, with
/// the refused one. A second 401 in a row is final. See the example `dcos_auth`.
pub trait AuthProvider: Send + Sync + 'static {
    /// The header to use from here on. `refused` is the one that a master has just answered with 401, `None` at
    /// first.
    fn header(&self, refused: Option<AuthHeader>) -> BoxFuture<'_, Result<AuthHeader, AuthError>>;
}

/// Why there are no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError {
    why: String,
    is_final: bool,
}

impl AuthError {
    /// The credentials as configured will not do, also not later: the client closes.
    pub fn refused(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_final: true }
    }

    /// Whoever issues credentials cannot be asked at the moment: the client tries again.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_final: false }
    }

    /// Whether asking again cannot help.
    pub fn is_final(&self) -> bool {
        self.is_final
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no credentials: {}", self.why)
    }
}

impl std::error::Error for AuthError {}

/// How a client proves who it is. Clones share what a provider gave.
#[derive(Clone, Default)]
pub struct Credentials(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Fixed(AuthHeader),
    Provider(Arc<Provided>),
}

struct Provided {
    provider: Box<dyn AuthProvider>,
    /// Locked while the provider is asked, so that it is asked once for many that wait.
    header: Mutex<Option<AuthHeader>>,
}

impl Credentials {
    /// No header: for masters that do not ask who is there.
    pub fn none() -> Self {
        Self::default()
    }

    /// HTTP Basic, for masters with `--authenticate_http_frameworks` and a credentials file.
    ///
    /// # Errors
    /// There is a `:` in the principal or the secret, which the parser of Mesos cannot tell from the one between
    /// them; or the principal is empty. The error does not show the secret.
    pub fn basic(principal: &str, secret: &str) -> Result<Self, AuthError> {
        if principal.is_empty() {
            return Err(AuthError::refused("the principal is empty"));
        }
        if principal.contains(':') {
            return Err(AuthError::refused(format!(
                "the principal '{}' has a ':', which Mesos cannot read",
                principal.escape_debug()
            )));
        }
        if secret.contains(':') {
            return Err(AuthError::refused("the secret has a ':', which Mesos cannot read"));
        }
        // Master and agents compare the word `Basic` letter by letter and want one blank.
        let pair = BASE64_STANDARD.encode(format!("{principal}:{secret}"));
        Ok(Self::header(AuthHeader::authorization(&format!("Basic {pair}"))?))
    }

    /// A header that stays the same.
    pub fn header(header: AuthHeader) -> Self {
        Self(Kind::Fixed(header))
    }

    /// Headers of a provider, which is asked again when one is refused.
    pub fn provider(provider: impl AuthProvider) -> Self {
        let provided = Provided { provider: Box::new(provider), header: Mutex::new(None) };
        Self(Kind::Provider(Arc::new(provided)))
    }

    /// Whether a 401 can be answered with another header.
    pub(crate) fn can_refresh(&self) -> bool {
        matches!(self.0, Kind::Provider(_))
    }

    /// The header to send, if there is one.
    pub(crate) async fn current(&self) -> Result<Option<AuthHeader>, AuthError> {
        match &self.0 {
            Kind::None => Ok(None),
            Kind::Fixed(header) => Ok(Some(header.clone())),
            Kind::Provider(provided) => {
                let mut header = provided.header.lock().await;
                if header.is_none() {
                    *header = Some(provided.provider.header(None).await?);
                }
                Ok(header.clone())
            }
        }
    }

    /// Replaces `refused`, unless somebody else has done so already.
    pub(crate) async fn refresh(&self, refused: Option<AuthHeader>) -> Result<(), AuthError> {
        let Kind::Provider(provided) = &self.0 else { return Ok(()) };
        let mut header = provided.header.lock().await;
        if *header == refused {
            *header = Some(provided.provider.header(refused).await?);
        }
        Ok(())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => write!(formatter, "Credentials::none"),
            Kind::Fixed(header) => write!(formatter, "Credentials({header:?})"),
            Kind::Provider(_) => write!(formatter, "Credentials(provider)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let basic = Credentials::basic("alice", "s3cret").unwrap();
        assert_eq!(format!("{basic:?}"), "Credentials(authorization: ***)");
        let header = AuthHeader::authorization("token=s3cret").unwrap();
        assert_eq!(format!("{header:?}"), "authorization: ***");
        assert!(header.value().is_sensitive());
    }

    #[test]
    fn credentials_that_mesos_cannot_read_are_refused_without_the_secret() {
        for (principal, secret, message) in [
            ("", "x", "no credentials: the principal is empty"),
            ("a:b", "x", "no credentials: the principal 'a:b' has a ':', which Mesos cannot read"),
            ("a", "x:y", "no credentials: the secret has a ':', which Mesos cannot read"),
        ] {
            let error = Credentials::basic(principal, secret).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.is_final()), (message, true));
        }
        let error = AuthHeader::authorization("token=s3cret\n").unwrap_err().to_string();
        assert!(!error.contains("s3cret") && error.contains("'authorization'"), "{error}");
    }

    #[test]
    fn a_header_of_the_request_itself_carries_no_credentials() {
        for name in [
            "Host",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "Mesos-Stream-Id",
            "Content-Type",
            "Accept",
            "Accept-Encoding",
            "Content-Encoding",
            "Expect",
            "TE",
            "Trailer",
            "Upgrade",
        ] {
            let error = AuthHeader::new(name.parse().unwrap(), "s3cret").unwrap_err();
            let name = name.to_lowercase();
            assert_eq!(
                error.to_string(),
                format!(
                    "no credentials: '{name}' is a header of the request itself, expected one for credentials such as \
                     'authorization'"
                )
            );
            assert!(error.is_final());
        }
        for name in ["Authorization", "Proxy-Authorization", "Cookie", "X-Token"] {
            AuthHeader::new(name.parse().unwrap(), "s3cret").unwrap();
        }
    }

    struct Counting(AtomicUsize);

    impl AuthProvider for Counting {
        fn header(&self, _: Option<AuthHeader>) -> BoxFuture<'_, Result<AuthHeader, AuthError>> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { AuthHeader::authorization(&format!("token={number}")) })
        }
    }

    #[tokio::test]
    async fn a_provider_is_asked_once_and_again_only_for_the_present_header() {
        let credentials = Credentials::provider(Counting(AtomicUsize::new(0)));
        let first = credentials.current().await.unwrap();
        assert_eq!(credentials.current().await.unwrap(), first);
        credentials.refresh(first.clone()).await.unwrap();
        let second = credentials.current().await.unwrap();
        assert_eq!(second, Some(AuthHeader::authorization("token=1").unwrap()));
        // A late 401 to the first header does not throw the second one away.
        credentials.refresh(first).await.unwrap();
        assert_eq!(credentials.current().await.unwrap(), second);
    }

    #[tokio::test]
    async fn basic_is_what_the_parser_of_mesos_wants() {
        let header = Credentials::basic("Aladdin", "open sesame").unwrap().current().await.unwrap().unwrap();
        assert_eq!(header.value(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
