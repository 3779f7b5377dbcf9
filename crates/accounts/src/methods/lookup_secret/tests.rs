//! Printed codes, from when they are made until they are given up.

use serde_json::{Value, json};
use sessera_model::AssuranceLevel;

use crate::flows::error::FlowError;
use crate::flows::flow::{SettingsDetails, Standing};
use crate::flows::skeleton::{Outcome, Shown};
use crate::testing::{Client, TestAccounts, done, everything, node, refused};

const ADA: &str = "ada@example.org";

fn button(name: &str) -> Value {
    json!({format!("lookup_secret_{name}"): true})
}

/// The codes that a form shows; `used` stands in the place of those that are used.
fn codes(shown: &Shown<SettingsDetails>) -> Vec<String> {
    let secrets = &node(shown, "lookup_secret_codes")["attributes"]["text"]["context"]["secrets"];
    let texts = secrets.as_array().unwrap().iter().map(|secret| secret["context"]["secret"].as_str());
    texts.map(|text| text.unwrap_or("used").to_owned()).collect()
}

/// Whether somebody who signs in now must prove a second factor before they see their settings.
async fn is_asked_for(accounts: &TestAccounts) -> bool {
    let other = Client::native(accounts).signed_in_again(ADA).await;
    matches!(other.begin::<SettingsDetails>(()).await, Err(FlowError::SecondFactorMissing { .. }))
}

#[tokio::test]
async fn printed_codes_are_made_confirmed_shown_used_and_given_up() {
    let accounts = TestAccounts::configured(everything()).await;
    let mut first = Client::browser(&accounts).signed_in(ADA).await;
    let shown = first.settings().await;
    for nothing_there in ["confirm", "reveal"] {
        let outcome = first.submit(&shown, button(nothing_there)).await.unwrap();
        assert!(matches!(outcome, Outcome::Shown(_, Standing::Refused)), "{nothing_there}");
    }
    let made = first.change(&shown, button("regenerate")).await;
    let printed = codes(&made);
    assert_eq!(printed.len(), 12);
    assert!(!is_asked_for(&accounts).await, "they count once confirmed");
    first.change(&made, button("confirm")).await;
    assert_eq!(first.session.as_ref().unwrap().assurance_level, AssuranceLevel::Aal2);
    assert!(is_asked_for(&accounts).await);

    let attempt = |code: &str| json!({"method": "lookup_secret", "lookup_secret": code});
    let other = Client::native(&accounts).signed_in_again(ADA).await;
    assert_eq!(refused(other.step_up(attempt("nonsense")).await.unwrap()), [4_000_016]);
    done(other.step_up(attempt(&printed[3])).await.unwrap());
    let third = Client::native(&accounts).signed_in_again(ADA).await;
    assert_eq!(refused(third.step_up(attempt(&printed[3])).await.unwrap()), [4_000_012]);

    let shown = first.settings().await;
    let shown = first.change(&shown, button("reveal")).await;
    let still = codes(&shown).iter().zip(&printed).filter(|(shown, printed)| shown == printed).count();
    assert_eq!(still, 11, "a used code is not shown again");
    first.change(&shown, button("disable")).await;
    assert!(!is_asked_for(&accounts).await);
}
