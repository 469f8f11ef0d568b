//! The keys under `whisk.mesos`.

use super::{Key, Kind};

const ZERO_OR_MORE: Kind = Kind::Duration { may_be_zero: true };
const MORE_THAN_ZERO: Kind = Kind::Duration { may_be_zero: false };

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "whisk.mesos.master-url",
        Kind::Masters,
        r#""http://localhost:5050""#,
        "The masters: `http://host:port` or `https://host:port`, several with commas, or \
         `zk://[user:password@]host1:port1,host2:port2/path`.",
    ),
    Key::optional(
        "whisk.mesos.master-public-url",
        Kind::WebUrl,
        "Where people find the user interface of Mesos, for the text that points there in place of logs. OpenWhisk \
         had a default here that hid `master-url`; there is none.",
    )
    .unused(),
    Key::new("whisk.mesos.role", Kind::Name, r#""*""#, "The role of the framework."),
    Key::new("whisk.mesos.user", Kind::Name, "root", "The account on the agents that tasks run as.").added(),
    Key::new(
        "whisk.mesos.credentials.principal",
        Kind::Text,
        r#""""#,
        "Who the framework is, for masters that authenticate frameworks (HTTP Basic). Nobody if empty.",
    )
    .added(),
    Key::new(
        "whisk.mesos.credentials.secret",
        Kind::Secret,
        r#""""#,
        "Its secret. Let a file say `${MESOS_SECRET}`, or a variable `$MESOS_SECRET`, to keep it out of both.",
    )
    .added(),
    Key::optional(
        "whisk.mesos.tls.ca-file",
        Kind::Path,
        "PEM of the authorities that are trusted in place of those of the system.",
    )
    .added(),
    Key::optional(
        "whisk.mesos.tls.certificate-file",
        Kind::Path,
        "PEM of the certificate that the framework shows; `key-file` belongs to it.",
    )
    .added(),
    Key::optional("whisk.mesos.tls.key-file", Kind::Path, "PEM of the key of that certificate.").added(),
    Key::optional(
        "whisk.mesos.tls.server-name",
        Kind::Name,
        "The name that certificates of masters and agents are for, whatever host is dialled.",
    )
    .added(),
    Key::new(
        "whisk.mesos.constraints",
        Kind::Constraints,
        "[]",
        "Rules for agents, for containers of images that OpenWhisk manages: `ATTRIBUTE LIKE PATTERN` or \
         `ATTRIBUTE UNLIKE PATTERN`. Another operator is an error (OpenWhisk dropped the rule).",
    ),
    Key::new(
        "whisk.mesos.blackbox-constraints",
        Kind::Constraints,
        "[]",
        "The same for containers of images that users bring.",
    ),
    Key::new(
        "whisk.mesos.constraint-delimiter",
        Kind::Name,
        r#"" ""#,
        "What stands between the parts of a rule. Plain text; OpenWhisk took it as a regular expression.",
    ),
    Key::new(
        "whisk.mesos.missing-attribute",
        Kind::Choice(&["fails", "satisfies-unlike"]),
        "fails",
        "What an attribute that an agent does not have means: it fails both operators, or it satisfies `UNLIKE`.",
    )
    .added(),
    Key::new(
        "whisk.mesos.push-down-constraints",
        Kind::Flag,
        "true",
        "Whether masters (1.11 and later) are told the rules, so that offers which cannot match are not made. The report on \
         a container that found no place has nothing of agents that were not offered; `run`, where a person reads \
         it, therefore tells the master nothing unless this key is set.",
    )
    .added(),
    Key::new(
        "whisk.mesos.packing",
        Kind::Choice(&["pack", "spread"]),
        "pack",
        "How agents are chosen: few that are full, or many that are not.",
    )
    .added(),
    Key::new(
        "whisk.mesos.offer-refuse-duration",
        ZERO_OR_MORE,
        "5 seconds",
        "How long resources are refused that fit nothing. Fractions of a second count.",
    ),
    Key::new(
        "whisk.mesos.offer-hold-duration",
        ZERO_OR_MORE,
        "5 seconds",
        "How long offers that nothing needs are kept for containers to come; 0 gives them back at once.",
    )
    .added(),
    Key::new(
        "whisk.mesos.heartbeat-max-failures",
        Kind::Count { least: 1, most: 1_000_000 },
        "2",
        "Heartbeats that are missed before the framework subscribes again.",
    ),
    Key::new(
        "whisk.mesos.teardown-on-exit",
        Kind::Flag,
        "true",
        "Whether the end of the factory ends all containers. OpenWhisk never read it and always ended them.",
    ),
    Key::new(
        "whisk.mesos.timeouts.failover",
        ZERO_OR_MORE,
        "0 seconds",
        "How long the master keeps the containers of a factory that is gone.",
    ),
    Key::new(
        "whisk.mesos.timeouts.task-launch",
        MORE_THAN_ZERO,
        "45 seconds",
        "From the request for a container until it runs.",
    ),
    Key::new(
        "whisk.mesos.timeouts.task-delete",
        MORE_THAN_ZERO,
        "30 seconds",
        "From the wish to destroy a container until it is gone.",
    ),
    Key::new(
        "whisk.mesos.timeouts.subscribe",
        MORE_THAN_ZERO,
        "10 seconds",
        "From the connection to a master until it has subscribed the framework; then the next try follows.",
    ),
    Key::new(
        "whisk.mesos.timeouts.teardown",
        MORE_THAN_ZERO,
        "30 seconds",
        "Until the end of the framework is confirmed.",
    ),
    Key::new(
        "whisk.mesos.health-check.port-index",
        Kind::Count { least: 0, most: 0 },
        "0",
        "Which port of a container is checked; it has one.",
    )
    .unused(),
    Key::new("whisk.mesos.health-check.delay", ZERO_OR_MORE, "0 seconds", "Until the first check.").unused(),
    Key::new("whisk.mesos.health-check.interval", ZERO_OR_MORE, "1 second", "Between checks.").unused(),
    Key::new("whisk.mesos.health-check.timeout", MORE_THAN_ZERO, "1 second", "For one check.").unused(),
    Key::new(
        "whisk.mesos.health-check.grace-period",
        ZERO_OR_MORE,
        "25 seconds",
        "How long failures do not count after the start.",
    )
    .unused(),
    Key::new(
        "whisk.mesos.health-check.max-consecutive-failures",
        Kind::Count { least: 1, most: 1_000_000 },
        "3",
        "Failures in a row that end a container.",
    )
    .unused(),
    Key::new(
        "whisk.mesos.containerizer",
        Kind::Choice(&["docker", "mesos"]),
        "docker",
        "What runs the containers on an agent.",
    )
    .added()
    .only("docker"),
    Key::new(
        "whisk.mesos.container-address",
        Kind::Choice(&["host-port", "container-ip"]),
        "host-port",
        "Where a container is reached: at a port of its agent, or at an address of its own.",
    )
    .added()
    .only("host-port"),
    Key::new(
        "whisk.mesos.log-collection",
        Kind::Choice(&["sandbox", "off"]),
        "sandbox",
        "Where logs come from: the files of the task, or nowhere.",
    )
    .added(),
    Key::new(
        "whisk.mesos.mesos-link-log-message",
        Kind::Flag,
        "true",
        "Whether the text in place of logs points at Mesos. Logs are collected, so there is no such text.",
    )
    .unused(),
    Key::optional(
        "whisk.mesos.state-dir",
        Kind::Path,
        "The folder for what outlives the program: the id of the framework.",
    )
    .added()
    .unused(),
];
