//! The keys of OpenWhisk beside `whisk.mesos` that a container factory reads.

use super::{Key, Kind};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "whisk.spi.ContainerFactoryProvider",
        Kind::Name,
        r#""org.apache.openwhisk.core.mesos.MesosContainerFactoryProvider""#,
        "The factory that an invoker uses. A warning follows if it is another one than this.",
    ),
    Key::new(
        "whisk.container-factory.container-args.network",
        Kind::Name,
        "bridge",
        "`bridge`, `host`, or the name of a Docker network.",
    ),
    Key::new(
        "whisk.container-factory.container-args.dns-servers",
        Kind::Addresses,
        "[]",
        "Name servers of containers, as IP addresses.",
    ),
    Key::new(
        "whisk.container-factory.container-args.dns-search",
        Kind::Texts,
        "[]",
        "Domains in which containers look names up. OpenWhisk's Mesos factory did not pass them on.",
    ),
    Key::new(
        "whisk.container-factory.container-args.dns-options",
        Kind::Texts,
        "[]",
        "Options of the resolver of containers. OpenWhisk's Mesos factory did not pass them on.",
    ),
    Key::new(
        "whisk.container-factory.container-args.extra-env-vars",
        Kind::Variables,
        "[]",
        "Variables of every container: `NAME=VALUE`, or `NAME` for an empty one.",
    ),
    Key::new(
        "whisk.container-factory.container-args.extra-args",
        Kind::TextsByName,
        "{}",
        "Options of `docker run` without leading dashes, each with a list of values. They win over the options that \
         every container gets.",
    ),
    Key::new(
        "whisk.container-factory.runtimes-registry.url",
        Kind::Registry,
        r#""""#,
        "The registry of images that name none, for runtimes of OpenWhisk.",
    ),
    Key::new(
        "whisk.container-factory.runtimes-registry.credentials.user",
        Kind::Text,
        r#""""#,
        "Who pulls from it.",
    )
    .unused(),
    Key::new(
        "whisk.container-factory.runtimes-registry.credentials.password",
        Kind::Secret,
        r#""""#,
        "The password of that user.",
    )
    .unused(),
    Key::new(
        "whisk.container-factory.user-images-registry.url",
        Kind::Registry,
        r#""""#,
        "The registry of images that name none, for images of users.",
    ),
    Key::new(
        "whisk.container-factory.user-images-registry.credentials.user",
        Kind::Text,
        r#""""#,
        "Who pulls from it.",
    )
    .unused(),
    Key::new(
        "whisk.container-factory.user-images-registry.credentials.password",
        Kind::Secret,
        r#""""#,
        "The password of that user.",
    )
    .unused(),
    Key::new(
        "whisk.container-pool.user-memory",
        Kind::Size,
        "1024 m",
        "The memory that all containers share. The share of it that a container gets is its share of 1024 cpu shares, \
         which are one cpu.",
    ),
    Key::optional(
        "whisk.container-pool.user-cpus",
        Kind::Cpus,
        "The cpus that all containers share; limits the cpus of each.",
    )
    .unused(),
];
