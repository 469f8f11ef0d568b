//! The command line: what is asked for, and the exit code that answers.

mod arguments;
mod code;
mod interrupt;
mod local;
mod output;
mod run;

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};

use self::{
    arguments::{Arguments, Command},
    output::Output,
};

/// What a command ended with. The numbers are the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Success = 0,
    ActionFailed = 1,
    Usage = 2,
    PlatformFailed = 3,
    /// As shells count a program that SIGINT ended.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Reads the command line and carries it out.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // A closed terminal is no reason to fail differently.
            let _ = error.print();
            return if is_answer { Exit::Success } else { Exit::Usage }.into();
        }
    };
    let output = Output::new();
    output::start_tracing(arguments.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.problem(&format!("the program could not start its threads: {error}"));
            return Exit::PlatformFailed.into();
        }
    };
    runtime.block_on(async {
        match arguments.command {
            Command::Run(run) => run::run(*run, &output).await.into(),
            Command::Local(local) => local::run(local, &output).await.into(),
            Command::ActionRuntime(runtime) => local::action_runtime(runtime, &output).await,
        }
    })
}
