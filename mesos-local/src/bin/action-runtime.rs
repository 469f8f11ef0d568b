//! The action runtime as a program of its own.

use std::process::ExitCode;

use mesos_local::runtime::{self, RuntimeConfig, USAGE};

#[tokio::main]
async fn main() -> ExitCode {
    let config = match RuntimeConfig::from_arguments(std::env::args().skip(1)) {
        Ok(config) => config,
        Err(error) => return fail(2, &format!("{error}\n{USAGE}")),
    };
    match runtime::run(config).await {
        Ok(code) => code,
        Err(error) => fail(1, &error.to_string()),
    }
}

#[expect(clippy::print_stderr, reason = "this is a program")]
fn fail(code: u8, text: &str) -> ExitCode {
    eprintln!("action-runtime: {text}");
    ExitCode::from(code)
}
