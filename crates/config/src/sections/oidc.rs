//! `selfservice.methods.oidc`: providers by which people sign in.

use std::path::PathBuf;

use serde_json::Value;
use sessera_model::Secret;
use url::Url;

use crate::address::WrittenUrl;
use crate::section::{choice, section};

section! {
    /// Signing in by a provider.
    pub struct Oidc {
        /// Whether people can sign in by a provider.
        enabled: bool = false,
        /// The providers.
        config: Providers,
    }
}

section! {
    /// The providers by which people sign in.
    pub struct Providers {
        /// The address below which browsers come back from providers. Default: the public address.
        base_redirect_uri: Option<WrittenUrl>,
        /// The providers, in any order: forms show them in the order of their ids.
        providers: Vec<Provider>,
    }
}

section! {
    /// A provider by which people sign in.
    pub struct Provider {
        /// The name of the provider here. It stands in the address to which browsers come back, and in the identifiers of those who sign in by it, so it stays.
        id: String,
        /// Which provider it is: `generic` is any that speaks OpenID Connect.
        provider: ProviderKind,
        /// What forms call it. Default: its id.
        label: Option<String>,
        /// The name of this deployment at the provider.
        client_id: String,
        /// The secret of this deployment at the provider. `apple` has none.
        client_secret: Option<Secret>,
        /// Where the provider is, as its tokens name it. Everything else is found out there. `generic`, `auth0` and `salesforce` need it, `gitlab` and `uaepass` take it.
        issuer_url: Option<Url>,
        /// Where browsers are sent, in place of what the provider says of itself.
        auth_url: Option<Url>,
        /// Where codes are exchanged for tokens, in place of what the provider says of itself.
        token_url: Option<Url>,
        /// The Jsonnet program that makes an identity of what the provider says of somebody: file:// or base64://.
        mapper_url: String,
        /// What is asked for. `openid` is asked for in any case of those who speak OpenID Connect.
        scope: Vec<String>,
        /// Which claims are asked for, as OpenID Connect Core has it in section 5.5.
        requested_claims: Value,
        /// Where what the provider says of somebody comes from: its signed token, or its endpoint for user information, whose subject must be that of the token.
        claims_source: ClaimsSource = "id_token",
        /// Whether the code is bound to this deployment by PKCE (RFC 7636): `auto` where the provider says that it can. With `force` browsers come back to an address without the provider's id.
        @restricts pkce: Pkce = "auto",
        /// The tenant of `microsoft`: `common`, `organizations`, `consumers`, an id or a domain.
        @restricts microsoft_tenant: Option<String>,
        /// Where the subject comes from with `microsoft`: its token, its endpoint `me`, or the object id in its token.
        subject_source: SubjectSource = "userinfo",
        /// The team of `apple`.
        apple_team_id: Option<String>,
        /// The id of the private key of `apple`.
        apple_private_key_id: Option<String>,
        /// The private key of `apple` as PEM (PKCS #8).
        apple_private_key: Option<Secret>,
        /// For whom tokens may be meant besides `client_id` that native apps bring along.
        additional_id_token_audiences: Vec<String>,
        /// What becomes of somebody who has an account already: they sign in to it once more. `automatic` is taken as that, as in a Kratos of one's own.
        account_linking_mode: LinkingMode = "confirm_with_existing_credential",
        /// Whether traits and metadata are made anew at each sign-in.
        update_identity_on_login: Updates = "never",
        /// With which `acr` of the provider's token a session has proven two factors.
        aal2_acr_values: Vec<String>,
        /// With which `amr` of the provider's token a session has proven two factors.
        aal2_amr_values: Vec<String>,
    }
}

choice! {
    /// Which provider it is.
    pub enum ProviderKind {
        /// Any that speaks OpenID Connect.
        Generic = "generic",
        /// Amazon.
        Amazon = "amazon",
        /// Apple.
        Apple = "apple",
        /// Auth0.
        Auth0 = "auth0",
        /// `DingTalk`.
        DingTalk = "dingtalk",
        /// Discord.
        Discord = "discord",
        /// Facebook.
        Facebook = "facebook",
        /// An OAuth app of GitHub.
        GitHub = "github",
        /// A GitHub App.
        GitHubApp = "github-app",
        /// GitLab.
        GitLab = "gitlab",
        /// Google.
        Google = "google",
        /// Lark.
        Lark = "lark",
        /// LINE.
        Line = "line",
        /// The older way of `LinkedIn`.
        LinkedIn = "linkedin",
        /// `LinkedIn` by OpenID Connect.
        LinkedInV2 = "linkedin_v2",
        /// Microsoft.
        Microsoft = "microsoft",
        /// netID.
        NetId = "netid",
        /// Patreon.
        Patreon = "patreon",
        /// Salesforce.
        Salesforce = "salesforce",
        /// Slack.
        Slack = "slack",
        /// Spotify.
        Spotify = "spotify",
        /// UAE PASS.
        UaePass = "uaepass",
        /// VK.
        Vk = "vk",
        /// Yandex.
        Yandex = "yandex",
    }
}

choice! {
    /// Where what a provider says of somebody comes from.
    pub enum ClaimsSource {
        /// Its signed token.
        IdToken = "id_token",
        /// Its endpoint for user information.
        UserInfo = "userinfo",
    }
}

choice! {
    /// Whether a code is bound to this deployment.
    pub enum Pkce {
        /// Where the provider says that it can.
        Auto = "auto",
        /// Never.
        Never = "never",
        /// Always.
        Force = "force",
    }
}

choice! {
    /// Where the subject comes from.
    pub enum SubjectSource {
        /// The subject of the token.
        UserInfo = "userinfo",
        /// The id at the endpoint `me`.
        Me = "me",
        /// The object id in the token.
        Oid = "oid",
    }
}

choice! {
    /// What becomes of somebody who has an account already.
    pub enum LinkingMode {
        /// They sign in to it.
        Confirm = "confirm_with_existing_credential",
        /// They sign in to it as well.
        Automatic = "automatic",
    }
}

choice! {
    /// Whether an identity follows what its provider says.
    pub enum Updates {
        /// It stays as it was made.
        Never = "never",
        /// It follows at each sign-in.
        Automatic = "automatic",
    }
}

impl Oidc {
    /// The files of mappers, where it is on.
    pub fn mapper_files(&self) -> impl Iterator<Item = PathBuf> {
        let providers = self.config.providers.iter().filter(|_| self.enabled);
        providers.filter_map(|provider| provider.mapper_url.strip_prefix("file://").map(PathBuf::from))
    }
}

impl Provider {
    /// What forms call it.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.id)
    }

    /// The secret of this deployment at the provider; empty where there is none.
    pub fn secret(&self) -> &str {
        self.client_secret.as_ref().map(Secret::expose).unwrap_or_default()
    }
}
