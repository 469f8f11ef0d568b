//! Checks and health checks of a task while it runs: one probe after the other, each for itself.

use std::{
    ffi::OsString,
    future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use mesos_proto::v1::{
    CheckInfo, CheckStatusInfo, CommandInfo, HealthCheck, TaskInfo, check_info, check_status_info,
    health_check, network_info::Protocol,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    health::{Health, seconds},
    plan,
    probe::{Probe, Seen, Target},
    process::Program,
    sandbox::Sandbox,
};

/// So long the health check waits for the first result of the check.
const TURN: Duration = Duration::from_millis(100);

/// What is looked at while a task runs.
#[derive(Clone, Debug, Default)]
pub(super) struct CheckPlan {
    health: Option<(Repeated, Health)>,
    check: Option<(Repeated, check_info::Type)>,
}

/// A probe, and when it is made.
#[derive(Clone, Debug)]
struct Repeated {
    probe: Probe,
    delay: Duration,
    interval: Duration,
    /// `None`: it may take any time.
    timeout: Option<Duration>,
}

/// What one probe gave.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// Whether the task is healthy.
    Health(bool),
    /// What the check says from here on.
    Check(CheckStatusInfo),
}

/// How checks reach a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    pub(super) ports: &'a Ports,
    /// The environment of the task, which commands of checks have, too.
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) sandbox: &'a Sandbox,
}

/// Where the ports of a task are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    /// Those of the machine.
    Machine,
    /// Each port of a container, and the one of the machine that stands for it. Nobody reaches others.
    Mapped(Vec<(u32, u16)>),
}

impl Reach<'_> {
    fn port(&self, ip: IpAddr, port: u32) -> Target {
        let port = match self.ports {
            Ports::Machine => u16::try_from(port).ok(),
            Ports::Mapped(mapped) => mapped.iter().find(|(of, _)| *of == port).map(|(_, to)| *to),
        };
        port.map(|port| SocketAddr::new(ip, port))
    }

    /// # Errors
    /// The command cannot be run, and why.
    fn command(&self, command: &CommandInfo) -> Result<Probe, String> {
        let mut environment = self.environment.to_vec();
        plan::add_variables(&mut environment, command)?;
        let (path, argv0, arguments) = plan::shell_or_program(command)?;
        let program = Program { path, argv0, arguments, environment, ends_with_stdin: false };
        Ok(Probe::Command { program, sandbox: self.sandbox.clone() })
    }
}

/// Checks under way. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Checks {
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    _probes: JoinSet<()>,
}

impl CheckPlan {
    /// # Errors
    /// Says which check cannot be made.
    pub(super) fn new(task: &TaskInfo, reach: Reach<'_>) -> Result<Self, String> {
        let health = task.health_check.as_ref().map(|check| {
            let repeated = Repeated {
                probe: health_probe(check, reach)?,
                delay: seconds(check.delay_seconds()),
                interval: seconds(check.interval_seconds()),
                timeout: limit(check.timeout_seconds()),
            };
            Ok::<_, String>((repeated, Health::new(check)))
        });
        let check = task.check.as_ref().map(|check| {
            let repeated = Repeated {
                probe: check_probe(check, reach)?,
                delay: seconds(check.delay_seconds()),
                interval: seconds(check.interval_seconds()),
                timeout: limit(check.timeout_seconds()),
            };
            Ok::<_, String>((repeated, check.r#type()))
        });
        Ok(Self { health: health.transpose()?, check: check.transpose()? })
    }

    /// How results of the health check are judged, if there is one.
    pub(super) fn health(&self) -> Option<Health> {
        self.health.as_ref().map(|(_, health)| health.clone())
    }
}

impl Checks {
    /// Begins with the delays; to be called within a tokio runtime.
    ///
    /// Executors start the check before the health check, and so its result comes first if both are due at once
    /// and take no time.
    pub(super) fn start(plan: &CheckPlan) -> Self {
        let (sender, outcomes) = mpsc::unbounded_channel();
        let mut probes = JoinSet::new();
        let (first, mut check_is_first) = watch::channel(false);
        if let Some((repeated, kind)) = plan.check.clone() {
            let tell = move |seen| Outcome::Check(status(kind, seen));
            let sender = sender.clone();
            probes.spawn(async move {
                sleep(repeated.delay).await;
                loop {
                    // Without a look nothing is known that was not known before.
                    if let Some(seen) = repeated.look().await
                        && sender.send(tell(seen)).is_err()
                    {
                        return;
                    }
                    first.send_replace(true);
                    sleep(repeated.interval).await;
                }
            });
        }
        if let Some((repeated, _)) = plan.health.clone() {
            let has_rival = plan.check.as_ref().is_some_and(|(check, _)| check.delay == repeated.delay);
            probes.spawn(async move {
                sleep(repeated.delay).await;
                if has_rival {
                    // Its sender may be gone, too; in any case it had its turn.
                    let _ = timeout(TURN, check_is_first.wait_for(|is_over| *is_over)).await;
                }
                loop {
                    let seen = repeated.look().await.flatten();
                    if sender.send(Outcome::Health(seen.is_some_and(Seen::is_healthy))).is_err() {
                        return;
                    }
                    sleep(repeated.interval).await;
                }
            });
        }
        Self { outcomes, _probes: probes }
    }

    /// Waits for the next result; for ever if there is no check.
    pub(super) async fn next(&mut self) -> Outcome {
        match self.outcomes.recv().await {
            Some(outcome) => outcome,
            None => future::pending().await,
        }
    }
}

impl Repeated {
    /// What is seen; nothing if it took too long, and `None` if there was no way to look.
    async fn look(&self) -> Option<Option<Seen>> {
        let looked = match self.timeout {
            Some(limit) => timeout(limit, self.probe.run()).await,
            None => Ok(self.probe.run().await),
        };
        match looked {
            Ok(Ok(seen)) => Some(Some(seen)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a check could not be made");
                None
            }
            Err(_) => Some(None),
        }
    }
}

/// The status of a check: without a result its part is there and empty.
pub(super) fn status(kind: check_info::Type, seen: Option<Seen>) -> CheckStatusInfo {
    let mut status = CheckStatusInfo { r#type: Some(kind.into()), ..CheckStatusInfo::default() };
    match kind {
        check_info::Type::Command => {
            let exit_code = seen.and_then(|seen| match seen {
                Seen::ExitCode(code) => Some(code),
                Seen::Connected(_) | Seen::StatusCode(_) => None,
            });
            status.command = Some(check_status_info::Command { exit_code });
        }
        check_info::Type::Http => {
            let status_code = seen.and_then(|seen| match seen {
                Seen::StatusCode(code) => Some(code),
                Seen::Connected(_) | Seen::ExitCode(_) => None,
            });
            status.http = Some(check_status_info::Http { status_code });
        }
        check_info::Type::Tcp => {
            let succeeded = seen.and_then(|seen| match seen {
                Seen::Connected(connected) => Some(connected),
                Seen::StatusCode(_) | Seen::ExitCode(_) => None,
            });
            status.tcp = Some(check_status_info::Tcp { succeeded });
        }
        // Refused by the master.
        check_info::Type::Unknown => {}
    }
    status
}

fn health_probe(check: &HealthCheck, reach: Reach<'_>) -> Result<Probe, String> {
    // The type may be left out where only one is possible; the master made sure of that.
    let kind = match (check.r#type, &check.command, &check.http) {
        (None, Some(_), _) => health_check::Type::Command,
        (None, None, Some(_)) => health_check::Type::Http,
        (Some(_), _, _) | (None, None, None) => check.r#type(),
    };
    let missing = || format!("{} health check without its part", kind.as_str_name());
    match kind {
        health_check::Type::Command => reach.command(check.command.as_ref().ok_or_else(missing)?),
        health_check::Type::Http => {
            let http = check.http.as_ref().ok_or_else(missing)?;
            let ip = address(http.protocol());
            let path = http.path.clone().unwrap_or_else(|| "/".into());
            let target = reach.port(ip, http.port);
            match http.scheme.as_deref() {
                Some("https") => Ok(Probe::Https { target, path }),
                Some(_) | None => Ok(Probe::Http { target, path }),
            }
        }
        health_check::Type::Tcp => {
            let tcp = check.tcp.as_ref().ok_or_else(missing)?;
            Ok(Probe::Tcp(reach.port(address(tcp.protocol()), tcp.port)))
        }
        health_check::Type::Unknown => Err(missing()),
    }
}

fn check_probe(check: &CheckInfo, reach: Reach<'_>) -> Result<Probe, String> {
    let ip = Ipv4Addr::LOCALHOST.into();
    let missing = || format!("{} check without its part", check.r#type().as_str_name());
    match check.r#type() {
        check_info::Type::Command => reach.command(&check.command.as_ref().ok_or_else(missing)?.command),
        check_info::Type::Http => {
            let http = check.http.as_ref().ok_or_else(missing)?;
            let path = http.path.clone().unwrap_or_else(|| "/".into());
            Ok(Probe::Http { target: reach.port(ip, http.port), path })
        }
        check_info::Type::Tcp => Ok(Probe::Tcp(reach.port(ip, check.tcp.as_ref().ok_or_else(missing)?.port))),
        check_info::Type::Unknown => Err(missing()),
    }
}

fn address(protocol: Protocol) -> IpAddr {
    match protocol {
        Protocol::IPv4 => Ipv4Addr::LOCALHOST.into(),
        Protocol::IPv6 => Ipv6Addr::LOCALHOST.into(),
    }
}

/// Zero seconds are no limit.
fn limit(seconds_of: f64) -> Option<Duration> {
    (seconds_of > 0.0).then(|| seconds(seconds_of))
}
