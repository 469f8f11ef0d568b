//! Certificates and keys out of PEM, with errors that say what was found in their place.

use std::{fmt, fs, path::PathBuf};

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject, SectionKind},
};

use super::TlsError;
use crate::connection::describe;

/// Where PEM is from.
#[derive(Clone)]
pub(super) enum Source {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Source {
    pub(super) fn error(&self, what: &str, problem: impl Into<String>) -> TlsError {
        match self {
            Self::File(path) => TlsError::about(what, Some(path), problem),
            Self::Bytes(_) => TlsError::about(what, None, problem),
        }
    }
}

/// Bytes may hold a key.
impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(formatter),
            Self::Bytes(_) => write!(formatter, "PEM ***"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "'{}'", path.display()),
            Self::Bytes(_) => write!(formatter, "the given PEM"),
        }
    }
}

const CERTIFICATE: &str = "expected -----BEGIN CERTIFICATE-----";
const KEY: &str = "expected -----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY";

/// All certificates, at least one.
pub(super) fn certificates(what: &str, source: &Source) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let sections = sections(what, source, CERTIFICATE)?;
    let is_certificate = |kind: &SectionKind| *kind == SectionKind::Certificate;
    let found: Vec<_> = sections.iter().filter(|(kind, _)| is_certificate(kind)).collect();
    if found.is_empty() {
        return Err(source.error(what, format!("there is {}, {CERTIFICATE}", listed(&sections))));
    }
    Ok(found.into_iter().map(|(_, der)| CertificateDer::from(der.clone())).collect())
}

/// The one private key.
pub(super) fn private_key(what: &str, source: &Source) -> Result<PrivateKeyDer<'static>, TlsError> {
    let sections = sections(what, source, KEY)?;
    let mut keys = sections.iter().filter_map(|(kind, der)| PrivateKeyDer::from_pem(*kind, der.clone()));
    match (keys.next(), keys.count()) {
        (Some(key), 0) => Ok(key),
        (Some(_), others) => Err(source.error(what, format!("there are {} keys, expected one", others + 1))),
        (None, _) => Err(source.error(what, format!("there is {}, {KEY}", listed(&sections)))),
    }
}

type Section = (SectionKind, Vec<u8>);

fn sections(what: &str, source: &Source, expected: &str) -> Result<Vec<Section>, TlsError> {
    let read;
    let bytes = match source {
        Source::Bytes(bytes) => bytes,
        Source::File(path) => {
            read = fs::read(path).map_err(|error| source.error(what, describe(&error)))?;
            &read
        }
    };
    if bytes.trim_ascii().is_empty() {
        return Err(source.error(what, format!("it is empty, {expected}")));
    }
    // Both ways to write it: PKCS #8, and the header of OpenSSL's older formats.
    if holds(bytes, b"BEGIN ENCRYPTED PRIVATE KEY") || holds(bytes, b"Proc-Type: 4,ENCRYPTED") {
        return Err(source.error(what, "the key has a passphrase, expected one without"));
    }
    let sections: Result<Vec<Section>, _> = Section::pem_slice_iter(bytes).collect();
    let sections = sections.map_err(|error| source.error(what, problem(&error)))?;
    if sections.is_empty() && !holds(bytes, b"-----BEGIN ") {
        return Err(source.error(what, format!("it is no PEM, {expected}")));
    }
    Ok(sections)
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// What is wrong with the PEM; never a line of it, which may be one of a key.
fn problem(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it is cut off: a -----BEGIN has no -----END",
        pem::Error::IllegalSectionStart { .. } => "a line with -----BEGIN does not end with -----",
        pem::Error::Base64Decode(_) => "what stands between -----BEGIN and -----END is no base64",
        _ => "it is no PEM",
    }
    .to_owned()
}

/// The kinds of what was found.
fn listed(sections: &[Section]) -> String {
    let mut names: Vec<_> = sections.iter().map(|(kind, _)| name(*kind)).collect();
    names.dedup();
    if names.is_empty() { "nothing known".to_owned() } else { names.join(" and ") }
}

fn name(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Certificate => "a certificate",
        SectionKind::PublicKey => "a public key",
        SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey => "a private key",
        SectionKind::Crl => "a list of revoked certificates",
        SectionKind::Csr => "a request for a certificate",
        _ => "something else",
    }
}
