//! The documentation of all keys, made of their table so that it cannot differ from it.

use super::{
    configuration::Configuration,
    environment::variable_of,
    keys::{self, Effect, Key, Kind},
    values::expected,
};

const HEAD: &str = "\
# Configuration

The keys that `whisk-mesos` reads. This page is made by `whisk-mesos check --keys`.

They come, by rising precedence, from the defaults, from files (`--config FILE`, several times; HOCON), from the text in
`OPENWHISK_CONFIG` (or, in base64, in `OPENWHISK_ENCODED_CONFIG`), from variables of the environment, and from
`-D key=value`. Files may include others; `include classpath(\"application.conf\")` is passed over, because the defaults
of OpenWhisk that matter here are built in. A file that is included within a section is better included outside of
it: the parser may lose a value there that is followed by `key = ${?VARIABLE}` without such a variable.

Variables are transformed as by OpenWhisk's start script: `CONFIG_whisk_mesos_masterUrl` sets `whisk.mesos.master-url`. A
list has a variable for each item (`…_0`, `…_1`), and replaces the list of a file. A value `$NAME` is taken from the variable
`NAME`. The script takes runs of capitals apart: `masterURL` would set `master-uRL`; a warning tells what was meant.

Durations have a unit (`5 seconds`, `250ms`, `1.5 s`); a number alone is milliseconds. Sizes are `1024 m`, `2 GiB`.

`whisk-mesos check` prints what holds and where it was said, without secrets. Everything that is wrong is told at once, with
the key, the value, the place and what is expected, before anything starts. A key under `whisk.mesos` that is not in this table is
an error; `whisk.mesos.health-check = null` in a file takes that section away.

`WHISK_API_HOST_NAME` (with `WHISK_API_HOST_PROTO`, `https` unless set, and `WHISK_API_HOST_PORT`, 443 unless set) becomes the
variable `__OW_API_HOST` of every container.

";

const OLD: &str = "\
## Old names

OpenWhisk's documentation had other names for some keys. They are understood, with a warning.

";

impl Configuration {
    /// The documentation of every key in Markdown: what it is for, its default, its variable.
    pub fn reference() -> String {
        let mut text = HEAD.to_owned();
        for (title, is_mesos) in [("whisk.mesos", true), ("Beside it", false)] {
            text.push_str(&format!("## {title}\n\n"));
            let is_here = |key: &&Key| key.path.starts_with("whisk.mesos.") == is_mesos;
            keys::all().filter(is_here).for_each(|key| text.push_str(&entry(key)));
        }
        text.push_str(OLD);
        for old in keys::OLD_NAMES {
            let unit = if old.in_seconds { ", a number of seconds" } else { "" };
            text.push_str(&format!("- `{}`{unit}: `{}`\n", old.path, old.means));
        }
        text
    }
}

fn entry(key: &Key) -> String {
    let variable = variable_of(key.path);
    let variable = match key.kind {
        Kind::Constraints | Kind::Texts | Kind::Addresses | Kind::Variables => format!("{variable}_0"),
        Kind::TextsByName => format!("{variable}_name_0"),
        _ => variable,
    };
    let default = key.default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`"));
    let mut text = format!("### `{}`\n\n{}\n\n", key.path, key.about);
    text.push_str(&format!(
        "- Takes {}.\n- Default: {default}\n- Variable: `{variable}`\n",
        expected(key.kind)
    ));
    if key.is_new {
        text.push_str("- OpenWhisk did not have it.\n");
    }
    match key.effect {
        Effect::Used => {}
        Effect::Unused => text.push_str("- Without effect in this version: `run` warns.\n"),
        Effect::Only(only) => {
            text.push_str(&format!("- This version can only `{only}`: `run` refuses anything else.\n"));
        }
    }
    text.push('\n');
    text
}
