//! The sections of the configuration, one file each. A field is the declaration of its key.

pub mod after;
pub mod audit;
pub mod clients;
pub mod cookies;
pub mod courier;
pub mod events;
pub mod flows;
pub mod gateway;
pub mod hashers;
pub mod hooks;
pub mod identity;
pub mod log;
pub mod methods;
pub mod oidc;
pub mod pages;
pub mod request;
pub mod secrets;
pub mod security;
pub mod selfservice;
pub mod serve;
pub mod session;
pub mod tokenizer;
pub mod tracing;
pub mod upstream;
pub mod web_hook;

use std::time::Duration;

use sessera_model::Secret;

use crate::section::section;

section! {
    /// The whole tree.
    pub struct Sections {
        /// The database: `sqlite://file` or `postgres://user:password@host/database`. Default: `sqlite://sessera.sqlite` in the working directory.
        @machine dsn: Option<Secret>,
        /// Standbys of the database, `postgres://user:password@host1,host2/database`, from which sessions may be read while they have every change that this node knows of. Default: none.
        @machine dsn_read_only: Option<Secret>,
        /// Where Sessera listens.
        @machine serve: serve::Serve,
        /// Secrets.
        @machine secrets: secrets::Secrets,
        /// The log.
        @machine log: log::Log,
        /// The record of what happened.
        @machine audit: audit::Audit,
        /// Traces of requests. They count from the next start.
        @machine tracing: tracing::Tracing,
        /// Requests that Sessera makes to others.
        @machine clients: clients::Clients,
        /// How the pages that come with Sessera look, and what they say.
        @machine pages: pages::Pages,
        /// Who signs in.
        identity: identity::Identity,
        /// What people do themselves.
        selfservice: selfservice::SelfService,
        /// What outsiders may find out.
        security: security::Security,
        /// How cookies are made.
        cookies: cookies::Cookies,
        /// Sessions and their tokens.
        session: session::Session,
        /// Tokens for apps behind a proxy.
        gateway: gateway::Gateway,
        /// How passwords are hashed.
        hashers: hashers::Hashers,
        /// How messages are sent.
        courier: courier::Courier,
        /// What others are told of what happens.
        events: events::Events,
        /// Choices about how clients are answered.
        feature_flags: FeatureFlags,
        /// Development mode: without a mail server, mails and the codes in them are shown in the log.
        @machine dev: bool = false,
        /// Keys that restrict something which Sessera cannot restrict, and with which it starts all the same: each is named as the refusal names it. The option --accept-unsupported of sessera serve adds to them. Default: none.
        @machine accept_unsupported: Vec<String>,
    }
}

section! {
    /// Choices about how clients are answered.
    pub struct FeatureFlags {
        /// Whether a recovery by a native client answers with what to do next instead of a redirect.
        use_continue_with_transitions: bool = false,
        /// Whether the answer of `GET /sessions/whoami` says in `Ory-Session-Cache-For` for how many seconds a proxy may keep it. A session that is revoked is good there for as long.
        cacheable_sessions: bool = false,
        /// For how long a proxy may keep it at the most; 0s: until the session ends.
        cacheable_sessions_max_age: Duration = "0s",
    }
}
