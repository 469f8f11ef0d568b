//! The command line of the runtime as a program.

use std::fmt;

use super::{Kind, RuntimeConfig};

/// The command line in one line.
pub const USAGE: &str =
    "usage: action-runtime --kind <python|nodejs|native|httpd> --port <port> [--exit-with-stdin]";

/// A command line that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl UsageError {
    pub(super) fn unknown_kind(text: &str) -> Self {
        Self(format!("unknown kind '{text}', expected python, nodejs, native or httpd"))
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl RuntimeConfig {
    /// Reads the arguments that follow the program's name.
    ///
    /// ```
    /// use mesos_local::runtime::{Kind, RuntimeConfig};
    ///
    /// let arguments = ["--kind", "python", "--port", "31000", "--exit-with-stdin"];
    /// let config = RuntimeConfig::from_arguments(arguments.map(String::from))?;
    /// assert_eq!(config, RuntimeConfig { kind: Kind::Python, port: 31000, exit_with_stdin: true });
    /// # Ok::<(), mesos_local::runtime::UsageError>(())
    /// ```
    ///
    /// # Errors
    /// An argument is unknown, lacks its value, has a wrong one, or is missing.
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Self, UsageError> {
        let mut arguments = arguments.into_iter();
        let (mut kind, mut port, mut exit_with_stdin) = (None, None, false);
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().ok_or_else(|| UsageError(format!("{argument} needs a value after it")));
            match argument.as_str() {
                "--kind" => kind = Some(value()?.parse::<Kind>()?),
                "--port" => port = Some(parse_port(&value()?)?),
                "--exit-with-stdin" => exit_with_stdin = true,
                other => return Err(UsageError(format!("unknown argument '{other}'"))),
            }
        }
        let missing = |name: &str| UsageError(format!("{name} is missing"));
        Ok(Self {
            kind: kind.ok_or_else(|| missing("--kind"))?,
            port: port.ok_or_else(|| missing("--port"))?,
            exit_with_stdin,
        })
    }
}

fn parse_port(text: &str) -> Result<u16, UsageError> {
    text.parse().map_err(|_| UsageError(format!("port '{text}' is not a number from 0 to 65535")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_command_lines_are_told_apart() {
        check("--kind ruby --port 1", "unknown kind 'ruby', expected python, nodejs, native or httpd");
        check("--kind python", "--port is missing");
        check("--port 80", "--kind is missing");
        check("--kind", "--kind needs a value after it");
        check("--kind native --port 65536", "port '65536' is not a number from 0 to 65535");
        check("--kind native --port 1 -x", "unknown argument '-x'");
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let error = RuntimeConfig::from_arguments(line.split(' ').map(String::from)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
