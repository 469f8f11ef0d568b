//! What a master has to be told before it starts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    time::Duration,
};

use mesos_proto::v1::{self, milli};

use super::amounts::Amounts;

/// What a master has to be told before it starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MasterConfig {
    /// Every id and uuid comes out of this number.
    pub seed: u64,
    /// When the master starts, since the Unix epoch: the origin of its time stamps.
    pub started_at: Duration,
    /// Name that the master goes by in `MasterInfo` and redirects.
    pub hostname: String,
    /// Port that the master goes by.
    pub port: u16,
    /// From one batch of offers to the next.
    pub allocation_interval: Duration,
    /// From one HEARTBEAT to the next.
    pub heartbeat_interval: Duration,
    /// What the flags of a real master set.
    pub options: MasterOptions,
}

impl MasterConfig {
    /// The defaults of a real master: a batch each second, a heartbeat each 15 seconds.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            started_at: Duration::ZERO,
            hostname: "127.0.0.1".into(),
            port: 5050,
            allocation_interval: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(15),
            options: MasterOptions::default(),
        }
    }
}

/// What the flags of a real master set, each under the flag's name; the defaults are those of the flags.
///
/// ```
/// use std::time::Duration;
/// use mesos_local::master::MasterOptions;
///
/// let mut options = MasterOptions::default();
/// assert_eq!(options.agent_ping_timeout * options.max_agent_ping_timeouts, Duration::from_secs(75));
/// options.roles = Some(["web".into()].into());
/// options.min_allocatable_resources = "cpus:0.5|mem:64".parse().expect("two alternatives");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MasterOptions {
    /// Where the master is. Agents in other regions are offered only to frameworks that are REGION_AWARE.
    pub domain: Option<v1::DomainInfo>,
    /// After this time offers are rescinded; `None`: never.
    pub offer_timeout: Option<Duration>,
    /// The roles that frameworks may have; `None`: any.
    pub roles: Option<BTreeSet<String>>,
    /// Whether frameworks may run as root.
    pub root_submissions: bool,
    /// What has to be free on an agent so that it is offered, unless a framework says otherwise.
    pub min_allocatable_resources: MinAllocatable,
    /// Whether agents with `gpus` are offered only to frameworks with the capability GPU_RESOURCES.
    pub filter_gpu_resources: bool,
    /// Bytes that the program of a pattern in offer constraints may take.
    pub offer_constraints_re2_max_mem: u64,
    /// Instructions that the program of a pattern in offer constraints may have.
    pub offer_constraints_re2_max_program_size: u64,
    /// So long a master waits for an agent's answer to one ping.
    pub agent_ping_timeout: Duration,
    /// After so many pings without an answer an agent is unreachable.
    pub max_agent_ping_timeouts: u32,
    /// So long agents may take to come back, to a new master or after their connection broke.
    pub agent_reregister_timeout: Duration,
}

impl Default for MasterOptions {
    fn default() -> Self {
        Self {
            domain: None,
            offer_timeout: None,
            roles: None,
            root_submissions: true,
            min_allocatable_resources: MinAllocatable::default(),
            filter_gpu_resources: true,
            offer_constraints_re2_max_mem: 4096,
            offer_constraints_re2_max_program_size: 100,
            agent_ping_timeout: Duration::from_secs(15),
            max_agent_ping_timeouts: 5,
            agent_reregister_timeout: Duration::from_secs(600),
        }
    }
}

/// The least that is worth an offer: alternatives of amounts that have to be there all together.
///
/// ```
/// use mesos_local::master::MinAllocatable;
///
/// assert_eq!(MinAllocatable::default().to_string(), "cpus:0.01|mem:32");
/// assert_eq!("cpus:1;mem:64|gpus:1".parse::<MinAllocatable>()?.to_string(), "cpus:1;mem:64|gpus:1");
/// let anything: MinAllocatable = "".parse()?;
/// assert_eq!(anything.to_string(), "");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinAllocatable(Vec<BTreeMap<String, i64>>);

impl Default for MinAllocatable {
    fn default() -> Self {
        Self(vec![[("cpus".to_owned(), 10)].into(), [("mem".to_owned(), 32_000)].into()])
    }
}

impl MinAllocatable {
    pub(super) fn of_framework(wanted: &v1::offer_filters::MinAllocatableResources) -> Self {
        let alternatives = wanted.quantities.iter().map(|all| {
            all.quantities.iter().map(|(name, scalar)| (name.clone(), milli(scalar.value))).collect()
        });
        Self(alternatives.collect())
    }

    /// Whether so much is enough. Without alternatives everything is, but for nothing at all.
    pub(super) fn is_met_by(&self, amounts: &Amounts) -> bool {
        let met =
            |all: &BTreeMap<String, i64>| all.iter().all(|(name, milli)| amounts.scalar(name) >= *milli);
        !amounts.is_empty() && (self.0.is_empty() || self.0.iter().any(met))
    }
}

/// As the master's flag has it. The error says which part is wrong and what was expected.
impl FromStr for MinAllocatable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self(Vec::new()));
        }
        let expected = "expected names with amounts such as cpus:0.01|mem:32 or cpus:1;mem:64";
        let quantity = |part: &str| {
            let (name, amount) = part.split_once(':')?;
            let amount =
                amount.trim().parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0)?;
            let name = name.trim();
            (!name.is_empty()).then(|| (name.to_owned(), milli(amount)))
        };
        let alternative = |text: &str| {
            let parts = text.split(';');
            parts.map(|part| quantity(part).ok_or_else(|| format!("'{part}', {expected}"))).collect()
        };
        text.split('|').map(alternative).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for MinAllocatable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, alternative) in self.0.iter().enumerate() {
            formatter.write_str(if number == 0 { "" } else { "|" })?;
            for (number, (name, milli)) in alternative.iter().enumerate() {
                let resource = v1::Resource::scalar_milli(name, *milli);
                write!(formatter, "{}{resource}", if number == 0 { "" } else { ";" })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_amounts_are_alternatives_of_parts() {
        let amounts =
            |text: &str| Amounts::from_resources(&text.parse::<v1::Resources>().unwrap().to_vec()).unwrap();
        for (least, free, enough) in [
            ("cpus:0.01|mem:32", "cpus:0.01", true),
            ("cpus:0.01|mem:32", "mem:31;ports:[1-2]", false),
            ("cpus:0.01;mem:32", "cpus:4;mem:31", false),
            ("cpus:0.01;mem:32", "cpus:4;mem:16;mem(web):16", true),
            ("", "ports:[1-2]", true),
            ("", "", false),
        ] {
            let least: MinAllocatable = least.parse().unwrap();
            assert_eq!(least.is_met_by(&amounts(free)), enough, "{least} {free}");
        }
        let wrong = "cpus:0.01|mem".parse::<MinAllocatable>().unwrap_err();
        assert_eq!(wrong, "'mem', expected names with amounts such as cpus:0.01|mem:32 or cpus:1;mem:64");
        assert!("cpus:-1".parse::<MinAllocatable>().is_err());
    }
}
