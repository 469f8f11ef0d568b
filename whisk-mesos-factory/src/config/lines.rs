//! On which line of which file a key is said. The parser does not keep that, so it is read off the tokens.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use hocon::{Token, TokenKind};

/// Files that include each other deeper than that are left to the parser.
const DEEPEST: usize = 16;

/// A line of a text that was put together from several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceLine {
    pub(super) name: String,
    /// In the text with that name, from 1.
    pub(super) number: usize,
    pub(super) text: String,
}

/// A place where a key is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) number: usize,
    /// Set if the whole value is `${?path}`.
    pub(super) optional: Option<Optional>,
}

/// A field that says nothing if its path does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Optional {
    pub(super) path: Vec<String>,
    /// The field in the text, by the index of its line; `None` if it takes several or is in a file of its own.
    pub(super) field: Option<(usize, Range<usize>)>,
    /// Whether the path does not exist. Who knows all texts finds it out.
    pub(super) is_void: bool,
}

/// All places where the keys of a text are said, those of included files among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(BTreeMap<Vec<String>, Vec<Line>>);

impl Lines {
    /// Reads the lines of one text. What cannot be read the parser complains about.
    pub(super) fn read(source: &[SourceLine], folder: Option<&Path>) -> Self {
        let mut lines = Self::default();
        lines.read_text(source, folder, &[], 0);
        lines
    }

    /// All fields that say nothing if their path does not exist.
    pub(super) fn optionals(&mut self) -> impl Iterator<Item = &mut Optional> {
        self.0.values_mut().flatten().filter_map(|line| line.optional.as_mut())
    }

    /// The places that say this key, the last one last.
    pub(super) fn of(&self, key: &[String]) -> &[Line] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether anything below this key is said.
    pub(super) fn below<'a>(&'a self, key: &'a [String]) -> impl Iterator<Item = &'a Line> {
        let below = self.0.range(key.to_vec()..).take_while(move |(said, _)| said.starts_with(key));
        below.filter(move |(said, _)| said.len() > key.len()).flat_map(|(_, lines)| lines)
    }

    fn read_text(&mut self, source: &[SourceLine], folder: Option<&Path>, below: &[String], depth: usize) {
        let text: Vec<&str> = source.iter().map(|line| line.text.as_str()).collect();
        let Ok(tokens) = hocon::tokenize(&text.join("\n")) else { return };
        let mut reader = Reader { lines: self, source, folder, tokens: &tokens, at: 0, depth };
        while reader.kind() == TokenKind::Newline {
            reader.at += 1;
        }
        if reader.kind() == TokenKind::LBrace {
            reader.at += 1;
        }
        reader.object(below);
    }
}

struct Reader<'a> {
    lines: &'a mut Lines,
    source: &'a [SourceLine],
    folder: Option<&'a Path>,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn kind(&self) -> TokenKind {
        self.tokens.get(self.at).map_or(TokenKind::Eof, |token| token.kind.clone())
    }

    /// Reads up to the brace that closes the object, or to the end.
    fn object(&mut self, below: &[String]) {
        loop {
            while matches!(self.kind(), TokenKind::Newline | TokenKind::Comma) {
                self.at += 1;
            }
            match self.kind() {
                TokenKind::Eof => return,
                TokenKind::RBrace => {
                    self.at += 1;
                    return;
                }
                TokenKind::Unquoted if self.tokens[self.at].value == "include" && self.include(below) => {}
                _ => self.field(below),
            }
        }
    }

    fn field(&mut self, below: &[String]) {
        let start = &self.tokens[self.at];
        let mut key = KeyPath::new(below);
        while let TokenKind::Unquoted | TokenKind::QuotedString | TokenKind::TripleQuotedString = self.kind()
        {
            key.push(&self.tokens[self.at]);
            self.at += 1;
        }
        let key = key.finish();
        let is_replaced = self.kind() != TokenKind::PlusEquals;
        if matches!(self.kind(), TokenKind::Colon | TokenKind::Equals | TokenKind::PlusEquals) {
            self.at += 1;
        }
        while self.kind() == TokenKind::Newline {
            self.at += 1;
        }
        let optional = self.optional(start).filter(|_| is_replaced);
        if let Some(source) = self.source.get(start.line - 1) {
            let line = Line { name: source.name.clone(), number: source.number, optional };
            self.lines.0.entry(key.clone()).or_default().push(line);
        }
        self.value(&key);
    }

    /// The path of `${?path}` if nothing else follows on the line, for the field that starts with a token.
    fn optional(&self, start: &Token) -> Option<Optional> {
        let token = self.tokens.get(self.at)?;
        let substitution = token.subst.as_ref().filter(|substitution| substitution.optional)?;
        let next = self.tokens.get(self.at + 1)?;
        let ends =
            matches!(next.kind, TokenKind::Newline | TokenKind::Comma | TokenKind::RBrace | TokenKind::Eof);
        if !ends || substitution.list_suffix {
            return None;
        }
        let end = if next.kind == TokenKind::Comma { next.col + 1 } else { next.col };
        let is_here = self.depth == 0 && start.line == token.line && token.line == next.line;
        Some(Optional {
            path: substitution.segments.iter().map(|segment| segment.text.clone()).collect(),
            field: is_here.then(|| (start.line - 1, start.col..end)),
            is_void: false,
        })
    }

    /// Passes over a value; fields of objects in it are read.
    fn value(&mut self, key: &[String]) {
        let start = self.at;
        loop {
            match self.kind() {
                TokenKind::LBrace => {
                    self.at += 1;
                    self.object(key);
                }
                TokenKind::LBracket => self.list(),
                TokenKind::Newline | TokenKind::Comma | TokenKind::RBrace | TokenKind::Eof => break,
                _ => self.at += 1,
            }
        }
        // Never stays in one place, whatever the text is.
        if self.at == start && !matches!(self.kind(), TokenKind::Eof | TokenKind::RBrace) {
            self.at += 1;
        }
    }

    fn list(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.kind() {
                TokenKind::LBracket | TokenKind::LBrace => open += 1,
                TokenKind::RBracket | TokenKind::RBrace => open -= 1,
                TokenKind::Eof => return,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }

    /// Reads an included file; false if this is a field that is called `include`.
    fn include(&mut self, below: &[String]) -> bool {
        let rest = &self.tokens[self.at + 1..];
        let end = rest.iter().position(|token| {
            matches!(token.kind, TokenKind::Newline | TokenKind::Comma | TokenKind::RBrace | TokenKind::Eof)
        });
        let statement = &rest[..end.unwrap_or(rest.len())];
        let Some(file) = statement.iter().find(|token| token.kind == TokenKind::QuotedString) else {
            return false;
        };
        if statement.iter().any(|token| matches!(token.kind, TokenKind::Equals | TokenKind::Colon)) {
            return false;
        }
        self.at += 1 + statement.len();
        if self.depth < DEEPEST
            && let Some((path, text)) = find(self.folder, &file.value)
        {
            let source = source_lines(&path.display().to_string(), &text);
            self.lines.read_text(&source, path.parent(), below, self.depth + 1);
        }
        true
    }
}

pub(super) fn source_lines(name: &str, text: &str) -> Vec<SourceLine> {
    let line = |(index, text): (usize, &str)| SourceLine {
        name: name.to_owned(),
        number: index + 1,
        text: text.to_owned(),
    };
    text.split('\n').enumerate().map(line).collect()
}

/// An included file, relative to the one that includes it and perhaps without its extension. `None` if there is not
/// exactly one.
pub(super) fn find(folder: Option<&Path>, file: &str) -> Option<(PathBuf, String)> {
    let path = folder.map_or_else(|| PathBuf::from(file), |folder| folder.join(file));
    let with = |extension: &str| PathBuf::from(format!("{}.{extension}", path.display()));
    let candidates = [path.clone(), with("conf"), with("json"), with("properties")];
    let mut found = candidates.into_iter().filter(|path| path.is_file());
    let (path, None) = (found.next()?, found.next()) else { return None };
    if path.extension().is_some_and(|extension| extension == "properties") {
        return None;
    }
    let text = fs::read_to_string(&path).ok()?;
    Some((path, text))
}

/// The elements of a key, over the tokens that it consists of.
struct KeyPath {
    elements: Vec<String>,
    last: String,
    is_open: bool,
}

impl KeyPath {
    fn new(below: &[String]) -> Self {
        Self { elements: below.to_vec(), last: String::new(), is_open: false }
    }

    fn push(&mut self, token: &Token) {
        if self.is_open {
            self.last.push_str(&token.preceding_whitespace);
        }
        self.is_open = true;
        if token.kind != TokenKind::Unquoted {
            self.last.push_str(&token.value);
            return;
        }
        for (index, part) in token.value.split('.').enumerate() {
            if index > 0 {
                self.elements.push(std::mem::take(&mut self.last));
            }
            self.last.push_str(part);
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.elements.push(self.last);
        self.elements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Lines {
        Lines::read(&source_lines("a.conf", text), None)
    }

    fn key(path: &str) -> Vec<String> {
        path.split('.').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(text: &str, path: &str, numbers: &[usize]) {
        let lines = lines(text);
        let found: Vec<usize> = lines.of(&key(path)).iter().map(|line| line.number).collect();
        assert_eq!(found, numbers, "{path} in {text}");
    }

    #[test]
    fn keys_are_found_in_every_form_of_writing_them() {
        for (text, path, numbers) in [
            ("a = 1", "a", &[1][..]),
            ("\n{ a { b : 1 } }", "a.b", &[2]),
            ("a.b.c = 1\na.b { c = 2 }\n", "a.b.c", &[1, 2]),
            ("a { # b\n  // c\n  b = 1, c = 2\n  d = 3 }", "a.c", &[3]),
            ("a { # b\n  // c\n  b = 1, c = 2\n  d = 3 }", "a.d", &[4]),
            ("a = [\n {b = 1}\n, 2 ]\nc = 1", "c", &[4]),
            ("a = \"\"\"x\n b = 2\n\"\"\"\nc = ${a}{ d = 1 }", "c.d", &[4]),
            ("a = ${x} {\n b = 1 }", "a.b", &[2]),
            ("a += 1\na += 2", "a", &[1, 2]),
            ("include = 3", "include", &[1]),
            ("a = }\nb = 1", "b", &[]),
        ] {
            check(text, path, numbers);
        }
        assert_eq!(lines("a.\"b.c\".d = 1").of(&["a".into(), "b.c".into(), "d".into()]).len(), 1);
    }

    #[test]
    fn a_line_that_is_only_an_optional_substitution_tells_its_path() {
        let mut lines = lines("a = 1\n a = ${?x.Y} # c\nb = ${?Y}z, c = ${?Z}, d = 1");
        let optionals: Vec<_> =
            lines.optionals().map(|optional| (optional.path.join("."), optional.field.clone())).collect();
        assert_eq!(optionals, [("x.Y".to_owned(), Some((1, 2..17))), ("Z".to_owned(), Some((2, 13..23)))]);
    }

    #[test]
    fn broken_texts_are_read_to_their_end() {
        for text in
            ["{{{", "a = [", "a = {", "}}}", "= = =", "a [ } ]", ",,,", "${x}", "include", "+= 1", "] = 3"]
        {
            lines(text);
        }
    }

    #[test]
    fn included_files_are_read_below_the_place_that_includes_them() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner.conf");
        fs::write(&inner, "\nb = 1").unwrap();
        let text = "a {\n include required(file(\"inner.conf\"))\n}\ninclude \"inner\"\ninclude \"nothing\"";
        let lines = Lines::read(&source_lines("a.conf", text), Some(folder.path()));
        for path in ["a.b", "b"] {
            let line = &lines.of(&key(path))[0];
            assert_eq!((line.name.as_str(), line.number), (inner.to_str().unwrap(), 2), "{path}");
        }
    }
}
