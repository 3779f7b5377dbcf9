//! Which database a data source name means, which its scheme says.

/// Whether it is one that speaks as PostgreSQL does.
pub(crate) fn is_postgres(dsn: &str) -> bool {
    scheme(dsn).is_some()
}

/// Splits off the scheme of such a database. Returns whether it is PostgreSQL itself, and what follows.
pub(crate) fn scheme(dsn: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = dsn.split_once("://")?;
    match scheme {
        "postgres" | "postgresql" => Some((true, rest)),
        "cockroach" | "cockroachdb" | "crdb" => Some((false, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_tells_the_database() {
        assert!(is_postgres("postgresql://h/d") && !is_postgres("sqlite://x") && !is_postgres("postgres:h"));
        assert_eq!(scheme("cockroach://h/d"), Some((false, "h/d")));
    }
}
