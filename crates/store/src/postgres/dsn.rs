//! The data source name of PostgreSQL and `CockroachDB`.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sessera_model::GoDuration;
use sqlx::postgres::PgConnectOptions;

use crate::error::StoreError;
use crate::parameters::{POSTGRES, Parameter, used_of};
use crate::scheme::scheme;

/// What a data source name says.
///
/// `postgres://user:password@host1:5432,host2:5432/database?sslmode=verify-full&max_conns=20`. Several
/// hosts are the members of one cluster, of which the one that can be written is used. The parameters are those of
/// [`POSTGRES`]; the library is given no other one, because it would log what it does not know with its value.
#[derive(Clone, Debug)]
pub struct PostgresDsn {
    /// How each host is reached.
    pub(crate) hosts: Vec<PgConnectOptions>,
    /// The files with the keys of its own certificates.
    pub(crate) key_files: Vec<PathBuf>,
    /// Whether the database is PostgreSQL itself, which has notifications and standbys.
    pub(crate) is_postgres: bool,
    /// How many connections there are at the most, not counting the one for listening.
    pub(super) max_connections: usize,
    /// The time after which a connection is replaced.
    pub(super) max_lifetime: Duration,
    /// How long one host may take to accept a connection.
    pub(super) connect_timeout: Duration,
    /// How long one statement may take.
    pub(super) statement_timeout: Duration,
}

/// The words for how the connection is encrypted.
const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

impl PostgresDsn {
    /// Reads a data source name. Errors do not repeat it, because it may hold a password.
    pub fn parse(dsn: &str) -> Result<Self, StoreError> {
        let (is_postgres, rest) = scheme(dsn).ok_or_else(|| invalid("the scheme is another one"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
        let mut parsed = Self {
            hosts: Vec::new(),
            key_files: Vec::new(),
            is_postgres,
            max_connections: 16,
            max_lifetime: Duration::from_secs(3600),
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(3),
        };
        let mut theirs = Vec::new();
        for Parameter { name, value, written } in used_of(query, &[POSTGRES])? {
            let name = name.as_str();
            match name {
                "max_conns" => parsed.max_connections = number::<usize>(name, value)?.max(1),
                "max_conn_lifetime" => parsed.max_lifetime = duration(name, value)?,
                "connect_timeout" => {
                    parsed.connect_timeout = Duration::from_secs(number::<u64>(name, value)?.max(1));
                }
                "statement_timeout" => parsed.statement_timeout = duration(name, value)?,
                "sslmode" if !SSL_MODES.iter().any(|mode| mode.eq_ignore_ascii_case(value)) => {
                    return Err(invalid(&format!("sslmode must be one of {}", SSL_MODES.join(", "))));
                }
                _ if is_of_library(name) => {
                    if name == "sslkey" {
                        parsed.key_files.push(percent_decode_str(value).decode_utf8_lossy().as_ref().into());
                    }
                    theirs.push(written);
                }
                // What it asks for is done anyway.
                _ => {}
            }
        }
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let theirs = theirs.join("&");
        for host in hosts.split(',') {
            let url = format!("postgres://{user}{host}/{path}?{theirs}");
            let options =
                PgConnectOptions::from_str(&url).map_err(|_| invalid("it is no address of a database"))?;
            parsed.hosts.push(named(options, &theirs));
        }
        Ok(parsed)
    }

    /// How long a whole operation may take, including the wait for a connection.
    pub(super) fn limit(&self) -> Duration {
        self.statement_timeout + self.connect_timeout
    }
}

/// Whether the library itself reads a parameter.
fn is_of_library(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
    ];
    NAMES.contains(&name) || name.starts_with("options[")
}

/// Gives the connection a name under which the database lists it, unless it has one.
fn named(options: PgConnectOptions, parameters: &str) -> PgConnectOptions {
    if parameters.contains("application_name=") { options } else { options.application_name("sessera") }
}

fn invalid(problem: &str) -> StoreError {
    StoreError::InvalidDsn(format!(
        "the dsn cannot be read: {problem}. Write postgres://user:password@host:5432/database?sslmode=verify-full"
    ))
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, StoreError> {
    value.parse().map_err(|_| invalid(&format!("{name} is not a whole number")))
}

/// Reads a duration as Go writes it, or a number of milliseconds as PostgreSQL takes it.
fn duration(name: &str, value: &str) -> Result<Duration, StoreError> {
    if let Ok(milliseconds) = value.parse() {
        return Ok(Duration::from_millis(milliseconds));
    }
    GoDuration::from_str(value).map(GoDuration::get).map_err(|error| invalid(&format!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_dsn_is_told_without_the_words_of_libraries() {
        for (dsn, part) in [
            ("postgres://:x:y@@/", "it is no address of a database. Write"),
            ("postgres://h:99999/x", "it is no address of a database. Write"),
            (
                "postgres://h/x?sslmode=frob",
                "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full. Write",
            ),
        ] {
            let Err(error) = PostgresDsn::parse(dsn) else { panic!("{dsn} is read") };
            let told = error.to_string();
            assert!(told.contains(part) && !told.contains("error with") && !told.contains("frob"), "{told}");
        }
    }

    #[test]
    fn a_dsn_names_hosts_and_limits() {
        let dsn = "postgres://ada:s3cret@one:5433,two/sessera?sslmode=disable&max_conns=7&max_conn_lifetime=10m&statement_timeout=1500&connect_timeout=1";
        let parsed = PostgresDsn::parse(dsn).unwrap();
        let hosts: Vec<_> = parsed.hosts.iter().map(|host| (host.get_host(), host.get_port())).collect();
        assert_eq!(hosts, [("one", 5433), ("two", 5432)]);
        assert_eq!(parsed.hosts[1].get_database(), Some("sessera"));
        assert_eq!(parsed.max_connections, 7);
        assert_eq!(parsed.max_lifetime, Duration::from_secs(600));
        assert_eq!(parsed.limit(), Duration::from_millis(2500));
        assert!(parsed.is_postgres);
        assert!(!PostgresDsn::parse("cockroach://root@h:26257/defaultdb").unwrap().is_postgres);
    }

    #[test]
    fn what_is_wrong_is_named_without_the_password() {
        for dsn in
            ["postgres://u:s3cret@h/d?max_conns=many", "postgres://u:s3cret@h:port/d", "mysql://s3cret"]
        {
            let error = PostgresDsn::parse(dsn).unwrap_err().to_string();
            assert!(error.contains("postgres://user:password@host") && !error.contains("s3cret"), "{error}");
        }
    }
}
