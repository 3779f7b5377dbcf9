//! A device that answers to challenges, and what forms ask of it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use crate::flows::skeleton::Shown;
use crate::testing::node;

/// The domain of the site.
pub(crate) const DOMAIN: &str = "example.org";

/// The origin of its pages.
pub(crate) const ORIGIN: &str = "https://id.example.org";

/// Somebody has touched the device.
pub(crate) const PRESENT: u8 = 0x01;

/// The device has verified its owner.
pub(crate) const VERIFIED: u8 = 0x04;

/// The key can be copied, and is.
pub(crate) const COPIED: u8 = 0x18;

const NEW: u8 = 0x40;

/// The method as it is configured.
pub(crate) fn configuration() -> Value {
    let rp = json!({"id": DOMAIN, "display_name": "Example", "origins": [ORIGIN]});
    json!({"enabled": true, "config": {"rp": rp}})
}

/// The attributes of a node.
pub(crate) fn input<K>(shown: &Shown<K>, name: &str) -> Value {
    node(shown, name)["attributes"].clone()
}

/// What the form asks the browser.
pub(crate) fn options<K>(shown: &Shown<K>, name: &str) -> Value {
    serde_json::from_str(input(shown, name)["value"].as_str().unwrap()).unwrap()
}

/// The challenge in what the browser is asked.
pub(crate) fn challenge(options: &Value) -> String {
    options["publicKey"]["challenge"].as_str().unwrap().to_owned()
}

/// The device of a person, with one key in it.
pub(crate) struct Device {
    pub(crate) key: EcdsaKeyPair,
    pub(crate) id: Vec<u8>,
    pub(crate) owner: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) origin: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) flags: u8,
}

impl Device {
    /// A device with a key of this id.
    pub(crate) fn new(id: &[u8]) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: id.to_vec(),
            owner: Vec::new(),
            count: 0,
            origin: ORIGIN,
            domain: DOMAIN,
            flags: PRESENT | VERIFIED,
        }
    }

    /// Another device with the same key.
    pub(crate) fn copy(&self) -> Self {
        let document = self.key.to_pkcs8v1().unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        Self { key, id: self.id.clone(), owner: self.owner.clone(), ..*self }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        json!({"type": kind, "challenge": challenge, "origin": self.origin}).to_string().into_bytes()
    }

    fn authenticator_data(&mut self, flags: u8) -> Vec<u8> {
        self.count += 1;
        let domain = digest(&SHA256, self.domain.as_bytes());
        [domain.as_ref(), &[flags], &self.count.to_be_bytes()].concat()
    }

    /// The answer to somebody who adds a key (`CBOR` by hand: RFC 8949, and 9052 for the key).
    pub(crate) fn add(&mut self, options: &Value) -> Value {
        let owner = options["publicKey"]["user"]["id"].as_str().unwrap();
        self.owner = BASE64_URL_SAFE_NO_PAD.decode(owner).unwrap();
        let data = self.authenticator_data(self.flags | NEW);
        let key = self.public_key();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let data = [&data[..], &[0; 16], &length, &self.id, &key].concat();
        let size = [u8::try_from(data.len()).unwrap()];
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58", &size[..], &data].concat();
        let client_data = self.client_data("webauthn.create", &challenge(options));
        self.answer(&json!({
            "attestationObject": BASE64_URL_SAFE_NO_PAD.encode(object),
            "clientDataJSON": BASE64_URL_SAFE_NO_PAD.encode(client_data),
        }))
    }

    /// The answer to somebody who signs in.
    pub(crate) fn sign(&mut self, options: &Value) -> Value {
        let data = self.authenticator_data(self.flags);
        let client_data = self.client_data("webauthn.get", &challenge(options));
        let signed = [&data[..], digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(&json!({
            "authenticatorData": BASE64_URL_SAFE_NO_PAD.encode(data),
            "clientDataJSON": BASE64_URL_SAFE_NO_PAD.encode(client_data),
            "signature": BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": BASE64_URL_SAFE_NO_PAD.encode(&self.owner),
        }))
    }

    /// The public key as Kratos keeps it, with the id that goes with it.
    pub(crate) fn kept_by_kratos(&self) -> Value {
        json!({"id": BASE64_STANDARD.encode(&self.id), "public_key": BASE64_STANDARD.encode(self.public_key())})
    }

    /// The public key in the form of COSE (RFC 9052, section 7).
    fn public_key(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..65]);
        [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat()
    }

    fn answer(&self, response: &Value) -> Value {
        let id = BASE64_URL_SAFE_NO_PAD.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response})
    }

    /// The id as forms name it.
    pub(crate) fn hex(&self) -> String {
        hex::encode(&self.id)
    }
}
