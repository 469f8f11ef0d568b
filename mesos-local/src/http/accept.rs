//! Which encoding a client wants to be answered in.

use http::{HeaderMap, Response, StatusCode, header};

use super::respond::{self, Body, Encoding};

/// Chooses by the header Accept: JSON whenever it is acceptable.
///
/// # Errors
/// Neither encoding is acceptable: the response that says so.
#[expect(clippy::result_large_err, reason = "the error is the response, made once")]
pub(super) fn negotiate(headers: &HeaderMap) -> Result<Encoding, Response<Body>> {
    let values: Vec<_> = headers.get_all(header::ACCEPT).iter().collect();
    if values.is_empty() {
        return Ok(Encoding::Json);
    }
    let accept: Vec<&str> = values.iter().filter_map(|value| value.to_str().ok()).collect();
    choose(&accept.join(",")).ok_or_else(|| {
        let text = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
        respond::text(StatusCode::NOT_ACCEPTABLE, text)
    })
}

fn choose(accept: &str) -> Option<Encoding> {
    [Encoding::Json, Encoding::Protobuf].into_iter().find(|encoding| allows(accept, encoding.media_type()))
}

/// Whether one of the entries takes the type and none excludes it by name with a quality of 0. Other
/// qualities mean nothing.
fn allows(accept: &str, media_type: &str) -> bool {
    let mut allowed = false;
    for entry in accept.split(',') {
        let mut parts = entry.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().unwrap_or_default();
        let excluded = parts
            .filter_map(|parameter| parameter.strip_prefix("q=").map(str::parse::<f64>))
            .any(|quality| quality == Ok(0.0));
        if name == media_type && excluded {
            return false;
        }
        allowed |= !excluded && (name == media_type || name == "*/*" || name == "application/*");
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_wins_whenever_it_is_acceptable() {
        let (json, protobuf) = (Some(Encoding::Json), Some(Encoding::Protobuf));
        for (accept, chosen) in [
            ("*/*", json),
            ("application/*", json),
            ("application/json", json),
            ("application/x-protobuf", protobuf),
            ("Application/X-Protobuf", protobuf),
            ("application/x-protobuf;charset=utf-8", protobuf),
            ("application/x-protobuf, application/json", json),
            ("application/x-protobuf, */*;q=0.1", json),
            ("application/json;q=0.1, application/x-protobuf;q=0.9", json),
            ("application/json;q=0, application/x-protobuf", protobuf),
            ("application/json;q=0, */*", protobuf),
            ("text/html, application/json", json),
            ("application/json;q=0, application/x-protobuf;q=0", None),
            ("text/html", None),
            ("application/recordio", None),
            ("", None),
        ] {
            assert_eq!(choose(accept), chosen, "{accept}");
        }
    }
}
