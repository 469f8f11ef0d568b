//! `/files/read` of an agent: its URL, and its answer, which is not always JSON.

use bytes::Bytes;

use crate::url::{HttpUrl, UrlError};

/// A part of a file in an answer of `/files/read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChunk {
    /// Where in the file the bytes begin.
    pub offset: u64,
    /// The bytes; empty behind the end. An agent gives at most 64 KiB at once.
    pub data: Bytes,
}

/// What an agent's files are below: its URL without the path of the API and without the name of its actor,
/// `slave(1)`, below which an agent has no files.
pub(super) fn base(url: &HttpUrl, api_path: &str) -> HttpUrl {
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(api_path).unwrap_or(path);
    let path = match path.rsplit_once('/') {
        Some((before, last)) if is_actor(last) => before,
        Some(_) | None => path,
    };
    url.with_path(path).expect("it is the beginning of a path that was checked")
}

fn is_actor(segment: &str) -> bool {
    let number = segment.strip_prefix("slave(").and_then(|rest| rest.strip_suffix(')'));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The path comes from the caller, who may have it from the agent: it may have any length.
pub(super) fn read_url(
    base: &HttpUrl,
    path: &str,
    offset: Option<u64>,
    length: Option<u64>,
) -> Result<HttpUrl, UrlError> {
    let mut query = format!("{}/files/read?path={}", base.path(), percent_encoded(path));
    // Without an offset the answer has the size of the file as its offset.
    for (name, number) in [("offset", offset), ("length", length)] {
        if let Some(number) = number {
            query.push_str(&format!("&{name}={number}"));
        }
    }
    base.with_path(&query)
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(byte.into());
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Reads `{"data":"…","offset":…}`. The agent puts bytes of the file into the string as they are, so that the answer
/// need not be UTF-8, let alone JSON.
pub(super) fn parse(answer: &[u8]) -> Result<FileChunk, String> {
    let mut reader = Reader { rest: answer };
    let (mut data, mut offset) = (None, None);
    reader.expect(b'{')?;
    loop {
        let name = reader.string()?;
        reader.expect(b':')?;
        match name.as_slice() {
            b"data" => data = Some(reader.string()?),
            b"offset" => offset = Some(reader.number()?),
            other => return Err(format!("'{}' is neither 'data' nor 'offset'", other.escape_ascii())),
        }
        if !reader.skip(b',') {
            break;
        }
    }
    reader.expect(b'}')?;
    reader.end()?;
    let data = data.ok_or("'data' is missing")?.into();
    Ok(FileChunk { offset: offset.ok_or("'offset' is missing")?, data })
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// Whether this byte comes next, which is passed over, as is white space before it.
    fn skip(&mut self, byte: u8) -> bool {
        self.rest = self.rest.trim_ascii_start();
        let comes = self.rest.first() == Some(&byte);
        if comes {
            self.rest = &self.rest[1..];
        }
        comes
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.skip(byte) { Ok(()) } else { Err(self.unexpected(&format!("'{}'", char::from(byte)))) }
    }

    fn end(&self) -> Result<(), String> {
        if self.rest.trim_ascii().is_empty() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    fn unexpected(&self, expected: &str) -> String {
        match self.rest {
            [] => format!("it ends where {expected} was expected"),
            rest => format!("'{}' where {expected} was expected", rest[..rest.len().min(20)].escape_ascii()),
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        self.rest = self.rest.trim_ascii_start();
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = str::from_utf8(&self.rest[..digits]).ok().and_then(|digits| digits.parse().ok());
        let number = number.ok_or_else(|| self.unexpected("a number of 64 bits"))?;
        self.rest = &self.rest[digits..];
        Ok(number)
    }

    fn string(&mut self) -> Result<Vec<u8>, String> {
        self.expect(b'"')?;
        let mut bytes = Vec::new();
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(bytes);
                }
                [b'\\', ..] => self.escape(&mut bytes)?,
                [byte, rest @ ..] => {
                    bytes.push(*byte);
                    self.rest = rest;
                }
                [] => return Err(self.unexpected("the end of a string")),
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let byte = match self.rest.get(1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(bytes),
            Some(_) | None => return Err(self.unexpected("an escape")),
        };
        bytes.push(byte);
        self.rest = &self.rest[2..];
        Ok(())
    }

    /// `\u0001`. Mesos writes control characters so and nothing else; others may write two of them for one character.
    fn unicode(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let first = self.unit(0).ok_or_else(|| self.unexpected("an escape"))?;
        let pair = [first, self.unit(6).unwrap_or(0)];
        let decoded = char::decode_utf16(pair).next();
        let Some(Ok(character)) = decoded else { return Err(self.unexpected("a character")) };
        bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
        self.rest = &self.rest[6 * character.len_utf16()..];
        Ok(())
    }

    /// The number of the `\uXXXX` at this place of what comes next.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.rest.get(at..at + 6)?.strip_prefix(br"\u")?;
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        str::from_utf8(digits).ok().filter(|_| is_hex).and_then(|digits| u16::from_str_radix(digits, 16).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_not_below_the_actor_nor_the_api() {
        for (url, read) in [
            ("http://a:1", "/files/read?path=/p"),
            ("http://a:1/", "/files/read?path=/p"),
            ("http://a:1/api/v1", "/files/read?path=/p"),
            ("http://a:1/slave(1)", "/files/read?path=/p"),
            ("http://a:1/slave(12)/api/v1/", "/files/read?path=/p"),
            ("http://a:1/agent/S0", "/agent/S0/files/read?path=/p"),
            ("http://a:1/slave(x)", "/slave(x)/files/read?path=/p"),
        ] {
            let base = base(&url.parse().unwrap(), "/api/v1");
            assert_eq!(read_url(&base, "/p", None, None).unwrap().path(), read, "{url}");
        }
    }

    #[test]
    fn a_path_stays_one_value_of_the_query() {
        let base = "http://a:1".parse().unwrap();
        let url = read_url(&base, "/a b&offset=1+%#?ü", Some(3), Some(4)).unwrap();
        assert_eq!(url.path(), "/files/read?path=/a%20b%26offset%3D1%2B%25%23%3F%C3%BC&offset=3&length=4");
    }

    #[test]
    fn bytes_are_read_as_the_agent_writes_them() {
        for (answer, offset, data) in [
            (&b"{\"data\":\"\",\"offset\":151914}"[..], 151_914, &b""[..]),
            (b" { \"offset\" : 0 , \"data\" : \"a\" } \n", 0, b"a"),
            (b"{\"data\":\"\xff\xfe \xc3\",\"offset\":1}", 1, b"\xff\xfe \xc3"),
            (br#"{"data":"\"\\\/\b\f\n\r\t\u0001\u001f","offset":1}"#, 1, b"\"\\/\x08\x0c\n\r\t\x01\x1f"),
            (br#"{"data":"\u00fc\ud83d\ude00!","offset":1}"#, 1, "ü😀!".as_bytes()),
            (br#"{"data":"a\nb","offset":18446744073709551615}"#, u64::MAX, b"a\nb"),
        ] {
            let chunk = parse(answer).unwrap();
            assert_eq!((chunk.offset, &chunk.data[..]), (offset, data));
        }
    }

    /// As an agent writes it.
    fn answer_of(data: &[u8], offset: u64) -> Vec<u8> {
        let mut answer = b"{\"data\":\"".to_vec();
        for byte in data {
            match byte {
                b'"' | b'\\' | b'/' => answer.extend([b'\\', *byte]),
                b'\n' => answer.extend(br"\n"),
                0..=0x1f | 0x7f => answer.extend(format!("\\u{byte:04x}").bytes()),
                _ => answer.push(*byte),
            }
        }
        answer.extend(format!("\",\"offset\":{offset}}}").bytes());
        answer
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_back(data: Vec<u8>, offset: u64) {
            let chunk = parse(&answer_of(&data, offset)).unwrap();
            assert_eq!((chunk.offset, &chunk.data[..]), (offset, &data[..]));
        }

        #[test]
        fn an_answer_that_is_cut_off_is_none(data: Vec<u8>, offset: u64, at: proptest::sample::Index) {
            let answer = answer_of(&data, offset);
            assert!(parse(&answer[..at.index(answer.len())]).is_err());
        }

        #[test]
        fn no_answer_brings_the_reader_down(start in "\\{\"(data|offset)\":\"?", rest: Vec<u8>) {
            let _ = parse(&[start.as_bytes(), &rest].concat());
        }
    }

    #[test]
    fn another_answer_is_shown_with_what_was_expected() {
        for (answer, why) in [
            (&b""[..], "it ends where '{' was expected"),
            (b"[]", "'[]' where '{' was expected"),
            (b"{}", "'}' where '\"' was expected"),
            (b"{\"data\":\"a", "it ends where the end of a string was expected"),
            (b"{\"data\":1,", "'1,' where '\"' was expected"),
            (b"{\"data\":\"\\x\"", "'\\\\x\\\"' where an escape was expected"),
            (b"{\"data\":\"\\u00g0\"", "'\\\\u00g0\\\"' where an escape was expected"),
            (b"{\"data\":\"\\u+123\"", "'\\\\u+123\\\"' where an escape was expected"),
            (b"{\"data\":\"\\udc00\"", "'\\\\udc00\\\"' where a character was expected"),
            (b"{\"data\":\"\"}", "'offset' is missing"),
            (b"{\"offset\":1}", "'data' is missing"),
            (b"{\"offset\":-1}", "'-1}' where a number of 64 bits was expected"),
            (
                b"{\"offset\":18446744073709551616}",
                "'18446744073709551616' where a number of 64 bits was expected",
            ),
            (b"{\"size\":1}", "'size' is neither 'data' nor 'offset'"),
            (b"{\"data\":\"\",\"offset\":1", "it ends where '}' was expected"),
            (b"{\"data\":\"\",\"offset\":1}x", "'x' where the end was expected"),
        ] {
            assert_eq!(parse(answer).unwrap_err(), why);
        }
    }
}
