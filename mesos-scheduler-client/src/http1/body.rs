//! Tells the content of a body from its framing.

use super::head::{Framing, MAX_HEAD_BYTES, excerpt};

/// What is still to come of a body.
#[derive(Debug)]
pub(crate) struct Body {
    expected: Expected,
}

/// What the bytes that come next are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// So many bytes are content.
    Content(usize),
    /// So many bytes are framing.
    Framing(usize),
    /// More bytes are needed to tell.
    Incomplete,
    /// They are not of this body any more.
    End,
}

#[derive(Debug)]
enum Expected {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    /// Lines up to an empty one; so many bytes were seen.
    Trailers(usize),
    UntilEnd,
}

/// The size of a chunk and its extensions.
const MAX_CHUNK_HEAD_BYTES: usize = 4096;

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        let expected = match framing {
            Framing::Length(length) => Expected::Length(length),
            Framing::Chunked => Expected::ChunkSize,
            Framing::UntilEnd => Expected::UntilEnd,
        };
        Self { expected }
    }

    /// Whether the end of the connection is a proper end of this body.
    pub(crate) fn ends_with_connection(&self) -> bool {
        match self.expected {
            Expected::UntilEnd | Expected::Length(0) => true,
            Expected::Length(_)
            | Expected::ChunkSize
            | Expected::ChunkData(_)
            | Expected::ChunkEnd
            | Expected::Trailers(_) => false,
        }
    }

    /// Tells what `bytes` begin with. What was told has to be taken off before the next call, and what was left
    /// has to be given again.
    ///
    /// # Errors
    /// This is no framing; nothing can be found in what follows.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Part, String> {
        let (part, expected) = match &mut self.expected {
            Expected::Length(0) => return Ok(Part::End),
            Expected::Length(left) => return Ok(content(bytes, left)),
            Expected::UntilEnd if bytes.is_empty() => return Ok(Part::Incomplete),
            Expected::UntilEnd => return Ok(Part::Content(bytes.len())),
            Expected::ChunkData(left) => match content(bytes, left) {
                part if *left == 0 => (part, Expected::ChunkEnd),
                part => return Ok(part),
            },
            Expected::ChunkSize => match chunk_size(bytes)? {
                None => return Ok(Part::Incomplete),
                Some((length, 0)) => (Part::Framing(length), Expected::Trailers(0)),
                Some((length, size)) => (Part::Framing(length), Expected::ChunkData(size)),
            },
            Expected::ChunkEnd => match chunk_end(bytes)? {
                None => return Ok(Part::Incomplete),
                Some(length) => (Part::Framing(length), Expected::ChunkSize),
            },
            Expected::Trailers(seen) => match trailer(bytes, *seen)? {
                None => return Ok(Part::Incomplete),
                Some(line) if line.is_last => (Part::Framing(line.length), Expected::Length(0)),
                Some(line) => {
                    let seen = *seen + line.length;
                    (Part::Framing(line.length), Expected::Trailers(seen))
                }
            },
        };
        self.expected = expected;
        Ok(part)
    }
}

/// Up to `left` bytes, which are counted down.
fn content(bytes: &[u8], left: &mut u64) -> Part {
    let length = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= length as u64;
    if length == 0 { Part::Incomplete } else { Part::Content(length) }
}

/// The length of the line and the size that it tells.
fn chunk_size(bytes: &[u8]) -> Result<Option<(usize, u64)>, String> {
    let wrong = |what: &str| Err(format!("expected the size of a chunk, found '{}'{what}", excerpt(bytes)));
    // The parser takes a line without digits for a 0.
    if bytes.first().is_some_and(|first| !first.is_ascii_hexdigit()) {
        return wrong("");
    }
    let Ok(parsed) = httparse::parse_chunk_size(bytes) else { return wrong("") };
    let (length, found) = match parsed {
        httparse::Status::Complete((length, size)) => (length, Some((length, size))),
        httparse::Status::Partial => (bytes.len(), None),
    };
    if length > MAX_CHUNK_HEAD_BYTES {
        return wrong(&format!(" and more, above {MAX_CHUNK_HEAD_BYTES} bytes"));
    }
    Ok(found)
}

fn chunk_end(bytes: &[u8]) -> Result<Option<usize>, String> {
    const LINE_END: &[u8] = b"\r\n";
    let length = bytes.len().min(LINE_END.len());
    if bytes[..length] != LINE_END[..length] {
        return Err(format!("expected the end of a chunk, found '{}'", excerpt(bytes)));
    }
    Ok((length == LINE_END.len()).then_some(length))
}

struct Trailer {
    length: usize,
    is_last: bool,
}

fn trailer(bytes: &[u8], seen: usize) -> Result<Option<Trailer>, String> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let length = end.map_or(bytes.len(), |end| end + 1);
    if seen.saturating_add(length) > MAX_HEAD_BYTES {
        let found = excerpt(bytes);
        return Err(format!(
            "expected at most {MAX_HEAD_BYTES} bytes behind the last chunk, found '{found}'"
        ));
    }
    Ok(end.map(|end| Trailer { length, is_last: matches!(&bytes[..end], b"" | b"\r") }))
}
