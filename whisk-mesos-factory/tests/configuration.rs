//! Configurations from files, variables and the command line: every key from every source, and every error.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use whisk_mesos_factory::{ConfigSources, Configuration, FactoryConfig, Origin};

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn shown(configuration: &Configuration, key: &str) -> (String, String) {
    let setting = configuration.settings().find(|setting| setting.key == key);
    let setting = setting.unwrap_or_else(|| panic!("no setting {key}"));
    (setting.value, setting.origin.to_string())
}

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/application.conf")
}

/// Key, default, a value in HOCON, the variables that say the same, how it is shown.
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

const FACTORY: &str = "'org.apache.openwhisk.core.mesos.MesosContainerFactoryProvider'";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("whisk.mesos.master-url", "'http://localhost:5050'", r#""zk://u:p@zk1,zk2/mesos""#,
     &[("CONFIG_whisk_mesos_masterUrl", "zk://u:p@zk1,zk2/mesos")], "'zk://u:***@zk1:2181,zk2:2181/mesos'"),
    ("whisk.mesos.master-public-url", "-", r#""https://mesos.example""#,
     &[("CONFIG_whisk_mesos_masterPublicUrl", "https://mesos.example")], "'https://mesos.example'"),
    ("whisk.mesos.role", "'*'", "web", &[("CONFIG_whisk_mesos_role", "web")], "'web'"),
    ("whisk.mesos.user", "'root'", "whisk", &[("CONFIG_whisk_mesos_user", "whisk")], "'whisk'"),
    ("whisk.mesos.credentials.principal", "''", "alice",
     &[("CONFIG_whisk_mesos_credentials_principal", "alice")], "'alice'"),
    ("whisk.mesos.credentials.secret", "''", "s3cret",
     &[("CONFIG_whisk_mesos_credentials_secret", "s3cret"), ("CONFIG_whisk_mesos_credentials_principal", "a")], "***"),
    ("whisk.mesos.tls.ca-file", "-", "CA", &[("CONFIG_whisk_mesos_tls_caFile", "CA")], "'CA'"),
    ("whisk.mesos.tls.certificate-file", "-", "CERT", &[("CONFIG_whisk_mesos_tls_certificateFile", "CERT")], "'CERT'"),
    ("whisk.mesos.tls.key-file", "-", "KEY", &[("CONFIG_whisk_mesos_tls_keyFile", "KEY")], "'KEY'"),
    ("whisk.mesos.tls.server-name", "-", "master.mesos",
     &[("CONFIG_whisk_mesos_tls_serverName", "master.mesos")], "'master.mesos'"),
    ("whisk.mesos.constraints", "[]", r#"["rack LIKE r1", "a UNLIKE b"]"#,
     &[("CONFIG_whisk_mesos_constraints_3", "a UNLIKE b"), ("CONFIG_whisk_mesos_constraints_0", "rack LIKE r1")],
     "['rack LIKE r1', 'a UNLIKE b']"),
    ("whisk.mesos.blackbox-constraints", "[]", r#"["rack LIKE r1"]"#,
     &[("CONFIG_whisk_mesos_blackboxConstraints_0", "rack LIKE r1")], "['rack LIKE r1']"),
    ("whisk.mesos.constraint-delimiter", "' '", r#"" % ""#, &[("CONFIG_whisk_mesos_constraintDelimiter", " % ")], "' % '"),
    ("whisk.mesos.missing-attribute", "'fails'", "satisfies-unlike",
     &[("CONFIG_whisk_mesos_missingAttribute", "satisfies-unlike")], "'satisfies-unlike'"),
    ("whisk.mesos.push-down-constraints", "true", "false", &[("CONFIG_whisk_mesos_pushDownConstraints", "false")], "false"),
    ("whisk.mesos.packing", "'pack'", "spread", &[("CONFIG_whisk_mesos_packing", "spread")], "'spread'"),
    ("whisk.mesos.offer-refuse-duration", "5s", "1.5 s", &[("CONFIG_whisk_mesos_offerRefuseDuration", "1.5 s")], "1s 500ms"),
    ("whisk.mesos.offer-hold-duration", "5s", "0 s", &[("CONFIG_whisk_mesos_offerHoldDuration", "0 s")], "0s"),
    ("whisk.mesos.heartbeat-max-failures", "2", "4", &[("CONFIG_whisk_mesos_heartbeatMaxFailures", "4")], "4"),
    ("whisk.mesos.teardown-on-exit", "true", "false", &[("CONFIG_whisk_mesos_teardownOnExit", "false")], "false"),
    ("whisk.mesos.timeouts.failover", "0s", "1 hour", &[("CONFIG_whisk_mesos_timeouts_failover", "1 hour")], "1h"),
    ("whisk.mesos.timeouts.task-launch", "45s", "250ms", &[("CONFIG_whisk_mesos_timeouts_taskLaunch", "250ms")], "250ms"),
    ("whisk.mesos.timeouts.task-delete", "30s", "2 minutes", &[("CONFIG_whisk_mesos_timeouts_taskDelete", "2 minutes")], "2m"),
    ("whisk.mesos.timeouts.subscribe", "10s", "3 s", &[("CONFIG_whisk_mesos_timeouts_subscribe", "3 s")], "3s"),
    ("whisk.mesos.timeouts.teardown", "30s", "4s", &[("CONFIG_whisk_mesos_timeouts_teardown", "4s")], "4s"),
    ("whisk.mesos.health-check.port-index", "0", "0", &[("CONFIG_whisk_mesos_healthCheck_portIndex", "0")], "0"),
    ("whisk.mesos.health-check.delay", "0s", "1 s", &[("CONFIG_whisk_mesos_healthCheck_delay", "1 s")], "1s"),
    ("whisk.mesos.health-check.interval", "1s", "500 ms", &[("CONFIG_whisk_mesos_healthCheck_interval", "500 ms")], "500ms"),
    ("whisk.mesos.health-check.timeout", "1s", "2 s", &[("CONFIG_whisk_mesos_healthCheck_timeout", "2 s")], "2s"),
    ("whisk.mesos.health-check.grace-period", "25s", "30 s", &[("CONFIG_whisk_mesos_healthCheck_gracePeriod", "30 s")], "30s"),
    ("whisk.mesos.health-check.max-consecutive-failures", "3", "5",
     &[("CONFIG_whisk_mesos_healthCheck_maxConsecutiveFailures", "5")], "5"),
    ("whisk.mesos.containerizer", "'docker'", "mesos", &[("CONFIG_whisk_mesos_containerizer", "mesos")], "'mesos'"),
    ("whisk.mesos.container-address", "'host-port'", "container-ip",
     &[("CONFIG_whisk_mesos_containerAddress", "container-ip")], "'container-ip'"),
    ("whisk.mesos.log-collection", "'sandbox'", "off", &[("CONFIG_whisk_mesos_logCollection", "off")], "'off'"),
    ("whisk.mesos.mesos-link-log-message", "true", "false", &[("CONFIG_whisk_mesos_mesosLinkLogMessage", "false")], "false"),
    ("whisk.mesos.state-dir", "-", "/var/lib/whisk", &[("CONFIG_whisk_mesos_stateDir", "/var/lib/whisk")], "'/var/lib/whisk'"),
    ("whisk.spi.ContainerFactoryProvider", FACTORY, "a.B", &[("CONFIG_whisk_spi_ContainerFactoryProvider", "a.B")], "'a.B'"),
    ("whisk.container-factory.container-args.network", "'bridge'", "MyNet",
     &[("CONFIG_whisk_containerFactory_containerArgs_network", "MyNet")], "'MyNet'"),
    ("whisk.container-factory.container-args.dns-servers", "[]", r#"["10.0.0.1", "::1"]"#,
     &[("CONFIG_whisk_containerFactory_containerArgs_dnsServers_0", "10.0.0.1"),
       ("CONFIG_whisk_containerFactory_containerArgs_dnsServers_1", "::1")], "['10.0.0.1', '::1']"),
    ("whisk.container-factory.container-args.dns-search", "[]", "[a.example]",
     &[("CONFIG_whisk_containerFactory_containerArgs_dnsSearch_0", "a.example")], "['a.example']"),
    ("whisk.container-factory.container-args.dns-options", "[]", r#"["ndots:2"]"#,
     &[("CONFIG_whisk_containerFactory_containerArgs_dnsOptions_0", "ndots:2")], "['ndots:2']"),
    ("whisk.container-factory.container-args.extra-env-vars", "[]", r#"["A=b=c", "D"]"#,
     &[("CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0", "A=b=c"),
       ("CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_1", "D")], "['A=***', 'D']"),
    ("whisk.container-factory.container-args.extra-args", "{}", r#"{ env = ["A=b"], log-driver = [syslog] }"#,
     &[("CONFIG_whisk_containerFactory_containerArgs_extraArgs_logDriver_0", "syslog"),
       ("CONFIG_whisk_containerFactory_containerArgs_extraArgs_env_0", "A=b")], "{env: ['A=***'], log-driver: ['syslog']}"),
    ("whisk.container-factory.runtimes-registry.url", "''", r#""r.example:5000/team""#,
     &[("CONFIG_whisk_containerFactory_runtimesRegistry_url", "r.example:5000/team")], "'r.example:5000/team'"),
    ("whisk.container-factory.runtimes-registry.credentials.user", "''", "bob",
     &[("CONFIG_whisk_containerFactory_runtimesRegistry_credentials_user", "bob")], "'bob'"),
    ("whisk.container-factory.runtimes-registry.credentials.password", "''", "pw",
     &[("CONFIG_whisk_containerFactory_runtimesRegistry_credentials_password", "pw")], "***"),
    ("whisk.container-factory.user-images-registry.url", "''", r#""u.example""#,
     &[("CONFIG_whisk_containerFactory_userImagesRegistry_url", "u.example")], "'u.example'"),
    ("whisk.container-factory.user-images-registry.credentials.user", "''", "bob",
     &[("CONFIG_whisk_containerFactory_userImagesRegistry_credentials_user", "bob")], "'bob'"),
    ("whisk.container-factory.user-images-registry.credentials.password", "''", "pw",
     &[("CONFIG_whisk_containerFactory_userImagesRegistry_credentials_password", "pw")], "***"),
    ("whisk.container-pool.user-memory", "1024 MiB", "4 GiB", &[("CONFIG_whisk_containerPool_userMemory", "4 GiB")], "4096 MiB"),
    ("whisk.container-pool.user-cpus", "-", "7.5", &[("CONFIG_whisk_containerPool_userCpus", "7.5")], "7.5"),
];

/// What else has to be said so that one setting is good.
fn around(key: &str) -> &'static str {
    match key {
        "whisk.mesos.credentials.secret" => "whisk.mesos.credentials.principal = a\n",
        _ => "",
    }
}

#[test]
fn every_key_is_read_from_file_and_variable_and_has_its_default() {
    let default = ConfigSources::new().load().unwrap();
    let keys: Vec<&str> = default.settings().map(|setting| setting.key).collect();
    let rows: Vec<&str> = ROWS.iter().map(|row| row.0).collect();
    let missing: Vec<_> = keys.iter().filter(|key| !rows.contains(key)).collect();
    assert_eq!((missing, rows.len()), (Vec::new(), keys.len()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.conf");
    for (key, default_shown, text, variable, expected) in ROWS {
        assert_eq!(shown(&default, key), ((*default_shown).to_owned(), "default".to_owned()), "{key}");
        // Certificates are read when they are named; a test of its own has some.
        if key.starts_with("whisk.mesos.tls.") && key.ends_with("-file") {
            continue;
        }
        let before = around(key);
        fs::write(&file, format!("{before}\n{key} = {text}\n")).unwrap();
        let line = before.matches('\n').count() + 2;
        let origin = format!("{}:{line}", file.display());
        let of_file = ConfigSources::new().file(&file).load().unwrap();
        assert_eq!(shown(&of_file, key), ((*expected).to_owned(), origin), "{key}");
        let of_variable = ConfigSources::new().variables(variables(variable)).load().unwrap();
        let (value, origin) = shown(&of_variable, key);
        assert_eq!(value, *expected, "{key}");
        assert!(variable.iter().any(|(name, _)| *name == origin), "{key}: {origin}");
        // A variable is stronger than a file, and the command line than a variable.
        let both = ConfigSources::new().file(&file).variables(variables(variable));
        assert_eq!(shown(&both.load().unwrap(), key).1, origin, "{key}");
        if let [(_, text)] = variable
            && default_shown != &"[]"
            && default_shown != &"{}"
        {
            let all = both.define(format!("{key}={text}")).load().unwrap();
            assert_eq!(shown(&all, key), ((*expected).to_owned(), "-D".to_owned()), "{key}");
        }
    }
}

#[test]
fn certificates_are_read_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["master.mesos".to_owned()]).unwrap();
    let [certificate, key] = ["c.pem", "k.pem"].map(|name| folder.path().join(name).display().to_string());
    fs::write(&certificate, certified.cert.pem()).unwrap();
    fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let said = [
        ("CONFIG_whisk_mesos_tls_caFile", certificate.as_str()),
        ("CONFIG_whisk_mesos_tls_certificateFile", certificate.as_str()),
        ("CONFIG_whisk_mesos_tls_keyFile", key.as_str()),
    ];
    let configuration = ConfigSources::new().variables(variables(&said)).load().unwrap();
    for (name, path) in [("ca", &certificate), ("certificate", &certificate), ("key", &key)] {
        let origin = format!("CONFIG_whisk_mesos_tls_{name}File");
        let setting = shown(&configuration, &format!("whisk.mesos.tls.{name}-file"));
        assert_eq!(setting, (format!("'{path}'"), origin));
    }
    let tls = format!("{:?}", configuration.factory_config().tls.unwrap());
    assert!(tls.contains("has_certificate: true"), "{tls}");
    // The key is not the one of another certificate.
    let other = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap();
    fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    let error = ConfigSources::new().variables(variables(&said)).load().unwrap_err();
    assert!(error.to_string().starts_with("whisk.mesos.tls (CONFIG_whisk_mesos_tls_"), "{error}");
}

#[test]
fn nothing_said_is_the_default_of_the_library() {
    let configuration = ConfigSources::new().load().unwrap();
    assert_eq!(format!("{:?}", configuration.factory_config()), format!("{:?}", FactoryConfig::default()));
    assert_eq!(configuration.factory_config().docker_parameters, FactoryConfig::default().docker_parameters);
    assert_eq!(configuration.warnings(), [] as [&str; 0]);
    assert_eq!(configuration.without_effect(), [] as [&str; 0]);
}

#[test]
fn a_file_with_the_constructs_of_openwhisk_loads() {
    let configuration = ConfigSources::new().file(fixture()).load().unwrap();
    assert_eq!(configuration.warnings(), [] as [&str; 0]);
    // The health check is taken away, which is no wish for one.
    assert_eq!(configuration.without_effect(), [] as [&str; 0]);
    let config = configuration.factory_config();
    assert_eq!(config.master_url, "zk://zk1.example:2181,zk2.example:2181/mesos");
    assert_eq!(config.role, "whisk-blue");
    assert_eq!(config.constraints, ["rack LIKE r[12]", "zone UNLIKE test-.*"]);
    assert_eq!(config.blackbox_constraints.len(), 3);
    assert_eq!(config.offer_refuse_duration, Duration::from_millis(2500));
    assert_eq!(config.failover_timeout, Duration::from_secs(60));
    assert_eq!(config.subscribe_timeout, Duration::from_secs(7));
    assert_eq!(config.network, "bridge");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(config.environment, [pair("CLUSTER", "blue"), pair("__OW_ALLOW_CONCURRENT", "true")]);
    assert_eq!(
        config.docker_parameters,
        [
            pair("dns", "10.0.0.53"),
            pair("dns", "10.0.1.53"),
            pair("cap-drop", "NET_RAW"),
            pair("cap-drop", "NET_ADMIN"),
            pair("pids-limit", "1024"),
            pair("ulimit", "nofile=2048:2048"),
            pair("log-driver", "syslog"),
        ]
    );
    assert_eq!(configuration.cpu_shares(256), 64);
    assert_eq!(
        configuration.resolve_image("openwhisk/action-nodejs-v20", false).unwrap(),
        "registry.example:5000/openwhisk/action-nodejs-v20"
    );
    assert_eq!(shown(&configuration, "whisk.mesos.health-check.delay").0, "-");
    let origin = shown(&configuration, "whisk.mesos.timeouts.subscribe").1;
    assert!(origin.ends_with("defaults.conf:1"), "{origin}");
    let said = [("MESOS_MASTER", "http://m1.example:5050"), ("ACTION_NETWORK", "Weave")];
    let with_variables = ConfigSources::new().variables(variables(&said)).file(fixture()).load().unwrap();
    assert_eq!(with_variables.factory_config().master_url, "http://m1.example:5050");
    assert_eq!(with_variables.factory_config().network, "Weave");
}

#[test]
fn texts_in_variables_win_over_files_and_later_files_over_earlier_ones() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one.conf", "two.conf"].map(|name| folder.path().join(name));
    fs::write(&one, "whisk.mesos { role = one, user = one }").unwrap();
    fs::write(&two, "whisk.mesos { role = two }").unwrap();
    let load = |said: &[(&str, &str)]| {
        let sources = ConfigSources::new().file(&one).file(&two).variables(variables(said));
        let configuration = sources.load().unwrap();
        (shown(&configuration, "whisk.mesos.role"), shown(&configuration, "whisk.mesos.user").0)
    };
    let role = |value: &str, origin: &str| ((value.to_owned(), origin.to_owned()), "'one'".to_owned());
    assert_eq!(load(&[]), role("'two'", &format!("{}:1", two.display())));
    let encoded = STANDARD.encode("\nwhisk.mesos.role = encoded");
    let encoded = ("OPENWHISK_ENCODED_CONFIG", encoded.as_str());
    assert_eq!(load(&[encoded]), role("'encoded'", "OPENWHISK_ENCODED_CONFIG:2"));
    let plain = ("OPENWHISK_CONFIG", "whisk.mesos.role = ${R}");
    assert_eq!(load(&[encoded, plain, ("R", "r")]), role("'r'", "OPENWHISK_CONFIG:1"));
    let variable = ("CONFIG_whisk_mesos_role", "$R");
    assert_eq!(load(&[variable, plain, ("R", "r")]), role("'r'", "CONFIG_whisk_mesos_role ($R)"));
}

#[test]
fn names_of_the_old_documentation_are_understood_and_told() {
    let text = "whisk.mesos { master-url-public = \"http://ui.example\", failover-timeout-seconds = 90 }";
    let configuration =
        ConfigSources::new().variables(variables(&[("OPENWHISK_CONFIG", text)])).load().unwrap();
    assert_eq!(configuration.factory_config().failover_timeout, Duration::from_secs(90));
    assert_eq!(shown(&configuration, "whisk.mesos.master-public-url").0, "'http://ui.example'");
    assert_eq!(
        configuration.warnings(),
        [
            "whisk.mesos.master-url-public (OPENWHISK_CONFIG:1) is an old name of whisk.mesos.master-public-url",
            "whisk.mesos.failover-timeout-seconds (OPENWHISK_CONFIG:1) is an old name of whisk.mesos.timeouts.failover",
        ]
    );
    let both = ConfigSources::new()
        .define("whisk.mesos.failover-timeout=3 s")
        .define("whisk.mesos.timeouts.failover=1 s");
    let both = both.load().unwrap();
    assert_eq!(both.factory_config().failover_timeout, Duration::from_secs(1));
    assert_eq!(
        both.warnings(),
        [
            "whisk.mesos.failover-timeout (-D) is passed over: whisk.mesos.timeouts.failover (-D) says otherwise"
        ]
    );
}

#[test]
fn what_is_doubtful_is_told() {
    for (variable, value, warning) in [
        (
            "CONFIG_whisk_mesos_masterURL",
            "http://m:5050",
            "CONFIG_whisk_mesos_masterURL is passed over: it sets whisk.mesos.master-uRL, which is no key; \
             whisk.mesos.master-url is set by CONFIG_whisk_mesos_masterUrl",
        ),
        (
            "CONFIG_whisk_mesos_timeouts_failover",
            "60",
            "whisk.mesos.timeouts.failover (CONFIG_whisk_mesos_timeouts_failover): '60' has no unit and is milliseconds",
        ),
        (
            "CONFIG_whisk_spi_ContainerFactoryProvider",
            "a.Docker",
            "whisk.spi.ContainerFactoryProvider = 'a.Docker' (CONFIG_whisk_spi_ContainerFactoryProvider): the invoker \
             uses another factory, not this one",
        ),
        (
            "CONFIG_whisk_mesos_constraintDelimiter",
            "\\s+",
            "whisk.mesos.constraint-delimiter = '\\\\s+' (CONFIG_whisk_mesos_constraintDelimiter): is plain text and no \
             regular expression",
        ),
        (
            "CONFIG_whisk_containerPool_userMemory",
            "200 GiB",
            "whisk.container-pool.user-memory (CONFIG_whisk_containerPool_userMemory): a container of 256 MB gets 2 of \
             1024 cpu shares, which is 0.002 cpus",
        ),
        (
            "CONFIG_whisk_containerFactory_containerArgs_netwrok",
            "host",
            "whisk.container-factory.container-args.netwrok (CONFIG_whisk_containerFactory_containerArgs_netwrok): unknown \
             key, did you mean whisk.container-factory.container-args.network?",
        ),
        (
            "OPENWHISK_CONFIG",
            "whisk.container-factory.container-args.extra-args.\"--env\" = [\"A=b\"]",
            "whisk.container-factory.container-args.extra-args.--env (OPENWHISK_CONFIG:1): options are named without dashes",
        ),
    ] {
        let configuration = ConfigSources::new().variables(variables(&[(variable, value)])).load().unwrap();
        assert_eq!(configuration.warnings(), [warning]);
    }
}

#[test]
fn settings_without_an_effect_are_told_apart_from_those_that_cannot_be_fulfilled() {
    let configuration = ConfigSources::new()
        .define("whisk.mesos.state-dir=/tmp/x")
        .define("whisk.mesos.containerizer=mesos")
        .define("whisk.mesos.container-address=host-port")
        .load()
        .unwrap();
    assert_eq!(configuration.without_effect(), ["whisk.mesos.state-dir (-D) has no effect in this version"]);
    assert_eq!(
        configuration.not_possible(),
        ["whisk.mesos.containerizer = 'mesos' (-D): this version can only 'docker'"]
    );
    assert_eq!(configuration.origin("whisk.mesos.state-dir"), Some(&Origin::CommandLine));
}

#[test]
fn containers_are_told_where_openwhisk_is() {
    let load = |said: &[(&str, &str)]| ConfigSources::new().variables(variables(said)).load();
    let said = [("WHISK_API_HOST_NAME", "whisk.example")];
    let host = |url: &str| vec![("__OW_API_HOST".to_owned(), url.to_owned())];
    assert_eq!(load(&said).unwrap().factory_config().environment, host("https://whisk.example:443"));
    let said = [
        ("WHISK_API_HOST_NAME", "whisk.example"),
        ("WHISK_API_HOST_PROTO", "http"),
        ("WHISK_API_HOST_PORT", "10001"),
        ("CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0", "__OW_API_HOST=x"),
    ];
    assert_eq!(load(&said[..3]).unwrap().factory_config().environment, host("http://whisk.example:10001"));
    assert_eq!(load(&said).unwrap().factory_config().environment, host("x"));
    let wrong = [("WHISK_API_HOST_NAME", "h"), ("WHISK_API_HOST_PROTO", "ftp"), ("WHISK_API_HOST_PORT", "x")];
    assert_eq!(
        load(&wrong).unwrap_err().problems(),
        [
            "WHISK_API_HOST_PROTO: 'ftp', expected http or https",
            "WHISK_API_HOST_PORT: 'x', expected a port from 1 to 65535"
        ]
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let said = [
        ("CONFIG_whisk_mesos_masterUrl", "zk://user:hidden@zk1/mesos"),
        ("CONFIG_whisk_mesos_credentials_principal", "alice"),
        ("CONFIG_whisk_mesos_credentials_secret", "$S"),
        ("S", "hidden"),
        ("CONFIG_whisk_containerFactory_runtimesRegistry_credentials_password", "hidden"),
        ("CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0", "TOKEN=hidden"),
    ];
    let sources = ConfigSources::new().variables(variables(&said)).define("whisk.mesos.user=hidden-not");
    let configuration = sources.load().unwrap();
    let all = format!("{sources:?} {configuration:?} {:?}", configuration.factory_config());
    let all = all + &configuration.settings().map(|setting| setting.value).collect::<String>();
    assert!(!all.replace("hidden-not", "").contains("hidden"), "{all}");
    assert_eq!(configuration.factory_config().principal.as_deref(), Some("alice"));
    // Also not where they are wrong.
    let wrong = [
        ("CONFIG_whisk_mesos_masterUrl", "http://user:hidden@m:5050"),
        ("CONFIG_whisk_mesos_credentials_principal", "alice"),
        ("CONFIG_whisk_mesos_credentials_secret", "hid:hidden"),
        ("CONFIG_whisk_containerFactory_runtimesRegistry_credentials_password_x", "hidden"),
        ("CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0", "=hidden"),
    ];
    let error =
        ConfigSources::new().variables(variables(&wrong)).define("=hidden").load().unwrap_err().to_string();
    assert!(!error.contains("hidden"), "{error}");
}

#[test]
fn every_error_names_key_value_origin_and_what_is_expected() {
    let expected = include_str!("data/config/errors.txt");
    let mut cases = BTreeMap::new();
    let mut written = String::new();
    for block in expected.split("\n\n") {
        let (said, errors) = block.trim().split_once("\n  ").unwrap_or_else(|| panic!("no error in {block}"));
        cases.insert(said.to_owned(), errors.replace("\n  ", "\n"));
    }
    assert!(cases.len() > 30);
    for said in cases.keys() {
        let text =
            said.lines().map(|line| line.strip_prefix("> ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let sources = match text.strip_prefix("-D ") {
            Some(define) => ConfigSources::new().define(define),
            None if text.starts_with("CONFIG_") || text.starts_with("OPENWHISK_") => {
                let (name, value) = text.split_once('=').unwrap();
                ConfigSources::new().variables(variables(&[(name, value)]))
            }
            None => ConfigSources::new().variables(variables(&[("OPENWHISK_CONFIG", &text)])),
        };
        let errors = match sources.load() {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        written.push_str(&format!("{said}\n  {}\n\n", errors.replace('\n', "\n  ")));
    }
    let sorted: String = cases
        .iter()
        .map(|(said, errors)| format!("{said}\n  {}\n\n", errors.replace('\n', "\n  ")))
        .collect();
    assert!(written == sorted, "the errors differ from tests/data/config/errors.txt; they are\n{written}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.conf");
    fs::write(&broken, "a = {\n").unwrap();
    let error = ConfigSources::new()
        .file(folder.path().join("missing.conf"))
        .file(&broken)
        .variables(variables(&[("CONFIG_whisk_mesos_role", "x"), ("CONFIG_whisk_mesos_rolle", "x")]))
        .define("whisk.mesos.packing=heap")
        .define("nothing")
        .load()
        .unwrap_err();
    let starts = [
        "missing.conf: No such file",
        "broken.conf:",
        "-D 'nothing'",
        "whisk.mesos.packing (-D)",
        "whisk.mesos.rolle",
    ];
    assert_eq!(error.problems().len(), starts.len(), "{error}");
    for (problem, start) in error.problems().iter().zip(starts) {
        assert!(problem.contains(start), "'{start}' is missing in {problem}");
    }
}
