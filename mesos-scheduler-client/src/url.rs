//! Addresses of masters and agents: the few forms of a URL that Mesos uses, nothing more.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use http::uri::PathAndQuery;

/// What is spoken at an [`Endpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// HTTP over TCP.
    Http,
    /// HTTP over TLS. Needs the feature `tls`.
    Https,
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// A host and a port to connect to, and whether TLS is spoken there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Endpoint {
    /// Whether TLS is spoken there.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name or address, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, the form of a `Host` header.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The form `http://host:port` or `https://host:port`.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.authority())
    }
}

/// An `http` or `https` URL: an [`Endpoint`] and a path, which may be empty.
///
/// ```
/// use mesos_scheduler_client::HttpUrl;
///
/// let url: HttpUrl = "http://master1.example:5050".parse()?;
/// assert_eq!(url.endpoint().host(), "master1.example");
/// assert_eq!("master1.example:5050".parse::<HttpUrl>()?, url);
///
/// let error = "htp://master1.example:5050".parse::<HttpUrl>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "invalid URL 'htp://master1.example:5050': unknown scheme 'htp', \
///      expected http://host:port or https://host:port"
/// );
/// # Ok::<(), mesos_scheduler_client::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpUrl {
    endpoint: Endpoint,
    path: String,
}

impl HttpUrl {
    /// The `http` URL of a host (name, IPv4 or IPv6 address) and a port, without a path.
    ///
    /// # Errors
    /// The host is no host, or the port is not in 1-65535.
    pub fn new(host: &str, port: i64) -> Result<Self, UrlError> {
        let text = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        text.parse()
    }

    /// The same URL with another scheme. Offers and lists of agents say `http` or nothing also where agents
    /// speak TLS, so who uses them has to know.
    ///
    /// ```
    /// use mesos_scheduler_client::{HttpUrl, Scheme};
    ///
    /// let agent = HttpUrl::new("10.0.0.1", 5051)?.with_scheme(Scheme::Https);
    /// assert_eq!(agent.to_string(), "https://10.0.0.1:5051");
    /// # Ok::<(), mesos_scheduler_client::UrlError>(())
    /// ```
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.endpoint.scheme = scheme;
        self
    }

    /// Where to connect to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The path with its query, as written; empty or beginning with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Another URL of the same endpoint. The path is empty or begins with `/`.
    ///
    /// # Errors
    /// It is no path of a URL, or longer than any is read.
    pub(crate) fn with_path(&self, path: &str) -> Result<Self, UrlError> {
        let path = match path {
            "" => String::new(),
            path => parse_path(path).map_err(|problem| UrlError::new(path, problem))?,
        };
        Ok(Self { endpoint: self.endpoint.clone(), path })
    }

    /// This URL with `api_path` behind its own path, unless it ends with it anyway: the address of an API
    /// below a base URL. [`LONGEST_PATH`] leaves room for it.
    pub(crate) fn with_api_path(&self, api_path: &str) -> Self {
        if self.path.ends_with(api_path) {
            return self.clone();
        }
        let path = format!("{}{api_path}", self.path.trim_end_matches('/'));
        Self { endpoint: self.endpoint.clone(), path }
    }

    /// Whether what is said there can be overheard, while it could not be at `other`.
    pub(crate) fn is_less_secure_than(&self, other: &Self) -> bool {
        self.endpoint.scheme() == Scheme::Http && other.endpoint.scheme() == Scheme::Https
    }

    /// The target of a `Location` header in an answer from this URL. Mesos writes it without a scheme
    /// (`//host:port/path`), which keeps the scheme of the request; proxies and other versions write it in
    /// full, as `host:port`, or as a path. A location without a path keeps the path of the request.
    pub(crate) fn resolve(&self, location: &str) -> Result<Self, UrlError> {
        let location = location.trim();
        if location.starts_with('/') && !location.starts_with("//") {
            return self.with_path(location);
        }
        let target = parse(location, Some(self.endpoint.scheme)).map_err(|problem| match problem {
            // As in a URL that was configured: what was taken for a port may be of a password.
            _ if location.contains('@') => UrlError::new(location, Problem::Credentials),
            problem => UrlError::new(location, problem),
        })?;
        if target.path.is_empty() || target.path == "/" {
            return Ok(Self { path: self.path.clone(), ..target });
        }
        Ok(target)
    }
}

/// Accepts `http://host:port` and `https://host:port` with an optional path, and `host:port`, which is `http`.
impl FromStr for HttpUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let parsed = match parse(text.trim(), None) {
            Err(Problem::ZooKeeper) => Err(Problem::ZooKeeper),
            // What a password holds may end a host, a port or a scheme, and is not to be shown as one of them.
            _ if text.contains('@') => Err(Problem::Credentials),
            parsed => parsed,
        };
        parsed.map_err(|problem| UrlError::new(text, problem))
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.endpoint, self.path)
    }
}

/// A text that is no usable URL: the configuration's fault, or that of whoever sent a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    text: String,
    problem: Problem,
}

impl UrlError {
    fn new(text: &str, problem: Problem) -> Self {
        Self { text: excerpt(&without_credentials(text)), problem }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid URL '{}': {}", self.text.escape_debug(), self.problem)
    }
}

impl std::error::Error for UrlError {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Empty,
    Scheme(String),
    /// `https`, but the feature `tls` is off.
    NoTls,
    /// `zk://` where one address is expected.
    ZooKeeper,
    Credentials,
    NoHost,
    BadHost(String),
    NoPort,
    BadPort(String),
    BadPath(String),
    /// A path of this many bytes.
    LongPath(usize),
}

/// The bytes that the path of a URL may have, its query included: half of what fits a request, as the path of an API is
/// appended. It is far more than a file system takes as a path.
const LONGEST_PATH: usize = 32 * 1024;

/// How much of a wrong URL is shown: a peer may send a long one.
const SHOWN: usize = 200;

/// The forms of a URL that are read.
const FORMS: &str = "http://host:port or https://host:port";

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(formatter, "it is empty, expected {FORMS}"),
            Self::NoTls => write!(formatter, "https:// needs the feature 'tls', which this build is without"),
            Self::ZooKeeper => write!(
                formatter,
                "zk:// stands for all masters of a cluster and belongs alone in the place of their list, \
                 expected {FORMS}"
            ),
            Self::Scheme(scheme) => {
                write!(formatter, "unknown scheme '{}', expected {FORMS}", scheme.escape_debug())
            }
            Self::Credentials => write!(formatter, "credentials do not belong into a URL"),
            Self::NoHost => write!(formatter, "it has no host, expected {FORMS}"),
            Self::BadHost(host) => write!(
                formatter,
                "'{}' is no host, expected a name, an IPv4 address or an IPv6 address in brackets",
                host.escape_debug()
            ),
            Self::NoPort => write!(formatter, "it has no port, expected {FORMS} (a master has 5050)"),
            Self::BadPort(port) => {
                write!(formatter, "'{}' is no port, expected a number from 1 to 65535", port.escape_debug())
            }
            Self::BadPath(path) => {
                write!(formatter, "'{}' is no path of a URL", path.escape_debug())
            }
            Self::LongPath(length) => {
                write!(formatter, "its path has {length} bytes, expected at most {LONGEST_PATH}")
            }
        }
    }
}

/// Reads a URL. In a redirect, `asked` is the scheme of the request: it holds where none is given, and a
/// port may be missing.
fn parse(text: &str, asked: Option<Scheme>) -> Result<HttpUrl, Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let (scheme, rest) = match text.split_once("//") {
        Some(("", rest)) => (None, rest),
        Some((before, rest)) if before.ends_with(':') && !before.contains('/') => {
            (Some(parse_scheme(before.trim_end_matches(':'))?), rest)
        }
        Some(_) | None => (None, text),
    };
    let scheme = scheme.or(asked).unwrap_or(Scheme::Http);
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if authority.contains('@') {
        return Err(Problem::Credentials);
    }
    let (host, port) = split_authority(authority)?;
    let port = match (port, asked) {
        (Some(port), _) => parse_port(port)?,
        (None, Some(_)) => scheme.default_port(),
        (None, None) => return Err(Problem::NoPort),
    };
    let path = if path.is_empty() { String::new() } else { parse_path(path)? };
    Ok(HttpUrl { endpoint: Endpoint { scheme, host, port }, path })
}

fn parse_scheme(scheme: &str) -> Result<Scheme, Problem> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(Scheme::Http),
        "https" if cfg!(feature = "tls") => Ok(Scheme::Https),
        "https" => Err(Problem::NoTls),
        "zk" => Err(Problem::ZooKeeper),
        _ => Err(Problem::Scheme(excerpt(scheme))),
    }
}

fn split_authority(authority: &str) -> Result<(String, Option<&str>), Problem> {
    let bad = || Problem::BadHost(excerpt(authority));
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(bad)?;
        host.parse::<Ipv6Addr>().map_err(|_| bad())?;
        return match port {
            "" => Ok((host.to_owned(), None)),
            _ => Ok((host.to_owned(), Some(port.strip_prefix(':').ok_or_else(bad)?))),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if host.is_empty() {
        return Err(Problem::NoHost);
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !host.bytes().all(fits) {
        return Err(Problem::BadHost(excerpt(host)));
    }
    Ok((host.to_owned(), port))
}

fn parse_port(port: &str) -> Result<u16, Problem> {
    match port.parse::<u16>() {
        Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        Ok(_) | Err(_) => Err(Problem::BadPort(excerpt(port))),
    }
}

fn parse_path(path: &str) -> Result<String, Problem> {
    let bad = || Problem::BadPath(excerpt(path));
    let without_fragment = path.split_once('#').map_or(path, |(before, _)| before);
    if without_fragment.len() > LONGEST_PATH {
        return Err(Problem::LongPath(without_fragment.len()));
    }
    let parsed = PathAndQuery::try_from(without_fragment).map_err(|_| bad())?;
    Ok(parsed.as_str().to_owned())
}

/// A URL may hold a password where the user did not expect that it is shown.
pub(crate) fn without_credentials(text: &str) -> String {
    let Some(at) = text.rfind('@') else { return text.to_owned() };
    // Slashes elsewhere may belong to the password.
    let start = match text[..at].split_once("://") {
        Some((scheme, _)) if is_known_scheme(scheme) => scheme.len() + 3,
        Some(_) | None => 0,
    };
    format!("{}***{}", &text[..start], &text[at..])
}

/// Another word before `://` may be a part of the password as well.
fn is_known_scheme(word: &str) -> bool {
    ["http", "https", "zk"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// The beginning of a text of which somebody else may have chosen the length.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
