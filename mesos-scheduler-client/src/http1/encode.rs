//! Writes requests as the bytes of HTTP/1.1.

use bytes::{BufMut, Bytes, BytesMut};
use http::{Request, header::CONTENT_LENGTH};

/// Appends `request` to `wire`, with a Content-Length of its own.
pub(crate) fn encode(request: &Request<Bytes>, wire: &mut BytesMut) {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    for part in [request.method().as_str(), " ", path, " HTTP/1.1\r\n"] {
        wire.put_slice(part.as_bytes());
    }
    for (name, value) in request.headers() {
        if name != CONTENT_LENGTH {
            put_header(wire, name.as_str(), value.as_bytes());
        }
    }
    // Also without a body: a server that is told no length may wait for one.
    put_header(wire, CONTENT_LENGTH.as_str(), request.body().len().to_string().as_bytes());
    wire.put_slice(b"\r\n");
    wire.put_slice(request.body());
}

fn put_header(wire: &mut BytesMut, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        wire.put_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(request: http::request::Builder, body: &'static [u8]) -> String {
        let mut wire = BytesMut::new();
        encode(&request.body(Bytes::from_static(body)).unwrap(), &mut wire);
        String::from_utf8(wire.to_vec()).unwrap()
    }

    #[test]
    fn a_request_has_its_line_its_headers_its_length_and_its_body() {
        let request = Request::post("/api/v1/scheduler").header("Host", "m:5050").header("accept", "x");
        assert_eq!(
            encoded(request, b"abc"),
            "POST /api/v1/scheduler HTTP/1.1\r\nhost: m:5050\r\naccept: x\r\ncontent-length: 3\r\n\r\nabc"
        );
    }

    #[test]
    fn the_length_is_that_of_the_body_whatever_the_headers_say() {
        let request = Request::post("/").header("Content-Length", "7");
        assert_eq!(encoded(request, b""), "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
    }

    #[test]
    fn the_query_is_a_part_of_the_path() {
        let request = Request::get("http://m:5050/files/read?path=%2Fa&offset=0");
        assert!(encoded(request, b"").starts_with("GET /files/read?path=%2Fa&offset=0 HTTP/1.1\r\n"));
    }
}
