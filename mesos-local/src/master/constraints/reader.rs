//! The syntax of RE2, rewritten as that of the crate `regex`.

use std::{collections::BTreeMap, iter::Peekable, str::CharIndices};

/// More repetitions than this are refused.
const MAX_REPEAT: u32 = 1000;

const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// Reads a pattern from its beginning to its end.
///
/// What RE2 refuses is refused with its texts. What both accept and read differently is rewritten, such as `[`
/// and `&&` within a class, which RE2 takes as they are.
pub(super) struct Reader<'a> {
    pattern: &'a str,
    rest: Peekable<CharIndices<'a>>,
    out: String,
    /// Open parentheses.
    depth: usize,
    /// Where the repetition before began, if the last thing was one.
    repeated: Option<usize>,
    /// Whether there is something that could be repeated.
    has_argument: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(pattern: &'a str) -> Self {
        let rest = pattern.char_indices().peekable();
        Self { pattern, rest, out: String::new(), depth: 0, repeated: None, has_argument: false }
    }

    pub(super) fn read(mut self) -> Result<String, String> {
        while let Some((at, character)) = self.rest.next() {
            match character {
                '\\' => self.escape(at)?,
                '[' => self.class(at)?,
                '(' => self.group(at)?,
                ')' if self.depth == 0 => return Err(format!("unexpected ): {}", self.pattern)),
                ')' => {
                    self.depth -= 1;
                    self.thing(")");
                }
                '|' => {
                    self.out.push('|');
                    (self.repeated, self.has_argument) = (None, false);
                }
                '*' | '+' | '?' => self.repetition(at, &character.to_string())?,
                '{' => match self.counts() {
                    Some((text, low, high)) => {
                        if low > MAX_REPEAT || high.is_some_and(|high| high > MAX_REPEAT || high < low) {
                            return Err(format!("invalid repetition size: {text}"));
                        }
                        for _ in 1..text.len() {
                            self.rest.next();
                        }
                        self.repetition(at, text)?;
                    }
                    None => self.thing("\\{"),
                },
                '.' | '^' | '$' => self.thing(&character.to_string()),
                literal => self.thing(&regex_syntax::escape(&literal.to_string())),
            }
        }
        if self.depth > 0 {
            return Err(format!("missing ): {}", self.pattern));
        }
        Ok(self.out)
    }

    /// Something that can be repeated.
    fn thing(&mut self, text: &str) {
        self.out += text;
        (self.repeated, self.has_argument) = (None, true);
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, character)| *character == wanted).is_some()
    }

    fn position(&mut self) -> usize {
        self.rest.peek().map_or(self.pattern.len(), |(at, _)| *at)
    }

    fn repetition(&mut self, at: usize, operator: &str) -> Result<(), String> {
        if !self.has_argument {
            return Err(format!("no argument for repetition operator: {operator}"));
        }
        let is_lazy = self.next_is('?');
        if let Some(before) = self.repeated {
            let end = self.position();
            return Err(format!("bad repetition operator: {}", &self.pattern[before..end]));
        }
        self.out += operator;
        if is_lazy {
            self.out.push('?');
        }
        self.repeated = Some(at);
        Ok(())
    }

    /// The `{n}`, `{n,}` or `{n,m}` whose brace was just read; anything else is plain text.
    fn counts(&mut self) -> Option<(&'a str, u32, Option<u32>)> {
        let begin = self.position() - 1;
        let text = &self.pattern[begin..];
        let text = &text[..=text.find('}')?];
        let inner = &text[1..text.len() - 1];
        let number = |digits: &str| -> Option<u32> {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().unwrap_or(u32::MAX))
        };
        let (low, high) = match inner.split_once(',') {
            None => (number(inner)?, Some(number(inner)?)),
            Some((low, "")) => (number(low)?, None),
            Some((low, high)) => (number(low)?, Some(number(high)?)),
        };
        Some((text, low, high))
    }

    fn group(&mut self, at: usize) -> Result<(), String> {
        self.depth += 1;
        (self.repeated, self.has_argument) = (None, false);
        if !self.next_is('?') {
            self.out.push('(');
            return Ok(());
        }
        if self.pattern[at..].starts_with("(?P<") {
            let named = &self.pattern[at..];
            let end = named.find('>').ok_or_else(|| format!("invalid named capture group: {named}"))?;
            let name = &named[4..end];
            if name.is_empty() || !name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_') {
                return Err(format!("invalid named capture group: {}", &named[..=end]));
            }
            while !self.next_is('>') {
                self.rest.next();
            }
            self.out.push('(');
            return Ok(());
        }
        self.flags(at)
    }

    /// The flags behind a `(?`, up to a colon or the end of the group. Each counts as it was set last.
    fn flags(&mut self, at: usize) -> Result<(), String> {
        let mut set = BTreeMap::new();
        let (mut is_on, mut is_open) = (true, false);
        loop {
            let Some((end, character)) = self.rest.next() else {
                return Err(format!("missing ): {}", self.pattern));
            };
            match character {
                'i' | 'm' | 's' | 'U' => {
                    set.insert(character, is_on);
                    is_open = false;
                }
                '-' if is_on => (is_on, is_open) = (false, true),
                // A dash without a flag behind it is wrong.
                ':' | ')' if !is_open => {
                    let of = |wanted: bool| set.iter().filter(move |(_, is_on)| **is_on == wanted);
                    let on: String = of(true).map(|(flag, _)| *flag).collect();
                    let off: String = of(false).map(|(flag, _)| *flag).collect();
                    let dash = if off.is_empty() { "" } else { "-" };
                    if character == ')' {
                        self.depth -= 1;
                    }
                    if character == ':' || !set.is_empty() {
                        self.out += &format!("(?{on}{dash}{off}{character}");
                    }
                    return Ok(());
                }
                other => {
                    let end = end + other.len_utf8();
                    return Err(format!("invalid perl operator: {}", &self.pattern[at..end]));
                }
            }
        }
    }

    fn escape(&mut self, at: usize) -> Result<(), String> {
        let Some((_, character)) = self.rest.next() else {
            return Err("trailing \\".into());
        };
        match character {
            'Q' => {
                while let Some((at, literal)) = self.rest.next() {
                    if self.pattern[at..].starts_with("\\E") {
                        self.rest.next();
                        break;
                    }
                    self.thing(&regex_syntax::escape(&literal.to_string()));
                }
            }
            // The end of a quotation that nobody began means nothing.
            'E' => {}
            'A' | 'z' | 'B' => self.thing(&format!("\\{character}")),
            'b' => self.thing("(?-u:\\b)"),
            'C' => self.thing("(?s:.)"),
            other => {
                let text = self.character(at, other, false)?;
                self.thing(&text);
            }
        }
        Ok(())
    }

    /// What stands for one character behind a backslash, in a class and out of it.
    fn character(&mut self, at: usize, character: char, in_class: bool) -> Result<String, String> {
        let set = |inner: &str| if in_class { inner.to_owned() } else { format!("[{inner}]") };
        Ok(match character {
            'd' => set("0-9"),
            'D' => "[^0-9]".into(),
            's' => set("\\t\\n\\x0C\\r\\x20"),
            'S' => "[^\\t\\n\\x0C\\r\\x20]".into(),
            'w' => set("0-9A-Za-z_"),
            'W' => "[^0-9A-Za-z_]".into(),
            'p' | 'P' => self.unicode_class(at, character)?,
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => format!("\\{character}"),
            'x' => self.hexadecimal(at)?,
            '0'..='7' => self.octal(at, character)?,
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => {
                format!("\\x{{{:x}}}", u32::from(other))
            }
            _ => return Err(self.bad_escape(at)),
        })
    }

    fn bad_escape(&mut self, at: usize) -> String {
        let end = self.position();
        format!("invalid escape sequence: {}", &self.pattern[at..end])
    }

    fn unicode_class(&mut self, at: usize, letter: char) -> Result<String, String> {
        let name = if self.next_is('{') {
            let begin = self.position();
            let length = self.pattern[begin..]
                .find('}')
                .ok_or_else(|| format!("invalid character class range: {}", &self.pattern[at..]))?;
            while !self.next_is('}') {
                self.rest.next();
            }
            &self.pattern[begin..begin + length]
        } else {
            let begin = self.position();
            self.rest.next();
            &self.pattern[begin..self.position()]
        };
        let (name, letter) = match name.strip_prefix('^') {
            Some(name) => (name, if letter == 'p' { 'P' } else { 'p' }),
            None => (name, letter),
        };
        let text = format!("\\{letter}{{{name}}}");
        match regex_syntax::parse(&text) {
            Ok(_) => Ok(text),
            Err(_) => {
                let end = self.position();
                Err(format!("invalid character class range: {}", &self.pattern[at..end]))
            }
        }
    }

    fn hexadecimal(&mut self, at: usize) -> Result<String, String> {
        let digits: String = if self.next_is('{') {
            let digits = std::iter::from_fn(|| self.rest.next_if(|(_, one)| one.is_ascii_hexdigit()));
            let digits = digits.map(|(_, digit)| digit).collect();
            if !self.next_is('}') {
                return Err(self.bad_escape(at));
            }
            digits
        } else {
            let digits = std::iter::from_fn(|| self.rest.next_if(|(_, one)| one.is_ascii_hexdigit()));
            let digits: String = digits.take(2).map(|(_, digit)| digit).collect();
            if digits.len() < 2 {
                return Err(self.bad_escape(at));
            }
            digits
        };
        let number = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
        number.map(|one| format!("\\x{{{:x}}}", u32::from(one))).ok_or_else(|| self.bad_escape(at))
    }

    /// A single digit but 0 would be a reference to what was matched before, which RE2 does not have.
    fn octal(&mut self, at: usize, first: char) -> Result<String, String> {
        let more = std::iter::from_fn(|| self.rest.next_if(|(_, one)| matches!(one, '0'..='7')));
        let digits: String = std::iter::once(first).chain(more.take(2).map(|(_, digit)| digit)).collect();
        if first != '0' && digits.len() == 1 {
            return Err(self.bad_escape(at));
        }
        let number = u32::from_str_radix(&digits, 8).unwrap_or(0);
        Ok(format!("\\x{{{number:x}}}"))
    }

    fn class(&mut self, at: usize) -> Result<(), String> {
        let missing = || format!("missing ]: {}", &self.pattern[at..]);
        let mut class = String::from("[");
        if self.next_is('^') {
            class.push('^');
        }
        let mut is_first = true;
        loop {
            let (here, character) = self.rest.next().ok_or_else(missing)?;
            if character == ']' && !is_first {
                break;
            }
            is_first = false;
            if let Some(name) = self.posix_class(here)? {
                class += name;
                continue;
            }
            let (low, is_set) = self.member(here, character).transpose().ok_or_else(missing)??;
            class += &low;
            let mut ahead = self.rest.clone();
            let is_range = !is_set
                && ahead.next().is_some_and(|(_, one)| one == '-')
                && ahead.peek().is_some_and(|(_, one)| *one != ']');
            if is_range {
                self.rest.next();
                let (there, character) = self.rest.next().ok_or_else(missing)?;
                let (high, _) = self.member(there, character).transpose().ok_or_else(missing)??;
                class.push('-');
                class += &high;
                let end = self.position();
                if regex_syntax::parse(&format!("[{low}-{high}]")).is_err() {
                    return Err(format!("invalid character class range: {}", &self.pattern[here..end]));
                }
            }
        }
        class.push(']');
        self.thing(&class);
        Ok(())
    }

    /// The `[:alpha:]` whose bracket was just read within a class.
    fn posix_class(&mut self, at: usize) -> Result<Option<&'a str>, String> {
        let Some(inner) = self.pattern[at..].strip_prefix("[:") else { return Ok(None) };
        let Some(length) = inner.find(":]") else { return Ok(None) };
        let name = &self.pattern[at..at + length + 4];
        if !POSIX_CLASSES.contains(&inner[..length].trim_start_matches('^')) {
            return Err(format!("invalid character class range: {name}"));
        }
        for _ in 1..name.chars().count() {
            self.rest.next();
        }
        Ok(Some(name))
    }

    /// One member of a class, and whether it is a set; `None` if the pattern ends here.
    fn member(&mut self, at: usize, character: char) -> Result<Option<(String, bool)>, String> {
        if character != '\\' {
            return Ok(Some((format!("\\x{{{:x}}}", u32::from(character)), false)));
        }
        let Some((_, escaped)) = self.rest.next() else {
            return Ok(None);
        };
        let is_set = matches!(escaped, 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P');
        Ok(Some((self.character(at, escaped, true)?, is_set)))
    }
}
