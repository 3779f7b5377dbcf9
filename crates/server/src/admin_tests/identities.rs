//! Identities, as operators and back ends keep them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::testing::{PASSWORD, TestServer};

const MISSING: &str = "/admin/identities/6f1c6c2e-0000-4000-8000-000000000000";

fn ada() -> Value {
    json!({
        "traits": {"email": "Ada@example.org"},
        "external_id": "crm-1",
        "metadata_public": {"plan": "pro"},
        "metadata_admin": {"note": 1},
        "credentials": {"password": {"config": {"password": PASSWORD}}}
    })
}

#[tokio::test]
async fn an_identity_is_created_and_found_again() {
    let server = TestServer::start().await;
    let made = server.admin("POST", "/admin/identities", Some(ada())).await;
    assert_eq!(made.status, 201);
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("http://127.0.0.1:4434/identities/{id}"));
    assert_eq!(made.body["credentials"]["password"]["version"], 0);
    assert!(made.body["credentials"]["password"].get("config").is_none());
    for path in [format!("/admin/identities/{id}"), "/admin/identities/by/external/crm-1".into()] {
        let found = server.admin("GET", &path, None).await;
        assert_eq!(found.status, 200);
        assert_eq!(found.body["traits"], json!({"email": "Ada@example.org"}));
        assert_eq!(found.body["metadata_admin"], json!({"note": 1}));
        assert_eq!(found.body["credentials"]["password"]["identifiers"], json!(["ada@example.org"]));
        assert_eq!(found.body["credentials"]["password"]["version"], 1);
        assert!(found.header("cache-control").contains("no-store"));
    }
    let with =
        server.admin("GET", &format!("/admin/identities/{id}?include_credential=password"), None).await;
    assert_eq!(with.body["credentials"]["password"]["config"], json!({}), "no secret is ever shown");
    let bad = server.admin("GET", &format!("/admin/identities/{id}?include_credential=pigeon"), None).await;
    assert_eq!(bad.status, 400);
    assert_eq!(server.admin("GET", MISSING, None).await.status, 404);
    assert_eq!(server.admin("GET", "/admin/identities/nope", None).await.status, 404);
    assert_eq!(server.admin("GET", "/admin/identities/by/external/x", None).await.status, 404);
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_refused_whole() {
    let server = TestServer::start().await;
    server.admin("POST", "/admin/identities", Some(ada())).await;
    let email = json!({"traits": {"email": "ADA@EXAMPLE.ORG"}});
    let external = json!({"traits": {"email": "grace@example.org"}, "external_id": "crm-1"});
    for body in [email, external] {
        let refused = server.admin("POST", "/admin/identities", Some(body)).await;
        assert_eq!((refused.status, refused.body["error"]["code"].as_u64()), (409, Some(409)));
    }
    let all = server.admin("GET", "/admin/identities", None).await;
    assert_eq!(all.body.as_array().map(Vec::len), Some(1), "nothing is half done");
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let server = TestServer::start().await;
    let long = "x".repeat(300);
    for (body, said) in [
        (json!({"traits": {}}), "traits.email"),
        (json!({"traits": {"email": "nope"}}), "traits.email"),
        (json!({"traits": {"email": "a@b.co", "unknown": 1}}), "unknown"),
        (json!({"schema_id": "nope", "traits": {}}), "nope"),
        (json!({"traits": {"email": "a@b.co"}, "state": "asleep"}), "state"),
        (json!({"traits": {"email": "a@b.co"}, "external_id": long}), "external_id"),
        (json!({"traits": {"email": "a@b.co"}, "credentials": {"password": {"config": {}}}}), "password"),
        (json!({"traits": {"email": "a@b.co"}, "credentials": {"saml": {"config": {}}}}), "saml"),
        (
            json!({"traits": {"email": "a@b.co"}, "credentials": {"password": {"config": {"hashed_password": "$1$x"}}}}),
            "notation",
        ),
        (
            json!({"traits": {"email": "a@b.co"}, "credentials": {"password": {"config": {"password": "x".repeat(73)}}}}),
            "72",
        ),
        (json!([]), "traits"),
        (json!("x"), "form"),
    ] {
        let refused = server.admin("POST", "/admin/identities", Some(body.clone())).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.reason().contains(said), "{body}: {}", refused.reason());
    }
    assert_eq!(server.admin("GET", "/admin/identities", None).await.body, json!([]));
}

/// Made with Python's hashlib, hmac, crypt, argon2-cffi and bcrypt, and with openssl.
#[tokio::test]
async fn hashes_of_all_kinds_are_imported() {
    let server = TestServer::start().await;
    let hashes = [
        "$2b$04$dqcCgDey3khcuuyKgUFIoO6M84qM8hromfRxf0ul2FcXFcg/rSzC6",
        "$2a$04$IHbFbRDo.XVCNUy2L3vjNOxzS8fPOgfWJoiC7N.03LOlO3936P5g.",
        "$argon2i$v=19$m=64,t=2,p=1$YSBzYWx0IG9mIDE2IC4uLg$SIySlW4MS+/9Lc32O9HcLPVAhcahaHzokkjbeNO9WZ0",
        "$argon2id$v=19$m=64,t=2,p=1$YSBzYWx0IG9mIDE2IC4uLg$qvwQTRRmyRIET+crvzeZrGmDWmS8cfoa2p5z7t7ddJ8",
        "$pbkdf2-sha1$i=1000,l=32$YSBzYWx0IG9mIDE2IC4uLg$ArQCFhEqRNAgbMbEXQxr9UzO1RGc9Idbm2bcVtATSKE",
        "$pbkdf2-sha256$i=1000,l=32$YSBzYWx0IG9mIDE2IC4uLg$zL4pBoFhc1kyqGIEglvkwesCSf8KxQix4JFlrzPrjvY",
        "$pbkdf2-sha512$i=1000,l=32$YSBzYWx0IG9mIDE2IC4uLg$nEnHK/ghFGC+Vprolhnq3JHK6BlMeP5PCLeyOEWDDg8",
        "$scrypt$ln=1024,r=8,p=1$YSBzYWx0IG9mIDE2IC4uLg==$qZtaTvnonDDaMBddXA0uqp1Lw3kgl+MGC+rkHpaW9K0=",
        "$md5$A7vNQ/III7Xt969UTs81AQ==",
        "$md5$pf=e1NBTFR9e1BBU1NXT1JEfQ==$YSBzYWx0IG9mIDE2IC4uLg==$vrbJ88ZyEacpcSQdjIY2vQ==",
        "$md5-crypt$saltsalt$YZXINsnmWggRvfXoTT6Ff.",
        "$sha256-crypt$saltsalt$jgL6OWBeSjPbp4QtSLpvLIF.nCLLMaOcwQ8WGqkE.I8",
        "$sha512-crypt$rounds=1000$saltsalt$4KCRcgXgErRDvFI34RqV.D8r5tH6Sp75OY86JTy5JqGf90ZY7r.DGizvzZpI0rTMw.UdKAq5linnvNSu9HCDL1",
        "$hmac-md5$NmZkMjUzN2E1YTE4N2U1MWNhNTRlY2E2Y2E3N2I4YWQ=$YSBrZXk=",
        "$hmac-sha256$OTY1ZGM1ZDgyYjRjNzAyNGZhMTBlMjlhYmI3OTQxOTlkYTcxYjM0MmUxYzY5NjEzN2YxNWQ0MGM1NWM2ZjVjYQ==$YSBrZXk=",
        "$firescrypt$ln=10,r=8,p=1$c2FsdHNhbHQ=$SQ+Rt2juYmWmOySEagezpVupCXHfSF7uS7OHsQCjV4RgmsmHuZLTQwKJWZd1fwJe7EaUPnCWCxheltbfw1ZADg==$Bw==$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==",
        "$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ==$c2FsdHNhbHQ=$YZMHIzWHO6PkaP3Rn8JyyMZ/zZ9DB8qAchYT3tmz28s=",
        "{SSHA}75cEkTWoJoMh3F5C528pH2uumJ5hIHNhbHQgb2YgMTYgLi4u",
        "{SSHA256}ko2XVcDjltd0lJQKStRkV9P6QMhwZpQhBDdPX7ktr19hIHNhbHQgb2YgMTYgLi4u",
        "{SSHA512}9j7fqiRoeSIXOdkQ+dquOk9ivY7X3XU70VOrtDReDGEmM/DdGgjXPGhsPWw6ieaFstUlB+vk9+r+geNzxsKTEWEgc2FsdCBvZiAxNiAuLi4=",
    ];
    for (number, hash) in hashes.into_iter().enumerate() {
        let email = format!("{number}@example.org");
        let password = json!({"config": {"hashed_password": hash}});
        let body = json!({"traits": {"email": email}, "credentials": {"password": password}});
        let made = server.admin("POST", "/admin/identities", Some(body)).await;
        assert_eq!(made.status, 201, "{hash}: {made:?}");
        assert_eq!(server.login(&email, "Zx-long-enough-1235").await.status, 400, "{hash}");
        // Once by the hash as it came, once by the one that was made of it.
        server.signed_in(&email).await;
        server.signed_in(&email).await;
    }
}

#[tokio::test]
async fn who_is_imported_signs_in_as_before_and_the_hash_is_upgraded() {
    let server = TestServer::start().await;
    // It is SHA-256 over "Zx-long-enough-1234" and "saltsalt".
    let digest = {
        use sha2::Digest as _;
        sha2::Sha256::digest(format!("{PASSWORD}saltsalt")).to_vec()
    };
    let hash = format!("{{SSHA256}}{}", STANDARD.encode([digest, b"saltsalt".to_vec()].concat()));
    let body = json!({
        "traits": {"email": "ada@example.org"},
        "credentials": {"password": {"config": {"hashed_password": hash}}}
    });
    let made = server.admin("POST", "/admin/identities", Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(server.login("ada@example.org", "wrong").await.status, 400);
    server.signed_in("ada@example.org").await;
    let id = made.body["id"].as_str().unwrap().parse().unwrap();
    let stored = server.app.store.credentials(id).await.unwrap();
    let hash = stored[0].config.text("hashed_password").unwrap();
    assert!(hash.starts_with("$2b$04$"), "the hash is made anew as configured");
    server.signed_in("ada@example.org").await;
}

#[tokio::test]
async fn lists_come_in_parts_and_are_filtered() {
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(server.person(&format!("{name}@example.org")).await);
    }
    let first = server.admin("GET", "/admin/identities?page_size=2", None).await;
    let mut seen: Vec<Value> =
        first.body.as_array().unwrap().iter().map(|found| found["id"].clone()).collect();
    assert!(first.body[0].get("credentials").is_none());
    let link = first.header("link");
    let next = link.split(',').find(|part| part.contains("rel=\"next\"")).unwrap();
    let next = next.split(['<', '>']).nth(1).unwrap();
    let second = server.admin("GET", next, None).await;
    seen.extend(second.body.as_array().unwrap().iter().map(|found| found["id"].clone()));
    assert!(!second.header("link").contains("next"));
    ids.sort();
    assert_eq!(Value::Array(seen), json!(ids), "every identity once, in order");

    let by = server.admin("GET", "/admin/identities?credentials_identifier=B@Example.ORG", None).await;
    assert_eq!(by.body[0]["credentials"]["password"]["identifiers"], json!(["b@example.org"]));
    assert_eq!(by.body.as_array().map(Vec::len), Some(1));
    let path = format!("/admin/identities?ids={}&ids={}", ids[0], ids[2]);
    assert_eq!(server.admin("GET", &path, None).await.body.as_array().map(Vec::len), Some(2));
    let path = format!("/admin/identities?organization_id={}", ids[0]);
    assert_eq!(server.admin("GET", &path, None).await.body, json!([]));
    let similar = "/admin/identities?preview_credentials_identifier_similar=B@Exa";
    let similar = server.admin("GET", similar, None).await;
    assert_eq!(similar.body[0]["credentials"]["password"]["identifiers"], json!(["b@example.org"]));
    assert_eq!(similar.body.as_array().map(Vec::len), Some(1));
    let numbered = server.admin("GET", "/admin/identities?per_page=2&page=1", None).await;
    assert_eq!((numbered.header("x-total-count"), numbered.body.as_array().map(Vec::len)), ("3", Some(1)));
    assert!(numbered.header("link").ends_with("rel=\"prev\""), "{}", numbered.header("link"));
    for query in ["ids=x", "page_size=x", "include_credential=x"] {
        assert_eq!(
            server.admin("GET", &format!("/admin/identities?{query}"), None).await.status,
            400,
            "{query}"
        );
    }
    let both = format!("/admin/identities?ids={}&credentials_identifier=a", ids[0]);
    assert_eq!(server.admin("GET", &both, None).await.status, 400);
}

#[tokio::test]
async fn an_identity_is_replaced() {
    let server = TestServer::start().await;
    let made = server.admin("POST", "/admin/identities", Some(ada())).await;
    let path = format!("/admin/identities/{}", made.body["id"].as_str().unwrap());
    let (token, _) = server.signed_in("ada@example.org").await;
    let body = json!({"traits": {"email": "ada@example.org", "name": {"first": "Ada"}}, "state": "inactive"});
    let replaced = server.admin("PUT", &path, Some(body)).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_eq!(replaced.body["state"], "inactive");
    assert!(replaced.body.get("external_id").is_none());
    assert_eq!(replaced.body["metadata_public"], Value::Null);
    assert_eq!(replaced.body["verifiable_addresses"], made.body["verifiable_addresses"], "the address stays");
    assert!(replaced.body["credentials"]["password"].is_object(), "credentials stay");
    let whoami = server.public("GET", "/sessions/whoami", &[("x-session-token", &token)], None).await;
    assert_eq!(whoami.status, 401, "whoever is inactive is not served");
    assert_eq!(server.admin("PUT", MISSING, Some(ada())).await.status, 404);
}

#[tokio::test]
async fn an_identity_is_patched() {
    let server = TestServer::start().await;
    let made = server.admin("POST", "/admin/identities", Some(ada())).await;
    let path = format!("/admin/identities/{}", made.body["id"].as_str().unwrap());
    let patch = json!([
        {"op": "replace", "path": "/traits/email", "value": "grace@example.org"},
        {"op": "remove", "path": "/external_id"},
        {"op": "add", "path": "/metadata_public/more", "value": [1]}
    ]);
    let patched = server.admin("PATCH", &path, Some(patch)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.body["credentials"]["password"]["identifiers"], json!(["grace@example.org"]));
    assert_eq!(patched.body["metadata_public"], json!({"plan": "pro", "more": [1]}));
    assert!(patched.body.get("external_id").is_none());
    assert_eq!(server.admin("GET", &path, None).await.body["traits"]["email"], "grace@example.org");
    server.signed_in("grace@example.org").await;
    for (patch, status) in [
        (json!([{"op": "replace", "path": "/id", "value": "x"}]), 400),
        (json!([{"op": "replace", "path": "/traits/email", "value": 3}]), 400),
        (json!([{"op": "replace", "path": "/state", "value": 3}]), 400),
        (json!([{"op": "remove", "path": "/traits/nope"}]), 400),
        (json!([{"op": "grow", "path": "/traits"}]), 400),
        (json!({"traits": {}}), 400),
    ] {
        assert_eq!(server.admin("PATCH", &path, Some(patch.clone())).await.status, status, "{patch}");
    }
    assert_eq!(server.admin("PATCH", MISSING, Some(json!([]))).await.status, 404);
}

#[tokio::test]
async fn a_patch_makes_what_is_missing_and_keeps_the_order_of_the_rest() {
    let server = TestServer::start().await;
    let traits = json!({"traits": {"email": "ada@example.org"}});
    let made = server.admin("POST", "/admin/identities", Some(traits)).await;
    let path = format!("/admin/identities/{}", made.body["id"].as_str().unwrap());
    let patch = async |patch: Value| server.admin("PATCH", &path, Some(patch)).await;
    let metadata = json!({"z": 1, "b": 1, "q": 1, "a": 1});
    for member in ["metadata_public", "metadata_admin"] {
        let made = patch(json!([{"op": "add", "path": format!("/{member}/role"), "value": "editor"}])).await;
        assert_eq!((made.status, &made.body[member]), (200, &json!({"role": "editor"})), "{made:?}");
        patch(json!([{"op": "replace", "path": format!("/{member}"), "value": metadata}])).await;
        let left = patch(json!([{"op": "remove", "path": format!("/{member}/b")}])).await;
        assert_eq!(left.body[member].to_string(), r#"{"z":1,"q":1,"a":1}"#);
        let stored = server.admin("GET", &path, None).await;
        assert_eq!(stored.body[member].to_string(), r#"{"z":1,"q":1,"a":1}"#, "it is stored in this order");
    }
    let named = patch(json!([
        {"op": "replace", "path": "/traits/name/last", "value": "Lovelace"},
        {"op": "replace", "path": "/external_id", "value": "crm-1"},
        {"op": "replace", "path": "/state", "value": "inactive"}
    ]));
    let named = named.await;
    assert_eq!(named.body["traits"]["name"], json!({"last": "Lovelace"}), "{named:?}");
    assert_eq!((&named.body["external_id"], &named.body["state"]), (&json!("crm-1"), &json!("inactive")));
    for path in ["/metadata_public/z/deeper", "/verifiable_addresses/9/verified", "/traits/nickname"] {
        let refused = patch(json!([{"op": "add", "path": path, "value": true}])).await;
        assert_eq!(refused.status, 400, "{path}: {refused:?}");
    }
}

#[tokio::test]
async fn an_administrator_says_that_an_address_is_verified() {
    let server = TestServer::start().await;
    let mut body = ada();
    body["verifiable_addresses"] = json!([
        {"value": "ADA@example.org", "via": "email", "verified": true, "status": "completed"},
        {"value": "other@example.org", "via": "email", "verified": true}
    ]);
    let made = server.admin("POST", "/admin/identities", Some(body)).await;
    let addresses = made.body["verifiable_addresses"].as_array().unwrap();
    assert_eq!(addresses.len(), 1, "addresses follow from traits");
    assert_eq!((&addresses[0]["verified"], &addresses[0]["status"]), (&json!(true), &json!("completed")));
    let path = format!("/admin/identities/{}", made.body["id"].as_str().unwrap());
    for (verified, status) in [(false, "pending"), (true, "completed")] {
        let patch = json!([{"op": "replace", "path": "/verifiable_addresses/0/verified", "value": verified}]);
        let patched = server.admin("PATCH", &path, Some(patch)).await;
        let address = &patched.body["verifiable_addresses"][0];
        assert_eq!((&address["verified"], &address["status"]), (&json!(verified), &json!(status)));
        assert_eq!(address.get("verified_at").is_some(), verified);
    }
}

#[tokio::test]
async fn an_identity_is_deleted_with_its_sessions() {
    let server = TestServer::start().await;
    let path = format!("/admin/identities/{}", server.person("ada@example.org").await);
    let (token, _) = server.signed_in("ada@example.org").await;
    assert_eq!(server.admin("DELETE", &path, None).await.status, 204);
    assert_eq!(server.admin("GET", &path, None).await.status, 404);
    assert_eq!(server.admin("DELETE", &path, None).await.status, 404);
    let whoami = server.public("GET", "/sessions/whoami", &[("x-session-token", &token)], None).await;
    assert_eq!(whoami.status, 401);
    server.person("ada@example.org").await;
}

#[tokio::test]
async fn the_last_credential_that_signs_in_stays() {
    let server = TestServer::start().await;
    let path = format!("/admin/identities/{}/credentials", server.person("ada@example.org").await);
    assert_eq!(server.admin("DELETE", &format!("{path}/password"), None).await.status, 400);
    for kind in ["totp", "lookup_secret", "pigeon"] {
        assert_eq!(server.admin("DELETE", &format!("{path}/{kind}"), None).await.status, 404, "{kind}");
    }
    assert_eq!(server.admin("DELETE", &format!("{MISSING}/credentials/totp"), None).await.status, 404);
    server.signed_in("ada@example.org").await;
}

#[tokio::test]
async fn printed_codes_are_imported_under_either_name_and_not_passed_over() {
    let server = TestServer::start().await;
    let codes = json!([{"code": "lookup-1"}]);
    for (config, status) in [
        (json!({"codes": codes}), 201),
        (json!({"recovery_codes": codes}), 201),
        (json!({"secrets": codes}), 400),
        (json!({}), 400),
    ] {
        let mut body = ada();
        body["traits"]["email"] = format!("{}@example.org", config.to_string().len()).into();
        body["external_id"] = Value::Null;
        body["credentials"] = json!({"lookup_secret": {"config": config}});
        let made = server.admin("POST", "/admin/identities", Some(body)).await;
        assert_eq!(made.status, status, "{config}: {made:?}");
        assert_eq!(status == 201, made.body["credentials"]["lookup_secret"].is_object(), "{made:?}");
    }
}

#[tokio::test]
async fn many_are_created_at_once_and_each_is_judged_by_itself() {
    let server = TestServer::start().await;
    let body = json!({"identities": [
        {"create": ada(), "patch_id": "1"},
        {"create": {"traits": {}}, "patch_id": "2"},
        {"create": {"traits": {"email": "ada@example.org"}}},
        {"create": {"traits": {"email": "grace@example.org"}}},
        {"patch_id": "5"}
    ]});
    let answer = server.admin("PATCH", "/admin/identities", Some(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let outcome = &answer.body["identities"];
    let actions: Vec<&str> =
        outcome.as_array().unwrap().iter().filter_map(|item| item["action"].as_str()).collect();
    assert_eq!(actions, ["create", "error", "error", "create", "error"]);
    assert!(outcome[0]["identity"].is_string());
    assert_eq!((&outcome[1]["patch_id"], &outcome[1]["error"]["code"]), (&json!("2"), &json!(400)));
    assert_eq!(outcome[2]["error"]["code"], 409);
    let many = vec![json!({}); 1001];
    let refused = server.admin("PATCH", "/admin/identities", Some(json!({"identities": many}))).await;
    assert_eq!(refused.status, 400);
    let passwords = vec![json!({"create": ada()}); 201];
    let refused = server.admin("PATCH", "/admin/identities", Some(json!({"identities": passwords}))).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_password_that_could_not_be_typed_and_a_hash_that_costs_too_much_are_refused() {
    let server = TestServer::start().await;
    let import = async |config: Value| {
        let body =
            json!({"traits": {"email": "ada@example.org"}, "credentials": {"password": {"config": config}}});
        server.admin("POST", "/admin/identities", Some(body)).await
    };
    for password in ["abc\0defghijk1", "line\nbreak-12345", &"x".repeat(73)] {
        assert_eq!(import(json!({ "password": password })).await.status, 400, "{password:?}");
    }
    let (salt, hash) = ("c2FsdHNhbHQ", "aGFzaGhhc2hoYXNo");
    for costly in [
        format!("$argon2id$v=19$m=4194304,t=1,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=64,t=1000,p=1${salt}${hash}"),
        format!("$argon2i$v=19$m=64,t=1,p=1000${salt}${hash}"),
        "$2b$20$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        format!("$pbkdf2-sha256$i=4000000000,l=32${salt}${hash}"),
        format!("$scrypt$ln=30,r=8,p=1${salt}${hash}"),
        format!("$scrypt$ln=14,r=800,p=1${salt}${hash}"),
    ] {
        let refused = import(json!({ "hashed_password": costly })).await;
        assert_eq!(refused.status, 400, "{costly}");
        assert!(refused.reason().contains("asks for too much"), "{costly}: {}", refused.reason());
    }
    // The rules for what people choose are not asked.
    assert_eq!(import(json!({"password": "12345678"})).await.status, 201);
}
