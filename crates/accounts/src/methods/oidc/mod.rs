//! Other providers, by which people sign in (OpenID Connect Core 1.0, RFC 6749).
//!
//! Somebody chooses a provider, is sent there and comes back with a code; the provider says who they are, and a mapper
//! makes an identity of that. How providers are asked stands behind [`Providers`](crate::providers::Providers).

mod judge;
mod login;
mod mapper;
pub mod messages;
mod registration;
mod settings;
#[cfg(test)]
mod tests;
mod travel;

use std::collections::HashSet;
use std::sync::Arc;

use sessera_config::sections::oidc::{LinkingMode, Provider, ProviderKind};
use sessera_config::{Config, Problem};
use sessera_model::names::is_plain_name;

use crate::flows::error::FlowError;
use crate::flows::method::{LoginMethod, Method, RegistrationMethod, SettingsMethod};
use crate::submission::Submission;

use mapper::Mapper;

/// How sessions and submissions name it.
pub const NAME: &str = "oidc";

/// Where the keys of providers stand.
const POINTER: &str = "/selfservice/methods/oidc/config/providers";

/// Signing in by other providers.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// In the order of their ids.
    providers: Vec<Configured>,
}

/// A provider as it is configured.
#[derive(Clone, Debug)]
struct Configured {
    rules: Provider,
    /// Where browsers come back to.
    redirect_uri: String,
    mapper: Mapper,
}

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let section = &config.selfservice.methods.oidc;
    if !section.enabled {
        return None;
    }
    let base = section.config.base_redirect_uri.as_ref();
    let base =
        base.map_or(config.public.base_url.as_str(), |written| written.url.as_str()).trim_end_matches('/');
    let mut ids = HashSet::new();
    let mut providers = Vec::new();
    for (place, rules) in section.config.providers.iter().enumerate() {
        let at = format!("{POINTER}/{place}");
        if !ids.insert(rules.id.as_str()) {
            problems
                .push(Problem::new(format!("{at}/id"), "another provider has this id: choose another one"));
        }
        problems.extend(wrong(rules).map(|(key, what)| Problem::new(format!("{at}/{key}"), what)));
        match Mapper::compile(&rules.mapper_url) {
            Ok(mapper) => {
                let redirect_uri = redirect_uri(base, rules);
                providers.push(Configured { rules: rules.clone(), redirect_uri, mapper });
            }
            Err(error) => problems.push(Problem::new(format!("{at}/mapper_url"), error)),
        }
    }
    providers.sort_by(|a, b| a.rules.id.cmp(&b.rules.id));
    Some(Arc::new(Oidc { providers }))
}

/// What is written and does not happen.
pub(crate) fn notes(config: &Config) -> Vec<Problem> {
    let section = &config.selfservice.methods.oidc;
    let providers = section.config.providers.iter().enumerate().filter(|_| section.enabled);
    let automatic = providers.filter(|(_, provider)| provider.account_linking_mode == LinkingMode::Automatic);
    let note = |(place, _): (usize, &Provider)| {
        let pointer = format!("{POINTER}/{place}/account_linking_mode");
        let what = "whoever has an account signs in to it once more before it is linked, as in a Kratos of one's own: a provider's word alone opens no account";
        Problem::new(pointer, what)
    };
    automatic.map(note).collect()
}

/// Where browsers come back to from a provider.
fn redirect_uri(base: &str, rules: &Provider) -> String {
    let callback = format!("{base}/self-service/methods/oidc/callback");
    if shares_callback(rules) { callback } else { format!("{callback}/{}", rules.id) }
}

/// Whether browsers come back from a provider to the address that several share.
fn shares_callback(rules: &Provider) -> bool {
    use sessera_config::sections::oidc::Pkce;
    match rules.pkce {
        Pkce::Force => true,
        // UAE PASS takes a verifier and does not say so, and Kratos then forces it.
        Pkce::Auto => rules.provider == ProviderKind::UaePass,
        Pkce::Never => false,
    }
}

/// What is missing or makes no sense, each with its key.
fn wrong(rules: &Provider) -> impl Iterator<Item = (&'static str, &'static str)> {
    use ProviderKind::{Amazon, Apple, Auth0, Generic, Microsoft, Salesforce};
    let kind = rules.provider;
    let is_at = rules.issuer_url.is_some();
    let has_ends = rules.auth_url.is_some() && rules.token_url.is_some();
    let no_apple = rules.apple_team_id.is_none()
        || rules.apple_private_key_id.is_none()
        || rules.apple_private_key.is_none();
    [
        (
            !is_plain_name(&rules.id, usize::MAX),
            "id",
            "it is made of letters, digits, dots, hyphens and underscores, and is not . or .. alone",
        ),
        (rules.client_id.is_empty(), "client_id", "it is missing: the provider gives it out"),
        (
            kind != Apple && rules.secret().is_empty(),
            "client_secret",
            "it is missing: the provider gives it out",
        ),
        (
            kind == Apple && no_apple,
            "apple_private_key",
            "apple_team_id, apple_private_key_id and apple_private_key are needed",
        ),
        (
            kind == Microsoft && rules.microsoft_tenant.is_none(),
            "microsoft_tenant",
            "it is missing: write an id, a domain, common, organizations or consumers",
        ),
        (
            matches!(kind, Generic | Auth0 | Salesforce) && !is_at,
            "issuer_url",
            "it is missing: write the address of the provider",
        ),
        (kind != Generic && has_ends, "auth_url", "only generic takes it"),
        (
            kind == Amazon
                && rules
                    .scope
                    .iter()
                    .any(|scope| !["profile", "profile:user_id", "postal_code"].contains(&scope.as_str())),
            "scope",
            "Amazon knows profile, profile:user_id and postal_code",
        ),
    ]
    .into_iter()
    .filter_map(|(is_wrong, key, what)| is_wrong.then_some((key, what)))
}

impl Oidc {
    /// The provider with an id.
    fn provider(&self, id: &str) -> Result<&Configured, FlowError> {
        self.providers.iter().find(|provider| provider.rules.id == id).ok_or(FlowError::NoSuchProvider)
    }
}

/// The provider that a submission chooses. `None` when it is for another method.
fn chosen(submission: &Submission) -> Option<&str> {
    let is_for_it = submission.method().is_none_or(|method| method.eq_ignore_ascii_case(NAME));
    submission.text("provider").ok().flatten().filter(|_| is_for_it)
}

impl Method for Oidc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}
