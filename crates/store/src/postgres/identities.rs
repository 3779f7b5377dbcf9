//! Identities, their credentials and addresses.

use sessera_model::{Credential, CredentialKind, Identity, Uuid};

use super::PostgresStore;
use super::connection::Connection;
use crate::error::{Conflict, StoreError};
use crate::listings;
use crate::records::{CredentialOf, IdentityFilter, Page};
use crate::row;
use crate::sealer::credential_row;

impl PostgresStore {
    pub(super) async fn find_identity(&self, id: Uuid) -> Result<Option<Identity>, StoreError> {
        let found = self
            .connection()
            .await?
            .optional(sqlx::query("SELECT * FROM identities WHERE id = $1").bind(id))
            .await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn find_identity_by_external_id(
        &self,
        external_id: &str,
    ) -> Result<Option<Identity>, StoreError> {
        let found = self
            .connection()
            .await?
            .optional(sqlx::query("SELECT * FROM identities WHERE external_id = $1").bind(external_id))
            .await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn find_identity_by_identifier(
        &self,
        kind: CredentialKind,
        identifier: &str,
    ) -> Result<Option<Identity>, StoreError> {
        let found = self
            .connection()
            .await?
            .optional(
                sqlx::query(
                    "SELECT identities.* FROM identifiers \
             JOIN identities ON identities.id = identifiers.identity_id \
             WHERE identifiers.kind = $1 AND identifiers.identifier = $2",
                )
                .bind(kind.as_str())
                .bind(identifier),
            )
            .await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn find_identity_by_address(
        &self,
        via: &str,
        value: &str,
    ) -> Result<Option<Identity>, StoreError> {
        let found = self.connection().await?.optional(sqlx::query(
            "SELECT identities.* FROM addresses \
             JOIN identities ON identities.id = addresses.identity_id \
             WHERE addresses.via = $1 AND addresses.value = $2 AND addresses.purpose IN ('recovery', 'verifiable') \
             LIMIT 1",
        )
        .bind(via)
        .bind(value)).await?;
        found.as_ref().map(row::identity).transpose()
    }

    pub(super) async fn list_identities(
        &self,
        filter: &IdentityFilter,
        page: &Page,
    ) -> Result<Vec<Identity>, StoreError> {
        let rows = self.connection().await?.all(listings::identities(filter, page).build()).await?;
        rows.iter().map(row::identity).collect()
    }

    pub(super) async fn count_all_identities(&self) -> Result<u64, StoreError> {
        let count = sqlx::query("SELECT count(*) AS count FROM identities");
        self.connection().await?.optional(count).await?.as_ref().map_or(Ok(0), row::count)
    }

    pub(super) async fn find_credentials(&self, identity_id: Uuid) -> Result<Vec<Credential>, StoreError> {
        let rows = self
            .connection()
            .await?
            .all(
                sqlx::query("SELECT * FROM credentials WHERE identity_id = $1 ORDER BY kind")
                    .bind(identity_id),
            )
            .await?;
        rows.iter().map(|found| row::credential(found, identity_id, &self.sealer)).collect()
    }

    pub(super) async fn insert_identity(
        &self,
        connection: &mut Connection,
        identity: &Identity,
    ) -> Result<(), StoreError> {
        connection.execute(sqlx::query(
            "INSERT INTO identities (id, external_id, schema_id, state, state_changed_at, traits, \
             verifiable_addresses, recovery_addresses, metadata_public, metadata_admin, created_at, updated_at, \
             version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)",
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
        .bind(identity.updated_at.micros())).await?;
        insert_addresses(connection, identity).await
    }

    pub(super) async fn update_identity(
        &self,
        connection: &mut Connection,
        identity: &Identity,
    ) -> Result<(), StoreError> {
        let changed = connection.execute(sqlx::query(
            "UPDATE identities SET external_id = $1, schema_id = $2, state = $3, state_changed_at = $4, traits = $5, \
             verifiable_addresses = $6, recovery_addresses = $7, metadata_public = $8, metadata_admin = $9, \
             updated_at = $10, version = version + 1 WHERE id = $11 AND version = $12",
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
        .bind(identity.version)).await?;
        if changed == 0 {
            return Err(Conflict::Changed.into());
        }
        connection
            .execute(sqlx::query("DELETE FROM addresses WHERE identity_id = $1").bind(identity.id))
            .await?;
        insert_addresses(connection, identity).await
    }

    pub(super) async fn put_credential(
        &self,
        connection: &mut Connection,
        CredentialOf { identity_id, credential }: &CredentialOf,
    ) -> Result<(), StoreError> {
        let config = credential.config.expose().to_string();
        let row = credential_row(*identity_id, credential.kind);
        let sealed = self.sealer.seal("credentials.config", row, config.as_bytes());
        connection.execute(sqlx::query(
            "INSERT INTO credentials (identity_id, kind, sealed_config, identifiers, version, created_at, \
             updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
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
        .bind(credential.updated_at.micros())).await?;
        connection
            .execute(
                sqlx::query("DELETE FROM identifiers WHERE identity_id = $1 AND kind = $2")
                    .bind(identity_id)
                    .bind(credential.kind.as_str()),
            )
            .await?;
        for identifier in &credential.identifiers {
            connection
                .execute(
                    sqlx::query(
                        "INSERT INTO identifiers (kind, identifier, identity_id) VALUES ($1, $2, $3)",
                    )
                    .bind(credential.kind.as_str())
                    .bind(identifier)
                    .bind(identity_id),
                )
                .await?;
        }
        Ok(())
    }
}

/// These types hold strings, flags and times only, which always have a JSON form.
fn list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_default()
}

async fn insert_addresses(connection: &mut Connection, identity: &Identity) -> Result<(), StoreError> {
    let verifiable = identity.verifiable_addresses.iter().map(|a| ("verifiable", &a.via, &a.value));
    let recovery = identity.recovery_addresses.iter().map(|a| ("recovery", &a.via, &a.value));
    for (purpose, via, value) in verifiable.chain(recovery) {
        connection
            .execute(
                sqlx::query(
                    "INSERT INTO addresses (purpose, via, value, identity_id) VALUES ($1, $2, $3, $4)",
                )
                .bind(purpose)
                .bind(via)
                .bind(value)
                .bind(identity.id),
            )
            .await?;
    }
    Ok(())
}
