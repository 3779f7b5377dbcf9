//! One-time codes are good once, for whom they were made.

mod deployment;

use std::time::Duration;

use deployment::{Deployment, TOKEN};
use sessera_issuer::ExchangeCodes;
use sessera_issuer::exchange::{ExchangeError, Grant};
use sessera_issuer::sessions::Opens;
use sessera_jose::base64url;
use sessera_model::TokenHash;

const ORIGIN: &str = "https://app.example.org";
const SECRET: &str = "a-secret-of-the-page-that-nobody-else-knows-0";

fn grant(secret: &str) -> Grant {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    Grant {
        opens: Opens::Session(TokenHash::of(TOKEN)),
        origin: ORIGIN.into(),
        challenge: base64url::encode(hash),
        template: "t".into(),
    }
}

fn codes(deployment: &Deployment) -> ExchangeCodes {
    ExchangeCodes::new(
        deployment.store.clone(),
        deployment.committer.clone(),
        deployment.clock.clone(),
        deployment.random.clone(),
    )
}

#[tokio::test]
async fn a_code_gives_its_grant_once() {
    let deployment = Deployment::start().await;
    let codes = codes(&deployment);
    let code = codes.create(&grant(SECRET)).await.unwrap();
    let redeem = || codes.redeem(&code, SECRET, Some(ORIGIN.as_bytes()));
    let (one, other) = tokio::join!(redeem(), redeem());
    let (Ok(grant), Err(error)) = (if one.is_ok() { (one, other) } else { (other, one) }) else {
        panic!("of two at once one gets it")
    };
    assert_eq!((grant.opens, grant.template.as_str()), (Opens::Session(TokenHash::of(TOKEN)), "t"));
    assert!(matches!(error, ExchangeError::Invalid), "{error:?}");
    assert!(redeem().await.is_err());
}

#[tokio::test]
async fn a_cookie_that_has_to_be_shown_elsewhere_is_kept_and_never_shown_in_debug() {
    let deployment = Deployment::start().await;
    let codes = codes(&deployment);
    let grant = Grant { opens: Opens::Cookie("the cookie of Ada".into()), ..grant(SECRET) };
    assert!(!format!("{grant:?}").contains("Ada"));
    let code = codes.create(&grant).await.unwrap();
    let redeemed = codes.redeem(&code, SECRET, Some(ORIGIN.as_bytes())).await.unwrap();
    assert_eq!(redeemed.opens, Opens::Cookie("the cookie of Ada".into()));
}

#[tokio::test]
async fn a_code_is_used_up_by_whoever_tries_it() {
    let deployment = Deployment::start().await;
    let codes = codes(&deployment);
    for (origin, secret) in [
        (Some("https://evil.example"), SECRET),
        (Some("https://app.example.org:444"), SECRET),
        (Some("null"), SECRET),
        (None, SECRET),
        (Some(ORIGIN), "another-secret-of-the-page-that-nobody-knows-0"),
        (Some(ORIGIN), ""),
    ] {
        let code = codes.create(&grant(SECRET)).await.unwrap();
        let refused = codes.redeem(&code, secret, origin.map(str::as_bytes)).await.unwrap_err();
        assert_eq!(
            matches!(refused, ExchangeError::OtherOrigin),
            origin != Some(ORIGIN),
            "{origin:?} {secret}"
        );
        let again = codes.redeem(&code, SECRET, Some(ORIGIN.as_bytes())).await;
        assert!(matches!(again, Err(ExchangeError::Invalid)), "one try is all there is");
    }
    let short = "x".repeat(42);
    let code = codes.create(&grant(&short)).await.unwrap();
    let refused = codes.redeem(&code, &short, Some(ORIGIN.as_bytes())).await;
    assert!(matches!(refused, Err(ExchangeError::Invalid)), "a secret that can be guessed");
}

#[tokio::test]
async fn a_code_is_good_for_less_than_a_minute() {
    let deployment = Deployment::start().await;
    let codes = codes(&deployment);
    for (wait, good) in [(59, true), (60, false)] {
        let code = codes.create(&grant(SECRET)).await.unwrap();
        deployment.clock.advance(Duration::from_secs(wait));
        let outcome = codes.redeem(&code, SECRET, Some(ORIGIN.as_bytes())).await;
        assert_eq!(outcome.is_ok(), good, "{wait}");
    }
}

#[test]
fn a_challenge_is_a_hash() {
    assert!(ExchangeCodes::is_challenge(&grant(SECRET).challenge));
    for text in ["", "plain", &format!("{}=", grant(SECRET).challenge), &base64url::encode([0; 31])] {
        assert!(!ExchangeCodes::is_challenge(text), "{text}");
    }
}
