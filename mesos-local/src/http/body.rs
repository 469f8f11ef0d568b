//! Messages out of request bodies, in the order of checks of a real master.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use mesos_proto::json;
use prost::{Message, Name};

use super::{
    gzip, json_rules,
    respond::{self, Body, Encoding},
};

/// Real masters set no limit; this one keeps a mistake from taking all memory.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Reads the message of a request.
///
/// # Errors
/// The response that says what is wrong.
pub(super) async fn read<M: Message + Name + Default>(
    headers: &HeaderMap,
    body: Incoming,
) -> Result<M, Response<Body>> {
    let encoding = encoding(headers)?;
    let body = collect(headers, body).await?;
    let decoded = match encoding {
        Encoding::Protobuf => {
            json::from_protobuf(&body).map_err(|_| "Failed to parse body into Call protobuf".to_owned())
        }
        Encoding::Json => from_json(&body),
    };
    decoded.map_err(bad_request)
}

#[expect(clippy::result_large_err, reason = "the error is the response, made once")]
fn encoding(headers: &HeaderMap) -> Result<Encoding, Response<Body>> {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return Err(bad_request("Expecting 'Content-Type' to be present"));
    };
    // Byte for byte: parameters and other cases are not understood.
    [Encoding::Json, Encoding::Protobuf]
        .into_iter()
        .find(|encoding| content_type.as_bytes() == encoding.media_type().as_bytes())
        .ok_or_else(|| {
            let text = "Expecting 'Content-Type' of application/json or application/x-protobuf";
            respond::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
        })
}

async fn collect(headers: &HeaderMap, body: Incoming) -> Result<Bytes, Response<Body>> {
    let body = collect_as_sent(body).await?;
    // Other encodings are ignored by real masters, too.
    if headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding != "gzip") {
        return Ok(body);
    }
    gzip::unpack(&body, MAX_BODY)
        .ok_or_else(|| respond::text(StatusCode::INTERNAL_SERVER_ERROR, "failed to decode body"))
}

async fn collect_as_sent(body: Incoming) -> Result<Bytes, Response<Body>> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let text = format!("the request body is larger than {MAX_BODY} bytes");
            Err(respond::text(StatusCode::PAYLOAD_TOO_LARGE, text))
        }
        Err(error) => Err(bad_request(format!("the request body broke off: {error}"))),
    }
}

fn from_json<M: Message + Name + Default>(body: &[u8]) -> Result<M, String> {
    // Bytes that are no UTF-8 are no reason to refuse a text: seen on a real master.
    let body = String::from_utf8_lossy(body);
    let mut value = serde_json::from_str(&body).map_err(|error| {
        let near = near(&body, &error);
        format!("Failed to parse body into JSON: syntax error at line {} near: {near}", error.line())
    })?;
    let refused = |text| format!("Failed to convert JSON into Call protobuf: {text}");
    json_rules::conform::<M>(&mut value).map_err(refused)?;
    json::from_slice(value.to_string().as_bytes()).map_err(|error| match error {
        json::Error::MissingFields(paths) => {
            refused(format!("Missing required fields: {}", paths.join(", ")))
        }
        json::Error::Mapping(error) => refused(error.to_string()),
        other => refused(other.to_string()),
    })
}

/// The rest of the line where the syntax is wrong, as far as it can be printed.
fn near(body: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return String::new();
    }
    let line =
        body.as_bytes().split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    let printable = rest.iter().take_while(|byte| byte.is_ascii_graphic() || **byte == b' ').take(80);
    printable.map(|byte| char::from(*byte)).collect()
}

fn bad_request(text: impl Into<String>) -> Response<Body> {
    respond::text(StatusCode::BAD_REQUEST, text)
}
