//! Payloads out of the bytes of a stream.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::{Error, ErrorKind};

/// Largest payload that a new [`Decoder`] takes: 256 MiB. One OFFERS record holds the offers of all
/// agents and reaches tens of megabytes on large clusters.
pub const DEFAULT_MAX_RECORD_BYTES: u64 = 256 * 1024 * 1024;

/// A length has at most this many digits (`u64::MAX`).
const MAX_HEADER_DIGITS: usize = 20;

/// Incremental decoder of one stream: push chunks in, take records out.
///
/// A record that lies in one chunk is handed out as a slice of that chunk, without a copy; a record
/// that spans chunks is copied once.
///
/// ```text
///            digits                    line feed                payload complete
///  Header ──────────► Header  Header ───────────► Payload ─────────────────────────► Header
///  any state ── a wrong byte, a limit, the end inside a record ──► Failed (for good)
/// ```
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
#[derive(Debug)]
pub struct Decoder {
    state: State,
    chunks: VecDeque<Bytes>,
    buffered: usize,
    /// Bytes taken out of `chunks` since the stream began.
    consumed: u64,
    /// Where the record that is being read began.
    record_start: u64,
    max_record_bytes: u64,
}

#[derive(Debug)]
enum State {
    /// Waits for the rest of a header; holds the digits read so far.
    Header { digits: Vec<u8> },
    /// Waits for a payload of so many bytes.
    Payload { length: usize },
    /// The stream is no RecordIO.
    Failed(Error),
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
            state: State::Header { digits: Vec::new() },
            chunks: VecDeque::new(),
            buffered: 0,
            consumed: 0,
            record_start: 0,
            max_record_bytes,
        }
    }

    /// Adds bytes that arrived.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.buffered += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// Takes the next payload, or `None` if it has not arrived as a whole. A payload may be empty.
    ///
    /// # Errors
    /// The stream is broken; every later call returns the same error.
    pub fn next_record(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match &mut self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Header { .. } => {
                    if !self.read_header()? {
                        return Ok(None);
                    }
                }
                State::Payload { length } => {
                    let length = *length;
                    if self.buffered < length {
                        return Ok(None);
                    }
                    let payload = self.take(length);
                    self.state = State::Header { digits: Vec::new() };
                    self.record_start = self.consumed;
                    return Ok(Some(payload));
                }
            }
        }
    }

    /// Tells that the stream ended.
    ///
    /// # Errors
    /// The stream ended inside a record, or had failed before.
    pub fn finish(&mut self) -> Result<(), Error> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Header { digits } if digits.is_empty() && self.buffered == 0 => Ok(()),
            State::Header { digits } => {
                let seen = digits.clone();
                Err(self.fail(ErrorKind::Truncated { missing: None }, seen))
            }
            State::Payload { length } => {
                let missing = (*length - self.buffered) as u64;
                Err(self.fail(ErrorKind::Truncated { missing: Some(missing) }, Vec::new()))
            }
        }
    }

    /// Bytes that were pushed and not yet handed out.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// Reads digits up to the line feed; `true` when the header is complete.
    fn read_header(&mut self) -> Result<bool, Error> {
        while let Some(byte) = self.next_byte() {
            let State::Header { digits } = &mut self.state else {
                unreachable!("read_header is called in state Header only")
            };
            match byte {
                b'0'..=b'9' if digits.len() == MAX_HEADER_DIGITS => {
                    let mut seen = std::mem::take(digits);
                    seen.push(byte);
                    return Err(self.fail(ErrorKind::HeaderTooLong, seen));
                }
                b'0'..=b'9' => digits.push(byte),
                b'\n' if !digits.is_empty() => {
                    let digits = std::mem::take(digits);
                    let length = self.parse_length(digits)?;
                    self.state = State::Payload { length };
                    return Ok(true);
                }
                _ => {
                    let mut seen = std::mem::take(digits);
                    seen.push(byte);
                    return Err(self.fail(ErrorKind::BadHeader, seen));
                }
            }
        }
        Ok(false)
    }

    fn parse_length(&mut self, digits: Vec<u8>) -> Result<usize, Error> {
        let length = digits
            .iter()
            .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        let Some(length) = length else {
            return Err(self.fail(ErrorKind::HeaderTooLong, digits));
        };
        match usize::try_from(length) {
            Ok(fitting) if length <= self.max_record_bytes => Ok(fitting),
            _ => Err(self.fail(ErrorKind::RecordTooLong { length, limit: self.max_record_bytes }, digits)),
        }
    }

    fn next_byte(&mut self) -> Option<u8> {
        let chunk = self.chunks.front_mut()?;
        let byte = chunk.get_u8();
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.buffered -= 1;
        self.consumed += 1;
        Some(byte)
    }

    /// Takes `length` bytes that are known to be buffered.
    fn take(&mut self, length: usize) -> Bytes {
        self.buffered -= length;
        self.consumed += length as u64;
        match self.chunks.front_mut() {
            None => return Bytes::new(),
            Some(front) if front.len() > length => return front.split_to(length),
            Some(front) if front.len() == length => {
                return self.chunks.pop_front().unwrap_or_default();
            }
            Some(_) => {}
        }
        let mut payload = BytesMut::with_capacity(length);
        while payload.len() < length {
            let mut chunk = self.chunks.pop_front().expect("the caller checked that enough is buffered");
            let part = chunk.split_to(chunk.len().min(length - payload.len()));
            payload.extend_from_slice(&part);
            if !chunk.is_empty() {
                self.chunks.push_front(chunk);
            }
        }
        payload.freeze()
    }

    fn fail(&mut self, kind: ErrorKind, seen: Vec<u8>) -> Error {
        let error = Error { kind, offset: self.record_start, seen };
        self.state = State::Failed(error.clone());
        self.chunks.clear();
        self.buffered = 0;
        error
    }
}
