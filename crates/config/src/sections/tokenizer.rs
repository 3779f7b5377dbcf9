//! `session.whoami.tokenizer`: signed tokens made of sessions.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::section::section;

section! {
    /// Signed tokens made of sessions.
    pub struct Tokenizer {
        /// Tokenizer templates by name: `jwks_url`, `claims_mapper_url`, `ttl`, and more; see templates.md.
        templates: Map<String, Value>,
        /// The times by which managed key sets rotate.
        rotation: Rotation,
        /// The lists by which others see that a session was revoked.
        status_list: StatusList,
    }
}

section! {
    /// The times by which managed key sets rotate.
    pub struct Rotation {
        /// The longest that a node signs without having confirmed its list of keys.
        lease: Duration = "1m",
        /// The largest difference between the clocks of any two machines.
        skew: Duration = "5s",
        /// How long verifiers may keep the published keys.
        max_age: Duration = "5m",
    }
}

section! {
    /// The lists by which others see that a session was revoked.
    pub struct StatusList {
        /// How long after a revocation a list without it may still be good; shorter times would have lists asked for all the time.
        @restricts max_age: Duration [10_000..=24 * 3_600_000] = "1m",
    }
}
