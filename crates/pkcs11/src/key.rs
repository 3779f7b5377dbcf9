//! A key on a token, with its public half and its signatures.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use sessera_jose::jwk::{Curve, Material, PublicKey};
use sessera_jose::sign::SigningKey;
use sessera_jose::{Algorithm, Jwk, KeyError, PublicJwk};

use crate::error::Pkcs11Error;
use crate::pool::Pool;
use crate::token::{self, Open, from_library};
use crate::uri::KeyUri;

/// How long a signature may take. A request waits for it.
const PATIENCE_TO_SIGN: Duration = Duration::from_secs(2);

/// How long loading a module, logging in and finding a key may take.
const PATIENCE_TO_OPEN: Duration = Duration::from_secs(5);

/// The curve P-256 as `CKA_EC_PARAMS` has it, which is its object identifier in DER (RFC 5480, section
/// 2.1.1.1).
const P256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// How a point of P-256 begins in `CKA_EC_POINT`, which is an octet string of 65 bytes in DER.
const P256_POINT: &[u8] = &[0x04, 65];

/// A key on a token.
pub(crate) struct Pkcs11Key {
    pool: Arc<Pool<Open>>,
    uri: KeyUri,
    public: PublicJwk,
    algorithm: Algorithm,
}

impl Pkcs11Key {
    /// Finds the key and reads its public half.
    pub(crate) fn open(uri: &KeyUri) -> Result<Self, Pkcs11Error> {
        let pool = token::pool(&uri.token);
        let wanted = uri.clone();
        let key = pool.run(PATIENCE_TO_OPEN, move |open| {
            // The handle that was found before may no longer be good.
            open.handles.remove(&name(&wanted));
            let private = private_handle(open, &wanted)?;
            public_key(open, &wanted, private)
        })?;
        let algorithm = match key {
            PublicKey::Rsa { .. } => Algorithm::Rs256,
            _ => Algorithm::Es256,
        };
        let jwk = Jwk::new(Material::Pair { public: key, private: None }, Some(algorithm), None);
        jwk.algorithm().map_err(|error| Pkcs11Error::Kind(error.to_string()))?;
        // A pair always has a public form.
        let public = jwk.public().ok_or(Pkcs11Error::Inconsistent)?;
        Ok(Self { pool, uri: uri.clone(), public, algorithm })
    }

    fn signature(&self, input: &[u8]) -> Result<Vec<u8>, Pkcs11Error> {
        // Nearly all tokens can do these two. ECDSA gives r and s side by side, as JSON Web Tokens have them
        // (RFC 7518, section 3.4).
        let (is_rsa, data) = match self.algorithm {
            Algorithm::Rs256 => (true, input.to_vec()),
            _ => (false, digest(&SHA256, input).as_ref().to_vec()),
        };
        let wanted = self.uri.clone();
        self.pool.run(PATIENCE_TO_SIGN, move |open| {
            let mechanism = if is_rsa { Mechanism::Sha256RsaPkcs } else { Mechanism::Ecdsa };
            let handle = private_handle(open, &wanted)?;
            open.session.sign(&mechanism, handle, &data).map_err(from_library)
        })
    }
}

impl SigningKey for Pkcs11Key {
    fn public(&self) -> Option<&PublicJwk> {
        Some(&self.public)
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.signature(input).map_err(|error| KeyError::Unavailable(error.to_string()))
    }

    fn is_remote(&self) -> bool {
        true
    }
}

impl fmt::Debug for Pkcs11Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11Key").field("uri", &self.uri).finish_non_exhaustive()
    }
}

fn name(uri: &KeyUri) -> (Option<String>, Option<Vec<u8>>) {
    (uri.label.clone(), uri.id.clone())
}

/// Finds the one object that fits.
fn find(
    open: &Open,
    what: &'static str,
    class: ObjectClass,
    label: Option<&str>,
    id: Option<&[u8]>,
) -> Result<ObjectHandle, Pkcs11Error> {
    let mut wanted = vec![Attribute::Class(class)];
    wanted.extend(label.map(|label| Attribute::Label(label.as_bytes().to_vec())));
    wanted.extend(id.map(|id| Attribute::Id(id.to_vec())));
    match open.session.find_objects(&wanted).map_err(from_library)?.as_slice() {
        [one] => Ok(*one),
        other => Err(Pkcs11Error::Keys { what, found: other.len() }),
    }
}

fn private_handle(open: &mut Open, uri: &KeyUri) -> Result<ObjectHandle, Pkcs11Error> {
    if let Some(handle) = open.handles.get(&name(uri)) {
        return Ok(*handle);
    }
    let class = ObjectClass::PRIVATE_KEY;
    let handle = find(open, "private", class, uri.label.as_deref(), uri.id.as_deref())?;
    open.handles.insert(name(uri), handle);
    Ok(handle)
}

/// Reads the public half from the public key with the id of the private one, or with its label if it has no
/// id.
fn public_key(open: &Open, uri: &KeyUri, private: ObjectHandle) -> Result<PublicKey, Pkcs11Error> {
    let read =
        |object, what: &[AttributeType]| open.session.get_attributes(object, what).map_err(from_library);
    let mut id = None;
    for attribute in read(private, &[AttributeType::Id])? {
        if let Attribute::Id(found) = attribute {
            id = Some(found).filter(|id| !id.is_empty());
        }
    }
    let label = uri.label.as_deref().filter(|_| id.is_none());
    let object = find(open, "public", ObjectClass::PUBLIC_KEY, label, id.as_deref())?;
    let wanted = [
        AttributeType::KeyType,
        AttributeType::EcParams,
        AttributeType::EcPoint,
        AttributeType::Modulus,
        AttributeType::PublicExponent,
    ];
    let (mut kind, mut curve, mut point, mut n, mut e) = (None, None, None, None, None);
    for attribute in read(object, &wanted)? {
        match attribute {
            Attribute::KeyType(found) => kind = Some(found),
            Attribute::EcParams(found) => curve = Some(found),
            Attribute::EcPoint(found) => point = Some(found),
            Attribute::Modulus(found) => n = Some(found),
            Attribute::PublicExponent(found) => e = Some(found),
            _ => {}
        }
    }
    match (kind, curve, point, n, e) {
        (Some(KeyType::EC), Some(curve), Some(point), ..) if curve == P256 => ec(&point),
        (Some(KeyType::EC), ..) => Err(Pkcs11Error::Kind("on another curve than P-256".into())),
        (Some(KeyType::RSA), _, _, Some(n), Some(e)) => PublicKey::rsa(&n, &e)
            .map_err(|error| Pkcs11Error::Kind(format!("one that cannot be used: {error}"))),
        (other, ..) => Err(Pkcs11Error::Kind(format!("of the kind {other:?}"))),
    }
}

/// Reads a point in uncompressed form (SEC 1, section 2.3.3). Some tokens leave out the octet string around
/// it.
fn ec(point: &[u8]) -> Result<PublicKey, Pkcs11Error> {
    match point.strip_prefix(P256_POINT).unwrap_or(point) {
        [4, coordinates @ ..] if coordinates.len() == 64 => {
            let (x, y) = coordinates.split_at(32);
            Ok(PublicKey::Ec { curve: Curve::P256, x: x.to_vec(), y: y.to_vec() })
        }
        _ => Err(Pkcs11Error::Kind("a point in a form that is not known".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_with_and_without_their_octet_string() {
        let point: Vec<u8> = std::iter::once(4).chain(0..64).collect();
        let wrapped = [P256_POINT, &point].concat();
        let expected = PublicKey::Ec { curve: Curve::P256, x: (0..32).collect(), y: (32..64).collect() };
        assert_eq!(ec(&point), Ok(expected.clone()));
        assert_eq!(ec(&wrapped), Ok(expected));
        for wrong in [&[][..], &point[..64], &[2; 33], &wrapped[..66]] {
            assert!(matches!(ec(wrong), Err(Pkcs11Error::Kind(_))));
        }
    }
}
