//! Identities, their credentials and addresses.

use sessera_model::{Credential, CredentialKind, Identity, Uuid};
use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::listings;
use crate::records::{CredentialOf, IdentityFilter, Page};
use crate::row;
use crate::sealer::credential_row;

impl SqliteStore {
    pub(super) async fn find_identity(&self, id: Uuid) -> Result<Option<Identity>, StoreError> {
        let query = sqlx::query("SELECT * FROM identities WHERE id = ?").bind(id);
        let found = self.readers.row(query).await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn find_identity_by_external_id(
        &self,
        external_id: &str,
    ) -> Result<Option<Identity>, StoreError> {
        let query = sqlx::query("SELECT * FROM identities WHERE external_id = ?").bind(external_id);
        let found = self.readers.row(query).await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn find_identity_by_identifier(
        &self,
        kind: CredentialKind,
        identifier: &str,
    ) -> Result<Option<Identity>, StoreError> {
        let query = sqlx::query(
            "SELECT identities.* FROM identifiers \
             JOIN identities ON identities.id = identifiers.identity_id \
             WHERE identifiers.kind = ? AND identifiers.identifier = ?",
        )
        .bind(kind.as_str())
        .bind(identifier);
        let found = self.readers.row(query).await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn find_identity_by_address(
        &self,
        via: &str,
        value: &str,
    ) -> Result<Option<Identity>, StoreError> {
        let query = sqlx::query(
            "SELECT identities.* FROM addresses \
             JOIN identities ON identities.id = addresses.identity_id \
             WHERE addresses.via = ? AND addresses.value = ? AND addresses.purpose IN ('recovery', 'verifiable') \
             LIMIT 1",
        )
        .bind(via)
        .bind(value);
        let found = self.readers.row(query).await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn list_identities(
        &self,
        filter: &IdentityFilter,
        page: &Page,
    ) -> Result<Vec<Identity>, StoreError> {
        let rows = self.readers.rows(listings::identities(filter, page).build()).await?;
        rows.iter().map(row::identity).collect()
    }

    pub(super) async fn count_all_identities(&self) -> Result<u64, StoreError> {
        let row = self.readers.row(sqlx::query("SELECT count(*) AS count FROM identities")).await?;
        row.as_ref().map_or(Ok(0), row::count)
    }

    pub(super) async fn find_credentials(&self, identity_id: Uuid) -> Result<Vec<Credential>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM credentials WHERE identity_id = ? ORDER BY kind").bind(identity_id);
        let rows = self.readers.rows(query).await?;
        rows.iter().map(|found| row::credential(found, identity_id, &self.sealer)).collect()
    }

    pub(super) async fn insert_identity(
        &self,
        connection: &mut SqliteConnection,
        identity: &Identity,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO identities (id, external_id, schema_id, state, state_changed_at, traits, \
             verifiable_addresses, recovery_addresses, metadata_public, metadata_admin, created_at, updated_at, \
             version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        )
        .bind(identity.id)
        .bind(&identity.external_id)
        .bind(&identity.schema_id)
        .bind(identity.state.as_str())
        .bind(identity.state_changed_at.micros())
        .bind(identity.traits.to_string())
        .bind(list(&identity.verifiable_addresses))
        .bind(list(&identity.recovery_addresses))
        .bind(identity.metadata_public.as_ref().map(ToString::to_string))
        .bind(identity.metadata_admin.as_ref().map(ToString::to_string))
        .bind(identity.created_at.micros())
        .bind(identity.updated_at.micros())
        .execute(&mut *connection)
        .await
        .map_err(from_sqlx)?;
        insert_addresses(connection, identity).await
    }

    pub(super) async fn update_identity(
        &self,
        connection: &mut SqliteConnection,
        identity: &Identity,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE identities SET external_id = ?, schema_id = ?, state = ?, state_changed_at = ?, traits = ?, \
             verifiable_addresses = ?, recovery_addresses = ?, metadata_public = ?, metadata_admin = ?, \
             updated_at = ?, version = version + 1 WHERE id = ? AND version = ?",
        )
        .bind(&identity.external_id)
        .bind(&identity.schema_id)
        .bind(identity.state.as_str())
        .bind(identity.state_changed_at.micros())
        .bind(identity.traits.to_string())
        .bind(list(&identity.verifiable_addresses))
        .bind(list(&identity.recovery_addresses))
        .bind(identity.metadata_public.as_ref().map(ToString::to_string))
        .bind(identity.metadata_admin.as_ref().map(ToString::to_string))
        .bind(identity.updated_at.micros())
        .bind(identity.id)
        .bind(identity.version)
        .execute(&mut *connection)
        .await
        .map_err(from_sqlx)?;
        if changed.rows_affected() == 0 {
            return Err(Conflict::Changed.into());
        }
        sqlx::query("DELETE FROM addresses WHERE identity_id = ?")
            .bind(identity.id)
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        insert_addresses(connection, identity).await
    }

    pub(super) async fn put_credential(
        &self,
        connection: &mut SqliteConnection,
        CredentialOf { identity_id, credential }: &CredentialOf,
    ) -> Result<(), StoreError> {
        let config = credential.config.expose().to_string();
        let row = credential_row(*identity_id, credential.kind);
        let sealed = self.sealer.seal("credentials.config", row, config.as_bytes());
        sqlx::query(
            "INSERT INTO credentials (identity_id, kind, sealed_config, identifiers, version, created_at, \
             updated_at) VALUES (?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (identity_id, kind) DO UPDATE SET sealed_config = excluded.sealed_config, \
             identifiers = excluded.identifiers, version = excluded.version, \
             created_at = excluded.created_at, updated_at = excluded.updated_at",
        )
        .bind(identity_id)
        .bind(credential.kind.as_str())
        .bind(sealed)
        .bind(serde_json::Value::from(credential.identifiers.clone()).to_string())
        .bind(credential.version)
        .bind(credential.created_at.micros())
        .bind(credential.updated_at.micros())
        .execute(&mut *connection)
        .await
        .map_err(from_sqlx)?;
        sqlx::query("DELETE FROM identifiers WHERE identity_id = ? AND kind = ?")
            .bind(identity_id)
            .bind(credential.kind.as_str())
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        for identifier in &credential.identifiers {
            sqlx::query("INSERT INTO identifiers (kind, identifier, identity_id) VALUES (?, ?, ?)")
                .bind(credential.kind.as_str())
                .bind(identifier)
                .bind(identity_id)
                .execute(&mut *connection)
                .await
                .map_err(from_sqlx)?;
        }
        Ok(())
    }
}

/// These types hold strings, flags and times only, which always have a JSON form.
fn list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_default()
}

async fn insert_addresses(connection: &mut SqliteConnection, identity: &Identity) -> Result<(), StoreError> {
    let verifiable = identity.verifiable_addresses.iter().map(|a| ("verifiable", &a.via, &a.value));
    let recovery = identity.recovery_addresses.iter().map(|a| ("recovery", &a.via, &a.value));
    for (purpose, via, value) in verifiable.chain(recovery) {
        sqlx::query("INSERT INTO addresses (purpose, via, value, identity_id) VALUES (?, ?, ?, ?)")
            .bind(purpose)
            .bind(via)
            .bind(value)
            .bind(identity.id)
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
    }
    Ok(())
}
