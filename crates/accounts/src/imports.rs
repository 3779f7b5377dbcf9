//! Credentials that an administrator brings along from elsewhere.
//!
//! What is there already stays beside what is new, as far as a person can have several: accounts at
//! other providers, printed codes, passkeys. A password and an authenticator app replace those before them. What could never work is refused.

use serde_json::json;
use sessera_model::{CredentialKind, Secret};

use crate::identities::PreparedIdentity;
use crate::linked::{LinkedAccount, LinkedAccounts};
use crate::methods::lookup_secret::{self, PrintedCode};
use crate::methods::password::KEPT_ELSEWHERE;
use crate::methods::public_keys::{self, ImportedPasskeys};
use crate::methods::totp;
use crate::password::{HashAlgorithm, PasswordError, PasswordHashing, StoredHash};

/// The longest name of a provider and the longest subject, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// How many accounts at other providers a person can have.
const MAX_LINKED: usize = 100;

/// Why credentials cannot be imported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// The password or its hash cannot be used.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A password is announced and not there.
    #[error(
        "credentials.password.config has neither password nor hashed_password nor use_password_migration_hook: true. Give one of them."
    )]
    NoPassword,
    /// Nobody could sign in with the password.
    #[error(
        "There is a password, but the traits hold nothing to sign in with. Fill in the trait that the identity schema marks as identifier."
    )]
    NoIdentifier,
    /// The content of a credential makes no sense.
    #[error("credentials.{}.config cannot be imported: {problem}.", .kind.as_str())]
    Malformed {
        /// The kind of the credential.
        kind: CredentialKind,
        /// What is wrong and what to do.
        problem: &'static str,
    },
}

/// A password as it is brought along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportedPassword {
    /// The password itself.
    Plain(Secret),
    /// A hash of it.
    Hash(String),
    /// Another system keeps it, and is asked when its owner signs in.
    Elsewhere,
}

/// The credentials of one person as they are brought along.
#[derive(Clone, Default)]
pub struct Imports {
    /// A password.
    pub password: Option<ImportedPassword>,
    /// Accounts at other providers, without tokens.
    pub linked: Option<Vec<LinkedAccount>>,
    /// The address that an authenticator app has read.
    pub totp_url: Option<Secret>,
    /// Printed codes.
    pub printed_codes: Option<Vec<PrintedCode>>,
    /// Security keys.
    pub webauthn: Option<ImportedPasskeys>,
    /// Passkeys.
    pub passkeys: Option<ImportedPasskeys>,
}

impl Imports {
    /// Puts the credentials into an identity. The rules for new passwords are not asked: who moves here must be able to
    /// sign in as before.
    pub async fn put_into(
        self,
        prepared: &mut PreparedIdentity,
        passwords: &PasswordHashing,
        hashing: HashAlgorithm,
    ) -> Result<(), ImportError> {
        if let Some(password) = self.password {
            let hash = match password {
                ImportedPassword::Plain(password) => Some(passwords.hash(hashing, password.expose()).await?),
                ImportedPassword::Hash(hash) => Some(StoredHash::parse(&hash)?.to_text()),
                ImportedPassword::Elsewhere => None,
            };
            if prepared.identifiers(CredentialKind::Password).is_empty() {
                return Err(ImportError::NoIdentifier);
            }
            match hash {
                Some(hash) => prepared.set_password(hash),
                None => prepared.set_config(CredentialKind::Password, json!({ KEPT_ELSEWHERE: true })),
            }
        }
        if let Some(linked) = self.linked {
            link(prepared, &linked)?;
        }
        let own_id = vec![prepared.identity.id.to_string()];
        if let Some(url) = self.totp_url {
            let kind = CredentialKind::Totp;
            let config = totp::imported(url.expose()).map_err(|problem| malformed(kind, problem))?;
            prepared.set_credential(kind, own_id.clone(), config);
        }
        if let Some(codes) = self.printed_codes {
            let kind = CredentialKind::LookupSecret;
            let config = lookup_secret::imported(prepared.credentials(), codes);
            prepared.set_credential(kind, own_id, config.map_err(|problem| malformed(kind, problem))?);
        }
        for (kind, passkeys) in
            [(CredentialKind::Webauthn, self.webauthn), (CredentialKind::Passkey, self.passkeys)]
        {
            if let Some(passkeys) = passkeys {
                let (identifiers, config) = public_keys::imported(kind, prepared.credentials(), passkeys)
                    .map_err(|problem| malformed(kind, problem))?;
                match kind {
                    CredentialKind::Webauthn => prepared.set_config(kind, config),
                    _ => prepared.set_credential(kind, identifiers, config),
                }
            }
        }
        Ok(())
    }
}

const fn malformed(kind: CredentialKind, problem: &'static str) -> ImportError {
    ImportError::Malformed { kind, problem }
}

fn link(prepared: &mut PreparedIdentity, new: &[LinkedAccount]) -> Result<(), ImportError> {
    let kind = CredentialKind::Oidc;
    let mut linked = LinkedAccounts::among(prepared.credentials());
    for account in new {
        let is_name = |text: &str| !text.is_empty() && text.len() <= MAX_NAME_BYTES;
        if !is_name(&account.provider) || !is_name(&account.subject) {
            return Err(malformed(kind, "each of its providers has provider and subject, of 1 to 255 bytes"));
        }
        linked.bring(account);
        if linked.count() > MAX_LINKED {
            return Err(malformed(kind, "a person can have 100 accounts at other providers at the most"));
        }
    }
    prepared.set_credential(kind, linked.identifiers(), linked.content());
    Ok(())
}
