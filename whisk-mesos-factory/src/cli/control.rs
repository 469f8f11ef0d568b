//! What happens to the embedded Mesos, by lines on stdin: agents die and return, masters die and are elected.

use std::{io::BufRead as _, str::FromStr, thread};

use mesos_local::{Cluster, MasterPhase};
use tokio::sync::mpsc;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Incident {
    StopAgent(String),
    ReturnAgent(String),
    RestartAgent(String),
    LoseAgent(String),
    RemoveAgent(String),
    DropStreams,
    /// Masters are counted from 0.
    KillMaster(usize),
    Elect(usize),
}

/// What can be said, for the one who said something else.
const KNOWN: &str = "stop-agent NAME, return-agent NAME, restart-agent NAME, lose-agent NAME, remove-agent NAME, \
                     drop-streams, kill-master N or elect N";

impl FromStr for Incident {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = || format!("'{line}' is not known: expected {KNOWN}");
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |text: &str| text.parse().map_err(|_| wrong());
        Ok(match words[..] {
            ["stop-agent", name] => Self::StopAgent(name.to_owned()),
            ["return-agent", name] => Self::ReturnAgent(name.to_owned()),
            ["restart-agent", name] => Self::RestartAgent(name.to_owned()),
            ["lose-agent", name] => Self::LoseAgent(name.to_owned()),
            ["remove-agent", name] => Self::RemoveAgent(name.to_owned()),
            ["drop-streams"] => Self::DropStreams,
            ["kill-master", master] => Self::KillMaster(number(master)?),
            ["elect", master] => Self::Elect(number(master)?),
            _ => return Err(wrong()),
        })
    }
}

impl Incident {
    /// Lets it happen.
    pub(super) async fn happen(self, cluster: &Cluster) -> Result<(), String> {
        let (name, is_known) = match self {
            Self::StopAgent(name) => (name.clone(), cluster.stop_agent(&name)),
            Self::ReturnAgent(name) => (name.clone(), cluster.return_agent(&name)),
            Self::RestartAgent(name) => (name.clone(), cluster.restart_agent(&name)),
            Self::LoseAgent(name) => (name.clone(), cluster.lose_agent(&name)),
            Self::RemoveAgent(name) => (name.clone(), cluster.remove_agent(&name)),
            Self::DropStreams => {
                cluster.drop_streams();
                return Ok(());
            }
            Self::KillMaster(master) => {
                let died = cluster.set_master_phase(master, MasterPhase::Dead).await;
                return died.map_err(|error| error.to_string());
            }
            Self::Elect(master) => return cluster.elect(master).await.map_err(|error| error.to_string()),
        };
        if is_known { Ok(()) } else { Err(format!("there is no agent '{name}'")) }
    }
}

/// The lines of stdin as they come. Nothing comes any more when it has ended.
pub(super) fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    // A thread of its own: waiting for stdin cannot be given up, and must not hold the end of the program up.
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_are_named_by_words() {
        for (line, expected) in [
            ("stop-agent agent1", Incident::StopAgent("agent1".into())),
            (" return-agent  agent1 ", Incident::ReturnAgent("agent1".into())),
            ("drop-streams", Incident::DropStreams),
            ("kill-master 0", Incident::KillMaster(0)),
            ("elect 1", Incident::Elect(1)),
        ] {
            assert_eq!(line.parse(), Ok(expected), "{line}");
        }
        for line in ["", "stop-agent", "stop-agent a b", "elect first", "agent1"] {
            let expected = format!("'{line}' is not known: expected {KNOWN}");
            assert_eq!(line.parse::<Incident>(), Err(expected));
        }
    }
}
