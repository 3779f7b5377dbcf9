//! The known providers: where each is and what is odd about it.

use sessera_config::sections::oidc::{Provider, ProviderKind};

use crate::profiles::{self, Profile};

/// What is known of a provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Where it is.
    pub(crate) endpoints: Endpoints,
    /// How it says who somebody is.
    pub(crate) says: Says,
    /// How it is told the secret.
    pub(crate) credentials_in: SecretIn,
    /// What is asked for in any case.
    pub(crate) scope: Option<&'static str>,
    /// Parameters that are always sent to where browsers are asked.
    pub(crate) always: &'static [(&'static str, &'static str)],
    /// What is sent as `prompt`: at any time, and when somebody proves again who they are.
    pub(crate) prompt: (Option<&'static str>, Option<&'static str>),
    /// How the scopes are parted that it says it has granted, where it must have granted all.
    pub(crate) granted: Option<char>,
    /// Whether its tokens name the nonce.
    pub(crate) has_nonce: bool,
}

/// Where a provider is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Endpoints {
    /// It says so itself, at the address in the configuration.
    AsConfigured,
    /// It says so itself, at this address.
    At(&'static str),
    /// Here: where browsers are asked, and where codes are exchanged. Its tokens are those of the issuer, where it has
    /// any.
    Fixed { ask: &'static str, token: &'static str, issuer: Option<&'static str> },
    /// Below the address in the configuration, or below this one.
    Below {
        default: Option<&'static str>,
        ask: &'static str,
        token: &'static str,
        /// Where it says who somebody is.
        user: &'static str,
    },
    /// Below that of a tenant.
    Microsoft,
}

/// How a provider says who somebody is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// By a signed token, and where that is configured at its endpoint for user information.
    Token,
    /// At its endpoint for user information, whose subject is that of the token.
    UserInfo,
    /// In a way of its own.
    Profile(Profile),
}

/// How a provider is told the secret (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretIn {
    /// As it says itself.
    AsItSays,
    /// In the header `Authorization`.
    Header,
    /// In the form that asks for the token.
    Form,
    /// In JSON, by the names of `DingTalk`.
    Json,
}

/// One that speaks OpenID Connect.
const OPENID: Known = Known {
    endpoints: Endpoints::AsConfigured,
    says: Says::Token,
    credentials_in: SecretIn::AsItSays,
    scope: Some("openid"),
    always: &[],
    prompt: (None, Some("login")),
    granted: None,
    has_nonce: true,
};

/// One that speaks OAuth 2.0 only.
const fn oauth(endpoints: Endpoints, profile: Profile) -> Known {
    Known {
        endpoints,
        says: Says::Profile(profile),
        credentials_in: SecretIn::Form,
        scope: None,
        always: &[],
        prompt: (None, None),
        granted: None,
        has_nonce: false,
    }
}

const fn fixed(ask: &'static str, token: &'static str) -> Endpoints {
    Endpoints::Fixed { ask, token, issuer: None }
}

const GITHUB: Endpoints =
    fixed("https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token");

/// The prompt of those that ask only where they must.
const QUIET: (Option<&str>, Option<&str>) = (Some("none"), Some("consent"));

impl Known {
    /// What is known of a kind of provider.
    pub(crate) const fn of(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::Generic => OPENID,
            ProviderKind::Google => {
                Self { endpoints: Endpoints::At("https://accounts.google.com"), ..OPENID }
            }
            ProviderKind::Apple => Self {
                endpoints: Endpoints::Fixed {
                    ask: "https://appleid.apple.com/auth/authorize",
                    token: "https://appleid.apple.com/auth/token",
                    issuer: Some("https://appleid.apple.com"),
                },
                credentials_in: SecretIn::Form,
                ..OPENID
            },
            ProviderKind::Microsoft => {
                Self { endpoints: Endpoints::Microsoft, credentials_in: SecretIn::Form, ..OPENID }
            }
            ProviderKind::Line => Self {
                endpoints: Endpoints::At("https://access.line.me"),
                credentials_in: SecretIn::Form,
                ..OPENID
            },
            ProviderKind::LinkedInV2 => Self {
                endpoints: Endpoints::At("https://www.linkedin.com/oauth"),
                says: Says::UserInfo,
                credentials_in: SecretIn::Form,
                has_nonce: false,
                ..OPENID
            },
            ProviderKind::NetId => {
                Self { endpoints: Endpoints::At("https://broker.netid.de/"), says: Says::UserInfo, ..OPENID }
            }
            ProviderKind::Facebook => {
                let endpoints = fixed(
                    "https://facebook.com/dialog/oauth",
                    "https://graph.facebook.com/oauth/access_token",
                );
                Self {
                    scope: Some("openid"),
                    prompt: (None, Some("login")),
                    ..oauth(endpoints, profiles::FACEBOOK)
                }
            }
            ProviderKind::GitLab => {
                let endpoints = Endpoints::Below {
                    default: Some("https://gitlab.com"),
                    ask: "/oauth/authorize",
                    token: "/oauth/token",
                    user: "/oauth/userinfo",
                };
                Self { prompt: (None, Some("login")), ..oauth(endpoints, profiles::USER_INFO) }
            }
            ProviderKind::Auth0 => {
                let endpoints = Endpoints::Below {
                    default: None,
                    ask: "/authorize",
                    token: "/oauth/token",
                    user: "/userinfo",
                };
                Self { prompt: (None, Some("login")), ..oauth(endpoints, profiles::USER_INFO) }
            }
            ProviderKind::Salesforce => {
                let endpoints = Endpoints::Below {
                    default: None,
                    ask: "/services/oauth2/authorize",
                    token: "/services/oauth2/token",
                    user: "/services/oauth2/userinfo",
                };
                Self { prompt: (None, Some("login")), ..oauth(endpoints, profiles::USER_INFO) }
            }
            ProviderKind::UaePass => {
                let endpoints = Endpoints::Below {
                    default: Some("https://id.uaepass.ae"),
                    ask: "/idshub/authorize",
                    token: "/idshub/token",
                    user: "/idshub/userinfo",
                };
                Self {
                    credentials_in: SecretIn::Header,
                    always: &[("acr_values", "urn:safelayer:tws:policies:authentication:level:low")],
                    ..oauth(endpoints, profiles::UAE_PASS)
                }
            }
            ProviderKind::GitHub => Self { granted: Some(','), ..oauth(GITHUB, profiles::GITHUB) },
            ProviderKind::GitHubApp => oauth(GITHUB, profiles::GITHUB_APP),
            ProviderKind::Discord => {
                let endpoints = fixed(
                    "https://discord.com/api/v9/oauth2/authorize",
                    "https://discord.com/api/v9/oauth2/token",
                );
                Self { granted: Some(' '), prompt: QUIET, ..oauth(endpoints, profiles::DISCORD) }
            }
            ProviderKind::Slack => {
                let endpoints =
                    fixed("https://slack.com/oauth/authorize", "https://slack.com/api/oauth.access");
                Self { granted: Some(','), ..oauth(endpoints, profiles::SLACK) }
            }
            ProviderKind::Spotify => {
                let endpoints =
                    fixed("https://accounts.spotify.com/authorize", "https://accounts.spotify.com/api/token");
                Self { granted: Some(' '), ..oauth(endpoints, profiles::SPOTIFY) }
            }
            ProviderKind::LinkedIn => {
                let endpoints = fixed(
                    "https://www.linkedin.com/oauth/v2/authorization",
                    "https://www.linkedin.com/oauth/v2/accessToken",
                );
                oauth(endpoints, profiles::LINKEDIN)
            }
            ProviderKind::Amazon => {
                let endpoints = fixed("https://www.amazon.com/ap/oa", "https://api.amazon.com/auth/o2/token");
                oauth(endpoints, profiles::AMAZON)
            }
            ProviderKind::DingTalk => {
                let endpoints = fixed(
                    "https://login.dingtalk.com/oauth2/auth",
                    "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
                );
                Self {
                    credentials_in: SecretIn::Json,
                    prompt: (Some("consent"), Some("consent")),
                    ..oauth(endpoints, profiles::DINGTALK)
                }
            }
            ProviderKind::Lark => {
                let endpoints = fixed(
                    "https://passport.feishu.cn/suite/passport/oauth/authorize",
                    "https://passport.feishu.cn/suite/passport/oauth/token",
                );
                oauth(endpoints, profiles::LARK)
            }
            ProviderKind::Patreon => {
                let endpoints = fixed(
                    "https://www.patreon.com/oauth2/authorize",
                    "https://www.patreon.com/api/oauth2/token",
                );
                Self { prompt: QUIET, ..oauth(endpoints, profiles::PATREON) }
            }
            ProviderKind::Vk => {
                let endpoints = fixed("https://oauth.vk.com/authorize", "https://oauth.vk.com/access_token");
                oauth(endpoints, profiles::VK)
            }
            ProviderKind::Yandex => {
                let endpoints = fixed("https://oauth.yandex.com/authorize", "https://oauth.yandex.com/token");
                oauth(endpoints, profiles::YANDEX)
            }
        }
    }

    /// What is asked for.
    pub(crate) fn scopes(&self, provider: &Provider) -> Vec<String> {
        let mut scopes = provider.scope.clone();
        if let Some(own) = self.scope.filter(|own| !scopes.iter().any(|scope| scope == own)) {
            scopes.push(own.to_owned());
        }
        if provider.provider == ProviderKind::Google {
            // Google knows it as a parameter of its own.
            scopes.retain(|scope| scope != "offline_access");
        }
        scopes
    }

    /// What else is sent to where browsers are asked.
    pub(crate) fn parameters(&self, provider: &Provider, is_refresh: bool) -> Vec<(&'static str, String)> {
        let mut parameters: Vec<_> =
            self.always.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let prompt = if is_refresh { self.prompt.1 } else { self.prompt.0 };
        parameters.extend(prompt.map(|prompt| ("prompt", prompt.to_owned())));
        let asks_for = |scope: &str| provider.scope.iter().any(|asked| asked == scope);
        match provider.provider {
            ProviderKind::Google if asks_for("offline_access") => {
                parameters.push(("access_type", "offline".into()));
            }
            // Apple then sends the browser back by a form.
            ProviderKind::Apple if asks_for("email") || asks_for("name") => {
                parameters.push(("response_mode", "form_post".into()));
            }
            _ => {}
        }
        let has_claims = matches!(self.says, Says::Token | Says::UserInfo);
        if has_claims && provider.requested_claims.is_object() {
            parameters.push(("claims", provider.requested_claims.to_string()));
        }
        parameters
    }
}
