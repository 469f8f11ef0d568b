//! An event stream as the body of a response: one chunk for each record.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use hyper::body::Frame;
use mesos_proto::recordio;

use super::respond::Encoding;
use crate::driver::{Events, StreamItem};

/// Ends when the master ends the stream; the master learns when the connection is gone.
pub(super) struct EventStream {
    pub(super) events: Events,
    pub(super) encoding: Encoding,
}

impl hyper::body::Body for EventStream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let encoding = self.encoding;
        self.events.poll_recv(context).map(|item| match item? {
            StreamItem::Event(event) => {
                let record = match encoding {
                    Encoding::Protobuf => recordio::encode_message(event.as_ref()),
                    Encoding::Json => {
                        let mut record = BytesMut::new();
                        recordio::encode(&encoding.encode(event.as_ref()), &mut record);
                        record.freeze()
                    }
                };
                Some(Ok(Frame::data(record)))
            }
            StreamItem::Cut => Some(Err(io::Error::other("the stream is cut on purpose"))),
        })
    }
}
