//! Taking over the identities of an Ory Kratos.
//!
//! Identities are carried over with their ids, schema ids, states, traits, metadata, addresses, times and
//! credentials of the methods that exist here. Everything else is counted and named.

mod source;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::{Value, json};
use sessera_model::identity::VerificationStatus;
use sessera_model::{
    Credential, CredentialKind, Identity, IdentityState, RecoveryAddress, Timestamp, Uuid, VerifiableAddress,
};

use crate::change::Change;
use crate::error::StoreError;
use crate::records::CredentialOf;
use crate::{IdentityFilter, Page, Store};
use source::{As, Source, Texts, time};

/// How many identities go at once.
const PAGE: usize = 200;

/// The methods that exist here and whose content has the same form.
const CARRIED: [CredentialKind; 3] =
    [CredentialKind::Password, CredentialKind::Totp, CredentialKind::LookupSecret];

/// What was carried and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many identities.
    pub identities: u64,
    /// How many credentials, by kind.
    pub credentials: BTreeMap<&'static str, u64>,
    /// How many addresses to verify or to recover by.
    pub addresses: u64,
    /// The ids of the schemas that the identities need in `identity.schemas`, and how many identities need
    /// each.
    pub schemas: BTreeMap<String, u64>,
    /// What was left behind, by name, and how much of it.
    pub left: BTreeMap<String, u64>,
    /// Identities that were refused, with the reason.
    pub refused: Vec<(String, String)>,
}

impl Imported {
    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let refused: Vec<Value> =
            self.refused.iter().map(|(id, reason)| json!({ "id": id, "reason": reason })).collect();
        json!({
            "identities": self.identities,
            "credentials": self.credentials,
            "addresses": self.addresses,
            "schemas": self.schemas,
            "left": self.left,
            "refused": refused,
        })
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "identities: {}", self.identities)?;
        for (kind, count) in &self.credentials {
            writeln!(f, "credentials of kind {kind}: {count}")?;
        }
        writeln!(f, "addresses: {}", self.addresses)?;
        for (schema, count) in &self.schemas {
            writeln!(f, "identities of schema \"{schema}\": {count}")?;
        }
        for (what, count) in &self.left {
            writeln!(f, "not carried: {what}: {count}")?;
        }
        for (id, reason) in &self.refused {
            writeln!(f, "not carried: identity {id}: {reason}")?;
        }
        Ok(())
    }
}

/// Why nothing, or not everything, was taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target holds identities already.
    #[error("the target database has identities already. Give an empty one")]
    NotEmpty,
    /// Several networks share the source.
    #[error(
        "the source holds {0} networks (tenants); one can be taken over. Copy the rows of one network into a database of its own first"
    )]
    ManyNetworks(usize),
}

/// The database of a Kratos, whose identities can be taken over.
pub struct Kratos {
    source: Source,
    /// Whether this version of Kratos has external ids.
    has_external_ids: bool,
}

impl Kratos {
    /// Opens the database that `dsn` names, and makes sure that it is one of a Kratos. Nothing is changed in it.
    pub async fn open(dsn: &str) -> Result<Self, ImportError> {
        let source = Source::open(dsn).await?;
        let networks = source
            .read(&[("nid", As::Text)], "(SELECT DISTINCT nid FROM identities) networks", "")
            .await?
            .len();
        if networks > 1 {
            return Err(ImportError::ManyNetworks(networks));
        }
        let has_external_ids = source.has_column("identities", "external_id").await?;
        Ok(Self { source, has_external_ids })
    }

    /// Takes over its identities.
    pub async fn import(&self, target: &dyn Store) -> Result<Imported, ImportError> {
        let page = Page { after: None, limit: 1 };
        if !target.identities(&IdentityFilter::default(), &page).await?.is_empty() {
            return Err(ImportError::NotEmpty);
        }
        let source = &self.source;
        let mut done = Imported::default();
        let mut after = Uuid::nil().to_string();
        loop {
            let rows = identities(source, self.has_external_ids, &after).await?;
            let Some(last) = rows.last() else { break };
            let first = rows.first().and_then(|row| row[0].clone()).unwrap_or_default();
            let last = last[0].clone().unwrap_or_default();
            take(source, target, &rows, &first, &last, &mut done).await?;
            after = last;
        }
        count_the_rest(source, &mut done).await?;
        Ok(done)
    }
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

/// Takes over a page of identities with what belongs to them.
async fn take(
    source: &Source,
    target: &dyn Store,
    rows: &[Texts],
    first: &str,
    last: &str,
    done: &mut Imported,
) -> Result<(), StoreError> {
    let between = format!("WHERE identity_id >= '{first}' AND identity_id <= '{last}'");
    let mut verifiable = verifiable_addresses(source, &between).await?;
    let mut recovery = recovery_addresses(source, &between).await?;
    let mut credentials = credentials(source, first, last, done).await?;
    for row in rows {
        let key = row[0].clone().unwrap_or_default();
        let Some(mut identity) = identity(row) else {
            done.refused.push((key, "one of its columns cannot be read".into()));
            continue;
        };
        identity.verifiable_addresses = verifiable.remove(&key).unwrap_or_default();
        identity.recovery_addresses = recovery.remove(&key).unwrap_or_default();
        let addresses = identity.verifiable_addresses.len() + identity.recovery_addresses.len();
        let (id, schema) = (identity.id, identity.schema_id.clone());
        let mut changes = vec![Change::InsertIdentity(identity)];
        let own = credentials.remove(&key).unwrap_or_default();
        let kinds: Vec<&str> = own.iter().map(|credential| credential.kind.as_str()).collect();
        changes.extend(
            own.into_iter()
                .map(|credential| Change::PutCredential(CredentialOf { identity_id: id, credential })),
        );
        match target.commit(&changes).await {
            Ok(()) => {
                done.identities += 1;
                done.addresses += addresses as u64;
                *done.schemas.entry(schema).or_default() += 1;
                for kind in kinds {
                    *done.credentials.entry(kind).or_default() += 1;
                }
            }
            Err(StoreError::Conflict(conflict)) => done.refused.push((key, conflict.to_string())),
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
        let verified = matches!(text(4).as_str(), "1" | "true" | "t");
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
        let name = text(2);
        let config: Option<Value> = serde_json::from_str(&text(3)).ok();
        let kind = CARRIED.into_iter().find(|kind| kind.as_str() == name);
        let Some((kind, config)) = kind.zip(config) else {
            *done.left.entry(format!("credentials of kind {name}")).or_default() += 1;
            continue;
        };
        let created_at: Timestamp = time(&text(4)).unwrap_or_default();
        found.entry(text(0)).or_default().push(Credential {
            kind,
            identifiers: identifiers.remove(&text(1)).unwrap_or_default(),
            config: config.into(),
            version: 0,
            created_at,
            updated_at: time(&text(5)).unwrap_or(created_at),
        });
    }
    Ok(found)
}

/// Counts what has no place here. People sign in again, and messages were meant for the old server.
async fn count_the_rest(source: &Source, done: &mut Imported) -> Result<(), StoreError> {
    for (table, what) in [("sessions", "sessions"), ("courier_messages", "messages in the courier's list")] {
        let count = source.read(&[("count(*)", As::Text)], table, "").await?;
        let count = count.first().and_then(|row| row[0].as_ref()?.parse().ok()).unwrap_or(0);
        if count > 0 {
            done.left.insert(what.to_owned(), count);
        }
    }
    Ok(())
}
