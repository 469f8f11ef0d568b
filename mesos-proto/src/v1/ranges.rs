//! Sets of numbers as ranges.

use std::fmt;

use super::value;

/// A set of numbers as disjoint ranges in order, both ends included. Adding and taking away are set
/// operations, whatever the order or overlap of the input. Ranges that touch melt into one.
///
/// ```
/// # use mesos_proto::v1::Ranges;
/// let mut ports: Ranges = [(31_000, 31_004), (31_005, 31_009)].into_iter().collect();
/// assert_eq!(ports.to_string(), "[31000-31009]");
/// ports.subtract(&Ranges::single(31_003, 31_003));
/// assert_eq!(ports.ranges(), [(31_000, 31_002), (31_004, 31_009)]);
/// assert!(!ports.contains_number(31_003));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The numbers of a resource or attribute value. Ranges whose begin is after their end hold nothing.
    /// Takes time in n log n for n ranges in any order.
    ///
    /// ```
    /// # use mesos_proto::v1::{Ranges, value::{self, Range}};
    /// let range = vec![Range { begin: 7, end: 9 }, Range { begin: 1, end: 3 }, Range { begin: 5, end: 4 }];
    /// assert_eq!(Ranges::from_value(&value::Ranges { range }).ranges(), [(1, 3), (7, 9)]);
    /// ```
    pub fn from_value(value: &value::Ranges) -> Self {
        Self::from_pairs(value.range.iter().map(|range| (range.begin, range.end)).collect())
    }

    fn from_pairs(mut pairs: Vec<(u64, u64)>) -> Self {
        pairs.retain(|(begin, end)| begin <= end);
        pairs.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(pairs.len());
        for (begin, end) in pairs {
            match merged.last_mut() {
                // Ranges that touch or overlap melt into one.
                Some((_, last_end)) if begin <= last_end.saturating_add(1) => *last_end = end.max(*last_end),
                _ => merged.push((begin, end)),
            }
        }
        Self(merged)
    }

    /// One range; empty if `begin` is after `end`.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// assert_eq!(Ranges::single(1, 3).ranges(), [(1, 3)]);
    /// ```
    pub fn single(begin: u64, end: u64) -> Self {
        let mut ranges = Self::default();
        ranges.insert(begin, end);
        ranges
    }

    /// As the protobuf message.
    ///
    /// ```
    /// # use mesos_proto::v1::{Ranges, value::Range};
    /// assert_eq!(Ranges::single(1, 3).to_value().range, [Range { begin: 1, end: 3 }]);
    /// ```
    pub fn to_value(&self) -> value::Ranges {
        value::Ranges { range: self.0.iter().map(|&(begin, end)| value::Range { begin, end }).collect() }
    }

    /// Adds the numbers from `begin` to `end`.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// let mut numbers = Ranges::single(1, 3);
    /// numbers.insert(3, 5);
    /// assert_eq!(numbers, Ranges::single(1, 5));
    /// ```
    pub fn insert(&mut self, begin: u64, end: u64) {
        if begin > end {
            return;
        }
        // What ends before the number in front of `begin`, and what begins behind the one after `end`,
        // does not touch the new range.
        let from = self.0.partition_point(|&(_, other)| other.saturating_add(1) < begin);
        let to = self.0.partition_point(|&(other, _)| other <= end.saturating_add(1));
        let mut range = (begin, end);
        if from < to {
            range = (begin.min(self.0[from].0), end.max(self.0[to - 1].1));
        }
        self.0.splice(from..to.max(from), [range]);
    }

    /// Adds every number of `other`.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// let mut numbers = Ranges::single(1, 3);
    /// numbers.add(&Ranges::single(7, 9));
    /// assert_eq!(numbers.ranges(), [(1, 3), (7, 9)]);
    /// ```
    pub fn add(&mut self, other: &Self) {
        match other.0[..] {
            [] => {}
            [(begin, end)] => self.insert(begin, end),
            _ => {
                let mut pairs = std::mem::take(&mut self.0);
                pairs.extend_from_slice(&other.0);
                *self = Self::from_pairs(pairs);
            }
        }
    }

    /// Takes every number of `other` away; numbers that are not there do not matter.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// let mut numbers = Ranges::single(1, 9);
    /// numbers.subtract(&Ranges::single(3, 20));
    /// assert_eq!(numbers, Ranges::single(1, 2));
    /// ```
    pub fn subtract(&mut self, other: &Self) {
        let mut rest = Vec::with_capacity(self.0.len() + other.0.len());
        let mut cuts = other.0.iter().peekable();
        for &(mut begin, end) in &self.0 {
            let mut is_left = true;
            while let Some(&&(cut_begin, cut_end)) = cuts.peek() {
                if cut_begin > end {
                    break;
                }
                if cut_end >= begin {
                    if begin < cut_begin {
                        rest.push((begin, cut_begin - 1));
                    }
                    if cut_end >= end {
                        // This cut may reach into the next range, too.
                        is_left = false;
                        break;
                    }
                    begin = cut_end + 1;
                }
                cuts.next();
            }
            if is_left {
                rest.push((begin, end));
            }
        }
        self.0 = rest;
    }

    /// Whether every number of `other` is in this set.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// assert!(Ranges::single(1, 9).contains(&Ranges::single(3, 4)));
    /// ```
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|&(begin, end)| self.range_at(begin).is_some_and(|(_, to)| end <= to))
    }

    /// Whether this number is in the set.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// assert!(Ranges::single(1, 9).contains_number(9));
    /// ```
    pub fn contains_number(&self, number: u64) -> bool {
        self.range_at(number).is_some()
    }

    /// The range that holds a number.
    fn range_at(&self, number: u64) -> Option<(u64, u64)> {
        let after = self.0.partition_point(|&(begin, _)| begin <= number);
        let &(begin, end) = self.0.get(after.checked_sub(1)?)?;
        (number <= end).then_some((begin, end))
    }

    /// Whether there is no number.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// assert!(Ranges::single(2, 1).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers there are, [`u64::MAX`] if they are all of the 2⁶⁴.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// assert_eq!(Ranges::single(31_000, 32_000).count(), 1001);
    /// ```
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, (begin, end)| sum.saturating_add((end - begin).saturating_add(1)))
    }

    /// The numbers in order. A range may hold any number of them: take what is needed.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// assert!(Ranges::single(31_000, u64::MAX).numbers().take(2).eq([31_000, 31_001]));
    /// ```
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(|&(begin, end)| begin..=end)
    }

    /// The ranges in order.
    ///
    /// ```
    /// # use mesos_proto::v1::Ranges;
    /// assert_eq!(Ranges::single(1, 3).ranges(), [(1, 3)]);
    /// ```
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }
}

/// Begin and end of each range, in any order.
impl FromIterator<(u64, u64)> for Ranges {
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(pairs: I) -> Self {
        Self::from_pairs(pairs.into_iter().collect())
    }
}

/// As Mesos writes it: `[31000-31002, 31005-31009]`.
impl fmt::Display for Ranges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ranges(formatter, self.0.iter().copied(), ", ")
    }
}

/// Writes ranges as they come.
pub(super) fn write_ranges(
    to: &mut impl fmt::Write,
    ranges: impl Iterator<Item = (u64, u64)>,
    separator: &str,
) -> fmt::Result {
    to.write_char('[')?;
    for (number, (begin, end)) in ranges.enumerate() {
        let separator = if number == 0 { "" } else { separator };
        write!(to, "{separator}{begin}-{end}")?;
    }
    to.write_char(']')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inverted_and_extreme_ranges_do_no_harm() {
        let mut ranges = Ranges::default();
        ranges.insert(5, 4);
        assert!(ranges.is_empty());
        ranges.insert(0, u64::MAX);
        ranges.insert(3, 4);
        assert_eq!(ranges.ranges(), [(0, u64::MAX)]);
        ranges.subtract(&Ranges::single(0, 0));
        ranges.subtract(&Ranges::single(u64::MAX, u64::MAX));
        assert_eq!(ranges.ranges(), [(1, u64::MAX - 1)]);
    }

    #[test]
    fn counting_does_not_overflow() {
        assert_eq!(Ranges::single(0, u64::MAX).count(), u64::MAX);
        assert_eq!(Ranges::single(u64::MAX, u64::MAX).count(), 1);
        assert_eq!(Ranges::default().count(), 0);
    }

    fn set(ranges: &[(u8, u8)]) -> (Ranges, std::collections::BTreeSet<u64>) {
        let mut compact = Ranges::default();
        let mut plain = std::collections::BTreeSet::new();
        for &(begin, end) in ranges {
            compact.insert(begin.into(), end.into());
            plain.extend(u64::from(begin)..=u64::from(end));
        }
        (compact, plain)
    }

    proptest! {
        #[test]
        fn ranges_behave_as_a_set(a: Vec<(u8, u8)>, b: Vec<(u8, u8)>) {
            let ((a, plain_a), (b, plain_b)) = (set(&a), set(&b));
            prop_assert!(a.numbers().eq(plain_a.iter().copied()));
            prop_assert!(a.ranges().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            prop_assert_eq!(a.contains(&b), plain_b.is_subset(&plain_a));
            prop_assert_eq!(a.count(), plain_a.len() as u64);
            let mut rest = a.clone();
            rest.subtract(&b);
            prop_assert!(rest.numbers().eq(plain_a.difference(&plain_b).copied()));
            let mut sum = a.clone();
            sum.add(&b);
            prop_assert!(sum.numbers().eq(plain_a.union(&plain_b).copied()));
            let value = value::Ranges {
                range: a.0.iter().rev().chain(&b.0).map(|&(begin, end)| value::Range { begin, end }).collect(),
            };
            prop_assert_eq!(Ranges::from_value(&value), sum);
            for number in 0..=255 {
                prop_assert_eq!(a.contains_number(number), plain_a.contains(&number));
            }
        }
    }
}
