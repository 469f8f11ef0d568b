//! Sends what was recorded to a fresh runtime and compares what comes back.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use super::record::{Answer, Exchange, Scenario, Script};

/// How long an answer that must come may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait for one that must not.
const IMPATIENCE: Duration = Duration::from_secs(1);

/// A runtime that runs, with its streams being read.
pub(crate) struct Runtime {
    pub(crate) child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) address: SocketAddr,
    stdout: JoinHandle<Vec<String>>,
    stderr: JoinHandle<Vec<String>>,
}

/// What a runtime left.
pub(crate) struct Remains {
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
    pub(crate) exit: Option<i32>,
}

impl Runtime {
    pub(crate) fn start(kind: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_action-runtime"));
        command.args(["--kind", kind, "--port", "0", "--exit-with-stdin"]);
        // The recorded actions return every variable with such a name.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("__OW_") || name.len() == 1 {
                command.env_remove(name);
            }
        }
        command.env("__OW_API_HOST", "http://172.17.0.1:3233").envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ").expect("the address").parse().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            stdin: child.stdin.take(),
            address,
            stdout: std::thread::spawn(move || read_lines(stdout)),
            stderr: std::thread::spawn(move || read_lines(stderr)),
            child,
        }
    }

    /// Lets the runtime end, by the end of its stdin unless it ends by itself.
    pub(crate) fn end(mut self, by_itself: bool) -> Remains {
        if !by_itself {
            self.stdin = None;
        }
        let status = self.child.wait().unwrap();
        Remains {
            stdout: self.stdout.join().unwrap(),
            stderr: self.stderr.join().unwrap(),
            exit: status.code(),
        }
    }
}

/// Replays a block; the differences, each in words.
pub(crate) fn replay(scenario: &Scenario) -> Vec<String> {
    let script = Script::parse(&scenario.block);
    let environment: &[_] = if scenario.heading.contains("__OW_ALLOW_CONCURRENT=true") {
        &[("__OW_ALLOW_CONCURRENT", "true")]
    } else {
        &[]
    };
    let runtime = Runtime::start(scenario.kind, environment);
    let mut wrong = Vec::new();
    let exchange_all = |wrong: &mut Vec<String>| {
        let Some(first) = script.exchanges.iter().position(|exchange| exchange.is_first_of_two) else {
            let mut connection = None;
            for exchange in &script.exchanges {
                if !scenario.heading.starts_with("keep-alive") {
                    connection = None;
                }
                compare(exchange, &exchange.send(runtime.address, &mut connection), wrong);
            }
            return;
        };
        let second = script.exchanges.iter().position(|exchange| exchange.is_second_of_two).unwrap();
        for exchange in &script.exchanges[..first.min(second)] {
            compare(exchange, &exchange.send(runtime.address, &mut None), wrong);
        }
        let [first, second] = [first, second].map(|index| &script.exchanges[index]);
        std::thread::scope(|scope| {
            let (done, wait) = mpsc::channel();
            scope.spawn(move || done.send(first.send(runtime.address, &mut None)).unwrap());
            // The first one takes 1.5 s; by then it has arrived.
            match wait.recv_timeout(Duration::from_millis(500)) {
                Ok(answer) => wrong.push(format!("the first run ended before the second began: {answer:?}")),
                Err(_) => {
                    compare(second, &second.send(runtime.address, &mut None), wrong);
                    compare(first, &wait.recv_timeout(PATIENCE).unwrap(), wrong);
                }
            }
        });
    };
    exchange_all(&mut wrong);
    let remains = runtime.end(script.exit.is_some());
    compare_logs("stdout", &script.stdout, &remains.stdout, &mut wrong);
    compare_logs("stderr", &script.stderr, &remains.stderr, &mut wrong);
    let exit = script.exit.unwrap_or_default();
    if remains.exit != Some(exit) {
        wrong.push(format!("exit status: recorded {exit}, here {:?}", remains.exit));
    }
    wrong
}

impl Exchange {
    /// Sends the request, on the connection if there is one.
    fn send(&self, address: SocketAddr, connection: &mut Option<TcpStream>) -> Answer {
        if connection.is_none() {
            *connection = TcpStream::connect(address).ok();
        }
        let Some(stream) = connection else { return Answer::Closed };
        let patience = if self.answer == Answer::Nothing { IMPATIENCE } else { PATIENCE };
        stream.set_read_timeout(Some(patience)).unwrap();
        send(stream, &self.method, &self.path, self.body.as_bytes())
    }
}

/// Sends a request and reads the answer.
pub(crate) fn send(stream: &mut TcpStream, method: &str, path: &str, body: &[u8]) -> Answer {
    match write_request(stream, method, path, body) {
        Ok(()) => read_answer(stream),
        Err(_) => Answer::Closed,
    }
}

/// Sends a request.
pub(crate) fn write_request(
    stream: &mut TcpStream,
    method: &str,
    path: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

fn read_answer(stream: &TcpStream) -> Answer {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) => return Answer::Closed,
            Ok(_) if line.trim().is_empty() => break,
            Ok(_) => head.push(line.trim_end().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Answer::Nothing,
            Err(_) => return Answer::Closed,
        }
    }
    let header = |name: &str| {
        head.iter().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
    let content_length = header("Content-Length").expect("Content-Length").parse().unwrap();
    let mut body = vec![0; content_length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    Answer::Reply { status, content_type: header("Content-Type"), content_length, body }
}

fn compare(exchange: &Exchange, here: &Answer, wrong: &mut Vec<String>) {
    let recorded = &exchange.answer;
    let same = match (recorded, here) {
        (
            Answer::Reply { status, content_type, content_length, body },
            Answer::Reply { status: status2, content_type: type2, content_length: length2, body: body2 },
        ) => {
            status == status2
                && content_type == type2
                && match body.strip_suffix('…') {
                    // A length of 0 stands for one that cannot be the same.
                    Some(beginning) => {
                        body2.starts_with(beginning) && (content_length == length2 || *content_length == 0)
                    }
                    None => body == body2 && content_length == length2,
                }
        }
        (recorded, here) => recorded == here,
    };
    if !same {
        let request: String = format!("{} {}", exchange.path, exchange.body).chars().take(200).collect();
        let here: String = format!("{here:?}").chars().take(1000).collect();
        wrong.push(format!("{} {request}\n  recorded {recorded:?}\n  here     {here}", exchange.method));
    }
}

fn compare_logs(stream: &str, recorded: &[String], here: &[String], wrong: &mut Vec<String>) {
    let recorded = without_frames(recorded);
    let here = without_frames(here);
    if !lines_match(&recorded, &here) {
        wrong.push(format!("{stream}\n  recorded {recorded:?}\n  here     {here:?}"));
    }
}

/// A line that ends with `…` stands for all that begin so, a line `…` for any number of any lines.
fn lines_match(recorded: &[String], here: &[String]) -> bool {
    let Some((first, rest)) = recorded.split_first() else {
        return here.is_empty();
    };
    if first == "…" {
        return (0..=here.len()).any(|skipped| lines_match(rest, &here[skipped..]));
    }
    let Some((line, here)) = here.split_first() else { return false };
    let same = match first.strip_suffix('…') {
        Some(beginning) => line.starts_with(beginning),
        None => line == first,
    };
    same && lines_match(rest, here)
}

/// The recording has no stack frames of Node and no source lines of Python; files differ.
fn without_frames(lines: &[String]) -> Vec<String> {
    let is_frame = |line: &String| line.starts_with("    ") || line.trim_start().starts_with("File \"");
    lines.iter().filter(|line| !is_frame(line)).cloned().collect()
}

fn read_lines(reader: impl BufRead) -> Vec<String> {
    reader.lines().map(Result::unwrap).collect()
}
