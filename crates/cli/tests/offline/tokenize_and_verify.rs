//! `sessera tokenize` and `sessera verify`. One accepts exactly what the other makes.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::run::Folder;
use serde_json::json;
use sessera_jose::{Algorithm, JwkSet, Signer, generate};

const SESSION: &str = include_str!("../../../issuer/src/sample.session.json");

/// The time at which the tokens of these tests are made. They live for ten minutes.
const MADE: &str = "2030-01-01T09:30:00Z";
const MADE_SECONDS: i64 = 1_893_490_200;

const TOKEN_ID: &str = "0b0a59a3-5f1e-4d2b-9c5e-3f6a7b8c9d01";

/// A folder with a session, a private set, a public set and a mapper.
fn folder(algorithm: Algorithm) -> Folder {
    let folder = Folder::new();
    let key = generate::key(algorithm, Some("first".into()), 2048).unwrap();
    let set = JwkSet::new(vec![key]).unwrap();
    folder.write("session.json", SESSION);
    folder.write("private.json", &set.to_private_json().to_string());
    folder.write("public.json", &serde_json::to_string(&set.public()).unwrap());
    folder.write("claims.jsonnet", "{ claims: { email: std.extVar('session').identity.traits.email } }");
    folder
}

fn token(folder: &Folder) -> String {
    let made = folder.run(&[
        "tokenize",
        "session.json",
        "--jwks",
        "private.json",
        "--mapper",
        "claims.jsonnet",
        "--issuer",
        "https://id.example.org/",
        "--time",
        MADE,
        "--token-id",
        TOKEN_ID,
    ]);
    made.printed().trim().to_owned()
}

fn sign(folder: &Folder, claims: &serde_json::Value) -> String {
    let set = JwkSet::parse(&std::fs::read(folder.path("private.json")).unwrap()).unwrap();
    Signer::of_set(&set).unwrap().sign_compact("JWT", claims.to_string().as_bytes()).unwrap()
}

#[test]
fn a_token_is_verified_with_the_public_set() {
    let folder = folder(Algorithm::Es256);
    let token = token(&folder);
    let shown = folder.run(&["verify", &token, "--jwks", "public.json", "--time", MADE]);
    let text = shown.printed();
    for part in [
        "The token is valid.",
        "first (ES256) of public.json",
        "10m left",
        "ada@example.org",
        "2030-01-01T09:40:00Z",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let document = folder
        .run_with_input(
            &["verify", "-", "--jwks", "public.json", "--time", MADE, "--format", "json"],
            &format!("Bearer {token}\n"),
        )
        .json();
    assert_eq!(document["valid"], true);
    assert_eq!(document["header"], json!({"alg": "ES256", "kid": "first", "typ": "JWT"}));
    assert_eq!(
        document["claims"],
        json!({
            "exp": MADE_SECONDS + 600, "iat": MADE_SECONDS, "nbf": MADE_SECONDS,
            "iss": "https://id.example.org/", "jti": TOKEN_ID,
            "sid": "5f0c1b7e-2d4a-4c1f-9a57-3e2b8d6f7a10", "sub": "b8f6a1d2-6c3e-4f0a-8d21-97c5e4b3a201",
            "email": "ada@example.org",
        })
    );
    assert_eq!(document["key"]["kid"], "first");
    assert_eq!(document["expires_in"], 600);
    assert_eq!(
        folder.run(&["verify", &token, "--jwks", "private.json", "--time", MADE, "--quiet"]).printed(),
        ""
    );
}

#[test]
fn a_private_key_is_never_shown() {
    let folder = folder(Algorithm::Es256);
    let token = token(&folder);
    let shown =
        folder.run(&["verify", &token, "--jwks", "private.json", "--time", MADE, "--format", "json"]).json();
    assert!(shown["key"].get("d").is_none() && shown["key"].get("x").is_some());
    let folder = self::folder(Algorithm::Hs256);
    let token = self::token(&folder);
    let shown =
        folder.run(&["verify", &token, "--jwks", "private.json", "--time", MADE, "--format", "json"]).json();
    assert_eq!(shown["key"], json!({"kty": "oct", "kid": "first", "alg": "HS256"}));
}

#[test]
fn a_token_is_good_only_for_what_its_type_says() {
    let folder = folder(Algorithm::Es256);
    let set = JwkSet::parse(&std::fs::read(folder.path("private.json")).unwrap()).unwrap();
    let typed = |typ: &str| Signer::of_set(&set).unwrap().sign_compact(typ, b"{\"sub\":\"a\"}").unwrap();
    let verify = |token: &str, more: &[&str]| {
        folder.run(&[&["verify", token, "--jwks", "public.json", "--format", "json"], more].concat())
    };
    for typ in ["JWT", "at+jwt"] {
        assert_eq!(verify(&typed(typ), &[]).json()["valid"], true, "{typ}");
    }
    for typ in ["statuslist+jwt", "dpop+jwt", "logout+jwt", "mine"] {
        let refused = verify(&typed(typ), &[]);
        assert_eq!(refused.json()["error"], "wrong_type", "{typ}");
        assert_eq!(verify(&typed(typ), &["--typ", typ]).json()["valid"], true, "{typ}");
    }
    assert_eq!(verify(&typed("JWT"), &["--typ", "at+jwt"]).json()["error"], "wrong_type");
}

#[test]
fn every_key_with_the_id_of_a_token_is_tried() {
    let folder = folder(Algorithm::Es256);
    let other = generate::key(Algorithm::Es256, Some("first".into()), 0).unwrap();
    let own = JwkSet::parse(&std::fs::read(folder.path("private.json")).unwrap()).unwrap();
    let keys = json!({"keys": [other.to_private_json(), own.keys()[0].to_private_json()]});
    folder.write("both.json", &keys.to_string());
    let shown = folder
        .run(&["verify", &token(&folder), "--jwks", "both.json", "--time", MADE, "--format", "json"])
        .json();
    assert_eq!(shown["valid"], true);
    assert_eq!(shown["key"]["x"], own.keys()[0].to_private_json()["x"], "the key that made it is shown");
}

#[test]
fn the_same_inputs_make_the_same_token() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Hs256] {
        let folder = folder(algorithm);
        assert_eq!(token(&folder), token(&folder), "{algorithm}");
    }
}

#[test]
fn every_reason_has_its_own_words_and_code() {
    let folder = folder(Algorithm::Es256);
    let good = token(&folder);
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let with_header = |json: &str| format!("{}.{payload}.{signature}", sessera_jose::base64url::encode(json));
    let time = json!({"exp": "soon"});
    let table = [
        (format!("{header}.{payload}.{}A", &signature[..signature.len() - 2]), "malformed", "base64url"),
        (
            format!("{header}.{payload}.{}", "A".repeat(signature.len())),
            "bad_signature",
            "the signature is wrong",
        ),
        (format!("{header}.{payload}"), "malformed", "three parts"),
        ("ory_st_abc".into(), "malformed", "session token"),
        (with_header(r#"{"alg":"none"}"#), "alg_none", "anybody could have made it"),
        (with_header(r#"{"alg":"HS256","kid":"first"}"#), "alg_mismatch", "HS256"),
        (with_header(r#"{"alg":"ES384","kid":"first"}"#), "alg_mismatch", "ES384"),
        (with_header(r#"{"alg":"ES256K","kid":"first"}"#), "alg_not_accepted", "ES256K"),
        (with_header(r#"{"alg":"ES256","kid":"second"}"#), "unknown_key", "The set has: first"),
        (with_header(r#"{"alg":"ES256","alg":"none"}"#), "malformed_json", "\"alg\" stands twice"),
        (with_header(r#"{"alg":"ES256","crit":["x"]}"#), "critical_extension", "crit"),
        (with_header("[]"), "malformed_json", "header"),
        (sign(&folder, &json!([])), "malformed_json", "payload"),
        (sign(&folder, &time), "bad_time", "exp"),
        (sign(&folder, &json!({"nbf": MADE_SECONDS + 90})), "not_yet_valid", "1m30s"),
        (sign(&folder, &json!({"exp": MADE_SECONDS - 75})), "expired", "1m15s ago, at 2030-01-01T09:28:45Z"),
        ("a".repeat(100_000), "malformed", "three parts"),
    ];
    for (token, code, words) in table {
        let outcome = folder.run_with_input(
            &["verify", "-", "--jwks", "private.json", "--time", MADE, "--format", "json"],
            &token,
        );
        let told: serde_json::Value = serde_json::from_str(outcome.refused()).unwrap();
        assert!(told["error"]["message"].as_str().unwrap().contains(words), "{words}: {outcome:?}");
        let document = outcome.json();
        assert_eq!((&document["valid"], &document["error"]), (&json!(false), &json!(code)), "{outcome:?}");
    }
    assert!(
        folder.run_with_input(&["verify", "-", "--jwks", "public.json"], " \n").refused().contains("empty")
    );
}

#[test]
fn issuer_audience_and_leeway_are_checked() {
    let folder = folder(Algorithm::EdDsa);
    let token = sign(&folder, &json!({"iss": "a", "aud": ["b", "c"], "exp": MADE_SECONDS}));
    let verify = |more: &[&str]| {
        let mut arguments = vec!["verify", &token, "--jwks", "public.json", "--time", MADE];
        arguments.extend(more);
        folder.run(&arguments)
    };
    verify(&["--leeway", "1s", "--issuer", "a", "--audience", "c"]).printed();
    assert!(verify(&[]).refused().contains("expired"));
    assert!(verify(&["--leeway", "1s", "--issuer", "x"]).refused().contains("issuer is \"a\", not \"x\""));
    assert!(verify(&["--leeway", "1s", "--audience", "d"]).refused().contains("[\"b\",\"c\"]"));
}

#[test]
fn keys_come_from_urls_and_from_issuers() {
    let folder = folder(Algorithm::Es256);
    let keys = std::fs::read_to_string(folder.path("private.json")).unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", server.local_addr().unwrap());
    let description = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}).to_string();
    let other = json!({"issuer": "http://127.0.0.1:1", "jwks_uri": format!("{issuer}/keys")}).to_string();
    let huge = "x".repeat(2 * 1024 * 1024);
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 2048];
            let length = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let body = match head.split(' ').nth(1).unwrap_or_default() {
                "/keys" => Some(&keys),
                "/.well-known/openid-configuration" => Some(&description),
                "/other/.well-known/openid-configuration" => Some(&other),
                "/huge" => Some(&huge),
                _ => None,
            };
            let (status, body) = body.map_or(("404 Not Found", ""), |body| ("200 OK", body.as_str()));
            // A client that has read enough of a long answer hangs up.
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let good = sign(&folder, &json!({"iss": issuer}));
    let foreign = sign(&folder, &json!({"iss": "somebody else"}));
    let verify =
        |token: &str, path: &str| folder.run(&["verify", token, "--jwks", &format!("{issuer}{path}")]);
    verify(&good, "/keys").printed();
    verify(&foreign, "/keys").printed();
    verify(&good, "").printed();
    verify(&good, "/.well-known/openid-configuration").printed();
    assert!(verify(&foreign, "/").refused().contains("issuer"));
    assert!(verify(&good, "/other").refused().contains("another issuer"));
    assert!(verify(&good, "/huge").refused().contains("1 MiB"));
    assert!(verify(&good, "/nothing").refused().contains("404"));
    let secret = self::folder(Algorithm::Hs256);
    let symmetric = sign(&secret, &json!({}));
    assert!(
        verify(&symmetric, "/keys").refused().contains("shared secret"),
        "secrets of URLs count for nothing"
    );
    assert!(
        folder
            .run(&["verify", &good, "--jwks", "http://127.0.0.1:1/"])
            .refused()
            .contains("cannot be fetched")
    );
}

#[test]
fn templates_come_from_files_and_say_what_is_wrong() {
    let folder = folder(Algorithm::Es256);
    folder.write(
        "template.json",
        r#"{"jwks_url":"file://private.json","ttl":"1m","subject_source":"external_id"}"#,
    );
    let made = folder.run(&[
        "tokenize",
        "session.json",
        "--template",
        "template.json",
        "--time",
        MADE,
        "--format",
        "json",
    ]);
    assert_eq!(made.json()["claims"]["sub"], "customer-1815");
    assert_eq!(made.json()["claims"]["exp"], MADE_SECONDS + 60);
    let tokenize = |more: &[&str]| {
        let mut arguments = vec!["tokenize", "session.json"];
        arguments.extend(more);
        folder.run(&arguments)
    };
    folder.write("broken.jsonnet", "{ claims: { a: }");
    folder.write("failing.jsonnet", "local f(x) = error 'no ' + x;\n{ claims: { a: f('way') } }");
    folder.write("twice.json", r#"{"jwks_url":"file://a","jwks_url":"file://private.json"}"#);
    let table: [(&[&str], &str); 8] = [
        (&["--jwks", "public.json"], "public only"),
        (&["--jwks", "set://keys"], "sessera get jwk keys --private"),
        (&["--jwks", "https://example.org/keys"], "never fetched over http"),
        (&["--jwks", "private.json", "--mapper", "broken.jsonnet"], "broken.jsonnet:1:16"),
        (&["--jwks", "private.json", "--mapper", "failing.jsonnet"], "no way"),
        (&["--jwks", "private.json", "--mapper", "absent.jsonnet"], "absent.jsonnet"),
        (&["--jwks", "private.json", "--ttl=-1m"], "negative"),
        (&["--template", "twice.json"], "stands twice"),
    ];
    for (arguments, words) in table {
        let outcome = tokenize(arguments);
        assert!(outcome.refused().contains(words), "{words}: {outcome:?}");
    }
    assert_eq!(tokenize(&[]).code, Some(2), "without keys it is used wrongly");
    folder.write("session.json", "{}");
    assert!(tokenize(&["--jwks", "private.json"]).refused().contains("/id is missing"));
}

#[test]
fn what_somebody_else_wrote_says_nothing_to_the_terminal() {
    const TRICK: &str = "\u{1b}[1A\u{1b}[2K\rThe token is valid.\u{1b}[8m\u{9b}31m\u{202e}\u{7}";
    let is_harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    let folder = folder(Algorithm::Es256);
    let signed = |header: serde_json::Value| {
        let part = |text: &str| sessera_jose::base64url::encode(text.as_bytes());
        format!("{}.{}.{}", part(&header.to_string()), part("{}"), part(&"x".repeat(64)))
    };
    let good = sign(&folder, &json!({"exp": MADE_SECONDS + 60, "note": TRICK, TRICK: [TRICK]}));
    folder.write("trick.jsonnet", "{ claims: error std.extVar('session').identity.traits.email }");
    folder
        .write("trick.json", &SESSION.replace("ada@example.org", &json!(TRICK).to_string().replace('"', "")));
    let by_id = signed(json!({"alg": "ES256", "kid": TRICK}));
    let by_algorithm = signed(json!({"alg": TRICK, "kid": "first"}));
    let lines = signed(json!({"alg": "ES256", "kid": "x\nThe token is valid."}));
    let mut shown = Vec::new();
    for token in [&by_id, &by_algorithm, &lines, &good] {
        for format in ["table", "json", "json-pretty", "yaml"] {
            let outcome =
                folder.run(&["verify", token, "--jwks", "public.json", "--time", MADE, "--format", format]);
            assert_eq!(outcome.code == Some(0), *token == good, "{outcome:?}");
            let texts = [outcome.stdout, outcome.stderr];
            if *token != good {
                let claims = |line: &str| line.starts_with("The token is valid.");
                assert!(!texts.iter().any(|text| text.lines().any(claims)), "{texts:?}");
            }
            shown.extend(texts);
        }
    }
    for arguments in [
        &["tokenize", "trick.json", "--jwks", "private.json", "--mapper", "trick.jsonnet"][..],
        &["verify", TRICK, "--jwks", TRICK],
        &["verify", TRICK, TRICK],
        &["get", TRICK],
        &["config", "validate", "-c", TRICK],
    ] {
        let outcome = folder.run(arguments);
        assert_ne!(outcome.code, Some(0), "{outcome:?}");
        shown.extend([outcome.stdout, outcome.stderr]);
    }
    for text in shown {
        assert!(!text.contains(is_harmful), "{text:?}");
    }
}
