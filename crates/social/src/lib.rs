//! Other providers that vouch for people, as they are asked: OpenID Connect, OAuth 2.0 and what each has of its own.
//!
//! What a browser brings back proves nothing by itself. A code is exchanged for tokens with the secret of this
//! deployment, and where a provider signs what it says, the signature, the issuer, the recipient, the times and the
//! nonce are checked (OpenID Connect Core 1.0, section 3.1.3.7). What has no signature comes from the provider's own
//! address.
//!
//! | module | holds |
//! |---|---|
//! | [`web`] | questions on the network, which others send |
//! | `table` | the known providers: where each is and what is odd about it |
//! | `profiles` | how those say who somebody is that do so in ways of their own |
//! | `discovery` | what providers say of themselves, and their keys |
//! | `id_token` | tokens by which providers say who somebody is |
//! | `claims` | what is said, as mappers read it |
//! | `apple` | what only Apple has |

mod apple;
mod claims;
mod discovery;
mod id_token;
mod profiles;
mod table;
#[cfg(test)]
mod tests;
pub mod web;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sessera_accounts::linked::ProviderTokens;
use sessera_accounts::providers::{
    Answer, AuthorizationRedirect, OpenedToken, ProviderError, Providers, Question, Vouched,
};
use sessera_config::sections::oidc::{ClaimsSource, Pkce, Provider, ProviderKind, SubjectSource};
use sessera_jose::base64url;
use sessera_model::{Timestamp, Uuid, is_same_secret};
use url::Url;
use url::form_urlencoded::{self, byte_serialize};

use discovery::{Directory, Metadata};
use id_token::Expected;
use profiles::Access;
use table::{Endpoints, Known, Says, SecretIn};
use web::{Ask, Body, Web};

/// The providers.
pub struct Social {
    web: Arc<dyn Web>,
    directory: Directory,
}

impl std::fmt::Debug for Social {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Social").finish_non_exhaustive()
    }
}

/// Where a provider is asked.
struct Ends {
    ask: String,
    token: String,
    /// Where it says who somebody is, where that depends on the configuration.
    user: String,
    /// What it says of itself, where it does.
    metadata: Option<Arc<Metadata>>,
}

fn misconfigured(what: &str) -> ProviderError {
    ProviderError::Misconfigured(what.into())
}

fn failed(what: &str) -> ProviderError {
    ProviderError::Failed(what.into())
}

fn refused(what: &str) -> ProviderError {
    ProviderError::Refused(what.into())
}

/// The address of a provider as it is configured.
fn configured(provider: &Provider) -> Option<&str> {
    provider.issuer_url.as_ref().map(Url::as_str)
}

impl Social {
    /// The providers as `web` asks them.
    pub fn new(web: Arc<dyn Web>) -> Self {
        Self { web, directory: Directory::default() }
    }

    async fn metadata(&self, issuer: &str, now: Timestamp) -> Result<Arc<Metadata>, ProviderError> {
        self.directory.metadata(&*self.web, issuer, now).await
    }

    /// Where a provider is asked.
    async fn ends(&self, provider: &Provider, known: &Known, now: Timestamp) -> Result<Ends, ProviderError> {
        let below = |base: &str, path: &str| format!("{}{path}", base.trim_end_matches('/'));
        match known.endpoints {
            Endpoints::AsConfigured => {
                let issuer = configured(provider).ok_or_else(|| misconfigured("issuer_url is missing"))?;
                self.discovered(provider, issuer, now).await
            }
            Endpoints::At(issuer) => self.discovered(provider, issuer, now).await,
            Endpoints::Fixed { ask, token, .. } => {
                Ok(Ends { ask: ask.into(), token: token.into(), user: String::new(), metadata: None })
            }
            Endpoints::Below { default, ask, token, user } => {
                let base = configured(provider).or(default);
                let base = base.ok_or_else(|| misconfigured("issuer_url is missing"))?;
                let (ask, token, user) = (below(base, ask), below(base, token), below(base, user));
                Ok(Ends { ask, token, user, metadata: None })
            }
            Endpoints::Microsoft => {
                let tenant = provider.microsoft_tenant.as_deref().unwrap_or_default();
                let tenant: String = byte_serialize(tenant.as_bytes()).collect();
                let base = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0");
                let (ask, token) = (below(&base, "/authorize"), below(&base, "/token"));
                Ok(Ends { ask, token, user: String::new(), metadata: None })
            }
        }
    }

    /// Where a provider is asked that says so itself.
    async fn discovered(
        &self,
        provider: &Provider,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Ends, ProviderError> {
        let metadata = self.metadata(issuer, now).await?;
        let own = |url: Option<&Url>, said: Option<&String>, what: &str| {
            let own = url.map(Url::to_string).or_else(|| said.cloned());
            own.ok_or_else(|| ProviderError::Misconfigured(format!("it names no {what}")))
        };
        Ok(Ends {
            ask: own(provider.auth_url.as_ref(), metadata.ask.as_ref(), "authorization_endpoint")?,
            token: own(provider.token_url.as_ref(), metadata.token.as_ref(), "token_endpoint")?,
            user: metadata.user.clone().unwrap_or_default(),
            metadata: Some(metadata),
        })
    }

    /// Whether a provider is told of a verifier.
    async fn takes_verifier(&self, provider: &Provider, ends: &Ends, now: Timestamp) -> bool {
        match provider.pkce {
            Pkce::Never => false,
            Pkce::Force => true,
            Pkce::Auto if provider.provider == ProviderKind::UaePass => true,
            Pkce::Auto => match (&ends.metadata, configured(provider)) {
                (Some(metadata), _) => metadata.takes_verifier,
                (None, Some(issuer)) => {
                    self.metadata(issuer, now).await.is_ok_and(|metadata| metadata.takes_verifier)
                }
                (None, None) => false,
            },
        }
    }

    /// Exchanges a code for tokens (RFC 6749, section 4.1.3).
    async fn tokens(
        &self,
        provider: &Provider,
        known: &Known,
        ends: &Ends,
        answer: Answer<'_>,
    ) -> Result<Value, ProviderError> {
        let secret = match provider.provider {
            ProviderKind::Apple => apple::secret(provider, answer.now)?,
            _ => provider.secret().to_owned(),
        };
        let mut headers = vec![("accept", "application/json".to_owned())];
        let says_header = ends.metadata.as_ref().is_none_or(|metadata| metadata.takes_header);
        let in_header = known.credentials_in == SecretIn::Header
            || (known.credentials_in == SecretIn::AsItSays && says_header);
        let body = if known.credentials_in == SecretIn::Json {
            json!({
                "clientId": provider.client_id,
                "clientSecret": secret,
                "code": answer.code,
                "grantType": "authorization_code",
            })
            .to_string()
        } else {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "authorization_code");
            form.append_pair("code", answer.code);
            form.append_pair("redirect_uri", answer.redirect_uri);
            if let Some(verifier) = answer.verifier {
                form.append_pair("code_verifier", verifier);
            }
            if provider.provider == ProviderKind::Line {
                // Then its tokens are signed with a key that it publishes.
                form.append_pair("id_token_key_type", "JWK");
            }
            if !in_header {
                form.append_pair("client_id", &provider.client_id);
                form.append_pair("client_secret", &secret);
            }
            form.finish()
        };
        if in_header {
            let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", part(&provider.client_id), part(&secret));
            headers.push(("authorization", format!("Basic {}", STANDARD.encode(pair))));
        }
        let body = if known.credentials_in == SecretIn::Json { Body::Json(&body) } else { Body::Form(&body) };
        web::json(&*self.web, Ask { url: &ends.token, headers: &headers, body }).await
    }

    /// What a provider says of somebody by OpenID Connect.
    async fn claims_of_token(
        &self,
        provider: &Provider,
        known: &Known,
        ends: &Ends,
        tokens: &Value,
        answer: Answer<'_>,
    ) -> Result<Map<String, Value>, ProviderError> {
        let id_token = text(tokens, "id_token").ok_or_else(|| {
            failed("it gave out no id_token: ask for the scope openid, and see that the client may have it")
        })?;
        let metadata = match (&ends.metadata, known.endpoints) {
            (Some(metadata), _) => metadata.clone(),
            (None, Endpoints::Fixed { issuer: Some(issuer), .. }) => {
                self.metadata(issuer, answer.now).await?
            }
            (None, _) => self.metadata(&microsoft_issuer(provider, id_token)?, answer.now).await?,
        };
        let expected = Expected { metadata: &metadata, audiences: &[&provider.client_id], now: answer.now };
        let claims = id_token::claims(&self.directory, &*self.web, id_token, expected).await?;
        match claims.get("nonce").and_then(Value::as_str) {
            Some(nonce) if is_same_secret(nonce.as_bytes(), answer.nonce.as_bytes()) => {}
            None if !known.has_nonce => {}
            _ => return Err(refused("its token was made for another sign-in (nonce)")),
        }
        let asks_there = matches!(known.says, Says::UserInfo)
            || (provider.provider == ProviderKind::Generic
                && provider.claims_source == ClaimsSource::UserInfo);
        if asks_there {
            return self.user_info(&metadata, tokens, &claims).await;
        }
        Ok(claims)
    }

    /// What a provider says at its endpoint for user information, which must be of the same person (OpenID Connect
    /// Core 1.0, section 5.3.2).
    async fn user_info(
        &self,
        metadata: &Metadata,
        tokens: &Value,
        claims: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ProviderError> {
        let url = metadata.user.as_deref().ok_or_else(|| misconfigured("it names no userinfo_endpoint"))?;
        let said = self.get(url, tokens).await?;
        let Value::Object(mut said) = said else { return Err(failed("its user information is no object")) };
        if said.get("sub") != claims.get("sub") {
            return Err(refused("its user information is about somebody else than its token"));
        }
        said.entry("iss").or_insert_with(|| metadata.issuer.as_str().into());
        Ok(said)
    }

    /// Asks an API of a provider with the token for it.
    async fn get(&self, url: &str, tokens: &Value) -> Result<Value, ProviderError> {
        let token = text(tokens, "access_token").unwrap_or_default();
        let headers =
            [("accept", "application/json".to_owned()), ("authorization", format!("Bearer {token}"))];
        web::json(&*self.web, Ask { url, headers: &headers, body: Body::None }).await
    }

    /// What a provider says of somebody in a way of its own.
    async fn claims_of_profile(
        &self,
        profile: profiles::Profile,
        provider: &Provider,
        known: &Known,
        ends: &Ends,
        tokens: &Value,
    ) -> Result<Map<String, Value>, ProviderError> {
        if let Some(comma) = known.granted {
            let granted: Vec<&str> =
                text(tokens, "scope").unwrap_or_default().split(comma).map(str::trim).collect();
            if provider.scope.iter().any(|scope| !granted.contains(&scope.as_str())) {
                return Err(refused("it has not granted all that is asked for in scope"));
            }
        }
        let token = text(tokens, "access_token").unwrap_or_default();
        let access = Access { provider, user: &ends.user, token, answer: tokens };
        let mut answers = Vec::new();
        for asked in (profile.asks)(&access) {
            let mut headers = vec![("accept", "application/json".to_owned())];
            headers.extend(asked.header);
            let ask = Ask { url: &asked.url, headers: &headers, body: Body::None };
            answers.push(web::json(&*self.web, ask).await?);
        }
        Ok((profile.claims)(&answers, &access))
    }
}

/// A text of an answer that is not empty.
fn text<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Refuses what comes from another provider than the one that was asked (RFC 9207).
fn check_sender(parameters: &[(String, String)], metadata: &Metadata) -> Result<(), ProviderError> {
    let named = parameters.iter().find(|(name, _)| name == "iss").map(|(_, issuer)| issuer);
    let is_right = named.map_or(!metadata.names_itself, |issuer| *issuer == metadata.issuer);
    if is_right { Ok(()) } else { Err(refused("another provider has sent the browser back (iss)")) }
}

/// The issuer of a token of Microsoft, which depends on the tenant of the person. What the token says of itself is only
/// where its keys are; that it is right is checked with them.
fn microsoft_issuer(provider: &Provider, id_token: &str) -> Result<String, ProviderError> {
    let payload = id_token.split('.').nth(1).and_then(base64url::decode).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&payload).unwrap_or_default();
    let tenant = text(&claims, "tid").and_then(|tenant| Uuid::parse_str(tenant).ok());
    let tenant = tenant.ok_or_else(|| refused("its token names no tenant"))?;
    let configured = provider.microsoft_tenant.as_deref().and_then(|tenant| Uuid::parse_str(tenant).ok());
    if configured.is_some_and(|configured| configured != tenant) {
        return Err(refused("its token is of another tenant"));
    }
    Ok(format!("https://login.microsoftonline.com/{tenant}/v2.0"))
}

#[async_trait]
impl Providers for Social {
    async fn way(
        &self,
        provider: &Provider,
        question: Question<'_>,
    ) -> Result<AuthorizationRedirect, ProviderError> {
        let known = Known::of(provider.provider);
        let ends = self.ends(provider, &known, question.now).await?;
        let is_verified = self.takes_verifier(provider, &ends, question.now).await;
        let mut url = Url::parse(&ends.ask).map_err(|_| misconfigured("where it asks is no address"))?;
        let scope = known.scopes(provider).join(" ");
        let mut parameters = vec![
            ("client_id", provider.client_id.clone()),
            ("redirect_uri", question.redirect_uri.to_owned()),
            ("response_type", "code".to_owned()),
            ("state", question.state.to_owned()),
        ];
        if !scope.is_empty() {
            parameters.push(("scope", scope));
        }
        if !matches!(known.says, Says::Profile(_)) {
            parameters.push(("nonce", question.nonce.to_owned()));
        }
        if is_verified {
            let challenge = base64url::encode(digest(&SHA256, question.verifier.as_bytes()).as_ref());
            parameters.push(("code_challenge", challenge));
            parameters.push(("code_challenge_method", "S256".to_owned()));
        }
        let hinted = |name: &str| question.hints.iter().any(|(hint, _)| hint == name);
        let own = known.parameters(provider, question.is_refresh);
        parameters.extend(own.into_iter().filter(|(name, _)| !hinted(name)));
        url.query_pairs_mut().extend_pairs(parameters).extend_pairs(question.hints);
        Ok(AuthorizationRedirect { url: url.into(), is_verified })
    }

    async fn vouched(&self, provider: &Provider, answer: Answer<'_>) -> Result<Vouched, ProviderError> {
        let known = Known::of(provider.provider);
        let ends = self.ends(provider, &known, answer.now).await?;
        if let Some(metadata) = &ends.metadata {
            check_sender(answer.parameters, metadata)?;
        }
        let mut tokens = self.tokens(provider, &known, &ends, answer).await?;
        if let Some(token) = text(&tokens, "accessToken").map(str::to_owned) {
            tokens["access_token"] = token.into();
        }
        if text(&tokens, "access_token").is_none() {
            return Err(failed("it gave out no token for the code"));
        }
        let mut claims = match known.says {
            Says::Token | Says::UserInfo => {
                self.claims_of_token(provider, &known, &ends, &tokens, answer).await?
            }
            Says::Profile(profile) => {
                self.claims_of_profile(profile, provider, &known, &ends, &tokens).await?
            }
        };
        match (provider.provider, provider.subject_source) {
            (ProviderKind::Apple, _) => {
                let user = answer.parameters.iter().find(|(name, _)| name == "user");
                apple::add_names(&mut claims, user.map(|(_, user)| user.as_str()));
            }
            (ProviderKind::Microsoft, SubjectSource::Oid) => {
                claims.insert("sub".into(), claims.get("oid").cloned().unwrap_or_default());
            }
            (ProviderKind::Microsoft, SubjectSource::Me) => {
                let me = self.get("https://graph.microsoft.com/v1.0/me", &tokens).await?;
                claims.insert("sub".into(), me.get("id").cloned().unwrap_or_default());
            }
            _ => {}
        }
        let token = |name: &str| text(&tokens, name).map(str::to_owned);
        let kept = ProviderTokens {
            id_token: token("id_token"),
            access_token: token("access_token"),
            refresh_token: token("refresh_token"),
        };
        Ok(Vouched { claims: claims::normal(&claims), tokens: kept })
    }

    async fn opened(
        &self,
        provider: &Provider,
        id_token: &str,
        now: Timestamp,
    ) -> Result<OpenedToken, ProviderError> {
        let issuer = match provider.provider {
            ProviderKind::Google => "https://accounts.google.com",
            ProviderKind::Apple => "https://appleid.apple.com",
            other => {
                let kind = other.as_str();
                return Err(ProviderError::NotTaken(format!(
                    "A provider of the kind \"{kind}\" gives apps no id_token that is taken here, google and apple do. Submit the form without id_token, and open redirect_browser_to of the answer in a browser."
                )));
            }
        };
        let metadata = self.metadata(issuer, now).await?;
        let mut audiences = vec![provider.client_id.as_str()];
        audiences.extend(provider.additional_id_token_audiences.iter().map(String::as_str));
        let expected = Expected { metadata: &metadata, audiences: &audiences, now };
        let claims = id_token::claims(&self.directory, &*self.web, id_token, expected).await?;
        let may_lack_nonce = match provider.provider {
            // Not every library of Google takes one.
            ProviderKind::Google => true,
            _ => !claims.get("nonce_supported").is_some_and(|flag| *flag == true || *flag == "true"),
        };
        Ok(OpenedToken { claims: claims::normal(&claims), may_lack_nonce })
    }
}
