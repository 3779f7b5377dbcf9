//! `cookies`: how cookies are made.

use crate::section::{choice, section};

section! {
    /// How cookies are made, the session cookie too where `session.cookie` says nothing.
    pub struct Cookies {
        /// Domain of the cookies, whose hosts all get them. Default: only the host that set them.
        domain: Option<String>,
        /// Path of the cookies.
        @restricts path: String = "/",
        /// Whether cookies go along with requests of other sites: Lax, Strict or None.
        @restricts same_site: SameSite = "Lax",
        /// Whether cookies go over https only also where the public address does not begin with it.
        @restricts secure: bool = false,
    }
}

choice! {
    /// Whether a cookie goes along with requests of other sites.
    pub enum SameSite {
        /// When a person follows a link.
        Lax = "Lax",
        /// Never.
        Strict = "Strict",
        /// Always.
        None = "None",
    }
}
