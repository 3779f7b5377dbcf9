//! What is presented to be recognised: a session token, a cookie or a bearer token.

use sessera_store::SessionKind;

/// A credential that may open a session, as it was presented.
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
