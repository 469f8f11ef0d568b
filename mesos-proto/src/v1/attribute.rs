//! Attributes of agents as text.

use std::{borrow::Cow, collections::BTreeSet};

use super::{Attribute, Ranges, ranges::write_ranges, resource_message::write_scalar, value};

impl Attribute {
    /// The value as text, for rules that compare text. Equal values have equal texts: text as it is, scalars
    /// as `7` or `7.5` with up to three decimals, ranges as `[1-3,8-9]` in order and as few as can be, sets as
    /// `{a,b}` in order, each item once. `None` if the value that the type names is missing, or the type is
    /// none of these.
    ///
    /// ```
    /// # use mesos_proto::v1::Attribute;
    /// assert_eq!(Attribute::parse("generation", "7.0").canonical_text().as_deref(), Some("7"));
    /// assert_eq!(Attribute::parse("zones", "[8-9,1-3]").canonical_text().as_deref(), Some("[1-3,8-9]"));
    /// ```
    pub fn canonical_text(&self) -> Option<Cow<'_, str>> {
        match value::Type::try_from(self.r#type).ok()? {
            value::Type::Text => self.text.as_ref().map(|text| Cow::Borrowed(text.value.as_str())),
            value::Type::Scalar => self.scalar.as_ref().map(|scalar| {
                let mut text = String::new();
                write_scalar(&mut text, scalar.value).expect("a string takes everything");
                Cow::Owned(text)
            }),
            value::Type::Ranges => self.ranges.as_ref().map(|ranges| {
                let ranges = Ranges::from_value(ranges);
                let mut text = String::new();
                write_ranges(&mut text, ranges.ranges().iter().copied(), ",")
                    .expect("a string takes everything");
                Cow::Owned(text)
            }),
            value::Type::Set => self.set.as_ref().map(|set| {
                let items: BTreeSet<&str> = set.item.iter().map(String::as_str).collect();
                Cow::Owned(format!("{{{}}}", Vec::from_iter(items).join(",")))
            }),
        }
    }

    /// An attribute with a text value.
    ///
    /// ```
    /// # use mesos_proto::v1::Attribute;
    /// assert_eq!(Attribute::text("generation", "7.0").canonical_text().as_deref(), Some("7.0"));
    /// ```
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            r#type: value::Type::Text.into(),
            text: Some(value::Text { value: value.into() }),
            ..Self::default()
        }
    }

    /// Reads an attribute as the agent's flag writes it: a number is a scalar, `[1-3]` ranges,
    /// anything else text; blanks are dropped from the value, as agents do.
    ///
    /// ```
    /// # use mesos_proto::v1::{Attribute, value::Type};
    /// assert_eq!(Attribute::parse("rack", "7").r#type(), Type::Scalar);
    /// assert_eq!(Attribute::parse("rack", "r7").r#type(), Type::Text);
    /// ```
    pub fn parse(name: impl Into<String>, value: &str) -> Self {
        let value: String = value.chars().filter(|character| !character.is_whitespace()).collect();
        let mut attribute = Self { name: name.into(), ..Self::default() };
        if let Some(number) = value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
        {
            attribute.r#type = value::Type::Scalar.into();
            attribute.scalar = Some(value::Scalar { value: number });
        } else if let Some(ranges) = parse_ranges(&value) {
            attribute.r#type = value::Type::Ranges.into();
            attribute.ranges = Some(ranges);
        } else {
            attribute.r#type = value::Type::Text.into();
            attribute.text = Some(value::Text { value });
        }
        attribute
    }
}

fn parse_ranges(text: &str) -> Option<value::Ranges> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut ranges = value::Ranges::default();
    for part in inner.split(',') {
        let (begin, end) = part.split_once('-')?;
        ranges.range.push(value::Range { begin: begin.parse().ok()?, end: end.parse().ok()? });
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_text_becomes_a_typed_value_and_canonical_text() {
        for (flag, kind, canonical) in [
            ("r1", value::Type::Text, "r1"),
            ("7", value::Type::Scalar, "7"),
            ("7.50", value::Type::Scalar, "7.5"),
            ("0.125", value::Type::Scalar, "0.125"),
            ("-7", value::Type::Text, "-7"),
            ("inf", value::Type::Text, "inf"),
            ("[1-3,8-9]", value::Type::Ranges, "[1-3,8-9]"),
            ("[8-9,4-5,1-3]", value::Type::Ranges, "[1-5,8-9]"),
            ("[1-]", value::Type::Text, "[1-]"),
            ("a b.c", value::Type::Text, "ab.c"),
        ] {
            let attribute = Attribute::parse("name", flag);
            assert_eq!(attribute.r#type(), kind, "{flag}");
            assert_eq!(attribute.canonical_text().as_deref(), Some(canonical), "{flag}");
        }
    }

    #[test]
    fn a_set_is_written_in_order() {
        let attribute = Attribute {
            name: "disks".into(),
            r#type: value::Type::Set.into(),
            set: Some(value::Set { item: vec!["b".into(), "a".into(), "b".into()] }),
            ..Attribute::default()
        };
        assert_eq!(attribute.canonical_text().as_deref(), Some("{a,b}"));
    }

    #[test]
    fn a_value_that_the_type_does_not_name_is_no_text() {
        let scalar = Attribute::parse("level", "7");
        for kind in [value::Type::Text.into(), value::Type::Ranges.into(), 17, -1] {
            assert_eq!(Attribute { r#type: kind, ..scalar.clone() }.canonical_text(), None, "{kind}");
        }
    }
}
