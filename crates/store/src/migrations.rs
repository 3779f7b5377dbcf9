//! The migrations of both engines, which the program carries. Their names and sums stand in every database, so a
//! file that was released once never changes.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// A table that every Ory Kratos has and no Sessera. Its configuration can be given to Sessera as it is, and then names its
/// database.
pub(crate) const TABLE_OF_KRATOS: &str = "identity_credential_types";

/// A migration's number, its description and its statements.
type File = (i64, &'static str, &'static str);

const SQLITE: &[File] = &[
    (1, "initial", include_str!("../migrations/sqlite/0001_initial.sql")),
    (2, "last use", include_str!("../migrations/sqlite/0002_last_use.sql")),
    (3, "status index", include_str!("../migrations/sqlite/0003_status_index.sql")),
    (4, "rows by number", include_str!("../migrations/sqlite/0004_rows_by_number.sql")),
    (5, "attempts", include_str!("../migrations/sqlite/0005_attempts.sql")),
    (6, "sealed differences", include_str!("../migrations/sqlite/0006_sealed_differences.sql")),
    (7, "counters", include_str!("../migrations/sqlite/0007_counters.sql")),
    (8, "sessions elsewhere", include_str!("../migrations/sqlite/0008_sessions_elsewhere.sql")),
    (9, "admin tokens", include_str!("../migrations/sqlite/0009_admin_tokens.sql")),
    (10, "audit", include_str!("../migrations/sqlite/0010_audit.sql")),
    (11, "sent messages", include_str!("../migrations/sqlite/0011_sent_messages.sql")),
    (12, "deliveries", include_str!("../migrations/sqlite/0012_deliveries.sql")),
    (13, "record by parts", include_str!("../migrations/sqlite/0013_record_by_parts.sql")),
    (14, "configured sinks", include_str!("../migrations/sqlite/0014_configured_sinks.sql")),
    (15, "sessions in order", include_str!("../migrations/sqlite/0015_sessions_in_order.sql")),
];

const POSTGRES: &[File] = &[
    (1, "initial", include_str!("../migrations/postgres/0001_initial.sql")),
    (2, "last use", include_str!("../migrations/postgres/0002_last_use.sql")),
    (3, "status index", include_str!("../migrations/postgres/0003_status_index.sql")),
    (4, "attempts", include_str!("../migrations/postgres/0004_attempts.sql")),
    (5, "room for uses", include_str!("../migrations/postgres/0005_room_for_uses.sql")),
    (6, "sealed differences", include_str!("../migrations/postgres/0006_sealed_differences.sql")),
    (7, "counters", include_str!("../migrations/postgres/0007_counters.sql")),
    (8, "sessions elsewhere", include_str!("../migrations/postgres/0008_sessions_elsewhere.sql")),
    (9, "admin tokens", include_str!("../migrations/postgres/0009_admin_tokens.sql")),
    (10, "audit", include_str!("../migrations/postgres/0010_audit.sql")),
    (11, "sent messages", include_str!("../migrations/postgres/0011_sent_messages.sql")),
    (12, "deliveries", include_str!("../migrations/postgres/0012_deliveries.sql")),
    (13, "record by parts", include_str!("../migrations/postgres/0013_record_by_parts.sql")),
    (14, "configured sinks", include_str!("../migrations/postgres/0014_configured_sinks.sql")),
];

/// What brings a database of SQLite up to date.
pub(crate) fn sqlite() -> Migrator {
    migrator(SQLITE)
}

/// What brings a database of PostgreSQL up to date.
pub(crate) fn postgres() -> Migrator {
    migrator(POSTGRES)
}

/// The macro of sqlx makes the same list. With it, both engines and TLS are built a second time, for the compiler's
/// use.
fn migrator(files: &[File]) -> Migrator {
    let migration = |&(version, description, sql): &File| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(files.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What a database remembers of a migration, by which it knows it again.
    fn remembered(migrator: &Migrator) -> Vec<(i64, &str, &[u8], bool)> {
        let migrations = migrator.iter();
        migrations.map(|one| (one.version, &*one.description, &*one.checksum, one.no_tx)).collect()
    }

    #[tokio::test]
    async fn every_file_is_carried_as_sqlx_reads_it() {
        for (folder, carried) in [("migrations/sqlite", sqlite()), ("migrations/postgres", postgres())] {
            let files = Migrator::new(Path::new(folder)).await.unwrap();
            assert_eq!(remembered(&carried), remembered(&files), "{folder}");
        }
    }

    /// Nodes of the version before go on while the first new one brings the tables up to date. What a migration takes away must
    /// be of no use to them, and is named here with that migration. docs/operations.md tells operators of the fourth one.
    #[test]
    fn migrations_of_postgresql_take_nothing_away_that_running_nodes_use() {
        const KNOWN: [(i64, &str); 3] = [
            (4, "ALTER TABLE codes DROP COLUMN attempts"),
            (13, "DROP INDEX audit_by_identity"),
            (13, "DROP INDEX identifiers_by_beginning"),
        ];
        let takes =
            ["DROP ", "RENAME ", "ALTER COLUMN ", " TYPE ", "ADD CONSTRAINT ", "TRUNCATE ", "DELETE "];
        let mut found = Vec::new();
        for (version, _, sql) in POSTGRES.iter().skip(1) {
            let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
            let text = lines.collect::<Vec<_>>().join(" ");
            for statement in text.split(';').map(str::trim) {
                let upper = format!("{} ", statement.to_uppercase());
                if takes.iter().any(|word| upper.contains(word)) {
                    found.push((*version, statement.to_owned()));
                }
            }
        }
        let known: Vec<_> =
            KNOWN.iter().map(|(version, statement)| (*version, (*statement).to_owned())).collect();
        assert_eq!(found, known);
    }
}
