//! Runs the fuzz targets of the crates with libFuzzer.
//!
//! The layout is that of cargo-fuzz, which can run the targets as well, but needs a nightly toolchain.
//! The coverage that libFuzzer is guided by comes from LLVM, and a stable compiler hands its options on;
//! what it lacks are the sanitizers, and safe Rust has little for them to find. So nothing is needed but a
//! C++ compiler, for libFuzzer itself.
//!
//! A crate gets targets by a folder `fuzz`: a package that is a workspace of its own, in it
//! `fuzz_targets/<target>.rs`, words for its inputs in `fuzz_targets/<target>.dict` where there are some, and
//! inputs to begin with in `corpus/<target>`. What a target does stands in the library of that package, which
//! a test of the crate includes by its path and runs on the committed inputs.

mod corpus;
mod output;
mod target;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    fuzz::{corpus::files_of, target::Target},
    print,
    workspace::Workspace,
};

/// What to fuzz, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Names of targets; all of them if there is none.
    pub(crate) targets: Vec<String>,
    pub(crate) seconds: u32,
    /// Whether the committed corpus is replaced by the smallest one that reaches as much.
    pub(crate) writes_smallest_corpus: bool,
}

/// Flags of rustc that have LLVM count which edges run and what is compared.
const INSTRUMENTATION: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Overflows and broken assumptions are findings too.
    "-Cdebug-assertions",
    // What cargo-fuzz sets, for crates that have something to leave out when they are fuzzed.
    "--cfg=fuzzing",
];

/// Limits of one input: seconds, memory, bytes. Targets are written so that none comes near the former two.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=512", "-max_len=4096"];

/// Builds the targets, then runs one after the other; what they find is reported at the end.
pub(crate) fn run(repository: &Path, options: &Options) -> Result<(), String> {
    let targets = target::select(target::find(repository)?, &options.targets)?;
    let workspace = Workspace::load(repository)?;
    let fuzzer = Fuzzer::prepare(repository, &workspace.target)?;
    let mut findings = Vec::new();
    for target in &targets {
        let binary = fuzzer.build(target)?;
        match fuzzer.fuzz(target, &binary, options.seconds)? {
            None if options.writes_smallest_corpus => fuzzer.minimize(target, &binary)?,
            None => {}
            Some(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n\n")) }
}

/// What the runs of all targets share.
struct Fuzzer<'a> {
    repository: &'a Path,
    /// Where the targets are built and their inputs are kept from run to run.
    folder: PathBuf,
    /// The platform of this machine. It is named to cargo, because build scripts and macros of
    /// dependencies are then built without instrumentation, which could not be linked.
    platform: String,
}

impl<'a> Fuzzer<'a> {
    fn prepare(repository: &'a Path, build_folder: &Path) -> Result<Self, String> {
        let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
        if !answers(&compiler) {
            return Err(format!(
                "libFuzzer is written in C++ and '{compiler}' is no compiler that can be run; install one \
                 (on Debian: apt-get install g++), or name it in the variable CXX"
            ));
        }
        let output =
            Command::new("rustc").arg("-vV").output().map_err(|error| format!("rustc -vV: {error}"))?;
        let told = String::from_utf8_lossy(&output.stdout);
        let platform = told.lines().find_map(|line| line.strip_prefix("host: "));
        let platform = platform.ok_or_else(|| format!("rustc -vV: expected a line 'host: …' in '{told}'"))?;
        Ok(Self { repository, folder: build_folder.join("fuzz"), platform: platform.to_owned() })
    }

    fn build(&self, target: &Target) -> Result<PathBuf, String> {
        print(&format!("== build {target}"));
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--bin", &target.name, "--target", &self.platform])
            .arg("--target-dir")
            .arg(&self.folder)
            // Panics tell the line that they come from.
            .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
            // This variable comes first of all that cargo takes flags from.
            .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"))
            .current_dir(&target.folder)
            .status()
            .map_err(|error| format!("cargo build: {error}"))?;
        if !status.success() {
            return Err(format!("{target} could not be built: {status}"));
        }
        Ok(self.folder.join(&self.platform).join("release").join(&target.name))
    }

    /// Runs a target. What it finds is told, not fixed.
    fn fuzz(&self, target: &Target, binary: &Path, seconds: u32) -> Result<Option<String>, String> {
        print(&format!("== fuzz {target}: {seconds} s"));
        let (found, artifacts) = (self.found(target), target.artifacts());
        create(&found)?;
        create(&artifacts)?;
        let known = files_of(&artifacts)?;
        let mut command = self.command(target, binary);
        command
            .arg(format!("-max_total_time={seconds}"))
            // Inputs may grow sooner than by default, which takes hours.
            .args(["-len_control=10", "-print_final_stats=1"])
            // libFuzzer adds to the first folder what reaches something new, and only reads the others.
            .args([&found, &target.corpus()]);
        let status = output::run(command).map_err(|error| format!("{}: {error}", binary.display()))?;
        print(&format!("inputs that reached something new: {}", files_of(&found)?.len()));
        if status.success() {
            return Ok(None);
        }
        let mut kept = files_of(&artifacts)?;
        kept.retain(|path| !known.contains(path));
        Ok(Some(self.describe(target, binary, &status.to_string(), &kept)))
    }

    fn describe(&self, target: &Target, binary: &Path, status: &str, kept: &[PathBuf]) -> String {
        let shown = |path: &Path| path.strip_prefix(self.repository).unwrap_or(path).display().to_string();
        let Some(input) = kept.last() else {
            return format!(
                "{target} ended with '{status}' and kept no input. An overflow of the stack ends so: it leaves \
                 libFuzzer no room to write. Look for recursion that the input drives."
            );
        };
        format!(
            "{target} found an input that breaks it ({status}): {input}\n\
             see it again: {binary} {input}\n\
             then make it a test: move it to {corpus} under a name that says what it is, where the tests of \
             the crate run it, and fix what it shows",
            input = shown(input),
            binary = shown(binary),
            corpus = shown(&target.corpus()),
        )
    }

    /// Replaces the committed corpus by the fewest inputs that reach what it and all runs reached.
    fn minimize(&self, target: &Target, binary: &Path) -> Result<(), String> {
        let smallest = self.folder.join("smallest").join(&target.krate).join(&target.name);
        if smallest.exists() {
            fs::remove_dir_all(&smallest).map_err(|error| format!("{}: {error}", smallest.display()))?;
        }
        create(&smallest)?;
        let mut command = self.command(target, binary);
        // How often something runs would multiply the inputs.
        command.args(["-set_cover_merge=1", "-use_counters=0", "-verbosity=0"]);
        command.args([&smallest, &target.corpus(), &self.found(target)]);
        let output = command.output().map_err(|error| format!("{}: {error}", binary.display()))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the corpus of {target} could not be merged: {}\n{told}", output.status));
        }
        let (before, after) = corpus::replace(&target.corpus(), &smallest)?;
        print(&format!("{}: {before} inputs before, {after} after", target.corpus().display()));
        Ok(())
    }

    /// The start of every command line of a target.
    fn command(&self, target: &Target, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command.args(LIMITS).arg(format!("-artifact_prefix={}/", target.artifacts().display()));
        if target.dictionary().exists() {
            command.arg(format!("-dict={}", target.dictionary().display()));
        }
        command.current_dir(self.repository);
        command
    }

    fn found(&self, target: &Target) -> PathBuf {
        self.folder.join("found").join(&target.krate).join(&target.name)
    }
}

fn answers(program: &str) -> bool {
    let answer = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}
