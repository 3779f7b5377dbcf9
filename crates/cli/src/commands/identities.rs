//! What the commands on identities share.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use sessera_client::identities::{Identity, IdentityQuery};
use sessera_model::Uuid;

use super::ids;
use crate::global::Context;
use crate::output::{Report, Table};

/// A report of identities, as a table for people, and as one identity or a list of them for programs.
pub(super) fn report(identities: &[Identity], json: Value) -> Report {
    let mut table = Table::with_cut_last(&["ID", "STATE", "SCHEMA", "ADDRESS"]);
    for identity in identities {
        table.row([&identity.id.to_string(), &identity.state, &identity.schema_id, &address(identity)]);
    }
    let ids = identities.iter().map(|identity| identity.id.to_string()).collect();
    Report { json, table, ids }
}

/// The JSON of identities. A single one stands by itself, and several are a list.
pub(super) fn one_or_many(identities: &[Identity]) -> Result<Value> {
    Ok(match identities {
        [only] => serde_json::to_value(only)?,
        many => json!({ "identities": many }),
    })
}

/// What a person recognises an identity by.
pub(super) fn address(identity: &Identity) -> String {
    let first = |list: &str| identity.other.get(list)?.get(0)?.get("value")?.as_str().map(str::to_owned);
    first("verifiable_addresses").or_else(|| first("recovery_addresses")).unwrap_or_default()
}

/// The address by which a person recognises an identity, or its id where it has none.
pub(super) fn label(identity: &Identity) -> String {
    let address = address(identity);
    if address.is_empty() { identity.id.to_string() } else { address }
}

/// Finds the identity that an id or an identifier, such as an e-mail address, names.
pub(super) async fn find(context: &Context, who: &str) -> Result<Identity> {
    if let Ok(id) = Uuid::parse_str(who) {
        return Ok(context.client.identity(id).await?);
    }
    let query = IdentityQuery { identifier: Some(who.to_owned()), ..IdentityQuery::default() };
    match context.client.identities(&query).await?.items.pop() {
        Some(found) => Ok(found),
        None => bail!(
            "nobody signs in with \"{who}\", and it is no id, which looks like {}; \"sessera list identities\" shows who is there",
            ids::EXAMPLE
        ),
    }
}
