//! Every message, enum, field and value has a comment, which docs.rs shows.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{collections::BTreeSet, fs, path::Path};

const TABLE: &str = include_str!("data/mesos-v1-schema.tsv");

const FILES: [&str; 9] = [
    "mesos/v1/agent/agent.proto",
    "mesos/v1/allocator/allocator.proto",
    "mesos/v1/executor/executor.proto",
    "mesos/v1/maintenance/maintenance.proto",
    "mesos/v1/master/master.proto",
    "mesos/v1/mesos.proto",
    "mesos/v1/quota/quota.proto",
    "mesos/v1/resource_provider/resource_provider.proto",
    "mesos/v1/scheduler/scheduler.proto",
];

#[test]
fn every_declaration_has_a_comment() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    for file in FILES {
        let declared = declarations(&fs::read_to_string(folder.join(file)).unwrap());
        let without: Vec<&String> =
            declared.iter().filter(|found| !found.commented).map(|found| &found.name).collect();
        assert!(without.is_empty(), "{file}: {} without a comment: {without:#?}", without.len());

        // What the reader overlooks would never be missed.
        let members: BTreeSet<&str> =
            declared.iter().filter(|found| found.member).map(|found| found.name.as_str()).collect();
        let expected = table_of(file);
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        assert_eq!(members, expected, "{file}: what was read and what the schema has");
    }
}

#[test]
fn no_file_is_forgotten() {
    let listed = BTreeSet::from(FILES);
    let known: BTreeSet<&str> = TABLE.lines().skip(1).map(|line| line.split_once('\t').unwrap().0).collect();
    assert_eq!(listed, known);
}

#[test]
fn what_has_no_comment_is_found_at_every_level() {
    let text = "\
// The file.

syntax = \"proto2\";

package a.b;

message Bare {
  // Commented.
  optional string with = 1;
  repeated .a.b.Bare without = 2 [deprecated = true];
  // Detached.

  map<string, string> detached = 3;
  oneof choice {
    uint32 one = 4;
  }
  enum Kind {
    // Commented.
    ZERO = 0;
    ONE = 1;
  }
}

// Commented.
message Empty {}
";
    let without: Vec<String> =
        declarations(text).into_iter().filter(|found| !found.commented).map(|found| found.name).collect();
    assert_eq!(
        without,
        [
            "a.b.Bare",
            "a.b.Bare.without",
            "a.b.Bare.detached",
            "a.b.Bare.choice",
            "a.b.Bare.one",
            "a.b.Bare.Kind",
            "a.b.Bare.Kind.ONE"
        ]
    );
}

struct Declaration {
    name: String,
    commented: bool,
    /// A field or a value, which has a row in the table.
    member: bool,
}

/// Reads a file of one declaration a line, as ours are; panics at a line of another kind.
fn declarations(text: &str) -> Vec<Declaration> {
    let mut found = Vec::new();
    let mut package = String::new();
    // The names of a oneof's fields do not contain its own.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut commented = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("//") {
            commented = true;
            continue;
        }
        let mut add = |name: &str, open: &[Option<String>], member: bool| {
            let mut path = vec![package.as_str()];
            path.extend(open.iter().flatten().map(String::as_str));
            path.push(name);
            found.push(Declaration { name: path.join("."), commented, member });
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] | ["syntax" | "import", ..] => {}
            ["package", name] => package = name.trim_end_matches(';').to_owned(),
            ["message" | "enum", name, "{"] => {
                add(name, &open, false);
                open.push(Some(name.to_owned()));
            }
            ["message", name, "{}"] => add(name, &open, false),
            ["oneof", name, "{"] => {
                add(name, &open, false);
                open.push(None);
            }
            ["}"] => assert!(open.pop().is_some(), "one closing brace too many"),
            _ => {
                let (left, _) = line.split_once(" = ").unwrap_or_else(|| panic!("unexpected line '{line}'"));
                assert!(line.ends_with(';'), "unexpected line '{line}'");
                add(left.split_whitespace().last().unwrap(), &open, true);
            }
        }
        commented = false;
    }
    assert!(open.is_empty(), "a closing brace is missing");
    found
}

/// The full names of the fields and values that the schema has in a file.
fn table_of(file: &str) -> Vec<String> {
    let rows = TABLE.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[0] == file && row[10] != "map_entry")
        .map(|row| format!("{}.{}", row[2], row[3]))
        .collect()
}
