//! Errors of TLS in words that say what to change.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::Roots;
use crate::connection::describe;

/// With whom TLS was to be agreed on.
pub(super) struct Peer {
    /// The name that its certificate has to be for.
    pub(super) name: String,
    pub(super) roots: Roots,
    /// Whether the client has a certificate.
    pub(super) has_certificate: bool,
}

impl Peer {
    pub(super) fn explain_handshake(&self, error: &io::Error) -> String {
        let why = match (inner(error), error.kind()) {
            (Some(Error::InvalidCertificate(problem)), _) => self.explain_certificate(problem),
            (Some(Error::AlertReceived(alert)), _) => self.explain_alert(*alert),
            (Some(other), _) => explain(other),
            (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                "the peer closed the connection during the handshake (does it speak http:// at this port?)"
                    .to_owned()
            }
            (None, _) => describe(error),
        };
        format!("TLS: {why}")
    }

    fn explain_certificate(&self, problem: &CertificateError) -> String {
        let name = &self.name;
        match problem {
            CertificateError::UnknownIssuer => {
                let roots = match self.roots {
                    Roots::System(number) => format!("none of the system's {number} roots"),
                    Roots::Given(1) => "not the given root".to_owned(),
                    Roots::Given(number) => format!("none of the {number} given roots"),
                };
                format!(
                    "the certificate of '{name}' is signed by an unknown issuer, {roots}; give the certificate of \
                     the authority that signed it as a root"
                )
            }
            // An authority that was made again has its old name and a new key.
            CertificateError::BadSignature => format!(
                "the certificate of '{name}' is not signed with the key of the root that it names as its issuer; \
                 give the certificate of the authority that signed it as a root"
            ),
            CertificateError::NotValidForNameContext { presented, .. } => format!(
                "the certificate is not for '{name}' but for {}; if that is the right peer, set the server name",
                names(presented)
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of '{name}' has expired, by the clock of this machine")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate of '{name}' is not valid yet, by the clock of this machine")
            }
            // The verifier has more reasons than rustls has names for.
            other => match other.to_string() {
                text if text.contains("CaUsedAsEndEntity") => format!(
                    "the certificate of '{name}' is that of an authority (CA:TRUE), expected one that the authority \
                     signed for the server"
                ),
                text if text.contains("UnsupportedCertVersion") => {
                    format!("the certificate of '{name}' is not X.509 version 3")
                }
                text => format!("the certificate of '{name}' is not accepted: {text}"),
            },
        }
    }

    fn explain_alert(&self, alert: AlertDescription) -> String {
        match alert {
            // What peers say that miss a certificate, from TLS 1.3 to old versions of OpenSSL.
            AlertDescription::CertificateRequired
            | AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
            | AlertDescription::AccessDenied
                if !self.has_certificate =>
            {
                format!(
                    "'{}' ends the handshake with {alert:?} (does it want a client certificate? there is none)",
                    self.name
                )
            }
            AlertDescription::ProtocolVersion => {
                format!("'{}' speaks neither TLS 1.2 nor 1.3", self.name)
            }
            AlertDescription::UnrecognisedName => {
                format!("the peer does not know the name '{}', expected another server name", self.name)
            }
            other => format!("'{}' ends the handshake with {other:?}", self.name),
        }
    }
}

/// An error of TLS outside of the handshake, or one that needs no context.
pub(crate) fn explain(error: &Error) -> String {
    match error {
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the peer wants a client certificate (TLS alert CertificateRequired)".to_owned()
        }
        Error::AlertReceived(alert) => format!("the peer ended the connection with the TLS alert {alert:?}"),
        // The first byte of an answer in plain text is no type of a TLS record.
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the peer does not speak TLS (does it speak http:// at this port?)".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether the peer closed the socket without closing TLS first, which whoever is between could have done as well.
pub(crate) fn is_without_farewell(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
        && error.get_ref().is_some_and(|error| error.to_string().contains("close_notify"))
}

/// The error of rustls in one of a socket.
fn inner(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// `DnsName("a")` and `IpAddress(10.0.0.1)` as people write them.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name (the common name alone does not count)".to_owned();
    }
    let bare = |name: &String| {
        let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        format!("'{}'", inside.unwrap_or(name).trim_matches('"'))
    };
    presented.iter().map(bare).collect::<Vec<_>>().join(", ")
}
