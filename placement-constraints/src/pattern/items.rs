//! The characters of a pattern, after `\Q…\E` is gone.

use crate::PatternError;

/// A character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) character: char,
    /// Where it stands in the text, in bytes.
    pub(super) at: usize,
    /// Whether quoting took its meaning from it.
    pub(super) is_quoted: bool,
}

impl Item {
    /// Whether it is this character with its meaning in the syntax.
    pub(super) fn is(self, character: char) -> bool {
        !self.is_quoted && self.character == character
    }
}

/// Resolves `\Q…\E`.
///
/// Java does this before it looks at anything else, so a quotation may stand within any construct, and ASCII
/// letters, digits that do not begin it, and non-ASCII characters in it are as good as unquoted ones:
/// `\p{\QL\E}` is `\p{L}`.
pub(super) fn items(text: &str) -> Result<Vec<Item>, PatternError> {
    let mut items = Vec::with_capacity(text.len());
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        refuse_nul(text, at, character)?;
        items.push(Item { character, at, is_quoted: false });
        if character != '\\' {
            continue;
        }
        match rest.next() {
            Some((_, 'Q')) => {
                items.pop();
                let mut is_first = true;
                while let Some((at, character)) = rest.next() {
                    refuse_nul(text, at, character)?;
                    if character == '\\' && rest.next_if(|(_, next)| *next == 'E').is_some() {
                        break;
                    }
                    let is_quoted = character.is_ascii() && !character.is_ascii_alphanumeric()
                        || character.is_ascii_digit() && is_first;
                    items.push(Item { character, at, is_quoted });
                    is_first = false;
                }
            }
            Some((at, character)) => {
                refuse_nul(text, at, character)?;
                items.push(Item { character, at, is_quoted: false });
            }
            None => {}
        }
    }
    Ok(items)
}

/// Java uses the character as the mark of the end, with odd results.
fn refuse_nul(text: &str, at: usize, character: char) -> Result<(), PatternError> {
    if character == '\0' {
        return Err(PatternError::new(text, at, "a NUL character is not supported, write \\x00"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_resolved() {
        for (text, expected) in [
            ("a.b", "a.b"),
            (r"\Qa.b\E.", "a!.b."),
            (r"\Qa.b", "a!.b"),
            (r"\\Q.", r"\\Q."),
            (r"\Q1a1\E2", "!1a12"),
            (r"\Q\", r"!\"),
            (r"\Q\\E\E", r"!\\E"),
            (r"\Q\E", ""),
            (r"a\", r"a\"),
        ] {
            let shown: String = items(text)
                .unwrap()
                .into_iter()
                .flat_map(|item| item.is_quoted.then_some('!').into_iter().chain([item.character]))
                .collect();
            assert_eq!(shown, expected, "{text}");
        }
    }
}
