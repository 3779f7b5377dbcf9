//! What follows from the number of a person, which is the token, the ids and the address.

use sessera_model::{TokenHash, Uuid};

/// The session token of the person with this number.
pub(crate) fn token(number: u64) -> String {
    format!("bench_token_with_the_usual_length_{number:010}")
}

/// The id of the identity with this number. Its bits are as scattered as those of random ids.
pub(crate) fn identity_id(number: u64) -> Uuid {
    scattered("identity", number)
}

/// The id of a thing with this number.
pub(crate) fn scattered(what: &str, number: u64) -> Uuid {
    let hash = TokenHash::of(&format!("{what} {number}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    Uuid::from_bytes(bytes)
}

/// The address of the person with this number.
pub(crate) fn email(number: u64) -> String {
    format!("person-{number}@example.org")
}
