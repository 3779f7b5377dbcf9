//! A session's tokens take the claims that a mapper made before, until anything changes of which they were made.

mod deployment;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deployment::{Deployment, TOKEN};
use serde_json::{Map, Value, json};
use sessera_issuer::sessions::Presented;
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::{Compiled, IssuerError};
use sessera_jose::Algorithm;
use sessera_model::Identity;
use sessera_store::Change;

/// Looks at nothing that differs from token to token.
const LASTING: &str = "{ claims: { traits: std.extVar('session').identity.traits } }";

/// Looks at the time.
const FLEETING: &str = "{ claims: { until: std.extVar('claims').exp, of: std.extVar('session').id } }";

fn template(mapper: &str) -> Value {
    json!({
        "jwks_url": "set://keys",
        "claims_mapper_url": format!("base64://{}", STANDARD.encode(mapper)),
        "ttl": "1m",
    })
}

async fn deployment() -> (Deployment, Compiled) {
    let deployment = Deployment::start().await;
    deployment.put_key("keys", Algorithm::Es256).await;
    let templates = json!({
        "lasting": template(LASTING),
        "other": template("{ claims: { id: std.extVar('session').id } }"),
        "fleeting": template(FLEETING),
        "failing": template("{ claims: { x: std.extVar('session').nothing } }"),
    });
    let compiled = deployment.compiled(templates).await;
    (deployment, compiled)
}

async fn claims(deployment: &Deployment, compiled: &Compiled, template: &str) -> Map<String, Value> {
    let token = deployment.token(compiled, template, TOKEN).await;
    deployment.checked(compiled, template, &token).claims().unwrap()
}

/// How many times a mapper ran, and how many tokens needed none.
fn counts(deployment: &Deployment) -> (u64, u64) {
    (deployment.metrics.mapper_fuel.get_sample_count(), deployment.metrics.filled_forms.get())
}

/// What the cache believes to hold is what it holds.
async fn check_weight(deployment: &Deployment, compiled: &Compiled) {
    let live = deployment.sessions.live(compiled, Presented::Token(TOKEN)).await.unwrap();
    let (size, weight) = (live.size() as u64, deployment.sessions.cache().bytes());
    assert!((size..size + 256).contains(&weight), "{size} {weight}");
}

#[tokio::test]
async fn the_next_token_has_the_same_claims_with_its_own_times_and_id() {
    let (deployment, compiled) = deployment().await;
    let first = claims(&deployment, &compiled, "lasting").await;
    deployment.clock.advance(Duration::from_secs(7));
    let mut second = claims(&deployment, &compiled, "lasting").await;
    assert_eq!(counts(&deployment), (1, 1));
    assert_ne!(first["jti"], second["jti"]);
    for time in ["exp", "iat", "nbf"] {
        assert_eq!(first[time].as_i64().unwrap() + 7, second[time].as_i64().unwrap(), "{time}");
    }
    for changing in ["exp", "iat", "jti", "nbf"] {
        second[changing] = first[changing].clone();
    }
    assert_eq!(first, second);
    assert_eq!(first["traits"]["email"], "ada@example.org");
}

#[tokio::test]
async fn what_looks_at_the_time_is_made_anew_and_so_is_a_failure() {
    let (deployment, compiled) = deployment().await;
    for _ in 0..3 {
        deployment.clock.advance(Duration::from_secs(1));
        let claims = claims(&deployment, &compiled, "fleeting").await;
        assert_eq!(claims["until"], claims["exp"]);
    }
    assert_eq!(counts(&deployment), (3, 0));
    let live = deployment.sessions.live(&compiled, Presented::Token(TOKEN)).await.unwrap();
    for _ in 0..2 {
        let failed = deployment.tokens.token(&compiled, "failing", &live, &mut TokenSteps::default()).await;
        assert!(matches!(failed, Err(IssuerError::Refused { .. })), "{failed:?}");
    }
    assert_eq!(counts(&deployment).1, 0);
}

#[tokio::test]
async fn a_change_of_the_owner_is_in_the_next_token() {
    let (deployment, compiled) = deployment().await;
    claims(&deployment, &compiled, "lasting").await;
    claims(&deployment, &compiled, "lasting").await;
    let changed = Identity { traits: json!({"email": "countess@example.org"}), ..deployment.ada.clone() };
    deployment.committer.commit(&[Change::UpdateIdentity(changed)]).await.unwrap();
    let claims = claims(&deployment, &compiled, "lasting").await;
    assert_eq!(claims["traits"]["email"], "countess@example.org");
    assert_eq!(counts(&deployment), (2, 1));
}

#[tokio::test]
async fn another_mapper_or_issuer_is_in_the_next_token() {
    let (deployment, compiled) = deployment().await;
    claims(&deployment, &compiled, "lasting").await;
    let mut settings = compiled.settings.clone();
    settings.templates["lasting"] = template("{ claims: { traits: 'gone' } }");
    let changed = deployment.recompiled(settings).await;
    assert_eq!(claims(&deployment, &changed, "lasting").await["traits"], "gone");
    // A template that cannot be compiled any more goes on as it was, with the issuer of now.
    let mut settings = changed.settings.clone();
    settings.issuer = "https://login.example.org/".into();
    settings.templates["lasting"] = template("{ claims: ");
    let sets = deployment.store.key_sets().await.unwrap();
    let moved = Compiled::compile(settings, &sets, &changed.templates).unwrap();
    for _ in 0..2 {
        let claims = claims(&deployment, &moved, "lasting").await;
        assert_eq!(
            (&claims["iss"], &claims["traits"]),
            (&json!("https://login.example.org/"), &json!("gone"))
        );
    }
    assert_eq!(counts(&deployment), (3, 1));
}

#[tokio::test]
async fn several_templates_of_a_session_do_not_mix_and_their_memory_is_counted() {
    let (deployment, compiled) = deployment().await;
    for round in 0..3 {
        for name in ["lasting", "other", "fleeting", "lasting", "fleeting", "other"] {
            let claims = claims(&deployment, &compiled, name).await;
            assert_eq!(claims.contains_key("traits"), name == "lasting", "{round} {name}");
            assert_eq!(claims.contains_key("id"), name == "other", "{round} {name}");
            assert_eq!(claims.contains_key("until"), name == "fleeting", "{round} {name}");
            check_weight(&deployment, &compiled).await;
        }
    }
}

#[tokio::test]
async fn what_is_only_tried_neither_takes_forms_nor_leaves_any() {
    let (deployment, compiled) = deployment().await;
    let trial = deployment.tokens.clone().for_trials();
    let live = deployment.sessions.live(&compiled, Presented::Token(TOKEN)).await.unwrap();
    let tokens = [&trial, &trial, &deployment.tokens, &trial];
    for tokens in tokens {
        tokens.token(&compiled, "lasting", &live, &mut TokenSteps::default()).await.unwrap();
    }
    assert_eq!(counts(&deployment), (4, 0));
}

#[tokio::test]
async fn a_session_that_is_not_kept_keeps_no_form() {
    let (deployment, compiled) = deployment().await;
    deployment.sessions.cache().set_max_bytes(0);
    let live = deployment.sessions.live(&compiled, Presented::Token(TOKEN)).await.unwrap();
    for _ in 0..2 {
        deployment.tokens.token(&compiled, "lasting", &live, &mut TokenSteps::default()).await.unwrap();
    }
    assert_eq!(counts(&deployment), (2, 0));
}
