//! Whose a flow is: a form counts only from the browser for which it was made.

use serde_json::json;

use crate::flows::error::FlowError;
use crate::flows::flow::{
    LoginDetails, RecoveryDetails, RegistrationDetails, Transport, VerificationDetails,
};
use crate::flows::skeleton::Kind;
use crate::flows::visit::BrowserHeader;
use crate::testing::{Client, FIRST, TestAccounts, everything, node, refused};

fn is_of_another_browser<T>(outcome: Result<T, FlowError>) -> bool {
    matches!(outcome, Err(FlowError::AnotherBrowser))
}

async fn belongs_to_its_browser<K: Kind<Wish: Copy>>(accounts: &TestAccounts, wish: K::Wish) {
    let shown = Client::browser(accounts).begin::<K>(wish).await.unwrap();
    let mut other = Client::browser(accounts);
    other.visitor.browsers = vec!["another cookie".into()];
    let id = shown.flow.id.to_string();
    assert!(is_of_another_browser(other.flows().show::<K>(Some(&id)).await), "{}", K::KIND.as_str());
    let outcome = other.submit(&shown, json!({"method": "password"})).await;
    assert!(is_of_another_browser(outcome), "{}", K::KIND.as_str());
}

#[tokio::test]
async fn a_flow_belongs_to_the_browser_that_began_it() {
    let accounts = TestAccounts::configured(everything()).await;
    belongs_to_its_browser::<LoginDetails>(&accounts, FIRST).await;
    belongs_to_its_browser::<RegistrationDetails>(&accounts, ()).await;
    belongs_to_its_browser::<RecoveryDetails>(&accounts, ()).await;
    belongs_to_its_browser::<VerificationDetails>(&accounts, ()).await;
}

async fn needs_its_token<K: Kind<Wish: Copy>>(accounts: &TestAccounts, wish: K::Wish) {
    let mut browser = Client::browser(accounts);
    let shown = browser.begin::<K>(wish).await.unwrap();
    let mut other = Client::browser(accounts);
    other.visitor.browsers = vec!["another cookie".into()];
    let of_other = other.begin::<K>(wish).await.unwrap();
    let of_other = node(&of_other, "csrf_token")["attributes"]["value"].clone();
    for token in [json!(""), json!("x"), of_other, browser.visitor.browsers[0].as_str().into()] {
        let forged = json!({"method": "password", "csrf_token": token});
        assert!(is_of_another_browser(browser.submit(&shown, forged.clone()).await), "{forged}");
    }
    let own = browser.begin::<K>(wish).await.unwrap();
    let own = json!({"method": "none", "csrf_token": node(&own, "csrf_token")["attributes"]["value"]});
    browser.again(&shown, own).await;
    browser.visitor.browsers.clear();
    let outcome = browser.submit(&shown, json!({"method": "password"})).await;
    assert!(is_of_another_browser(outcome), "{} without a cookie", K::KIND.as_str());
}

#[tokio::test]
async fn a_form_needs_a_token_of_its_browser() {
    let accounts = TestAccounts::configured(everything()).await;
    needs_its_token::<LoginDetails>(&accounts, FIRST).await;
    needs_its_token::<RegistrationDetails>(&accounts, ()).await;
    needs_its_token::<RecoveryDetails>(&accounts, ()).await;
    needs_its_token::<VerificationDetails>(&accounts, ()).await;
}

async fn takes_nothing_from_browsers<K: Kind<Wish: Copy>>(accounts: &TestAccounts, wish: K::Wish) {
    let mut native = Client::native(accounts);
    let shown = native.begin::<K>(wish).await.unwrap();
    for header in [BrowserHeader::Cookie, BrowserHeader::Origin] {
        native.visitor.browser_header = Some(header);
        let outcome = native.submit(&shown, json!({"method": "password"})).await.unwrap();
        assert_eq!(refused(outcome), [4_000_001], "{} {header:?}", K::KIND.as_str());
    }
}

#[tokio::test]
async fn native_flows_take_nothing_from_browsers() {
    let accounts = TestAccounts::configured(everything()).await;
    takes_nothing_from_browsers::<LoginDetails>(&accounts, FIRST).await;
    takes_nothing_from_browsers::<RegistrationDetails>(&accounts, ()).await;
    takes_nothing_from_browsers::<RecoveryDetails>(&accounts, ()).await;
    takes_nothing_from_browsers::<VerificationDetails>(&accounts, ()).await;
}

#[tokio::test]
async fn a_browser_is_sent_to_the_labels_of_a_wildcard() {
    let accounts = TestAccounts::configured(json!({"selfservice": {
        "allowed_return_urls": ["https://*.example.org", "https://exact.example.com/only/", "myapp://callback"],
    }}))
    .await;
    let browser = Client::browser(&accounts);
    for (asked, is_allowed) in [
        ("https://a.example.org/x?y=1", true),
        ("https://a.b.example.org/", true),
        ("https://exact.example.com/only/this", true),
        ("myapp://callback", true),
        ("https://example.org/", false),
        ("https://a.example.org.evil.test/", false),
        ("https://evilexample.org/", false),
        ("http://a.example.org/", false),
        ("https://a.example.org:8443/", false),
        ("https://exact.example.com/other", false),
        ("https://exact.example.com/only/..%2fother", false),
    ] {
        let begun = browser.flows().begin::<LoginDetails>(Transport::Browser, Some(asked), FIRST).await;
        assert_eq!(begun.is_ok(), is_allowed, "{asked}");
        assert!(is_allowed || matches!(begun, Err(FlowError::ReturnNotAllowed)), "{asked}");
    }
}
