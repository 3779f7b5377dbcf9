//! Checking tokens, first their signature and then their times.

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::error::{KeyError, VerifyError};
use crate::jwk::{Jwk, JwkSet, MIN_RSA_BITS, Material, PublicJwk, PublicJwkSet, PublicKey, uncompressed};
use crate::sign::hmac_algorithm;
use crate::{base64url, status_list, strict_json};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 256 * 1024;

/// A token whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its header.
    pub header: Map<String, Value>,
    /// Its payload.
    pub payload: Vec<u8>,
    /// The id of the key that made it.
    pub kid: String,
}

impl Verified {
    /// The payload as claims: a JSON object without duplicate members.
    pub fn claims(&self) -> Result<Map<String, Value>, VerifyError> {
        object("payload", &self.payload)
    }
}

fn object(part: &'static str, json: &[u8]) -> Result<Map<String, Value>, VerifyError> {
    match strict_json::parse(json) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(VerifyError::BadJson { part, problem: "a JSON object was expected".into() }),
        Err(problem) => Err(VerifyError::BadJson { part, problem }),
    }
}

/// The parts of a token that is not checked yet.
struct Parts<'a> {
    header: Map<String, Value>,
    algorithm: Algorithm,
    kid: Option<String>,
    signing_input: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, VerifyError> {
        if token.len() > MAX_TOKEN {
            return Err(VerifyError::TooLong(MAX_TOKEN));
        }
        let (signing_input, signature) =
            token.rsplit_once('.').ok_or(VerifyError::Malformed("it needs three parts with dots between"))?;
        let (header, payload) = signing_input
            .split_once('.')
            .ok_or(VerifyError::Malformed("it needs three parts with dots between"))?;
        let bytes = |part| base64url::decode(part).ok_or(VerifyError::Malformed("a part is not base64url"));
        let header = object("header", &bytes(header)?)?;
        if header.contains_key("crit") {
            return Err(VerifyError::CriticalExtension);
        }
        if header.contains_key("b64") {
            return Err(VerifyError::Malformed("payloads that are not base64url are not supported"));
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(VerifyError::Malformed("\"alg\" and \"kid\" must be strings")),
        };
        let alg = text("alg")?.ok_or(VerifyError::Malformed("the header names no algorithm"))?;
        if alg.eq_ignore_ascii_case("none") {
            return Err(VerifyError::NotSigned);
        }
        let algorithm =
            alg.parse().map_err(|_| VerifyError::AlgorithmNotAccepted(alg.chars().take(32).collect()))?;
        let kid = text("kid")?;
        Ok(Self {
            algorithm,
            kid,
            signing_input: signing_input.as_bytes(),
            payload: bytes(payload)?,
            signature: bytes(signature)?,
            header,
        })
    }

    /// The keys that it may be checked with: all that have the id that it names, since nothing keeps two owners from
    /// using one id. Without an id a set of one key is clear enough.
    fn keys<'k, K>(&self, keys: &'k [K], kid_of: impl Fn(&K) -> &str) -> Result<Vec<&'k K>, VerifyError> {
        let Some(kid) = &self.kid else {
            return if let [only] = keys { Ok(vec![only]) } else { Err(VerifyError::NoKeyId) };
        };
        let named: Vec<&K> = keys.iter().filter(|key| kid_of(key) == kid).collect();
        if named.is_empty() {
            return Err(VerifyError::UnknownKey(kid.chars().take(128).collect()));
        }
        Ok(named)
    }

    fn verified(self, kid: &str) -> Verified {
        Verified { header: self.header, payload: self.payload, kid: kid.to_owned() }
    }

    /// Checks the algorithm. The key's decides, and the token must name the same one, so that what a token
    /// says about itself never chooses how it is checked.
    fn check_algorithm(&self, alg: Option<&str>) -> Result<(), VerifyError> {
        let Some(alg) = alg else { return Ok(()) };
        if alg.parse() == Ok(self.algorithm) {
            return Ok(());
        }
        Err(VerifyError::AlgorithmMismatch { token: self.algorithm.to_string(), key: alg.to_owned() })
    }
}

/// Checks the signature of a token in compact form with a set of public keys. Symmetric algorithms are
/// never accepted here, and keys that the token brings along (`jwk`, `jku`, `x5c`) are not looked at.
pub fn verify(token: &str, keys: &PublicJwkSet) -> Result<Verified, VerifyError> {
    verify_with_keys(token, &keys.keys().iter().collect::<Vec<_>>())
}

/// Checks the signature of a token with public keys that stand in several places.
pub fn verify_with_keys(token: &str, keys: &[&PublicJwk]) -> Result<Verified, VerifyError> {
    let parts = Parts::of(token)?;
    if parts.algorithm.is_symmetric() {
        return Err(VerifyError::AlgorithmNotAccepted(parts.algorithm.to_string()));
    }
    let named = parts.keys(keys, |key| key.kid())?;
    let key = first_good(&named, |key| {
        key.check_purpose().map_err(VerifyError::Key)?;
        parts.check_algorithm(key.alg())?;
        check_length(key.kid(), key.key())?;
        check_public(key.key(), &parts)
    })?;
    Ok(parts.verified(key.kid()))
}

/// The first of some keys that passes a check, or what is wrong with the first of all.
fn first_good<'k, K>(
    keys: &[&'k K],
    check: impl Fn(&K) -> Result<(), VerifyError>,
) -> Result<&'k K, VerifyError> {
    let mut first_error = None;
    for key in keys {
        match check(key) {
            Ok(()) => return Ok(key),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    Err(first_error.unwrap_or(VerifyError::NoKeyId))
}

/// Checks the signature of a token with the owner's set, shared secrets included.
pub fn verify_with_secrets(token: &str, keys: &JwkSet) -> Result<Verified, VerifyError> {
    let parts = Parts::of(token)?;
    let named = parts.keys(keys.keys(), Jwk::kid)?;
    let key = first_good(&named, |key| check_owned(key, &parts))?;
    Ok(parts.verified(key.kid()))
}

fn check_owned(key: &Jwk, parts: &Parts<'_>) -> Result<(), VerifyError> {
    key.check_purpose().map_err(VerifyError::Key)?;
    parts.check_algorithm(key.alg())?;
    match key.material() {
        Material::Secret(secret) if parts.algorithm.is_symmetric() => {
            // The length of the secret is part of what the algorithm asks for.
            key.clone().with_default_algorithm(parts.algorithm).algorithm().map_err(VerifyError::Key)?;
            check_secret(secret, parts)
        }
        Material::Pair { public, .. } => {
            check_length(key.kid(), public)?;
            check_public(public, parts)
        }
        Material::Secret(_) => {
            Err(VerifyError::AlgorithmMismatch { token: parts.algorithm.to_string(), key: "HMAC".into() })
        }
    }
}

fn check_secret(secret: &[u8], parts: &Parts<'_>) -> Result<(), VerifyError> {
    let key = hmac::Key::new(hmac_algorithm(parts.algorithm), secret);
    hmac::verify(&key, parts.signing_input, &parts.signature).map_err(|_| VerifyError::BadSignature)
}

/// Refuses an RSA key that is too short, because its signatures prove nothing.
fn check_length(kid: &str, public: &PublicKey) -> Result<(), VerifyError> {
    match public.rsa_bits() {
        Some(bits) if bits < MIN_RSA_BITS => {
            Err(VerifyError::Key(KeyError::RsaTooShort { kid: kid.to_owned(), bits }))
        }
        _ => Ok(()),
    }
}

fn check_public(key: &PublicKey, parts: &Parts<'_>) -> Result<(), VerifyError> {
    if !key.fits(parts.algorithm) {
        return Err(VerifyError::AlgorithmMismatch {
            token: parts.algorithm.to_string(),
            key: match key {
                PublicKey::Ec { curve, .. } => curve.algorithm().to_string(),
                PublicKey::Ed25519 { .. } => Algorithm::EdDsa.to_string(),
                PublicKey::Rsa { .. } => "RSA".into(),
            },
        });
    }
    let check = |algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]| {
        UnparsedPublicKey::new(algorithm, bytes).verify(parts.signing_input, &parts.signature)
    };
    let outcome = match key {
        PublicKey::Ec { curve, x, y } => check(curve.verification(), &uncompressed(x, y)),
        PublicKey::Ed25519 { x } => check(&ED25519, x),
        PublicKey::Rsa { n, e } => PublicKeyComponents { n: n.as_slice(), e: e.as_slice() }.verify(
            rsa_parameters(parts.algorithm),
            parts.signing_input,
            &parts.signature,
        ),
    };
    outcome.map_err(|_| VerifyError::BadSignature)
}

const fn rsa_parameters(algorithm: Algorithm) -> &'static RsaParameters {
    match algorithm {
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    }
}

/// Checks the times of claims (RFC 7519, sections 4.1.4 to 4.1.6) at `now`, in seconds since the epoch,
/// with `leeway` seconds for clocks that differ.
pub fn check_times(claims: &Map<String, Value>, now: i64, leeway: i64) -> Result<(), VerifyError> {
    if let Some(exp) = time_claim(claims, "exp")?
        && now >= exp.saturating_add(leeway)
    {
        return Err(VerifyError::Expired(now - exp));
    }
    for name in ["nbf", "iat"] {
        if let Some(from) = time_claim(claims, name)?
            && now < from.saturating_sub(leeway)
        {
            return Err(VerifyError::NotYetValid { claim: name, seconds: from - now });
        }
    }
    Ok(())
}

/// Checks what a token is (RFC 8725, section 3.11): with `expected` its `typ` must be that, without it must be absent or
/// that of a token by which somebody gets in, `JWT` or `at+jwt` (RFC 9068). Everything else is a statement of another
/// kind, such as a status list or a request, and says nothing about who presents it.
pub fn check_type(header: &Map<String, Value>, expected: Option<&str>) -> Result<(), VerifyError> {
    let found = header.get("typ");
    let is_good = match (found, expected) {
        (None, None) => true,
        (Some(Value::String(typ)), Some(expected)) => is_type(typ, expected),
        (Some(Value::String(typ)), None) => is_type(typ, "JWT") || is_type(typ, "at+jwt"),
        _ => false,
    };
    if is_good {
        return Ok(());
    }
    let expected = expected.unwrap_or("JWT").to_owned();
    Err(VerifyError::WrongType { found: shown(found), expected })
}

/// Types of tokens that say something else than who somebody is, whoever makes them: lists of statuses, events (RFC 8417)
/// such as that of a sign-out (OpenID Connect Back-Channel Logout 1.0), proofs (RFC 9449), requests (RFC 9101) and the
/// answers of introspection (RFC 9701).
const STATEMENTS: [&str; 6] = [
    status_list::TYP,
    "secevent+jwt",
    "logout+jwt",
    "dpop+jwt",
    "oauth-authz-req+jwt",
    "token-introspection+jwt",
];

/// Checks that a token is one by which somebody gets in, where templates choose types of their own: `own` tells which
/// types are such a one's. Otherwise as [`check_type`] without an expected type.
pub fn check_type_or(header: &Map<String, Value>, own: impl Fn(&str) -> bool) -> Result<(), VerifyError> {
    let is_statement = |typ: &str| STATEMENTS.iter().any(|other| is_type(typ, other));
    match header.get("typ") {
        Some(Value::String(typ)) if own(typ) && !is_statement(typ) => Ok(()),
        _ => check_type(header, None),
    }
}

/// Whether two names of a type are the same: case does not count, and `application/` may be left out (RFC 7515,
/// section 4.1.9).
fn is_type(found: &str, expected: &str) -> bool {
    let bare = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("application/").map(str::to_owned).unwrap_or(name)
    };
    bare(found) == bare(expected)
}

/// Checks who issued a token (RFC 7519, section 4.1.1).
pub fn check_issuer(claims: &Map<String, Value>, expected: &str) -> Result<(), VerifyError> {
    match claims.get("iss") {
        Some(Value::String(issuer)) if issuer == expected => Ok(()),
        found => Err(VerifyError::WrongIssuer { found: shown(found), expected: expected.to_owned() }),
    }
}

/// Checks whom a token is meant for (RFC 7519, section 4.1.3). `aud` names one recipient or several.
pub fn check_audience(claims: &Map<String, Value>, expected: &str) -> Result<(), VerifyError> {
    let found = claims.get("aud");
    let named = match found {
        Some(Value::String(audience)) => audience == expected,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == expected),
        _ => false,
    };
    if named {
        return Ok(());
    }
    Err(VerifyError::WrongAudience { found: shown(found), expected: expected.to_owned() })
}

fn shown(claim: Option<&Value>) -> String {
    claim.map_or_else(|| "absent".into(), |value| value.to_string().chars().take(200).collect())
}

fn time_claim(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, VerifyError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "NumericDate may have a fraction, which does not count"
            )]
            let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
            seconds.map(Some).ok_or(VerifyError::BadTime(name))
        }
    }
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Signer;
    use serde_json::json;

    fn set() -> JwkSet {
        JwkSet::parse(br#"{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","alg":"ES256","kid":"1"}]}"#).unwrap()
    }

    fn token_with(header: &Value, set: &JwkSet) -> String {
        let signer = Signer::of_set(set).unwrap();
        let mut token = format!("{}.{}", base64url::encode(header.to_string()), base64url::encode("{}"));
        signer.sign(&mut token).unwrap();
        token
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else() {
        let set = set();
        let token = Signer::of_set(&set).unwrap().sign_compact("JWT", br#"{"sub":"a"}"#).unwrap();
        let verified = verify(&token, &set.public()).unwrap();
        assert_eq!(verified.claims().unwrap()["sub"], "a");
        assert_eq!(verified.header["typ"], "JWT");
        for at in [0, token.len() / 2, token.len() - 2] {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(verify(&String::from_utf8(other).unwrap(), &set.public()).is_err());
        }
    }

    #[test]
    fn tricks_with_the_header_are_refused() {
        let set = set();
        let check = |header: Value| verify(&token_with(&header, &set), &set.public());
        assert!(check(json!({"alg": "ES256", "kid": "1"})).is_ok());
        assert!(check(json!({"alg": "ES256"})).is_ok());
        assert!(matches!(check(json!({"alg": "none", "kid": "1"})), Err(VerifyError::NotSigned)));
        assert!(matches!(
            check(json!({"alg": "HS256", "kid": "1"})),
            Err(VerifyError::AlgorithmNotAccepted(_))
        ));
        assert!(matches!(
            check(json!({"alg": "ES384", "kid": "1"})),
            Err(VerifyError::AlgorithmMismatch { .. })
        ));
        assert!(matches!(
            check(json!({"alg": "RS256", "kid": "1"})),
            Err(VerifyError::AlgorithmMismatch { .. })
        ));
        assert!(matches!(check(json!({"alg": "ES256", "kid": "2"})), Err(VerifyError::UnknownKey(_))));
        assert!(matches!(check(json!({"alg": "ES256", "crit": ["x"]})), Err(VerifyError::CriticalExtension)));
        assert!(matches!(check(json!({"alg": 1})), Err(VerifyError::Malformed(_))));
        // The attacker uses the public key as an HMAC secret.
        let confused = JwkSet::parse(br#"{"keys":[{"kty":"oct","k":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","alg":"HS256","kid":"1"}]}"#).unwrap();
        let token = Signer::of_set(&confused).unwrap().sign_compact("JWT", b"{}").unwrap();
        assert!(verify(&token, &set.public()).is_err());
        assert!(verify_with_secrets(&token, &set).is_err());
        assert!(verify_with_secrets(&token, &confused).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let public = set().public();
        for token in ["", "a", "a.b", "a.b.c", "..", "e30.e30.", "{}.{}.{}", &"a".repeat(MAX_TOKEN + 1)] {
            assert!(verify(token, &public).is_err());
        }
        let twice = format!("{}.e30.AAAA", base64url::encode(r#"{"alg":"ES256","alg":"none"}"#));
        assert!(matches!(
            verify(&twice, &public),
            Err(VerifyError::BadJson { part: "header", problem }) if problem.contains("\"alg\" stands twice")
        ));
    }

    #[test]
    fn keys_that_are_not_for_signatures_vouch_for_nothing() {
        let set = set();
        let token = token_with(&json!({"alg": "ES256", "kid": "1"}), &set);
        let for_encryption = JwkSet::new(vec![set.keys()[0].clone().with_use("enc")]).unwrap();
        let unfit = Err(VerifyError::Key(KeyError::ForEncryption("1".into())));
        assert_eq!(verify(&token, &for_encryption.public()), unfit);
        assert_eq!(verify_with_secrets(&token, &for_encryption), unfit);
        let short = JwkSet::parse(br#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"1"}]}"#).unwrap();
        let token = format!("{}.e30.AAAA", base64url::encode(r#"{"alg":"RS256","kid":"1"}"#));
        assert!(matches!(
            verify(&token, &short.public()),
            Err(VerifyError::Key(KeyError::RsaTooShort { bits: 17, .. }))
        ));
    }

    #[test]
    fn every_key_with_the_id_that_a_token_names_is_tried() {
        use crate::generate;
        let key = |algorithm| generate::key(algorithm, Some("same".into()), 2048).unwrap();
        let keys = [Algorithm::Es256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256].map(key);
        let json = json!({ "keys": keys.iter().map(Jwk::to_private_json).collect::<Vec<_>>() });
        let (all, left_out) = JwkSet::parse_known(json.to_string().as_bytes()).unwrap();
        assert_eq!((all.keys().len(), left_out.len()), (4, 0));
        for key in &keys {
            let token = Signer::new(key).unwrap().sign_compact("JWT", b"{}").unwrap();
            assert!(verify_with_secrets(&token, &all).is_ok(), "{:?}", key.alg());
            assert_eq!(verify(&token, &all.public()).is_ok(), !key.is_symmetric());
        }
        let other = Signer::new(&key(Algorithm::Es256)).unwrap().sign_compact("JWT", b"{}").unwrap();
        assert_eq!(verify(&other, &all.public()), Err(VerifyError::BadSignature));
    }

    #[test]
    fn a_token_is_good_only_for_what_its_type_says() {
        let check = |header: Value, expected| check_type(header.as_object().unwrap(), expected);
        for good in
            [json!({}), json!({"typ": "JWT"}), json!({"typ": "jwt"}), json!({"typ": "application/at+jwt"})]
        {
            assert_eq!(check(good, None), Ok(()));
        }
        for other in ["statuslist+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "application/x", ""] {
            assert!(
                matches!(check(json!({"typ": other}), None), Err(VerifyError::WrongType { .. })),
                "{other}"
            );
            assert_eq!(check(json!({"typ": other}), Some(other)), Ok(()));
        }
        assert!(check(json!({"typ": 1}), None).is_err());
        assert!(check(json!({"typ": "JWT"}), Some("at+jwt")).is_err());
        assert!(check(json!({}), Some("at+jwt")).is_err());
    }

    #[test]
    fn issuer_and_audience_must_be_the_ones_asked_for() {
        let claims = |value: Value| value.as_object().unwrap().clone();
        assert_eq!(check_issuer(&claims(json!({"iss": "a"})), "a"), Ok(()));
        for other in [json!({"iss": "b"}), json!({"iss": ["a"]}), json!({})] {
            assert!(matches!(check_issuer(&claims(other), "a"), Err(VerifyError::WrongIssuer { .. })));
        }
        for good in [json!({"aud": "a"}), json!({"aud": ["b", "a"]})] {
            assert_eq!(check_audience(&claims(good), "a"), Ok(()));
        }
        for other in [json!({"aud": "ab"}), json!({"aud": ["b"]}), json!({"aud": {"a": 1}}), json!({})] {
            assert!(matches!(check_audience(&claims(other), "a"), Err(VerifyError::WrongAudience { .. })));
        }
    }

    #[test]
    fn times_are_checked_to_the_second() {
        let claims = |value: Value| value.as_object().unwrap().clone();
        assert_eq!(check_times(&claims(json!({"exp": 10})), 9, 0), Ok(()));
        assert_eq!(check_times(&claims(json!({"exp": 10})), 10, 0), Err(VerifyError::Expired(0)));
        assert_eq!(check_times(&claims(json!({"exp": 10})), 12, 5), Ok(()));
        assert_eq!(
            check_times(&claims(json!({"nbf": 10})), 9, 0),
            Err(VerifyError::NotYetValid { claim: "nbf", seconds: 1 })
        );
        assert_eq!(check_times(&claims(json!({"iat": 10, "nbf": 10})), 10, 0), Ok(()));
        assert_eq!(check_times(&claims(json!({"exp": "10"})), 9, 0), Err(VerifyError::BadTime("exp")));
        assert_eq!(check_times(&claims(json!({})), 9, 0), Ok(()));
    }
}
