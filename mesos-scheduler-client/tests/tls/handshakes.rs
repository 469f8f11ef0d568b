//! Which handshakes succeed, and what is said of those that do not.

use std::{env, process::Command};

use mesos_scheduler_client::{HttpUrl, Tls, TlsBuilder, operator::MasterApi};
use rustls::ServerConfig;
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::{
    authority::{self, Authority},
    server::{BOTH, Server, config, read_request, respond, within},
};

const GET_TASKS: &[u8] = include_bytes!("../data/master-get-tasks.pb.body");

/// Asks a server under this name, and tells what goes wrong.
async fn ask_at(host: &str, server: ServerConfig, tls: Option<Tls>) -> Result<(), String> {
    let server = Server::start(server).await;
    let url = format!("https://{host}:{}", server.port());
    let mut api = MasterApi::new(url.parse::<HttpUrl>().unwrap());
    if let Some(tls) = tls {
        api = api.tls(tls);
    }
    let (tasks, _) =
        within(async { tokio::join!(api.get_tasks(), server.answer("200 OK", "", GET_TASKS)) }).await;
    let tasks = tasks.map_err(|error| error.to_string().replace(&format!("{url}/api/v1: "), ""))?;
    assert!(!tasks.tasks.is_empty());
    Ok(())
}

async fn ask(server: ServerConfig, tls: TlsBuilder) -> Result<(), String> {
    ask_at("127.0.0.1", server, Some(tls.build().unwrap())).await
}

fn refused(why: &str) -> Result<(), String> {
    Err(why.to_owned())
}

#[tokio::test]
async fn a_server_of_the_given_authority_is_trusted_with_each_version() {
    let authority = Authority::new();
    let identity = authority.sign(&["127.0.0.1", "localhost"]);
    for versions in [BOTH, &[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let roots = Tls::builder().root_pem(authority.pem());
        assert_eq!(ask(config(&identity, versions, None), roots).await, Ok(()));
    }
    let tls = Tls::builder().root_pem(Authority::new().pem()).root_pem(authority.pem()).build().unwrap();
    assert_eq!(ask_at("localhost", config(&identity, BOTH, None), Some(tls)).await, Ok(()));
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let server = || config(&Authority::new().sign(&["127.0.0.1"]), BOTH, None);
    let [one, two] = [(); 2].map(|()| Authority::new().pem());
    for (roots, which) in [
        (Tls::builder().root_pem(one.clone()), "not the given root"),
        (Tls::builder().root_pem(one.clone() + &two), "none of the 2 given roots"),
        (Tls::builder().root_pem(one).root_pem(two), "none of the 2 given roots"),
    ] {
        let why = format!(
            "TLS: the certificate of '127.0.0.1' is signed by an unknown issuer, {which}; give the \
             certificate of the authority that signed it as a root"
        );
        assert_eq!(ask(server(), roots).await, refused(&why));
    }
}

#[tokio::test]
async fn an_authority_that_was_made_again_under_its_name_is_refused() {
    let [old, new] = [(); 2].map(|()| Authority::named("cluster"));
    let server = config(&new.sign(&["127.0.0.1"]), BOTH, None);
    assert_eq!(
        ask(server, Tls::builder().root_pem(old.pem())).await,
        refused(
            "TLS: the certificate of '127.0.0.1' is not signed with the key of the root that it names as its \
             issuer; give the certificate of the authority that signed it as a root"
        )
    );
}

#[tokio::test]
async fn another_name_is_refused_unless_it_is_expected() {
    let authority = Authority::new();
    let roots = || Tls::builder().root_pem(authority.pem());
    let server = |names: &[&str]| config(&authority.sign(names), BOTH, None);
    let cluster = ["master.mesos", "10.1.2.3"];
    assert_eq!(
        ask(server(&cluster), roots()).await,
        refused(
            "TLS: the certificate is not for '127.0.0.1' but for 'master.mesos', '10.1.2.3'; if that is the \
             right peer, set the server name"
        )
    );
    assert_eq!(
        ask(server(&[]), roots()).await,
        refused(
            "TLS: the certificate is not for '127.0.0.1' but for no name (the common name alone does not \
             count); if that is the right peer, set the server name"
        )
    );
    for name in cluster {
        assert_eq!(ask(server(&cluster), roots().server_name(name)).await, Ok(()));
    }
    assert_eq!(
        ask(server(&["127.0.0.1"]), roots().server_name("master.mesos")).await,
        refused(
            "TLS: the certificate is not for 'master.mesos' but for '127.0.0.1'; if that is the right peer, \
             set the server name"
        )
    );
}

#[tokio::test]
async fn other_certificates_that_do_not_hold_are_refused() {
    let authority = Authority::new();
    for (change, why) in [
        (authority::expired as fn(&mut _), "has expired, by the clock of this machine"),
        (authority::not_yet, "is not valid yet, by the clock of this machine"),
        (
            authority::authority,
            "is that of an authority (CA:TRUE), expected one that the authority signed for the server",
        ),
    ] {
        let identity = authority.sign_with(&["127.0.0.1"], change);
        let roots = Tls::builder().root_pem(authority.pem());
        let why = format!("TLS: the certificate of '127.0.0.1' {why}");
        assert_eq!(ask(config(&identity, BOTH, None), roots).await, refused(&why));
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_it_is_demanded() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = authority.sign(&["127.0.0.1"]);
    let roots = || Tls::builder().root_pem(authority.pem());
    let (client, stranger) = (clients.sign(&["framework"]), Authority::new().sign(&["framework"]));
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let server = || config(&server, versions, Some(&clients));
        let with = |identity: &authority::Identity| {
            roots().client_certificate_pem(identity.certificate.clone(), identity.key.clone())
        };
        assert_eq!(ask(server(), with(&client)).await, Ok(()));

        let missing = ask(server(), roots()).await.unwrap_err();
        assert!(missing.contains("client certificate"), "{missing}");
        let refused = ask(server(), with(&stranger)).await.unwrap_err();
        assert!(refused.contains("UnknownCA"), "{refused}");
        assert!(!refused.contains("client certificate"), "{refused}");
    }
}

#[tokio::test]
async fn plain_http_at_a_port_for_tls_says_so() {
    let server = Server::of(&Authority::new()).await;
    let url = format!("http://127.0.0.1:{}", server.port());
    let api = MasterApi::new(url.parse::<HttpUrl>().unwrap());
    let (tasks, accepted) =
        within(async { tokio::join!(api.get_tasks(), server.answer("200 OK", "", b"")) }).await;
    assert_eq!(accepted, None);
    let why = tasks.unwrap_err().to_string();
    assert!(why.ends_with("(does it speak https:// at this port?)"), "{why}");
}

#[tokio::test]
async fn plain_http_at_a_port_that_closes_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let api = MasterApi::new(url.parse::<HttpUrl>().unwrap());
    let answering = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        read_request(&mut tcp).await;
    };
    let (tasks, ()) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    assert_eq!(
        tasks.unwrap_err().to_string(),
        format!(
            "{url}/api/v1: connection closed before message completed (does it speak https:// at this port?)"
        )
    );
}

#[tokio::test]
async fn tls_at_a_port_for_plain_http_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tls = Tls::builder().root_pem(Authority::new().pem()).build().unwrap();
    let api = MasterApi::new(url.parse::<HttpUrl>().unwrap()).tls(tls);
    for (answer, why) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            "TLS: the peer does not speak TLS (does it speak http:// at this port?)",
        ),
        // This is what Mesos does.
        (
            b"",
            "TLS: the peer closed the connection during the handshake (does it speak http:// at this port?)",
        ),
    ] {
        let answering = async {
            let (mut tcp, _) = listener.accept().await.unwrap();
            // All of the hello is read, or the answer could be lost in a reset.
            let mut head = [0; 5];
            tcp.read_exact(&mut head).await.unwrap();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            tcp.read_exact(&mut hello).await.unwrap();
            crate::server::write(&mut tcp, answer).await;
        };
        let (tasks, ()) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
        assert_eq!(tasks.unwrap_err().to_string(), format!("{url}/api/v1: {why}"));
    }
}

/// Tells the second process of the next test whom to ask.
const URL_OF_PARENT: &str = "TLS_TEST_URL";

/// The roots of the system are loaded once for a process, and where they are is said by its environment; so
/// a second process asks.
#[tokio::test]
async fn the_roots_of_the_system_are_used_unless_others_are_given() {
    if let Ok(url) = env::var(URL_OF_PARENT) {
        let api = MasterApi::new(url.parse::<HttpUrl>().unwrap());
        within(api.get_tasks()).await.unwrap();
        return;
    }
    let authority = Authority::new();
    let server = Server::of(&authority).await;
    let file = env::temp_dir().join(format!("roots-of-{}.pem", server.port()));
    std::fs::write(&file, authority.pem()).unwrap();
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", "handshakes::the_roots_of_the_system_are_used_unless_others_are_given"]);
    again.env(URL_OF_PARENT, server.url()).env("SSL_CERT_FILE", &file).env_remove("SSL_CERT_DIR");
    let asking = tokio::task::spawn_blocking(move || again.output().unwrap());
    let answering = async {
        let mut socket = server.accept().await.expect("the root is known");
        read_request(&mut socket).await;
        respond(&mut socket, "200 OK", "", GET_TASKS).await;
    };
    let (output, ()) = within(async { tokio::join!(asking, answering) }).await;
    std::fs::remove_file(&file).unwrap();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[tokio::test]
async fn the_roots_of_the_system_do_not_know_a_cluster_of_its_own() {
    let server = config(&Authority::new().sign(&["127.0.0.1"]), BOTH, None);
    let why = ask_at("127.0.0.1", server, None).await.unwrap_err();
    let unknown = why.contains("signed by an unknown issuer, none of the system's ");
    let none = why.starts_with("TLS: the root certificates of the system: there are none");
    assert!(unknown || none, "{why}");
}
