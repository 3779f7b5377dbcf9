//! What can go wrong; each error has a sentence for the caller and details for the operator.

use sessera_jose::{Algorithm, KeyError};
use sessera_jsonnet::{EvalError, SyntaxError};
use sessera_model::shell::command;

use crate::source::SourceError;

/// A template cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The key set cannot be read.
    #[error("jwks_url: {0}")]
    KeySetSource(SourceError),
    /// There is no key set of the name that the template gives.
    #[error("jwks_url: there is no key set \"{name}\" here: {}", how_to_have(name, *algorithm))]
    NoSuchSet {
        /// The name.
        name: String,
        /// What the template asks for.
        algorithm: Option<Algorithm>,
    },
    /// The mapper cannot be read.
    #[error("claims_mapper_url: {0}")]
    MapperSource(SourceError),
    /// The key set cannot sign.
    #[error("jwks_url: {0}")]
    Key(KeyError),
    /// The template asks for another algorithm than the set has.
    #[error("jwks_url: the key set signs with {found}, and the template asks for {wanted}")]
    OtherAlgorithm {
        /// What the template asks for.
        wanted: Algorithm,
        /// What the set has.
        found: Algorithm,
    },
    /// Others must be able to check what the template signs, but its keys have no public halves.
    #[error(
        "{0}: the key set signs with a shared secret, with which everybody who can verify could sign too: give the template a set with public keys, for example ES256"
    )]
    NoPublicKeys(&'static str),
    /// The mapper is not a Jsonnet program.
    #[error("claims_mapper_url: {0}")]
    Mapper(Box<SyntaxError>),
    /// The mapper is not UTF-8 text.
    #[error("claims_mapper_url: the mapper is not UTF-8 text")]
    MapperEncoding,
}

/// How somebody comes to a key set for an algorithm, which is ES256 where nothing else is asked for.
fn how_to_have(name: &str, algorithm: Option<Algorithm>) -> String {
    let algorithm = algorithm.unwrap_or(Algorithm::Es256);
    let create = command("create jwk", &[name], &[("--alg", algorithm.as_str())]);
    if algorithm.is_symmetric() {
        let import = command("import jwk", &[name, "FILE"], &[("--alg", algorithm.as_str())]);
        return format!(
            "import the secret that a service gave you with \"{import}\", or make one with \"{create}\""
        );
    }
    format!("create it with \"{create}\"")
}

impl LoadError {
    /// Whether a source could not be read, in contrast to one whose content is wrong.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::KeySetSource(_) | Self::NoSuchSet { .. } | Self::MapperSource(_))
    }

    /// The member of the template that is to blame.
    pub const fn member(&self) -> &'static str {
        match self {
            Self::KeySetSource(_) | Self::NoSuchSet { .. } | Self::Key(_) | Self::OtherAlgorithm { .. } => {
                "jwks_url"
            }
            Self::MapperSource(_) | Self::Mapper(_) | Self::MapperEncoding => "claims_mapper_url",
            Self::NoPublicKeys(member) => member,
        }
    }

    /// What a caller of the public API may know, which is the part and, for a mapper, the line and the
    /// column.
    pub fn public(&self) -> String {
        match self {
            Self::KeySetSource(_) | Self::NoSuchSet { .. } => "its key set cannot be read".into(),
            Self::MapperSource(_) => "its claims mapper cannot be read".into(),
            Self::Key(_) | Self::OtherAlgorithm { .. } => "its key set has no key that can sign".into(),
            Self::NoPublicKeys(_) => "its key set has no public keys".into(),
            Self::Mapper(error) => {
                let (line, column) = (error.location.line, error.location.column);
                format!("its claims mapper is not valid Jsonnet at line {line}, column {column}")
            }
            Self::MapperEncoding => "its claims mapper is not valid Jsonnet at line 1, column 1".into(),
        }
    }

    /// Everything that the operator needs to mend it, with an excerpt of the mapper.
    pub fn render(&self) -> String {
        match self {
            Self::Mapper(error) => {
                let (line, column) = (error.location.line, error.location.column);
                format!("the mapper is not valid Jsonnet at line {line}, column {column}\n{}", error.render())
            }
            other => other.to_string(),
        }
    }
}

/// A token could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizeError {
    /// The mapper failed or returned something that is not claims.
    #[error("the claims mapper failed: {0}")]
    Mapper(Box<EvalError>),
    /// The mapper made a time claim something that is not a whole number of seconds.
    #[error("the claims mapper made the claim \"{claim}\" something else than a whole number of seconds")]
    BadTime {
        /// The claim, such as `exp`.
        claim: &'static str,
        /// Where the mapper's result is written.
        line: u32,
        /// The column in it.
        column: u32,
    },
    /// The mapper lets a token live longer than its key is published.
    #[error(
        "the claims mapper made \"exp\" later than the template's ttl allows; keys of a managed set are published, and status lists remember a session, only as long as tokens of that ttl live: raise the ttl of the template"
    )]
    LateExpiry {
        /// Where the mapper's result is written.
        line: u32,
        /// The column in it.
        column: u32,
    },
    /// The template wants the external id as subject, and the identity has none.
    #[error(
        "the identity has no external_id, which this template uses as subject: give it one, or set subject_source to \"id\""
    )]
    NoExternalId,
    /// The template wants a place in the status lists, and the session has none.
    #[error("the session is kept elsewhere and has no place in the status lists: leave status_list out")]
    NoStatus,
    /// The signature could not be made.
    #[error("the token could not be signed: {0}")]
    Signing(KeyError),
}

impl TokenizeError {
    /// The reason in one word for statistics: `limit`, `mapper`, `identity` or `signing`.
    pub fn why(&self) -> &'static str {
        match self {
            Self::Mapper(error) if error.kind().is_limit() => "limit",
            Self::NoExternalId | Self::NoStatus => "identity",
            Self::Signing(_) => "signing",
            _ => "mapper",
        }
    }

    /// What [`Self::public`] says, with the text of the mapper's own error behind it, in which values of the session may stand.
    pub fn with_message(&self) -> String {
        match self {
            Self::Mapper(error) => format!("{}: {}", self.public(), error.message()),
            other => other.public(),
        }
    }

    /// What a caller of the public API may know, which is the line, the column and the claim.
    pub fn public(&self) -> String {
        match self {
            Self::Mapper(error) => {
                let (line, column) = error.location().map_or((1, 1), |place| (place.line, place.column));
                let what = if error.kind().is_limit() { "took more than its limits allow" } else { "failed" };
                format!("its claims mapper {what} at line {line}, column {column}")
            }
            Self::BadTime { claim, line, column } => format!(
                "its claims mapper at line {line}, column {column} must make the claim \"{claim}\" a whole number of seconds"
            ),
            Self::LateExpiry { line, column } => format!(
                "its claims mapper at line {line}, column {column} makes \"exp\" later than the template's ttl allows; raise the ttl"
            ),
            Self::NoExternalId => {
                "the identity has no external_id, which the template uses as subject".into()
            }
            Self::NoStatus => "the session has no place in the status lists, which the template wants".into(),
            Self::Signing(_) => "the token could not be signed".into(),
        }
    }
}
