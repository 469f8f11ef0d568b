//! The znodes of the masters' group: which of them is the leader's, and which address its content tells.

use std::net::Ipv4Addr;

use mesos_proto::v1;
use prost::Message;
use serde::Deserialize;

use crate::url::{HttpUrl, Scheme};

/// How much of a znode that cannot be read is shown.
const SHOWN: usize = 200;

/// How a master describes itself in its znode. The label of the name tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `json.info_0000000001`, since Mesos 0.24: `MasterInfo` as JSON.
    Json,
    /// `info_0000000001`: `MasterInfo` as protobuf.
    Protobuf,
    /// `0000000001`, the oldest one: the pid alone.
    Pid,
}

/// The znode of a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    name: String,
    number: i32,
    form: Form,
}

impl Member {
    /// None for what else lies in the group, such as `log_replicas`.
    fn parse(name: &str) -> Option<Self> {
        let (label, number) = match name.rsplit_once('_') {
            Some((label, number)) => (Some(label), number),
            None => (None, name),
        };
        let form = match label {
            Some("json.info") => Form::Json,
            Some("info") => Form::Protobuf,
            None => Form::Pid,
            Some(_) => return None,
        };
        Some(Self { name: name.to_owned(), number: number.parse().ok()?, form })
    }

    /// The name of the znode, below the path of the group.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the master of this znode is reached.
    ///
    /// # Errors
    /// The text says what the znode holds and what was expected.
    pub(super) fn url(&self, data: &[u8], scheme: Scheme) -> Result<HttpUrl, String> {
        let told = match self.form {
            Form::Json => serde_json::from_slice::<MasterInfo>(data).map_err(|error| error.to_string()),
            Form::Protobuf => v1::MasterInfo::decode(data).map(MasterInfo::from).map_err(|e| e.to_string()),
            Form::Pid => {
                Ok(MasterInfo { pid: String::from_utf8(data.to_vec()).ok(), ..MasterInfo::default() })
            }
        };
        let url = told.and_then(|info| info.url(scheme));
        url.map_err(|why| format!("the znode '{}' holds '{}': {why}", self.name, excerpt(data)))
    }
}

/// The member that leads: the one with the lowest number, whatever the labels.
pub(super) fn leader<'a>(children: impl IntoIterator<Item = &'a str>) -> Option<Member> {
    children.into_iter().filter_map(Member::parse).min_by_key(|member| member.number)
}

/// What of `MasterInfo` tells an address, in the order of preference: `address`, then `hostname`, `ip` and `port`,
/// then `pid`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct MasterInfo {
    address: Option<Address>,
    hostname: Option<String>,
    ip: Option<u32>,
    port: Option<i64>,
    pid: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Address {
    hostname: Option<String>,
    ip: Option<String>,
    port: i64,
}

impl MasterInfo {
    fn url(&self, scheme: Scheme) -> Result<HttpUrl, String> {
        let own = self.ip.map(dotted);
        let url = if let Some(Address { hostname, ip, port }) = &self.address
            && let Some(host) = preferred(hostname.as_deref(), ip.as_deref(), scheme)
        {
            HttpUrl::new(host, *port)
        } else if let Some(port) = self.port
            && let Some(host) = preferred(self.hostname.as_deref(), own.as_deref(), scheme)
        {
            HttpUrl::new(host, port)
        } else if let Some((_, address)) = self.pid.as_deref().and_then(|pid| pid.trim().rsplit_once('@')) {
            address.parse()
        } else {
            return Err("it tells no address, expected 'address', 'ip' and 'port', or 'pid'".to_owned());
        };
        url.map(|url| url.with_scheme(scheme)).map_err(|error| error.to_string())
    }
}

/// A master's host name is meant for humans and need not resolve, so its IP address comes first; but certificates
/// are made out to names.
fn preferred<'a>(hostname: Option<&'a str>, ip: Option<&'a str>, scheme: Scheme) -> Option<&'a str> {
    let order = match scheme {
        Scheme::Http => [ip, hostname],
        Scheme::Https => [hostname, ip],
    };
    order.into_iter().flatten().find(|host| !host.is_empty())
}

/// Mesos puts the four bytes of the address, which are in network byte order, unchanged into an integer
/// of its host, which is little-endian: 10.0.0.1 is 16777226.
fn dotted(ip: u32) -> String {
    Ipv4Addr::from(ip.to_le_bytes()).to_string()
}

impl From<v1::MasterInfo> for MasterInfo {
    fn from(info: v1::MasterInfo) -> Self {
        let address = info.address.map(|address| Address {
            hostname: address.hostname,
            ip: address.ip,
            port: address.port.into(),
        });
        Self {
            address,
            hostname: info.hostname,
            ip: Some(info.ip),
            port: Some(info.port.into()),
            pid: info.pid,
        }
    }
}

fn excerpt(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(&data[..data.len().min(SHOWN)]);
    let dots = if data.len() > SHOWN { "…" } else { "" };
    format!("{}{dots}", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captured(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/detector/captured");
        std::fs::read(format!("{folder}/{name}")).unwrap()
    }

    fn leader_of(children: &[&str]) -> Option<String> {
        leader(children.iter().copied()).map(|member| member.name)
    }

    #[test]
    fn the_lowest_number_leads_whatever_its_label() {
        for (children, name) in [
            (&[][..], None),
            (&["log_replicas"], None),
            (&["json.info_0000000007", "log_replicas", "json.info_0000000006"], Some("json.info_0000000006")),
            (&["json.info_0000000002", "info_0000000001"], Some("info_0000000001")),
            (&["info_0000000002", "0000000001", "json.info_0000000003"], Some("0000000001")),
            (&["json.info_10", "json.info_9"], Some("json.info_9")),
            // The counter of ZooKeeper overflows into negative numbers.
            (&["json.info_2147483647", "json.info_-2147483648"], Some("json.info_-2147483648")),
            (&["other_0000000001", "json.info_", "json.info_x", "_1", "", "json.info_99999999999"], None),
        ] {
            assert_eq!(leader_of(children).as_deref(), name, "{children:?}");
        }
    }

    fn url(name: &str, data: &[u8], scheme: Scheme) -> String {
        match Member::parse(name).unwrap().url(data, scheme) {
            Ok(url) => url.to_string(),
            Err(why) => why,
        }
    }

    #[test]
    fn a_captured_master_is_reached_by_its_address_and_with_tls_by_its_name() {
        let data = captured("json.info_0000000007");
        assert_eq!(url("json.info_0000000007", &data, Scheme::Http), "http://127.0.0.1:5055");
        assert_eq!(url("json.info_0000000007", &data, Scheme::Https), "https://master2.example:5055");
    }

    #[test]
    fn an_address_is_found_in_every_form_of_json() {
        for (json, expected) in [
            (r#"{"address":{"ip":"10.0.0.1","port":5050},"ip":1,"port":1}"#, "http://10.0.0.1:5050"),
            (r#"{"address":{"hostname":"m","port":5050}}"#, "http://m:5050"),
            (r#"{"address":{"ip":"fe80::1","port":5050}}"#, "http://[fe80::1]:5050"),
            (r#"{"address":{"port":5050},"hostname":"m","ip":16777226,"port":5051}"#, "http://10.0.0.1:5051"),
            (r#"{"hostname":"m","port":5051}"#, "http://m:5051"),
            (r#"{"hostname":"","pid":"master@10.0.0.1:5052","port":1}"#, "http://10.0.0.1:5052"),
        ] {
            assert_eq!(url("json.info_1", json.as_bytes(), Scheme::Http), expected, "{json}");
        }
    }

    #[test]
    fn older_masters_are_found_too() {
        let info = v1::MasterInfo {
            id: "m".into(),
            ip: 16_777_226,
            port: 5050,
            hostname: Some("m".into()),
            ..Default::default()
        };
        assert_eq!(url("info_1", &info.encode_to_vec(), Scheme::Http), "http://10.0.0.1:5050");
        assert_eq!(url("info_1", &info.encode_to_vec(), Scheme::Https), "https://m:5050");
        assert_eq!(url("0000000001", b"master@10.0.0.1:5050", Scheme::Http), "http://10.0.0.1:5050");
    }

    #[test]
    fn a_znode_without_an_address_is_shown() {
        let no_address = "it tells no address, expected 'address', 'ip' and 'port', or 'pid'";
        for (name, data, expected) in [
            ("json.info_1", "{}", format!("the znode 'json.info_1' holds '{{}}': {no_address}")),
            (
                "json.info_1",
                "no",
                "the znode 'json.info_1' holds 'no': expected ident at line 1 column 2".to_owned(),
            ),
            (
                "json.info_1",
                r#"{"hostname":"a b","port":0}"#,
                r#"the znode 'json.info_1' holds '{\"hostname\":\"a b\",\"port\":0}': invalid URL 'a b:0': 'a b' is no host, expected a name, an IPv4 address or an IPv6 address in brackets"#
                    .to_owned(),
            ),
            ("0000000001", "", format!("the znode '0000000001' holds '': {no_address}")),
        ] {
            assert_eq!(url(name, data.as_bytes(), Scheme::Http), expected);
        }
        let long = url("0000000001", &[b'x'; 300], Scheme::Http);
        assert_eq!(long, format!("the znode '0000000001' holds '{}…': {no_address}", "x".repeat(200)));
    }

    proptest! {
        #[test]
        fn the_leader_is_the_minimum_and_order_does_not_matter(
            numbers in prop::collection::btree_set(any::<i32>(), 1..20),
            labels in prop::collection::vec(prop::sample::select(vec!["json.info_", "info_", ""]), 20),
            strangers in prop::collection::vec("(log_replicas|lock-[0-9]{3}|[a-z]{2}_[0-9]{2})", 0..5),
            swap in any::<prop::sample::Index>(),
        ) {
            let named = |(number, label): (&i32, &&str)| format!("{label}{number:010}");
            let mut children: Vec<String> = numbers.iter().zip(&labels).map(named).collect();
            let first = children[0].clone();
            children.extend(strangers);
            let (first_place, other_place) = (0, swap.index(children.len()));
            children.swap(first_place, other_place);
            prop_assert_eq!(leader(children.iter().map(String::as_str)).map(|m| m.name), Some(first));
        }

        #[test]
        fn any_name_and_any_data_are_an_answer(name in ".{0,12}", data: Vec<u8>) {
            if let Some(member) = leader([name.as_str(), "info_1", "json.info_2", "3"]) {
                drop(member.url(&data, Scheme::Https));
            }
            for form in ["info_1", "json.info_1", "1"] {
                drop(Member::parse(form).unwrap().url(&data, Scheme::Http));
            }
        }

        #[test]
        fn any_ip_is_read_in_network_byte_order(a: u8, b: u8, c: u8, d: u8) {
            prop_assert_eq!(dotted(u32::from_le_bytes([a, b, c, d])), format!("{a}.{b}.{c}.{d}"));
        }
    }
}
