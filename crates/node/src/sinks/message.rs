//! The message that tells a sink of an entry.

use serde_json::Value;
use sessera_config::events::{Form, Signing, Sink};
use sessera_issuer::statements;
use sessera_model::Timestamp;

use super::content::{Content, Message};
use super::signed::{self, Parties};
use super::{Sinks, webhook};

/// The types in the headers of tokens (RFC 8417, section 2.3; OpenID Connect Back-Channel Logout 1.0, section 2.4).
const SECURITY_EVENT: &str = "secevent+jwt";
const LOGOUT: &str = "logout+jwt";

/// Makes the claims of a token, or none where an event cannot be told so.
type Claims = fn(&Content, &Parties<'_>, i64) -> Option<Value>;

/// Whether a sink is told of an entry: it wants such events, and its form has a word for this one.
pub(super) fn is_told(sink: &Sink, content: &Content) -> bool {
    let nobody = Parties { issuer: "", audience: Value::Null };
    let has_word = match &sink.form {
        Form::Webhook(_) => true,
        Form::SecurityEventToken { .. } => signed::security_event(content, &nobody, 0).is_some(),
        Form::BackChannelLogout(_) => signed::logout(content, &nobody, 0).is_some(),
    };
    has_word && (sink.events.is_empty() || sink.events.contains(&content.action))
}

impl Sinks {
    /// The message that tells a sink of an entry. Nothing where its form has no word for it, which is so when the form was
    /// changed since the entry was taken for it. The error says why it cannot be made.
    pub(super) async fn message(
        &self,
        sink: &Sink,
        content: &Content,
        now: Timestamp,
    ) -> Result<Option<Message>, String> {
        match &sink.form {
            Form::Webhook(secrets) => Ok(Some(webhook::message(secrets, content, now))),
            Form::SecurityEventToken { by, authorization } => {
                let token = self.signed(by, SECURITY_EVENT, signed::security_event, content, now).await?;
                Ok(token.map(|token| {
                    let message = Message::new("application/secevent+jwt", token);
                    match authorization {
                        Some(authorization) => message.with("authorization", authorization.clone()),
                        None => message,
                    }
                }))
            }
            Form::BackChannelLogout(by) => {
                let token = self.signed(by, LOGOUT, signed::logout, content, now).await?;
                // A token has no character that a form would write otherwise.
                let form = token.map(|token| format!("logout_token={token}"));
                Ok(form.map(|form| Message::new("application/x-www-form-urlencoded", form)))
            }
        }
    }

    /// A token that tells of an entry, signed with the keys of a template.
    async fn signed(
        &self,
        by: &Signing,
        typ: &'static str,
        claims: Claims,
        content: &Content,
        now: Timestamp,
    ) -> Result<Option<String>, String> {
        let snapshot = self.snapshots.current();
        let settings = &snapshot.issuer.settings;
        let Some(Ok(tokenizer)) = snapshot.issuer.templates.get(&by.template) else {
            return Err(format!(
                "its template {} cannot be used: sessera list templates says why",
                by.template
            ));
        };
        self.lease.check_for(tokenizer, now, &settings.timing).map_err(|refusal| refusal.to_string())?;
        let issuer = tokenizer.issuer().unwrap_or(&settings.issuer);
        let parties = Parties { issuer, audience: by.audience.clone() };
        let Some(claims) = claims(content, &parties, now.seconds()) else { return Ok(None) };
        let token = statements::sign(tokenizer, typ, claims.to_string(), now.seconds()).await;
        token.map(Some).map_err(|error| error.to_string())
    }
}
