//! Questions of Envoy over gRPC, as plain frames of HTTP/2, because a whole client would be slower than the server.
//!
//! One stream at a time is open on a connection. Headers are written without compression (RFC 7541, section 6.2.2), and
//! the headers of answers are not read: what an answer says stands in its message.

use anyhow::{Result, bail};
use envoy_types::ext_authz::v3::pb::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, attribute_context};
use prost::Message as _;

use crate::load::{Protocol, find};
use crate::person::{identity_id, token};

/// The method that is called.
const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The length of a frame's head (RFC 9113, section 4.1).
const HEAD: usize = 9;

// Kinds of frames and their flags (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Questions about people, one after the other.
pub(crate) struct Questions {
    greeting: Vec<u8>,
    headers: Vec<u8>,
    /// The message of each question, and the text that its answer must hold.
    messages: Vec<(Vec<u8>, String)>,
}

impl Questions {
    pub(crate) fn new(route: &str, people: impl Iterator<Item = u64>) -> Self {
        let mut greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        write(&mut greeting, SETTINGS, 0, 0, &[]);
        // The server may send on this connection as much as can be allowed.
        let window: u32 = (1 << 31) - 1 - 65_535;
        write(&mut greeting, WINDOW_UPDATE, 0, 0, &window.to_be_bytes());
        Self {
            greeting,
            headers: headers(),
            messages: people
                .map(|person| (message(route, &token(person)), identity_id(person).to_string()))
                .collect(),
        }
    }
}

impl Protocol for Questions {
    fn requests(&self) -> usize {
        self.messages.len()
    }

    fn greeting(&self) -> &[u8] {
        &self.greeting
    }

    fn say(&self, number: usize, turn: u32, into: &mut Vec<u8>) {
        let stream = stream(turn);
        write(into, HEADERS, END_HEADERS, stream, &self.headers);
        write(into, DATA, END_STREAM, stream, &self.messages[number].0);
    }

    /// The frames of an answer are looked at together, when its last one is there.
    fn hear(&self, number: usize, turn: u32, heard: &mut Vec<u8>, reply: &mut Vec<u8>) -> Result<bool> {
        let is_end = |frame: &Frame<'_>| frame.stream == stream(turn) && frame.ends_stream();
        if !frames(heard).any(|frame| is_end(&frame) || frame.kind == GOAWAY) {
            return Ok(false);
        }
        let (_, expected) = &self.messages[number];
        let (mut length, mut is_right) = (0, false);
        for frame in frames(heard) {
            match frame.kind {
                DATA => is_right |= find(frame.payload, expected.as_bytes()).is_some(),
                SETTINGS if frame.flags & ACK == 0 => write(reply, SETTINGS, ACK, 0, &[]),
                PING if frame.flags & ACK == 0 => write(reply, PING, ACK, 0, frame.payload),
                RST_STREAM | GOAWAY => bail!("the server ended a stream or a connection"),
                _ => {}
            }
            length += HEAD + frame.payload.len();
        }
        if !is_right {
            bail!("a wrong answer, {expected} was expected: {}", String::from_utf8_lossy(&heard[..length]));
        }
        heard.drain(..length);
        Ok(true)
    }
}

/// The number of the stream for a request that had `turn` others before it. Those of clients are odd.
const fn stream(turn: u32) -> u32 {
    2 * turn + 1
}

/// A frame that came.
struct Frame<'a> {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &'a [u8],
}

impl Frame<'_> {
    const fn ends_stream(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0 || self.kind == RST_STREAM
    }
}

/// The whole frames at the beginning of what was heard.
fn frames(mut heard: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    std::iter::from_fn(move || {
        let (head, rest) = heard.split_first_chunk::<HEAD>()?;
        let [high, middle, low, kind, flags, stream @ ..] = *head;
        let (payload, rest) = rest.split_at_checked(u32::from_be_bytes([0, high, middle, low]) as usize)?;
        heard = rest;
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    })
}

/// Writes a frame, whose payload is shorter than the 16 kB that every server takes.
fn write(into: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    into.extend_from_slice(&length);
    into.extend_from_slice(&[kind, flags]);
    into.extend_from_slice(&stream.to_be_bytes());
    into.extend_from_slice(payload);
}

/// The headers of every question. Those that the static table has by their number there (RFC 7541, appendix A).
fn headers() -> Vec<u8> {
    // `:method: POST` and `:scheme: http`.
    let mut block = vec![0x83, 0x86];
    for (name, value) in [
        (":path", PATH),
        (":authority", "127.0.0.1"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        // A name and a value as they are, which the other side keeps in no table.
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// A question with the head that gRPC puts before a message: not compressed, and its length.
fn message(route: &str, token: &str) -> Vec<u8> {
    let pairs = [("x-session-token", token), (":authority", "app.example.org"), ("accept", "*/*")];
    let http = attribute_context::HttpRequest {
        method: "GET".into(),
        scheme: "https".into(),
        host: "app.example.org".into(),
        path: "/orders".into(),
        headers: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..attribute_context::HttpRequest::default()
    };
    let attributes = AttributeContext {
        request: Some(attribute_context::Request {
            http: Some(http),
            ..attribute_context::Request::default()
        }),
        context_extensions: [("route".to_owned(), route.to_owned())].into(),
        ..AttributeContext::default()
    };
    let message = CheckRequest { attributes: Some(attributes) }.encode_to_vec();
    let mut whole = vec![0];
    whole.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    whole.extend_from_slice(&message);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, SETTINGS, 0, 0, &[]);
        write(&mut bytes, HEADERS, END_HEADERS, 1, &[0x88]);
        write(&mut bytes, DATA, 0, 1, text.as_bytes());
        write(&mut bytes, HEADERS, END_HEADERS | END_STREAM, 1, &[]);
        bytes
    }

    #[test]
    fn an_answer_is_heard_when_its_last_frame_is_there() {
        let questions = Questions::new("api", 0..1);
        let bytes = answer(&identity_id(0).to_string());
        for length in 0..bytes.len() {
            let mut heard = bytes[..length].to_vec();
            assert!(!questions.hear(0, 0, &mut heard, &mut Vec::new()).unwrap(), "{length}");
        }
        let (mut heard, mut reply) = (bytes, Vec::new());
        assert!(questions.hear(0, 0, &mut heard, &mut reply).unwrap());
        assert!(heard.is_empty());
        assert_eq!(reply, [0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0]);
    }

    #[test]
    fn a_wrong_answer_is_told() {
        let questions = Questions::new("api", 0..1);
        for mut wrong in [answer("somebody else"), vec![0, 0, 0, GOAWAY, 0, 0, 0, 0, 0]] {
            assert!(questions.hear(0, 0, &mut wrong, &mut Vec::new()).is_err());
        }
    }
}
