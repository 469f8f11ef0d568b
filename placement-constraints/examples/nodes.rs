//! Which nodes satisfy some rules, and why the others do not.
//!
//! ```text
//! cargo run -p placement-constraints --example nodes
//! cargo run -p placement-constraints --example nodes -- 'zone LIKE z[12]' 'disk UNLIKE hdd'
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::{borrow::Cow, env, process::ExitCode};

use placement_constraints::{Attributes, ConstraintSet, MissingAttribute};

struct Node {
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
}

/// The name counts as an attribute beside the labels.
impl Attributes for Node {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "name" { Some(Cow::from(self.name)) } else { Attributes::get(self.labels, name) }
    }
}

const NODES: [Node; 4] = [
    Node { name: "node-1", labels: &[("rack", "r1"), ("zone", "z1"), ("disk", "ssd")] },
    Node { name: "node-2", labels: &[("rack", "r2"), ("zone", "z1"), ("disk", "hdd")] },
    Node { name: "node-3", labels: &[("rack", "r17"), ("zone", "test-3")] },
    Node { name: "spare-1", labels: &[("rack", "r3"), ("zone", "z2")] },
];

fn main() -> ExitCode {
    let mut texts: Vec<String> = env::args().skip(1).collect();
    if texts.is_empty() {
        texts = ["name LIKE node-.*", "rack LIKE r[0-9]+", "zone UNLIKE test-.*", "disk UNLIKE hdd"]
            .map(str::to_owned)
            .into();
    }
    let rules = match ConstraintSet::parse(&texts) {
        Ok(rules) => rules.with_missing_attribute(MissingAttribute::SatisfiesUnlike),
        Err(errors) => {
            for (_, error) in errors.iter() {
                eprintln!("{error}");
            }
            return ExitCode::from(2);
        }
    };
    for node in &NODES {
        println!("{}: {}", node.name, rules.check(node));
    }
    ExitCode::SUCCESS
}
