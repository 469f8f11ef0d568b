//! The command line of xtask.

use crate::{bench, codegen, fuzz, scale, sim};

/// What `cargo xtask` prints when it is asked for help, or for nothing.
pub(crate) const USAGE: &str = "usage: cargo xtask <command>

commands:
  ci                       everything that CI checks, one step after the other, ending with all tests
  codegen                  write the Rust code and the descriptors of mesos-proto from its .proto files
  codegen --check          fail if what is committed differs from what codegen would write
  fuzz [TARGET...]         run the fuzz targets of the crates (all, or those named) with libFuzzer on the
                           toolchain in use; fail if one of them finds something
      --seconds N          how long each target runs (60)
      --minimize           then write the fewest inputs that reach all that was reached to its corpus
  bench [CRATE...]         run the benches of the crates (all, or those named), print rates, ratios and
                           the bars of <crate>/benches/bars.txt; fail if a bar is missed
      --quick              measure for a short time only
  live                     run the tests of mesos-scheduler-client that need a real Mesos against the masters
                           in MESOS_MASTER_URL: a URL, a list of them, or zk://…; they come as MESOS_PRINCIPAL
                           with MESOS_SECRET, in MESOS_ROLE (*), with tasks of MESOS_USER (who runs this);
                           for https the authority may be in SSL_CERT_FILE
  msrv                     check the published crates with the oldest Rust that they promise to build with
  sim                      simulate a scheduler, masters and agents with every fault that there is, and stop at
                           the first seed that breaks an invariant
      --seeds N            how many seeds (1000)
      --seed S             the first one (0); to see one again: --seeds 1 --seed S
  package                  package the published crates and build what was packaged, without a registry
  scale                    launch 1,000, 10,000 and 100,000 tasks at once over 1,000 simulated agents through HTTP, and
                           tasks one after the other; print what that takes, fail if it grows faster than n log n or
                           if the client adds too much to the time of the master
      --compare N          how many tasks are also launched in the way of mesos-actor (1000); 0 for none
      --plot FILE          draw the growth as SVG
      --quick              up to 10,000 tasks, and no comparison
  help                     print this text
";

/// How long each fuzz target runs unless told otherwise.
const DEFAULT_SECONDS: u32 = 60;

/// How many seeds are simulated unless told otherwise.
const DEFAULT_SEEDS: u64 = 1000;
/// More take minutes.
const DEFAULT_COMPARED: u32 = 1000;

/// A command with its options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Bench(bench::Options),
    Ci,
    Codegen(codegen::Mode),
    Fuzz(fuzz::Options),
    Help,
    Live,
    Msrv,
    Package,
    Sim(sim::Options),
    Scale(scale::Options),
}

/// Reads the arguments that follow `cargo xtask`.
pub(crate) fn parse(arguments: &[String]) -> Result<Command, String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((command, rest)) = arguments.split_first() else { return Ok(Command::Help) };
    if rest.iter().any(|argument| is_help(argument)) {
        return Ok(Command::Help);
    }
    match (*command, rest) {
        ("bench", _) => parse_bench(rest).map(Command::Bench),
        ("ci", []) => Ok(Command::Ci),
        ("codegen", []) => Ok(Command::Codegen(codegen::Mode::Write)),
        ("codegen", ["--check"]) => Ok(Command::Codegen(codegen::Mode::Check)),
        ("fuzz", _) => parse_fuzz(rest).map(Command::Fuzz),
        ("live", []) => Ok(Command::Live),
        ("msrv", []) => Ok(Command::Msrv),
        ("package", []) => Ok(Command::Package),
        ("sim", _) => parse_sim(rest).map(Command::Sim),
        ("scale", _) => parse_scale(rest).map(Command::Scale),
        ("help", []) => Ok(Command::Help),
        (command, []) if is_help(command) => Ok(Command::Help),
        ("ci" | "codegen" | "live" | "msrv" | "package" | "help", [unexpected, ..]) => {
            Err(format!("unexpected argument '{unexpected}' after '{command}'"))
        }
        (unknown, _) => Err(format!("unknown command '{unknown}'")),
    }
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "--help" | "-h")
}

fn parse_bench(arguments: &[&str]) -> Result<bench::Options, String> {
    let mut options = bench::Options { crates: Vec::new(), is_quick: false };
    for argument in arguments {
        match *argument {
            "--quick" => options.is_quick = true,
            option if option.starts_with('-') => return Err(unknown_option(option, "bench", "--quick")),
            name => options.crates.push(name.to_owned()),
        }
    }
    Ok(options)
}

fn parse_scale(arguments: &[&str]) -> Result<scale::Options, String> {
    let mut options = scale::Options { is_quick: false, compared: DEFAULT_COMPARED, plot: None };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--quick" => options.is_quick = true,
            "--compare" => {
                let text = arguments.next().copied().unwrap_or_default();
                options.compared = text.parse().map_err(|_| format!("'{text}' is no number of tasks"))?;
            }
            "--plot" => {
                let file = arguments.next().ok_or("--plot needs the file to write")?;
                options.plot = Some((*file).into());
            }
            other => return Err(unknown_option(other, "scale", "--compare N, --plot FILE or --quick")),
        }
    }
    Ok(options)
}

fn parse_fuzz(arguments: &[&str]) -> Result<fuzz::Options, String> {
    let mut options =
        fuzz::Options { targets: Vec::new(), seconds: DEFAULT_SECONDS, writes_smallest_corpus: false };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--minimize" => options.writes_smallest_corpus = true,
            "--seconds" => options.seconds = parse_seconds(arguments.next().copied().unwrap_or_default())?,
            option if option.starts_with("--seconds=") => {
                options.seconds = parse_seconds(&option["--seconds=".len()..])?;
            }
            option if option.starts_with('-') => {
                return Err(unknown_option(option, "fuzz", "--seconds N or --minimize"));
            }
            name => options.targets.push(name.to_owned()),
        }
    }
    Ok(options)
}

fn parse_sim(arguments: &[&str]) -> Result<sim::Options, String> {
    let mut options = sim::Options { seeds: DEFAULT_SEEDS, seed: 0 };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (*argument, None),
        };
        match name {
            "--seeds" => {
                options.seeds = parse_number(value.or_else(|| arguments.next().copied()), "number of seeds")?;
            }
            "--seed" => {
                options.seed = parse_number(value.or_else(|| arguments.next().copied()), "seed")?;
            }
            other => return Err(unknown_option(other, "sim", "--seeds N or --seed S")),
        }
    }
    if options.seeds == 0 { Err("0 seeds prove nothing, expected some".to_owned()) } else { Ok(options) }
}

fn parse_number(text: Option<&str>, what: &str) -> Result<u64, String> {
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| format!("'{text}' is no {what}, expected a whole number"))
}

/// libFuzzer takes 0 for a run without end, which nobody means who writes a number of seconds.
fn parse_seconds(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| format!("'{text}' is no number of seconds, expected a whole number from 1"))
}

fn unknown_option(option: &str, command: &str, expected: &str) -> String {
    format!("unknown option '{option}' of '{command}', expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&arguments)
    }

    fn fuzz(targets: &[&str], seconds: u32, writes_smallest_corpus: bool) -> Command {
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        Command::Fuzz(fuzz::Options { targets, seconds, writes_smallest_corpus })
    }

    fn bench(crates: &[&str], is_quick: bool) -> Command {
        let crates = crates.iter().map(|name| (*name).to_owned()).collect();
        Command::Bench(bench::Options { crates, is_quick })
    }

    fn sim(seeds: u64, seed: u64) -> Command {
        Command::Sim(sim::Options { seeds, seed })
    }

    fn scale(is_quick: bool, compared: u32, plot: Option<&str>) -> Command {
        Command::Scale(scale::Options { is_quick, compared, plot: plot.map(Into::into) })
    }

    #[test]
    fn commands_are_read_with_their_options() {
        for (line, command) in [
            ("", Command::Help),
            ("help", Command::Help),
            ("-h", Command::Help),
            ("--help", Command::Help),
            ("fuzz --help", Command::Help),
            ("ci", Command::Ci),
            ("codegen", Command::Codegen(codegen::Mode::Write)),
            ("codegen --check", Command::Codegen(codegen::Mode::Check)),
            ("fuzz", fuzz(&[], 60, false)),
            ("fuzz constraints json --seconds 5", fuzz(&["constraints", "json"], 5, false)),
            ("fuzz --seconds=7 --minimize json", fuzz(&["json"], 7, true)),
            ("bench", bench(&[], false)),
            ("bench --quick placement-constraints", bench(&["placement-constraints"], true)),
            ("live", Command::Live),
            ("msrv", Command::Msrv),
            ("package", Command::Package),
            ("sim", sim(1000, 0)),
            ("sim --seeds 10000", sim(10_000, 0)),
            ("sim --seed=17 --seeds 1", sim(1, 17)),
            ("scale", scale(false, 1000, None)),
            ("scale --quick", scale(true, 1000, None)),
            ("scale --compare 10000 --plot docs/a.svg", scale(false, 10_000, Some("docs/a.svg"))),
        ] {
            assert_eq!(read(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_shown() {
        for (line, error) in [
            ("fuz", "unknown command 'fuz'"),
            ("ci --fast", "unexpected argument '--fast' after 'ci'"),
            ("live http://a:1", "unexpected argument 'http://a:1' after 'live'"),
            ("codegen --chek", "unexpected argument '--chek' after 'codegen'"),
            ("fuzz --seconds", "'' is no number of seconds, expected a whole number from 1"),
            ("fuzz --seconds 0", "'0' is no number of seconds, expected a whole number from 1"),
            ("fuzz --seconds=1m", "'1m' is no number of seconds, expected a whole number from 1"),
            ("fuzz --time 5", "unknown option '--time' of 'fuzz', expected --seconds N or --minimize"),
            ("sim --seeds", "'' is no number of seeds, expected a whole number"),
            ("sim --seeds ten", "'ten' is no number of seeds, expected a whole number"),
            ("sim --seed=-1", "'-1' is no seed, expected a whole number"),
            ("sim --seeds 0", "0 seeds prove nothing, expected some"),
            ("sim 17", "unknown option '17' of 'sim', expected --seeds N or --seed S"),
            ("scale 5", "unknown option '5' of 'scale', expected --compare N, --plot FILE or --quick"),
            ("scale --compare all", "'all' is no number of tasks"),
            ("scale --plot", "--plot needs the file to write"),
            ("bench --fast", "unknown option '--fast' of 'bench', expected --quick"),
        ] {
            assert_eq!(read(line), Err(error.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_help_names_every_command() {
        let commands = ["bench", "ci", "codegen", "fuzz", "help", "live", "msrv", "package", "scale", "sim"];
        for command in commands {
            assert!(USAGE.lines().any(|line| line.starts_with(&format!("  {command} "))), "{command}");
            let unknown = format!("unknown command '{command}'");
            assert!(read(command).err().is_none_or(|error| error != unknown), "{command}");
        }
    }
}
