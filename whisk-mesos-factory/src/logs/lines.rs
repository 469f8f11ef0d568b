//! Lines out of the bytes of a log, within the limit of an action.

use std::time::SystemTime;

use serde::Serialize;

/// The line that ends the logs of an activation on each stream.
const SENTINEL: &[u8] = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
/// A line that is longer comes in pieces.
const LONGEST_LINE: usize = 256 * 1024;

/// One line of a log, as OpenWhisk stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When it was read, RFC 3339 in UTC.
    pub time: String,
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    /// The line, without its end.
    pub log: String,
}

/// The lines of both streams, up to the limit.
pub(super) struct Collected {
    lines: Vec<LogLine>,
    /// Bytes of the lines as JSON, which is what the limit counts.
    bytes: u64,
    limit: u64,
    is_truncated: bool,
}

impl Collected {
    pub(super) fn new(limit: u64) -> Self {
        Self { lines: Vec::new(), bytes: 0, limit, is_truncated: false }
    }

    fn add(&mut self, time: &str, stream: &'static str, line: &[u8]) {
        if self.is_truncated {
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let log = String::from_utf8_lossy(line).into_owned();
        let line = LogLine { time: time.to_owned(), stream, log };
        let json = serde_json::to_vec(&line).map_or(0, |json| json.len() + 1);
        self.bytes += json as u64;
        if self.bytes > self.limit {
            self.is_truncated = true;
        } else {
            self.lines.push(line);
        }
    }

    /// The lines, and whether some are missing because of the limit. The last one says what is missing.
    pub(super) fn finish(mut self, has_failed: bool) -> (Vec<LogLine>, bool) {
        let last = if self.is_truncated {
            let limit = self.limit;
            Some(format!(
                "Logs were truncated because the total bytes size exceeds the limit of {limit} bytes."
            ))
        } else {
            has_failed
                .then(|| "There was an issue while collecting your logs. Data might be missing.".to_owned())
        };
        if let Some(log) = last {
            self.lines.push(LogLine { time: timestamp(), stream: "stderr", log });
        }
        (self.lines, self.is_truncated)
    }
}

/// Cuts the bytes of one stream into lines.
pub(super) struct Splitter {
    stream: &'static str,
    /// The beginning of a line whose end has not come.
    unfinished: Vec<u8>,
}

impl Splitter {
    pub(super) fn new(stream: &'static str) -> Self {
        Self { stream, unfinished: Vec::new() }
    }

    /// Takes what was read. With `stops`, ends behind a sentinel and returns how many bytes follow it.
    pub(super) fn push(&mut self, data: &[u8], stops: bool, collected: &mut Collected) -> Option<usize> {
        let time = timestamp();
        let mut left = data;
        while let Some(end) = left.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&left[..end], &left[end + 1..]);
            left = rest;
            let is_sentinel = if self.unfinished.is_empty() {
                take(&time, self.stream, line, collected)
            } else {
                self.unfinished.extend_from_slice(line);
                let line = std::mem::take(&mut self.unfinished);
                take(&time, self.stream, &line, collected)
            };
            if is_sentinel && stops {
                return Some(left.len());
            }
        }
        self.unfinished.extend_from_slice(left);
        if self.unfinished.len() > LONGEST_LINE {
            // The sentinel may stand at its end, without a line end before it.
            let piece = self.unfinished.len() - SENTINEL.len();
            collected.add(&time, self.stream, &self.unfinished[..piece]);
            self.unfinished.drain(..piece);
        }
        None
    }

    /// Takes a line that never ended.
    pub(super) fn finish(self, collected: &mut Collected) {
        if !self.unfinished.is_empty() {
            take(&timestamp(), self.stream, &self.unfinished, collected);
        }
    }
}

/// Takes a line; true if it is, or ends with, the sentinel. An action that does not end its last line has
/// the sentinel behind it.
fn take(time: &str, stream: &'static str, line: &[u8], collected: &mut Collected) -> bool {
    match line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(SENTINEL) {
        None => {
            collected.add(time, stream, line);
            false
        }
        Some(before) => {
            if !before.is_empty() {
                collected.add(time, stream, before);
            }
            true
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "log lines carry the time of day")]
fn timestamp() -> String {
    let now = SystemTime::now().max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_nanos(now).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(collected: Collected) -> Vec<String> {
        collected.finish(false).0.into_iter().map(|line| line.log).collect()
    }

    #[test]
    fn lines_end_at_the_sentinel_however_the_bytes_are_cut() {
        let sentinel = std::str::from_utf8(SENTINEL).unwrap();
        let log = format!("one\r\n\ntwo{sentinel}\nnext");
        for cut in 0..=log.len() {
            let mut splitter = Splitter::new("stdout");
            let mut collected = Collected::new(10_000);
            let (first, second) = log.as_bytes().split_at(cut);
            let rest = splitter.push(first, true, &mut collected).map(|rest| rest + second.len());
            let rest = rest.or_else(|| splitter.push(second, true, &mut collected));
            assert_eq!(rest, Some("next".len()), "{cut}");
            assert_eq!(texts(collected), ["one", "", "two"], "{cut}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_and_lines_without_end_are_kept() {
        let mut splitter = Splitter::new("stderr");
        let mut collected = Collected::new(10_000);
        assert_eq!(splitter.push(b"a\xffb\nrest", false, &mut collected), None);
        splitter.finish(&mut collected);
        assert_eq!(texts(collected), ["a\u{fffd}b", "rest"]);
    }

    #[test]
    fn the_limit_counts_json_and_the_last_line_says_that_it_was_reached() {
        let mut splitter = Splitter::new("stdout");
        let mut collected = Collected::new(500);
        splitter.push(&b"\n".repeat(100_000), false, &mut collected);
        let (lines, is_truncated) = collected.finish(true);
        assert!(is_truncated && (2..10).contains(&lines.len()), "{}", lines.len());
        let last = lines.last().unwrap();
        assert_eq!(
            (last.stream, last.log.as_str()),
            ("stderr", "Logs were truncated because the total bytes size exceeds the limit of 500 bytes.")
        );
    }

    #[test]
    fn an_endless_line_is_cut_into_pieces_and_its_sentinel_is_found() {
        let mut splitter = Splitter::new("stdout");
        let mut collected = Collected::new(100 * 1024 * 1024);
        let mut total = 0;
        for _ in 0..100 {
            assert_eq!(splitter.push(&[b'x'; 64 * 1024], true, &mut collected), None);
            total += 64 * 1024;
            assert!(splitter.unfinished.len() <= LONGEST_LINE + 64 * 1024);
        }
        assert_eq!(splitter.push(SENTINEL, true, &mut collected), None);
        assert_eq!(splitter.push(b"\nnext", true, &mut collected), Some(4));
        assert_eq!(texts(collected).iter().map(String::len).sum::<usize>(), total);
    }
}
