//! JSON Web Keys (RFC 7517), key sets and signatures (RFC 7515), on aws-lc-rs.
//!
//! It deliberately has no JWE, and it never trusts what a token says about its own key.
//! Private keys ([`Jwk`]) and public ones ([`PublicJwk`]) are different types, and the public ones
//! have no place for a private member. Private bytes are wiped from memory and never printed.
//!
//! | module | holds |
//! |---|---|
//! | [`algorithm`] | the signature algorithms |
//! | [`jwk`] | keys and sets of them |
//! | [`sign`] | a key ready to sign, here or elsewhere |
//! | [`verify`] | checking tokens |
//! | [`status_list`] | lists of revoked tokens |
//! | [`generate`] | making keys |
//! | [`import`] | keys from PEM, DER and raw secrets |

pub mod algorithm;
pub mod base64url;
mod der;
pub mod error;
pub mod generate;
pub mod import;
pub mod jwk;
mod pem;
pub mod sign;
pub mod status_list;
pub mod strict_json;
mod text;
pub mod verify;

pub use algorithm::Algorithm;
pub use error::{KeyError, VerifyError};
pub use jwk::{Jwk, JwkSet, KidClash, PublicJwk, PublicJwkSet, Relation};
pub use sign::{Signer, SigningKey};
pub use text::{MAX_NAME_BYTES, is_name, without_byte_order_mark, without_byte_order_mark_in};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
