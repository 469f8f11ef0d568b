//! The address of the masters' group in ZooKeeper, in the form that Mesos uses.

use std::{fmt, str::FromStr, time::Duration};

use crate::url::{Endpoint, HttpUrl, without_credentials};

/// The session timeout that Mesos' masters and agents ask for.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// The port of a server that is named without one.
const PORT: u16 = 2181;

/// ZooKeeper servers and the path of a znode: `zk://[user:password@]host1:port1,host2:port2/path`.
///
/// A port that is left out is 2181, a path that is left out is `/`, both as in Mesos. Credentials, which may
/// hold any character, end at the last `@`; they are for the digest scheme and are never printed.
///
/// ```
/// use mesos_scheduler_client::ZooKeeperUrl;
///
/// let url: ZooKeeperUrl = "zk://whisk:secret@zk1.example,zk2.example:2182/mesos".parse()?;
/// assert_eq!(url.path(), "/mesos");
/// assert_eq!(url.servers()[0].authority(), "zk1.example:2181");
/// assert_eq!(url.to_string(), "zk://whisk:***@zk1.example:2181,zk2.example:2182/mesos");
///
/// let error = "zk:zk1.example/mesos".parse::<ZooKeeperUrl>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "invalid ZooKeeper URL 'zk:zk1.example/mesos': it does not begin with zk://, \
///      expected zk://[user:password@]host1:port1,host2:port2/path"
/// );
/// # Ok::<(), mesos_scheduler_client::ZooKeeperUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ZooKeeperUrl {
    credentials: Option<Credentials>,
    servers: Vec<Endpoint>,
    path: String,
    session_timeout: Duration,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

impl ZooKeeperUrl {
    /// The servers, in the order of the text; at least one.
    pub fn servers(&self) -> &[Endpoint] {
        &self.servers
    }

    /// The path of the znode: `/`, or beginning but not ending with it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The user of the digest scheme, where credentials were given.
    pub fn user(&self) -> Option<&str> {
        self.credentials.as_ref().map(|credentials| credentials.user.as_str())
    }

    /// After how long without a word ZooKeeper and its client take each other for dead: 10 s unless
    /// it was set.
    pub fn session_timeout(&self) -> Duration {
        self.session_timeout
    }

    /// Asks for another session timeout. ZooKeeper grants one between 2 and 20 of its ticks (of 2 s where
    /// nobody changed them).
    #[must_use]
    pub fn with_session_timeout(self, session_timeout: Duration) -> Self {
        Self { session_timeout, ..self }
    }

    /// The servers as one text, without credentials and path.
    pub(crate) fn connect_string(&self) -> String {
        let servers: Vec<String> = self.servers.iter().map(Endpoint::authority).collect();
        servers.join(",")
    }

    /// What the digest scheme sends.
    #[cfg(feature = "zookeeper")]
    pub(crate) fn digest(&self) -> Option<String> {
        self.credentials.as_ref().map(|Credentials { user, password }| format!("{user}:{password}"))
    }
}

impl fmt::Display for ZooKeeperUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("zk://")?;
        if let Some(user) = self.user() {
            write!(formatter, "{user}:***@")?;
        }
        write!(formatter, "{}{}", self.connect_string(), self.path)
    }
}

/// The URL without its password.
impl fmt::Debug for ZooKeeperUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ZooKeeperUrl({self}, {:?})", self.session_timeout)
    }
}

impl FromStr for ZooKeeperUrl {
    type Err = ZooKeeperUrlError;

    fn from_str(text: &str) -> Result<Self, ZooKeeperUrlError> {
        parse(text.trim()).map_err(|problem| ZooKeeperUrlError::new(text.trim(), problem))
    }
}

fn parse(text: &str) -> Result<ZooKeeperUrl, Problem> {
    let (scheme, rest) = text.split_at_checked("zk://".len()).ok_or(Problem::Scheme)?;
    if !scheme.eq_ignore_ascii_case("zk://") {
        return Err(Problem::Scheme);
    }
    let (credentials, rest) = match rest.rsplit_once('@') {
        Some((credentials, rest)) => (Some(parse_credentials(credentials)?), rest),
        None => (None, rest),
    };
    let (servers, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let servers = servers.split(',').map(parse_server).collect::<Result<_, _>>()?;
    Ok(ZooKeeperUrl { credentials, servers, path: parse_path(path)?, session_timeout: SESSION_TIMEOUT })
}

fn parse_credentials(text: &str) -> Result<Credentials, Problem> {
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() && !password.is_empty() => {
            Ok(Credentials { user: user.to_owned(), password: password.to_owned() })
        }
        Some(_) | None => Err(Problem::Credentials),
    }
}

fn parse_server(text: &str) -> Result<Endpoint, Problem> {
    let bad = || Problem::Server(text.to_owned());
    let has_port = text.contains(':') && !text.ends_with(']');
    let with_port = if has_port { text.to_owned() } else { format!("{text}:{PORT}") };
    let url: HttpUrl = format!("http://{with_port}").parse().map_err(|_| bad())?;
    if url.path().is_empty() { Ok(url.endpoint().clone()) } else { Err(bad()) }
}

/// The rules are ZooKeeper's own. A slash at the end is Mesos' tolerance.
fn parse_path(text: &str) -> Result<String, Problem> {
    let path = text.strip_suffix('/').unwrap_or(text);
    if path.is_empty() {
        return Ok("/".to_owned());
    }
    let is_good_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(is_forbidden);
    if path.split('/').skip(1).all(is_good_name) {
        Ok(path.to_owned())
    } else {
        Err(Problem::Path(text.to_owned()))
    }
}

fn is_forbidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}')
}

/// A text that is no usable ZooKeeper URL: the configuration's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeperUrlError {
    text: String,
    problem: Problem,
}

impl ZooKeeperUrlError {
    fn new(text: &str, problem: Problem) -> Self {
        Self { text: without_credentials(text), problem }
    }

    /// A URL whose path names no znode of its own.
    #[cfg(feature = "zookeeper")]
    pub(crate) fn no_znode(url: &ZooKeeperUrl) -> Self {
        Self { text: url.to_string(), problem: Problem::NoZnode }
    }
}

impl fmt::Display for ZooKeeperUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid ZooKeeper URL '{}': {}", self.text.escape_debug(), self.problem)
    }
}

impl std::error::Error for ZooKeeperUrlError {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Scheme,
    Credentials,
    Server(String),
    Path(String),
    #[cfg(feature = "zookeeper")]
    NoZnode,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => write!(
                formatter,
                "it does not begin with zk://, expected zk://[user:password@]host1:port1,host2:port2/path"
            ),
            Self::Credentials => {
                write!(formatter, "what stands before the last '@' is no user:password")
            }
            Self::Server(server) if server.is_empty() => {
                write!(formatter, "a server has no name, expected host1:port1,host2:port2")
            }
            Self::Server(server) => write!(
                formatter,
                "'{}' is no server, expected a name, an IPv4 address or an IPv6 address in brackets, and \
                 optionally ':' and a port from 1 to 65535",
                server.escape_debug()
            ),
            Self::Path(path) => write!(
                formatter,
                "'{}' is no path of a znode, expected names between single slashes, none of them '.' or '..'",
                path.escape_debug()
            ),
            #[cfg(feature = "zookeeper")]
            Self::NoZnode => {
                write!(formatter, "its path is '/', expected the path of a znode that may be written")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> ZooKeeperUrl {
        text.parse().unwrap()
    }

    #[test]
    fn urls_of_groups_are_read() {
        for (text, servers, path, user) in [
            ("zk://a:2181/mesos", "a:2181", "/mesos", None),
            ("  zk://a:1,b,10.0.0.1:3/mesos/x  ", "a:1,b:2181,10.0.0.1:3", "/mesos/x", None),
            ("ZK://a", "a:2181", "/", None),
            ("zk://a/", "a:2181", "/", None),
            ("zk://a/mesos/", "a:2181", "/mesos", None),
            ("zk://[::1],[fe80::1]:5/m", "[::1]:2181,[fe80::1]:5", "/m", None),
            ("zk://u:p@a/m", "a:2181", "/m", Some("u")),
            ("zk://u:p@/:,x@a/m", "a:2181", "/m", Some("u")),
        ] {
            let url = read(text);
            assert_eq!((url.path(), url.user()), (path, user), "{text}");
            assert_eq!(url.connect_string(), servers, "{text}");
        }
        assert_eq!(read("zk://a/m").session_timeout(), Duration::from_secs(10));
    }

    #[test]
    fn a_wrong_url_is_shown_with_what_was_expected() {
        let scheme =
            "it does not begin with zk://, expected zk://[user:password@]host1:port1,host2:port2/path";
        let credentials = "what stands before the last '@' is no user:password";
        let no_name = "a server has no name, expected host1:port1,host2:port2";
        let server = "is no server, expected a name, an IPv4 address or an IPv6 address in brackets, and \
                      optionally ':' and a port from 1 to 65535";
        let path = "is no path of a znode, expected names between single slashes, none of them '.' or '..'";
        for (text, shown, message) in [
            ("", "", scheme.to_owned()),
            ("zk:/", "zk:/", scheme.to_owned()),
            ("http://u:secret@a/m", "http://***@a/m", scheme.to_owned()),
            ("u:secret@a/m", "***@a/m", scheme.to_owned()),
            ("u:sec//ret@a//m", "***@a//m", scheme.to_owned()),
            ("zk://secret@a/m", "zk://***@a/m", credentials.to_owned()),
            ("zk://u:@a/m", "zk://***@a/m", credentials.to_owned()),
            ("zk://:secret@a/m", "zk://***@a/m", credentials.to_owned()),
            ("zk://", "zk://", no_name.to_owned()),
            ("zk:///mesos", "zk:///mesos", no_name.to_owned()),
            ("zk://u:secret@/m", "zk://***@/m", no_name.to_owned()),
            ("zk://a,,b/m", "zk://a,,b/m", no_name.to_owned()),
            ("zk://a:0/m", "zk://a:0/m", format!("'a:0' {server}")),
            ("zk://a:/m", "zk://a:/m", format!("'a:' {server}")),
            ("zk://::1/m", "zk://::1/m", format!("'::1' {server}")),
            ("zk://a?x/m", "zk://a?x/m", format!("'a?x' {server}")),
            ("zk://a b/m", "zk://a b/m", format!("'a b' {server}")),
            ("zk://a//m", "zk://a//m", format!("'//m' {path}")),
            ("zk://a/m//", "zk://a/m//", format!("'/m//' {path}")),
            ("zk://a/../m", "zk://a/../m", format!("'/../m' {path}")),
            ("zk://a/m\u{7}", "zk://a/m\\u{7}", format!("'/m\\u{{7}}' {path}")),
        ] {
            let error = text.parse::<ZooKeeperUrl>().unwrap_err().to_string();
            assert_eq!(error, format!("invalid ZooKeeper URL '{shown}': {message}"));
            assert!(!error.contains("secret"));
        }
    }

    #[test]
    fn the_password_is_nowhere_shown() {
        let url = read("zk://whisk:secret@a/m");
        assert_eq!(url.to_string(), "zk://whisk:***@a:2181/m");
        assert_eq!(format!("{url:?}"), "ZooKeeperUrl(zk://whisk:***@a:2181/m, 10s)");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_its_password(
            before in "(zk://)?", user in "[^:@]{0,4}", rest in "[a/:,.\\[\\]?@ ]{0,12}",
        ) {
            match format!("{before}{user}:PASSWORD@{rest}").parse::<ZooKeeperUrl>() {
                Ok(url) => {
                    let shown = format!("{url} {url:?}");
                    prop_assert!(!shown.contains("PASSWORD"));
                    prop_assert!(!url.servers().is_empty());
                }
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    prop_assert!(!shown.contains("PASSWORD"));
                }
            }
        }

        #[test]
        fn what_is_printed_is_read_again(
            servers in prop::collection::vec("[a-z0-9]{1,5}(:[1-9][0-9]{0,3})?", 1..4),
            path in "(/[a-z_. @]{2,4}[a-z]){0,3}",
        ) {
            // A '@' in the path would make credentials of what stands before it.
            let url = read(&format!("zk://{}{}", servers.join(","), path.replace('@', "-")));
            prop_assert_eq!(&read(&url.to_string()), &url);
        }
    }
}
