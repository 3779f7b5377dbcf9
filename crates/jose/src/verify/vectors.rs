//! Public test vectors in files, run where the files exist. They are those of Project Wycheproof and the
//! examples of RFC 7520 and RFC 8037.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Parts, check_public, check_secret, verify_with_secrets};
use crate::algorithm::Algorithm;
use crate::jwk::{Jwk, JwkSet};
use crate::{Signer, base64url};

fn read(path: &str) -> Option<Value> {
    let given = std::env::var_os("SESSERA_VECTORS").map(PathBuf::from);
    let folder =
        given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"));
    let Ok(text) = std::fs::read_to_string(folder.join(path)) else {
        eprintln!("skipped: no {path} here (SESSERA_VECTORS)");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Every test of a Wycheproof file with the group that it belongs to.
fn each(file: &Value, mut check: impl FnMut(&Value, &Value)) {
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            check(group, test);
        }
    }
}

fn bytes(test: &Value, member: &str) -> Vec<u8> {
    let text = test[member].as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn parts(algorithm: Algorithm, message: &[u8], signature: Vec<u8>) -> Parts<'_> {
    Parts { header: Map::new(), algorithm, kid: None, signing_input: message, payload: Vec::new(), signature }
}

#[test]
fn signatures_are_judged_as_wycheproof_does() {
    for (file, algorithm) in [
        ("ecdsa_secp256r1_sha256_p1363", Algorithm::Es256),
        ("ecdsa_secp384r1_sha384_p1363", Algorithm::Es384),
        ("ecdsa_secp521r1_sha512_p1363", Algorithm::Es512),
        ("ed25519", Algorithm::EdDsa),
        ("rsa_pss_2048_sha256_mgf1_32", Algorithm::Ps256),
        ("rsa_pss_2048_sha384_mgf1_48", Algorithm::Ps384),
        ("rsa_signature_2048_sha256", Algorithm::Rs256),
        ("rsa_signature_2048_sha384", Algorithm::Rs384),
        ("rsa_signature_2048_sha512", Algorithm::Rs512),
    ] {
        let Some(vectors) = read(&format!("wycheproof/{file}_test.json")) else { continue };
        each(&vectors, |group, test| {
            let jwk = group.get("publicKeyJwk").or_else(|| group.get("keyJwk"));
            let Some(jwk) = jwk.filter(|jwk| jwk.is_object()) else { return };
            let key = Jwk::from_value(jwk.clone()).unwrap().public().unwrap();
            let message = bytes(test, "msg");
            let outcome = check_public(key.key(), &parts(algorithm, &message, bytes(test, "sig")));
            if test["result"] != "acceptable" {
                assert_eq!(outcome.is_ok(), test["result"] == "valid", "{file}: {test}");
            }
        });
    }
}

#[test]
fn shared_secrets_are_judged_as_wycheproof_does() {
    for (file, algorithm) in [("256", Algorithm::Hs256), ("384", Algorithm::Hs384), ("512", Algorithm::Hs512)]
    {
        let Some(vectors) = read(&format!("wycheproof/hmac_sha{file}_test.json")) else { continue };
        each(&vectors, |group, test| {
            // This library never truncates tags.
            let is_whole = group["tagSize"].as_u64() == Some(algorithm.hash_length() as u64 * 8);
            let message = bytes(test, "msg");
            let outcome = check_secret(&bytes(test, "key"), &parts(algorithm, &message, bytes(test, "tag")));
            assert_eq!(outcome.is_ok(), is_whole && test["result"] == "valid", "{file}: {test}");
        });
    }
}

fn set_of(keys: &Value) -> Option<JwkSet> {
    let keys = if keys.get("keys").is_some() {
        JwkSet::from_value(keys.clone())
    } else {
        Jwk::from_value(keys.clone()).and_then(|key| JwkSet::new(vec![key]))
    };
    keys.ok()
}

#[test]
fn tokens_are_judged_as_wycheproof_does() {
    for file in ["json_web_signature", "json_web_crypto", "json_web_key"] {
        let Some(vectors) = read(&format!("wycheproof/{file}_test.json")) else { continue };
        let mut accepted = 0;
        each(&vectors, |group, test| {
            let Some(token) = test.get("jws").and_then(Value::as_str) else { return };
            let keys = group.get("public").unwrap_or(&group["private"]);
            let outcome = set_of(keys).map(|set| verify_with_secrets(token, &set));
            let is_accepted = matches!(outcome, Some(Ok(_)));
            accepted += usize::from(is_accepted);
            let comment = test["comment"].as_str().unwrap();
            let expected = match comment {
                // A key of this library is for one algorithm, and characters that are not base64url are never
                // skipped.
                "Figure20" | "Figure27" => false,
                _ if comment.starts_with("InvalidCharacterInserted") => false,
                // These tokens have no padding at all.
                "invalidBase64Padding" | "invalidBase64PaddingInPayload" => !token.contains('='),
                // Verifiers cannot see how a key was made, and sets may hold keys of all kinds.
                "rejectsKeyWithRocaVulnerability" => true,
                "rejectsValid" if keys["keys"].as_array().is_some_and(|keys| keys.len() > 1) => true,
                _ => test["result"] == "valid",
            };
            assert_eq!(is_accepted, expected, "{file}: {test} {outcome:?}");
        });
        assert!(accepted > 0, "{file}");
    }
}

#[test]
fn the_cookbook_s_tokens_are_made_and_verified() {
    for file in [
        "4_1.rsa_v15_signature",
        "4_2.rsa-pss_signature",
        "4_3.ecdsa_signature",
        "4_4.hmac-sha2_integrity_protection",
        "jws",
    ] {
        let Some(example) = read(&format!("jose-cookbook/{file}.json")) else { continue };
        let alg = example["input"]["alg"].as_str().unwrap().parse::<Algorithm>().unwrap();
        let jwk = Jwk::from_value(example["input"]["key"].clone()).unwrap().with_default_algorithm(alg);
        let token = example["output"]["compact"].as_str().unwrap();
        let verified = verify_with_secrets(token, &JwkSet::new(vec![jwk.clone()]).unwrap()).expect(file);
        assert_eq!(verified.payload, example["input"]["payload"].as_str().unwrap().as_bytes());
        if example["reproducible"] == true {
            let input = example["signing"]["sig-input"].as_str().unwrap();
            let mut token = input.to_owned();
            Signer::new(&jwk).unwrap().sign(&mut token).unwrap();
            assert_eq!(example["signing"]["sig"], token.rsplit('.').next().unwrap(), "{file}");
        }
    }
    let Some(key) = read("jose-cookbook/3_4.rsa_private_key.json") else { return };
    let jwk = Jwk::from_value(key.clone()).unwrap();
    let shown = jwk.to_private_json();
    for member in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(shown[member], key[member], "{member}");
    }
    assert!(base64url::decode(key["n"].as_str().unwrap()).is_some());
}
