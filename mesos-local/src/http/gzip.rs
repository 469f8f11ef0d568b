//! Compressed bodies.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;

use super::respond::Body;

/// Smaller answers are not worth it.
const MIN_LENGTH: u64 = 1024;

/// Unpacks a body; `None` if it is not packed as it says, or holds more than `limit` bytes.
pub(super) fn unpack(body: &[u8], limit: usize) -> Option<Bytes> {
    let mut content = Vec::new();
    let longest = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(body).take(longest).read_to_end(&mut content).ok()?;
    (content.len() <= limit).then(|| content.into())
}

/// Whether the one who asked takes packed answers.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|value| value.split(',')).map(str::trim);
    codings.any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let is_none = quality.trim().strip_prefix("q=").and_then(|number| number.parse().ok()) == Some(0.0);
        matches!(name.trim(), "gzip" | "*") && !is_none
    })
}

/// Packs an answer that is there as a whole, is no file and is large enough.
pub(super) async fn pack(response: Response<Body>) -> Response<Body> {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_text = [&b"application/json"[..], b"application/x-protobuf", b"text/plain"]
        .iter()
        .any(|known| kind.starts_with(known));
    let length = response.body().size_hint().exact();
    if !is_text || length.is_none_or(|length| length < MIN_LENGTH) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        // Bodies that are there as a whole do not fail.
        return super::respond::unavailable();
    };
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packed.write_all(&body.to_bytes()).and_then(|()| packed.finish());
    let Ok(packed) = packed else {
        return super::respond::unavailable();
    };
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    head.headers.insert(header::CONTENT_LENGTH, packed.len().into());
    let body = Full::new(Bytes::from(packed)).map_err(|never| match never {}).boxed_unsync();
    Response::from_parts(head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_up_to_a_limit() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&[b'x'; 1000]).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(unpack(&packed, 1000).unwrap(), [b'x'; 1000][..]);
        assert_eq!(unpack(&packed, 999), None);
        assert_eq!(unpack(b"plain", 1000), None);
    }

    #[test]
    fn packed_answers_are_for_those_who_take_them() {
        for (value, expected) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(is_accepted(&headers), expected, "{value}");
        }
    }
}
