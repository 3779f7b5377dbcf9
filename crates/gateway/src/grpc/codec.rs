//! How Envoy's messages are read and written.
//!
//! The claims of a token are encoded once, and their bytes are given again with the token: a session of some kilobytes would
//! else be taken apart for each answer.

use bytes::{BufMut as _, Bytes, BytesMut};
use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse};
use prost::Message as _;
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::ProstCodec;

/// A message as it stands in a request of gRPC: its flag, that it is not compressed, its length and its bytes.
pub(super) fn frame(message: &CheckRequest) -> Bytes {
    let mut frame = BytesMut::with_capacity(64);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.encoded_len()).unwrap_or_default());
    frame.put(message.encode_to_vec().as_slice());
    frame.freeze()
}

/// An answer to a question.
pub(super) struct Answer {
    pub(super) message: CheckResponse,
    /// The member `dynamic_metadata`, encoded. The order of members says nothing, so it stands behind all others.
    pub(super) metadata: Option<Bytes>,
}

/// Reads questions and writes answers.
#[derive(Clone, Copy)]
pub(super) struct OfChecks;

impl Codec for OfChecks {
    type Encode = Answer;
    type Decode = CheckRequest;
    type Encoder = Self;
    type Decoder = <ProstCodec<CheckResponse, CheckRequest> as Codec>::Decoder;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<CheckResponse, CheckRequest>::default().decoder()
    }
}

impl Encoder for OfChecks {
    type Item = Answer;
    type Error = Status;

    fn encode(&mut self, answer: Answer, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        answer.message.encode(into).map_err(|error| Status::internal(error.to_string()))?;
        into.put(answer.metadata.unwrap_or_default());
        Ok(())
    }
}
