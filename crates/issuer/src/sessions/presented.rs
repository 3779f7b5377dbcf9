//! What is presented to be recognised: a session token, a cookie or a bearer token.

use serde::{Deserialize, Serialize, Serializer};
use sessera_model::{Secret, TokenHash};
use sessera_store::SessionKind;

/// A session token that may open a session, as it was presented.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// A token in a header: a native client.
    Token(&'a str),
    /// A cookie: a browser.
    Cookie(&'a str),
    /// `Authorization: Bearer`: a native client.
    Bearer(&'a str),
}

impl<'a> Presented<'a> {
    /// Whether it may open a session of a kind: a cookie opens sessions of browsers only.
    pub fn may_open(self, kind: SessionKind) -> bool {
        !matches!(self, Self::Cookie(_)) || kind == SessionKind::Browser
    }

    /// The text that was presented.
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Token(text) | Self::Cookie(text) | Self::Bearer(text) => text,
        }
    }
}

/// A session token of which as much was kept as it takes to find its session again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// The hash of its text, by which sessions are found that are kept here.
    Session(TokenHash),
    /// A cookie, which whoever keeps the sessions elsewhere has to be shown.
    Cookie(Secret),
}

/// It is written into records that the store seals, and nowhere else.
impl Serialize for Opens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Session(hash) => serializer.serialize_newtype_variant("Opens", 0, "session", hash),
            Self::Cookie(cookie) => {
                serializer.serialize_newtype_variant("Opens", 1, "cookie", cookie.expose())
            }
        }
    }
}

impl std::fmt::Debug for Presented<'_> {
    /// Its kind alone: the text is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token",
            Self::Cookie(_) => "Cookie",
            Self::Bearer(_) => "Bearer",
        })
    }
}
