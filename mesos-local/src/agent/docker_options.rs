//! The options that `docker run` knows: a task may name any, and one that is not among them ends it.

use mesos_proto::v1::Parameter;

/// Long names; `net` and `net-alias` are the old ones of `network` and `network-alias`.
const OPTIONS: &[&str] = &[
    "add-host",
    "annotation",
    "attach",
    "blkio-weight",
    "blkio-weight-device",
    "cap-add",
    "cap-drop",
    "cgroup-parent",
    "cgroupns",
    "cidfile",
    "cpu-count",
    "cpu-percent",
    "cpu-period",
    "cpu-quota",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cpu-shares",
    "cpus",
    "cpuset-cpus",
    "cpuset-mems",
    "detach",
    "detach-keys",
    "device",
    "device-cgroup-rule",
    "device-read-bps",
    "device-read-iops",
    "device-write-bps",
    "device-write-iops",
    "disable-content-trust",
    "dns",
    "dns-opt",
    "dns-option",
    "dns-search",
    "domainname",
    "entrypoint",
    "env",
    "env-file",
    "expose",
    "gpus",
    "group-add",
    "health-cmd",
    "health-interval",
    "health-retries",
    "health-start-interval",
    "health-start-period",
    "health-timeout",
    "help",
    "hostname",
    "init",
    "interactive",
    "io-maxbandwidth",
    "io-maxiops",
    "ip",
    "ip6",
    "ipc",
    "isolation",
    "kernel-memory",
    "label",
    "label-file",
    "link",
    "link-local-ip",
    "log-driver",
    "log-opt",
    "mac-address",
    "memory",
    "memory-reservation",
    "memory-swap",
    "memory-swappiness",
    "mount",
    "name",
    "net",
    "net-alias",
    "network",
    "network-alias",
    "no-healthcheck",
    "oom-kill-disable",
    "oom-score-adj",
    "pid",
    "pids-limit",
    "platform",
    "privileged",
    "publish",
    "publish-all",
    "pull",
    "quiet",
    "read-only",
    "restart",
    "rm",
    "runtime",
    "security-opt",
    "shm-size",
    "sig-proxy",
    "stop-signal",
    "stop-timeout",
    "storage-opt",
    "sysctl",
    "tmpfs",
    "tty",
    "ulimit",
    "user",
    "userns",
    "uts",
    "volume",
    "volume-driver",
    "volumes-from",
    "workdir",
];

/// The first parameter that `docker run` does not know.
pub(super) fn unknown(parameters: &[Parameter]) -> Option<&str> {
    let mut keys = parameters.iter().map(|parameter| parameter.key.as_str());
    keys.find(|key| OPTIONS.binary_search(key).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_sorted() {
        assert!(OPTIONS.is_sorted());
    }

    #[test]
    fn options_of_openwhisk_are_known_and_others_are_not() {
        let named = |keys: &[&str]| -> Vec<Parameter> {
            keys.iter().map(|key| Parameter { key: (*key).into(), value: String::new() }).collect()
        };
        let known = named(&["cap-drop", "ulimit", "pids-limit", "log-driver", "network", "init"]);
        assert_eq!(unknown(&known), None);
        assert_eq!(unknown(&named(&["memory", "no-such", "other"])), Some("no-such"));
    }
}
