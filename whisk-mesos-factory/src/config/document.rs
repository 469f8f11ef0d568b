//! One HOCON text: parsed, with the lines of its keys.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use hocon::{HoconError, ParseOptions, Token, TokenKind};

use super::lines::{Lines, SourceLine, find, source_lines};

/// Files that include each other deeper than that go round in a circle.
const DEEPEST: usize = 16;

/// What OpenWhisk has on its class path; all of it that matters here is built in.
const BUILT_IN: [&str; 2] = ["application.conf", "reference.conf"];

/// A text that is good HOCON by itself; its substitutions wait for the other texts.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: String,
    /// Fields without braces around them, so that other texts can follow; with the files that it includes outside
    /// of any section.
    pub(super) text: Vec<SourceLine>,
    pub(super) lines: Lines,
    /// What was passed over in it.
    pub(super) warnings: Vec<String>,
}

/// A part of a line that is replaced.
#[derive(Debug)]
struct Edit {
    /// From 0.
    line: usize,
    columns: Range<usize>,
    with: Replacement,
}

#[derive(Debug)]
enum Replacement {
    Text(String),
    File(PathBuf, String),
}

impl Document {
    /// Reads a text. Files that it includes are looked for in `folder`.
    pub(super) fn parse(name: &str, text: &str, folder: Option<&Path>) -> Result<Self, String> {
        let mut warnings = Vec::new();
        let text = assemble(name, text, folder, &mut warnings, 0)?;
        let lines = Lines::read(&text, folder);
        Ok(Self { name: name.to_owned(), text, lines, warnings })
    }
}

/// A text with the files that it includes. A file that is included within a section is left to the parser, because its
/// substitutions mean keys of that section.
fn assemble(
    name: &str,
    text: &str,
    folder: Option<&Path>,
    warnings: &mut Vec<String>,
    depth: usize,
) -> Result<Vec<SourceLine>, String> {
    let explained = |error: HoconError| explain(&error, |line, _| (name.to_owned(), Some(line)));
    let mut tokens = hocon::tokenize(text).map_err(|error| explained(error.into()))?;
    let source = source_lines(name, text);
    let mut passed_over = Vec::new();
    let mut class_path = edits(name, &tokens, folder, 0, &mut |warning| passed_over.push(warning));
    class_path.retain(|edit| matches!(&edit.with, Replacement::Text(text) if text.is_empty()));
    if !class_path.is_empty() {
        warnings.append(&mut passed_over);
        let without = edited(source, class_path, warnings, depth)?;
        let without: Vec<String> = without.into_iter().map(|line| line.text).collect();
        let without = without.join("\n");
        // Each time something is taken out, so that this comes to an end.
        if without.len() < text.len() {
            return assemble(name, &without, folder, warnings, depth);
        }
        return Err(format!("{name}: an include from the class path cannot be passed over"));
    }
    let mut options = ParseOptions::defaults().with_resolve_substitutions(false);
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
        options = options.with_base_dir(folder.to_owned());
    }
    hocon::parse_string_with_options(text, options).map_err(explained)?;
    let is_content = |token: &&Token| !matches!(token.kind, TokenKind::Newline | TokenKind::Eof);
    let first = tokens.iter().find(is_content).filter(|token| token.kind == TokenKind::LBrace);
    let braces = first.map(|first| (first.clone(), tokens.iter().rfind(is_content).unwrap_or(first).clone()));
    let base = usize::from(braces.is_some());
    let mut edits = edits(name, &tokens, folder, base, &mut |_| {});
    for brace in braces.into_iter().flat_map(|(first, last)| [first, last]) {
        let columns = brace.col..brace.col + 1;
        edits.push(Edit { line: brace.line - 1, columns, with: Replacement::Text(" ".to_owned()) });
    }
    tokens.clear();
    edited(source, edits, warnings, depth)
}

/// What has to be changed about the includes of a text. `base` is how deep its outermost fields are.
fn edits(
    name: &str,
    tokens: &[Token],
    folder: Option<&Path>,
    base: usize,
    warn: &mut dyn FnMut(String),
) -> Vec<Edit> {
    let mut open = 0_usize;
    let mut edits = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::LBrace | TokenKind::LBracket => open += 1,
            // What closes too much the parser complains about.
            TokenKind::RBrace | TokenKind::RBracket => open = open.saturating_sub(1),
            TokenKind::Unquoted if token.value == "include" => {
                edits.extend(edit_include(name, &tokens[index..], folder, open == base, warn));
            }
            _ => {}
        }
    }
    edits
}

/// An error with the place where it is. `place` knows the text and the line in it, by the line in what was
/// parsed and a text that must be on it.
pub(super) fn explain(error: &HoconError, place: impl Fn(usize, &str) -> (String, Option<usize>)) -> String {
    let (line, column, path, message) = match error {
        HoconError::Parse(error) => (error.line, error.col, "", &error.message),
        HoconError::Resolve(error) => (error.line, error.col, error.path.as_str(), &error.message),
        HoconError::Config(error) => (1, 1, "", &error.message),
        other => return other.to_string(),
    };
    match place(line, path) {
        (name, Some(line)) => format!("{name}:{line}:{column}: {message}"),
        (name, None) => format!("{name}: {message}"),
    }
}

/// Takes `include classpath("…")` away, which is how files of OpenWhisk start from its defaults; puts an included file in
/// its place; or makes its path complete.
fn edit_include(
    name: &str,
    tokens: &[Token],
    folder: Option<&Path>,
    is_outermost: bool,
    warn: &mut dyn FnMut(String),
) -> Option<Edit> {
    let (include, rest) = tokens.split_first()?;
    let at = rest.iter().take(2).position(|token| token.kind == TokenKind::QuotedString)?;
    let (opening, file, mut after) = (rest[..at].first(), &rest[at], &rest[at + 1..]);
    if opening.is_some_and(|opening| opening.kind != TokenKind::Unquoted || !opening.value.ends_with('(')) {
        return None;
    }
    let mut end = file.col + quoted(&file.value).chars().count();
    if opening.is_some() {
        let close = after.first().filter(|close| close.line == include.line)?;
        end = close.col + close.value.chars().count();
        after = &after[1..];
    }
    if let Some(comma) = after.first().filter(|token| token.kind == TokenKind::Comma) {
        end = comma.col + 1;
    }
    let whole = |with| Some(Edit { line: include.line - 1, columns: include.col..end, with });
    if opening.is_some_and(|opening| opening.value.contains("classpath(")) {
        if !BUILT_IN.contains(&file.value.as_str()) {
            warn(format!(
                "{name}:{}: include classpath(\"{}\") is passed over: there is no class path here",
                include.line,
                file.value.escape_debug()
            ));
        }
        return whole(Replacement::Text(String::new()));
    }
    if opening
        .is_some_and(|opening| !opening.value.ends_with("file(") && !opening.value.ends_with("required("))
    {
        return None;
    }
    if is_outermost && let Some((path, text)) = find(folder, &file.value) {
        return whole(Replacement::File(path, text));
    }
    let path = folder.filter(|folder| !folder.as_os_str().is_empty())?.join(&file.value);
    let columns = file.col..file.col + quoted(&file.value).chars().count();
    Some(Edit { line: file.line - 1, columns, with: Replacement::Text(quoted(&path.display().to_string())) })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The text with its edits; the columns of one edit may not be those of another.
fn edited(
    source: Vec<SourceLine>,
    mut edits: Vec<Edit>,
    warnings: &mut Vec<String>,
    depth: usize,
) -> Result<Vec<SourceLine>, String> {
    edits.sort_by_key(|edit| (edit.line, edit.columns.start));
    let mut edits = edits.into_iter().peekable();
    let mut lines = Vec::new();
    for (index, line) in source.into_iter().enumerate() {
        let letters: Vec<char> = line.text.chars().collect();
        let cut = |from: usize, to: usize| -> String {
            let to = to.min(letters.len());
            letters[from.min(to)..to].iter().collect()
        };
        let (mut text, mut done) = (String::new(), 0);
        while let Some(edit) = edits.next_if(|edit| edit.line == index) {
            text.push_str(&cut(done, edit.columns.start - 1));
            done = edit.columns.end - 1;
            match edit.with {
                Replacement::Text(replacement) => text.push_str(&replacement),
                Replacement::File(path, content) => {
                    let name = path.display().to_string();
                    if depth >= DEEPEST {
                        return Err(format!("{}:{}: {name} is included in a circle", line.name, line.number));
                    }
                    lines.push(SourceLine { text: std::mem::take(&mut text), ..line.clone() });
                    lines.extend(assemble(&name, &content, path.parent(), warnings, depth + 1)?);
                }
            }
        }
        text.push_str(&cut(done, letters.len()));
        lines.push(SourceLine { text, ..line });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_from_the_class_path_are_passed_over_and_only_the_built_in_ones_silently() {
        let text = "include classpath(\"application.conf\")\nä = \"classpath(ü\", include required(classpath(\"x.conf\")), b = 2";
        let document = Document::parse("w.conf", text, None).unwrap();
        let text: Vec<&str> = document.text.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(text, ["", "ä = \"classpath(ü\",  b = 2"]);
        assert_eq!(
            document.warnings,
            ["w.conf:2: include classpath(\"x.conf\") is passed over: there is no class path here"]
        );
    }

    #[test]
    fn errors_name_the_place() {
        for (text, error) in [
            ("a = 1\nb = [1", "w.conf:2:"),
            ("a {", "w.conf:1:"),
            ("include required(\"no-such.conf\")", "w.conf:1:"),
            ("[1]", "w.conf:1:1:"),
        ] {
            let message = Document::parse("w.conf", text, None).unwrap_err();
            assert!(message.starts_with(error), "{text}: {message}");
        }
    }

    #[test]
    fn a_text_that_breaks_off_or_lacks_a_letter_anywhere_is_read_or_refused() {
        let text = "{ include classpath(\"x\"), a { b = ${?x.y}, c += 1 }\r\n include required(file(\"z\"))\n\
                    d = [1, { e : \"\"\"q\n\"\"\" }] ${f} # g\n h.\"i.j\" = ä${?k}\n}";
        for (at, letter) in text.char_indices() {
            let without = format!("{}{}", &text[..at], &text[at + letter.len_utf8()..]);
            for text in [&text[..at], &text[at..], &without] {
                if let Err(why) = Document::parse("w.conf", text, Some(Path::new("/no/such"))) {
                    assert!(why.starts_with("w.conf"), "{why}");
                }
            }
        }
    }

    #[test]
    fn a_text_can_be_followed_by_others_and_has_its_files_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("x.conf"), "{\n x = 1\n}").unwrap();
        std::fs::write(path.join("y.conf"), "include \"x\", y = ${x}").unwrap();
        let absolute = |name: &str| path.join(name).display().to_string();
        let nested = format!("a {{ include required(file(\"{}\")) }}", absolute("x.conf"));
        let included = &["a = 1, ", " ", " x = 1", " ", " b = 2"][..];
        for (text, read) in [
            ("\n{ a = 1 }\n # end", &["", "  a = 1  ", " # end"][..]),
            ("a { b = 1 }", &["a { b = 1 }"]),
            ("a = 1, include \"x\", b = 2", included),
            ("include required(file(\"y.conf\"))", &["", "", " ", " x = 1", " ", " y = ${x}", ""]),
            ("a { include required(file(\"x.conf\")) }", &[nested.as_str()]),
            ("\"include\" = \"x\"", &["\"include\" = \"x\""]),
        ] {
            let document = Document::parse("w.conf", text, Some(path)).unwrap();
            let lines: Vec<&str> = document.text.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(lines, read, "{text}");
        }
        let document = Document::parse("w.conf", "a = 1\ninclude \"x\"\nb = 1", Some(path)).unwrap();
        let places: Vec<_> = document.text.iter().map(|line| (line.name.as_str(), line.number)).collect();
        let x = absolute("x.conf");
        assert_eq!(
            places,
            [("w.conf", 1), ("w.conf", 2), (&x, 1), (&x, 2), (&x, 3), ("w.conf", 2), ("w.conf", 3)]
        );
        std::fs::write(path.join("z.conf"), "include \"z\"").unwrap();
        Document::parse("w.conf", "include \"z\"", Some(path)).unwrap_err();
    }
}
