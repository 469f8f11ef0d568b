//! Chores of the repository: `cargo xtask codegen`, `cargo xtask ci`.

use std::{env, path::PathBuf, process::ExitCode};

mod ci;
mod codegen;
mod purity;

const USAGE: &str = "usage: cargo xtask <command>

commands:
  codegen           write the Rust code and the descriptors of mesos-proto from its .proto files
  codegen --check   fail if what is committed differs from what codegen would write
  ci                everything that CI checks, one step after the other, ending with all tests
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["codegen"] => codegen::run(&repository(), codegen::Mode::Write),
        ["codegen", "--check"] => codegen::run(&repository(), codegen::Mode::Check),
        ["ci"] => ci::run(&repository()),
        ["help" | "--help" | "-h"] => {
            print(USAGE);
            Ok(())
        }
        _ => {
            report(&format!("unknown command '{}'\n\n{USAGE}", arguments.join(" ")));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            report(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
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
