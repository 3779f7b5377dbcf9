//! Identities with their addresses and credentials, as an Ory Kratos has them.

use std::collections::HashMap;

use serde_json::{Value, json};
use sessera_model::identity::VerificationStatus;
use sessera_model::{
    Credential, CredentialKind, Identity, IdentityState, RecoveryAddress, Timestamp, Uuid, VerifiableAddress,
};

use super::keys::put_to_passkeys;
use super::report::Imported;
use super::source::{As, Source, Texts, is_true, time};
use crate::error::StoreError;

/// How many identities are read at once.
const PAGE: usize = 200;

/// A person with what belongs to them.
pub(super) struct Person {
    pub(super) identity: Identity,
    pub(super) credentials: Vec<Credential>,
}

/// A part of the people, in the order of their ids.
pub(super) struct Part {
    /// The people. Without one, the part is behind the last one.
    pub(super) people: Vec<Person>,
    /// The id of the last row.
    pub(super) last: Option<String>,
}

/// The part behind an id. What cannot be carried is counted.
pub(super) async fn part(
    source: &Source,
    has_external_ids: bool,
    after: &str,
    done: &mut Imported,
) -> Result<Part, StoreError> {
    let rows = identities(source, has_external_ids, after).await?;
    let key = |row: &Texts| row[0].clone().unwrap_or_default();
    let (Some(first), Some(last)) = (rows.first().map(key), rows.last().map(key)) else {
        return Ok(Part { people: Vec::new(), last: None });
    };
    let between = format!("WHERE identity_id >= '{first}' AND identity_id <= '{last}'");
    let mut verifiable = verifiable_addresses(source, &between).await?;
    let mut recovery = recovery_addresses(source, &between).await?;
    let mut credentials = credentials(source, &first, &last, done).await?;
    let mut people = Vec::with_capacity(rows.len());
    for row in &rows {
        let key = key(row);
        let Some(mut identity) = identity(row) else {
            done.refused.push((key, "one of its columns cannot be read".into()));
            continue;
        };
        identity.verifiable_addresses = verifiable.remove(&key).unwrap_or_default();
        identity.recovery_addresses = recovery.remove(&key).unwrap_or_default();
        let mut credentials = credentials.remove(&key).unwrap_or_default();
        put_to_passkeys(&mut credentials, identity.id);
        people.push(Person { identity, credentials });
    }
    Ok(Part { people, last: Some(last) })
}

async fn identities(source: &Source, external: bool, after: &str) -> Result<Vec<Texts>, StoreError> {
    let columns = [
        ("id", As::Text),
        ("schema_id", As::Text),
        ("traits", As::Text),
        ("state", As::Text),
        ("state_changed_at", As::Time),
        ("metadata_public", As::Text),
        ("metadata_admin", As::Text),
        ("created_at", As::Time),
        ("updated_at", As::Time),
        (if external { "external_id" } else { "NULL" }, As::Text),
    ];
    source.read(&columns, "identities", &format!("WHERE id > '{after}' ORDER BY id LIMIT {PAGE}")).await
}

fn identity(row: &Texts) -> Option<Identity> {
    let [id, schema_id, traits, state, state_changed_at, public, admin, created_at, updated_at, external] =
        row.as_slice()
    else {
        return None;
    };
    let created_at = time(created_at.as_deref()?)?;
    Some(Identity {
        id: Uuid::parse_str(id.as_deref()?).ok()?,
        external_id: external.clone().filter(|external| !external.is_empty()),
        schema_id: schema_id.clone()?,
        state: IdentityState::parse(state.as_deref().unwrap_or("active"))?,
        state_changed_at: state_changed_at.as_deref().and_then(time).unwrap_or(created_at),
        traits: serde_json::from_str(traits.as_deref()?).ok()?,
        verifiable_addresses: Vec::new(),
        recovery_addresses: Vec::new(),
        metadata_public: json(public.as_ref())?,
        metadata_admin: json(admin.as_ref())?,
        created_at,
        updated_at: updated_at.as_deref().and_then(time).unwrap_or(created_at),
        version: 1,
    })
}

/// Reads a JSON value that may be absent. Returns `None` when it cannot be read.
#[expect(clippy::option_option, reason = "unreadable is something else than absent")]
fn json(text: Option<&String>) -> Option<Option<Value>> {
    match text.map(String::as_str) {
        None | Some("" | "null") => Some(None),
        Some(text) => serde_json::from_str(text).ok().map(Some),
    }
}

async fn verifiable_addresses(
    source: &Source,
    between: &str,
) -> Result<HashMap<String, Vec<VerifiableAddress>>, StoreError> {
    let columns = [
        ("identity_id", As::Text),
        ("id", As::Text),
        ("value", As::Text),
        ("via", As::Text),
        ("verified", As::Text),
        ("status", As::Text),
        ("verified_at", As::Time),
        ("created_at", As::Time),
        ("updated_at", As::Time),
    ];
    let rows = source.read(&columns, "identity_verifiable_addresses", between).await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let text = |n: usize| row[n].clone().unwrap_or_default();
        let verified = is_true(&text(4));
        let created_at = time(&text(7)).unwrap_or_default();
        found.entry(text(0)).or_default().push(VerifiableAddress {
            id: Uuid::parse_str(&text(1)).unwrap_or_default(),
            value: text(2),
            via: text(3),
            verified,
            status: status(&text(5), verified),
            verified_at: time(&text(6)),
            created_at,
            updated_at: time(&text(8)).unwrap_or(created_at),
        });
    }
    Ok(found)
}

fn status(word: &str, verified: bool) -> VerificationStatus {
    match word {
        _ if verified => VerificationStatus::Completed,
        "sent" => VerificationStatus::Sent,
        _ => VerificationStatus::Pending,
    }
}

async fn recovery_addresses(
    source: &Source,
    between: &str,
) -> Result<HashMap<String, Vec<RecoveryAddress>>, StoreError> {
    let columns = [
        ("identity_id", As::Text),
        ("id", As::Text),
        ("value", As::Text),
        ("via", As::Text),
        ("created_at", As::Time),
        ("updated_at", As::Time),
    ];
    let rows = source.read(&columns, "identity_recovery_addresses", between).await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let text = |n: usize| row[n].clone().unwrap_or_default();
        let created_at = time(&text(4)).unwrap_or_default();
        found.entry(text(0)).or_default().push(RecoveryAddress {
            id: Uuid::parse_str(&text(1)).unwrap_or_default(),
            value: text(2),
            via: text(3),
            created_at,
            updated_at: time(&text(5)).unwrap_or(created_at),
        });
    }
    Ok(found)
}

/// Reads the credentials of the identities from `first` to `last`, and counts those of other methods.
async fn credentials(
    source: &Source,
    first: &str,
    last: &str,
    done: &mut Imported,
) -> Result<HashMap<String, Vec<Credential>>, StoreError> {
    let columns = [
        ("c.identity_id", As::Text),
        ("c.id", As::Text),
        ("t.name", As::Text),
        ("c.config", As::Text),
        ("c.created_at", As::Time),
        ("c.updated_at", As::Time),
    ];
    let table = "identity_credentials c JOIN identity_credential_types t \
                 ON t.id = c.identity_credential_type_id";
    let between = format!("WHERE c.identity_id >= '{first}' AND c.identity_id <= '{last}'");
    let rows = source.read(&columns, table, &between).await?;
    let mut identifiers: HashMap<String, Vec<String>> = HashMap::new();
    let named = source
        .read(
            &[("i.identity_credential_id", As::Text), ("i.identifier", As::Text)],
            "identity_credential_identifiers i JOIN identity_credentials c ON c.id = i.identity_credential_id",
            &format!("{between} ORDER BY i.identifier"),
        )
        .await?;
    for row in named {
        let (Some(id), Some(identifier)) = (row[0].clone(), row[1].clone()) else { continue };
        identifiers.entry(id).or_default().push(identifier);
    }
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let text = |n: usize| row[n].clone().unwrap_or_default();
        let (owner, name) = (text(0), text(2));
        let config: Option<Value> = serde_json::from_str(&text(3)).ok();
        let Some((kind, config)) = CredentialKind::parse(&name).zip(config) else {
            done.leave(format!("credentials of kind {name}"));
            continue;
        };
        let mut identifiers = identifiers.remove(&text(1)).unwrap_or_default();
        if identifiers.is_empty() && matches!(kind, CredentialKind::Totp | CredentialKind::LookupSecret) {
            identifiers.push(owner.clone());
        }
        let created_at: Timestamp = time(&text(4)).unwrap_or_default();
        found.entry(owner).or_default().push(Credential {
            kind,
            config: carried(&name, config, &identifiers, done).into(),
            identifiers,
            version: kind.content_version(),
            created_at,
            updated_at: time(&text(5)).unwrap_or(created_at),
        });
    }
    Ok(found)
}

/// The content of a credential in the form that it has here.
fn carried(name: &str, mut config: Value, identifiers: &[String], done: &mut Imported) -> Value {
    match name {
        // Older versions say in other words where codes are sent.
        "code" if config.get("addresses").is_none() => {
            let channel = |address: &str| if address.contains('@') { "email" } else { "sms" };
            let address = |address: &String| json!({ "channel": channel(address), "address": address });
            json!({ "addresses": identifiers.iter().map(address).collect::<Vec<_>>() })
        }
        "oidc" => {
            let links = config.get_mut("providers").and_then(Value::as_array_mut);
            for link in links.into_iter().flatten().filter_map(Value::as_object_mut) {
                // They are encrypted under a secret of the other server.
                let tokens = ["initial_id_token", "initial_access_token", "initial_refresh_token"];
                let removed = tokens.map(|name| link.shift_remove(name));
                if removed
                    .into_iter()
                    .flatten()
                    .any(|token| token.as_str().is_some_and(|text| !text.is_empty()))
                {
                    done.leave("tokens of a provider in links");
                }
            }
            config
        }
        _ => config,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_password_is_and_where_codes_go_comes_along() {
        let elsewhere = json!({"use_password_migration_hook": true});
        assert_eq!(carried("password", elsewhere.clone(), &[], &mut Imported::default()), elsewhere);
        let addresses = ["ada@example.org".to_owned(), "+4930901820".to_owned()];
        let sent = json!({"addresses": [
            {"channel": "email", "address": "ada@example.org"},
            {"channel": "sms", "address": "+4930901820"},
        ]});
        assert_eq!(carried("code", json!({}), &addresses, &mut Imported::default()), sent);
    }
}
