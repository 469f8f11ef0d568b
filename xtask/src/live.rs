//! Runs the tests that need a real Mesos.

use std::{env, ffi::OsString, path::Path, process::Command};

use crate::print;

/// Where the masters are: what the tests read, too.
const MASTERS: &str = "MESOS_MASTER_URL";

/// The test that tells which master answers, or why none does.
const FIRST: &str = "real::a_master_answers";

/// Tells which master answers, then runs the tests one after the other, because they share what the agents have.
/// Gives the exit code of the tests.
pub(crate) fn run(repository: &Path) -> Result<u8, String> {
    print(&format!("== live tests against {}", masters(env::var_os(MASTERS))?));
    let code = run_tests(repository, &["--exact", FIRST, "--nocapture"])?;
    if code != 0 {
        return Ok(code);
    }
    // The scheduler is another process of one of the tests, not a test of its own.
    run_tests(repository, &["--skip", FIRST, "--skip", "framework::a_scheduler_that_is_killed"])
}

/// The value as it is: the tests say what is wrong with it.
fn masters(value: Option<OsString>) -> Result<String, String> {
    let expected = "expected the URL of a master, a list of them, or zk://…, \
                    for instance MESOS_MASTER_URL=http://127.0.0.1:5050";
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Err(format!("{MASTERS} is not set, {expected}"));
    };
    let text = value.into_string().map_err(|value| format!("{MASTERS} is {value:?}, {expected}"))?;
    if text.contains('@') { Ok("masters with credentials".to_owned()) } else { Ok(text) }
}

fn run_tests(repository: &Path, arguments: &[&str]) -> Result<u8, String> {
    let status = Command::new(env!("CARGO"))
        .args(["test", "-p", "mesos-scheduler-client", "--all-features", "--test", "live", "--"])
        .args(["--ignored", "--test-threads=1"])
        .args(arguments)
        // The tests say what they saw; where the runtime called them from helps nobody.
        .env("RUST_BACKTRACE", "0")
        .current_dir(repository)
        .status()
        .map_err(|error| format!("cargo test: {error}"))?;
    // Without a code a signal ended it.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_shown_but_for_their_secrets() {
        for (value, shown) in [
            ("http://127.0.0.1:5050", "http://127.0.0.1:5050"),
            ("a:5050,b:5050", "a:5050,b:5050"),
            ("zk://alice:s3cret@a:2181/mesos", "masters with credentials"),
        ] {
            assert_eq!(masters(Some(value.into())).as_deref(), Ok(shown));
        }
    }

    #[test]
    fn without_masters_the_variable_is_named() {
        for value in [None, Some(OsString::new())] {
            let error = masters(value).unwrap_err();
            assert!(
                error.starts_with("MESOS_MASTER_URL is not set, expected the URL of a master"),
                "{error}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn masters_that_are_no_text_are_shown() {
        use std::os::unix::ffi::OsStringExt;
        let error = masters(Some(OsString::from_vec(b"http://\xff".to_vec()))).unwrap_err();
        assert!(error.starts_with(r#"MESOS_MASTER_URL is "http://\xFF", expected"#), "{error}");
    }
}
