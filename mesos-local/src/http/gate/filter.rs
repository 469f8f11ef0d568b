//! Requests as bytes: their heads are checked and rewritten, their bodies pass as they are.

use bytes::BytesMut;

/// The largest head.
const MAX_HEAD: usize = 80 * 1024;

/// The longest line with the size of a chunk, or behind the last one.
const MAX_LINE: usize = 8 * 1024;

/// Other methods are no HTTP to a real master.
const METHODS: [&str; 33] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// Stands for a blank at the end of a header's value, which is part of the value to a real master. The server
/// would cut it off.
pub(super) const BLANK: u8 = 0xa0;

/// Takes bytes in any portions and gives out what may pass.
///
/// What makes no sense behind a first request passes as it is: the answers to what came before are on their way,
/// and the server answers it in its own way.
#[derive(Debug, Default)]
pub(super) struct Filter {
    state: State,
    /// Whether a head has passed.
    has_begun: bool,
    /// Not yet looked at, or not complete.
    input: BytesMut,
    passed: BytesMut,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// So many bytes of a body.
    Body(u64),
    ChunkSize,
    /// A chunk and the line end behind it.
    Chunk(u64),
    /// The lines behind the last chunk, up to an empty one.
    Trailer,
    /// Nothing that is looked at.
    Anything,
}

impl Filter {
    pub(super) fn passed(&mut self) -> &mut BytesMut {
        &mut self.passed
    }

    /// # Errors
    /// The connection has to end: this is no HTTP, or too large a head.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        self.input.extend_from_slice(bytes);
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(_) if self.has_begun => self.state = State::Anything,
                Err(text) => return Err(text),
            }
        }
    }

    /// Takes one part of a request; `false` if more has to come before.
    fn step(&mut self) -> Result<bool, &'static str> {
        match self.state {
            State::Head => return self.head(),
            State::Anything => {
                self.passed.extend_from_slice(&self.input.split());
                return Ok(false);
            }
            State::Body(left) => {
                if !self.pass_body(left, State::Body, State::Head) {
                    return Ok(false);
                }
            }
            State::Chunk(left) => {
                if !self.pass_body(left, State::Chunk, State::ChunkSize) {
                    return Ok(false);
                }
            }
            State::ChunkSize => {
                let Some(line) = self.line()? else { return Ok(false) };
                let digits = line[..].split(|byte| *byte == b';').next().unwrap_or_default();
                let digits = std::str::from_utf8(digits).unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16).map_err(|_| "the size of a chunk is no number")?;
                self.state = match size {
                    0 => State::Trailer,
                    // The line end behind it counts with it.
                    size => State::Chunk(size.checked_add(2).ok_or("a chunk is too large")?),
                };
                self.passed.extend_from_slice(&line);
                self.passed.extend_from_slice(b"\r\n");
            }
            State::Trailer => {
                let Some(line) = self.line()? else { return Ok(false) };
                if line.is_empty() {
                    self.state = State::Head;
                }
                self.passed.extend_from_slice(&line);
                self.passed.extend_from_slice(b"\r\n");
            }
        }
        Ok(true)
    }

    fn pass_body(&mut self, left: u64, more: fn(u64) -> State, done: State) -> bool {
        if left == 0 {
            self.state = done;
            return true;
        }
        if self.input.is_empty() {
            return false;
        }
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(self.input.len());
        self.passed.extend_from_slice(&self.input.split_to(length));
        self.state = more(left - length as u64);
        true
    }

    /// One line without its end.
    fn line(&mut self) -> Result<Option<BytesMut>, &'static str> {
        let Some(end) = self.input.iter().position(|byte| *byte == b'\n') else {
            return if self.input.len() > MAX_LINE { Err("a line is too long") } else { Ok(None) };
        };
        let mut line = self.input.split_to(end + 1);
        line.truncate(end);
        if line.ends_with(b"\r") {
            line.truncate(end - 1);
        }
        Ok(Some(line))
    }

    fn head(&mut self) -> Result<bool, &'static str> {
        // Empty lines in front of a request mean nothing.
        while let [b'\n', ..] | [b'\r', b'\n', ..] = self.input[..] {
            let length = if self.input[0] == b'\n' { 1 } else { 2 };
            let _ = self.input.split_to(length);
        }
        if self.input[..] == b"\r"[..] {
            return Ok(false);
        }
        let Some(length) = head_length(&self.input) else {
            if self.input.len() > MAX_HEAD {
                return Err("the head is too large");
            }
            // What can be no request is not waited for.
            check_beginning(&self.input)?;
            return Ok(false);
        };
        if length > MAX_HEAD {
            return Err("the head is too large");
        }
        let head = self.input[..length].to_vec();
        let lines =
            head[..].split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut lines = lines.filter(|line| !line.is_empty());
        let mut passed = BytesMut::with_capacity(length);
        let is_old = request_line(lines.next().unwrap_or_default(), &mut passed)?;
        let mut body = State::Body(0);
        let mut lasts = !is_old;
        for line in lines {
            let colon = line.iter().position(|byte| *byte == b':').ok_or("a header has no colon")?;
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
                return Err("a header has no name");
            }
            if name.eq_ignore_ascii_case(b"expect") {
                continue;
            }
            if name.eq_ignore_ascii_case(b"connection") && value.eq_ignore_ascii_case(b"keep-alive") {
                lasts = true;
            }
            if name.eq_ignore_ascii_case(b"transfer-encoding") && value.eq_ignore_ascii_case(b"chunked") {
                body = State::ChunkSize;
            }
            if name.eq_ignore_ascii_case(b"content-length") && body != State::ChunkSize {
                let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                body = State::Body(number.ok_or("Content-Length is no number")?);
            }
            let text = line.trim_ascii_end();
            passed.extend_from_slice(text);
            if !text.ends_with(b":") && !is_of_the_server(name) {
                passed.extend_from_slice(&[BLANK].repeat(line.len() - text.len()));
            }
            passed.extend_from_slice(b"\r\n");
        }
        if !lasts {
            passed.extend_from_slice(b"Connection: close\r\n");
        }
        passed.extend_from_slice(b"\r\n");
        self.passed.unsplit(passed);
        let _read = self.input.split_to(length);
        (self.state, self.has_begun) = (body, true);
        Ok(true)
    }
}

/// Passes the first line on as one of HTTP/1.1; tells whether it is of HTTP/1.0.
fn request_line(line: &[u8], passed: &mut BytesMut) -> Result<bool, &'static str> {
    if line.starts_with(b" ") {
        return Err("this is no request");
    }
    let mut parts = line.split(|byte| *byte == b' ').filter(|part| !part.is_empty());
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("this is no request");
    };
    if !METHODS.iter().any(|known| known.as_bytes() == method) {
        return Err("this is no request");
    }
    let is_absolute = target.starts_with(b"http://") || target.starts_with(b"https://");
    if !target.starts_with(b"/") && !is_absolute && target != b"*" {
        return Err("the path does not begin with a slash");
    }
    let is_old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err("the version is none that is spoken here"),
    };
    for part in [method, b" ", target, b" HTTP/1.1\r\n"] {
        passed.extend_from_slice(part);
    }
    Ok(is_old)
}

/// Bytes up to and with the empty line.
fn head_length(input: &[u8]) -> Option<usize> {
    let mut ends = input.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    ends.find_map(|at| match &input[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The first bytes have to be those of a method.
fn check_beginning(input: &[u8]) -> Result<(), &'static str> {
    let word = input.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_whole = word.len() < input.len();
    let is_possible = METHODS.iter().any(|method| match is_whole {
        true => method.as_bytes() == word,
        false => method.as_bytes().starts_with(word),
    });
    if is_possible { Ok(()) } else { Err("this is no request") }
}

/// The server itself understands these.
fn is_of_the_server(name: &[u8]) -> bool {
    let names = ["connection", "content-length", "host", "transfer-encoding", "upgrade"];
    names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What passes, however the bytes are cut.
    fn check(sent: &str, expected: Result<&str, &str>) {
        for cut in 1..=sent.len() {
            let mut filter = Filter::default();
            let outcome = sent.as_bytes().chunks(cut).try_for_each(|chunk| filter.push(chunk));
            let passed = String::from_utf8(filter.passed().to_vec()).unwrap();
            match expected {
                Ok(expected) => assert_eq!((outcome, passed.as_str()), (Ok(()), expected), "cut at {cut}"),
                Err(expected) => assert_eq!(outcome, Err(expected), "cut at {cut}"),
            }
        }
    }

    #[test]
    fn requests_pass_one_after_the_other() {
        let get = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET x";
        let chunked =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n\r\n\r\nx\r\n0\r\nX: y\r\n\r\n";
        let all = format!("{get}{post}{chunked}{get}");
        check(&all, Ok(&all));
    }

    #[test]
    fn heads_are_rewritten_where_the_server_would_do_too_much() {
        check(
            "\r\nPOST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 1\n\nx",
            Ok("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"),
        );
        check("GET / HTTP/1.0\r\n\r\n", Ok("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
        let kept = "Connection: keep-alive\r\n\r\n";
        check(&format!("GET / HTTP/1.0\r\n{kept}"), Ok(&format!("GET / HTTP/1.1\r\n{kept}")));
        let mut filter = Filter::default();
        filter.push(b"GET / HTTP/1.1\r\nA:  b \t\r\nHost: a \r\nC: \r\n\r\n").unwrap();
        let kept = b"GET / HTTP/1.1\r\nA:  b\xa0\xa0\r\nHost: a\r\nC:\r\n\r\n";
        assert_eq!(filter.passed()[..], kept[..]);
        check("GET http://a/b HTTP/1.1\r\n\r\n", Ok("GET http://a/b HTTP/1.1\r\n\r\n"));
    }

    #[test]
    fn what_is_no_request_ends_the_connection() {
        check("POST api/v1/scheduler HTTP/1.1\r\n\r\n", Err("the path does not begin with a slash"));
        check("\u{16}\u{3}\u{1}", Err("this is no request"));
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Err("this is no request"));
        check("hello", Err("this is no request"));
        check("GET / HTTP/2.0\r\n\r\n", Err("the version is none that is spoken here"));
        check("GET /\r\n\r\n", Err("this is no request"));
        check("GET / HTTP/1.1\r\nno colon\r\n\r\n", Err("a header has no colon"));
        check("POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", Err("Content-Length is no number"));
    }

    #[test]
    fn what_comes_behind_a_request_passes_as_it_is() {
        let get = "GET / HTTP/1.1\r\n\r\n";
        for rest in ["nonsense", "PRI * HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"] {
            check(&format!("{get}{rest}"), Ok(&format!("{get}{rest}")));
        }
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n";
        check(&format!("{chunked}0\r\n\r\n{get}"), Ok(&format!("{chunked}0\r\n\r\n{get}")));
    }

    proptest! {
        #[test]
        fn what_passes_does_not_depend_on_how_the_bytes_are_cut(
            sent in "(GET |POST |/|HTTP/1\\.[01]|\r\n|\n|Content-Length: [0-9]|Transfer-Encoding: chunked|[a-z:; ]|[0-9a-f]|\\PC){0,40}",
            cut in 1_usize..9,
        ) {
            let all = |size: usize| {
                let mut filter = Filter::default();
                let outcome = sent.as_bytes().chunks(size).try_for_each(|chunk| filter.push(chunk));
                (outcome, filter.passed().to_vec())
            };
            let (whole, cut) = (all(sent.len().max(1)), all(cut));
            prop_assert_eq!(whole, cut);
        }
    }

    #[test]
    fn heads_have_a_limit() {
        let head = |length: usize| format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(length));
        assert_eq!(Filter::default().push(head(79 * 1024).as_bytes()), Ok(()));
        assert_eq!(Filter::default().push(head(90 * 1024).as_bytes()), Err("the head is too large"));
        let endless = "GET / HTTP/1.1\r\nX: ".to_owned() + &"x".repeat(90 * 1024);
        assert_eq!(Filter::default().push(endless.as_bytes()), Err("the head is too large"));
    }
}
