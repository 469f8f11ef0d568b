use super::*;

/// What a decoder finds in pieces of bytes, up to the end of the connection.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    answers: Vec<Answer>,
    end: Result<(), String>,
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Found {
    let mut decoder = Decoder::default();
    let mut answers = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_answer() {
                Ok(Some(answer)) => answers.push(answer),
                Ok(None) => break,
                Err(why) => return Found { answers, end: Err(why) },
            }
        }
    }
    let end = decoder.end().map(|last| answers.extend(last));
    Found { answers, end }
}

fn answer(code: u16, text: &str) -> Answer {
    Answer { status: StatusCode::from_u16(code).unwrap(), text: text.to_owned(), is_last: false }
}

/// Checks what is found in `bytes`, in one piece, in all cuts into two, and byte by byte.
#[track_caller]
fn check(bytes: impl AsRef<[u8]>, answers: Vec<Answer>) {
    let bytes = bytes.as_ref();
    let expected = Found { answers, end: Ok(()) };
    assert_eq!(decode([bytes]), expected);
    for cut in 0..=bytes.len() {
        assert_eq!(decode([&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
    }
    assert_eq!(decode(bytes.chunks(1)), expected, "byte by byte");
}

#[test]
fn answers_follow_each_other_with_bodies_of_every_kind() {
    check(
        "HTTP/1.1 202 Accepted\r\nDate: x\r\nContent-Length: 0\r\n\r\n\
         HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nno id\
         HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nbad\r\n05\r\n call\r\n0\r\n\r\n\
         HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n\
         HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: y\r\n\r\n\
         HTTP/1.1 204 No Content\r\n\r\n\
         HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n\
         HTTP/1.1 500 Error\r\n\r\nup to the end",
        vec![
            answer(202, ""),
            answer(400, "no id"),
            answer(400, "bad call"),
            answer(202, ""),
            answer(403, "x"),
            answer(204, ""),
            answer(304, ""),
            answer(500, "up to the end"),
        ],
    );
}

#[test]
fn the_last_answer_says_so() {
    let last = Answer { is_last: true, ..answer(202, "") };
    check("HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", vec![last]);
    let last = Answer { is_last: true, ..answer(503, "away") };
    check("HTTP/1.0 503 Unavailable\r\n\r\naway", vec![last]);
}

#[test]
fn a_text_is_kept_up_to_a_limit_and_need_not_be_utf_8() {
    for (length, kept) in [(4095, 4095), (4096, 4096), (4097, 4096), (50_000, 4096)] {
        let body = "x".repeat(length);
        let next = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
        let whole = format!("HTTP/1.1 400 Bad\r\nContent-Length: {length}\r\n\r\n{body}{next}");
        let expected = Found { answers: vec![answer(400, &body[..kept]), answer(202, "")], end: Ok(()) };
        assert_eq!(decode(whole.as_bytes().chunks(1000)), expected);
        let chunked = format!(
            "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n{next}"
        );
        assert_eq!(decode(chunked.as_bytes().chunks(1000)), expected);
    }
    check(b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\na\xffb", vec![answer(400, "a\u{fffd}b")]);
}

#[test]
fn a_cut_is_told_wherever_it_is() {
    for (whole, body_at) in [
        ("HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\nno id", 39),
        ("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\nb: c\r\n\r\n", 48),
    ] {
        for cut in 1..whole.len() {
            let found = decode([&whole.as_bytes()[..cut]]);
            let expected = if cut < body_at {
                format!("in the answer '{}'", excerpt(&whole.as_bytes()[..cut]))
            } else {
                "in an answer with status 400".to_owned()
            };
            assert_eq!(found, Found { answers: vec![], end: Err(expected) }, "{whole} cut at {cut}");
        }
    }
}

#[test]
fn garbage_is_shown_however_it_comes() {
    let chunked = "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long_line = format!("{chunked}1;{}", "x".repeat(5000));
    let long_trailer = format!("{chunked}0\r\n{}", "a: b\r\n".repeat(20_000));
    for (bytes, why) in [
        ("SSH-2.0-x\r\n", "expected an answer of HTTP/1.1, found 'S"),
        (&format!("{chunked}zz\r\n"), "expected the size of a chunk, found 'z"),
        (&format!("{chunked}\r\n\r\n"), "expected the size of a chunk, found ''"),
        (&format!("{chunked}-1\r\n"), "expected the size of a chunk, found '-"),
        (&format!("{chunked}11112222333344445\r\n"), "expected the size of a chunk, found '1111"),
        (&format!("{chunked}1\r\nab\r\n"), "expected the end of a chunk, found 'b"),
        (&format!("{chunked}1\r\na\n"), "expected the end of a chunk, found ''"),
        (&long_line, "expected the size of a chunk, found '1;xxx"),
        (&long_trailer, "expected at most 81920 bytes behind the last chunk, found 'a"),
    ] {
        for size in [1, 7, 64, usize::MAX] {
            let found = decode(bytes.as_bytes().chunks(size));
            let told = found.end.unwrap_err();
            assert!(told.starts_with(why), "{told}");
            assert_eq!(found.answers, []);
        }
    }
}
