//! Who people are and how they prove it, without HTTP.
//!
//! Sessions are made and renewed here, but who presents one is found out elsewhere: whoever calls says
//! whose session it is. Requests come in as plain data, and outcomes go out as plain enums.
//!
//! | module | holds |
//! |---|---|
//! | [`accounts`] | the parts that everything here works with |
//! | [`snapshot`], [`rules`] | what the configuration says, compiled |
//! | [`flows`] | the self-service flows: signing in, signing up and what belongs to it |
//! | [`methods`] | the sign-in methods, a folder each |
//! | [`identities`], [`imports`] | making and changing identities, and the credentials that they bring along |
//! | [`schema`] | what the traits of an identity must look like, and what they mean |
//! | [`password`] | hashes of passwords, and which passwords are refused |
//! | [`providers`], [`linked`] | other providers that vouch for people, and the accounts there by which people sign in |
//! | [`breaches`] | passwords that are known from breaches |
//! | [`codes`] | codes by e-mail |
//! | [`hooks`] | web hooks: others who are told what happens in flows, or asked whether it may |
//! | [`courier`], [`mail`] | the outbox, and the messages that leave through it |
//! | [`gotemplate`] | templates in the language of Go, as messages of Kratos have them |
//! | [`ui`], [`submission`] | the form that a flow shows, and what a person submits |
//! | [`messages`], [`language`] | what a flow says, by number and language |
//! | [`csrf`], [`keys`] | which browser a flow belongs to, and keyed hashes for what a client holds |
//! | [`target`], [`return_to`] | where browsers are sent, and where they may ask to be sent after a flow |
//! | [`limits`] | limits against abuse |
//! | [`metrics`] | what happens here, in numbers |

pub mod accounts;
pub mod breaches;
pub mod codes;
pub mod courier;
pub mod csrf;
pub mod flows;
pub mod gotemplate;
#[cfg(test)]
mod growth_tests;
pub mod hooks;
pub mod identities;
pub mod imports;
pub mod keys;
pub mod language;
mod left_behind;
pub mod limits;
#[cfg(test)]
mod limits_tests;
pub mod linked;
pub mod mail;
pub mod messages;
mod method_list;
pub mod methods;
pub mod metrics;
pub mod password;
pub mod providers;
pub mod return_to;
pub mod rules;
pub mod schema;
pub mod snapshot;
pub mod submission;
pub mod target;
#[cfg(test)]
mod testing;
pub mod ui;

pub use accounts::Accounts;
pub use metrics::Metrics;
pub use snapshot::Snapshot;
