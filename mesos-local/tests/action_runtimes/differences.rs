//! What is not the same here as in the recording, and why.

use super::record::Scenario;

/// A text of the recording that reads differently here.
pub(crate) struct Difference {
    pub(crate) kind: &'static str,
    /// The heading, or every one that has the text.
    pub(crate) heading: Option<&'static str>,
    pub(crate) recorded: &'static str,
    pub(crate) here: &'static str,
    pub(crate) reason: &'static str,
}

impl Difference {
    pub(crate) fn applies_to(&self, scenario: &Scenario) -> bool {
        self.kind == scenario.kind
            && self.heading.is_none_or(|heading| heading == scenario.heading)
            && scenario.block.contains(self.recorded)
    }
}

const OWN_STUB: &str = "the text of the stub is our own";
const FLASK: &str = "the page is that of a Python web framework; here it is JSON like every other error";

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        kind: "nodejs",
        heading: Some("init and run with malformed JSON"),
        recorded: "stdout: undefined / undefined / ",
        here: "stdout: ",
        reason: "the upstream proxy prints a variable of its own",
    },
    Difference {
        kind: "nodejs",
        heading: Some("code does not parse"),
        recorded: r#"Content-Length 757 | {"error":"Initialization has failed due to: SyntaxError: Unexpected token '}'\n    at initializeActionHandler (/nodejsAction/runner.js:86:80)\n    at doInit (/nodejsAction/src/service.js:174:16)\n    at initCode (/nodejsAction/src …[cut]"#,
        here: r#"Content-Length 0 | {"error":"Initialization has failed due to: SyntaxError: Unexpected token '}'\n    at / …[cut]"#,
        reason: "the stack names the files of the proxy; here it names the line of the code",
    },
    Difference {
        kind: "nodejs",
        heading: Some("promise rejected with an Error, with a string, with nothing"),
        recorded: r#"Content-Length 717 | {"error":{"name":"Error","message":"boom","stack":"Error: boom\n    at NodeActionRunner.main [as userScriptMain] (eval at initializeActionHandler (/nodejsAction/runner.js:79:23), <anonymous>:2:67)\n    at /nodejsAction/runner.js:1 …[cut]"#,
        here: r#"Content-Length 0 | {"error":{"name":"Error","message":"boom","stack":"Error: boom\n    at main (/ …[cut]"#,
        reason: "the stack names the files of the proxy",
    },
    Difference {
        kind: "nodejs",
        heading: Some("uncaught exception in a timer"),
        recorded: "<anonymous_script>:2 /                function main(p)",
        here: "/… / function main(p)",
        reason: "the code has another file name, and no line of the proxy before it",
    },
    Difference {
        kind: "nodejs",
        heading: None,
        recorded: "Node.js v20.20.2",
        here: "Node.js v…",
        reason: "another version of Node may be installed",
    },
    Difference {
        kind: "python",
        heading: None,
        recorded: "2026/11/22 10:38:24 Cannot initialize",
        here: "Cannot initialize",
        reason: "lines of the log have no time of their own: the one who collects them adds it",
    },
    Difference {
        kind: "python",
        heading: Some("init and run with malformed JSON"),
        recorded: "Expecting value: line 2 column 1 (char 10)",
        here: "Expecting value: line 1 column 10 (char 9)",
        reason: "upstream adds a line feed to the body",
    },
    Difference {
        kind: "python",
        heading: Some("code does not parse"),
        recorded: "stderr: expected ':'",
        here: "stderr: SyntaxError: expected ':'",
        reason: "file, line and type of the error are printed too",
    },
    Difference {
        kind: "python",
        heading: Some("entry point missing"),
        recorded: "ImportError: cannot import name 'nosuch' from 'main__' (/action/1/bin/main__.py)",
        here: "AttributeError: module 'main__' has no attribute 'nosuch'",
        reason: "the entry point is looked up, not imported",
    },
    Difference {
        kind: "python",
        heading: Some("two overlapping runs"),
        recorded: "-> TimeoutError: timed out after 20075 ms\nstdout: SENTINEL\nstderr: SENTINEL",
        here: "-> 200 OK | application/json | Content-Length 13 | {\"slept\": 0}\\n\nstdout: SENTINEL / SENTINEL\nstderr: SENTINEL / SENTINEL",
        reason: "upstream never answers the second run; here it waits for the first",
    },
    Difference {
        kind: "python",
        heading: Some("what the environment holds"),
        recorded: "Content-Length 468",
        here: "Content-Length 0",
        reason: "the upstream image sets variables for its own proxy",
    },
    Difference {
        kind: "native",
        heading: Some("code does not parse"),
        recorded: "[Errno 2] No such file or directory: '/action/exec'",
        here: "cannot execute the action: No such file or directory (os error 2)",
        reason: "the text is Python's upstream and Rust's here",
    },
    Difference {
        kind: "native",
        heading: Some("binary true, but no archive"),
        recorded: "err File is not a zip file",
        here: "cannot use the code of the action: it is neither a zip archive, nor an ELF program, nor a script",
        reason: "the text is our own, and programs are taken without an archive",
    },
    Difference {
        kind: "native",
        heading: None,
        recorded: "This is a stub action that should be replaced with user code (e.g., script or compatible binary). / The input to the action is received from stdin, and up to a size of MAX_ARG_STRLEN (131071) also as an argument from the command line. / Actions may log to stdout or stderr. By convention, the last line of output must / be a stringified JSON object which represents the result of the action. / command line argument: ",
        here: "no code was given at /init; the argument of this run: ",
        reason: OWN_STUB,
    },
    Difference {
        kind: "native",
        heading: None,
        recorded: " / … / be a stringified JSON object which represents the result of the action. / command line argument: ",
        here: " / SENTINEL / no code was given at /init; the argument of this run: ",
        reason: OWN_STUB,
    },
    Difference {
        kind: "native",
        heading: None,
        recorded: " / command line argument length: 2 / stdin input length: 2",
        here: "",
        reason: OWN_STUB,
    },
    Difference {
        kind: "native",
        heading: None,
        recorded: " / command line argument length: 16 / stdin input length: 16",
        here: "",
        reason: OWN_STUB,
    },
    Difference {
        kind: "native",
        heading: None,
        recorded: " / command line argument length: 17 / stdin input length: 17",
        here: "",
        reason: OWN_STUB,
    },
    Difference {
        kind: "native",
        heading: Some("other methods and paths"),
        recorded: r#"404 NOT FOUND | text/html; charset=utf-8 | Content-Length 207 | <!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n"#,
        here: "404 NOT FOUND | application/json | Content-Length 0 | {\"error\":\"no such path '/ …[cut]",
        reason: FLASK,
    },
    Difference {
        kind: "native",
        heading: Some("other methods and paths"),
        recorded: r#"text/html; charset=utf-8 | Content-Length 153 | <!doctype html>\n<html lang=en>\n<title>405 Method Not Allowed</title>\n<h1>Method Not Allowed</h1>\n<p>The method is not allowed for the requested URL.</p>\n"#,
        here: r#"application/json | Content-Length 33 | {"error":"only POST is allowed"}\n"#,
        reason: FLASK,
    },
];

/// Programs that recorded actions call beside the one that their kind needs.
const PROGRAMS: &[(&str, &str)] =
    &[("#!/bin/bash", "/bin/bash"), ("#!/usr/bin/python3", "/usr/bin/python3"), ("| jq ", "jq")];

/// Why a scenario cannot be replayed on this machine.
pub(crate) fn missing_program(scenario: &Scenario) -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).exists());
    let needed = PROGRAMS.iter().filter(|(text, _)| scenario.block.contains(text));
    needed.map(|(_, program)| *program).find(|program| !is_there(program))
}
