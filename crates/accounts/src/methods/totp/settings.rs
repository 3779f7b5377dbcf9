//! Linking an authenticator app, and unlinking it.

use async_trait::async_trait;
use sessera_model::CredentialKind;
use sessera_store::Change;

use super::factor::App;
use super::messages;
use super::secret::{QR_SIDE, TotpSecret, qr_code};
use super::{PROOF, Totp};
use crate::codes::as_meant;
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails};
use crate::flows::method::{Owner, SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::flows::visit::Visit;
use crate::messages::{MessageId, common};
use crate::methods::second_factor::Factor as _;
use crate::submission::Submission;
use crate::ui::{Attributes, Group, Input, InputKind, Node, Nodes};

/// Under which name a flow keeps the secret (base32) that is offered to an app.
const SECRET: &str = "totp_secret";

#[async_trait]
impl SettingsMethod for Totp {
    fn begin(
        &self,
        visit: &Visit<'_>,
        flow: &mut Flow<SettingsDetails>,
        _: Owner<'_>,
    ) -> Result<(), FlowError> {
        keep_new_secret(visit, flow);
        Ok(())
    }

    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes) {
        if App::among(view.owner.credentials).is_some() {
            let button = Input::submit("totp_unlink", "true").required().node(Group::TOTP);
            nodes.push(40, button.label(messages::UNLINK));
            return;
        }
        let secret: String = view.flow.details.kept.get(SECRET).unwrap_or_default();
        let url = TotpSecret::from_base32(&secret);
        let url = url.map(|secret| secret.to_url(&self.issuer, &view.owner.account_name()));
        if let Some(source) = url.and_then(|url| qr_code(&url)) {
            let image = Attributes::Image { id: "totp_qr", source, side: QR_SIDE };
            nodes.push(40, node(image, messages::QR_CODE));
        }
        let text = Attributes::Text { id: "totp_secret_key", text: messages::secret(&secret) };
        nodes.push(40, node(text, messages::SECRET_LABEL));
        let field = Input::new("totp_code", InputKind::Text).required().autocomplete("one-time-code");
        nodes.push(40, field.node(Group::TOTP).label(messages::VERIFY_LABEL));
        nodes.push(40, Input::submit("method", "totp").node(Group::TOTP).label(common::SAVE));
    }

    fn takes(&self, _: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        match submission.method() {
            Some("totp") => true,
            None => submission.flag("totp_unlink"),
            Some(_) => false,
        }
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.check_recent_sign_in()?;
        if edit.submission.flag("totp_unlink") {
            // The next app gets a secret of its own.
            keep_new_secret(edit.visit, &mut edit.flow);
            let kind = CredentialKind::Totp;
            let change = Change::DeleteCredential { identity_id: edit.identity.id, kind };
            return Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: None });
        }
        let Some(code) = edit.required("totp_code") else { return Ok(SettingsVerdict::Refused) };
        let secret: String = edit.flow.details.kept.get(SECRET).unwrap_or_default();
        let Some(secret) = TotpSecret::from_base32(&secret) else {
            return Err(FlowError::internal("the secret of a settings flow cannot be read"));
        };
        let Some(step) = secret.step_of(&as_meant(&code), edit.visit.now, None) else {
            return Ok(edit.refuse_at("totp_code", messages::WRONG));
        };
        let app = App::new(secret.to_url(&self.issuer, &edit.owner().account_name()), step);
        let credential = app.enrol(&edit.identity, edit.visit.now);
        Ok(SettingsVerdict::Saved { changes: vec![credential], enrolled: Some(PROOF) })
    }
}

fn keep_new_secret(visit: &Visit<'_>, flow: &mut Flow<SettingsDetails>) {
    let secret = TotpSecret::generate(visit.accounts.random.as_ref());
    flow.details.kept.set(SECRET, secret.to_base32());
}

fn node(attributes: Attributes, label: MessageId) -> Node {
    Node { group: Group::TOTP, attributes, messages: Vec::new(), label: Some(label.into()) }
}
