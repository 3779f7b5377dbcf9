//! `session`: how long sessions live, their cookie, their memory.

use std::time::Duration;

use crate::section::{choice, section};
use crate::sections::cookies::SameSite;
use crate::sections::tokenizer::Tokenizer;
use crate::sections::upstream::Upstream;
use crate::setting::Bytes;

section! {
    /// Sessions and their tokens.
    pub struct Session {
        /// How long a session lives.
        @restricts lifespan: Duration = "24h",
        /// How long before its end a session can be extended. Default: at any time.
        @restricts earliest_possible_extend: Option<Duration>,
        /// The session cookie.
        cookie: Cookie,
        /// Sessions in memory.
        cache: Cache,
        /// The question who is signed in.
        whoami: Whoami,
        /// An Ory Kratos, or an Ory Network project, that keeps the sessions.
        @machine upstream: Upstream,
    }
}

section! {
    /// The session cookie.
    pub struct Cookie {
        /// Name of the session cookie.
        name: String = "ory_kratos_session",
        /// Domain of the cookie, whose hosts all get it. Default: that of `cookies`.
        domain: Option<String>,
        /// Path of the cookie. Default: that of `cookies`.
        @restricts path: Option<String>,
        /// Whether the cookie goes along with requests of other sites: Lax, Strict or None. Default: as `cookies` says.
        @restricts same_site: Option<SameSite>,
        /// Whether it goes over https only also where neither the public address nor `cookies` says so.
        @restricts secure: bool = false,
        /// Whether it survives the end of the browser.
        @restricts persistent: bool = true,
    }
}

section! {
    /// Sessions in memory.
    pub struct Cache {
        /// The most memory that sessions may take between requests, for example 256MB or a number of bytes; 0 keeps none.
        max_bytes: Bytes = "256MB",
        /// How long sessions in memory are answered when PostgreSQL cannot be reached: a session that was revoked in the meantime is good for as long. With 0s the answer is 503.
        max_stale: Duration = "0s",
    }
}

section! {
    /// The question who is signed in.
    pub struct Whoami {
        /// `highest_available`: a session must prove all factors its owner has set up; `aal1`: one is enough.
        @restricts required_aal: RequiredAal = "highest_available",
        /// Signed tokens made of sessions.
        tokenizer: Tokenizer,
    }
}

choice! {
    /// Which factors a session must prove.
    pub enum RequiredAal {
        /// All that its owner has set up.
        HighestAvailable = "highest_available",
        /// One.
        Aal1 = "aal1",
    }
}
