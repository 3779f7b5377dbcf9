//! The form for one's own account: profile, password, second factors.

use sessera_model::{Credential, CredentialKind, Identity, Random, Uuid};
use sessera_store::FlowKind;

use crate::flows::flow::{Beginning, Flow, SettingsDetails, State};
use crate::flows::passkeys::{self, Passkeys};
use crate::flows::second_factor::{Factor, LookupSecrets, Totp};
use crate::flows::totp::{QR_SIDE, TotpSecret, qr_code};
use crate::messages::{Message, MessageId};
use crate::rules::Rules;
use crate::schema::IdentitySchema;
use crate::submission::flatten;
use crate::ui::{Attributes, Container, Group, Input, InputKind, Node};

/// A new settings flow.
pub fn begin(beginning: Beginning, random: &dyn Random, identity_id: Uuid) -> Flow<SettingsDetails> {
    let details = SettingsDetails {
        identity_id,
        totp_secret: TotpSecret::generate(random).to_base32(),
        lookup_secrets: Vec::new(),
        lookup_revealed: false,
        passkey: None,
    };
    Flow::begin(beginning, State::ShowForm, details)
}

/// Whose settings a form shows.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The person.
    pub identity: &'a Identity,
    /// With what they sign in.
    pub credentials: &'a [Credential],
    /// The schema of their traits, when it is still configured.
    pub schema: Option<&'a IdentitySchema>,
}

/// What an authenticator app calls the account.
pub fn account_name(owner: Owner<'_>) -> String {
    let extracted = owner.schema.and_then(|schema| schema.validate(&owner.identity.traits).ok());
    let identifiers = owner.credentials.iter().flat_map(|credential| credential.identifiers.iter());
    extracted
        .and_then(|extracted| extracted.account_name)
        .or_else(|| identifiers.into_iter().next().cloned())
        .unwrap_or_else(|| owner.identity.id.to_string())
}

/// Makes the form.
pub fn form(flow: &Flow<SettingsDetails>, rules: &Rules, owner: Owner<'_>, csrf_token: String) -> Container {
    let mut form = Container::new(rules.action(FlowKind::Settings, flow.id));
    form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::Default));
    profile(&mut form, flow, owner);
    if rules.password.is_some() {
        let field = Input::new("password", InputKind::Password).required().autocomplete("new-password");
        form.push(field.node(Group::Password).label(MessageId::PasswordLabel));
        form.push(Input::submit("method", "password").node(Group::Password).label(MessageId::Save));
    }
    let codes = if rules.lookup_secret { lookup(&mut form, flow, owner) } else { Vec::new() };
    if let Some(issuer) = &rules.totp_issuer {
        totp(&mut form, flow, owner, issuer);
    }
    form.nodes.extend(codes);
    if rules.passkey.is_some() {
        passkey(&mut form, flow, rules, owner);
    }
    flow.fill(&mut form, None);
    form
}

fn profile(form: &mut Container, flow: &Flow<SettingsDetails>, owner: Owner<'_>) {
    let Some(schema) = owner.schema else { return };
    // What was typed and refused is shown as it was typed, all of it.
    let is_typed = flow.values.keys().any(|name| name.starts_with("traits."));
    let stored = if is_typed { Vec::new() } else { flatten("traits", &owner.identity.traits) };
    for field in schema.fields() {
        let mut node = field.node(Group::Profile);
        if let Attributes::Input(input) = &mut node.attributes {
            input.value = stored.iter().find(|(name, _)| *name == input.name).map(|(_, value)| value.clone());
        }
        form.push(node);
    }
    form.push(Input::submit("method", "profile").node(Group::Profile).label(MessageId::Save));
}

/// The nodes for printed codes. Those that show codes come back, to stand at the end.
fn lookup(form: &mut Container, flow: &Flow<SettingsDetails>, owner: Owner<'_>) -> Vec<Node> {
    let button =
        |name: &str, label: MessageId| Input::submit(name, "true").node(Group::LookupSecret).label(label);
    let list = |text: Message| Node {
        group: Group::LookupSecret,
        attributes: Attributes::Text { id: "lookup_secret_codes", text },
        messages: Vec::new(),
        label: Some(MessageId::LookupSecretsLabel.into()),
    };
    let regenerate = button("lookup_secret_regenerate", MessageId::RegenerateLookup);
    let disable = button("lookup_secret_disable", MessageId::DisableLookup);
    if !flow.details.lookup_secrets.is_empty() {
        let codes: Vec<_> = flow.details.lookup_secrets.iter().map(|code| (code.clone(), None)).collect();
        let confirm = button("lookup_secret_confirm", MessageId::ConfirmLookup);
        return vec![list(Message::lookup_secrets(&codes)), confirm];
    }
    match LookupSecrets::among(owner.credentials) {
        None => form.push(regenerate),
        Some(stored) if flow.details.lookup_revealed => {
            let codes: Vec<_> =
                stored.recovery_codes.into_iter().map(|code| (code.code, code.used_at)).collect();
            return vec![list(Message::lookup_secrets(&codes)), disable, regenerate];
        }
        Some(_) => {
            form.push(button("lookup_secret_reveal", MessageId::RevealLookup));
            form.push(disable);
        }
    }
    Vec::new()
}

fn totp(form: &mut Container, flow: &Flow<SettingsDetails>, owner: Owner<'_>, issuer: &str) {
    if Totp::among(owner.credentials).is_some() {
        let button = Input::submit("totp_unlink", "true").required().node(Group::Totp);
        form.push(button.label(MessageId::UnlinkTotp));
        return;
    }
    let secret = &flow.details.totp_secret;
    let url = TotpSecret::from_base32(secret).map(|secret| secret.to_url(issuer, &account_name(owner)));
    let node = |attributes: Attributes, label: MessageId| Node {
        group: Group::Totp,
        attributes,
        messages: Vec::new(),
        label: Some(label.into()),
    };
    if let Some(source) = url.and_then(|url| qr_code(&url)) {
        let image = Attributes::Image { id: "totp_qr", source, side: QR_SIDE };
        form.push(node(image, MessageId::TotpQrCode));
    }
    let text = Attributes::Text { id: "totp_secret_key", text: Message::totp_secret(secret) };
    form.push(node(text, MessageId::TotpSecretLabel));
    let field = Input::new("totp_code", InputKind::Text).required().autocomplete("one-time-code");
    form.push(field.node(Group::Totp).label(MessageId::VerifyCodeLabel));
    form.push(Input::submit("method", "totp").node(Group::Totp).label(MessageId::Save));
}

/// The nodes for passkeys, for browsers only. The last credential that signs in cannot be removed.
fn passkey(form: &mut Container, flow: &Flow<SettingsDetails>, rules: &Rules, owner: Owner<'_>) {
    let Some(challenge) = &flow.details.passkey else { return };
    let known = Passkeys::among(owner.credentials);
    let is_last = ways_in(rules, owner.credentials) < 2;
    for passkey in &known.credentials {
        let mut button = Input::submit("passkey_remove", &passkey.hex_id());
        button.disabled = is_last;
        let label = Message::remove_passkey(&passkey.display_name, passkey.added_at);
        form.push(button.node(Group::Passkey).label(label));
    }
    form.push(passkeys::script(rules.passkey_script()));
    form.push(Input::hidden("passkey_create_data", challenge.options.as_str()).node(Group::Passkey));
    form.push(Input::new("passkey_settings_register", InputKind::Hidden).node(Group::Passkey));
    let button = Input::button("passkey_register_trigger", "oryPasskeySettingsRegistration");
    form.push(button.node(Group::Passkey).label(MessageId::AddPasskey));
}

/// With how many credentials somebody can sign in who has nothing else.
pub fn ways_in(rules: &Rules, credentials: &[Credential]) -> usize {
    let has_password = rules.password.is_some()
        && credentials.iter().any(|credential| {
            credential.kind == CredentialKind::Password && credential.config.text("hashed_password").is_some()
        });
    let passkeys = rules.passkey.as_ref().map_or(0, |_| Passkeys::among(credentials).credentials.len());
    passkeys + usize::from(has_password)
}
