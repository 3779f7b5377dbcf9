//! Opening a database, which one node at a time migrates and every node checks against its secret.

use std::sync::Arc;

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolConfig, Timeouts};
use sessera_model::{Random, Uuid};
use sqlx::Row as _;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnection;

use super::PostgresStore;
use super::connection::{Hosts, Role};
use super::dsn::PostgresDsn;
use super::fault::from_sqlx;
use super::listen::listen;
use super::revisions::seal_differences;
use super::standby::Standbys;
use crate::cipher::Cipher;
use crate::error::StoreError;
use crate::line::Line;
use crate::migrations::{self, TABLE_OF_KRATOS};
use crate::sealer::Sealer;

/// What a store on PostgreSQL needs.
pub struct PostgresOptions {
    /// The database.
    pub dsn: PostgresDsn,
    /// Its standbys, from which sessions may be read.
    pub read_only: Option<PostgresDsn>,
    /// The cipher for everything that must not stand in the database in the clear.
    pub cipher: Arc<Cipher>,
    /// The source of the deployment's id and of nonces.
    pub random: Arc<dyn Random>,
}

impl PostgresStore {
    /// Opens the database and brings its tables up to date. The database itself has to be there.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let node = options.random.uuid();
        let sealer = Sealer::new(options.cipher, options.random);
        let hosts = Hosts::new(options.dsn, Role::Primary);
        // This connection has no time-outs, because a node waits while another one migrates.
        let mut link = hosts.connect().await?;
        refuse_that_of_a_kratos(link.raw()).await?;
        migrate(link.raw(), &hosts).await?;
        let deployment_id = claim(link.raw(), &sealer).await?;
        seal_differences(link.raw(), &sealer).await?;
        // What comes now goes over other connections.
        link.close().await;
        let pool = pool(hosts)?;
        let standbys = options.read_only.map(pool_of_standbys).transpose()?;
        let line = Arc::new(Line::of_many());
        // CockroachDB has no notifications, so its nodes always ask the database.
        if pool.manager().dsn().is_postgres {
            tokio::spawn(listen(pool.clone(), line.clone(), node, standbys.is_some()));
        }
        Ok(Self { pool, standbys, sealer, line, node, deployment_id })
    }
}

fn pool(hosts: Hosts) -> Result<Pool<Hosts>, StoreError> {
    let dsn = hosts.dsn();
    let timeouts = Timeouts {
        wait: Some(dsn.connect_timeout),
        // The standbys are asked one after the other.
        create: Some(dsn.limit()),
        recycle: Some(dsn.connect_timeout),
    };
    let config = PoolConfig { timeouts, ..PoolConfig::new(dsn.max_connections) };
    let pool = Pool::builder(hosts).config(config).runtime(Runtime::Tokio1).build();
    pool.map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Makes the pool of standbys, which need not be there when the node starts, or ever.
fn pool_of_standbys(dsn: PostgresDsn) -> Result<Standbys, StoreError> {
    pool(Hosts::new(dsn, Role::Standby)).map(Standbys::new)
}

/// Refuses the database of an Ory Kratos, in which nothing is changed.
async fn refuse_that_of_a_kratos(connection: &mut PgConnection) -> Result<(), StoreError> {
    let table = sqlx::query(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1",
    )
    .bind(TABLE_OF_KRATOS)
    .fetch_optional(connection)
    .await
    .map_err(from_sqlx)?;
    table.map_or(Ok(()), |_| Err(StoreError::OfKratos("of the dsn".into())))
}

/// Migrates the tables. The migrator takes an advisory lock, so one of several nodes that start together does
/// the work.
async fn migrate(connection: &mut PgConnection, hosts: &Hosts) -> Result<(), StoreError> {
    let mut migrator = migrations::postgres();
    migrator.set_locking(hosts.dsn().is_postgres);
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => {
            StoreError::NewerSchema("of the dsn".into())
        }
        MigrateError::Execute(error) => from_sqlx(error),
        other => StoreError::Corrupt(other.to_string()),
    })
}

/// Writes the deployment's id and a check value unless they are there, reads both and proves the secret.
async fn claim(connection: &mut PgConnection, sealer: &Sealer) -> Result<Uuid, StoreError> {
    let (check, id) = sealer.claim();
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ('check', $1), ('deployment_id', $2) ON CONFLICT DO NOTHING",
    )
    .bind(check)
    .bind(id.as_bytes().as_slice())
    .execute(&mut *connection)
    .await
    .map_err(from_sqlx)?;
    let found = sqlx::query("SELECT value FROM meta WHERE name IN ('check', 'deployment_id') ORDER BY name")
        .fetch_all(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    let values: Vec<Vec<u8>> =
        found.iter().map(|row| row.try_get("value")).collect::<Result<_, _>>().map_err(from_sqlx)?;
    let [check, id] = values.as_slice() else {
        return Err(StoreError::Corrupt("the check value or the deployment's id is gone from meta".into()));
    };
    sealer.prove(check)?;
    Uuid::from_slice(id).map_err(|_| StoreError::Corrupt("the deployment's id cannot be read".into()))
}
