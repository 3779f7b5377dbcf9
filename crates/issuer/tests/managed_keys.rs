//! A node signs with managed keys only while it knows which ones are good.

mod deployment;

use std::time::Duration;

use deployment::{Deployment, TOKEN};
use serde_json::json;
use sessera_issuer::managed_keys::{Refusal, adapted};
use sessera_issuer::sessions::Presented;
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::{Compiled, IssuerError};
use sessera_jose::{Algorithm, JwkSet, verify};
use sessera_model::{Clock as _, GoDuration};
use sessera_store::Change;

/// A deployment with a managed set that rotates every hour, and a template that signs with it.
async fn deployment() -> (Deployment, Compiled) {
    let deployment = Deployment::start().await;
    let before = deployment.compiled(json!({})).await;
    let hour = GoDuration::new(Duration::from_secs(3600));
    deployment.managed_keys.create(&before, "keys", Some(Algorithm::Es256), hour).await.unwrap();
    let compiled = deployment.compiled(json!({"t": {"jwks_url": "set://keys", "ttl": "1m"}})).await;
    (deployment, compiled)
}

/// A token of Ada's session.
async fn token(deployment: &Deployment, compiled: &Compiled) -> Result<String, IssuerError> {
    let live = deployment.sessions.live(compiled, Presented::Token(TOKEN)).await?;
    deployment.tokens.token(compiled, "t", &live, &mut TokenSteps::default()).await
}

/// The key that signed a token, checked with the published keys.
async fn signer(deployment: &Deployment, compiled: &Compiled) -> String {
    let published = compiled.published.set(Some("t"), deployment.clock.now()).unwrap();
    let keys = JwkSet::parse(published.json.as_bytes()).unwrap().public();
    verify::verify(&token(deployment, compiled).await.unwrap(), &keys).unwrap().kid
}

#[tokio::test]
async fn a_node_signs_from_the_first_confirmed_look_until_its_lease_ends() {
    let (deployment, compiled) = deployment().await;
    let refused = token(&deployment, &compiled).await;
    assert!(matches!(refused, Err(IssuerError::NoLease(Refusal::Unconfirmed))), "{refused:?}");
    let look = deployment.managed_keys.look(&compiled).await.unwrap();
    assert!(token(&deployment, &compiled).await.is_err(), "the look was not confirmed");
    deployment.managed_keys.confirm(look);
    token(&deployment, &compiled).await.unwrap();
    deployment.clock.advance(Duration::from_secs(60));
    token(&deployment, &compiled).await.unwrap();
    deployment.clock.advance(Duration::from_secs(1));
    assert!(token(&deployment, &compiled).await.is_err());
    let live = deployment.sessions.live(&compiled, Presented::Token(TOKEN)).await.unwrap();
    let at_once = deployment.tokens.token_at_once(&compiled, "t", &live, &mut TokenSteps::default());
    assert_eq!(at_once, None);
}

#[tokio::test]
async fn keys_take_turns_and_every_token_verifies_with_what_is_published() {
    let (deployment, compiled) = deployment().await;
    let compiled = deployment.maintain(compiled).await;
    let first = signer(&deployment, &compiled).await;
    deployment.clock.advance(Duration::from_secs(3600));
    let look = deployment.managed_keys.look(&compiled).await.unwrap();
    assert!(look.outdated, "a third key was published");
    let compiled = deployment.maintain(compiled).await;
    assert_ne!(signer(&deployment, &compiled).await, first);
    assert!(!deployment.managed_keys.look(&compiled).await.unwrap().outdated, "nothing is due");
}

#[tokio::test]
async fn the_next_key_signs_when_all_verifiers_can_know_it() {
    let (deployment, compiled) = deployment().await;
    let mut compiled = deployment.maintain(compiled).await;
    let first = signer(&deployment, &compiled).await;
    let set = deployment.store.key_set("keys").await.unwrap().unwrap();
    let (_, next, at) = deployment.managed_keys.rotate(&compiled, set).await.unwrap();
    // Lease, max-age and skew: 60 + 300 + 5 seconds after it was published.
    assert_eq!(at, deployment.clock.now() + Duration::from_secs(365));
    for (wait, signs) in [(364, &first), (1, &next)] {
        deployment.clock.advance(Duration::from_secs(wait));
        compiled = deployment.maintain(compiled).await;
        assert_eq!(&signer(&deployment, &compiled).await, signs, "after {wait} s more");
    }
}

#[tokio::test]
async fn a_longer_max_age_puts_off_the_prepared_key() {
    let (deployment, compiled) = deployment().await;
    let compiled = deployment.maintain(compiled).await;
    let first = signer(&deployment, &compiled).await;
    let set = deployment.store.key_set("keys").await.unwrap().unwrap();
    let (_, next, _) = deployment.managed_keys.rotate(&compiled, set).await.unwrap();
    deployment.clock.advance(Duration::from_secs(300));
    let mut settings = compiled.settings.clone();
    settings.timing.max_age = GoDuration::new(Duration::from_secs(600));
    let sets = deployment.store.key_sets().await.unwrap();
    let changes: Vec<_> = adapted(&sets, &settings, deployment.clock.now())
        .into_iter()
        .map(|set| Change::PutKeySet(set, vec![]))
        .collect();
    assert_eq!(changes.len(), 1);
    deployment.committer.commit(&changes).await.unwrap();
    let mut compiled = deployment.recompiled(settings).await;
    // By the old times it would sign after 365 s; lease, max-age and skew are 60 + 600 + 5 s now.
    for (wait, signs) in [(65, &first), (299, &first), (1, &next)] {
        deployment.clock.advance(Duration::from_secs(wait));
        compiled = deployment.maintain(compiled).await;
        assert_eq!(&signer(&deployment, &compiled).await, signs, "after {wait} s more");
    }
}

#[tokio::test]
async fn what_cannot_be_managed_is_refused() {
    let (deployment, compiled) = deployment().await;
    let create = async |algorithm, seconds| {
        let period = GoDuration::new(Duration::from_secs(seconds));
        deployment
            .managed_keys
            .create(&compiled, "other", Some(algorithm), period)
            .await
            .unwrap_err()
            .to_string()
    };
    assert!(create(Algorithm::Hs256, 3600).await.contains("HS256"));
    assert!(create(Algorithm::Es256, 60).await.contains("period"));
    let set = deployment.store.key_set("keys").await.unwrap().unwrap();
    let hour = GoDuration::new(Duration::from_secs(3600));
    let adopted = deployment.managed_keys.adopt(&compiled, set, hour).await.unwrap_err();
    assert!(adopted.to_string().contains("managed"), "{adopted}");
}
