//! Templates tried on the sample session and on real ones.

mod deployment;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deployment::Deployment;
use serde_json::{Value, json};
use sessera_issuer::trial::{Outcome, Trial};
use sessera_jose::Algorithm;
use sessera_model::Clock as _;
use sessera_store::Change;

async fn outcome(deployment: &Deployment, mapper: &str) -> Outcome {
    let template = json!({"jwks_url": "set://keys", "claims_mapper_url": format!("base64://{}", STANDARD.encode(mapper))});
    tried(deployment, &template).await
}

async fn tried(deployment: &Deployment, template: &Value) -> Outcome {
    let compiled = deployment.compiled(json!({ "t": template })).await;
    let trial = Trial::on_sessions_of(&*deployment.store, &compiled, deployment.clock.now()).await.unwrap();
    trial.of("t", compiled.templates.get("t").unwrap().as_ref().unwrap())
}

fn is_proven(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Fails { proven: true, .. })
}

/// Mappers that fail whatever the session is, in each of the ways in which one can.
const HOPELESS: [&str; 8] = [
    "{ foo: 1 }",
    "[]",
    "error 'no'",
    "{ claims: 'x' }",
    "{ claims: { exp: 'soon' } }",
    "local f(x) = f(x + 1); { claims: { a: f(0) } }",
    "{ claims: { a: std.extVar('nothing') } }",
    "{ claims: { tenant: std.extVar('session').identity.traits.tenant } }",
];

#[tokio::test]
async fn a_template_that_fails_for_the_sample_and_for_real_sessions_can_hardly_work() {
    let deployment = Deployment::start().await;
    deployment.put_key("keys", Algorithm::Es256).await;
    for mapper in HOPELESS {
        let outcome = outcome(&deployment, mapper).await;
        assert!(is_proven(&outcome), "{mapper}: {outcome:?}");
        let said = outcome.sentence().unwrap();
        assert!(said.contains("\"t\"") && said.contains("line 1"), "{mapper}: {said}");
    }
    let said = outcome(&deployment, "error 'nobody is in the sample'").await.sentence().unwrap();
    assert!(said.contains("nobody is in the sample"), "{said}");
    let of_people = "local i = std.extVar('session').identity; if i.id == 'b8f6a1d2-6c3e-4f0a-8d21-97c5e4b3a201' then { claims: {} } else error i.traits.email";
    let said = outcome(&deployment, of_people).await.sentence().unwrap();
    assert!(
        said.contains("line 1") && !said.contains('@'),
        "what is said about people stays in the log: {said}"
    );
    assert_eq!(outcome(&deployment, "{ claims: { a: 1 } }").await, Outcome::Works);
}

#[tokio::test]
async fn claims_that_no_verifier_accepts_are_as_bad_as_none() {
    let deployment = Deployment::start().await;
    deployment.put_key("keys", Algorithm::Es256).await;
    for claims in ["exp: 1", "nbf: 4102444800", "aud: 1", "jti: []"] {
        let outcome = outcome(&deployment, &format!("{{ claims: {{ {claims} }} }}")).await;
        assert!(is_proven(&outcome), "{claims}: {outcome:?}");
    }
}

#[tokio::test]
async fn what_fails_for_one_of_the_two_works_for_some() {
    let deployment = Deployment::start().await;
    deployment.put_key("keys", Algorithm::Es256).await;
    // Ada has no name, and the sample has no session of hers.
    let name = "{ claims: { name: std.extVar('session').identity.traits.name.first } }";
    let own =
        "local s = std.extVar('session'); assert !std.objectHas(s.identity.traits, 'name'); { claims: {} }";
    for mapper in [name, own] {
        let outcome = outcome(&deployment, mapper).await;
        assert!(matches!(outcome, Outcome::WorksForSome(_)), "{mapper}: {outcome:?}");
    }
    // She has no id elsewhere either.
    let external = json!({"jwks_url": "set://keys", "subject_source": "external_id"});
    assert!(matches!(tried(&deployment, &external).await, Outcome::WorksForSome(_)));
}

#[tokio::test]
async fn sessions_that_are_over_prove_nothing() {
    let deployment = Deployment::start().await;
    deployment.put_key("keys", Algorithm::Es256).await;
    let revoke = Change::RevokeSession { id: deployment.session.id, of: None };
    deployment.committer.commit(&[revoke]).await.unwrap();
    for mapper in HOPELESS {
        let outcome = outcome(&deployment, mapper).await;
        assert!(matches!(outcome, Outcome::Fails { proven: false, .. }), "{mapper}: {outcome:?}");
    }
}
