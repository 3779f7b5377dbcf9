//! What a session may change, and what that changes of the session.

use std::time::Duration;

use serde_json::json;

use crate::flows::error::FlowError;
use crate::flows::flow::{SettingsDetails, Transport};
use crate::flows::login::LoginRequest;
use crate::testing::{Client, FIRST, PASSWORD, TestAccounts, done, everything};

const MINUTE: Duration = Duration::from_secs(60);

fn is_too_old<T>(outcome: &Result<T, FlowError>) -> bool {
    matches!(outcome, Err(FlowError::SignInTooOld { .. }))
}

#[tokio::test]
async fn an_old_sign_in_is_not_enough_for_what_opens_the_account() {
    for transport in [Transport::Browser, Transport::Api] {
        let accounts = TestAccounts::configured(everything()).await;
        let mut client = Client::new(&accounts, transport).signed_in("ada@example.org").await;
        accounts.clock.advance(15 * MINUTE);
        let shown = client.settings().await;
        for change in [
            json!({"method": "password", "password": "Zx-other-enough-1234"}),
            json!({"method": "profile", "traits": {"email": "new@example.org"}}),
            json!({"method": "totp", "totp_code": "000000"}),
            json!({"totp_unlink": true}),
            json!({"lookup_secret_regenerate": true}),
            json!({"lookup_secret_reveal": true}),
            json!({"lookup_secret_disable": true}),
        ] {
            assert!(is_too_old(&client.submit(&shown, change.clone()).await), "{change}");
        }
        let name =
            json!({"method": "profile", "traits": {"email": "ada@example.org", "name": {"first": "Ada"}}});
        client.change(&shown, name).await;
        let again = client.login(LoginRequest { refresh: true, ..FIRST }).await;
        let proof = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
        done(client.submit(&again, proof).await.unwrap());
        client.look_again().await;
        let shown = client.settings().await;
        client.change(&shown, json!({"method": "password", "password": "Zx-other-enough-1234"})).await;
    }
}

#[tokio::test]
async fn nothing_that_a_session_changes_makes_it_newer() {
    for transport in [Transport::Browser, Transport::Api] {
        let accounts = TestAccounts::configured(everything()).await;
        let mut client = Client::new(&accounts, transport).signed_in("ada@example.org").await;
        let times = |client: &Client<'_>| {
            client.session.as_ref().map(|session| (session.authenticated_at, session.expires_at)).unwrap()
        };
        let before = times(&client);
        accounts.clock.advance(MINUTE);
        client.set_up_app().await;
        assert_eq!(times(&client), before, "an app was set up");
        let mut shown = client.settings().await;
        for change in [
            json!({"lookup_secret_regenerate": true}),
            json!({"lookup_secret_confirm": true}),
            json!({"lookup_secret_reveal": true}),
            json!({"lookup_secret_regenerate": true}),
            json!({"lookup_secret_confirm": true}),
            json!({"lookup_secret_disable": true}),
            json!({"totp_unlink": true}),
            json!({"method": "profile", "traits": {"email": "new@example.org"}}),
            json!({"method": "password", "password": "Zx-other-enough-1234"}),
        ] {
            accounts.clock.advance(MINUTE);
            shown = client.change(&shown, change.clone()).await;
            assert_eq!(times(&client), before, "{change}");
        }
        accounts.clock.advance(5 * MINUTE);
        let late = json!({"method": "password", "password": "Zx-third-enough-12"});
        assert!(is_too_old(&client.submit::<SettingsDetails>(&shown, late).await));
    }
}
