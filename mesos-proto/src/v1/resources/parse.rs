//! Reading the text of resources.

use std::{fmt, str::FromStr};

use super::{
    super::{
        Ranges, Resource,
        resource::{AllocationInfo, ReservationInfo, RevocableInfo, reservation_info},
        resource_message::{reserving_role_problem, scalar_problem, shown},
        value,
    },
    Resources,
};

/// The longest text that is read as resources, in bytes.
pub const MAX_RESOURCES_TEXT: usize = 64 * 1024;

/// The most resources that are read from one text.
pub const MAX_RESOURCES: usize = 1024;

/// A text that is not one of resources, where, and what was expected there.
///
/// ```
/// # use mesos_proto::v1::Resources;
/// let error = "cpus:4;mem:lots".parse::<Resources>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "invalid resources at column 12: 'lots' in 'mem:lots', expected a number such as 0.5, ranges such as \
///      [31000-32000] or a set such as {a,b}"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseResourcesError {
    column: usize,
    found: String,
    resource: String,
    expected: String,
}

impl ParseResourcesError {
    /// Where the wrong part begins, in characters of the text, counted from 1. At the end it is one more than
    /// there are.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// assert_eq!("cpus".parse::<Resources>().unwrap_err().column(), 5);
    /// ```
    pub fn column(&self) -> usize {
        self.column
    }

    /// The wrong part, empty if something is missing; cut where it is long.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// assert_eq!("ports:[1-x]".parse::<Resources>().unwrap_err().found(), "x");
    /// ```
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What was expected.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// assert_eq!(":4".parse::<Resources>().unwrap_err().expected(), "a name");
    /// ```
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for ParseResourcesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, found, resource, expected } = self;
        write!(formatter, "invalid resources at column {column}: ")?;
        match found.is_empty() {
            true => write!(formatter, "'{resource}' ends too early or lacks something there, ")?,
            false => write!(formatter, "'{found}' in '{resource}', ")?,
        }
        write!(formatter, "expected {expected}")
    }
}

impl std::error::Error for ParseResourcesError {}

/// Reads resources as the agent's flag `--resources` has them, except its JSON form, and most of what
/// [`Resources`] are written as: `cpus:4; mem(web):1024; ports:[31000-31009, 31020-31029]; keys:{a,b}`.
///
/// Behind the name may stand the role of a static reservation, `(web)`, where `(*)` is unreserved; the role of
/// the allocation, `(allocated: web)`; a stack of reservations with role and principal,
/// `(reservations: [(STATIC,web),(DYNAMIC,web/a,me)])`; and `{REV}`. Disks, shared resources and labels are
/// written, but not read, and neither are roles, principals and items with brackets, commas or colons in them.
/// A text does not tell them from what is around them: a message is what programs should exchange.
///
/// Amounts of the same kind are added up. Ranges may come in any order and touch, but not overlap. Blanks may
/// stand around names, values and their parts, and resources may be missing between semicolons. A text is at
/// most [`MAX_RESOURCES_TEXT`] bytes long and has [`MAX_RESOURCES`] resources at most.
impl FromStr for Resources {
    type Err = ParseResourcesError;

    fn from_str(text: &str) -> Result<Self, ParseResourcesError> {
        let mut all = Self::default();
        if text.len() > MAX_RESOURCES_TEXT {
            let end = (0..=MAX_RESOURCES_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            let entry = Entry { whole: text, text };
            return Err(entry.error(&text[end..], format!("{MAX_RESOURCES_TEXT} bytes at most")));
        }
        // What no resources are written as.
        if text.trim() == "{}" {
            return Ok(all);
        }
        let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
        for (number, part) in entries.enumerate() {
            let entry = Entry { whole: text, text: part };
            if number == MAX_RESOURCES {
                return Err(entry.error(part, format!("{MAX_RESOURCES} resources at most")));
            }
            let resource = entry.parse()?;
            let other = all.lots.iter().map(|lot| &lot.kind);
            let other = other.filter(|other| other.name == resource.name).map(Resource::r#type);
            if let Some(other) = other.into_iter().find(|other| *other != resource.r#type()) {
                let name = shown(&resource.name);
                let expected = format!("a value of type {} as above for '{name}'", other.as_str_name());
                return Err(entry.error(part, expected));
            }
            all.insert(resource).map_err(|error| {
                entry.error(part, error.problem().trim_start_matches("expected ").to_owned())
            })?;
        }
        Ok(all)
    }
}

/// What the parts of a text end at.
const PUNCTUATION: [char; 8] = ['(', ')', '[', ']', '{', '}', ',', ':'];

const VALUE: &str = "a number such as 0.5, ranges such as [31000-32000] or a set such as {a,b}";

/// One resource of a text.
#[derive(Clone, Copy)]
struct Entry<'a> {
    whole: &'a str,
    text: &'a str,
}

impl<'a> Entry<'a> {
    /// `part` is a slice of the whole text, and shows by that where it stands.
    fn error(&self, part: &str, expected: impl Into<String>) -> ParseResourcesError {
        let offset = part.as_ptr().addr().saturating_sub(self.whole.as_ptr().addr());
        let before = self.whole.get(..offset).unwrap_or(self.whole);
        ParseResourcesError {
            column: before.chars().count() + 1,
            found: shown(part),
            resource: shown(self.text),
            expected: expected.into(),
        }
    }

    fn parse(&self) -> Result<Resource, ParseResourcesError> {
        let name_end = self.text.find(['(', '{', '[', '<', ':']).unwrap_or(self.text.len());
        let (name, mut rest) = self.text.split_at(name_end);
        let name = name.trim();
        if name.is_empty() {
            return Err(self.error(if rest.is_empty() { self.text } else { &rest[..1] }, "a name"));
        }
        if let Some(control) = name.find(char::is_control) {
            return Err(self.error(&name[control..], "a name without control characters"));
        }
        let mut resource = Resource { name: name.to_owned(), ..Resource::default() };
        loop {
            rest = rest.trim_start();
            if let Some(value) = rest.strip_prefix(':') {
                self.value(value.trim(), &mut resource)?;
                return Ok(resource);
            }
            rest = self.suffix(rest, &mut resource)?;
        }
    }

    /// Reads what stands between the name and the colon, and gives what is behind it.
    fn suffix(&self, text: &'a str, resource: &mut Resource) -> Result<&'a str, ParseResourcesError> {
        if let Some(rest) = text.strip_prefix("{REV}") {
            if resource.revocable.replace(RevocableInfo {}).is_some() {
                return Err(self.error(text, "'{REV}' once"));
            }
            return Ok(rest);
        }
        if let Some(inner) = text.strip_prefix("(reservations:") {
            let Some((stack, rest)) = inner.split_once("])") else {
                return Err(self.error(text, "'])' behind the reservations"));
            };
            let stack = stack.trim_start();
            let Some(stack) = stack.strip_prefix('[') else {
                return Err(self.error(stack, "reservations such as [(STATIC,web)]"));
            };
            self.unreserved(text, resource)?;
            resource.reservations = self.stack(stack)?;
            return Ok(rest);
        }
        let Some((role, rest)) = text.strip_prefix('(').and_then(|inner| inner.split_once(')')) else {
            return Err(match text.chars().next() {
                Some('(') => self.error(text, "')' behind the role"),
                Some('[' | '<') => {
                    self.error(text, "':' and a value; disks and shared resources are not read")
                }
                Some(_) => self.error(text, "a role in parentheses, '{REV}' or ':' and a value"),
                None => self.error(text, format!("':' and {VALUE}")),
            });
        };
        let role = role.trim();
        if let Some(role) = role.strip_prefix("allocated:").map(str::trim) {
            if resource.allocation_info.is_some() {
                return Err(self.error(text, "one role of the allocation"));
            }
            // The role may be '*', which is the role of frameworks that name none.
            if role != "*" {
                self.role(role)?;
            }
            resource.allocation_info = Some(AllocationInfo { role: Some(role.to_owned()) });
            return Ok(rest);
        }
        self.unreserved(text, resource)?;
        if role != "*" {
            self.role(role)?;
            resource.reservations.push(reservation(reservation_info::Type::Static, role));
        }
        Ok(rest)
    }

    /// Roles with punctuation are refused: they would be read as something else once written.
    fn role(&self, role: &str) -> Result<(), ParseResourcesError> {
        if role.contains(PUNCTUATION) {
            return Err(self.error(role, "a role without punctuation"));
        }
        let problem = reserving_role_problem(role);
        problem.map_or(Ok(()), |problem| Err(self.error(role, problem.trim_start_matches("expected "))))
    }

    fn unreserved(&self, text: &str, resource: &Resource) -> Result<(), ParseResourcesError> {
        if resource.reservations.is_empty() {
            return Ok(());
        }
        Err(self.error(text, "one role, or one stack of reservations"))
    }

    /// Reads `(STATIC,web),(DYNAMIC,web/a,me)`.
    fn stack(&self, text: &str) -> Result<Vec<ReservationInfo>, ParseResourcesError> {
        const ONE: &str = "a reservation such as (STATIC,web) or (DYNAMIC,web,principal)";
        let mut stack = Vec::new();
        let mut rest = text.trim();
        loop {
            let one = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
            let (inner, behind) = one.ok_or_else(|| self.error(rest, ONE))?;
            let mut parts = inner.splitn(3, ',').map(str::trim);
            let (Some(kind), Some(role)) = (parts.next(), parts.next()) else {
                return Err(self.error(rest, ONE));
            };
            let kind = reservation_info::Type::from_str_name(kind)
                .filter(|kind| *kind != reservation_info::Type::Unknown)
                .ok_or_else(|| self.error(kind, "STATIC or DYNAMIC"))?;
            self.role(role)?;
            let principal = parts.next();
            if let Some(text) = principal.filter(|text| text.contains(PUNCTUATION)) {
                return Err(self.error(text, "a principal without punctuation; labels are not read"));
            }
            stack
                .push(ReservationInfo { principal: principal.map(str::to_owned), ..reservation(kind, role) });
            rest = behind.trim_start();
            match rest.strip_prefix(',') {
                Some(more) => rest = more.trim_start(),
                None if rest.is_empty() => return Ok(stack),
                None => return Err(self.error(rest, "',' and another reservation, or ']'")),
            }
        }
    }

    fn value(&self, text: &str, resource: &mut Resource) -> Result<(), ParseResourcesError> {
        if let Some(inner) = text.strip_prefix('[') {
            resource.r#type = value::Type::Ranges.into();
            let inner = inner.strip_suffix(']').ok_or_else(|| self.error(text, "']' behind the ranges"))?;
            resource.ranges = Some(self.ranges(inner)?.to_value());
        } else if let Some(inner) = text.strip_prefix('{') {
            resource.r#type = value::Type::Set.into();
            let inner = inner.strip_suffix('}').ok_or_else(|| self.error(text, "'}' behind the items"))?;
            resource.set = Some(value::Set { item: self.items(inner)? });
        } else {
            resource.r#type = value::Type::Scalar.into();
            let is_number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
            let value = text.parse().ok().filter(|value: &f64| is_number && value.is_finite());
            let value = value.ok_or_else(|| self.error(text, VALUE))?;
            scalar_problem(value)
                .map_err(|problem| self.error(text, problem.trim_start_matches("expected ").to_owned()))?;
            resource.scalar = Some(value::Scalar { value });
        }
        Ok(())
    }

    fn ranges(&self, text: &str) -> Result<Ranges, ParseResourcesError> {
        let mut ranges: Vec<(u64, u64, &str)> = Vec::new();
        for part in parts(text) {
            let (begin, end) = part
                .split_once('-')
                .ok_or_else(|| self.error(part, "a range such as 31000-32000, also for one number"))?;
            let (begin, end) = (self.number(begin)?, self.number(end)?);
            if begin > end {
                return Err(self.error(part, "a range whose begin is not after its end"));
            }
            ranges.push((begin, end, part));
        }
        ranges.sort_unstable_by_key(|(begin, end, _)| (*begin, *end));
        if let Some(pair) = ranges.windows(2).find(|pair| pair[1].0 <= pair[0].1) {
            let (first, second) = (pair[0].2, pair[1].2);
            return Err(self.error(second, format!("ranges that do not overlap, as with {first}")));
        }
        Ok(ranges.into_iter().map(|(begin, end, _)| (begin, end)).collect())
    }

    fn number(&self, text: &str) -> Result<u64, ParseResourcesError> {
        let text = text.trim();
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok());
        number.ok_or_else(|| self.error(text, format!("a whole number from 0 to {}", u64::MAX)))
    }

    fn items(&self, text: &str) -> Result<Vec<String>, ParseResourcesError> {
        let mut items: Vec<&str> = Vec::new();
        for part in parts(text) {
            if part.is_empty() || part.contains(['{', '}', '[', ']', ':']) {
                return Err(self.error(part, "an item without brackets and colons"));
            }
            items.push(part);
        }
        let mut sorted = items.clone();
        // Of equal items the later one is at fault.
        sorted.sort_unstable_by_key(|item| (*item, item.as_ptr().addr()));
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(self.error(pair[1], "each item once"));
        }
        Ok(items.into_iter().map(str::to_owned).collect())
    }
}

fn reservation(kind: reservation_info::Type, role: &str) -> ReservationInfo {
    ReservationInfo { r#type: Some(kind.into()), role: Some(role.to_owned()), ..ReservationInfo::default() }
}

/// The parts between commas; none in a blank text.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let is_blank = text.trim().is_empty();
    text.split(',').map(str::trim).filter(move |_| !is_blank)
}
