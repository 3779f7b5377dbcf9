//! `sessera template test`

use crate::run::Folder;
use serde_json::json;

const MAPPER: &str = "{ claims: { aud: 'me', iss: std.extVar('claims').iss + 'x', sub: 'evil', jti: null } }";

#[test]
fn defaults_result_and_changes_are_shown() {
    let folder = Folder::new();
    folder.write("claims.jsonnet", MAPPER);
    let text = folder.run(&["template", "test", "claims.jsonnet"]);
    for part in [
        "Default claims",
        "Resulting claims",
        "+ aud  \"me\"",
        "~ iss  \"http://127.0.0.1:4433/\" -> \"http://127.0.0.1:4433/x\"",
        "= jti  kept: null",
        "= sub  kept: the subject",
        "of 500000 steps",
    ] {
        assert!(text.printed().contains(part), "{part}: {text:?}");
    }
    assert!(text.stderr.contains("sample"));
    let arguments = [
        "template",
        "test",
        "-",
        "--format",
        "json",
        "--issuer",
        "https://i/",
        "--time",
        "1000",
        "--ttl",
        "1m",
    ];
    let document = folder.run_with_input(&arguments, MAPPER).json();
    assert_eq!(document["default_claims"]["exp"], 1060);
    assert_eq!(document["claims"]["iss"], "https://i/x");
    assert_eq!(document["changes"][0], json!({"claim": "aud", "change": "added", "value": "me"}));
    assert!(document["fuel"].as_u64().unwrap() > 0);
}

#[test]
fn a_session_of_one_s_own_and_a_whole_template_are_taken() {
    let folder = Folder::new();
    folder.write(
        "session.json",
        r#"{"id":"00000000-0000-4000-8000-000000000001","identity":{"id":"00000000-0000-4000-8000-000000000002","external_id":"e"}}"#,
    );
    folder.write("template.json", r#"{"jwks_url":"set://stored","ttl":"1m","subject_source":"external_id"}"#);
    let arguments = [
        "template",
        "test",
        "template.json",
        "--session",
        "session.json",
        "--format",
        "json",
        "--time",
        "1000",
    ];
    let outcome = folder.run(&arguments);
    let document = outcome.json();
    assert_eq!(document["claims"]["sub"], "e");
    assert_eq!(document["claims"]["exp"], 1060);
    assert_eq!((&document["changes"], &document["fuel"]), (&json!([]), &json!(null)));
    assert!(outcome.stderr.contains("set://stored"));
}

#[test]
fn errors_come_with_an_excerpt() {
    let folder = Folder::new();
    folder.write("claims.jsonnet", "local s = std.extVar('session');\n{ claims: { a: s.nope } }");
    let outcome = folder.run(&["template", "test", "claims.jsonnet"]);
    assert!(
        outcome.refused().contains("claims.jsonnet:2:16") && outcome.stderr.contains("s.nope"),
        "{outcome:?}"
    );
    assert_eq!(outcome.stdout, "");
    let refused = |mapper: &str| {
        let outcome = folder.run_with_input(&["template", "test", "-"], mapper);
        outcome.refused().to_owned()
    };
    assert!(refused("{ claims: { a: }").contains("<stdin>:1:16"));
    assert!(refused("{ claims: { exp: 'soon' } }").contains("\"exp\""));
    assert!(refused("[1]").contains("object"));
    assert!(refused(r#"{"jwks_url": 1}"#).contains("jwks_url"));
}

#[test]
fn what_verifiers_would_stumble_over_is_warned_of() {
    let folder = Folder::new();
    let warned = |mapper: &str| {
        let outcome = folder.run_with_input(&["template", "test", "-"], mapper);
        outcome.printed();
        outcome.stderr
    };
    assert!(warned("{ claims: { exp: 5 } }").contains("already expired"));
    assert!(warned("{ claims: { nbf: 9999999999 } }").contains("not valid yet"));
    assert!(warned("{ claims: { a: std.repeat('x', 9000) } }").contains("8 KiB"));
    assert!(!warned("{ claims: {} }").contains("Warning"));
}

#[test]
fn tokens_whose_issuer_has_no_document_are_warned_of() {
    let folder = Folder::new();
    let run = |template: serde_json::Value| {
        folder.write("template.json", &template.to_string());
        folder.run(&["template", "test", "template.json", "--issuer", "https://id.example.org/"]).stderr
    };
    let mapper = "base64://eyBjbGFpbXM6IHsgaXNzOiAnaHR0cHM6Ly9pZC5leGFtcGxlLm9yZy9hJyB9IH0=";
    assert!(
        run(json!({"jwks_url": "set://a", "claims_mapper_url": mapper}))
            .contains("the mapper chooses \"iss\"")
    );
    let other = run(json!({"jwks_url": "set://a", "issuer": "https://other.example.org/"}));
    assert!(
        other.contains("no discovery document") && other.contains("https://other.example.org/"),
        "{other}"
    );
    for issuer in ["https://id.example.org/", "https://id.example.org/tenants/a"] {
        let said = run(json!({"jwks_url": "set://a", "issuer": issuer}));
        assert!(!said.contains("discovery"), "{said}");
    }
}
