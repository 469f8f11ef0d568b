//! Attributes of agents as text.

use std::borrow::Cow;

use super::{Attribute, value};

impl Attribute {
    /// The value as text, for rules that compare text: text as it is, scalars as `7` or `7.5`, ranges
    /// as `[1-3,8-9]`, sets as `{a,b}` in order. `None` if the value that the type names is missing.
    pub fn canonical_text(&self) -> Option<Cow<'_, str>> {
        match self.r#type() {
            value::Type::Text => self.text.as_ref().map(|text| Cow::Borrowed(text.value.as_str())),
            value::Type::Scalar => self.scalar.as_ref().map(|scalar| Cow::Owned(scalar_text(scalar.value))),
            value::Type::Ranges => self.ranges.as_ref().map(|ranges| Cow::Owned(ranges_text(ranges))),
            value::Type::Set => self.set.as_ref().map(|set| {
                let mut items: Vec<&str> = set.item.iter().map(String::as_str).collect();
                items.sort_unstable();
                Cow::Owned(format!("{{{}}}", items.join(",")))
            }),
        }
    }

    /// An attribute with a text value.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            r#type: value::Type::Text.into(),
            text: Some(value::Text { value: value.into() }),
            ..Self::default()
        }
    }

    /// Reads an attribute as the agent's flag writes it: a number is a scalar, `[1-3]` ranges,
    /// anything else text; blanks are dropped from the value (facts of a running agent).
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

fn scalar_text(value: f64) -> String {
    let milli = super::milli(value);
    let (whole, rest) = (milli / 1000, (milli % 1000).abs());
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
}

fn ranges_text(ranges: &value::Ranges) -> String {
    let ranges: Vec<String> =
        ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
    format!("[{}]", ranges.join(","))
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
            set: Some(value::Set { item: vec!["b".into(), "a".into()] }),
            ..Attribute::default()
        };
        assert_eq!(attribute.canonical_text().as_deref(), Some("{a,b}"));
    }
}
