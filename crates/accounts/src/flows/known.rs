//! Somebody who signs up with what an account has already, and what they are told of it.

use serde_json::json;
use sessera_model::{AssuranceLevel, CredentialKind, Uuid};
use sessera_store::StoreError;

use crate::flows::method::{Method, WaysIn};
use crate::flows::skeleton::Flows;
use crate::flows::visit::Visit;
use crate::identities::PreparedIdentity;
use crate::linked::LinkedAccounts;
use crate::messages::{Message, common};

/// An identifier or an address that an account has already.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The identifier or the address.
    pub(super) identifier: String,
    /// Whose it is.
    identity_id: Uuid,
}

/// What of an identity that is going to be stored somebody else has already. It takes as long whichever it is.
pub(crate) async fn taken(
    visit: &Visit<'_>,
    prepared: &PreparedIdentity,
) -> Result<Option<Taken>, StoreError> {
    let store = &visit.accounts.store;
    let mut found = Vec::new();
    let typed = prepared.credentials().iter().filter(|credential| credential.kind != CredentialKind::Oidc);
    for credential in typed {
        for identifier in &credential.identifiers {
            found.push((store.identity_by_identifier(credential.kind, identifier).await?, identifier));
        }
    }
    for address in &prepared.identity.verifiable_addresses {
        found.push((store.identity_by_address(&address.via, &address.value).await?, &address.value));
    }
    for address in &prepared.identity.recovery_addresses {
        found.push((store.identity_by_address(&address.via, &address.value).await?, &address.value));
    }
    let mut taken = found.into_iter().filter_map(|(identity, identifier)| {
        let owner = identity?.id;
        (owner != prepared.identity.id).then(|| Taken { identity_id: owner, identifier: identifier.clone() })
    });
    Ok(taken.next())
}

/// How the owner signs in, where people are told so.
pub(super) async fn ways_in(flows: &Flows<'_>, taken: &Taken) -> Result<WaysIn, StoreError> {
    if !flows.visit.rules.registration_gives_hints {
        return Ok(WaysIn::default());
    }
    let credentials = flows.visit.accounts.store.credentials(taken.identity_id).await?;
    let first_factors = flows.methods.login().filter(|method| method.level() == AssuranceLevel::Aal1);
    let good = first_factors.filter(|method| method.ways_in(&credentials) > 0);
    let mut methods: Vec<&'static str> = good.map(Method::name).collect();
    methods.sort_unstable();
    let mut providers = Vec::new();
    if methods.contains(&CredentialKind::Oidc.as_str()) {
        providers.extend(LinkedAccounts::among(&credentials).providers().map(str::to_owned));
        providers.sort_unstable();
        providers.dedup();
    }
    Ok(WaysIn { methods, providers })
}

/// What is said to somebody who signs up with what an account has already.
pub(super) async fn refusal(flows: &Flows<'_>, taken: Option<&Taken>) -> Result<Message, StoreError> {
    let Some(taken) = taken else { return Ok(common::DUPLICATE.into()) };
    let WaysIn { methods, providers } = ways_in(flows, taken).await?;
    if methods.is_empty() {
        return Ok(common::DUPLICATE.into());
    }
    // A person knows a provider by its name, and not that it is one.
    let others = methods.iter().copied().filter(|method| *method != CredentialKind::Oidc.as_str());
    let ways: Vec<&str> = others.chain(providers.iter().map(String::as_str)).collect();
    Ok(Message::with_context(
        common::DUPLICATE_WITH_HINTS,
        json!({
            "available_credential_types": methods,
            "available_oidc_providers": providers,
            "credential_identifier_hint": taken.identifier,
            "ways_to_sign_in": ways,
        }),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::flows::flow::{RegistrationDetails, Transport};
    use crate::flows::skeleton::Outcome;
    use crate::testing::{PASSWORD, TestAccounts, again, said, submit, visitor};

    /// What somebody is told who signs up with an address that an account has: the number and the context.
    async fn told(hints: bool, is_hidden: bool) -> Option<(Vec<u32>, Value)> {
        let accounts = TestAccounts::configured(json!({
            "security": {"account_enumeration": {"mitigate": is_hidden}},
            "selfservice": {"flows": {"registration": {"style": "unified", "login_hints": hints}}},
        }))
        .await;
        accounts.person("ada@example.org").await;
        let visitor = visitor(Transport::Api);
        let flows = accounts.flows(&visitor, None);
        let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
        let body =
            json!({"method": "password", "password": PASSWORD, "traits": {"email": "ada@example.org"}});
        let outcome = submit(&flows, &shown, body).await;
        if let Outcome::Done(_) = outcome {
            return None;
        }
        let shown = again(outcome);
        Some((said(&shown), Value::Object(shown.form.messages[0].context.clone())))
    }

    #[tokio::test]
    async fn whoever_has_an_account_is_told_how_to_sign_in_where_that_is_on() {
        let context = json!({
            "available_credential_types": ["password"],
            "available_oidc_providers": [],
            "credential_identifier_hint": "ada@example.org",
            "ways_to_sign_in": ["password"],
        });
        assert_eq!(told(true, false).await, Some((vec![4_000_028], context)));
        assert_eq!(told(false, false).await, Some((vec![4_000_007], json!({}))));
        assert_eq!(told(true, true).await, None, "accounts are hidden");
    }
}
