use super::*;
use crate::http1::head::Framing;

/// What is found in a body that comes with several reads.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    content: Vec<u8>,
    is_over: Result<bool, String>,
    /// What follows the body.
    rest: Vec<u8>,
}

fn read<'a>(framing: Framing, reads: impl IntoIterator<Item = &'a [u8]>) -> Found {
    let mut body = Body::new(framing);
    let mut buffer = BytesMut::new();
    let mut pieces = Vec::new();
    let mut is_over = Ok(false);
    for bytes in reads {
        buffer.extend_from_slice(bytes);
        if is_over == Ok(false) {
            is_over = take_content(&mut body, &mut buffer, &mut pieces);
        }
    }
    assert!(pieces.iter().all(|piece| !piece.bytes.is_empty() && (1..=MAX_CHUNKS).contains(&piece.chunks)));
    Found { content: content_of(&pieces), is_over, rest: buffer.to_vec() }
}

fn content_of(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect()
}

/// Checks what is found in `bytes`, in one read, in all cuts into two, and byte by byte.
#[track_caller]
fn check(framing: fn() -> Framing, bytes: &str, content: &str, is_over: Result<bool, &str>, rest: &str) {
    let bytes = bytes.as_bytes();
    let expected = Found { content: content.into(), is_over: is_over.map_err(Into::into), rest: rest.into() };
    assert_eq!(read(framing(), [bytes]), expected);
    for cut in 0..=bytes.len() {
        assert_eq!(read(framing(), [&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
    }
    assert_eq!(read(framing(), bytes.chunks(1)), expected, "byte by byte");
}

fn chunked() -> Framing {
    Framing::Chunked
}

#[test]
fn the_content_of_chunks_is_found_wherever_they_are_cut() {
    check(chunked, "3\r\nabc\r\n", "abc", Ok(false), "");
    check(chunked, "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", "abcd", Ok(true), "");
    check(chunked, "0\r\n\r\n", "", Ok(true), "");
    check(chunked, "3\r\nabc\r\n0\r\n\r\nHTTP/1.1 4", "abc", Ok(true), "HTTP/1.1 4");
    let ten = "0123456789";
    check(chunked, &format!("a\r\n{ten}\r\nA\r\n{ten}\r\n0000a\r\n{ten}"), &ten.repeat(3), Ok(false), "");
    check(
        chunked,
        "2;name=value;x\r\nab\r\n1 ; q=\"z\"\r\nc\r\n0;last\r\nDate: x\r\nA: b\r\n\r\n",
        "abc",
        Ok(true),
        "",
    );
    check(chunked, "2\r\n\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", Ok(true), "");
    // As many as a number of 64 bits holds.
    check(chunked, "ffffffffffffffff\r\nabc", "abc", Ok(false), "");
}

#[test]
fn what_is_left_is_what_is_not_understood_yet() {
    check(chunked, "3\r\nabc\r", "abc", Ok(false), "\r");
    check(chunked, "3\r\nabc\r\n1f;a", "abc", Ok(false), "1f;a");
    check(chunked, "3\r\nabc\r\n0\r\nDate: x\r\nA: ", "abc", Ok(false), "A: ");
}

#[test]
fn a_length_and_the_end_of_the_connection_are_framings_too() {
    check(|| Framing::Length(4), "abcdef", "abcd", Ok(true), "ef");
    check(|| Framing::Length(4), "abc", "abc", Ok(false), "");
    check(|| Framing::Length(0), "a", "", Ok(true), "a");
    check(|| Framing::UntilEnd, "3\r\nabc", "3\r\nabc", Ok(false), "");
}

#[test]
fn only_a_body_of_no_other_framing_ends_with_the_connection() {
    for (framing, bytes, ends) in [
        (Framing::UntilEnd, "abc", true),
        (Framing::Length(3), "abc", true),
        (Framing::Length(4), "abc", false),
        (Framing::Chunked, "3\r\nabc\r\n", false),
        (Framing::Chunked, "3\r\nabc\r\n0\r\n", false),
        (Framing::Chunked, "3\r\nabc\r\n0\r\n\r\n", true),
    ] {
        let mut body = Body::new(framing);
        take_content(&mut body, &mut BytesMut::from(bytes), &mut Vec::new()).unwrap();
        assert_eq!(body.ends_with_connection(), ends, "{bytes}");
    }
}

#[test]
fn what_came_before_garbage_is_found_and_the_garbage_is_shown() {
    let long = format!("1;{}", "x".repeat(5000));
    let trailers = format!("0\r\n{}", "a: b\r\n".repeat(20_000));
    for (garbage, content, why) in [
        ("zz\r\n", "abc", "expected the size of a chunk, found 'z"),
        ("\r\n", "abc", "expected the size of a chunk, found ''"),
        ("-1\r\n", "abc", "expected the size of a chunk, found '-"),
        ("10000000000000000\r\n", "abc", "expected the size of a chunk, found '1000"),
        ("3x\r\nabc", "abc", "expected the size of a chunk, found '3x"),
        ("1\r\nde\r\n", "abcd", "expected the end of a chunk, found 'e"),
        ("1\r\nd\r\r", "abcd", "expected the end of a chunk, found ''"),
        (&long, "abc", "expected the size of a chunk, found '1;xxx"),
        (&trailers, "abc", "expected at most 81920 bytes behind the last chunk, found 'a"),
    ] {
        let bytes = format!("3\r\nabc\r\n{garbage}");
        for size in [1, 3, 64, usize::MAX] {
            let found = read(Framing::Chunked, bytes.as_bytes().chunks(size));
            let told = found.is_over.unwrap_err();
            assert!(told.starts_with(why), "{told}");
            assert_eq!(found.content, content.as_bytes(), "{garbage}");
        }
    }
}

/// The lengths of the pieces that chunks of these sizes make in one read, and how many were not moved.
fn pieces_of(sizes: &[usize]) -> (Vec<usize>, usize) {
    let mut buffer = BytesMut::new();
    let mut places = Vec::new();
    let mut content = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        buffer.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        places.push(buffer.len());
        let chunk = vec![number as u8; *size];
        buffer.extend_from_slice(&chunk);
        content.extend(chunk);
        buffer.extend_from_slice(b"\r\n");
    }
    let start = buffer.as_ptr() as usize;
    let mut pieces = Vec::new();
    assert_eq!(take_content(&mut Body::new(Framing::Chunked), &mut buffer, &mut pieces), Ok(false));
    assert_eq!(content_of(&pieces), content);
    let in_place = |piece: &&Piece| places.contains(&(piece.bytes.as_ptr() as usize - start));
    (pieces.iter().map(|piece| piece.bytes.len()).collect(), pieces.iter().filter(in_place).count())
}

#[test]
fn small_chunks_are_one_piece_and_large_ones_are_not_moved() {
    assert_eq!(pieces_of(&[100; MAX_CHUNKS]), (vec![100 * MAX_CHUNKS], 1));
    assert_eq!(pieces_of(&[100; MAX_CHUNKS + 2]), (vec![100 * MAX_CHUNKS, 200], 2));
    assert_eq!(pieces_of(&[20, MAX_MOVED_BYTES]), (vec![20 + MAX_MOVED_BYTES], 1));
    assert_eq!(pieces_of(&[20, MAX_MOVED_BYTES + 1]), (vec![20, MAX_MOVED_BYTES + 1], 2));
    assert_eq!(pieces_of(&[20, 20, 5000, 20, 20, 6000, 7000, 1]), (vec![40, 5040, 6000, 7001], 4));
    assert_eq!(pieces_of(&[50_000]), (vec![50_000], 1));
}
