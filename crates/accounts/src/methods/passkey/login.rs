//! Signing in with a passkey.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential, CredentialKind, Identity, IdentityState};
use sessera_store::{Change, FlowKind};

use super::messages;
use super::{CHALLENGE, KIND, PROOF, Passkey, passkeys};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, LoginDetails, Standing};
use crate::flows::method::{Able, Departure, LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
use crate::flows::visit::Visit;
use crate::messages::common;
use crate::methods::identifier;
use crate::methods::public_keys::{Keys, SignInAnswer, SignInChallenge, script, trigger};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes, Trigger};

/// The field of a passkey's answer.
const ANSWER: &str = "passkey_login";

/// Where keys are kept that sign in by themselves: security keys that Kratos had for that are taken as passkeys.
const KINDS: [CredentialKind; 2] = [KIND, CredentialKind::Webauthn];

#[async_trait]
impl LoginMethod for Passkey {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal1
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        self.ways_in(credentials) > 0
    }

    fn ways_in(&self, credentials: &[Credential]) -> usize {
        passkeys(credentials).passwordless()
    }

    fn needs_identifier(&self) -> bool {
        false
    }

    async fn begin(
        &self,
        _: &Visit<'_>,
        flow: &mut Flow<LoginDetails>,
        _: Able<'_>,
    ) -> Result<Vec<Change>, FlowError> {
        flow.details.kept.set(CHALLENGE, self.ask()?);
        Ok(Vec::new())
    }

    /// Where the identifier is asked for first, browsers fill in a passkey, and the button comes with the methods of
    /// whoever was named.
    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes) {
        let (details, transport) = (&view.flow.details, view.flow.transport);
        let Some(challenge) = details.kept.get::<SignInChallenge>(CHALLENGE) else { return };
        if details.refresh && !self.is_set_up(view.credentials) {
            return;
        }
        nodes.extend(20, script(view.rules, transport));
        let has_button = !view.asks_for_identifier_first() || details.offered.is_some();
        if has_button {
            let button = Input::button("passkey_login_trigger", trigger("oryPasskeyLogin", transport));
            nodes.push(20, button.with_value("").node(Group::PASSKEY).label(messages::SIGN_IN));
        }
        let mut answer = Input::new(ANSWER, InputKind::Hidden);
        if !details.refresh {
            let fill_in = trigger("oryPasskeyLoginAutocompleteInit", transport);
            answer.trigger = Some(Trigger { on_load: true, ..fill_in });
            if !view.asks_for_identifier_first() {
                nodes.put(10, identifier::field(view));
            }
        }
        nodes.push(20, answer.node(Group::PASSKEY));
        let options = Input::hidden("passkey_challenge", challenge.options.to_string());
        nodes.push(20, options.node(Group::PASSKEY));
    }

    fn takes(&self, submission: &Submission) -> bool {
        // The script of a page submits the form without a button.
        submission.is_filled(ANSWER) || submission.method() == Some("passkey")
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        let visit = attempt.visit;
        let text = match attempt.submission.text(ANSWER) {
            Ok(Some(text)) => text,
            // Whoever has chosen the method without an answer is led to the form that asks for one.
            Ok(None) => {
                let url = visit.rules.page(FlowKind::Login, attempt.flow.id);
                return Ok(LoginVerdict::Elsewhere(Departure { url, new_cookie: None }));
            }
            Err(message) => {
                attempt.flow.say_at(ANSWER, message);
                return Ok(LoginVerdict::Refused(Standing::Refused));
            }
        };
        let kept = &mut attempt.flow.details.kept;
        let asked = kept.get::<SignInChallenge>(CHALLENGE);
        // Whatever comes of the answer, its challenge is good once.
        kept.set(CHALLENGE, self.ask()?);
        let answer = match SignInAnswer::parse(text) {
            Ok(answer) => answer,
            Err(message) => return Ok(attempt.refuse(message)),
        };
        let Some((identity, credentials)) = owner(visit, &answer).await? else {
            attempt.flow.say(messages::UNKNOWN);
            return Ok(LoginVerdict::Counted(Standing::Refused));
        };
        attempt.suspect = Some(identity.id);
        let changes = asked.and_then(|asked| self.checked(visit, &answer, &asked, &identity, &credentials));
        let Some(changes) = changes else {
            attempt.flow.say(common::KEY_WRONG);
            return Ok(LoginVerdict::Counted(Standing::Refused));
        };
        if identity.state != IdentityState::Active {
            attempt.flow.say(common::ACCOUNT_DISABLED);
            return Ok(LoginVerdict::Counted(Standing::Disabled));
        }
        let proven = Proven { identity, proof: PROOF, enrolled_at: None, changes, may_wait: Vec::new() };
        Ok(LoginVerdict::Proven(Box::new(proven)))
    }
}

impl Passkey {
    /// A challenge for whichever passkey the person chooses.
    fn ask(&self) -> Result<SignInChallenge, FlowError> {
        self.party.ask(std::iter::empty())
    }

    /// The changes that keep how often a passkey has signed, when its answer fits.
    fn checked(
        &self,
        visit: &Visit<'_>,
        answer: &SignInAnswer,
        asked: &SignInChallenge,
        identity: &Identity,
        credentials: &[Credential],
    ) -> Option<Vec<Change>> {
        KINDS.into_iter().find_map(|kind| {
            let mut keys = Keys::among(credentials, kind);
            let (_, has_changed) = self.party.check(answer, asked, &mut keys)?;
            let mut changes = Vec::new();
            if has_changed {
                changes.push(Change::UpdateIdentity(identity.clone()));
                changes.push(keys.keep(kind, identity, credentials, Vec::new(), visit.now));
            }
            Some(changes)
        })
    }
}

/// Whose passkey an answer says to be, with their credentials. `None` when it is nobody's.
async fn owner(
    visit: &Visit<'_>,
    answer: &SignInAnswer,
) -> Result<Option<(Identity, Vec<Credential>)>, FlowError> {
    let Some((id, identifier)) = answer.owner() else { return Ok(None) };
    let store = &visit.accounts.store;
    // Read in this order, so that the version that is written back is not newer than what was checked.
    let mut identity = match id {
        Some(id) => store.identity(id).await?,
        None => None,
    };
    if identity.is_none() {
        identity = store.identity_by_identifier(KIND, &identifier).await?;
    }
    let Some(identity) = identity else { return Ok(None) };
    let credentials = store.credentials(identity.id).await?;
    let has_keys = KINDS.into_iter().any(|kind| Keys::among(&credentials, kind).passwordless() > 0);
    Ok(has_keys.then_some((identity, credentials)))
}
