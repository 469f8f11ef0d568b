//! Reads the head of an answer: its status, and how its body ends.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::{Header, Response, Status};

/// What a head says that matters for any answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A 1xx, which another head follows.
    Interim,
    Final {
        status: StatusCode,
        /// The server takes no further request of this connection.
        is_last: bool,
        framing: Framing,
    },
}

/// How a body ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After a chunk of no bytes, and trailers.
    Chunked,
    /// With the connection.
    UntilEnd,
}

/// As much as Mesos takes as the head of a request; a head is not larger for a good reason.
pub(crate) const MAX_HEAD_BYTES: usize = 80 * 1024;

const MAX_HEADERS: usize = 128;

/// Reads a head at the start of `bytes` and tells its length; `None` if more bytes are needed.
///
/// # Errors
/// This is no head of an HTTP/1 answer, or not one that tells where its body ends.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(usize, Head)>, String> {
    read(bytes).map_err(|what| format!("expected an answer of HTTP/1.1, found '{}': {what}", excerpt(bytes)))
}

/// All headers of a head that [`parse`] has found at the start of `bytes`.
pub(crate) fn headers(bytes: &[u8]) -> HeaderMap {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let mut map = HeaderMap::new();
    if response.parse(bytes).is_ok() {
        for Header { name, value } in response.headers.iter() {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
    }
    map
}

fn read(bytes: &[u8]) -> Result<Option<(usize, Head)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let status = response.parse(bytes).map_err(|error| error.to_string())?;
    let length = match status {
        Status::Complete(length) => length,
        Status::Partial => bytes.len(),
    };
    if length > MAX_HEAD_BYTES {
        return Err(format!("a head of more than {MAX_HEAD_BYTES} bytes"));
    }
    match (status, response.version, response.code) {
        (Status::Complete(_), Some(version), Some(code)) => {
            Ok(Some((length, interpret(version, code, response.headers)?)))
        }
        (Status::Complete(_) | Status::Partial, _, _) => Ok(None),
    }
}

fn interpret(version: u8, code: u16, headers: &[Header<'_>]) -> Result<Head, String> {
    let status = StatusCode::from_u16(code).map_err(|_| format!("there is no status {code:03}"))?;
    match code {
        101 => return Err("the protocol is not to be changed".to_owned()),
        100..=199 => return Ok(Head::Interim),
        _ => {}
    }
    let is_old = version == 0;
    let is_last =
        lists(headers, "connection", "close") || is_old && !lists(headers, "connection", "keep-alive");
    Ok(Head::Final { status, is_last, framing: framing(code, headers)? })
}

fn framing(code: u16, headers: &[Header<'_>]) -> Result<Framing, String> {
    if matches!(code, 204 | 304) {
        return Ok(Framing::Length(0));
    }
    if let Some(last) = elements(headers, "transfer-encoding").last() {
        // A coding below the chunks would only garble what is found in them; nothing here accepts one.
        return Ok(if last.eq_ignore_ascii_case(b"chunked") { Framing::Chunked } else { Framing::UntilEnd });
    }
    let mut length = None;
    for element in elements(headers, "content-length") {
        let digits = std::str::from_utf8(element).ok().filter(|text| !text.starts_with('+'));
        let parsed = digits.and_then(|text| text.parse::<u64>().ok());
        match (parsed, length) {
            // The same length may be said several times.
            (Some(number), None) => length = Some(number),
            (Some(number), Some(before)) if number == before => {}
            (Some(_) | None, _) => {
                return Err(format!("'{}' is not its Content-Length", element.escape_ascii()));
            }
        }
    }
    Ok(length.map_or(Framing::UntilEnd, Framing::Length))
}

fn lists(headers: &[Header<'_>], name: &str, element: &str) -> bool {
    elements(headers, name).any(|found| found.eq_ignore_ascii_case(element.as_bytes()))
}

/// The elements of all headers of this name, which is a list in HTTP.
fn elements<'a>(headers: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let values = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    values.flat_map(|header| header.value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// The first line of what came, for a human.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const LONGEST: usize = 60;
    let line = bytes.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii_end();
    let shown = line[..line.len().min(LONGEST)].escape_ascii();
    if line.len() > LONGEST { format!("{shown}…") } else { shown.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, code: u16, is_last: bool, framing: Framing) {
        let head = format!("{head}\r\n\r\n");
        let status = StatusCode::from_u16(code).unwrap();
        let expected = Head::Final { status, is_last, framing };
        assert_eq!(parse(head.as_bytes()), Ok(Some((head.len(), expected))), "{head}");
        for cut in 0..head.len() {
            assert_eq!(parse(&head.as_bytes()[..cut]), Ok(None), "{head} cut at {cut}");
        }
    }

    #[test]
    fn a_body_ends_as_the_head_says() {
        check("HTTP/1.1 202 Accepted\r\nContent-Length: 0", 202, false, Framing::Length(0));
        check("HTTP/1.1 400 Bad\r\ncontent-length: 12", 400, false, Framing::Length(12));
        check(
            "HTTP/1.1 400 Bad\r\nContent-Length: 5, 5\r\nContent-Length: 5",
            400,
            false,
            Framing::Length(5),
        );
        check("HTTP/1.1 400 Bad\r\nTransfer-Encoding: Chunked", 400, false, Framing::Chunked);
        check("HTTP/1.1 400 Bad\r\nTransfer-Encoding: gzip, chunked", 400, false, Framing::Chunked);
        check("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked, gzip", 400, false, Framing::UntilEnd);
        check(
            "HTTP/1.1 400\r\nContent-Length: 7\r\nTransfer-Encoding: chunked",
            400,
            false,
            Framing::Chunked,
        );
        check("HTTP/1.1 400 Bad", 400, false, Framing::UntilEnd);
        check("HTTP/1.1 204 No Content", 204, false, Framing::Length(0));
        check("HTTP/1.1 304 Not Modified\r\nContent-Length: 9", 304, false, Framing::Length(0));
        // Between answers an empty line is harmless.
        check("\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0", 202, false, Framing::Length(0));
    }

    #[test]
    fn a_connection_ends_as_the_head_says() {
        check(
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: Close",
            202,
            true,
            Framing::Length(0),
        );
        check("HTTP/1.1 204 Gone\r\nConnection: x , close", 204, true, Framing::Length(0));
        check("HTTP/1.1 204 Gone\r\nConnection: keep-alive", 204, false, Framing::Length(0));
        check("HTTP/1.0 204 Gone", 204, true, Framing::Length(0));
        check("HTTP/1.0 204 Gone\r\nConnection: keep-alive", 204, false, Framing::Length(0));
        check("HTTP/1.0 204 Gone\r\nConnection: keep-alive, close", 204, true, Framing::Length(0));
    }

    #[test]
    fn a_1xx_is_not_the_answer() {
        for head in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"] {
            assert_eq!(parse(head.as_bytes()), Ok(Some((head.len(), Head::Interim))));
        }
    }

    #[test]
    fn what_is_no_head_is_shown() {
        for (bytes, message) in [
            ("SSH-2.0-OpenSSH_9.2p1\r\n", "found 'SSH-2.0-OpenSSH_9.2p1': invalid HTTP version"),
            ("\x15\x03\x01", "found '\\x15\\x03\\x01': invalid HTTP version"),
            ("HTTP/2.0 200 OK\r\n\r\n", "found 'HTTP/2.0 200 OK': invalid HTTP version"),
            ("HTTP/1.1 2x0 OK\r\n\r\n", "found 'HTTP/1.1 2x0 OK': invalid response status"),
            ("HTTP/1.1 099 OK\r\n\r\n", "found 'HTTP/1.1 099 OK': there is no status 099"),
            ("HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", "found 'HTTP/1.1 200 OK': invalid header name"),
            ("HTTP/1.1 101 Up\r\n\r\n", "found 'HTTP/1.1 101 Up': the protocol is not to be changed"),
            (
                "HTTP/1.1 400 Bad\r\nContent-Length: +5\r\n\r\n",
                "found 'HTTP/1.1 400 Bad': '+5' is not its Content-Length",
            ),
            (
                "HTTP/1.1 400 Bad\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                "found 'HTTP/1.1 400 Bad': '6' is not its Content-Length",
            ),
        ] {
            let expected = format!("expected an answer of HTTP/1.1, {message}");
            assert_eq!(parse(bytes.as_bytes()), Err(expected));
        }
    }

    #[test]
    fn a_head_has_limits() {
        let head = |size: usize| {
            let rest = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: \r\n\r\n";
            rest.replace("A: ", &format!("A: {}", "x".repeat(size - rest.len())))
        };
        let fits = head(MAX_HEAD_BYTES);
        assert!(matches!(parse(fits.as_bytes()), Ok(Some((MAX_HEAD_BYTES, _)))));
        let message =
            "expected an answer of HTTP/1.1, found 'HTTP/1.1 200 OK': a head of more than 81920 bytes";
        let too_large = head(MAX_HEAD_BYTES + 1);
        assert_eq!(parse(too_large.as_bytes()).unwrap_err(), message);
        assert_eq!(parse(&head(2 * MAX_HEAD_BYTES).as_bytes()[..=MAX_HEAD_BYTES]).unwrap_err(), message);
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert!(parse(many.as_bytes()).unwrap_err().ends_with(": too many headers"));
    }
}
