//! An authenticator app: what its codes prove, and how often.

use std::time::Duration;

use serde_json::json;
use sessera_model::{AssuranceLevel, Clock as _};

use super::*;
use crate::flows::error::FlowError;
use crate::flows::login::LoginRequest;
use crate::flows::skeleton::Outcome;
use crate::testing::{Client, TestAccounts, done, everything, refused, wait};

const ADA: &str = "ada@example.org";
const STEP: Duration = Duration::from_secs(30);
const WRONG: [u32; 1] = [4_000_008];

#[test]
fn apps_show_the_name_of_the_site_or_its_host_unless_told_otherwise() {
    let (none, example) = (json!({}), json!({"issuer": "Example"}));
    for (config, name, issuer) in [
        (&none, None, "id.example.org"),
        (&none, Some("Ada & Co"), "Ada & Co"),
        (&example, None, "Example"),
        (&example, Some("Ada & Co"), "Example"),
    ] {
        let tree = json!({
            "pages": {"name": name},
            "serve": {"public": {"base_url": "https://id.example.org"}},
            "selfservice": {"methods": {"totp": {"enabled": true, "config": config}}},
        });
        let config = Config::from_tree(&tree).expect("is a configuration");
        let method = compile(&config, &mut Vec::new()).expect("is on");
        assert!(format!("{method:?}").contains(&format!("issuer: \"{issuer}\"")), "{method:?}");
    }
    let config = Config::from_tree(&json!({})).expect("is a configuration");
    assert!(compile(&config, &mut Vec::new()).is_none(), "it is off unless told otherwise");
}

/// A second session of the same person, with the first factor only.
async fn other(accounts: &TestAccounts) -> Client<'_> {
    Client::native(accounts).signed_in_again(ADA).await
}

#[tokio::test]
async fn a_code_works_once_and_within_one_step() {
    let accounts = TestAccounts::configured(everything()).await;
    let secret = Client::native(&accounts).signed_in(ADA).await.set_up_app().await;
    let second = other(&accounts).await;
    let used = second.app_code(&secret, 0);
    assert_eq!(refused(second.step_up(used).await.unwrap()), WRONG, "it was used to set the app up");
    accounts.clock.advance(3 * STEP);
    for steps in [-2, 2] {
        let far = second.app_code(&secret, steps);
        assert_eq!(refused(second.step_up(far).await.unwrap()), WRONG, "{steps}");
    }
    let code = second.app_code(&secret, -1);
    done(second.step_up(code.clone()).await.unwrap());
    let third = other(&accounts).await;
    assert_eq!(refused(third.step_up(code).await.unwrap()), WRONG, "used");
    done(third.step_up(third.app_code(&secret, 1)).await.unwrap());
}

#[tokio::test]
async fn after_five_wrong_codes_a_factor_waits_longer_and_longer() {
    let accounts = TestAccounts::configured(everything()).await;
    let secret = Client::native(&accounts).signed_in(ADA).await.set_up_app().await;
    accounts.clock.advance(STEP);
    let second = other(&accounts).await;
    let wrong = json!({"method": "totp", "totp_code": "12"});
    for _ in 0..5 {
        assert_eq!(refused(second.step_up(wrong.clone()).await.unwrap()), WRONG);
    }
    let early = second.step_up(second.app_code(&secret, 0)).await;
    assert_eq!(wait(early), Some(Duration::from_secs(1)));
    accounts.clock.advance(Duration::from_secs(1));
    assert_eq!(refused(second.step_up(wrong.clone()).await.unwrap()), WRONG);
    assert_eq!(wait(second.step_up(wrong.clone()).await), Some(Duration::from_secs(2)));
    accounts.clock.advance(Duration::from_secs(2));
    done(second.step_up(second.app_code(&secret, 0)).await.unwrap());
    let third = other(&accounts).await;
    assert_eq!(refused(third.step_up(wrong).await.unwrap()), WRONG, "a right code begins anew");
}

#[tokio::test]
async fn of_two_requests_with_one_code_one_goes_through() {
    let accounts = TestAccounts::configured(everything()).await;
    let secret = Client::native(&accounts).signed_in(ADA).await.set_up_app().await;
    accounts.clock.advance(STEP);
    let (one, two) = (other(&accounts).await, other(&accounts).await);
    let code = one.app_code(&secret, 0);
    let (a, b) = tokio::join!(one.step_up(code.clone()), two.step_up(code));
    let ended = [&a, &b].into_iter().filter(|outcome| matches!(outcome, Ok(Outcome::Done(_)))).count();
    assert_eq!(ended, 1, "{a:?} {b:?}");
    let is_faulty = |outcome| matches!(outcome, &Err(FlowError::Internal(_) | FlowError::Store(_)));
    assert!(!is_faulty(&a) && !is_faulty(&b), "{a:?} {b:?}");
}

#[tokio::test]
async fn a_factor_that_the_session_itself_has_set_up_does_not_make_it_newer() {
    let accounts = TestAccounts::configured(everything()).await;
    let mut first = Client::native(&accounts).signed_in(ADA).await;
    accounts.clock.advance(STEP);
    let secret = first.set_up_app().await;
    let before = first.session.clone().unwrap();
    accounts.clock.advance(STEP);
    let wish = LoginRequest { requested_aal: AssuranceLevel::Aal2, refresh: true };
    let shown = first.login(wish).await;
    done(first.submit(&shown, first.app_code(&secret, 0)).await.unwrap());
    first.look_again().await;
    let after = first.session.as_ref().unwrap();
    assert_eq!((after.authenticated_at, after.expires_at), (before.authenticated_at, before.expires_at));

    let second = other(&accounts).await;
    accounts.clock.advance(STEP);
    let session = done(second.step_up(second.app_code(&secret, 0)).await.unwrap()).signed_in.session;
    assert_eq!(session.authenticated_at, accounts.clock.now(), "it was there before the sign-in");
}
