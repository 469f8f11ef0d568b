//! Paths and queries of requests.

/// The parts of a path between slashes. Empty parts do not count: `//api/v1/` is `/api/v1`.
///
/// `None` for paths that try to climb: real masters know no such route.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    if path.contains("/..") {
        return None;
    }
    Some(path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect())
}

/// The value of a field in a query, if it is there.
pub(super) fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    query?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key, true) == name).then(|| decode(value, true))
    })
}

/// Resolves `%41`, and `+` in queries. What is no valid escape stays as it is.
fn decode(text: &str, query: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
            u8::from_str_radix(digits, 16).ok()
        });
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if query && byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_of_a_path_do_not_count() {
        for (path, parts) in [
            ("/", Some(vec![])),
            ("/api/v1", Some(vec!["api", "v1"])),
            ("//api/v1/", Some(vec!["api", "v1"])),
            ("/slave%281%29/api/v1", Some(vec!["slave(1)", "api", "v1"])),
            ("/api/../v1", None),
        ] {
            let parts = parts.map(|parts| parts.into_iter().map(String::from).collect());
            assert_eq!(segments(path), parts, "{path}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        for (query, value) in [
            (None, None),
            (Some("path=/a&offset=1"), Some("/a")),
            (Some("offset=1&path=%2Fa%20b+c"), Some("/a b c")),
            (Some("path=%zz%2"), Some("%zz%2")),
            (Some("path=%+1"), Some("% 1")),
            (Some("path"), Some("")),
            (Some("paths=/a"), None),
        ] {
            assert_eq!(query_value(query, "path").as_deref(), value, "{query:?}");
        }
    }
}
