//! One look at a task from outside: a command, a connection or an HTTP request.

use std::{fs, io, net::SocketAddr, os::unix::process::ExitStatusExt as _, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
    time::sleep,
};

use super::{process::Program, sandbox::Sandbox};

/// Real executors start a program for each connection or request, which takes about so long; an interval is
/// counted from its end. Without it a script would see other numbers of results than on a real cluster.
const START_OF_PROGRAM: Duration = Duration::from_millis(100);

/// So much of an answer is read to find its status line and headers.
const MAX_HEAD: usize = 64 * 1024;

/// So many redirections are followed.
const MAX_HOPS: usize = 10;

/// What to look at.
#[derive(Clone, Debug)]
pub(super) enum Probe {
    Command {
        program: Program,
        sandbox: Sandbox,
    },
    Tcp(Target),
    Http {
        target: Target,
        path: String,
    },
    /// Whoever the certificate is made out to.
    Https {
        target: Target,
        path: String,
    },
}

/// Where a port of a task is; `None`: nowhere, because the container's port is not mapped.
pub(super) type Target = Option<SocketAddr>;

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    ExitCode(i32),
    Connected(bool),
    StatusCode(u32),
}

impl Seen {
    /// Whether a health check is content with it.
    pub(super) fn is_healthy(self) -> bool {
        match self {
            Self::ExitCode(code) => code == 0,
            Self::Connected(connected) => connected,
            Self::StatusCode(code) => (200..400).contains(&code),
        }
    }
}

impl Probe {
    /// # Errors
    /// There is nothing to be seen, such as no answer to a request.
    pub(super) async fn run(&self) -> io::Result<Seen> {
        match self {
            Self::Command { program, sandbox } => run_command(program, sandbox).await.map(Seen::ExitCode),
            Self::Tcp(target) => {
                sleep(START_OF_PROGRAM).await;
                let connected = match target {
                    Some(address) => TcpStream::connect(address).await.is_ok(),
                    None => false,
                };
                Ok(Seen::Connected(connected))
            }
            Self::Http { target, path } => {
                sleep(START_OF_PROGRAM).await;
                let address = target.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))?;
                get(address, path).await.map(Seen::StatusCode)
            }
            Self::Https { target, path } => {
                let address = target.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))?;
                get_with_curl(&format!("https://{address}{path}")).await.map(Seen::StatusCode)
            }
        }
    }
}

/// Ends a command and what it started, whether it was waited for or given up.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // In vain if nobody is left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

async fn run_command(program: &Program, sandbox: &Sandbox) -> io::Result<i32> {
    let append = |path| fs::OpenOptions::new().append(true).open(path);
    let mut command = Command::new(&program.path);
    if let Some(argv0) = &program.argv0 {
        command.arg0(argv0);
    }
    let mut child = command
        .args(&program.arguments)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&sandbox.directory)
        .stdin(Stdio::null())
        .stdout(append(&sandbox.stdout)?)
        .stderr(append(&sandbox.stderr)?)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    drop(command);
    let leader = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let _group = Group(leader);
    let status = child.wait().await?;
    Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1))
}

/// The status code of a GET, after redirections on the same server.
async fn get(address: SocketAddr, path: &str) -> io::Result<u32> {
    let mut path = path.to_owned();
    let mut hops = 0;
    loop {
        let head = exchange(address, &path).await?;
        let code = status_code(&head).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        let next = redirection(&head, address).filter(|_| (300..400).contains(&code) && hops < MAX_HOPS);
        let Some(next) = next else {
            return Ok(code);
        };
        path = next;
        hops += 1;
    }
}

/// The same over TLS, with the program that real executors use for all requests.
async fn get_with_curl(url: &str) -> io::Result<u32> {
    let arguments = ["-s", "-S", "-L", "-k", "-g", "-o", "/dev/null", "-w", "%{http_code}", url];
    let output =
        Command::new("curl").args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
}

/// Sends a GET and gives the head of the answer.
async fn exchange(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: mesos-local\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") && head.len() < MAX_HEAD {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn status_code(head: &str) -> Option<u32> {
    let mut words = head.lines().next()?.split_ascii_whitespace();
    let version = words.next()?;
    let code = words.next()?;
    (version.starts_with("HTTP/") && code.len() == 3).then(|| code.parse().ok())?
}

/// The path of a header Location that stays with the server.
fn redirection(head: &str, address: SocketAddr) -> Option<String> {
    let headers = head.split("\r\n\r\n").next()?.lines().skip(1);
    let mut locations = headers.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim())
    });
    let location = locations.next()?;
    let path = match location.strip_prefix("http://") {
        Some(rest) => rest.strip_prefix(&address.to_string())?,
        None => location,
    };
    path.starts_with('/').then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_head_of_an_answer_tells_the_code_and_where_to_go() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 31000));
        for (head, code, next) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Some(200), None),
            ("HTTP/1.0 404 Not Found\r\nLocation: /x\r\n\r\n", Some(404), Some("/x")),
            ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:31000/y?z\r\n\r\n", Some(302), Some("/y?z")),
            ("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/y\r\n\r\n", Some(302), None),
            ("HTTP/1.1 200 OK\r\n\r\nLocation: /body", Some(200), None),
            ("SSH-2.0-x\r\n", None, None),
            ("HTTP/1.1 2x0 OK\r\n\r\n", None, None),
            ("", None, None),
        ] {
            assert_eq!(status_code(head), code, "{head}");
            assert_eq!(redirection(head, address).as_deref(), next, "{head}");
        }
    }

    #[test]
    fn codes_from_200_to_399_are_healthy() {
        for (seen, healthy) in [
            (Seen::StatusCode(199), false),
            (Seen::StatusCode(200), true),
            (Seen::StatusCode(399), true),
            (Seen::StatusCode(400), false),
            (Seen::ExitCode(0), true),
            (Seen::ExitCode(1), false),
            (Seen::Connected(false), false),
            (Seen::Connected(true), true),
        ] {
            assert_eq!(seen.is_healthy(), healthy, "{seen:?}");
        }
    }

    #[tokio::test]
    async fn a_port_that_is_not_mapped_is_closed() {
        assert_eq!(Probe::Tcp(None).run().await.unwrap(), Seen::Connected(false));
        assert!(Probe::Http { target: None, path: "/".into() }.run().await.is_err());
        assert!(Probe::Https { target: None, path: "/".into() }.run().await.is_err());
    }
}
