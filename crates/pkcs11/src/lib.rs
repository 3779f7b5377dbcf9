//! Keys that sign outside of the process, in a hardware security module or whatever else speaks PKCS #11.
//!
//! [`open`] takes a `pkcs11:` URI (RFC 7512), finds the one private key that it names and gives a
//! [`SigningKey`]. The private half never comes here.
//!
//! A module may take its time or never answer, and nobody can stop a call into it. Therefore a few threads of
//! each token (`pool`) make all calls, each with a session of its own, and callers wait for a bounded time
//! only.
//!
//! | module | holds |
//! |---|---|
//! | [`uri`] | the address of a key |
//! | `pool` | the threads, their queue and the time-outs |
//! | `token` | modules, tokens, sessions |
//! | `key` | a key: its public half, its signatures |

pub mod error;
mod key;
mod pool;
mod token;
pub mod uri;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sessera_jose::sign::{Signer, SigningKey};
use sessera_jose::{PublicJwkSet, verify};

use crate::key::Pkcs11Key;

pub use error::Pkcs11Error;
pub use uri::KeyUri;

/// Keys that were opened. They outlive configurations, so that a change of one need not wait for tokens
/// again.
static OPENED: LazyLock<Mutex<HashMap<KeyUri, Arc<Pkcs11Key>>>> = LazyLock::new(Mutex::default);

/// The key that a URI names, proven to sign what its public half verifies.
///
/// The first call for a key waits for the token, for at most seven seconds. Later calls return the same key,
/// whether or not the token answers.
pub fn open(uri: &str) -> Result<Arc<dyn SigningKey>, Pkcs11Error> {
    let uri = KeyUri::parse(uri)?;
    let opened = || OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = opened().get(&uri) {
        return Ok(key.clone());
    }
    let key = Arc::new(Pkcs11Key::open(&uri)?);
    prove(key.clone())?;
    opened().insert(uri, key.clone());
    Ok(key)
}

fn prove(key: Arc<Pkcs11Key>) -> Result<(), Pkcs11Error> {
    let public = PublicJwkSet::new(key.public().cloned().into_iter().collect());
    let refused = |error: sessera_jose::KeyError| Pkcs11Error::Refused(error.to_string());
    let token = Signer::of_key(key).and_then(|signer| signer.sign_compact("JWT", b"{}")).map_err(refused)?;
    verify::verify(&token, &public).map(|_| ()).map_err(|_| Pkcs11Error::Inconsistent)
}
