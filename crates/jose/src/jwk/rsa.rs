//! The private numbers of RSA keys that can be computed from the others (RFC 7518, section 6.3.2).

use num_bigint::BigUint;
use zeroize::Zeroizing;

use crate::error::KeyError;

/// Private bytes, which are wiped when dropped.
pub type SecretBytes = Zeroizing<Vec<u8>>;

/// The private numbers of an RSA key (RFC 7518, section 6.3.2).
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPrivate {
    /// The private exponent.
    pub d: SecretBytes,
    /// The first prime.
    pub p: SecretBytes,
    /// The second prime.
    pub q: SecretBytes,
    /// The private exponent modulo p - 1.
    pub dp: SecretBytes,
    /// The private exponent modulo q - 1.
    pub dq: SecretBytes,
    /// The inverse of q modulo p.
    pub qi: SecretBytes,
}

/// The bases with which a modulus is factored. Each of them fails for half of all keys at most.
const BASES: [u32; 32] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131,
];

/// The most twos that divide the order of a group of a sensible key, which bounds the work for senseless ones.
const MAX_TWOS: u64 = 256;

/// What a key says besides its exponents. Any of it may be missing.
pub(crate) struct Numbers {
    pub(crate) p: Option<SecretBytes>,
    pub(crate) q: Option<SecretBytes>,
    pub(crate) dp: Option<SecretBytes>,
    pub(crate) dq: Option<SecretBytes>,
    pub(crate) qi: Option<SecretBytes>,
}

impl Numbers {
    /// All private numbers of a key. What is missing is computed: the primes from the modulus `n` and the exponents `e`
    /// and `d`, the others from the primes. What is there is taken as it is; the signer checks it.
    ///
    /// # Errors
    /// When a number is longer than the modulus, or the numbers do not belong together.
    pub(super) fn complete(self, n: &[u8], e: &[u8], d: SecretBytes) -> Result<RsaPrivate, KeyError> {
        let named = [("p", &self.p), ("q", &self.q), ("dp", &self.dp), ("dq", &self.dq), ("qi", &self.qi)];
        let is_long = |number: &SecretBytes| number.len() > n.len();
        let long = named.into_iter().find(|(_, number)| number.as_ref().is_some_and(is_long));
        if let Some(member) = long.map(|(member, _)| member).or_else(|| is_long(&d).then_some("d")) {
            return Err(KeyError::BadMember { member, problem: "is longer than the modulus \"n\"" });
        }
        match self {
            Self { p: Some(p), q: Some(q), dp: Some(dp), dq: Some(dq), qi: Some(qi) } => {
                Ok(RsaPrivate { d, p, q, dp, dq, qi })
            }
            Self { p, q, .. } => {
                let problem = "does not belong to \"n\" and \"e\"";
                compute(n, e, d, p, q).ok_or(KeyError::BadMember { member: "d", problem })
            }
        }
    }
}

/// Computes all numbers but the exponents. None is longer than the modulus, whose length is bounded.
fn compute(
    n: &[u8],
    e: &[u8],
    d: SecretBytes,
    p: Option<SecretBytes>,
    q: Option<SecretBytes>,
) -> Option<RsaPrivate> {
    let one = BigUint::from(1_u8);
    let read = BigUint::from_bytes_be;
    let (modulus, exponent) = (read(n), read(&d));
    let p = match (&p, &q) {
        (Some(p), _) => read(p),
        (None, Some(q)) if !q.is_empty() => &modulus / read(q),
        (None, _) => factor(&modulus, &read(e), &exponent)?,
    };
    if p <= one {
        return None;
    }
    let q = q.map_or_else(|| &modulus / &p, |q| read(&q));
    if q <= one || &p * &q != modulus {
        return None;
    }
    let write = |number: BigUint| Zeroizing::new(number.to_bytes_be());
    Some(RsaPrivate {
        dp: write(&exponent % (&p - &one)),
        dq: write(&exponent % (&q - &one)),
        qi: write(q.modinv(&p)?),
        p: write(p),
        q: write(q),
        d,
    })
}

/// A prime factor of the modulus, found with both exponents (NIST SP 800-56B, appendix C).
fn factor(n: &BigUint, e: &BigUint, d: &BigUint) -> Option<BigUint> {
    let one = BigUint::from(1_u8);
    let product = e * d;
    if *n <= one || product <= one {
        return None;
    }
    // It is a multiple of the order of every element.
    let order = product - &one;
    let twos = order.trailing_zeros().filter(|twos| (1..=MAX_TWOS).contains(twos))?;
    let odd = order >> twos;
    let minus_one = n - &one;
    for base in BASES {
        let mut root = BigUint::from(base).modpow(&odd, n);
        for _ in 0..twos {
            let square = &root * &root % n;
            if square == one {
                break;
            }
            root = square;
        }
        if &root * &root % n != one {
            // With exponents that belong to the modulus, every base becomes one.
            return None;
        }
        if root != one && root != minus_one {
            // A root of one that is neither one nor minus one shares a factor with the modulus.
            return Some(greatest_common_divisor(root - one, n.clone()));
        }
    }
    None
}

fn greatest_common_divisor(mut a: BigUint, mut b: BigUint) -> BigUint {
    while b != BigUint::ZERO {
        (a, b) = (b.clone(), a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwk::{Material, PrivateKey};
    use crate::{Algorithm, Jwk, Signer, generate};

    fn without(key: &Jwk, members: &[&str]) -> Result<Jwk, KeyError> {
        let mut json = key.to_private_json();
        json.as_object_mut().unwrap().retain(|name, _| !members.contains(&name.as_str()));
        Jwk::from_value(json)
    }

    #[test]
    fn numbers_that_are_missing_are_computed() {
        let key = generate::key(Algorithm::Rs256, Some("k".into()), 2048).unwrap();
        for members in [&["dp", "dq", "qi"][..], &["qi"], &["p"], &["q", "dp"], &["p", "q", "dp", "dq", "qi"]]
        {
            let completed = without(&key, members).unwrap();
            assert!(Signer::new(&completed).is_ok(), "{members:?}");
            let Material::Pair { private: Some(PrivateKey::Rsa(numbers)), .. } = completed.material() else {
                panic!("{members:?}");
            };
            let product = BigUint::from_bytes_be(&numbers.p) * BigUint::from_bytes_be(&numbers.q);
            assert_eq!(product.bits(), 2048);
        }
    }

    #[test]
    fn numbers_that_do_not_belong_together_are_refused() {
        let key = generate::key(Algorithm::Rs256, Some("k".into()), 2048).unwrap();
        let other = generate::key(Algorithm::Rs256, Some("k".into()), 2048).unwrap().to_private_json();
        for member in ["n", "d", "p", "q"] {
            let mut json = key.to_private_json();
            json[member] = other[member].clone();
            let kept = ["n", "d", "e", "kty", member];
            json.as_object_mut().unwrap().retain(|name, _| kept.contains(&name.as_str()));
            assert!(matches!(Jwk::from_value(json), Err(KeyError::BadMember { .. })), "{member}");
        }
        for d in ["AA", "AQ", "Ag", "AAAA", ""] {
            let mut json = key.to_private_json();
            json["d"] = d.into();
            json.as_object_mut().unwrap().retain(|name, _| ["n", "d", "e", "kty"].contains(&name.as_str()));
            assert!(Jwk::from_value(json).is_err(), "{d}");
        }
    }
}
