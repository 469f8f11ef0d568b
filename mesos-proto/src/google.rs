//! The one well-known type that the schema uses.

/// A span of time (`google.protobuf.Duration`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest, with the sign of `seconds`.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}
