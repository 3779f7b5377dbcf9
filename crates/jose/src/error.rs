//! What can be wrong with keys and tokens.

/// A key or a key set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not JSON, or not a key set.
    #[error("this is not a JSON Web Key Set: {0}")]
    NotAKeySet(String),
    /// The JSON is not a key.
    #[error("this is not a JSON Web Key: {0}")]
    NotAKey(String),
    /// The set has no key.
    #[error(
        "the key set is empty: add a key to it, for example with \"sessera create jwk NAME --alg ES256\""
    )]
    EmptySet,
    /// The key does not say for which algorithm it is.
    #[error("the key {0} has no \"alg\": add the member, for example \"alg\": \"ES256\"")]
    NoAlgorithm(String),
    /// The algorithm is not known.
    #[error(
        "the algorithm {0:?} is not supported: use one of ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA, HS256, HS384, HS512"
    )]
    UnknownAlgorithm(String),
    /// The kind of key does not fit its algorithm.
    #[error("the key {kid} is of kind {kty}, which does not fit its algorithm {alg}")]
    WrongKind {
        /// The key's id.
        kid: String,
        /// Its kind and curve.
        kty: String,
        /// The algorithm it names.
        alg: String,
    },
    /// There is no private half to sign with.
    #[error("the key {0} is public only: signing needs the private key")]
    PublicOnly(String),
    /// The key is for encryption.
    #[error("the key {0} is for encryption (\"use\": \"enc\"): signatures need a key with \"use\": \"sig\"")]
    ForEncryption(String),
    /// The key lists what it is for (`key_ops`), and signatures are not in the list.
    #[error("the key {0} is not for signatures: add \"sign\" to its \"key_ops\", or leave the member out")]
    NotForSignatures(String),
    /// The RSA key has fewer than 2048 bits.
    #[error("the RSA key {kid} has {bits} bits: at least 2048 are needed (RFC 7518, section 3.3)")]
    RsaTooShort {
        /// The key's id.
        kid: String,
        /// Its length.
        bits: usize,
    },
    /// The HMAC key is shorter than its hash.
    #[error("the secret {kid} has {length} bytes: {alg} needs at least {needed} (RFC 7518, section 3.2)")]
    SecretTooShort {
        /// The key's id.
        kid: String,
        /// Its length in bytes.
        length: usize,
        /// The algorithm.
        alg: &'static str,
        /// The length needed.
        needed: usize,
    },
    /// A member is missing or cannot be read.
    #[error("the key's member \"{member}\" {problem}")]
    BadMember {
        /// Its name.
        member: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The private and the public half do not belong together.
    #[error("the private and the public half of the key {0} do not belong together")]
    Inconsistent(String),
    /// Two keys of a set have the same id.
    #[error("two keys of the set have the id {0:?}: give each its own \"kid\"")]
    DuplicateKid(String),
    /// The text is in none of the forms that can be imported.
    #[error("{0}")]
    NotImportable(String),
    /// No key of the requested size can be made.
    #[error("RSA keys are made with 2048, 3072, 4096 or 8192 bits, not {0}")]
    BadSize(usize),
    /// The key is kept outside of this process and cannot sign now. The caller may try again.
    #[error("the key cannot sign now: {0}")]
    Unavailable(String),
    /// The library refused to make a key.
    #[error("the key could not be made")]
    Generation,
}

/// A token is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It does not have the form of a token.
    #[error("this is not a signed token: {0}")]
    Malformed(&'static str),
    /// Its header or its payload is not a JSON object, or a member of it stands twice.
    #[error("the token's {part} cannot be read: {problem}")]
    BadJson {
        /// `header` or `payload`.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It is longer than any token should be.
    #[error("the token is longer than {0} bytes")]
    TooLong(usize),
    /// Its header says that it has no signature (RFC 7518, section 3.6).
    #[error("the token is not signed (\"alg\": \"none\"): anybody could have made it")]
    NotSigned,
    /// Its header names an algorithm that is not supported here.
    #[error("the token's algorithm {0:?} is not accepted")]
    AlgorithmNotAccepted(String),
    /// Its header asks for an extension that is not understood (RFC 7515, section 4.1.11).
    #[error("the token asks for extensions that are not understood (\"crit\")")]
    CriticalExtension,
    /// No key of the set has the token's id.
    #[error("no key of the set has the id {0:?} that the token names")]
    UnknownKey(String),
    /// It names no key, and the set does not have exactly one.
    #[error("the token names no key (\"kid\"), and the set does not have exactly one")]
    NoKeyId,
    /// The token's algorithm is not that of its key.
    #[error("the token says {token}, its key is for {key}")]
    AlgorithmMismatch {
        /// The token's algorithm.
        token: String,
        /// The key's algorithm.
        key: String,
    },
    /// The key that it names must not be used for signatures.
    #[error("{0}")]
    Key(KeyError),
    /// The signature was not made by the key over this content.
    #[error("the signature is wrong")]
    BadSignature,
    /// A claim about time is not a number.
    #[error("the claim \"{0}\" must be a number of seconds")]
    BadTime(&'static str),
    /// It has expired.
    #[error("the token expired {0} s ago")]
    Expired(i64),
    /// It is not valid yet.
    #[error("the token is not valid yet: its claim \"{claim}\" lies {seconds} s ahead")]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// How many seconds ahead.
        seconds: i64,
    },
    /// It is something else than what was expected.
    #[error("the token's type (\"typ\") is {found}, not \"{expected}\"")]
    WrongType {
        /// What stands in `typ`, as JSON.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Somebody else issued it.
    #[error("the token's issuer is {found}, not \"{expected}\"")]
    WrongIssuer {
        /// What stands in `iss`, as JSON.
        found: String,
        /// The issuer that was expected.
        expected: String,
    },
    /// It is meant for somebody else.
    #[error("the token's audience is {found}, which does not name \"{expected}\"")]
    WrongAudience {
        /// What stands in `aud`, as JSON.
        found: String,
        /// The audience that was expected.
        expected: String,
    },
}
