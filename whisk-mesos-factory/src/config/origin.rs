//! Where a value was said.

use std::fmt;

/// The place that a setting comes from, for people who want to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of a file, or of a text such as `OPENWHISK_CONFIG`. Without a line if the value was put together from
    /// several places.
    Text {
        /// The file or the variable that holds the text.
        name: String,
        /// From 1.
        line: Option<usize>,
    },
    /// A variable of the environment.
    Variable {
        /// Its name.
        name: String,
        /// The variable that it names in place of a value.
        through: Option<String>,
    },
    /// `-D` on the command line.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::Text { name, line: Some(line) } => write!(formatter, "{name}:{line}"),
            Self::Text { name, line: None } => formatter.write_str(name),
            Self::Variable { name, through: None } => formatter.write_str(name),
            Self::Variable { name, through: Some(through) } => write!(formatter, "{name} (${through})"),
            Self::CommandLine => formatter.write_str("-D"),
        }
    }
}
