//! Constraints as text in what serde reads and writes.

use ::serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::{Constraint, ConstraintSet, MissingAttribute, ParseOptions, error::Shown};

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.delimiter() != ParseOptions::DEFAULT_DELIMITER {
            return Err(ser::Error::custom(format_args!(
                "constraint '{}' cannot be read back from its text alone: its delimiter is '{}', expected '{}'",
                Shown::new(self.as_str()),
                Shown::new(self.delimiter()),
                ParseOptions::DEFAULT_DELIMITER,
            )));
        }
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl Serialize for ConstraintSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.missing_attribute() {
            MissingAttribute::Fails => serializer.collect_seq(self),
            MissingAttribute::SatisfiesUnlike => Err(ser::Error::custom(
                "a set in which a missing attribute satisfies UNLIKE cannot be read back from the texts of its \
                 constraints alone: expected one in which it fails",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for ConstraintSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Self::parse(texts).map_err(de::Error::custom)
    }
}
