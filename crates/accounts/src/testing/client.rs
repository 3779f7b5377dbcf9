//! Somebody who goes through flows.

use std::net::IpAddr;

use serde_json::{Value, json};
use sessera_model::{AssuranceLevel, Clock as _, Session};
use sessera_store::SessionKind;

use super::{FIRST, PASSWORD, TestAccounts, again, done, names, node, said, try_submit, visitor};
use crate::flows::error::FlowError;
use crate::flows::flow::{LoginDetails, SettingsDetails, Transport};
use crate::flows::login::LoginRequest;
use crate::flows::skeleton::{Flows, Kind, Outcome, Shown};
use crate::flows::visit::{Present, Visitor};
use crate::methods::totp::TotpSecret;

/// Somebody who goes through flows, and who may be signed in.
pub(crate) struct Client<'a> {
    accounts: &'a TestAccounts,
    pub(crate) transport: Transport,
    pub(crate) visitor: Visitor,
    /// The session that is presented with every request.
    pub(crate) session: Option<Session>,
}

impl<'a> Client<'a> {
    /// Somebody with a browser.
    pub(crate) fn browser(accounts: &'a TestAccounts) -> Self {
        Self::new(accounts, Transport::Browser)
    }

    /// Somebody with a native client.
    pub(crate) fn native(accounts: &'a TestAccounts) -> Self {
        Self::new(accounts, Transport::Api)
    }

    /// Somebody with either.
    pub(crate) fn new(accounts: &'a TestAccounts, transport: Transport) -> Self {
        Self { accounts, transport, visitor: visitor(transport), session: None }
    }

    /// The accounts that it uses.
    pub(crate) const fn accounts(&self) -> &'a TestAccounts {
        self.accounts
    }

    /// This client at another address.
    pub(crate) fn at(mut self, address: impl Into<IpAddr>) -> Self {
        self.visitor.address = Some(address.into());
        self
    }

    /// Makes an account and signs in with it.
    pub(crate) async fn signed_in(self, email: &str) -> Self {
        self.accounts.person(email).await;
        self.signed_in_again(email).await
    }

    /// Signs in with an account that is there.
    pub(crate) async fn signed_in_again(mut self, email: &str) -> Self {
        let outcome = self.attempt(email, PASSWORD).await;
        self.session = Some(done(outcome.unwrap()).signed_in.session);
        self
    }

    /// The flows as the client sees them.
    pub(crate) fn flows(&self) -> Flows<'_> {
        let kind = match self.transport {
            Transport::Api => SessionKind::Native,
            Transport::Browser => SessionKind::Browser,
        };
        let present = self.session.as_ref().map(|session| Present { session, kind });
        self.accounts.flows(&self.visitor, present)
    }

    /// Reads the session as it is stored now.
    pub(crate) async fn look_again(&mut self) {
        if let Some(session) = &self.session {
            let stored = self.accounts.parts.store.session(session.id).await.unwrap();
            self.session = stored.map(|(stored, _)| stored.session);
        }
    }

    /// Begins a flow.
    pub(crate) async fn begin<K: Kind>(&self, wish: K::Wish) -> Result<Shown<K>, FlowError> {
        self.flows().begin(self.transport, None, wish).await
    }

    /// Begins to sign in.
    pub(crate) async fn login(&self, wish: LoginRequest) -> Shown<LoginDetails> {
        self.begin(wish).await.unwrap()
    }

    /// Begins to change one's own account.
    pub(crate) async fn settings(&self) -> Shown<SettingsDetails> {
        self.begin(()).await.unwrap()
    }

    /// Tries to sign in with a password.
    pub(crate) async fn attempt(
        &self,
        identifier: &str,
        password: &str,
    ) -> Result<Outcome<LoginDetails>, FlowError> {
        let shown = self.login(FIRST).await;
        let fields = json!({"method": "password", "identifier": identifier, "password": password});
        self.submit(&shown, fields).await
    }

    /// Tries to prove a second factor.
    pub(crate) async fn step_up(&self, fields: Value) -> Result<Outcome<LoginDetails>, FlowError> {
        let shown = self.login(LoginRequest { requested_aal: AssuranceLevel::Aal2, refresh: false }).await;
        self.submit(&shown, fields).await
    }

    /// Submits a form with its token.
    pub(crate) async fn submit<K: Kind>(
        &self,
        shown: &Shown<K>,
        fields: Value,
    ) -> Result<Outcome<K>, FlowError> {
        try_submit(&self.flows(), shown, fields).await
    }

    /// Submits a form that is shown again.
    pub(crate) async fn again<K: Kind>(&self, shown: &Shown<K>, fields: Value) -> Shown<K> {
        again(self.submit(shown, fields).await.unwrap())
    }

    /// Changes one's own account, reads the session again and returns the form that follows.
    pub(crate) async fn change(
        &mut self,
        shown: &Shown<SettingsDetails>,
        fields: Value,
    ) -> Shown<SettingsDetails> {
        let next = match self.submit(shown, fields).await.unwrap() {
            Outcome::Done(saved) => saved.shown,
            shown => again(shown),
        };
        self.look_again().await;
        next
    }

    /// Sets up an authenticator app and returns its secret.
    pub(crate) async fn set_up_app(&mut self) -> TotpSecret {
        let shown = self.settings().await;
        let secret = node(&shown, "totp_secret_key")["attributes"]["text"]["context"]["secret"].clone();
        let secret = TotpSecret::from_base32(secret.as_str().unwrap()).unwrap();
        let shown = self.again(&shown, json!({"method": "totp", "totp_code": "000000"})).await;
        assert_eq!(said(&shown), [4_000_008]);
        let code = self.app_code(&secret, 0);
        let shown = self.change(&shown, code).await;
        assert!(names(&shown).contains(&"totp_unlink"));
        secret
    }

    /// What a form submits for the code that an app shows some steps from now.
    pub(crate) fn app_code(&self, secret: &TotpSecret, steps: i64) -> Value {
        let code = secret.code(self.accounts.clock.now().seconds() / 30 + steps);
        json!({"method": "totp", "totp_code": code})
    }
}
