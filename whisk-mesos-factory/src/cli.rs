//! The command line: what is asked for, and the exit code that answers.

mod arguments;
mod check;
mod code;
mod control;
mod decode;
mod explain;
mod interrupt;
mod local;
mod output;
mod run;

use std::{io, process::ExitCode};

use clap::{Parser, error::ErrorKind};

use self::{
    arguments::{Arguments, Command},
    interrupt::Interrupt,
    output::Output,
};

/// What a command ended with. The numbers are the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Success = 0,
    /// The action failed, or constraints do not hold.
    Negative = 1,
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

/// Why there is no result, and the exit code for it.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn usage(message: String) -> Self {
        Self { exit: Exit::Usage, message }
    }

    fn platform(message: String) -> Self {
        Self { exit: Exit::PlatformFailed, message }
    }

    fn of_stdout(error: &io::Error) -> Self {
        Self::platform(format!("stdout cannot be written: {error}"))
    }
}

/// Tells a failure on stderr.
fn conclude(result: Result<Exit, Failure>, output: &Output) -> Exit {
    result.unwrap_or_else(|failure| {
        output.problem(&failure.message);
        failure.exit
    })
}

/// Cleaning up can be given up, too: the result is `None` then.
async fn unless_interrupted<T>(work: impl Future<Output = T>, interrupt: &mut Interrupt) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = interrupt.wished() => None,
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
    if let Err(problem) = output::start_tracing(arguments.verbose) {
        output.problem(&problem);
        return Exit::Usage.into();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.problem(&format!("the program could not start its threads: {error}"));
            return Exit::PlatformFailed.into();
        }
    };
    let exit = runtime.block_on(async {
        match arguments.command {
            Command::Run(run) => conclude(run::run(*run, &output).await, &output).into(),
            Command::Explain(explain) => conclude(explain::run(explain, &output).await, &output).into(),
            Command::Check(check) => conclude(check::run(check, &output).await, &output).into(),
            Command::Decode(decode) => conclude(decode::run(&decode, &output), &output).into(),
            Command::Local(local) => conclude(local::run(local, &output).await, &output).into(),
            Command::ActionRuntime(runtime) => local::action_runtime(runtime, &output).await,
        }
    });
    // A name look-up that hangs must not keep the program.
    runtime.shutdown_background();
    exit
}
