//! Credentials that are imported with an identity.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sessera_accounts::identities::PreparedIdentity;
use sessera_accounts::imports::{ImportError, ImportedPassword, Imports};
use sessera_accounts::linked::{LinkedAccount, ProviderTokens};
use sessera_accounts::methods::lookup_secret::PrintedCode;
use sessera_accounts::methods::public_keys::ImportedPasskeys;
use sessera_accounts::password::{HashAlgorithm, PasswordHashing};
use sessera_model::{Secret, Timestamp};
use utoipa::ToSchema;

use sessera_contract::answer::ApiError;

/// Credentials to be imported.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentials)]
pub(super) struct CredentialsBody {
    /// A password.
    #[serde(default)]
    password: Option<PasswordBody>,
    /// Accounts at other providers.
    #[serde(default)]
    oidc: Option<LinkedBody>,
    /// An authenticator app.
    #[serde(default)]
    totp: Option<TotpBody>,
    /// Printed codes.
    #[serde(default)]
    lookup_secret: Option<PrintedCodesBody>,
    /// Security keys.
    #[serde(default)]
    webauthn: Option<PasskeysBody>,
    /// Passkeys.
    #[serde(default)]
    passkey: Option<PasskeysBody>,
    /// Other kinds, which are refused.
    #[serde(flatten)]
    #[schema(ignore)]
    others: Map<String, Value>,
}

/// A password to be imported.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsPassword)]
struct PasswordBody {
    /// The password as text or as a hash.
    #[serde(default, deserialize_with = "object")]
    config: PasswordConfigBody,
}

/// The password as text or as a hash.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentialsPasswordConfig)]
struct PasswordConfigBody {
    /// A hash: bcrypt, argon2id, argon2i, pbkdf2, scrypt, firescrypt, `$md5-crypt$`, `$sha512-crypt$`, `$hmac-sha256$`,
    /// `$md5$`, `$sha256$`, `{SSHA512}`.
    #[serde(default)]
    hashed_password: Option<String>,
    /// The password itself, which is hashed as configured.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
    /// Whether another system keeps the password, which is asked when its owner signs in for the first time
    /// (`selfservice.methods.password.config.migrate_hook`). It goes before the others.
    #[serde(default)]
    use_password_migration_hook: bool,
}

/// Accounts at other providers, to be imported.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsOidc)]
struct LinkedBody {
    /// The accounts.
    #[serde(default, deserialize_with = "object")]
    config: LinkedConfigBody,
}

/// Accounts at other providers.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentialsOidcConfig)]
struct LinkedConfigBody {
    /// The accounts.
    #[serde(default)]
    providers: Option<Vec<AccountBody>>,
}

/// An account at another provider.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsOidcConfigProvider)]
struct AccountBody {
    /// By what the provider knows the person, which is `sub` in its tokens.
    #[serde(default)]
    subject: String,
    /// The provider's id in the configuration.
    #[serde(default)]
    provider: String,
    /// Refused: an account is found by its subject.
    #[serde(default)]
    use_auto_link: bool,
}

/// An authenticator app to be imported.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsTotp)]
struct TotpBody {
    /// What the app knows.
    #[serde(default, deserialize_with = "object")]
    config: TotpConfigBody,
}

/// What an authenticator app knows.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentialsTotpConfig)]
struct TotpConfigBody {
    /// The address that the app has read: `otpauth://totp/NAME?secret=BASE32`.
    #[serde(default)]
    #[schema(value_type = String)]
    totp_url: Option<Secret>,
}

/// Printed codes to be imported.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsLookupSecret)]
struct PrintedCodesBody {
    /// The codes.
    #[serde(default, deserialize_with = "object")]
    config: PrintedCodesConfigBody,
}

/// Printed codes.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentialsLookupSecretConfig)]
struct PrintedCodesConfigBody {
    /// The codes. A credential that was exported calls them `recovery_codes`, which is taken too.
    #[serde(default, alias = "recovery_codes")]
    codes: Option<Vec<PrintedCodeBody>>,
}

/// A printed code.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsLookupSecretCode)]
struct PrintedCodeBody {
    /// The code.
    #[serde(default)]
    code: String,
    /// When it was used (RFC 3339).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    used_at: Option<Timestamp>,
}

/// Passkeys or security keys to be imported.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsPasskey)]
struct PasskeysBody {
    /// The passkeys.
    #[serde(default, deserialize_with = "object")]
    config: PasskeysConfigBody,
}

/// Passkeys or security keys.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentialsPasskeyConfig)]
struct PasskeysConfigBody {
    /// Each with `id` and `public_key` in base64, and with `display_name`, `added_at`, `is_passwordless`, `authenticator`
    /// and `flags` as Kratos has them.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    credentials: Vec<Value>,
    /// By what passkeys name their owner, in base64.
    #[serde(default)]
    user_handle: Option<String>,
}

/// Reads an object. A list of its members in their order, which serde takes too, is refused.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let members = Map::deserialize(deserializer)?;
    T::deserialize(Value::Object(members)).map_err(D::Error::custom)
}

impl CredentialsBody {
    /// Whether a password has to be hashed.
    pub(super) fn has_cleartext_password(&self) -> bool {
        self.password.as_ref().is_some_and(|password| password.config.cleartext().is_some())
    }

    /// Puts the credentials into an identity.
    pub(super) async fn import_into(
        self,
        prepared: &mut PreparedIdentity,
        passwords: &PasswordHashing,
        hashing: HashAlgorithm,
    ) -> Result<(), ApiError> {
        if let Some(kind) = self.others.iter().find(|(_, value)| !value.is_null()).map(|(kind, _)| kind) {
            let kind: String = kind.chars().take(64).collect();
            return Err(ApiError::bad_request(format!(
                "Credentials of the kind \"{kind}\" cannot be imported. Those that can are password, oidc, totp, lookup_secret, webauthn and passkey. Leave it out."
            )));
        }
        let imports = Imports {
            password: self.password.map(|password| password.config.imported()).transpose()?,
            linked: self.oidc.map(|oidc| oidc.config.imported()).transpose()?.flatten(),
            totp_url: self.totp.map(|totp| totp.config.totp_url.unwrap_or_else(|| "".into())),
            printed_codes: self.lookup_secret.map(|codes| codes.config.imported()).transpose()?.flatten(),
            webauthn: self.webauthn.map(|keys| keys.config.imported()),
            passkeys: self.passkey.map(|passkeys| passkeys.config.imported()),
        };
        Ok(imports.put_into(prepared, passwords, hashing).await?)
    }
}

impl PasswordConfigBody {
    fn cleartext(&self) -> Option<&Secret> {
        self.password.as_ref().filter(|password| !password.expose().is_empty())
    }

    fn imported(self) -> Result<ImportedPassword, ImportError> {
        if self.use_password_migration_hook {
            return Ok(ImportedPassword::Elsewhere);
        }
        match (self.cleartext().cloned(), self.hashed_password) {
            (Some(password), _) => Ok(ImportedPassword::Plain(password)),
            (None, Some(hash)) => Ok(ImportedPassword::Hash(hash)),
            (None, None) => Err(ImportError::NoPassword),
        }
    }
}

impl LinkedConfigBody {
    /// `None` when there is none.
    fn imported(self) -> Result<Option<Vec<LinkedAccount>>, ApiError> {
        let accounts = self.providers.unwrap_or_default();
        if accounts.iter().any(|account| account.use_auto_link) {
            return Err(ApiError::bad_request(
                "An account at another provider is found by its subject. Name it, and leave use_auto_link out of credentials.oidc.config.providers.",
            ));
        }
        let account = |AccountBody { subject, provider, .. }| LinkedAccount {
            provider,
            subject,
            tokens: ProviderTokens::default(),
        };
        Ok((!accounts.is_empty()).then(|| accounts.into_iter().map(account).collect()))
    }
}

impl PrintedCodesConfigBody {
    /// `None` when there is none.
    fn imported(self) -> Result<Option<Vec<PrintedCode>>, ApiError> {
        let codes = self.codes.ok_or_else(|| {
            ApiError::bad_request(
                "credentials.lookup_secret.config has no codes. Give them as a list of objects with the member code.",
            )
        })?;
        let code = |PrintedCodeBody { code, used_at }| PrintedCode { code, used_at };
        Ok(Some(codes.into_iter().map(code).collect()).filter(|codes: &Vec<_>| !codes.is_empty()))
    }
}

impl PasskeysConfigBody {
    fn imported(self) -> ImportedPasskeys {
        ImportedPasskeys { credentials: self.credentials, user_handle: self.user_handle }
    }
}
