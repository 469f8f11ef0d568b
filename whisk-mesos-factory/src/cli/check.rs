//! `whisk-mesos check`: the configuration that holds, where it was said, and whether a master answers to it.

use mesos_scheduler_client::{Detected, MasterDetector, Masters, Scheme, operator::MasterApi};
use placement_constraints::{ConstraintSet, ParseOptions};
use whisk_mesos_factory::{AgentAttributes, ConfigSources, Configuration, FactoryConfig, Setting};

use super::{
    Exit, Failure,
    arguments::{Check, Sources},
    explain::{Agent, in_order},
    interrupt::Interrupt,
    output::Output,
    unless_interrupted,
};

/// Reads what the command line and the environment say.
pub(super) fn load(sources: &Sources) -> Result<Configuration, Failure> {
    let mut all = ConfigSources::of_process();
    for file in &sources.config {
        all = all.file(file);
    }
    for define in &sources.define {
        all = all.define(define);
    }
    all.load().map_err(|error| Failure::usage(error.to_string()))
}

pub(super) async fn run(arguments: Check, output: &Output) -> Result<Exit, Failure> {
    let print = |text: &str| output.result(text).map_err(|error| Failure::of_stdout(&error));
    if arguments.keys {
        print(Configuration::reference().trim_end())?;
        return Ok(Exit::Success);
    }
    let configuration = load(&arguments.sources)?;
    print(&table(&configuration))?;
    let warnings = configuration.warnings().iter().map(|warning| format!("warning: {warning}"));
    let without_effect = configuration.without_effect().into_iter().map(|text| format!("warning: {text}"));
    let not_possible = configuration.not_possible();
    for text in warnings.chain(without_effect).chain(not_possible.clone()) {
        output.problem(&text);
    }
    if !not_possible.is_empty() {
        return Ok(Exit::Usage);
    }
    if !arguments.connect {
        return Ok(Exit::Success);
    }
    let mut interrupt = Interrupt::listen()?;
    output.stage("asking the master");
    let Some(report) = unless_interrupted(ask(&configuration.factory_config()), &mut interrupt).await else {
        output.end_stages();
        return Ok(Exit::Interrupted);
    };
    let report = report?;
    print(&report.lines.join("\n"))?;
    Ok(if report.can_place { Exit::Success } else { Exit::Negative })
}

/// Three columns; a mark for what this version does nothing with.
fn table(configuration: &Configuration) -> String {
    let settings: Vec<Setting> = configuration.settings().collect();
    let width = |column: fn(&Setting) -> usize| settings.iter().map(column).max().unwrap_or_default();
    let keys = width(|setting| setting.key.chars().count() + 1);
    // One long value must not move all the others away.
    let values = width(|setting| setting.value.chars().count()).min(40);
    let line = |setting: &Setting| {
        let mark = if setting.is_used { "" } else { "*" };
        let key = format!("{}{mark}", setting.key);
        format!("{key:keys$}  {:values$}  {}", setting.value, setting.origin)
    };
    let mut lines = vec![format!("{:keys$}  {:values$}  {}", "key", "value", "origin")];
    lines.extend(settings.iter().map(line));
    lines.push("* without effect in this version".to_owned());
    lines.join("\n")
}

/// What a master says, for people.
struct Report {
    lines: Vec<String>,
    /// Whether there is an active agent for containers of managed images.
    can_place: bool,
}

async fn ask(config: &FactoryConfig) -> Result<Report, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
    let masters = Masters::parse(&config.master_url).map_err(|error| wrong(&error))?;
    let masters = leader(masters, config).await?;
    let mut master = MasterApi::new(masters).credentials(config.credentials.clone());
    if let Some(tls) = &config.tls {
        master = master.tls(tls.clone());
    }
    let unanswered = |error| Failure::platform(format!("no master answers: {error}"));
    let info = master.get_master().await.map_err(unanswered)?.master_info.unwrap_or_default();
    let agents = in_order(master.get_agents().await.map_err(unanswered)?);
    let active = agents.iter().filter(|agent| agent.inactive.is_none()).count();
    let mut lines = vec![format!(
        "master {}:{} answers: Mesos {}, {} agents, {active} of them active",
        info.hostname.as_deref().unwrap_or("-").escape_debug(),
        info.port,
        info.version.as_deref().unwrap_or("of an unknown version").escape_debug(),
        agents.len(),
    )];
    let mut can_place = true;
    for (name, constraints) in
        [("constraints", &config.constraints), ("blackbox-constraints", &config.blackbox_constraints)]
    {
        let options = ParseOptions::default().delimiter(config.constraint_delimiter.as_str());
        let constraints = ConstraintSet::parse_with(constraints, &options).map_err(|error| wrong(&error))?;
        let constraints = constraints.with_missing_attribute(config.missing_attribute);
        let matching = agents.iter().filter(|agent| agent.inactive.is_none() && holds(&constraints, agent));
        let matching = matching.count();
        lines.push(format!("{name}: {matching} of {active} active agents satisfy them"));
        can_place &= matching > 0;
    }
    Ok(Report { lines, can_place })
}

fn holds(constraints: &ConstraintSet, agent: &Agent) -> bool {
    constraints.check(&AgentAttributes::new(&agent.attributes)).is_satisfied()
}

/// The masters to ask: the list, or the one that leads as ZooKeeper knows it.
async fn leader(masters: Masters, config: &FactoryConfig) -> Result<Masters, Failure> {
    let Some(url) = masters.zookeeper() else { return Ok(masters) };
    let scheme = if config.tls.is_some() { Scheme::Https } else { Scheme::Http };
    let mut detector = MasterDetector::start(url, scheme);
    let mut why = format!("{url}: no leader was found");
    let wait = async {
        while let Some(detected) = detector.next().await {
            match detected {
                Detected::Leader(leader) => return Some(leader),
                Detected::NoLeader { why: seen } | Detected::Failed { why: seen } => why = seen,
                _ => {}
            }
        }
        None
    };
    match tokio::time::timeout(config.subscribe_timeout, wait).await {
        Ok(Some(leader)) => Ok(leader.into()),
        Ok(None) | Err(_) => Err(Failure::platform(why)),
    }
}
