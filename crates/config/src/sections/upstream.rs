//! `session.upstream`: an Ory Kratos or an Ory Network project that keeps the sessions.

use std::time::Duration;

use sessera_model::Secret;
use url::Url;

use crate::section::section;

section! {
    /// An Ory Kratos, or an Ory Network project, that keeps the sessions. It counts from the next start.
    pub struct Upstream {
        /// The public API of the upstream. With it, sessions come from there, and the ports are 4533 and 4534 unless they are configured. Default: this server keeps the sessions itself.
        url: Option<Url>,
        /// The admin API of the upstream. Without it, tokens can be introspected only while their session is in memory, and neither be revoked nor presented as bearer nor stand in status lists, and nothing is forwarded from the admin port. Default: none.
        admin_url: Option<Url>,
        /// The bearer token of that admin API, such as an API key of Ory Network. Default: none.
        admin_token: Option<Secret>,
        /// The name of the upstream's session cookie. Default: for a project of Ory Network the one of the project, else session.cookie.name.
        cookie: Option<String>,
        /// How long an answer of the upstream is kept, which is the longest time that a revocation made elsewhere goes unseen; 0s asks every time.
        @restricts ttl: Duration [0..=3_600_000] = "30s",
        /// How much longer an answer is used when the upstream does not answer. With 0s the answer is 503.
        max_stale: Duration [0..=86_400_000] = "0s",
        /// How long one question may take, and how long one may wait for its turn before.
        timeout: Duration [1..=60_000] = "3s",
        /// How many questions may be under way at the same time.
        max_in_flight: u32 [1..=10_000] = "64",
        /// How many sessions a second a node asks the admin API about so that status lists know which are over, those first that nobody asked about for longest.
        recheck_per_second: u32 [1..=1_000] = "10",
        /// Whether requests that this server does not answer itself go on to the upstream.
        @restricts forward: bool = true,
        /// A file with certificates, as PEM, that are trusted beside those of the system.
        ca_file: Option<String>,
    }
}
