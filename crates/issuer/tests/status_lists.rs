//! Status lists as verifiers take them.

mod deployment;

use std::time::Duration;

use deployment::{BASE_URL, Deployment, TOKEN};
use serde_json::{Map, Value, json};
use sessera_issuer::{Compiled, IssuerError, StatusLists};
use sessera_jose::{Algorithm, status_list};
use sessera_model::{Clock as _, GoDuration, Identity, IdentityState};
use sessera_store::Change;

/// A deployment with templates of all kinds.
async fn deployment() -> (Deployment, Compiled) {
    let deployment = Deployment::start().await;
    deployment.put_key("k", Algorithm::Es256).await;
    let before = deployment.compiled(json!({})).await;
    let month = GoDuration::new(Duration::from_secs(30 * 24 * 3600));
    deployment.managed_keys.create(&before, "m", Some(Algorithm::EdDsa), month).await.unwrap();
    let compiled = deployment.compiled(templates()).await;
    let compiled = deployment.maintain(compiled).await;
    (deployment, compiled)
}

fn templates() -> Value {
    json!({
        "fixed": {"jwks_url": "set://k", "status_list": true},
        "managed": {"jwks_url": "set://m", "status_list": true},
        "short": {"jwks_url": "set://k", "status_list": true, "ttl": "20s"},
        "none": {"jwks_url": "set://k"},
    })
}

/// The place of a session in the lists, as its tokens by a template tell it.
async fn place(deployment: &Deployment, compiled: &Compiled, template: &str, session: &str) -> u64 {
    let token = deployment.token(compiled, template, session).await;
    let claims = deployment.checked(compiled, template, &token).claims().unwrap();
    let named = &claims["status"]["status_list"];
    assert_eq!(named["uri"], format!("{BASE_URL}.well-known/status/{template}/0"));
    named["idx"].as_u64().unwrap()
}

/// The claims of the first list, as a verifier takes them.
async fn list(deployment: &Deployment, compiled: &Compiled, template: &str) -> Map<String, Value> {
    let list = deployment.status_lists.get(compiled, template, 0).await.unwrap().unwrap();
    let verified = deployment.checked(compiled, template, &list.token);
    assert_eq!(verified.header["typ"], "statuslist+jwt");
    let claims = verified.claims().unwrap();
    assert_eq!(claims["sub"], format!("{BASE_URL}.well-known/status/{template}/0"));
    let time = |name: &str| claims[name].as_i64().unwrap();
    let now = deployment.clock.now().seconds();
    assert!(time("iat") <= now && now + time("ttl") <= time("exp"), "{claims:?}");
    assert_eq!(u64::try_from(time("ttl")).unwrap(), list.max_age.as_secs());
    claims
}

fn is_refused(list: &Map<String, Value>, place: u64) -> bool {
    status_list::status(list, place).unwrap() != status_list::VALID
}

#[tokio::test]
async fn a_revoked_session_is_on_the_list_within_the_configured_time() {
    let (deployment, mut compiled) = deployment().await;
    for template in ["fixed", "managed"] {
        let (token, other) = (format!("one {template}"), format!("other {template}"));
        let session = deployment.sign_in(&deployment.ada, &token).await;
        deployment.sign_in(&deployment.ada, &other).await;
        let index = place(&deployment, &compiled, template, &token).await;
        assert_eq!(place(&deployment, &compiled, template, &token).await, index, "it is the session's");
        let other_index = place(&deployment, &compiled, template, &other).await;
        assert_ne!(index, other_index);
        let before = list(&deployment, &compiled, template).await;
        assert!(!is_refused(&before, index) && !is_refused(&before, other_index));
        assert!(!is_refused(&before, 1_000_000), "a place that nobody has yet");
        let revoke = Change::RevokeSession { id: session.id, of: None };
        deployment.committer.commit(&[revoke]).await.unwrap();
        let bound = deployment.clock.now().seconds() + 60;
        assert!(before["exp"].as_i64().unwrap() <= bound, "no list of before is good after the bound");
        deployment.clock.advance(Duration::from_secs(30));
        compiled = deployment.maintain(compiled).await;
        let after = list(&deployment, &compiled, template).await;
        assert!(is_refused(&after, index) && !is_refused(&after, other_index), "{template}");
    }
}

#[tokio::test]
async fn a_session_that_ended_otherwise_is_on_the_list() {
    let (deployment, compiled) = deployment().await;
    let index = place(&deployment, &compiled, "fixed", TOKEN).await;
    assert!(!is_refused(&list(&deployment, &compiled, "fixed").await, index));
    for (version, state) in [(1, IdentityState::Inactive), (2, IdentityState::Active)] {
        let ada = Identity { state, version, ..deployment.ada.clone() };
        deployment.committer.commit(&[Change::UpdateIdentity(ada)]).await.unwrap();
        deployment.clock.advance(Duration::from_secs(30));
        let refused = is_refused(&list(&deployment, &compiled, "fixed").await, index);
        assert_eq!(refused, state == IdentityState::Inactive);
    }
    deployment.committer.commit(&[Change::DeleteIdentity(deployment.ada.id)]).await.unwrap();
    deployment.clock.advance(Duration::from_secs(30));
    assert!(is_refused(&list(&deployment, &compiled, "fixed").await, index), "deleted with its identity");
    let eve = deployment.person(json!({})).await;
    deployment.sign_in(&eve, "eve").await;
    let next = place(&deployment, &compiled, "fixed", "eve").await;
    assert_ne!(next, index, "nobody gets that place again");
    assert!(is_refused(&list(&deployment, &compiled, "fixed").await, index));
}

#[tokio::test]
async fn nodes_make_one_list_in_a_period() {
    let (deployment, compiled) = deployment().await;
    let first = deployment.status_lists.get(&compiled, "fixed", 0).await.unwrap().unwrap();
    deployment.clock.advance(Duration::from_secs(29));
    let again = deployment.status_lists.get(&compiled, "fixed", 0).await.unwrap().unwrap();
    assert_eq!(again.token, first.token, "made once in a period");
    let (store, clock) = (deployment.store.clone(), deployment.clock.clone());
    let other_node = StatusLists::new(store, clock, deployment.lease.clone());
    let theirs = other_node.get(&compiled, "fixed", 0).await.unwrap().unwrap();
    let payload = |token: &str| token.split('.').nth(1).unwrap().to_owned();
    assert_eq!((payload(&theirs.token), &theirs.tag), (payload(&first.token), &first.tag));
    deployment.clock.advance(Duration::from_secs(1));
    let next = deployment.status_lists.get(&compiled, "fixed", 0).await.unwrap().unwrap();
    assert_ne!(next.tag, first.tag, "the next period");
}

#[tokio::test]
async fn a_list_follows_the_keys_and_the_ttl_of_its_template() {
    let (deployment, compiled) = deployment().await;
    let claims = list(&deployment, &compiled, "short").await;
    assert_eq!(claims["ttl"], 10, "a list ends with the tokens that it is about");
    deployment.put_key("k", Algorithm::Es256).await;
    let compiled = deployment.compiled(templates()).await;
    // The check with the published keys fails for a list that the old key has signed.
    list(&deployment, &compiled, "short").await;
    deployment.clock.advance(Duration::from_secs(61));
    let refused = deployment.status_lists.get(&compiled, "managed", 0).await;
    assert!(matches!(refused, Err(IssuerError::NoLease(_))), "{refused:?}");
}

#[tokio::test]
async fn there_are_no_lists_but_those_of_templates_that_have_them() {
    let (deployment, compiled) = deployment().await;
    for (template, number) in [("none", 0), ("nope", 0), ("fixed", 1), ("fixed", u64::MAX)] {
        let list = deployment.status_lists.get(&compiled, template, number).await.unwrap();
        assert!(list.is_none(), "{template} {number}");
    }
    let token = deployment.token(&compiled, "none", TOKEN).await;
    assert_eq!(deployment.checked(&compiled, "none", &token).claims().unwrap().get("status"), None);
}
