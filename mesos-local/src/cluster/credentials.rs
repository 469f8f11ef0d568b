//! Who may call the scheduler API.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// What masters accept as the header `Authorization` of schedulers, and as whom: the credentials file of
/// `--authenticate_http_frameworks`, and room for what modules of a real master accept.
///
/// ```
/// use mesos_local::FrameworkCredentials;
///
/// let accepted = FrameworkCredentials::new().basic("alice", "s3cret").header("token=abc", "robot");
/// assert_eq!(format!("{accepted:?}"), r#"FrameworkCredentials(["alice", "robot"])"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FrameworkCredentials {
    /// Principals by the value of the header.
    principals: BTreeMap<Vec<u8>, String>,
}

impl FrameworkCredentials {
    /// Nobody may call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts a principal with its secret by HTTP Basic. One of both with a `:` is never let in, as with a
    /// real master.
    pub fn basic(self, principal: &str, secret: &str) -> Self {
        if principal.contains(':') || secret.contains(':') {
            return self;
        }
        let pair = BASE64_STANDARD.encode(format!("{principal}:{secret}"));
        self.header(&format!("Basic {pair}"), principal)
    }

    /// Accepts this value of the header, byte for byte.
    pub fn header(mut self, value: &str, principal: &str) -> Self {
        self.principals.insert(value.as_bytes().to_vec(), principal.to_owned());
        self
    }

    /// Who has proved to be whom.
    pub(crate) fn principal(&self, header: &[u8]) -> Option<&str> {
        self.principals.get(header).map(String::as_str)
    }
}

/// Without what proves it.
impl fmt::Debug for FrameworkCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let principals: Vec<_> = self.principals.values().collect();
        formatter.debug_tuple("FrameworkCredentials").field(&principals).finish()
    }
}
