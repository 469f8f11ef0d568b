//! Values as the flags of real masters and agents have them, read from text.
//!
//! ```
//! use std::time::Duration;
//! use mesos_local::flags;
//!
//! assert_eq!(flags::duration("1secs")?, Duration::from_secs(1));
//! let agent = flags::agent("name=db resources=cpus:8;cpus(web):1 attributes=rack:r1 domain=eu/a")?;
//! assert_eq!((agent.name.as_str(), agent.cpus_milli), ("db", 8000));
//! let wrong = flags::duration("1sec").unwrap_err().to_string();
//! assert_eq!(wrong, "'1sec' is no time: expected a number with a unit such as 100ms, 1secs, 5mins or 2hrs");
//! # Ok::<(), mesos_local::flags::FlagError>(())
//! ```

use std::{fmt, time::Duration};

use mesos_proto::{
    json,
    v1::{
        self,
        domain_info::{
            FaultDomain,
            fault_domain::{RegionInfo, ZoneInfo},
        },
    },
};
use serde::Deserialize;

use crate::cluster::{AgentConfig, AgentPorts, FrameworkCredentials};

/// A text that is no value of a flag: what was found, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagError {
    found: String,
    problem: String,
}

impl FlagError {
    fn new(found: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { found: found.into(), problem: problem.into() }
    }

    /// The part of the text that is wrong.
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for FlagError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}' {}", self.found, self.problem)
    }
}

impl std::error::Error for FlagError {}

/// Reads a time: a number with one of the units `ns`, `us`, `ms`, `secs`, `mins`, `hrs`, `days` and `weeks`.
///
/// # Errors
/// It is none, or negative, or too long for 64 bits of nanoseconds.
pub fn duration(text: &str) -> Result<Duration, FlagError> {
    let expected = "is no time: expected a number with a unit such as 100ms, 1secs, 5mins or 2hrs";
    let wrong = || FlagError::new(text, expected);
    let trimmed = text.trim();
    let unit_at = trimmed.find(|one: char| one.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = trimmed.split_at(unit_at);
    let nanoseconds = match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "secs" => 1e9,
        "mins" => 60e9,
        "hrs" => 3600e9,
        "days" => 24.0 * 3600e9,
        "weeks" => 7.0 * 24.0 * 3600e9,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let nanoseconds = (number * nanoseconds).round();
    if !(0.0..=i64::MAX as f64).contains(&nanoseconds) {
        return Err(wrong());
    }
    Ok(Duration::from_nanos(nanoseconds as u64))
}

/// Reads a number of bytes: a whole number with one of the units `B`, `KB`, `MB`, `GB` and `TB`, each 1024 of the
/// one before; without a unit it is bytes.
///
/// # Errors
/// It is none, or too large for 64 bits.
pub fn bytes(text: &str) -> Result<u64, FlagError> {
    let wrong = || FlagError::new(text, "is no number of bytes: expected one such as 4096B, 8KB or 1MB");
    let trimmed = text.trim();
    let unit_at = trimmed.find(|one: char| !one.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(unit_at);
    let shift = match unit {
        "" | "B" => 0,
        "KB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// Reads where a master or an agent is: `region/zone`, or the JSON of a `DomainInfo`.
///
/// # Errors
/// It is neither.
pub fn domain(text: &str) -> Result<v1::DomainInfo, FlagError> {
    let wrong = || {
        let json = r#"{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-a"}}}"#;
        FlagError::new(text, format!("is no domain: expected region/zone or {json}"))
    };
    let trimmed = text.trim();
    if trimmed.starts_with('{') {
        let domain: v1::DomainInfo = json::from_slice(trimmed.as_bytes()).map_err(|_| wrong())?;
        return if domain.fault_domain.is_some() { Ok(domain) } else { Err(wrong()) };
    }
    match trimmed.split_once('/') {
        Some((region, zone)) if !region.is_empty() && !zone.is_empty() && !zone.contains('/') => {
            let region = RegionInfo { name: region.to_owned() };
            let zone = ZoneInfo { name: zone.to_owned() };
            Ok(v1::DomainInfo { fault_domain: Some(FaultDomain { region, zone }) })
        }
        _ => Err(wrong()),
    }
}

/// Reads roles, separated by commas.
///
/// # Errors
/// One of them is empty.
pub fn roles(text: &str) -> Result<Vec<String>, FlagError> {
    let names = text.split(',').map(str::trim);
    let wrong =
        || FlagError::new(text, "are no roles: expected names with commas between, such as web,batch");
    names.map(|name| if name.is_empty() { Err(wrong()) } else { Ok(name.to_owned()) }).collect()
}

/// Reads attributes as in an agent's `--attributes`: `rack:r1;level:7;vlans:[1-3]`.
///
/// # Errors
/// One of them lacks its name or its value, or is a set.
pub fn attributes(text: &str) -> Result<Vec<(String, String)>, FlagError> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let attribute = |part: &str| {
        let wrong = |problem: &str| {
            FlagError::new(
                part,
                format!("{problem}: expected attributes such as rack:r1;level:7;vlans:[1-3]"),
            )
        };
        match part.split_once(':') {
            Some((name, value)) if name.trim().is_empty() || value.trim().is_empty() => {
                Err(wrong("lacks the name or the value of the attribute"))
            }
            Some((_, value)) if value.trim().starts_with('{') => {
                Err(wrong("is a set, which attributes cannot be"))
            }
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(wrong("has no ':'")),
        }
    };
    parts.map(attribute).collect()
}

/// Reads resources as in an agent's `--resources`: `cpus:4;mem:4096;cpus(web):1;ports:[31000-31999]`, or JSON.
///
/// # Errors
/// They are malformed.
pub fn resources(text: &str) -> Result<v1::Resources, FlagError> {
    if !text.trim_start().starts_with('[') {
        return text.parse().map_err(|error: v1::ParseResourcesError| {
            FlagError::new(text, format!("are no resources: {error}"))
        });
    }
    let wrong = |problem: String| FlagError::new(text, format!("are no resources: {problem}"));
    let parts: Vec<serde_json::Value> =
        serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let mut all = v1::Resources::default();
    for part in parts {
        let resource = json::from_slice::<v1::Resource>(part.to_string().as_bytes());
        all.insert(resource.map_err(|error| wrong(error.to_string()))?)
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(all)
}

/// Reads the paths that the JSON of `--firewall_rules` disables:
/// `{"disabled_endpoints":{"paths":["/api/v1/scheduler"]}}`.
///
/// # Errors
/// It is not of this form.
pub fn firewall_rules(text: &str) -> Result<Vec<String>, FlagError> {
    #[derive(Deserialize)]
    struct Rules {
        disabled_endpoints: Paths,
    }
    #[derive(Deserialize)]
    struct Paths {
        paths: Vec<String>,
    }
    let rules: Rules = serde_json::from_str(text).map_err(|_| {
        let form = r#"{"disabled_endpoints":{"paths":["/api/v1/scheduler"]}}"#;
        FlagError::new(text, format!("are no firewall rules: expected {form}"))
    })?;
    Ok(rules.disabled_endpoints.paths)
}

const AGENT_KEYS: [&str; 5] = ["name", "hostname", "resources", "attributes", "domain"];

/// Reads an agent: `KEY=VALUE` with blanks between, where the keys are `name`, `hostname` and the agent's flags
/// `resources`, `attributes` and `domain`. What is left out is as in [`AgentConfig::new`], but there are no
/// attributes, and the name is empty.
///
/// # Errors
/// A key is not known or there twice, or a value is malformed.
pub fn agent(text: &str) -> Result<AgentConfig, FlagError> {
    let mut agent = AgentConfig::new("");
    agent.attributes.clear();
    let mut seen = Vec::new();
    for (key, value) in pairs(text)? {
        if seen.contains(&key) {
            return Err(FlagError::new(text, format!("says '{key}' twice")));
        }
        seen.push(key);
        match key {
            "name" => agent.name = value.to_owned(),
            "hostname" => agent.hostname = value.to_owned(),
            "resources" => {
                agent.set_resources(resources(value)?);
                clear_named(&mut agent, value);
            }
            "attributes" => agent.attributes = attributes(value)?,
            _ => agent.domain = Some(domain(value)?),
        }
        if value.is_empty() && matches!(key, "name" | "hostname") {
            return Err(FlagError::new(text, format!("has an empty '{key}'")));
        }
    }
    Ok(agent)
}

/// An amount of nothing is none of the resources, but it is said: `disk:0` is an agent without a disk.
fn clear_named(agent: &mut AgentConfig, text: &str) {
    for part in text.split(';').map(str::trim) {
        let Some((name, amount)) = part.split_once(':') else { continue };
        let is_nothing = amount.trim().parse() == Ok(0.0) || amount.trim() == "[]";
        match name.trim() {
            "cpus" if is_nothing => agent.cpus_milli = 0,
            "mem" if is_nothing => agent.mem_mib = 0,
            "disk" if is_nothing => agent.disk_mib = 0,
            "ports" if is_nothing => agent.ports = AgentPorts::Exactly(v1::Ranges::default()),
            _ => {}
        }
    }
}

/// A value goes on to the next key, so that there may be blanks in it.
fn pairs(text: &str) -> Result<Vec<(&'static str, &str)>, FlagError> {
    let expected = || {
        let keys = AGENT_KEYS.join("=, ");
        format!("is no part of an agent: expected {keys}=, such as 'name=agent1 resources=cpus:4;mem:4096'")
    };
    let mut pairs: Vec<(&'static str, &str)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let key = AGENT_KEYS
            .into_iter()
            .find(|key| rest.strip_prefix(key).is_some_and(|rest| rest.starts_with('=')));
        let Some(key) = key else {
            let word = rest.split_whitespace().next().unwrap_or(rest);
            return Err(FlagError::new(word, expected()));
        };
        let value = &rest[key.len() + 1..];
        let is_key = |at: usize| {
            let word = value[at..].trim_start();
            // A word with `=` in front of any bracket is meant as a key, known or not.
            word.find(|one: char| !one.is_ascii_alphanumeric() && one != '_' && one != '-')
                .is_some_and(|end| end > 0 && word[end..].starts_with('='))
        };
        let mut ends = value.char_indices().filter(|(_, one)| one.is_whitespace()).map(|(at, _)| at);
        let end = ends.find(|at| is_key(*at)).unwrap_or(value.len());
        pairs.push((key, value[..end].trim()));
        rest = value[end..].trim_start();
    }
    Ok(pairs)
}

/// Reads the file of `--credentials`: `{"credentials":[{"principal":"alice","secret":"s3cret"}]}`.
///
/// # Errors
/// It is not of this form. The message shows nothing of the file.
pub fn credentials(file: &[u8]) -> Result<FrameworkCredentials, FlagError> {
    #[derive(Deserialize)]
    struct Credentials {
        credentials: Vec<Credential>,
    }
    #[derive(Deserialize)]
    struct Credential {
        principal: String,
        secret: String,
    }
    let read: Credentials = serde_json::from_slice(file).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let form = r#"{"credentials":[{"principal":"...","secret":"..."}]}"#;
        FlagError::new(place, format!("of the credentials is wrong: expected {form}"))
    })?;
    let mut accepted = FrameworkCredentials::new();
    for Credential { principal, secret } in read.credentials {
        accepted = accepted.basic(&principal, &secret);
    }
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_units_of_mesos() {
        for (text, milliseconds) in [
            ("100ms", 100),
            ("1secs", 1000),
            ("0.5secs", 500),
            ("2mins", 120_000),
            ("1hrs", 3_600_000),
            ("1days", 86_400_000),
            ("1weeks", 604_800_000),
            ("2000us", 2),
            ("1000000ns", 1),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for wrong in ["", "1", "secs", "1sec", "-1secs", "1e300weeks", "1 2secs", "infsecs", "NaNsecs"] {
            assert_eq!(duration(wrong).unwrap_err().found(), wrong);
        }
    }

    #[test]
    fn bytes_have_units_of_1024() {
        assert_eq!(
            (bytes("4096B"), bytes("4KB"), bytes("1MB"), bytes("7")),
            (Ok(4096), Ok(4096), Ok(1 << 20), Ok(7))
        );
        for wrong in ["", "KB", "1kb", "-1B", "99999999999999TB"] {
            assert_eq!(bytes(wrong).unwrap_err().found(), wrong);
        }
    }

    #[test]
    fn an_agent_is_read_from_its_parts() {
        let read = agent(
            "name=agent2 hostname=agent2.example resources=cpus:2.5;mem:2048;cpus(web):1.25; ports:[31000-31009, \
             31500-31500] attributes=rack:7;label:a b.c domain=eu-west/eu-west-b",
        );
        let read = read.unwrap();
        assert_eq!((read.name.as_str(), read.hostname.as_str()), ("agent2", "agent2.example"));
        assert_eq!((read.cpus_milli, read.mem_mib, read.disk_mib), (2500, 2048, 10_000));
        assert_eq!(read.other_resources.to_string(), "cpus(reservations: [(STATIC,web)]):1.25");
        assert_eq!(read.attributes, [("rack".into(), "7".into()), ("label".into(), "a b.c".into())]);
        assert_eq!(read.domain, domain("eu-west/eu-west-b").ok());
        assert_eq!(
            read.ports,
            AgentPorts::Exactly([(31_000, 31_009), (31_500, 31_500)].into_iter().collect())
        );
        let bare = agent("resources=cpus:1;disk:0;ports:[]").unwrap();
        assert_eq!((bare.mem_mib, bare.disk_mib), (4096, 0));
        assert_eq!(bare.ports, AgentPorts::Exactly(v1::Ranges::default()));
        let json = agent(r#"resources=[{"name":"gpus","type":"SCALAR","scalar":{"value":2}}]"#).unwrap();
        assert_eq!(json.other_resources.to_string(), "gpus:2");
    }

    #[test]
    fn what_is_wrong_with_an_agent_is_shown() {
        for (text, expected) in [
            (
                "agent1",
                "'agent1' is no part of an agent: expected name=, hostname=, resources=, attributes=, domain=, such as 'name=agent1 resources=cpus:4;mem:4096'",
            ),
            (
                "name=a rack=r1",
                "'rack=r1' is no part of an agent: expected name=, hostname=, resources=, attributes=, domain=, such as 'name=agent1 resources=cpus:4;mem:4096'",
            ),
            ("name=a name=b", "'name=a name=b' says 'name' twice"),
            ("name=", "'name=' has an empty 'name'"),
            ("attributes=rack", "'rack' has no ':': expected attributes such as rack:r1;level:7;vlans:[1-3]"),
            (
                "attributes=a:{b}",
                "'a:{b}' is a set, which attributes cannot be: expected attributes such as rack:r1;level:7;vlans:[1-3]",
            ),
            (
                "domain=eu",
                r#"'eu' is no domain: expected region/zone or {"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-a"}}}"#,
            ),
        ] {
            assert_eq!(agent(text).unwrap_err().to_string(), expected);
        }
        let wrong = agent("resources=cpus:lots").unwrap_err().to_string();
        assert!(
            wrong.starts_with("'cpus:lots' are no resources: invalid resources at column 6: 'lots'"),
            "{wrong}"
        );
    }

    #[test]
    fn domains_are_short_or_json() {
        let long = r#"{"fault_domain": {"region": {"name": "eu"}, "zone": {"name": "eu-a"}}}"#;
        assert_eq!(domain(long), domain("eu/eu-a"));
        for wrong in ["", "eu", "eu/", "/a", "eu/a/b", "{}", "{"] {
            assert_eq!(domain(wrong).unwrap_err().found(), wrong);
        }
    }

    #[test]
    fn credentials_are_read_and_not_shown() {
        let file = br#"{"credentials":[{"principal":"alice","secret":"s3cret"}]}"#;
        assert_eq!(credentials(file).unwrap(), FrameworkCredentials::new().basic("alice", "s3cret"));
        let wrong =
            credentials(br#"{"credentials":[{"principal":"alice","secret":1}]}"#).unwrap_err().to_string();
        assert!(wrong.starts_with("'line 1 column ") && !wrong.contains("alice"), "{wrong}");
        let rules = r#"{"disabled_endpoints":{"paths":["/api/v1/scheduler"]}}"#;
        assert_eq!(firewall_rules(rules).unwrap(), ["/api/v1/scheduler"]);
        assert!(firewall_rules("/api/v1/scheduler").is_err());
        assert!(roles("web,,batch").is_err());
        assert_eq!(roles("web, batch").unwrap(), ["web", "batch"]);
    }
}
