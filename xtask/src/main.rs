//! Chores of the repository; `cargo xtask` lists them.

use std::{env, path::PathBuf, process::ExitCode};

use crate::arguments::{Command, USAGE};

mod arguments;
mod bench;
mod ci;
mod codegen;
mod fuzz;
mod live;
mod msrv;
mod package;
mod purity;
mod scale;
mod sim;
mod workspace;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let command = match arguments::parse(&arguments) {
        Ok(command) => command,
        Err(message) => {
            report(&format!("xtask: {message}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match run(&command) {
        Ok(code) => code,
        Err(message) => {
            report(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode, String> {
    let repository = repository();
    match command {
        Command::Bench(options) => bench::run(&repository, options)?,
        Command::Ci => ci::run(&repository)?,
        Command::Codegen(mode) => codegen::run(&repository, *mode)?,
        Command::Fuzz(options) => fuzz::run(&repository, options)?,
        Command::Help => print(USAGE),
        Command::Live => return live::run(&repository).map(ExitCode::from),
        Command::Msrv => msrv::check(&repository, msrv::Toolchain::Required)?,
        Command::Package => package::verify(&repository)?,
        Command::Sim(options) => sim::run(&repository, *options)?,
        Command::Scale(options) => scale::run(&repository, options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder that holds the workspace, wherever xtask was started from.
fn repository() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in a folder of the repository").to_path_buf()
}

#[expect(clippy::print_stdout, reason = "xtask is a program")]
fn print(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "xtask is a program")]
fn report(text: &str) {
    eprintln!("{text}");
}
