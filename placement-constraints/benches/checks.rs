//! How fast checks are, beside the naive ways: a regular expression that is compiled once, or for each check.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::{collections::BTreeMap, hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use placement_constraints::{Constraint, ConstraintSet, Operator};
use regex::Regex;

/// The attributes of one place.
type Node = BTreeMap<String, String>;

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = single_constraints, mixed_set
}
criterion_main!(benches);

/// One constraint and few nodes, so that the check counts and not the memory that the nodes lie in.
fn single_constraints(criterion: &mut Criterion) {
    const NODES: usize = 100;
    let nodes = nodes(NODES);
    for (name, text) in [
        ("literal", "rack LIKE rack-3"),
        ("alternatives", "zone LIKE zone-a|zone-b|zone-c"),
        ("prefix", r"hostname LIKE agent-1.*"),
        ("general", r"hostname LIKE agent-[0-9]*[02468]\.(?:east|west)\.example\.org"),
    ] {
        let constraint = Constraint::parse(text).unwrap();
        let naive = Naive::new(&constraint);
        let expected = nodes.iter().filter(|node| naive.holds(node)).count();
        assert!((1..NODES).contains(&expected), "{text} holds for {expected} nodes");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(NODES as u64));
        group.bench_function("ours", |bencher| {
            bencher.iter(|| count(&nodes, expected, |node| constraint.check(node).is_ok()));
        });
        group.bench_function("compiled_once", |bencher| {
            bencher.iter(|| count(&nodes, expected, |node| naive.holds(node)));
        });
        group.bench_function("compiled_each_time", |bencher| {
            bencher.iter(|| count(&nodes, expected, |node| Naive::new(&constraint).holds(node)));
        });
        group.finish();
    }
}

/// Four constraints, one of each kind, and many nodes.
fn mixed_set(criterion: &mut Criterion) {
    const NODES: usize = 10_000;
    let nodes = nodes(NODES);
    let set = ConstraintSet::parse([
        "rack UNLIKE rack-3",
        "zone LIKE zone-a|zone-b|zone-c",
        "hostname LIKE agent-.*",
        r"generation LIKE [5-8]\.[0-9]+",
    ])
    .unwrap();
    let naive: Vec<Naive> = set.iter().map(Naive::new).collect();
    let expected = nodes.iter().filter(|node| naive.iter().all(|rule| rule.holds(node))).count();
    assert!((NODES / 4..NODES).contains(&expected), "the set holds for {expected} nodes");
    let mut group = criterion.benchmark_group("mixed_set");
    group.throughput(Throughput::Elements(NODES as u64));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| count(&nodes, expected, |node| set.check(node).is_satisfied()));
    });
    group.bench_function("compiled_once", |bencher| {
        bencher.iter(|| count(&nodes, expected, |node| naive.iter().all(|rule| rule.holds(node))));
    });
    group.finish();
}

/// What one writes without this crate.
struct Naive {
    attribute: String,
    is_like: bool,
    regex: Regex,
}

impl Naive {
    fn new(constraint: &Constraint) -> Self {
        Self {
            attribute: constraint.attribute().to_owned(),
            is_like: constraint.operator() == Operator::Like,
            regex: Regex::new(&format!(r"\A(?:{})\z", constraint.pattern())).unwrap(),
        }
    }

    fn holds(&self, node: &Node) -> bool {
        node.get(&self.attribute).is_some_and(|value| self.regex.is_match(value) == self.is_like)
    }
}

fn count(nodes: &[Node], expected: usize, holds: impl Fn(&Node) -> bool) {
    let counted = black_box(nodes).iter().filter(|node| holds(node)).count();
    assert_eq!(counted, expected);
}

/// Nodes that differ in what the constraints look at.
fn nodes(count: usize) -> Vec<Node> {
    let node = |index: usize| {
        [
            ("generation", format!("{}.{}", 4 + index / 3 % 5, index % 10)),
            ("hostname", format!("agent-{index}.{}.example.org", ["east", "west", "north"][index % 3])),
            ("rack", format!("rack-{}", index % 8)),
            ("zone", format!("zone-{}", ["a", "b", "c", "d"][index / 5 % 4])),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    };
    (0..count).map(node).collect()
}
