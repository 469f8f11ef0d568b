//! What libFuzzer prints, less what only its authors read.

use std::{
    io::{self, BufRead, BufReader},
    process::{Command, ExitStatus, Stdio},
};

use crate::print;

/// Runs libFuzzer and hands its output on, line by line.
pub(crate) fn run(mut command: Command) -> io::Result<ExitStatus> {
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    if let Some(stderr) = child.stderr.take() {
        let mut stderr = BufReader::new(stderr);
        // Inputs that are shown need not be UTF-8.
        let mut line = Vec::new();
        while stderr.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            if !is_noise(text.trim_end()) {
                print(text.trim_end());
            }
            line.clear();
        }
    }
    child.wait()
}

/// A line for each input or function that is new, words that it would put into a dictionary, and the
/// sanitizers that are not there.
fn is_noise(line: &str) -> bool {
    let is_event = line.starts_with('#')
        && ["\tNEW ", "\tREDUCE ", "\tRELOAD "].iter().any(|event| line.contains(event));
    let is_function = line.starts_with("\tNEW_FUNC[");
    let is_word = line.starts_with('"') && line.contains(" # Uses: ");
    is_event
        || is_function
        || is_word
        || line.starts_with("######")
        || line.starts_with("WARNING: Failed to find function \"__sanitizer_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_and_progress_are_shown() {
        for line in [
            "#16384\tpulse  cov: 4216 ft: 9786 corp: 502/19Kb lim: 77 exec/s: 1638 rss: 43Mb",
            "#42047\tDONE   cov: 4216 ft: 9786 corp: 502/19Kb lim: 77 exec/s: 1401 rss: 46Mb",
            "thread '<unnamed>' panicked at src/lib.rs:9:5:",
            "assertion `left == right` failed",
            "==7== ERROR: libFuzzer: deadly signal",
            "stat::peak_rss_mb:              46",
        ] {
            assert!(!is_noise(line), "{line}");
        }
        for line in [
            "#7\tNEW    cov: 12 ft: 13 corp: 2/5b lim: 4 exec/s: 0 rss: 29Mb L: 4/4 MS: 1 CMP- DE: \"\\001\\000\"-",
            "#8\tREDUCE cov: 12 ft: 13 corp: 2/4b lim: 4 exec/s: 0 rss: 29Mb L: 3/3 MS: 1 EraseBytes-",
            "\tNEW_FUNC[1/2]: 0x55d8811346b1",
            "###### Recommended dictionary. ######",
            "\"?<!\" # Uses: 60",
            "WARNING: Failed to find function \"__sanitizer_print_stack_trace\".",
        ] {
            assert!(is_noise(line), "{line}");
        }
    }
}
