//! Records out of payloads.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// Appends one record to `out`.
pub fn encode(payload: &[u8], out: &mut BytesMut) {
    put_header(payload.len(), out);
    out.put_slice(payload);
}

/// One record that holds a message.
pub fn encode_message(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut out = BytesMut::with_capacity(length + 8);
    put_header(length, &mut out);
    message.encode(&mut out).expect("a BytesMut grows as far as memory goes");
    out.freeze()
}

fn put_header(length: usize, out: &mut BytesMut) {
    out.put_slice(length.to_string().as_bytes());
    out.put_u8(b'\n');
}
