//! What can be said on the command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use mesos_local::{
    AgentConfig, flags,
    master::{MasterOptions, MinAllocatable},
};
use mesos_proto::v1::DomainInfo;

/// Runs Apache OpenWhisk actions as tasks of an Apache Mesos cluster.
#[derive(Debug, Parser)]
#[command(name = "whisk-mesos", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// Says more on stderr: -v what changes, -vv every step (or set RUST_LOG).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs one action once and prints its JSON result on stdout, its logs on stderr.
    ///
    /// Without --master, and without whisk.mesos.master-url in the configuration, an embedded Mesos with three agents is
    /// started for it. Options win over the configuration (see check). Exit codes: 0 the action
    /// succeeded; 1 it failed, its error is on stdout; 2 wrong usage or configuration; 3 the platform
    /// failed; 130 interrupted.
    Run(Box<Run>),
    /// Says which constraints hold for attributes, or which agents of a cluster satisfy them all.
    ///
    /// With --attribute stdout has a line for each constraint; otherwise a line for each agent of the
    /// cluster, the constraints that it fails below it, and a summary. The resources of agents play no role.
    /// Exit codes: 0 all constraints hold, or an agent that is active satisfies them all; 1 not so; 2 wrong
    /// usage; 3 the platform failed: no master could be asked; 130 interrupted.
    Explain(Explain),
    /// Prints the configuration that holds, with the place where each setting was said, without secrets.
    ///
    /// Files, OPENWHISK_CONFIG, variables CONFIG_whisk_mesos_masterUrl and -D are read as by run; everything that is wrong
    /// is told at once. Exit codes: 0 it is good; 1 with --connect, no active agent satisfies the constraints; 2 it is
    /// wrong, or asks for what this version cannot do; 3 with --connect, no master answers; 130 interrupted.
    Check(Check),
    /// Prints the events of a recorded stream, one a line: the type of the event, a blank, the event as JSON.
    ///
    /// A recording is the body of the answer to SUBSCRIBE as it came: records after one another, without HTTP's
    /// head and chunks. An event of a type that is not known starts with its number; fields that are not known are
    /// printed with --json only. Exit codes: 0 all of it are events; 2 it is broken, and stderr says at which
    /// byte, after the events before it were printed; 2 also wrong usage; 3 stdout cannot be written.
    Decode(Decode),
    /// Starts the embedded Mesos alone, for other frameworks and for curl, until it is interrupted.
    Local(Local),
    /// Serves one action over HTTP; started by the agents of the embedded Mesos.
    #[command(hide = true)]
    ActionRuntime(ActionRuntime),
}

/// What is said about the configuration.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// File in HOCON with settings as OpenWhisk has them (whisk.mesos.master-url and so on). Repeatable: the last one
    /// wins.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Vec<PathBuf>,

    /// A setting that wins over files and variables. Repeatable.
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    pub(super) define: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) sources: Sources,

    /// Asks the master: its version, its agents, and how many of them satisfy the constraints.
    #[arg(long)]
    pub(super) connect: bool,

    /// Prints the documentation of all keys in Markdown, and reads nothing.
    #[arg(long, conflicts_with_all = ["config", "define", "connect"])]
    pub(super) keys: bool,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// File with the action's code.
    pub(super) file: PathBuf,

    /// Runtime of the action: python:3, nodejs:20, or native for any executable. Told from the file name
    /// unless given.
    #[arg(long)]
    pub(super) kind: Option<String>,

    /// Entry point of the action.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(super) main: String,

    /// A parameter of the action; the value is taken as JSON if it is JSON, as text otherwise. Repeatable.
    #[arg(short, long = "param", num_args = 2, value_names = ["KEY", "VALUE"], action = clap::ArgAction::Append, allow_hyphen_values = true)]
    pub(super) param: Vec<String>,

    /// File with a JSON object of parameters; -p wins over it.
    #[arg(short = 'P', long, value_name = "FILE")]
    pub(super) param_file: Option<PathBuf>,

    /// Memory of the container in MB. Its cpu shares follow from it: 1024 MB is one cpu.
    #[arg(long, value_name = "MB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(super) memory: u32,

    /// Rule that the agent must satisfy: 'ATTRIBUTE LIKE PATTERN' or 'ATTRIBUTE UNLIKE PATTERN', where the
    /// pattern is a regular expression for the whole value. Repeatable: all must hold. Those of the configuration
    /// are not used then.
    #[arg(long, value_name = "RULE", allow_hyphen_values = true)]
    pub(super) constraint: Vec<String>,

    /// How long it may take until the container runs; 45s unless the configuration says otherwise.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) launch_timeout: Option<Duration>,

    /// The action's own limit, for /init and /run each.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(super) timeout: Duration,

    /// A real Mesos to run it on: http://host:port, several masters with commas, or zk://host:port/path.
    #[arg(long, value_name = "URL")]
    pub(super) master: Option<String>,

    #[command(flatten)]
    pub(super) sources: Sources,

    /// Docker image of the action's container; follows from the kind unless given.
    #[arg(long)]
    pub(super) image: Option<String>,

    /// Role of the framework; * unless the configuration says otherwise.
    #[arg(long)]
    pub(super) role: Option<String>,

    /// Account on the agents that the task runs as; root unless the configuration says otherwise.
    #[arg(long)]
    pub(super) user: Option<String>,

    /// File for everything that the embedded Mesos and the framework say to each other.
    #[arg(long, value_name = "FILE", conflicts_with = "master")]
    pub(super) transcript: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Rule to explain: 'ATTRIBUTE LIKE PATTERN' or 'ATTRIBUTE UNLIKE PATTERN', where the pattern is a regular
    /// expression for the whole value. Repeatable.
    #[arg(long, value_name = "RULE", required = true, allow_hyphen_values = true)]
    pub(super) constraint: Vec<String>,

    /// What stands between the three parts of a rule; plain text, one space unless given.
    #[arg(long, value_name = "TEXT", default_value = " ", hide_default_value = true, allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub(super) delimiter: String,

    /// What a missing attribute means.
    #[arg(long, value_enum, value_name = "MEANING", default_value_t = MissingAttribute::Fails)]
    pub(super) missing_attribute: MissingAttribute,

    /// An attribute to check the rules with, read as by an agent that has NAME:VALUE among its
    /// --attributes: 7.0 is the number 7, blanks are dropped. Repeatable: of two of one name the first counts.
    #[arg(long, value_name = "NAME=VALUE", allow_hyphen_values = true, value_parser = attribute)]
    pub(super) attribute: Vec<(String, String)>,

    /// A real Mesos whose agents to check: http://host:port, several masters with commas.
    #[arg(long, value_name = "URL", conflicts_with = "attribute")]
    pub(super) master: Option<String>,

    /// How many agents the embedded Mesos has, which is asked without --attribute and --master.
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with_all = ["attribute", "master"], value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(super) agents: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum MissingAttribute {
    /// It fails LIKE and UNLIKE, as in OpenWhisk.
    Fails,
    /// It fails LIKE and satisfies UNLIKE, as in Marathon.
    SatisfiesUnlike,
}

#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The recording; - for stdin.
    pub(super) file: PathBuf,

    /// The records hold JSON, not protobuf.
    #[arg(long)]
    pub(super) json: bool,

    /// Whose SUBSCRIBE was answered.
    #[arg(long, value_enum, value_name = "API", default_value_t = Api::Scheduler)]
    pub(super) api: Api,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Api {
    /// That of frameworks, /api/v1/scheduler.
    Scheduler,
    /// That of operators, /api/v1 of a master.
    Operator,
}

#[derive(Debug, Args)]
pub(super) struct Local {
    /// How many agents; their names, attributes and resources are made up. More than 200 only with --simulated.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) agents: u16,

    /// An agent in place of those that are made up. Repeatable.
    ///
    /// Its parts stand behind KEY= with blanks between: name, hostname, and resources, attributes and domain as in
    /// the flags of real agents, such as 'name=agent1 resources=cpus:4;mem:4096;cpus(web):1;ports:[31000-31999]
    /// attributes=rack:r1;level:7 domain=eu-west/eu-west-a'. What is left out of cpus, mem, disk and ports is made
    /// up.
    #[arg(long = "agent", value_name = "PARTS", conflicts_with = "agents", value_parser = flags::agent)]
    pub(super) agent: Vec<AgentConfig>,

    #[command(flatten)]
    pub(super) master: MasterFlags,

    /// Port of the master on 127.0.0.1; 0 for any free one.
    #[arg(long, default_value_t = 5050)]
    pub(super) port: u16,

    /// Folder for the sandboxes of tasks, kept at the end; a temporary one that is removed unless given.
    #[arg(long, value_name = "FOLDER")]
    pub(super) work_dir: Option<PathBuf>,

    /// How many masters; the first one leads, the others redirect to it and listen on any free port.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9))]
    pub(super) masters: u16,

    /// Lets things happen that lines on stdin name, and answers each with a line: ok, or what is wrong.
    ///
    /// stop-agent NAME: its process dies, tasks of frameworks with checkpoint run on. return-agent NAME: it is back.
    /// restart-agent NAME: both at once. lose-agent NAME: it is unreachable at once. remove-agent NAME: it takes its
    /// leave. drop-streams: every event stream breaks. kill-master N, elect N: a master dies, a master leads; masters
    /// are counted from 0.
    #[arg(long)]
    pub(super) control: bool,

    /// Prints everything that is said, one line each, at the end.
    #[arg(long)]
    pub(super) transcript: bool,

    /// Starts no processes: tasks run as soon as they are launched, until they are killed, and do nothing. For
    /// tests of scale.
    #[arg(long, conflicts_with = "work_dir")]
    pub(super) simulated: bool,
}

/// What is named as the flags of a real master; underscores may stand for the dashes.
#[derive(Debug, Args)]
pub(super) struct MasterFlags {
    /// From one batch of offers to the next, such as 1secs or 100ms.
    #[arg(long, alias = "allocation_interval", value_name = "TIME", default_value = "1secs", value_parser = interval)]
    pub(super) allocation_interval: Duration,

    /// After this time offers are rescinded; never unless given.
    #[arg(long, alias = "offer_timeout", value_name = "TIME", value_parser = interval)]
    pub(super) offer_timeout: Option<Duration>,

    /// The roles that frameworks may have, such as web,batch; any unless given.
    #[arg(long, value_name = "ROLES", value_parser = role_list)]
    pub(super) roles: Option<Texts>,

    /// Whether frameworks may run as root.
    #[arg(long, alias = "root_submissions", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, overrides_with = "no_root_submissions")]
    pub(super) root_submissions: bool,

    /// The same as --root-submissions=false.
    #[arg(long, alias = "no-root_submissions", overrides_with = "root_submissions")]
    pub(super) no_root_submissions: bool,

    /// Where the master is, as REGION/ZONE or as JSON. Agents in other regions are offered only to frameworks
    /// that are REGION_AWARE.
    #[arg(long, value_name = "DOMAIN", value_parser = flags::domain)]
    pub(super) domain: Option<DomainInfo>,

    /// Lets only frameworks in that prove who they are; needs --credentials.
    #[arg(long, alias = "authenticate_http_frameworks", requires_if("true", "credentials"), num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(super) authenticate_http_frameworks: bool,

    /// File with principals and secrets: {"credentials":[{"principal":"...","secret":"..."}]}.
    #[arg(long, value_name = "FILE")]
    pub(super) credentials: Option<PathBuf>,

    /// Paths that nobody may call, as JSON: {"disabled_endpoints":{"paths":["/api/v1/scheduler"]}}.
    #[arg(long, alias = "firewall_rules", value_name = "JSON", value_parser = firewall_rules)]
    pub(super) firewall_rules: Option<Texts>,

    /// So long the master waits for an agent's answer to one ping.
    #[arg(long, alias = "agent_ping_timeout", value_name = "TIME", default_value = "15secs", value_parser = interval)]
    pub(super) agent_ping_timeout: Duration,

    /// After so many pings without an answer an agent is unreachable.
    #[arg(long, alias = "max_agent_ping_timeouts", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_agent_ping_timeouts: u32,

    /// So long agents may take to come back to a new master.
    #[arg(long, alias = "agent_reregister_timeout", value_name = "TIME", default_value = "10mins", value_parser = interval)]
    pub(super) agent_reregister_timeout: Duration,

    /// What has to be free on an agent so that it is offered: amounts with ; between, alternatives with |.
    #[arg(long, alias = "min_allocatable_resources", value_name = "AMOUNTS", default_value = "cpus:0.01|mem:32", value_parser = clap::value_parser!(MinAllocatable))]
    pub(super) min_allocatable_resources: MinAllocatable,

    /// Whether agents with gpus are offered only to frameworks with the capability GPU_RESOURCES.
    #[arg(long, alias = "filter_gpu_resources", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(super) filter_gpu_resources: bool,

    /// Memory that the program of a pattern in offer constraints may take, such as 4096B.
    #[arg(long, alias = "offer_constraints_re2_max_mem", value_name = "BYTES", default_value = "4096B", value_parser = flags::bytes)]
    pub(super) offer_constraints_re2_max_mem: u64,

    /// Instructions that the program of a pattern in offer constraints may have.
    #[arg(long, alias = "offer_constraints_re2_max_program_size", value_name = "N", default_value_t = 100)]
    pub(super) offer_constraints_re2_max_program_size: u64,
}

impl MasterFlags {
    pub(super) fn options(&self) -> MasterOptions {
        let mut options = MasterOptions::default();
        options.domain.clone_from(&self.domain);
        options.offer_timeout = self.offer_timeout;
        options.roles = self.roles.clone().map(|Texts(roles)| roles.into_iter().collect());
        options.root_submissions = self.root_submissions && !self.no_root_submissions;
        options.min_allocatable_resources = self.min_allocatable_resources.clone();
        options.filter_gpu_resources = self.filter_gpu_resources;
        options.offer_constraints_re2_max_mem = self.offer_constraints_re2_max_mem;
        options.offer_constraints_re2_max_program_size = self.offer_constraints_re2_max_program_size;
        options.agent_ping_timeout = self.agent_ping_timeout;
        options.max_agent_ping_timeouts = self.max_agent_ping_timeouts;
        options.agent_reregister_timeout = self.agent_reregister_timeout;
        options
    }
}

/// Roles or paths, given as one value.
#[derive(Clone, Debug)]
pub(super) struct Texts(pub(super) Vec<String>);

fn firewall_rules(text: &str) -> Result<Texts, flags::FlagError> {
    flags::firewall_rules(text).map(Texts)
}

fn role_list(text: &str) -> Result<Texts, flags::FlagError> {
    flags::roles(text).map(Texts)
}

/// A time as Mesos writes it, longer than nothing.
fn interval(text: &str) -> Result<Duration, String> {
    match flags::duration(text) {
        Ok(time) if time.is_zero() => Err("must be longer than nothing".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Debug, Args)]
pub(super) struct ActionRuntime {
    #[arg(long)]
    pub(super) kind: String,
    #[arg(long)]
    pub(super) port: u16,
    /// Exits when stdin ends, so that it does not outlive its agent.
    #[arg(long)]
    pub(super) exit_with_stdin: bool,
}

/// More is a mistake.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A time with a unit, longer than nothing.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a number with a unit, such as 45s, 500ms or 2m"))?;
    if duration.is_zero() {
        return Err("must be longer than nothing".to_owned());
    }
    if duration > LONGEST {
        return Err("must not be longer than a year".to_owned());
    }
    Ok(duration)
}

/// The name and the value of an attribute, which may be empty and hold a further `=`. What separates the parts of
/// an agent's `--attributes` is in none, and sets are refused there.
fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, _)) if name.contains([':', ';']) || name.contains(char::is_whitespace) => {
            Err(format!("no agent has an attribute '{name}': names have no ':', ';' or blanks"))
        }
        Some((_, value)) if value.contains(';') => {
            Err("no agent has an attribute with ';', which separates attributes".to_owned())
        }
        Some((_, value)) if value.starts_with('{') && value.ends_with('}') => {
            Err("no agent has a set as an attribute: expected text, a number, or ranges as [1-3]".to_owned())
        }
        Some(("", _)) => Err("the name is empty, expected NAME=VALUE".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("it has no '=', expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn local(arguments: &[&str]) -> Result<Local, String> {
        let all = ["whisk-mesos", "local"].iter().chain(arguments);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Local(local) => Ok(local),
            other => panic!("{other:?} is another command"),
        }
    }

    #[test]
    fn flags_of_the_master_are_named_as_those_of_a_real_one() {
        let options = |arguments: &[&str]| local(arguments).map(|local| local.master.options());
        let plain = options(&[]).unwrap();
        assert!(plain.root_submissions && plain.roles.is_none() && plain.offer_timeout.is_none());
        for text in ["--no-root-submissions", "--root-submissions=false", "--no-root_submissions"] {
            assert!(!options(&[text]).unwrap().root_submissions, "{text}");
        }
        let all = options(&[
            "--roles=web,batch",
            "--offer_timeout=30secs",
            "--agent_ping_timeout",
            "1secs",
            "--max-agent-ping-timeouts=2",
            "--domain=eu/a",
            "--min-allocatable-resources=cpus:1",
            "--offer-constraints-re2-max-mem=8KB",
            "--offer-constraints-re2-max-program-size=200",
        ])
        .unwrap();
        assert_eq!(all.roles, Some(["web".to_owned(), "batch".to_owned()].into()));
        assert_eq!(all.offer_timeout, Some(Duration::from_secs(30)));
        assert_eq!(all.agent_ping_timeout * all.max_agent_ping_timeouts, Duration::from_secs(2));
        assert_eq!(all.offer_constraints_re2_max_mem, 8192);
        assert_eq!(
            local(&["--allocation-interval=50ms"]).unwrap().master.allocation_interval.as_millis(),
            50
        );
    }

    #[test]
    fn wrong_flags_of_the_master_show_what_was_expected() {
        for (argument, expected) in [
            ("--allocation-interval=1sec", "'1sec' is no time: expected a number with a unit such as 100ms"),
            ("--offer-timeout=0secs", "must be longer than nothing"),
            ("--domain=eu", "'eu' is no domain: expected region/zone"),
            ("--roles=web,", "'web,' are no roles: expected names with commas between"),
            (
                "--min-allocatable-resources=cpus",
                "'cpus', expected names with amounts such as cpus:0.01|mem:32",
            ),
            (
                "--offer-constraints-re2-max-mem=4kb",
                "'4kb' is no number of bytes: expected one such as 4096B",
            ),
            ("--agent=cpus:4", "'cpus:4' is no part of an agent: expected name=, hostname=, resources="),
            ("--authenticate-http-frameworks", "--credentials <FILE>"),
            ("--max-agent-ping-timeouts=0", "0 is not in 1.."),
        ] {
            let text = local(&[argument]).unwrap_err();
            assert!(text.contains(expected), "{argument}: {text}");
        }
        assert!(local(&["--authenticate-http-frameworks=false"]).is_ok());
        assert!(local(&["--agents=2", "--agent=name=a"]).unwrap_err().contains("cannot be used with"));
    }

    #[test]
    fn times_need_a_unit_and_a_length() {
        assert_eq!(duration("1m 5s"), Ok(Duration::from_secs(65)));
        assert!(duration("45").unwrap_err().contains("such as 45s"));
        assert_eq!(duration("0s").unwrap_err(), "must be longer than nothing");
        assert_eq!(duration("18446744073709551615s").unwrap_err(), "must not be longer than a year");
    }
}
