//! A token that comes back is good only while everything about it is.

mod deployment;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deployment::{Deployment, TOKEN};
use serde_json::json;
use sessera_issuer::Compiled;
use sessera_jose::Algorithm;
use sessera_model::Uuid;
use sessera_store::Change;

/// Writes the sid that stands in the public metadata into tokens.
const CHOOSES_SID: &str = "{claims: {sid: std.extVar('session').identity.metadata_public.sid}}";

async fn deployment() -> (Deployment, Compiled) {
    let deployment = Deployment::start().await;
    deployment.put_key("k", Algorithm::Es256).await;
    deployment.put_key("shared", Algorithm::Hs256).await;
    let mapper = format!("base64://{}", STANDARD.encode(CHOOSES_SID));
    let compiled = deployment
        .compiled(json!({
            "t": {"jwks_url": "set://k", "ttl": "10m"},
            "shared": {"jwks_url": "set://shared"},
            "chosen": {"jwks_url": "set://k", "claims_mapper_url": mapper},
            "listed": {"jwks_url": "set://k", "claims_mapper_url": mapper, "status_list": true},
        }))
        .await;
    (deployment, compiled)
}

/// The session of a token, when both are good.
async fn session_of(deployment: &Deployment, compiled: &Compiled, token: &str) -> Option<Uuid> {
    let active = deployment.introspection.active(compiled, token).await.unwrap();
    active.map(|(_, live)| live.session.id)
}

#[tokio::test]
async fn a_token_is_active_while_it_and_its_session_live() {
    let (deployment, compiled) = deployment().await;
    let ada = Some(deployment.session.id);
    for template in ["t", "shared"] {
        let token = deployment.token(&compiled, template, TOKEN).await;
        assert_eq!(session_of(&deployment, &compiled, &token).await, ada, "{template}");
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(session_of(&deployment, &compiled, &format!("{signed}.AAAA")).await, None);
    }
    let token = deployment.token(&compiled, "t", TOKEN).await;
    deployment.clock.advance(Duration::from_secs(600));
    assert_eq!(session_of(&deployment, &compiled, &token).await, None, "it has ended");
    let token = deployment.token(&compiled, "t", TOKEN).await;
    assert_eq!(session_of(&deployment, &compiled, &token).await, ada);
    let revoke = Change::RevokeSession { id: deployment.session.id, of: None };
    deployment.committer.commit(&[revoke]).await.unwrap();
    assert_eq!(session_of(&deployment, &compiled, &token).await, None, "its session was revoked");
}

#[tokio::test]
async fn a_mapper_cannot_point_to_the_session_of_another_subject() {
    let (deployment, compiled) = deployment().await;
    for sid in [deployment.session.id, Uuid::nil()] {
        let eve = deployment.person(json!({"sid": sid})).await;
        let session_token = format!("Eve, who says {sid}");
        deployment.sign_in(&eve, &session_token).await;
        let token = deployment.token(&compiled, "chosen", &session_token).await;
        assert_eq!(session_of(&deployment, &compiled, &token).await, None, "{sid}");
    }
}

#[tokio::test]
async fn a_place_in_the_status_lists_counts_more_than_the_sid_of_a_mapper() {
    let (deployment, compiled) = deployment().await;
    let other = Uuid::from_u128(1);
    let eve = deployment.person(json!({"sid": other})).await;
    let session = deployment.sign_in(&eve, "eve").await;
    let token = deployment.token(&compiled, "listed", "eve").await;
    let claims = deployment.checked(&compiled, "listed", &token).claims().unwrap();
    assert_eq!(claims["sid"], json!(other));
    assert_eq!(session_of(&deployment, &compiled, &token).await, Some(session.id));
}

#[tokio::test]
async fn what_is_no_token_is_not_active() {
    let (deployment, compiled) = deployment().await;
    for text in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", TOKEN, &"a".repeat(1_000_000)] {
        assert_eq!(session_of(&deployment, &compiled, text).await, None);
    }
}
