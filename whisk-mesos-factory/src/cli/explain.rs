//! `whisk-mesos explain`: which constraints hold, and which agents satisfy them all.

use mesos_proto::v1::{self, master::response::GetAgents};
use mesos_scheduler_client::{Masters, operator::MasterApi};
use placement_constraints::{ConstraintSet, MissingAttribute, ParseOptions};
use whisk_mesos_factory::AgentAttributes;

use super::{
    Exit, Failure,
    arguments::{self, Explain},
    interrupt::Interrupt,
    local::{cluster_config, start},
    output::Output,
    unless_interrupted,
};

impl From<arguments::MissingAttribute> for MissingAttribute {
    fn from(meaning: arguments::MissingAttribute) -> Self {
        match meaning {
            arguments::MissingAttribute::Fails => Self::Fails,
            arguments::MissingAttribute::SatisfiesUnlike => Self::SatisfiesUnlike,
        }
    }
}

pub(super) async fn run(arguments: Explain, output: &Output) -> Result<Exit, Failure> {
    let (constraints, masters) = read(&arguments).map_err(Failure::usage)?;
    let report = if arguments.attribute.is_empty() {
        let mut interrupt = Interrupt::listen()?;
        let agents = match masters {
            Some(masters) => {
                output.stage("asking the master");
                unless_interrupted(agents(&masters), &mut interrupt).await.transpose()?
            }
            None => embedded_agents(arguments.agents.into(), output, &mut interrupt).await?,
        };
        let Some(agents) = agents else {
            output.end_stages();
            return Ok(Exit::Interrupted);
        };
        explain_agents(&constraints, &agents)
    } else {
        explain_attributes(&constraints, &attributes(&arguments.attribute, output))
    };
    output.result(&report.lines.join("\n")).map_err(|error| Failure::of_stdout(&error))?;
    Ok(if report.is_satisfied { Exit::Success } else { Exit::Negative })
}

/// What can be wrong on the command line, all of it at once.
fn read(arguments: &Explain) -> Result<(ConstraintSet, Option<Masters>), String> {
    let options = ParseOptions::default().delimiter(arguments.delimiter.as_str());
    let constraints = ConstraintSet::parse_with(&arguments.constraint, &options)
        .map(|constraints| constraints.with_missing_attribute(arguments.missing_attribute.into()))
        .map_err(|error| format!("--constraint: {error}"));
    let masters = arguments.master.as_deref().map(Masters::parse).transpose();
    let masters = masters.map_err(|error| format!("--master: {error}"));
    match (constraints, masters) {
        (Ok(constraints), Ok(masters)) => Ok((constraints, masters)),
        (constraints, masters) => {
            let problems = [constraints.err(), masters.err()];
            Err(problems.into_iter().flatten().collect::<Vec<_>>().join("\n"))
        }
    }
}

/// What goes to stdout, and the answer in one word.
#[derive(Debug)]
struct Report {
    lines: Vec<String>,
    is_satisfied: bool,
}

/// The attributes that an agent would have; says what it would make of them.
fn attributes(given: &[(String, String)], output: &Output) -> Vec<v1::Attribute> {
    let mut attributes = Vec::<v1::Attribute>::new();
    for (name, value) in given {
        let attribute = v1::Attribute::parse(name, value);
        let text = attribute.canonical_text().unwrap_or_default();
        let shown = format!("--attribute '{}={}'", name.escape_debug(), value.escape_debug());
        if attributes.iter().any(|earlier| earlier.name == *name) {
            output.problem(&format!("{shown} is ignored: of two of one name the first counts"));
        } else if text != *value {
            output.problem(&format!("{shown}: an agent reads the value as '{}'", text.escape_debug()));
        }
        attributes.push(attribute);
    }
    attributes
}

fn explain_attributes(constraints: &ConstraintSet, attributes: &[v1::Attribute]) -> Report {
    let attributes = AgentAttributes::new(attributes);
    let explanation = constraints.explain(&attributes);
    let lines = explanation.to_string().lines().map(str::to_owned).collect();
    Report { lines, is_satisfied: explanation.is_satisfied() }
}

fn explain_agents(constraints: &ConstraintSet, agents: &[Agent]) -> Report {
    let mut lines = Vec::new();
    let (mut matching, mut active) = (0, 0);
    for agent in agents {
        let attributes = AgentAttributes::new(&agent.attributes);
        let explanation = constraints.explain(&attributes);
        let matches = explanation.is_satisfied();
        let answer = if matches { "matches" } else { "does not match" };
        let note = agent.inactive.map(|why| format!(" ({why})")).unwrap_or_default();
        lines.push(format!("{} {} {answer}{note}", agent.host.escape_debug(), agent.id.escape_debug()));
        // An explanation has one line for each outcome, whatever rules and values hold.
        for (verdict, (_, outcome)) in explanation.to_string().lines().zip(explanation.iter()) {
            if outcome.is_err() {
                lines.push(format!("  {verdict}"));
            }
        }
        matching += usize::from(matches);
        active += usize::from(matches && agent.inactive.is_none());
    }
    let note = if active < matching { format!(", {active} of them active") } else { String::new() };
    lines.push(format!("{matching} of {} agents match{note}", agents.len()));
    Report { lines, is_satisfied: active > 0 }
}

/// An agent that a master knows.
#[derive(Debug)]
pub(super) struct Agent {
    host: String,
    id: String,
    pub(super) attributes: Vec<v1::Attribute>,
    /// Why it is not offered to anybody.
    pub(super) inactive: Option<&'static str>,
}

impl Agent {
    fn new(info: v1::AgentInfo, inactive: Option<&'static str>) -> Self {
        let id = info.id.map_or_else(|| "-".to_owned(), |id| id.value);
        Self { host: info.hostname, id, attributes: info.attributes, inactive }
    }
}

/// The agents of the first master that answers.
async fn agents(masters: &Masters) -> Result<Vec<Agent>, Failure> {
    let mut errors = Vec::new();
    for url in masters.urls() {
        match MasterApi::new(url.clone()).get_agents().await {
            Ok(answer) => return Ok(in_order(answer)),
            Err(error) => errors.push(error.to_string()),
        }
    }
    Err(Failure::platform(format!("no master told its agents: {}", errors.join("; "))))
}

/// Masters have no order of their agents.
pub(super) fn in_order(answer: GetAgents) -> Vec<Agent> {
    let registered = answer.agents.into_iter().map(|agent| {
        let inactive = match (agent.active, agent.deactivated()) {
            (_, true) => Some("deactivated"),
            (false, false) => Some("not active"),
            (true, false) => None,
        };
        Agent::new(agent.agent_info, inactive)
    });
    // A master that took over knows them from its predecessor.
    let recovered =
        answer.recovered_agents.into_iter().map(|info| Agent::new(info, Some("not yet registered again")));
    let mut agents: Vec<Agent> = registered.chain(recovered).collect();
    // Ids of one master differ in the number at their end.
    agents.sort_by(|one, other| {
        (&one.host, one.id.len(), &one.id).cmp(&(&other.host, other.id.len(), &other.id))
    });
    agents
}

/// The agents of an embedded Mesos that is there for this question, by the names that `local` has for them:
/// all of them are on one host. `None` if interrupted.
async fn embedded_agents(
    count: usize,
    output: &Output,
    interrupt: &mut Interrupt,
) -> Result<Option<Vec<Agent>>, Failure> {
    output.stage("starting an embedded Mesos");
    let mut config = cluster_config(count)?;
    config.transcript_limit = 0;
    let Some(cluster) = unless_interrupted(start(config), interrupt).await.transpose()? else {
        return Ok(None);
    };
    let masters = Masters::parse(&cluster.master_url()).expect("the cluster tells a URL");
    let mut answer = unless_interrupted(agents(&masters), interrupt).await;
    if let Some(Ok(agents)) = &mut answer {
        for agent in agents {
            if let Some(handle) = cluster.agents().iter().find(|handle| handle.id == agent.id) {
                agent.host.clone_from(&handle.name);
            }
        }
    }
    unless_interrupted(cluster.shutdown(), interrupt).await;
    answer.transpose()
}

#[cfg(test)]
mod tests {
    use mesos_proto::v1::{AgentId, AgentInfo, Attribute, master::response::get_agents};

    use super::*;

    fn info(hostname: &str, id: &str, rack: &str) -> AgentInfo {
        AgentInfo {
            hostname: hostname.to_owned(),
            id: Some(AgentId::new(id)),
            attributes: vec![Attribute::text("rack", rack)],
            ..AgentInfo::default()
        }
    }

    fn agent(agent_info: AgentInfo, active: bool, deactivated: Option<bool>) -> get_agents::Agent {
        get_agents::Agent { agent_info, active, deactivated, ..get_agents::Agent::default() }
    }

    #[track_caller]
    fn check(answer: GetAgents, is_satisfied: bool, lines: &[&str]) {
        let constraints = ConstraintSet::parse(["rack LIKE r[1-4]"]).unwrap();
        let report = explain_agents(&constraints, &in_order(answer));
        assert_eq!(report.lines, lines);
        assert_eq!(report.is_satisfied, is_satisfied);
    }

    #[test]
    fn an_agent_that_is_not_active_is_no_answer_to_who_wants_to_place_something() {
        let mut answer = GetAgents {
            agents: vec![
                agent(info("d", "m-S3", "r9"), false, Some(false)),
                agent(info("b", "m-S1", "r2"), false, None),
                agent(info("a", "m-S0", "r1"), true, Some(true)),
            ],
            recovered_agents: vec![info("c", "m-S2", "r3")],
        };
        check(
            answer.clone(),
            false,
            &[
                "a m-S0 matches (deactivated)",
                "b m-S1 matches (not active)",
                "c m-S2 matches (not yet registered again)",
                "d m-S3 does not match (not active)",
                "  'rack LIKE r[1-4]' fails: rack is 'r9'",
                "3 of 4 agents match, 0 of them active",
            ],
        );
        answer.agents.truncate(1);
        answer.agents.push(agent(info("b", "m-S1", "r2"), true, Some(false)));
        check(
            answer,
            true,
            &[
                "b m-S1 matches",
                "c m-S2 matches (not yet registered again)",
                "d m-S3 does not match (not active)",
                "  'rack LIKE r[1-4]' fails: rack is 'r9'",
                "2 of 3 agents match, 1 of them active",
            ],
        );
    }

    #[test]
    fn agents_come_by_host_and_then_as_they_registered() {
        let agents = [("b", "m-S1"), ("a", "m-S10"), ("a", "m-S9")]
            .map(|(host, id)| agent(info(host, id, "r1"), true, None));
        let answer = GetAgents { agents: agents.into(), recovered_agents: Vec::new() };
        check(answer, true, &["a m-S9 matches", "a m-S10 matches", "b m-S1 matches", "3 of 3 agents match"]);
    }

    #[test]
    fn a_cluster_without_agents_satisfies_nobody() {
        check(GetAgents::default(), false, &["0 of 0 agents match"]);
    }

    #[test]
    fn what_an_agent_says_cannot_break_a_line_or_command_a_terminal() {
        let agents = vec![agent(info("a\nb", "m-S0", "\u{1b}[2Jr\n9"), true, None)];
        check(
            GetAgents { agents, recovered_agents: Vec::new() },
            false,
            &[
                r"a\nb m-S0 does not match",
                r"  'rack LIKE r[1-4]' fails: rack is '\u{1b}[2Jr\n9'",
                "0 of 1 agents match",
            ],
        );
    }
}
