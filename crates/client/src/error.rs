//! What can go wrong between the client and the admin API.

use serde::Deserialize;
use serde_json::Value;

/// A call of the admin API failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The endpoint is not a URL that can be used.
    #[error(
        "\"{endpoint}\" is not the address of an admin API: {problem}. Write it as http://127.0.0.1:4434"
    )]
    InvalidEndpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The token would travel in the clear.
    #[error(
        "the admin token is not sent to {endpoint}, because plain http shows it to everybody on the way. Use https://, or reach the server through a tunnel to 127.0.0.1"
    )]
    TokenOverPlainHttp {
        /// Where it would have been sent.
        endpoint: String,
    },
    /// The token holds characters that no header can carry.
    #[error("the admin token holds a line break or other characters that no header can carry")]
    UnusableToken,
    /// Nothing answers at the endpoint.
    #[error("the admin API at {endpoint} cannot be reached: {problem}")]
    Unreachable {
        /// Where it should be.
        endpoint: String,
        /// What the operating system says.
        problem: String,
    },
    /// The server answers that it cannot do its work.
    #[error("the server at {endpoint} is not ready: {reason}")]
    NotReady {
        /// The server that answered.
        endpoint: String,
        /// What it lacks.
        reason: String,
    },
    /// The server refuses the request, and its reason says what to do.
    #[error("{}", .0.reason_or_message())]
    Refused(Box<Refusal>),
    /// The public API answers, which has none of the routes of the admin API.
    #[error(
        "this is the public API of the server: {endpoint}. Commands ask its admin API, which listens at a port of its own, 4434 unless serve.admin.port says otherwise"
    )]
    PublicApi {
        /// The endpoint that answered.
        endpoint: String,
    },
    /// The answer is not one that an admin API gives.
    #[error(
        "{endpoint} does not answer as an admin API does ({problem}). Is it the address of the admin API, which is another one than that of the public API?"
    )]
    NotUnderstood {
        /// The endpoint that answered.
        endpoint: String,
        /// In what the answer differs from one of an admin API.
        problem: String,
    },
}

impl ClientError {
    /// The HTTP status, when the server refused.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Whether the server says that the thing asked for does not exist.
    pub const fn is_not_found(&self) -> bool {
        matches!(self.status(), Some(404))
    }
}

/// The server's error envelope: `{"error":{"code","status","id"?,"reason","message","details"?}}`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    #[serde(default)]
    pub code: u16,
    /// The machine-readable id, where the contract has one.
    #[serde(default)]
    pub id: Option<String>,
    /// What the caller can do about it.
    #[serde(default)]
    pub reason: String,
    /// What happened.
    #[serde(default)]
    pub message: String,
    /// More about it, such as the JSON Pointer of what is wrong.
    #[serde(default)]
    pub details: Option<Value>,
}

impl Refusal {
    fn reason_or_message(&self) -> String {
        let text = if self.reason.is_empty() { &self.message } else { &self.reason };
        if text.is_empty() { format!("the server answers with status {}", self.code) } else { text.clone() }
    }
}
