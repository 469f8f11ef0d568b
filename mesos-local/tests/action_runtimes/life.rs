//! How a runtime begins and ends, and what it does without its programs.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{
    record::Answer,
    replay::{Runtime, send, write_request},
};

const SENTINEL: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// An action that starts a process which outlives its runs, and tells the number of that.
const PYTHON_WITH_A_CHILD: &str = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n\
     def main(p):\n    return {'pid': child.pid}\n";
const NODE_WITH_A_CHILD: &str = "const child = require('child_process').spawn('sleep', ['1000']); function main() { return {pid: child.pid} }";
const SHELL_WITH_A_CHILD: &str = "#!/bin/sh\nsleep 1000 >/dev/null 2>&1 &\necho \"{\\\"pid\\\": $!}\"\n";

/// Its child is a process whose main thread has ended, and which has a child all the same.
const PYTHON_WITH_A_HEADLESS_CHILD: &str = "import subprocess, sys
HEADLESS = '''
import ctypes, subprocess, threading
def run():
    while ' Z ' not in open('/proc/self/stat').read():
        pass
    print(subprocess.Popen(['sleep', '1000']).pid, flush=True)
    threading.Event().wait()
threading.Thread(target=run).start()
ctypes.CDLL(None).pthread_exit(None)
'''
child = subprocess.Popen([sys.executable, '-c', HEADLESS], stdout=subprocess.PIPE)
pid = int(child.stdout.readline())
def main(p):
    return {'pid': pid}
";
/// A daemon by the book, and its name is not UTF-8.
const PYTHON_WITH_A_DAEMON: &str = "import ctypes, os, time
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b'\\xff\\xfe', 0, 0, 0)
        os.write(write, b'%d' % os.getpid())
        time.sleep(1000)
    os._exit(0)
os.wait()
pid = int(os.read(read, 20))
def main(p):
    return {'pid': pid}
";

#[test]
fn the_end_of_stdin_leaves_no_process() {
    for (kind, code) in [
        ("python", PYTHON_WITH_A_CHILD),
        ("python", PYTHON_WITH_A_HEADLESS_CHILD),
        ("python", PYTHON_WITH_A_DAEMON),
        ("nodejs", NODE_WITH_A_CHILD),
        ("native", SHELL_WITH_A_CHILD),
    ] {
        let runtime = start_with_code(kind, code);
        let pid = started_process(&runtime);
        assert!(is_alive(pid));
        let remains = runtime.end(false);
        assert_eq!(remains.exit, Some(0), "{kind}");
        assert!(!is_alive(pid), "{kind}: process {pid:?} stayed behind");
    }
}

#[test]
fn a_termination_signal_leaves_no_process_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::start("python", &[("MESOS_SANDBOX", folder.path().to_str().unwrap())]);
    init(&runtime, PYTHON_WITH_A_CHILD);
    let pid = started_process(&runtime);
    assert_eq!(entries(folder.path()), 1);
    let own = Pid::from_raw(i32::try_from(runtime.child.id()).unwrap()).unwrap();
    kill_process(own, Signal::TERM).unwrap();
    let remains = runtime.end(true);
    assert_eq!(remains.exit, Some(128 + 15));
    assert!(!is_alive(pid));
    assert_eq!(entries(folder.path()), 0);
}

#[test]
fn a_runtime_that_is_killed_takes_its_launcher_along() {
    for (kind, code) in [
        ("python", "import os\ndef main(p):\n    return {'pid': os.getpid()}\n"),
        ("nodejs", "function main() { return {pid: process.pid} }"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut runtime = Runtime::start(kind, &[("TMPDIR", folder.path().to_str().unwrap())]);
        init(&runtime, code);
        let pid = started_process(&runtime);
        runtime.child.kill().unwrap();
        // Its streams end when the launcher, which shares them, has closed them: its end is near.
        runtime.end(true);
        let is_gone = (0..1_000_000).any(|_| {
            std::thread::yield_now();
            !is_alive(pid)
        });
        assert!(is_gone, "{kind}");
    }
}

#[test]
fn a_missing_program_is_named_at_init() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (kind, program) in [("python", "python3"), ("nodejs", "node")] {
        let runtime = Runtime::start(kind, &[("PATH", path)]);
        let answer = send(&mut connect(&runtime), "POST", "/init", &init_body("def main(p): pass"));
        let Answer::Reply { status, body, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(status, 502);
        let expected = format!(r#"{{"error":"{program} was not found in PATH ({path})"}}"#);
        assert_eq!(body.trim_end(), expected);
        assert_eq!(runtime.end(false).exit, Some(0));
    }
}

#[test]
fn a_client_that_hangs_up_does_not_end_the_run() {
    let runtime = start_with_code("python", "import sys\ndef main(p):\n    return {'n': p['n']}\n");
    let mut gone = connect(&runtime);
    write_request(&mut gone, "POST", "/run", br#"{"value":{"n":1}}"#).unwrap();
    drop(gone);
    let answer = send(&mut connect(&runtime), "POST", "/run", br#"{"value":{"n":2}}"#);
    assert!(
        matches!(&answer, Answer::Reply { status: 200, body, .. } if body == "{\"n\": 2}\n"),
        "{answer:?}"
    );
    runtime.end(false);
}

#[test]
fn node_takes_48_mb_and_not_more() {
    let runtime = Runtime::start("nodejs", &[]);
    let refused = send(&mut connect(&runtime), "POST", "/init", &vec![b' '; (48 << 20) + 1]);
    let expected = r#"{"error":"Bad request."}"#;
    assert!(matches!(&refused, Answer::Reply { status: 500, body, .. } if body == expected), "{refused:?}");
    let mut body = init_body("function main() { return {ok: 1} }");
    body.resize(48 << 20, b' ');
    let taken = send(&mut connect(&runtime), "POST", "/init", &body);
    assert!(matches!(taken, Answer::Reply { status: 200, .. }), "{taken:?}");
    runtime.end(false);
}

#[test]
fn a_native_program_may_come_without_an_archive() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let runtime = Runtime::start("native", &[]);
    let code = STANDARD.encode("#!/bin/sh\necho one\necho\necho '{\"a\" : [1, 2]}'\necho\n");
    let body = serde_json::json!({"value": {"code": code, "binary": true}}).to_string();
    send(&mut connect(&runtime), "POST", "/init", body.as_bytes());
    let answer = send(&mut connect(&runtime), "POST", "/run", b"{}");
    assert!(
        matches!(&answer, Answer::Reply { status: 200, body, .. } if body == "{\"a\":[1,2]}\n"),
        "{answer:?}"
    );
    assert_eq!(runtime.end(false).stdout, ["one", "", SENTINEL]);
}

#[test]
fn an_ecmascript_package_runs() {
    let runtime = Runtime::start("nodejs", &[]);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("package.json", r#"{"type": "module", "main": "index.js"}"#),
        ("index.js", "export const main = async (p) => ({ got: p.name })"),
    ] {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, text.as_bytes()).unwrap();
    }
    let code = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        writer.finish().unwrap().into_inner(),
    );
    let body = serde_json::json!({"value": {"main": "main", "code": code, "binary": true}}).to_string();
    let answer = send(&mut connect(&runtime), "POST", "/init", body.as_bytes());
    assert!(matches!(answer, Answer::Reply { status: 200, .. }), "{answer:?}");
    let answer = send(&mut connect(&runtime), "POST", "/run", br#"{"value":{"name":"x"}}"#);
    assert!(matches!(&answer, Answer::Reply { body, .. } if body == r#"{"got":"x"}"#), "{answer:?}");
    runtime.end(false);
}

#[test]
fn wrong_arguments_and_a_taken_port_are_told() {
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_action-runtime");
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run(&["--kind", "ruby", "--port", "1"]);
    assert_eq!(code, Some(2));
    assert!(text.starts_with("action-runtime: unknown kind 'ruby'"), "{text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, text) = run(&["--kind", "native", "--port", &port]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with(&format!("action-runtime: cannot listen on 127.0.0.1:{port}: ")), "{text}");
}

fn start_with_code(kind: &str, code: &str) -> Runtime {
    let runtime = Runtime::start(kind, &[]);
    init(&runtime, code);
    runtime
}

fn init(runtime: &Runtime, code: &str) {
    let answer = send(&mut connect(runtime), "POST", "/init", &init_body(code));
    assert!(matches!(answer, Answer::Reply { status: 200, .. }), "{answer:?}");
}

fn init_body(code: &str) -> Vec<u8> {
    serde_json::json!({"value": {"main": "main", "code": code}}).to_string().into_bytes()
}

fn connect(runtime: &Runtime) -> TcpStream {
    TcpStream::connect(runtime.address).unwrap()
}

/// The process whose number the action returns.
fn started_process(runtime: &Runtime) -> Pid {
    let answer = send(&mut connect(runtime), "POST", "/run", br#"{"value":{}}"#);
    let Answer::Reply { body, .. } = &answer else { panic!("{answer:?}") };
    let result: serde_json::Value = serde_json::from_str(body).unwrap();
    let pid = result["pid"].as_i64().unwrap_or_else(|| panic!("{answer:?}"));
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// Whether a process runs; one that only waits to be reaped does not.
fn is_alive(pid: Pid) -> bool {
    let stat = PathBuf::from(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    match std::fs::read_to_string(stat) {
        Ok(stat) => !stat.contains(") Z "),
        Err(_) => test_kill_process(pid).is_ok(),
    }
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}
