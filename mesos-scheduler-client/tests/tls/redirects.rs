//! Redirects between `http` and `https`, and where credentials go.

use mesos_scheduler_client::{
    Credentials, HttpUrl, Tls,
    operator::{MasterApi, OperatorError},
};
use tokio::net::TcpListener;

use crate::{
    authority::Authority,
    server::{Server, header, read_request, respond, within},
};

const GET_TASKS: &[u8] = include_bytes!("../data/master-get-tasks.pb.body");
const BASIC: &str = "Basic cDpz";

fn api(url: &str, authority: &Authority) -> MasterApi {
    let tls = Tls::builder().root_pem(authority.pem()).build().unwrap();
    let credentials = Credentials::basic("p", "s").unwrap();
    MasterApi::new(url.parse::<HttpUrl>().unwrap()).tls(tls).credentials(credentials)
}

#[tokio::test]
async fn credentials_follow_from_http_to_https() {
    let authority = Authority::new();
    let leader = Server::of(&authority).await;
    let standby = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = api(&format!("http://{}", standby.local_addr().unwrap()), &authority);
    let answering = async {
        let (mut tcp, _) = standby.accept().await.unwrap();
        let first = read_request(&mut tcp).await;
        let location = format!("Location: {}/master/api/v1\r\n", leader.url());
        respond(&mut tcp, "307 Temporary Redirect", &location, b"").await;
        (first, leader.answer("200 OK", "", GET_TASKS).await.expect("TLS is spoken"))
    };
    let (tasks, (first, second)) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    tasks.unwrap();
    assert_eq!([&first, &second].map(|head| header(head, "authorization")), [Some(BASIC); 2]);
}

#[tokio::test]
async fn a_redirect_without_a_scheme_stays_with_tls() {
    let authority = Authority::new();
    let (standby, leader) = (Server::of(&authority).await, Server::of(&authority).await);
    let api = api(&standby.url(), &authority);
    let location = format!("Location: //127.0.0.1:{}\r\n", leader.port());
    let answering = async {
        standby.answer("307 Temporary Redirect", &location, b"").await;
        leader.answer("200 OK", "", GET_TASKS).await.expect("TLS is spoken")
    };
    let (tasks, head) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    tasks.unwrap();
    assert_eq!(header(&head, "authorization"), Some(BASIC));
}

#[tokio::test]
async fn credentials_do_not_follow_from_https_to_http_and_not_back_either() {
    let authority = Authority::new();
    let (first, last) = (Server::of(&authority).await, Server::of(&authority).await);
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = api(&first.url(), &authority);
    let answering = async {
        let location = format!("Location: http://{}\r\n", plain.local_addr().unwrap());
        let first = first.answer("307 Temporary Redirect", &location, b"").await.expect("TLS is spoken");
        let (mut tcp, _) = plain.accept().await.unwrap();
        let second = read_request(&mut tcp).await;
        let location = format!("Location: {}\r\n", last.url());
        respond(&mut tcp, "307 Temporary Redirect", &location, b"").await;
        let third = last.answer("401 Unauthorized", "", b"who?").await.expect("TLS is spoken");
        [first, second, third]
    };
    let (tasks, heads) = within(async { tokio::join!(api.get_tasks(), answering) }).await;
    assert_eq!(heads.each_ref().map(|head| header(head, "authorization")), [Some(BASIC), None, None]);
    let error = tasks.unwrap_err();
    assert!(matches!(error, OperatorError::Unauthorized { sent: false, .. }), "{error}");
}
