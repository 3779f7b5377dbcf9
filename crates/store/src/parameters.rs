//! What becomes of the parameters of a data source name: those that are used, those of other programs that have no effect
//! here, and all others, which are refused. Values are never told, because they may be passwords.

use percent_encoding::percent_decode_str;
use sessera_model::nearest::nearest;

use crate::error::StoreError;
use crate::scheme::is_postgres;

/// Some parameters that mean the same, and what becomes of them.
pub(crate) struct Row {
    names: &'static [&'static str],
    /// The values that the row is about, in small letters. It is about all when there are none.
    values: &'static [&'static str],
    fate: Fate,
}

/// What becomes of a parameter.
#[derive(Clone, Copy)]
enum Fate {
    /// It counts, or asks for what is done anyway.
    Used,
    /// It has no effect, for this reason.
    WithoutEffect(&'static str),
    /// Something would be less restricted than whoever wrote it believes. What to do instead.
    Refused(&'static str),
}

const fn used(names: &'static [&'static str]) -> Row {
    Row { names, values: &[], fate: Fate::Used }
}

const fn done_anyway(names: &'static [&'static str], values: &'static [&'static str]) -> Row {
    Row { names, values, fate: Fate::Used }
}

const fn without_effect(names: &'static [&'static str], why: &'static str) -> Row {
    Row { names, values: &[], fate: Fate::WithoutEffect(why) }
}

const fn refused(names: &'static [&'static str], why: &'static str) -> Row {
    Row { names, values: &[], fate: Fate::Refused(why) }
}

const YES: &[&str] = &["1", "true", "yes", "on"];
const NO: &[&str] = &["0", "false", "no", "off"];

/// Parameters of PostgreSQL and `CockroachDB`: those of this program, of libpq, and of the libraries of Kratos. The first
/// row about a value counts.
pub(crate) const POSTGRES: &[Row] = &[
    used(&["max_conns", "max_conn_lifetime", "connect_timeout", "statement_timeout"]),
    used(&["host", "hostaddr", "port", "dbname", "user", "password", "application_name", "options"]),
    used(&["sslmode", "sslrootcert", "sslcert", "sslkey"]),
    without_effect(&["max_idle_conns", "max_conn_idle_time"], "idle connections are always kept"),
    done_anyway(&["target_session_attrs"], &["read-write", "primary"]),
    without_effect(
        &["target_session_attrs"],
        "dsn always uses the host that can be written, and dsn_read_only standbys",
    ),
    without_effect(
        &[
            "pool_max_conns",
            "pool_min_conns",
            "pool_min_idle_conns",
            "pool_max_conn_lifetime",
            "pool_max_conn_lifetime_jitter",
            "pool_max_conn_idle_time",
            "pool_health_check_period",
        ],
        "write max_conns and max_conn_lifetime",
    ),
    without_effect(
        &[
            "statement_cache_capacity",
            "statement_cache_mode",
            "description_cache_capacity",
            "default_query_exec_mode",
            "connect_recover_timeout",
        ],
        "statements are prepared once for each connection",
    ),
    without_effect(&["sslpassword"], "give sslkey a file with a key that is not encrypted"),
    without_effect(&["passfile"], "name the file in the environment variable PGPASSFILE"),
    without_effect(&["fallback_application_name"], "write application_name"),
    without_effect(&["client_encoding"], "all text is UTF-8"),
    without_effect(&["load_balance_hosts"], "hosts are tried in their order"),
    without_effect(
        &["sslsni", "sslnegotiation", "sslcompression", "sslcertmode", "sslkeylogfile"],
        "TLS is begun as PostgreSQL has always done it, with the name of the host and without compression",
    ),
    without_effect(
        &["keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"],
        "connect_timeout and statement_timeout bound how long an answer is waited for",
    ),
    done_anyway(&["gssencmode", "channel_binding"], &["disable", "prefer"]),
    done_anyway(&["requiressl", "replication"], NO),
    without_effect(
        &["gssencmode", "krbsrvname", "krbspn", "gsslib", "gssdelegation"],
        "nobody signs in by Kerberos: write sslmode to encrypt the connection",
    ),
    refused(&["requiressl"], "write sslmode=require or, better, sslmode=verify-full"),
    refused(
        &["channel_binding"],
        "write sslmode=verify-full with sslrootcert, so that only your server is believed",
    ),
    refused(
        &["require_auth"],
        "the server chooses how a password is proven: take it out, and write sslmode=verify-full so that only your server is believed",
    ),
    refused(
        &["sslcrl", "sslcrldir"],
        "certificates that were withdrawn would be believed: take it out, and give the server a certificate of a root of your own in sslrootcert",
    ),
    refused(
        &[
            "ssl_min_protocol_version",
            "ssl_max_protocol_version",
            "min_protocol_version",
            "max_protocol_version",
        ],
        "set the versions at the server (ssl_min_protocol_version), and take it out",
    ),
    refused(&["requirepeer"], "take it out, and let nobody else write the folder of the socket"),
    refused(&["service", "servicefile"], "write host, user and database into the dsn itself"),
    refused(&["sslinline"], "write certificates and keys into files, and name these"),
    refused(&["replication"], "take it out"),
    refused(
        &["search_path", "timezone", "role", "lock_timeout", "idle_in_transaction_session_timeout"],
        "what is meant for PostgreSQL itself is written as options[NAME]=VALUE",
    ),
];

/// Parameters of SQLite: those of its own addresses, and of the libraries of Kratos.
pub(crate) const SQLITE: &[Row] = &[
    done_anyway(&["mode"], &["rwc"]),
    Row {
        names: &["mode"],
        values: &["rw"],
        fate: Fate::WithoutEffect("the file is made where it is not there"),
    },
    refused(&["mode"], "a server writes its file: take it out"),
    done_anyway(&["immutable", "_query_only", "nolock", "_writable_schema", "_ignore_check_constraints"], NO),
    refused(&["immutable", "_query_only"], "a server writes its file: take it out"),
    refused(
        &[
            "_auth",
            "_auth_user",
            "_auth_pass",
            "_auth_crypt",
            "_auth_salt",
            "_key",
            "_pragma_key",
            "key",
            "vfs",
        ],
        "the file would be open to whoever may read it: take it out, and keep the file from others by its mode",
    ),
    done_anyway(&["_fk", "_foreign_keys", "_secure_delete"], YES),
    done_anyway(&["_journal_mode", "_journal"], &["wal"]),
    done_anyway(&["_synchronous", "_sync"], &["full", "2"]),
    done_anyway(&["cache"], &["private"]),
    done_anyway(&["_pragma"], &["foreign_keys(1)", "foreign_keys(on)", "journal_mode(wal)"]),
    without_effect(
        &["_fk", "_foreign_keys", "_defer_foreign_keys", "_defer_fk"],
        "references are always checked",
    ),
    without_effect(&["_secure_delete"], "what is deleted is always overwritten"),
    without_effect(&["_journal_mode", "_journal"], "the journal is always a write-ahead log"),
    without_effect(&["_synchronous", "_sync"], "every change is on the disk before it is acknowledged"),
    without_effect(&["cache"], "each connection has pages of its own"),
    without_effect(&["_busy_timeout", "_timeout"], "a statement waits for 5 seconds at the most"),
    without_effect(
        &["max_conns", "max_idle_conns", "max_conn_lifetime", "max_conn_idle_time"],
        "a file has as many connections as it can make use of",
    ),
    without_effect(
        &[
            "_auto_vacuum",
            "_vacuum",
            "_cache_size",
            "_case_sensitive_like",
            "_cslike",
            "_ignore_check_constraints",
            "_loc",
            "_locking",
            "_locking_mode",
            "_mutex",
            "_pragma",
            "_recursive_triggers",
            "_rt",
            "_time_format",
            "_txlock",
            "_writable_schema",
            "lock",
            "modeof",
            "nolock",
            "psow",
        ],
        "a file is always opened in the same way",
    ),
];

/// What is done anyway with a file that is only read.
pub(crate) const SQLITE_READ: &[Row] =
    &[done_anyway(&["mode"], &["ro"]), done_anyway(&["immutable", "_query_only"], YES)];

/// A parameter that is used, with its value as it is written.
pub(crate) struct Parameter<'a> {
    pub(crate) name: String,
    pub(crate) value: &'a str,
    /// Both, as they are written.
    pub(crate) written: &'a str,
}

/// The parameters that are used of those that stand behind the `?` of a data source name.
///
/// # Errors
/// [`StoreError::InvalidDsn`] names all that are refused, none of their values.
pub(crate) fn used_of<'a>(
    query: &'a str,
    tables: &[&'static [Row]],
) -> Result<Vec<Parameter<'a>>, StoreError> {
    let mut used = Vec::new();
    let mut wrong = Vec::new();
    for parameter in parameters(query) {
        match fate(&parameter, tables) {
            Some(Fate::Used) => used.push(parameter),
            Some(Fate::WithoutEffect(_)) => {}
            Some(Fate::Refused(why)) => {
                wrong.push(format!("the parameter {} of the dsn is not supported: {why}", parameter.name));
            }
            // A password with a ? in it is cut there, and what is behind that must not be told.
            None if query.contains('@') => {
                let sentence = "the dsn has a parameter that is not known and an @ behind a ?: in a user or password write % as %25, ? as %3F, & as %26 and @ as %40";
                return Err(StoreError::InvalidDsn(sentence.into()));
            }
            None => wrong.push(unknown(&parameter.name, tables)),
        }
    }
    if wrong.is_empty() { Ok(used) } else { Err(StoreError::InvalidDsn(wrong.join("; "))) }
}

/// What there is to say about parameters that have no effect.
pub fn without_effect_in(dsn: &str) -> Vec<String> {
    let table = if is_postgres(dsn) { POSTGRES } else { SQLITE };
    let query = dsn.split_once('?').map_or("", |(_, query)| query);
    let told = parameters(query).filter_map(|parameter| match fate(&parameter, &[table]) {
        Some(Fate::WithoutEffect(why)) => {
            Some(format!("the parameter {} has no effect: {why}", parameter.name))
        }
        _ => None,
    });
    told.collect()
}

fn parameters(query: &str) -> impl Iterator<Item = Parameter<'_>> {
    query.split('&').filter(|written| !written.is_empty()).map(|written| {
        let (name, value) = written.split_once('=').unwrap_or((written, ""));
        Parameter { name: percent_decode_str(name).decode_utf8_lossy().into_owned(), value, written }
    })
}

fn fate(parameter: &Parameter<'_>, tables: &[&'static [Row]]) -> Option<Fate> {
    // Such a parameter is a setting of the server, whose names it knows itself.
    let is_setting = parameter.name.starts_with("options[") && parameter.name.ends_with(']');
    let name = if is_setting { "options" } else { &parameter.name };
    let value = percent_decode_str(parameter.value).decode_utf8_lossy().to_ascii_lowercase();
    let is_about = |row: &&Row| {
        row.names.contains(&name) && (row.values.is_empty() || row.values.contains(&value.as_str()))
    };
    tables.iter().copied().flatten().find(is_about).map(|row| row.fate)
}

fn unknown(name: &str, tables: &[&'static [Row]]) -> String {
    let short: String = name.escape_debug().take(64).collect();
    let known = tables.iter().copied().flatten().flat_map(|row| row.names).copied();
    match nearest(&name.to_ascii_lowercase(), known) {
        Some(meant) => format!("the parameter {short} of the dsn is not known: did you mean {meant}?"),
        None => format!(
            "the parameter {short} of the dsn is not known: take it out. docs/operations.md lists those that are"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str, table: &'static [Row]) -> String {
        used_of(query, &[table]).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_nobody_knows_and_what_restricts_is_refused_by_name_and_never_with_its_value() {
        for (table, query, told) in [
            (POSTGRES, "max_con=TOPSECRET", "max_con of the dsn is not known: did you mean max_conns?"),
            (POSTGRES, "pasword=TOPSECRET", "pasword of the dsn is not known: did you mean password?"),
            (POSTGRES, "SSLMODE=TOPSECRET", "did you mean sslmode?"),
            (POSTGRES, "ssl-mode=TOPSECRET", "did you mean sslmode?"),
            (POSTGRES, "frobnicate=TOPSECRET", "frobnicate of the dsn is not known: take it out"),
            (POSTGRES, "options[search_path=TOPSECRET", "is not known"),
            (POSTGRES, "search_path=TOPSECRET", "options[NAME]=VALUE"),
            (POSTGRES, "channel_binding=require", "sslmode=verify-full"),
            (POSTGRES, "require_auth=TOPSECRET", "require_auth of the dsn is not supported"),
            (POSTGRES, "sslcrl=TOPSECRET", "sslcrl of the dsn is not supported"),
            (SQLITE, "mode=ro", "mode of the dsn is not supported: a server writes its file"),
            (SQLITE, "mod%65=ro", "mode of the dsn is not supported"),
            (SQLITE, "immutable=1", "immutable of the dsn is not supported"),
            (SQLITE, "_query_only=true", "_query_only of the dsn is not supported"),
            (SQLITE, "_auth_pass=TOPSECRET", "_auth_pass of the dsn is not supported"),
            (SQLITE, "imutable=0", "did you mean immutable?"),
            (SQLITE, "_fkk=TOPSECRET", "did you mean _fk?"),
            (SQLITE, "x=TOPSECRET&_fkk=1&mode=ro", "x of the dsn is not known"),
        ] {
            let said = refusal(query, table);
            assert!(said.contains(told) && !said.contains("TOPSECRET"), "{query}: {said}");
        }
        let all = refusal("x=1&_fkk=1&mode=ro", SQLITE);
        assert!(
            ["parameter x ", "parameter _fkk ", "parameter mode "].iter().all(|part| all.contains(part)),
            "{all}"
        );
    }

    #[test]
    fn a_password_that_is_cut_at_its_question_mark_is_not_told() {
        for dsn in ["pa?TOP=SECRET@h/d", "pa?TOP&SECRET@h/d?sslmode=disable"] {
            let said = refusal(dsn.split_once('?').unwrap().1, POSTGRES);
            assert!(said.contains("%3F") && !said.contains("TOP") && !said.contains("SECRET"), "{said}");
        }
    }

    #[test]
    fn usual_names_of_kratos_go_on_working_with_a_word_about_what_has_no_effect() {
        for (dsn, told) in [
            ("sqlite:///d/db.sqlite?_fk=true&mode=rwc", &[][..]),
            ("sqlite:///d/db.sqlite?_fk=true&_journal_mode=WAL&immutable=0&cache=private", &[]),
            ("sqlite:///d?cache=shared&_busy_timeout=99", &["cache", "_busy_timeout"]),
            ("sqlite:///d?max_conns=3&_journal_mode=delete&mode=rw", &["max_conns", "_journal_mode", "mode"]),
            ("postgres://u:p@h/d?sslmode=disable&max_conns=20&max_idle_conns=4", &["max_idle_conns"]),
            ("postgres://h/d?sslpassword=TOPSECRET", &["sslpassword"]),
            ("postgres://h/d?target_session_attrs=read-write&gssencmode=disable", &[]),
            ("postgres://h/d?options[search_path]=x&options=-c%20a%3Db", &[]),
            ("cockroach://h/d?target_session_attrs=any", &["target_session_attrs"]),
        ] {
            let (_, query) = dsn.split_once('?').unwrap();
            let table = if is_postgres(dsn) { POSTGRES } else { SQLITE };
            assert_eq!(refusal(query, table), "", "{dsn}");
            let used = used_of(query, &[table]).unwrap();
            assert!(used.iter().all(|parameter| !told.contains(&parameter.name.as_str())), "{dsn}");
            let notes = without_effect_in(dsn);
            assert_eq!(notes.len(), told.len(), "{dsn}: {notes:?}");
            for (note, name) in notes.iter().zip(told) {
                assert!(note.starts_with(&format!("the parameter {name} has no effect: ")), "{note}");
                assert!(!note.contains("TOPSECRET"), "{note}");
            }
        }
    }
}
