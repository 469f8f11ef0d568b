//! Runs the program as a user does, and looks at everything that it leaves behind.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

/// A folder of its own for each test: temporary files and sandboxes of the program lie in it, so that
/// everything that is left running or lying about can be told from what other tests do.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a program that has ended leaves.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program that runs.
pub(crate) struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Writes a file that is no leftover.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn temporary(&self) -> PathBuf {
        let path = self.folder.path().join("tmp");
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, Stdio::piped())
    }

    /// Starts the program with a stdout of the caller's choice.
    pub(crate) fn start_with(&self, arguments: &[&str], stdout: Stdio) -> Running {
        self.spawn(env!("CARGO_BIN_EXE_whisk-mesos"), arguments, Stdio::null(), stdout)
    }

    /// Starts the program with a stdin to [`Running::say`] something on.
    pub(crate) fn start_with_stdin(&self, arguments: &[&str]) -> Running {
        self.spawn(env!("CARGO_BIN_EXE_whisk-mesos"), arguments, Stdio::piped(), Stdio::piped())
    }

    /// Runs another program to its end.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Ended {
        self.spawn(program, arguments, Stdio::null(), Stdio::piped()).wait()
    }

    fn spawn(&self, program: &str, arguments: &[&str], stdin: Stdio, stdout: Stdio) -> Running {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(repository())
            .env("TMPDIR", self.temporary())
            .env_remove("RUST_LOG")
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stdout, stderr }
    }

    /// Runs the program to its end, and checks that nothing is left of it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.start(arguments).wait();
        self.assert_nothing_left();
        ended
    }

    /// Neither processes nor files.
    pub(crate) fn assert_nothing_left(&self) {
        let processes = self.processes();
        assert!(processes.is_empty(), "left running: {processes:#?}");
        let files: Vec<PathBuf> =
            fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.is_empty(), "left lying: {files:#?}");
    }

    /// Command lines of all processes that have to do with this place.
    pub(crate) fn processes(&self) -> Vec<String> {
        processes(&self.folder.path().to_string_lossy())
    }
}

/// Command lines of all processes that hold a text in their arguments, folder or variables.
pub(crate) fn processes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let (folder, pid) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if pid.parse::<u32>().is_err() || pid == std::process::id().to_string() {
            continue;
        }
        let read = |name: &str| {
            String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap_or_default()).replace('\0', " ")
        };
        let cwd = fs::read_link(folder.join("cwd")).unwrap_or_default();
        // A zombie has none of the three; it waits for its parent only.
        if read("cmdline").contains(text)
            || read("environ").contains(text)
            || cwd.to_string_lossy().contains(text)
        {
            found.push(format!("{pid}: {}", read("cmdline")));
        }
    }
    found
}

impl Running {
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success(), "{kill}");
    }

    /// Writes a line to stdin.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn end_stdin(&mut self) {
        self.child.stdin = None;
    }

    /// One line of stdout.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads stderr up to a line that holds this text.
    pub(crate) fn wait_for_stderr(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "'{text}' never came");
        }
    }

    pub(crate) fn wait(mut self) -> Ended {
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            self.stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut stdout = String::new();
        if let Some(mut pipe) = self.stdout {
            pipe.read_to_string(&mut stdout).unwrap();
        }
        let status: ExitStatus = self.child.wait().unwrap();
        Ended { code: status.code(), stdout, stderr: stderr.join().unwrap() }
    }
}

/// Tells a test that an action runs, and an action that it may go on: the action connects here.
pub(crate) struct Meeting {
    listener: TcpListener,
}

impl Meeting {
    pub(crate) fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// A Python action that connects and then waits for the other side to close.
    pub(crate) fn action(&self) -> String {
        format!(
            "import socket\ndef main(args):\n    s = socket.create_connection(('127.0.0.1', {}))\n    \
             s.recv(1)\n    return {{}}\n",
            self.listener.local_addr().unwrap().port()
        )
    }

    /// Waits until the action runs.
    pub(crate) fn join(&self) -> TcpStream {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}
