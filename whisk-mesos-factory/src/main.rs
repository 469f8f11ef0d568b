//! The program `whisk-mesos`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
