//! Any bytes in any chunks, against a decoder that reads them the plainest way.

use bytes::Bytes;
use mesos_proto::recordio::{Decoder, Error, ErrorKind};

/// Records up to this size are taken. It is more than any input has, so that memory which is reserved for
/// what a header merely claims shows.
const MAX_RECORD_BYTES: u64 = 1 << 30;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It holds no sizes of chunks.
    Unusable,
    /// Its stream has an error.
    Broken,
    /// Its stream ends inside a record.
    Truncated,
    /// Its stream consists of whole records.
    Whole,
}

/// The records of a stream, and how it ends.
type Decoded = (Vec<Bytes>, Result<(), Error>);

/// Decodes a stream. The input is a count, as many sizes of chunks, which come round, and the stream.
///
/// # Panics
/// Something does not hold that holds for every stream.
pub fn recordio(input: &[u8]) -> Outcome {
    let Some((sizes, stream)) = input.split_first().and_then(|(count, rest)| {
        let count = usize::from(*count);
        (count > 0 && count <= rest.len()).then(|| rest.split_at(count))
    }) else {
        return Outcome::Unusable;
    };
    let whole = Bytes::copy_from_slice(stream);
    let expected = decode([whole.clone()]);
    check_against_plain(stream, &expected);

    let (mut chunks, mut rest) = (Vec::new(), whole.clone());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        // A chunk may be empty, but not all of them.
        let size = if sizes.iter().all(|size| *size == 0) { 1 } else { usize::from(*size) };
        chunks.push(rest.split_to(size.min(rest.len())));
    }
    let mut in_chunks = None;
    let memory = allocation_counter::measure(|| in_chunks = Some(decode(chunks.iter().cloned())));
    assert_eq!(in_chunks.as_ref(), Some(&expected), "chunks have no meaning");
    assert_eq!(decode_at_once(&chunks), expected, "it does not matter when records are taken");
    // A payload is reserved when a sixteenth of it is there, with 64 bytes for each chunk; the records are kept.
    let held = stream.len() + 64 * chunks.len();
    let bound = (128 * 1024 + 17 * held + 64 * expected.0.len()) as u64;
    assert!(memory.bytes_max <= bound, "{} bytes were in use, more than {bound}", memory.bytes_max);

    match expected.1 {
        Ok(()) => Outcome::Whole,
        Err(error) if matches!(error.kind(), ErrorKind::Truncated { .. }) => Outcome::Truncated,
        Err(_) => Outcome::Broken,
    }
}

/// Takes records as soon as they are there.
fn decode(chunks: impl IntoIterator<Item = Bytes>) -> Decoded {
    let mut decoder = Decoder::with_max_record_bytes(MAX_RECORD_BYTES);
    let mut records = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        if let Err(error) = take_all(&mut decoder, &mut records) {
            return (records, Err(error));
        }
    }
    let end = decoder.finish();
    (records, end)
}

/// Takes records after all chunks have come.
fn decode_at_once(chunks: &[Bytes]) -> Decoded {
    let mut decoder = Decoder::with_max_record_bytes(MAX_RECORD_BYTES);
    chunks.iter().cloned().for_each(|chunk| decoder.push(chunk));
    let mut records = Vec::new();
    let end = take_all(&mut decoder, &mut records).and_then(|()| decoder.finish());
    (records, end)
}

fn take_all(decoder: &mut Decoder, records: &mut Vec<Bytes>) -> Result<(), Error> {
    loop {
        match decoder.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return Ok(()),
            Err(error) => {
                assert_eq!(decoder.next_record(), Err(error.clone()), "an error is final");
                assert_eq!(decoder.finish(), Err(error.clone()), "an error is final");
                assert_eq!(error.to_string().lines().count(), 1, "{error}");
                return Err(error);
            }
        }
    }
}

/// Reads the stream once more, from a slice, and compares records, offset and bytes of the error.
fn check_against_plain(stream: &[u8], (records, end): &Decoded) {
    let (mut start, mut found) = (0, Vec::new());
    let broken = loop {
        let rest = &stream[start..];
        let digits = rest.iter().take(21).take_while(|byte| byte.is_ascii_digit()).count();
        if rest.is_empty() {
            break None;
        }
        if digits == rest.len() && digits <= 20 {
            break Some((start, digits, true));
        }
        if digits == 0 || digits > 20 || rest[digits] != b'\n' {
            break Some((start, (digits + 1).min(21), false));
        }
        let length = str::from_utf8(&rest[..digits]).expect("digits are ASCII").parse::<u64>();
        let Some(length) = length.ok().filter(|length| *length <= MAX_RECORD_BYTES) else {
            break Some((start, digits, false));
        };
        let payload = &rest[digits + 1..];
        let Some(payload) = payload.get(..length as usize) else {
            break Some((start, digits, true));
        };
        found.push(payload);
        start += digits + 1 + length as usize;
    };
    assert!(records.iter().map(|record| &record[..]).eq(found), "other records than the plain decoder");
    let seen = end.as_ref().err().map(|error| {
        let is_truncated = matches!(error.kind(), ErrorKind::Truncated { .. });
        (error.offset() as usize, error.seen(), is_truncated)
    });
    let expected =
        broken.map(|(start, length, is_truncated)| (start, &stream[start..][..length], is_truncated));
    assert_eq!(seen, expected, "another end than the plain decoder");
}
