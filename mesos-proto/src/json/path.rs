//! Where in a message something is, such as `offers.offers[2].resources[0].name`.

use std::fmt;

/// A place, linked to the one around it: it costs nothing until it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    /// The message itself.
    Root,
    Field(&'a Self, &'a str),
    Item(&'a Self, usize),
    Entry(&'a Self, &'a str),
}

impl Path<'_> {
    /// Messages around this place.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Field(parent, _) => parent.depth() + 1,
            Self::Item(parent, _) | Self::Entry(parent, _) => parent.depth(),
        }
    }
}

/// Keys of maps are quoted, as they may hold anything.
impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => formatter.write_str(name),
            Self::Field(parent, name) => write!(formatter, "{parent}.{name}"),
            Self::Item(parent, index) => write!(formatter, "{parent}[{index}]"),
            Self::Entry(parent, key) => write!(formatter, "{parent}[{key:?}]"),
        }
    }
}
