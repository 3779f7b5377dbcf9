//! The identity configuration as it changes: what is refused, what is warned about, and that nothing is half done.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sessera_issuer::{IssuerMetrics, Lease, ManagedKeys};
use sessera_model::GoDuration;
use sessera_testing::at_once;

use super::*;
use crate::testing::TestNode;

/// An operation that adds a tokenizer template.
fn add_template(name: &str, template: Value) -> Value {
    let path = format!("/services/identity/config/session/whoami/tokenizer/templates/{name}");
    json!({"op": "add", "path": path, "value": template})
}

/// A patch with one operation that adds a value.
fn add(path: &str, value: Value) -> Value {
    json!([{"op": "add", "path": format!("/services/identity/config{path}"), "value": value}])
}

/// A text as a source.
fn mapper(text: &str) -> String {
    format!("base64://{}", STANDARD.encode(text))
}

/// Why a change is refused, with the pointer to what is to blame.
fn refused(outcome: Result<Changed, ChangeError>) -> PatchError {
    match outcome {
        Err(ChangeError::Patch(refused)) => refused,
        other => panic!("it is not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_mapper_of_a_provider_is_read_again_when_its_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapper.jsonnet");
    std::fs::write(&file, "{ identity: { traits: {} } }").unwrap();
    let provider = json!({
        "id": "p", "provider": "google", "client_id": "c", "client_secret": "s",
        "mapper_url": format!("file://{}", file.display()),
    });
    let oidc = json!({"enabled": true, "config": {"providers": [provider]}});
    let node = TestNode::configured(json!({"selfservice": {"methods": {"oidc": oidc}}})).await;
    let later = SystemTime::now() + Duration::from_secs(60);
    node.configuration.watch(later).await;
    assert!(!node.configuration.is_outdated().await);
    let handle = std::fs::File::options().write(true).open(&file).unwrap();
    handle.set_modified(later).unwrap();
    assert!(node.configuration.is_outdated().await);
}

#[tokio::test]
async fn templates_that_cannot_work_are_refused_whole() {
    let node = TestNode::configured(json!({})).await;
    node.add_key("set", "ES256", "").await;
    let public_only = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let table: [(&str, Value, &str); 25] = [
        ("n", json!([]), "object"),
        ("n", json!({}), "jwks_url"),
        ("n", json!({"jwks_url": "set://set", "tll": "1m"}), "tll"),
        ("n", json!({"jwks_url": "set://none"}), "create jwk none --alg ES256\""),
        ("n", json!({"jwks_url": "set://none", "algorithm": "RS256"}), "create jwk none --alg RS256\""),
        ("n", json!({"jwks_url": "set://none", "algorithm": "HS256"}), "import jwk none FILE --alg HS256\""),
        ("n", json!({"jwks_url": "set://none", "algorithm": "HS256"}), "create jwk none --alg HS256\""),
        ("n", json!({"jwks_url": "https://example.org/jwks.json"}), "never fetched"),
        ("n", json!({"jwks_url": "http://example.org/jwks.json"}), "never fetched"),
        (
            "n",
            json!({"jwks_url": "set://set", "claims_mapper_url": "https://example.org/m"}),
            "never fetched",
        ),
        ("n", json!({"jwks_url": "file:///etc/passwd"}), "base64://"),
        ("n", json!({"jwks_url": "base64://@@@"}), "base64"),
        ("n", json!({"jwks_url": mapper("{")}), "JSON Web Key Set"),
        ("n", json!({"jwks_url": mapper(r#"{"keys":[]}"#)}), "empty"),
        ("n", json!({"jwks_url": mapper(r#"{"keys":[],"keys":[]}"#)}), "twice"),
        ("n", json!({"jwks_url": mapper(public_only)}), "public only"),
        ("n", json!({"jwks_url": "set://set", "ttl": "-5m"}), "ttl"),
        ("n", json!({"jwks_url": "set://set", "ttl": "99999999999h"}), "ttl"),
        ("n", json!({"jwks_url": "set://set", "ttl": "0s"}), "ttl"),
        ("n", json!({"jwks_url": "set://set", "ttl": 600}), "ttl"),
        ("n", json!({"jwks_url": "set://set", "subject_source": "email"}), "subject_source"),
        ("..~1x", json!({"jwks_url": "set://set"}), "not a name for a template"),
        ("a b", json!({"jwks_url": "set://set"}), "not a name for a template"),
        (
            "n",
            json!({"jwks_url": "set://set", "claims_mapper_url": mapper("{\n  claims: { a: }\n}")}),
            "line 2",
        ),
        ("n", json!({"jwks_url": "set://set", "claims_mapper_url": "set://set"}), "mapper"),
    ];
    for (name, template, reason) in table {
        // Together with one that is good: neither may come.
        let good = add_template("other", json!({"jwks_url": "set://set"}));
        let refused = refused(node.patch(json!([good, add_template(name, template.clone())])).await);
        assert!(refused.to_string().contains(reason), "{template}: {refused}");
        assert!(refused.pointer.starts_with("/session/whoami/tokenizer/templates/"), "{template}: {refused}");
        if reason.starts_with("ttl") || reason.starts_with("line") {
            let names_it =
                refused.pointer.ends_with("/ttl") || refused.pointer.ends_with("/claims_mapper_url");
            assert!(names_it, "{template}: {refused}");
        }
    }
    assert_eq!(node.revisions().await, 0);
    assert!(node.configuration.snapshot().issuer.templates.list().is_empty());
}

#[tokio::test]
async fn whose_status_lists_go_away_is_told() {
    let node = TestNode::configured(json!({})).await;
    node.add_key("set", "ES256", "").await;
    let with_lists = json!({"jwks_url": "set://set", "ttl": "10m", "status_list": true});
    let first = [add_template("a", with_lists.clone()), add_template("b", with_lists.clone())];
    assert!(node.patch(json!(first)).await.unwrap().warnings.is_empty());
    let longer = json!({"jwks_url": "set://set", "ttl": "20m", "status_list": true});
    assert!(node.patch(json!([add_template("a", longer)])).await.unwrap().warnings.is_empty());
    let without = json!({"jwks_url": "set://set", "ttl": "1m"});
    let told = node.patch(json!([add_template("a", without)])).await.unwrap().warnings;
    assert!(told.len() == 1 && told[0].contains("\"a\" has no status lists any more"), "{told:?}");
    assert!(
        told[0].contains("in 20m."),
        "the tokens that are out live as long as they were made for: {told:?}"
    );
    let path = "/services/identity/config/session/whoami/tokenizer/templates/b";
    let told = node.patch(json!([{"op": "remove", "path": path}])).await.unwrap().warnings;
    assert!(told.len() == 1 && told[0].contains("\"b\" has no status lists any more"), "{told:?}");
}

#[tokio::test]
async fn patches_that_cannot_be_are_refused_whole() {
    let node = TestNode::configured(json!({})).await;
    let at = |op: &str, path: &str, value: Value| json!({"op": op, "path": format!("/services/identity/config{path}"), "value": value});
    let table = [
        (at("replace", "/session/lifespn", json!("1h")), "lifespn"),
        (at("remove", "/session/cookie/name", json!(0)), "/session/cookie/name"),
        (at("add", "/nope/nope", json!(1)), "/nope"),
        (at("add", "/session/nope", json!(1)), "/session/nope"),
        (at("add", "/session/lifespan", json!("-1h")), "/session/lifespan"),
        (at("add", "/session/lifespan", json!(5)), "/session/lifespan"),
        (at("test", "/session", json!(1)), "test failed"),
        (at("add", "/dsn", json!("sqlite://other")), "belongs to the machine"),
        (at("add", "/secrets/cipher", json!(["x"])), "belongs to the machine"),
        (at("replace", "/serve/admin/insecure", json!(true)), "belongs to the machine"),
        (at("add", "/log/level", json!("debug")), "belongs to the machine"),
        (json!({"op": "add", "path": "/name", "value": "x"}), "/services/identity/config"),
        (json!({"op": "add", "path": 5, "value": "x"}), "path"),
        (json!({"op": "fly", "path": "/services/identity/config/session"}), "fly"),
        (json!(5), "operation"),
    ];
    for (operation, reason) in table {
        let good = at("add", "/session/lifespan", json!("2h"));
        let refused = refused(node.patch(json!([good, operation])).await);
        assert!(refused.to_string().contains(reason), "{operation}: {refused}");
    }
    assert_eq!(node.configuration.current().await.0.get("session"), None);
}

#[tokio::test]
async fn of_patches_at_the_same_time_each_works_on_the_result_of_the_one_before() {
    let node = TestNode::configured(json!({})).await;
    node.add_key("set", "ES256", "").await;
    let patches = (0..8).map(|number| {
        node.patch(json!([add_template(&format!("t{number}"), json!({"jwks_url": "set://set"}))]))
    });
    for changed in at_once(patches).await {
        changed.unwrap();
    }
    assert_eq!(node.configuration.snapshot().issuer.templates.list().len(), 8);
    let page = sessera_store::Page { after: None, limit: 100 };
    let revisions = node.store.revisions(&page).await.unwrap();
    let ids: Vec<_> = revisions.iter().map(|revision| Some(revision.id)).collect();
    let parents: Vec<_> = revisions.iter().map(|revision| revision.parent).collect();
    assert_eq!((ids.len(), &ids[1..], parents.last()), (8, &parents[..7], Some(&None)));
}

#[tokio::test]
async fn shared_secrets_are_warned_about() {
    let node = TestNode::configured(json!({})).await;
    node.add_key("partner", "HS256", "").await;
    node.add_key("own", "ES256", "").await;
    let templates = json!([
        add_template("partner", json!({"jwks_url": "set://partner"})),
        add_template("own", json!({"jwks_url": "set://own"})),
    ]);
    let changed = node.patch(templates).await.unwrap();
    assert_eq!(changed.warnings.len(), 1, "{changed:?}");
    assert!(changed.warnings[0].contains("\"partner\""));
}

#[tokio::test]
async fn what_adds_nothing_is_warned_about_and_what_restricts_nobody_is_refused() {
    let node =
        TestNode::configured(json!({"accept_unsupported": ["selfservice.methods.profile.enabled"]})).await;
    let warned = node.patch(add("/selfservice/methods/saml", json!({"enabled": true}))).await.unwrap();
    assert!(warned.warnings[0].starts_with("/selfservice/methods/saml/enabled: "), "{warned:?}");
    let again = node.patch(add("/session/lifespan", json!("2h"))).await.unwrap();
    assert!(again.warnings.is_empty(), "only news are told: {again:?}");

    let hooks = json!([{"hook": "b2b_sso"}]);
    let refusal = refused(node.patch(add("/selfservice/flows/login/after/hooks", hooks)).await);
    assert_eq!(refusal.pointer, "/selfservice/flows/login/after/hooks/0");
    assert!(refusal.message.contains("accept_unsupported"), "{refusal}");
    refused(node.patch(add("/selfservice/methods/sms", json!({"enabled": true}))).await);

    let accepted = node.patch(add("/selfservice/methods/profile", json!({"enabled": false}))).await;
    let accepted = accepted.expect("the file has accepted it");
    assert!(accepted.warnings[0].contains("accept_unsupported names it"), "{accepted:?}");
}

#[tokio::test]
async fn secrets_of_keys_without_effect_stay_out_of_differences() {
    let node = TestNode::configured(json!({})).await;
    let oidc =
        json!({"config": {"providers": [{"id": "g", "provider": "generic", "client_secret": "SECRET-ONE"}]}});
    let config = "/services/identity/config";
    let patch = json!([
        {"op": "add", "path": format!("{config}/selfservice/methods/oidc"), "value": oidc},
        {"op": "add", "path": format!("{config}/courier/smtp/headers"), "value": {"X-Key": "SECRET-TWO"}},
    ]);
    node.patch(patch).await.unwrap();
    let difference = node.store.newest_revision().await.unwrap().unwrap().diff;
    assert!(difference.contains("X-Key") && !difference.contains("SECRET-"), "{difference}");
}

/// Of two templates whose keys share an id, verifiers would refuse the tokens of one.
#[tokio::test]
async fn a_template_whose_key_has_the_id_of_another_published_key_is_refused() {
    let node = TestNode::configured(json!({})).await;
    for set in ["a", "b"] {
        node.add_key(set, "ES256", "same").await;
    }
    node.patch(json!([add_template("a", json!({"jwks_url": "set://a"}))])).await.unwrap();
    let refused = refused(node.patch(json!([add_template("b", json!({"jwks_url": "set://b"}))])).await);
    assert!(refused.pointer.ends_with("/b") && refused.message.contains("\"same\""), "{refused}");
    // A template with the same set brings no other key.
    node.patch(json!([add_template("b", json!({"jwks_url": "set://a"}))])).await.unwrap();
}

#[tokio::test]
async fn a_longer_max_age_puts_off_the_keys_that_are_prepared() {
    let node = TestNode::configured(json!({})).await;
    let (store, committer, clock) = (node.store.clone(), node.committer.clone(), node.clock.clone());
    let difference = IssuerMetrics::new().unwrap().clock_difference;
    let keys = ManagedKeys::new(store, committer, clock, Arc::new(Lease::default()), difference);
    let hour = GoDuration::new(Duration::from_hours(1));
    keys.create(&node.configuration.snapshot().issuer, "keys", Some("ES256".parse().unwrap()), hour)
        .await
        .unwrap();
    node.configuration.recompile().await.unwrap();
    let prepared = async || {
        let set = node.store.key_set("keys").await.unwrap().unwrap();
        set.managed.unwrap().schedule.keys.last().unwrap().activates_at
    };
    let set = node.store.key_set("keys").await.unwrap().unwrap();
    keys.rotate(&node.configuration.snapshot().issuer, set).await.unwrap();
    let before = prepared().await;
    // Lease, max-age and skew are 60 + 300 + 5 s before, and 60 + 600 + 5 s afterwards.
    node.patch(add("/session/whoami/tokenizer/rotation", json!({"max_age": "10m"}))).await.unwrap();
    assert_eq!(prepared().await, before + Duration::from_secs(300));
}

#[tokio::test]
async fn who_is_no_owner_changes_templates_alone() {
    let node = TestNode::configured(json!({})).await;
    node.add_key("set", "ES256", "").await;
    let own_key =
        mapper(r#"{"keys":[{"kty":"oct","alg":"HS256","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}"#);
    let good = json!([add_template("n", json!({"jwks_url": "set://set"}))]);
    for (patch, pointer) in [
        (add("/session/lifespan", json!("2h")), "/session/lifespan"),
        (
            json!([add_template("n", json!({"jwks_url": own_key}))]),
            "/session/whoami/tokenizer/templates/n/jwks_url",
        ),
    ] {
        for role in [Role::Viewer, Role::Operator] {
            match node.patch_as(role, patch.clone()).await {
                Err(ChangeError::OutOfReach(found)) => assert_eq!(found, pointer),
                other => panic!("{patch}: {other:?}"),
            }
        }
        assert_eq!(node.revisions().await, 0);
    }
    let changed = node.patch_as(Role::Operator, good).await.unwrap();
    node.patch(add("/session/lifespan", json!("2h"))).await.unwrap();
    let back = node.configuration.roll_back(changed.revision_id, None, Role::Operator).await;
    assert!(matches!(back, Err(ChangeError::OutOfReach(_))), "{back:?}");
    node.configuration.roll_back(changed.revision_id, None, Role::Owner).await.unwrap();
}

#[tokio::test]
async fn who_is_no_owner_learns_no_secret_by_a_patch() {
    let node = TestNode::configured(json!({})).await;
    node.add_key("set", "ES256", "").await;
    let own_key =
        mapper(r#"{"keys":[{"kty":"oct","alg":"HS256","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}"#);
    let uri = "smtp://user:password@mail.example.org/";
    node.patch(add("/courier/smtp/connection_uri", json!(uri))).await.unwrap();
    node.patch(json!([add_template("own", json!({"jwks_url": own_key}))])).await.unwrap();
    node.patch(json!([add_template("n", json!({"jwks_url": "set://set"}))])).await.unwrap();
    let at = |place: &str| format!("/services/identity/config{place}");
    let templates = "/session/whoami/tokenizer/templates";
    let (issuer, inline) = (format!("{templates}/n/issuer"), format!("{templates}/own/jwks_url"));
    let revisions = node.revisions().await;
    for (operation, hidden) in [
        (
            json!({"op": "copy", "from": at("/courier/smtp/connection_uri"), "path": at(&issuer)}),
            "/courier/smtp/connection_uri",
        ),
        (json!({"op": "copy", "from": at("/courier"), "path": at(&issuer)}), "/courier"),
        (
            json!({"op": "move", "from": at("/courier/smtp/connection_uri"), "path": at(&issuer)}),
            "/courier/smtp/connection_uri",
        ),
        (
            json!({"op": "test", "path": at("/courier/smtp/connection_uri"), "value": uri}),
            "/courier/smtp/connection_uri",
        ),
        (json!({"op": "copy", "from": at(&inline), "path": at(&issuer)}), &*inline),
    ] {
        // What an operation before it has moved is looked at as it is then.
        let before = json!({"op": "add", "path": at(&format!("{templates}/n/ttl")), "value": "1m"});
        for role in [Role::Viewer, Role::Operator] {
            match node.patch_as(role, json!([before, operation])).await {
                Err(ChangeError::OutOfReach(found)) => assert_eq!(found, hidden),
                other => panic!("{operation}: {other:?}"),
            }
        }
    }
    assert_eq!(node.revisions().await, revisions);
    let from = at(&format!("{templates}/n"));
    let copy = json!([{"op": "copy", "from": from, "path": at(&format!("{templates}/m"))}]);
    node.patch_as(Role::Operator, copy).await.unwrap();
}
