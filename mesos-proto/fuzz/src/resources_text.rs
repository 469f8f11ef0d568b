//! Any text as resources: read, written, read again, and taken apart.

use std::str;

use mesos_proto::v1::{MAX_SCALAR_MILLI, Resources};

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is not text.
    Unusable,
    /// It is not one of resources.
    Refused,
    /// It holds nothing.
    Empty,
    /// It holds resources.
    Read,
}

/// Reads the input as resources.
///
/// # Panics
/// Something does not hold that holds for every text.
pub fn resources_text(input: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(input) else { return Outcome::Unusable };
    let all = match text.parse::<Resources>() {
        Ok(all) => all,
        Err(error) => {
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&error.column()), "column {} is none of {columns:?}", error.column());
            let behind: String = text.chars().skip(error.column() - 1).collect();
            let is_shown = error.found().contains(['…', '\\']) || behind.starts_with(error.found());
            assert!(is_shown, "'{}' does not stand at column {}", error.found(), error.column());
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            assert!(error.to_string().chars().count() < 5000, "{error}");
            return Outcome::Refused;
        }
    };
    // A sum may be beyond what one message or text can hold.
    if all.iter().all(|resource| resource.milli() <= MAX_SCALAR_MILLI) {
        let written = all.to_string();
        let again: Resources = written.parse().unwrap_or_else(|error| panic!("{error}: '{written}'"));
        assert_eq!(again, all, "'{written}'");
        assert_eq!(again.to_string(), written);
        assert_eq!(Resources::try_from(all.to_vec()).as_ref(), Ok(&all));
    }
    check_arithmetic(&all);
    if all.is_empty() { Outcome::Empty } else { Outcome::Read }
}

/// Every resource can be taken away and put back.
fn check_arithmetic(all: &Resources) {
    assert_eq!(all.checked_sub(all), Some(Resources::default()));
    for resource in all.iter().take(20) {
        let Ok(part) = Resources::try_from(vec![resource]) else { continue };
        assert!(all.contains(&part), "'{all}' contains '{part}'");
        let mut rest = all.checked_sub(&part).expect("it is contained");
        assert!(!rest.contains(&part), "'{part}' is there once");
        rest.add(&part);
        assert_eq!(&rest, all, "'{part}' is back");
    }
}
