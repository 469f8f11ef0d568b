//! Payloads out of the bytes of a stream.

use bytes::Bytes;

use super::{Error, ErrorKind, body::Body, chunks::Chunks, header::Header};

/// Largest payload that a new [`Decoder`] takes, and that a new [`Encoder`](super::Encoder) writes: 256 MiB.
/// One OFFERS record holds the offers of all agents and reaches tens of megabytes on large clusters.
pub const DEFAULT_MAX_RECORD_BYTES: u64 = 256 * 1024 * 1024;

/// Incremental decoder of one stream: push chunks in, take records out.
///
/// ```text
///           digits                     line feed             payload complete
///  Header ──────────► Header   Header ───────────► Body ─────────────────────────► Header
///  any state ── a wrong byte, a limit, the end inside a record ──► Poisoned (for good)
/// ```
///
/// A record that lies in one chunk is handed out as a slice of that chunk, without a copy; it keeps the chunk
/// in memory. A record that spans chunks is copied once, into memory of its size; each chunk is let go as
/// soon as it is copied.
///
/// The limit is checked before anything is reserved, and what a header announces is not believed: memory for
/// a payload of more than 64 KiB is reserved once a sixteenth of it has come, counting what the chunks that
/// wait for it take themselves.
///
/// ```
/// use bytes::Bytes;
/// use mesos_proto::recordio::Decoder;
///
/// let mut decoder = Decoder::new();
/// decoder.push(Bytes::from_static(b"3\nabc1"));
/// assert_eq!(decoder.next_record()?.as_deref(), Some(&b"abc"[..]));
/// assert_eq!(decoder.next_record()?, None);
/// decoder.push(Bytes::from_static(b"\nd"));
/// assert_eq!(decoder.next_record()?.as_deref(), Some(&b"d"[..]));
/// decoder.finish()?;
/// # Ok::<(), mesos_proto::recordio::Error>(())
/// ```
///
/// Whoever reads into a `BytesMut` pushes what is filled of it, which copies nothing and leaves the rest of
/// the buffer to be read into:
///
/// ```
/// # use bytes::BytesMut;
/// # let mut decoder = mesos_proto::recordio::Decoder::new();
/// let mut buffer = BytesMut::with_capacity(64 * 1024);
/// buffer.extend_from_slice(b"3\nabc");
/// decoder.push(buffer.split().freeze());
/// assert_eq!(decoder.next_record()?.as_deref(), Some(&b"abc"[..]));
/// # Ok::<(), mesos_proto::recordio::Error>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    state: State,
    chunks: Chunks,
    /// The header of the present record.
    header: Header,
    /// Where the present record begins.
    offset: u64,
    max_record_bytes: u64,
}

#[derive(Debug)]
enum State {
    /// Waits for the rest of a header.
    Header,
    /// Waits for the rest of a payload.
    Body(Body),
    /// The stream cannot be read any further.
    Poisoned(Error),
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder with the default limit.
    pub fn new() -> Self {
        Self::with_max_record_bytes(DEFAULT_MAX_RECORD_BYTES)
    }

    /// A decoder that refuses records with a larger payload.
    pub fn with_max_record_bytes(max_record_bytes: u64) -> Self {
        Self {
            state: State::Header,
            chunks: Chunks::default(),
            header: Header::default(),
            offset: 0,
            max_record_bytes,
        }
    }

    /// Adds bytes that arrived. They are dropped if the stream is broken already.
    pub fn push(&mut self, chunk: Bytes) {
        match self.state {
            State::Header | State::Body(_) => self.chunks.push(chunk),
            State::Poisoned(_) => {}
        }
    }

    /// Takes the next payload, or `None` if it has not arrived as a whole. A payload may be empty.
    ///
    /// # Errors
    /// The stream is broken; every later call returns the same error.
    pub fn next_record(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match &mut self.state {
                State::Poisoned(error) => return Err(error.clone()),
                State::Header => match self.header.read(&mut self.chunks) {
                    Ok(None) => return Ok(None),
                    Ok(Some(length)) => self.state = State::Body(Body::new(self.check_length(length)?)),
                    Err(kind) => return Err(self.poison(kind)),
                },
                State::Body(body) => {
                    let Some(payload) = body.read(&mut self.chunks) else { return Ok(None) };
                    // One more for the line feed.
                    self.offset += (self.header.seen().len() + 1 + payload.len()) as u64;
                    self.header = Header::default();
                    self.state = State::Header;
                    return Ok(Some(payload));
                }
            }
        }
    }

    /// Tells that the stream ended. The records must have been taken before: one that was not counts as cut
    /// off.
    ///
    /// # Errors
    /// The stream ended inside a record, or was broken before.
    pub fn finish(&mut self) -> Result<(), Error> {
        let missing = match &self.state {
            State::Poisoned(error) => return Err(error.clone()),
            State::Header if self.header.seen().is_empty() && self.chunks.is_empty() => return Ok(()),
            State::Header => None,
            State::Body(body) => Some(body.missing(&self.chunks) as u64),
        };
        Err(self.poison(ErrorKind::Truncated { missing }))
    }

    /// Bytes that were pushed and not yet handed out, without those of a header.
    pub fn buffered(&self) -> usize {
        let collected = match &self.state {
            State::Body(body) => body.collected(),
            State::Header | State::Poisoned(_) => 0,
        };
        collected + self.chunks.len()
    }

    /// Where the record begins that [`next_record`](Self::next_record) hands out next, or the one that is
    /// wrong: in bytes from the start of the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn check_length(&mut self, length: u64) -> Result<usize, Error> {
        match usize::try_from(length) {
            Ok(fitting) if length <= self.max_record_bytes => Ok(fitting),
            _ => {
                let limit = self.max_record_bytes;
                Err(self.poison(ErrorKind::RecordTooLong { length, limit }))
            }
        }
    }

    fn poison(&mut self, kind: ErrorKind) -> Error {
        let error = Error { kind, offset: self.offset, seen: self.header.seen().to_vec() };
        self.state = State::Poisoned(error.clone());
        self.chunks = Chunks::default();
        error
    }
}
