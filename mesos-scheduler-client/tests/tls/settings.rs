//! Settings that work, and what is said of those that do not.

use std::path::{Path, PathBuf};

use mesos_scheduler_client::{Tls, TlsBuilder};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};

use crate::authority::{Authority, Identity};

/// In PKCS #8. Nothing but these tests trusts it.
const RSA_KEY: &str = include_str!("../data/rsa-key.pem");

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tls-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn roots() -> TlsBuilder {
    Tls::builder().root_pem(Authority::new().pem())
}

fn error(builder: TlsBuilder) -> String {
    builder.build().unwrap_err().to_string()
}

/// DER in the armour of PEM.
fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

#[test]
fn keys_of_every_form_are_read() {
    let authority = Authority::new();
    let rsa_pair = KeyPair::from_pem_and_sign_algo(RSA_KEY, &PKCS_RSA_SHA256).unwrap();
    let rsa = authority.sign_key(&rsa_pair, &["framework"], |_| {});
    let ec_pair = KeyPair::generate().unwrap();
    let ec = authority.sign_key(&ec_pair, &["framework"], |_| {});
    // Both older forms are what PKCS #8 wraps, after a head of known length.
    let pkcs1 = pem("RSA PRIVATE KEY", &rsa_pair.serialized_der()[26..]);
    let sec1_at =
        ec_pair.serialized_der().windows(5).position(|bytes| bytes == [2, 1, 1, 4, 32]).unwrap() - 2;
    let sec1 = pem("EC PRIVATE KEY", &ec_pair.serialized_der()[sec1_at..]);
    let parameters = pem("EC PARAMETERS", &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7]);
    for (identity, key) in [
        (&rsa, &rsa.key),
        (&rsa, &pkcs1),
        (&ec, &ec.key),
        (&ec, &sec1),
        (&ec, &format!("{parameters}{sec1}")),
        (&ec, &format!("{}{}", ec.certificate, ec.key)),
    ] {
        let builder = roots().client_certificate_pem(identity.certificate.clone(), key.clone());
        builder.build().unwrap_or_else(|error| panic!("{error}\n{key}"));
    }
}

#[test]
fn certificate_and_key_may_be_one_file() {
    let folder = Folder::new("one-file");
    let Identity { certificate, key } = Authority::new().sign(&["framework"]);
    let both = folder.file("both.pem", format!("a comment\n{certificate}{key}"));
    let roots_file = folder.file("roots.pem", Authority::new().pem() + &Authority::new().pem());
    let tls = Tls::builder().root_file(&roots_file).client_certificate_files(&both, &both).build().unwrap();
    assert_eq!(format!("{tls:?}"), "Tls { roots: Given(2), has_certificate: true, server_name: None, .. }");
}

#[test]
fn wrong_roots_are_named_with_what_was_expected() {
    let folder = Folder::new("wrong-roots");
    let Identity { certificate, key } = Authority::new().sign(&["framework"]);
    let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap().secret_der().to_vec();
    let broken = pem("CERTIFICATE", &[1, 2, 3]);
    for (content, why) in [
        (Vec::new(), "it is empty, expected -----BEGIN CERTIFICATE-----"),
        (b" \n".to_vec(), "it is empty, expected -----BEGIN CERTIFICATE-----"),
        (b"hello".to_vec(), "it is no PEM, expected -----BEGIN CERTIFICATE-----"),
        (der, "it is no PEM, expected -----BEGIN CERTIFICATE-----"),
        (key.clone().into(), "there is a private key, expected -----BEGIN CERTIFICATE-----"),
        (
            format!("{key}{}{key}", pem("CERTIFICATE REQUEST", &[1])).into(),
            "there is a private key and a request for a certificate and a private key, expected -----BEGIN \
             CERTIFICATE-----",
        ),
        (
            pem("TRUSTED CERTIFICATE", &[1]).into(),
            "there is nothing known, expected -----BEGIN CERTIFICATE-----",
        ),
        (certificate[..100].into(), "it is cut off: a -----BEGIN has no -----END"),
        (b"-----BEGIN CERTIFICATE\n".to_vec(), "a line with -----BEGIN does not end with -----"),
        (
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_vec(),
            "what stands between -----BEGIN and -----END is no base64",
        ),
        (
            format!("{certificate}{broken}").into(),
            "certificate 2 of 2 cannot be a root: invalid peer certificate: BadEncoding",
        ),
    ] {
        let path = folder.file("ca.pem", &content);
        let shown = path.display();
        assert_eq!(
            error(Tls::builder().root_file(&path)),
            format!("TLS: the root certificates in '{shown}': {why}")
        );
        assert_eq!(error(Tls::builder().root_pem(content)), format!("TLS: the root certificates: {why}"));
    }
    assert_eq!(
        error(roots().root_file("/no/such/file")),
        "TLS: the root certificates in '/no/such/file': entity not found"
    );
}

#[test]
fn a_wrong_client_certificate_is_named_with_what_was_expected() {
    let folder = Folder::new("wrong-client");
    let [one, other] = [(); 2].map(|()| Authority::new().sign(&["framework"]));
    let certificate = folder.file("cert.pem", &one.certificate);
    let shown = certificate.display();
    for (key, why) in [
        (other.key.clone(), format!("it does not belong to the first certificate in '{shown}'")),
        (format!("{}{}", one.key, other.key), "there are 2 keys, expected one".to_owned()),
        (
            one.certificate.clone(),
            "there is a certificate, expected -----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY"
                .to_owned(),
        ),
        (pem("ENCRYPTED PRIVATE KEY", &[1]), "the key has a passphrase, expected one without".to_owned()),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----"
                .to_owned(),
            "the key has a passphrase, expected one without".to_owned(),
        ),
        (
            pem("PRIVATE KEY", &[1, 2, 3]),
            "it cannot be read, expected RSA of 2048 bits or more, ECDSA P-256 or P-384, or Ed25519"
                .to_owned(),
        ),
    ] {
        let path = folder.file("key.pem", &key);
        let builder = roots().client_certificate_files(&certificate, &path);
        let what = "TLS: the key of the client certificate";
        assert_eq!(error(builder), format!("{what} in '{}': {why}", path.display()));
    }
    let builder = roots().client_certificate_files(Path::new("/no/such/file"), "/no/such/key");
    assert_eq!(error(builder), "TLS: the client certificate in '/no/such/file': entity not found");
    let broken = pem("CERTIFICATE", &[1, 2, 3]);
    assert_eq!(
        error(roots().client_certificate_pem(broken, one.key)),
        "TLS: the client certificate: it cannot be read: invalid peer certificate: BadEncoding"
    );
}

#[test]
fn a_wrong_server_name_is_shown() {
    for name in ["", "a b", "https://a", "a:5050", "-"] {
        let expected = "is no name of a server, expected a host name or an IP address without a port";
        assert_eq!(error(roots().server_name(name)), format!("TLS: the server name: '{name}' {expected}"));
    }
    for name in ["a", "a.b-c_d", "10.0.0.1", "::1"] {
        assert!(roots().server_name(name).build().is_ok(), "{name}");
    }
}

#[test]
fn nothing_of_a_key_is_printed() {
    let Identity { certificate, key } = Authority::new().sign(&["framework"]);
    let line = key.lines().nth(1).unwrap().to_owned();
    let builder = roots().client_certificate_pem(certificate.clone(), key.clone()).server_name("a");
    let numbers = format!("{:?}", key.as_bytes());
    for shown in [
        format!("{builder:?}"),
        format!("{builder:#?}"),
        format!("{:?}", builder.build().unwrap()),
        error(roots().client_certificate_pem(key.clone(), certificate.clone())),
        error(roots().client_certificate_pem(certificate.clone(), &key[..100])),
        error(roots().client_certificate_pem(certificate, key.replacen('M', "!", 1))),
    ] {
        assert!(!shown.contains(&line[..20]) && !shown.contains(&numbers[1..40]), "{shown}");
    }
}
