//! TLS: whom a client trusts, and how it proves itself by a certificate.

mod explain;
mod pem;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::{net::TcpStream, sync::OnceCell};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) use self::explain::{explain, is_without_farewell};
use self::{explain::Peer, pem::Source};

/// How `https://` is spoken: TLS 1.2 or 1.3, with the roots of the system unless others are given. Clones share
/// their sessions.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mesos_proto::v1::FrameworkInfo;
/// use mesos_scheduler_client::{ClientBuilder, Masters, Tls};
///
/// let tls = Tls::builder()
///     .root_file("/etc/mesos/ca.pem")
///     .client_certificate_files("/etc/mesos/framework.pem", "/etc/mesos/framework.key")
///     .server_name("master.mesos")
///     .build()?;
/// let masters = Masters::parse("https://10.0.0.1:5050,https://10.0.0.2:5050")?;
/// let (client, events) = ClientBuilder::new(FrameworkInfo::default(), masters).tls(tls).start()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    roots: Roots,
    has_certificate: bool,
}

/// Where the roots are from, and how many there are.
#[derive(Clone, Copy, Debug)]
enum Roots {
    System(usize),
    Given(usize),
}

impl Tls {
    /// Settings that differ from the defaults.
    pub fn builder() -> TlsBuilder {
        TlsBuilder::default()
    }

    /// What is used where nothing else was set: the roots of the system, loaded once.
    pub(crate) async fn system() -> Result<Self, String> {
        static SYSTEM: OnceCell<Tls> = OnceCell::const_new();
        let load = async || {
            // Some hundred files are read.
            let loaded = tokio::task::spawn_blocking(|| Self::builder().build()).await;
            loaded.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        };
        SYSTEM.get_or_try_init(load).await.cloned()
    }

    /// Agrees with the peer on TLS. `host` is the name or address that was dialled.
    pub(crate) async fn connect(&self, tcp: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, String> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => parse_name(host).map_err(|problem| format!("TLS: '{host}' {problem}"))?,
        };
        let peer = Peer {
            name: name.to_str().into_owned(),
            roots: self.roots,
            has_certificate: self.has_certificate,
        };
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect(name, tcp).await.map_err(|error| peer.explain_handshake(&error))
    }
}

/// Tells what is trusted and expected, but nothing of a key.
impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("roots", &self.roots)
            .field("has_certificate", &self.has_certificate)
            .field("server_name", &self.server_name.as_ref().map(ServerName::to_str))
            .finish_non_exhaustive()
    }
}

/// Makes a [`Tls`]. Certificates and keys are PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsBuilder {
    roots: Vec<Source>,
    client_certificate: Option<(Source, Source)>,
    server_name: Option<String>,
}

impl TlsBuilder {
    /// Trusts the authorities in this file, and with it no longer those of the system. May be called several times.
    pub fn root_file(mut self, path: impl AsRef<Path>) -> Self {
        self.roots.push(Source::File(path.as_ref().to_owned()));
        self
    }

    /// Trusts the authorities in this PEM, as [`root_file`](Self::root_file) does.
    pub fn root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(Source::Bytes(pem.into()));
        self
    }

    /// Shows this certificate to a peer that asks for one. The file has the certificate first and then those
    /// between it and the root, if there are any; the file of the key (PKCS #8, PKCS #1 or SEC 1, without a
    /// passphrase) may be the same one.
    pub fn client_certificate_files(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        let [certificate, key] =
            [certificate.as_ref(), key.as_ref()].map(|path| Source::File(path.to_owned()));
        self.client_certificate = Some((certificate, key));
        self
    }

    /// Shows this certificate, as [`client_certificate_files`](Self::client_certificate_files) does.
    pub fn client_certificate_pem(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.client_certificate = Some((Source::Bytes(certificate.into()), Source::Bytes(key.into())));
        self
    }

    /// The name (or IP address) that certificates of masters and agents have to be for, whatever is dialled:
    /// certificates of a Mesos cluster often name it and not the hosts in it.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Reads and checks everything; blocks while it reads files.
    ///
    /// Without given roots those of the system are used. The environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR`
    /// say where they are if they are not in the usual places.
    ///
    /// # Errors
    /// A file is missing or does not hold what it should, the key does not belong to the certificate, the
    /// server name is none, or the system has no roots.
    pub fn build(self) -> Result<Tls, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (store, roots) = if self.roots.is_empty() { system_roots()? } else { given_roots(&self.roots)? };
        let server_name = match self.server_name {
            Some(name) => {
                Some(parse_name(&name).map_err(|why| TlsError::new("the server name", &name, why))?)
            }
            None => None,
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for TLS 1.2 and 1.3")
            .with_root_certificates(store);
        let has_certificate = self.client_certificate.is_some();
        let config = match self.client_certificate {
            Some((certificate, key)) => {
                let certified = certified_key(&certificate, &key, &provider)?;
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => config.with_no_client_auth(),
        };
        Ok(Tls { config: Arc::new(config), server_name, roots, has_certificate })
    }
}

fn parse_name(name: &str) -> Result<ServerName<'static>, &'static str> {
    let owned = ServerName::try_from(name.to_owned());
    owned.map_err(|_| "is no name of a server, expected a host name or an IP address without a port")
}

fn given_roots(sources: &[Source]) -> Result<(RootCertStore, Roots), TlsError> {
    let mut store = RootCertStore::empty();
    for source in sources {
        let certificates = pem::certificates("the root certificates", source)?;
        let total = certificates.len();
        for (index, certificate) in certificates.into_iter().enumerate() {
            store.add(certificate).map_err(|error| {
                let why = format!("certificate {} of {total} cannot be a root: {error}", index + 1);
                source.error("the root certificates", why)
            })?;
        }
    }
    let number = store.len();
    Ok((store, Roots::Given(number)))
}

fn system_roots() -> Result<(RootCertStore, Roots), TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // Systems ship a few roots that no verifier of today reads; they trust nobody.
    let (usable, _) = store.add_parsable_certificates(found.certs);
    if usable == 0 {
        let seen = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(TlsError {
            what: "the root certificates of the system".to_owned(),
            problem: format!(
                "there are none{seen}, expected the package ca-certificates, SSL_CERT_FILE, or roots given to the client"
            ),
        });
    }
    Ok((store, Roots::System(usable)))
}

fn certified_key(
    certificate: &Source,
    key: &Source,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    const KEY: &str = "the key of the client certificate";
    let chain: Vec<CertificateDer<'static>> = pem::certificates("the client certificate", certificate)?;
    let private_key = pem::private_key(KEY, key)?;
    // Read apart from the comparison below, to tell the two errors apart.
    let signing_key = provider.key_provider.load_private_key(private_key).map_err(|_| {
        key.error(
            KEY,
            "it cannot be read, expected RSA of 2048 bits or more, ECDSA P-256 or P-384, or Ed25519",
        )
    })?;
    let certified = CertifiedKey::new(chain, signing_key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(key.error(KEY, format!("it does not belong to the first certificate in {certificate}")))
        }
        Err(error) => Err(certificate.error("the client certificate", format!("it cannot be read: {error}"))),
    }
}

/// Settings of TLS that do not work: the configuration's fault. Keys are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    what: String,
    problem: String,
}

impl TlsError {
    fn new(what: &str, text: &str, why: impl fmt::Display) -> Self {
        Self { what: what.to_owned(), problem: format!("'{}' {why}", text.escape_debug()) }
    }

    fn about(what: &str, file: Option<&PathBuf>, problem: impl Into<String>) -> Self {
        let what = match file {
            Some(path) => format!("{what} in '{}'", path.display()),
            None => what.to_owned(),
        };
        Self { what, problem: problem.into() }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TLS: {}: {}", self.what, self.problem)
    }
}

impl std::error::Error for TlsError {}
