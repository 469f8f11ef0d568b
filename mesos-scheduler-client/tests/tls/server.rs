//! A server that speaks TLS and answers with any bytes.

use std::{future::Future, sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::authority::{Authority, Identity};

/// Guards against waiting for ever; nothing here takes a noticeable part of it.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("this does not take so long")
}

pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

/// What a server shows and demands. Certificates of clients have to be signed by `clients`.
pub(crate) fn config(
    identity: &Identity,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&Authority>,
) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(versions).unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    builder.with_single_cert(vec![certificate], key).unwrap()
}

pub(crate) struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Server {
    pub(crate) async fn start(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// One whose certificate is for 127.0.0.1.
    pub(crate) async fn of(authority: &Authority) -> Self {
        Self::start(config(&authority.sign(&["127.0.0.1"]), BOTH, None)).await
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port())
    }

    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        within(self.listener.accept()).await.unwrap().0
    }

    /// `None` if the handshake fails. Then what the client still sends is read to its end, so that it is not
    /// answered with a reset, which could overtake the alert.
    pub(crate) async fn accept(&self) -> Option<TlsStream<TcpStream>> {
        let accepting = self.acceptor.accept(self.accept_tcp().await).into_fallible();
        match within(accepting).await {
            Ok(socket) => Some(socket),
            Err((_, mut tcp)) => {
                tcp.shutdown().await.unwrap_or_default();
                within(tcp.read_to_end(&mut Vec::new())).await.unwrap_or_default();
                None
            }
        }
    }

    /// Accepts a connection, answers its request, and returns the head of that; `None` if the handshake fails.
    pub(crate) async fn answer(&self, status: &str, headers: &str, body: &[u8]) -> Option<String> {
        let mut socket = self.accept().await?;
        let head = read_request(&mut socket).await;
        respond(&mut socket, status, headers, body).await;
        Some(head)
    }
}

/// The head of a request; its body is read as well.
pub(crate) async fn read_request(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(read[..end].to_vec()).unwrap();
            let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
            if read.len() >= end + 4 + length {
                return head;
            }
        }
        assert_ne!(within(socket.read_buf(&mut read)).await.unwrap(), 0, "the request is cut off");
    }
}

pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

pub(crate) async fn respond(
    socket: &mut (impl AsyncWrite + Unpin),
    status: &str,
    headers: &str,
    body: &[u8],
) {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    write(socket, &[head.as_bytes(), body].concat()).await;
}

pub(crate) async fn write(socket: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    within(async {
        socket.write_all(bytes).await.unwrap();
        socket.flush().await.unwrap();
    })
    .await;
}
