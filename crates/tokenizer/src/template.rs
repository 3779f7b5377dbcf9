//! A template as the configuration has it.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use sessera_jose::{Algorithm, KeyError};
use sessera_model::GoDuration;
use sessera_model::names::is_plain_name;

use crate::source::{SourceError, SourceUrl};

/// How long tokens live when a template does not say.
pub const DEFAULT_TTL: Duration = Duration::from_secs(600);

/// The longest that a token may live: a hundred years, so that `exp` stays a time that all libraries read.
pub const MAX_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The longest that a token with a status may live, because the status lists remember an ended session for so
/// long.
pub const MAX_STATUS_TTL: Duration = Duration::from_secs(24 * 3600);

/// The longest name of a template.
const MAX_NAME: usize = 128;

/// The name of a template: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName(String);

impl TemplateName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if is_plain_name(text, MAX_NAME) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TemplateError::BadName(text.chars().take(64).collect()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of the identity's ids becomes `sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SubjectSource {
    /// The identity's own id.
    #[default]
    Id,
    /// Its id in another system.
    ExternalId,
}

/// A template as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The key set; its first key signs.
    pub jwks_url: SourceUrl,
    /// The mapper, when there is one.
    pub claims_mapper_url: Option<SourceUrl>,
    /// How long tokens live.
    pub ttl: Duration,
    /// Which id becomes `sub`.
    pub subject_source: SubjectSource,
    /// Whom tokens are for (`aud`, RFC 7519, section 4.1.3), as a text or a list of texts. A mapper may
    /// choose another.
    pub audience: Option<Audience>,
    /// The issuer of tokens (`iss`), instead of the public base URL.
    pub issuer: Option<String>,
    /// The type of tokens (`typ` in their header), for example `at+jwt` (RFC 9068) instead of `JWT`.
    pub typ: Option<String>,
    /// The algorithm that the key set must have.
    pub algorithm: Option<Algorithm>,
    /// How much earlier than now tokens begin to be good (`nbf`), for verifiers whose clock is behind.
    pub nbf_leeway: Duration,
    /// Whether tokens end with their session at the latest.
    pub cap_to_session: bool,
    /// Whether `GET /sessions/whoami` takes its tokens as bearer tokens.
    pub bearer: bool,
    /// Whether its tokens say where others can see that their session was revoked.
    pub status_list: bool,
}

/// Whom tokens are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One recipient, written as a text.
    One(String),
    /// Several recipients, written as a list.
    Many(Vec<String>),
}

impl Audience {
    /// Whether it names somebody.
    pub fn names(&self, who: &str) -> bool {
        match self {
            Self::One(one) => one == who,
            Self::Many(many) => many.iter().any(|one| one == who),
        }
    }

    /// The claim as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::One(one) => one.as_str().into(),
            Self::Many(many) => many.clone().into(),
        }
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        match value {
            Value::Array(items) if !items.is_empty() => {
                items.iter().map(text).collect::<Option<_>>().map(Self::Many)
            }
            other => text(other).map(Self::One),
        }
    }
}

/// A template in the configuration is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The name has characters that a name cannot have.
    #[error(
        "\"{0}\" is not a name for a template: use letters, digits, '-', '_' and '.', at most {MAX_NAME} of them, and not . or .. alone"
    )]
    BadName(String),
    /// It is not an object.
    #[error("a template must be an object with the member \"jwks_url\"")]
    NotAnObject,
    /// A member is not known.
    #[error("a template has no member \"{0}\": it has {known}", known = MEMBERS.join(", "))]
    UnknownMember(String),
    /// The key set is missing.
    #[error("the template needs \"jwks_url\", for example \"set://NAME\"")]
    NoKeySet,
    /// A member has the wrong type.
    #[error("the template's \"{0}\" must be a string")]
    NotAString(&'static str),
    /// A source is malformed.
    #[error("the template's \"{member}\": {error}")]
    Source {
        /// The member of the template that names the source.
        member: &'static str,
        /// What is wrong with the source.
        error: SourceError,
    },
    /// The ttl is not a duration, or not one that tokens can have.
    #[error("the template's \"ttl\": {0}")]
    Ttl(String),
    /// The subject source is not known.
    #[error("the template's \"subject_source\" must be \"id\" or \"external_id\"")]
    SubjectSource,
    /// The audience is neither a text nor a list of texts.
    #[error("the template's \"audience\" must be a text or a list of texts")]
    Audience,
    /// The type has characters that a media type cannot have.
    #[error("the template's \"typ\" must be a media type without \"application/\", for example \"at+jwt\"")]
    Typ,
    /// The algorithm is not supported.
    #[error("the template's \"algorithm\": {0}")]
    Algorithm(KeyError),
    /// The leeway is not a duration, or too long.
    #[error("the template's \"nbf_leeway\": {0}")]
    Leeway(String),
    /// A member must be true or false.
    #[error("the template's \"{0}\" must be true or false")]
    NotABool(&'static str),
}

impl TemplateError {
    /// The member of the template that is to blame, where it is one.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::BadName(_) | Self::NotAnObject => None,
            Self::UnknownMember(member) => Some(member),
            Self::NoKeySet => Some("jwks_url"),
            Self::NotAString(member) | Self::Source { member, .. } => Some(member),
            Self::Ttl(_) => Some("ttl"),
            Self::SubjectSource => Some("subject_source"),
            Self::Audience => Some("audience"),
            Self::Typ => Some("typ"),
            Self::Algorithm(_) => Some("algorithm"),
            Self::Leeway(_) => Some("nbf_leeway"),
            Self::NotABool(member) => Some(member),
        }
    }
}

/// The members of a template.
pub const MEMBERS: [&str; 12] = [
    "jwks_url",
    "claims_mapper_url",
    "ttl",
    "subject_source",
    "audience",
    "issuer",
    "typ",
    "algorithm",
    "nbf_leeway",
    "cap_to_session",
    "bearer",
    "status_list",
];

/// The longest time by which `nbf` may lie before now.
const MAX_LEEWAY: Duration = Duration::from_secs(600);

impl Template {
    /// Parses a template. Unknown members are errors.
    pub fn from_json(value: &Value) -> Result<Self, TemplateError> {
        let members = value.as_object().ok_or(TemplateError::NotAnObject)?;
        if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(TemplateError::UnknownMember(unknown.chars().take(64).collect()));
        }
        let text = |member: &'static str| match members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(TemplateError::NotAString(member)),
        };
        let source = |member: &'static str| {
            text(member)?
                .map(|text| SourceUrl::parse(text).map_err(|error| TemplateError::Source { member, error }))
                .transpose()
        };
        let flag = |member: &'static str| match members.get(member) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(TemplateError::NotABool(member)),
        };
        let claims_mapper_url = source("claims_mapper_url")?;
        if matches!(claims_mapper_url, Some(SourceUrl::Set(_) | SourceUrl::Pkcs11(_))) {
            let error = SourceError::KeysAreNoMapper;
            return Err(TemplateError::Source { member: "claims_mapper_url", error });
        }
        let (ttl, status_list) = (text("ttl")?.map_or(Ok(DEFAULT_TTL), parse_ttl)?, flag("status_list")?);
        if status_list && ttl > MAX_STATUS_TTL {
            return Err(TemplateError::Ttl(
                "with \"status_list\" tokens cannot live for more than 24h, as long as ended sessions are remembered"
                    .into(),
            ));
        }
        Ok(Self {
            jwks_url: source("jwks_url")?.ok_or(TemplateError::NoKeySet)?,
            claims_mapper_url,
            ttl,
            subject_source: match text("subject_source")? {
                None | Some("id") => SubjectSource::Id,
                Some("external_id") => SubjectSource::ExternalId,
                Some(_) => return Err(TemplateError::SubjectSource),
            },
            audience: members
                .get("audience")
                .filter(|audience| !audience.is_null())
                .map(|audience| Audience::from_json(audience).ok_or(TemplateError::Audience))
                .transpose()?,
            issuer: text("issuer")?.map(str::to_owned),
            typ: text("typ")?.map(parse_typ).transpose()?,
            algorithm: text("algorithm")?
                .map(|name| name.parse().map_err(TemplateError::Algorithm))
                .transpose()?,
            nbf_leeway: text("nbf_leeway")?.map_or(Ok(Duration::ZERO), parse_leeway)?,
            cap_to_session: flag("cap_to_session")?,
            bearer: flag("bearer")?,
            status_list,
        })
    }
}

fn parse_typ(text: &str) -> Result<String, TemplateError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    if text.len() <= 64 && text.bytes().all(is_token) { Ok(text.to_owned()) } else { Err(TemplateError::Typ) }
}

fn parse_leeway(text: &str) -> Result<Duration, TemplateError> {
    let leeway = text.parse::<GoDuration>().map_err(|error| TemplateError::Leeway(error.to_string()))?.get();
    if leeway > MAX_LEEWAY {
        return Err(TemplateError::Leeway("clocks differ by seconds; ten minutes are the longest".into()));
    }
    Ok(leeway)
}

fn parse_ttl(text: &str) -> Result<Duration, TemplateError> {
    let ttl = text.parse::<GoDuration>().map_err(|error| TemplateError::Ttl(error.to_string()))?.get();
    if ttl < Duration::from_secs(1) {
        return Err(TemplateError::Ttl("tokens must live for at least one second, for example 10m".into()));
    }
    if ttl > MAX_TTL {
        return Err(TemplateError::Ttl("tokens cannot live for more than a hundred years".into()));
    }
    Ok(ttl)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(value: Value) -> String {
        Template::from_json(&value).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_the_guide_s() {
        let template = Template::from_json(&json!({"jwks_url": "set://keys"})).unwrap();
        assert_eq!(template.ttl, Duration::from_secs(600));
        assert_eq!(template.subject_source, SubjectSource::Id);
        assert_eq!(template.claims_mapper_url, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(error(json!([])).contains("object"));
        assert!(error(json!({})).contains("jwks_url"));
        assert!(error(json!({"jwks_url": 1})).contains("string"));
        assert!(error(json!({"jwks_url": "set://k", "tll": "1m"})).contains("tll"));
        assert!(error(json!({"jwks_url": "https://x"})).contains("never fetched"));
        assert!(error(json!({"jwks_url": "set://k", "claims_mapper_url": "set://m"})).contains("mapper"));
        for ttl in ["-5m", "1", "0s", "999999999h", "9999999h", "x"] {
            assert!(error(json!({"jwks_url": "set://k", "ttl": ttl})).contains("ttl"), "{ttl}");
        }
        assert!(error(json!({"jwks_url": "set://k", "ttl": "25h", "status_list": true})).contains("24h"));
        assert!(error(json!({"jwks_url": "set://k", "subject_source": "email"})).contains("external_id"));
        for (member, bad) in [
            ("audience", json!([])),
            ("audience", json!(["a", 1])),
            ("audience", json!({})),
            ("issuer", json!(1)),
            ("typ", json!("a b")),
            ("typ", json!("application/at+jwt")),
            ("algorithm", json!("none")),
            ("nbf_leeway", json!("1h")),
            ("nbf_leeway", json!("-1s")),
            ("cap_to_session", json!("yes")),
            ("bearer", json!(1)),
            ("status_list", json!("1m")),
        ] {
            assert!(error(json!({"jwks_url": "set://k", (member): bad})).contains(member), "{member}");
        }
    }

    #[test]
    fn everything_beyond_the_guide_is_optional() {
        let template = Template::from_json(&json!({
            "jwks_url": "set://k", "audience": ["a", "b"], "issuer": "https://id.example.org", "typ": "at+jwt",
            "algorithm": "ES256", "nbf_leeway": "5s", "cap_to_session": true,
        }));
        let template = template.unwrap();
        let audience = template.audience.unwrap();
        assert!(audience.names("b") && !audience.names("c"));
        assert_eq!(audience.to_json(), json!(["a", "b"]));
        assert_eq!(template.typ.as_deref(), Some("at+jwt"));
        assert_eq!(template.nbf_leeway, Duration::from_secs(5));
        assert!(template.cap_to_session);
    }

    #[test]
    fn names_have_their_characters() {
        assert!(TemplateName::parse("name.with-dots_1").is_ok());
        for name in ["", ".", "..", "../x", "a b", "ä", "a/b", &"x".repeat(129)] {
            assert!(TemplateName::parse(name).is_err());
        }
    }
}
