//! Accounts at other providers, by which somebody signs in: the content of the credential `oidc`.
//!
//! The form is that of Ory Kratos, so that what is moved here can be used, and clients find what they know:
//! `{"providers": [{"provider", "subject", "initial_id_token", "initial_access_token", "initial_refresh_token"}]}`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sessera_model::{Credential, CredentialKind, Identity, Timestamp};
use sessera_store::Change;
use sessera_store::records::CredentialOf;

/// The version of the form of the content.
const VERSION: i64 = 0;

/// The longest token that is kept, in bytes. A longer one is left out.
const MAX_TOKEN: usize = 4096;

/// The tokens that a provider gave out when an account was linked.
#[derive(Clone, Default, Deserialize, Serialize)]
pub struct ProviderTokens {
    /// What it says of the person.
    pub id_token: Option<String>,
    /// With which its APIs are asked.
    pub access_token: Option<String>,
    /// With which others are fetched.
    pub refresh_token: Option<String>,
}

impl fmt::Debug for ProviderTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderTokens(..)")
    }
}

/// An account at another provider.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LinkedAccount {
    /// The provider, by the name that the configuration has for it.
    pub provider: String,
    /// What the provider calls the person.
    pub subject: String,
    /// Its first tokens.
    pub tokens: ProviderTokens,
}

impl LinkedAccount {
    /// By what somebody with this account is found.
    pub fn identifier(&self) -> String {
        format!("{}:{}", self.provider, self.subject)
    }

    fn to_json(&self) -> Value {
        let kept = |token: Option<&str>| {
            token.filter(|token| token.len() <= MAX_TOKEN).unwrap_or_default().to_owned()
        };
        json!({
            "subject": self.subject,
            "provider": self.provider,
            "initial_id_token": kept(self.tokens.id_token.as_deref()),
            "initial_access_token": kept(self.tokens.access_token.as_deref()),
            "initial_refresh_token": kept(self.tokens.refresh_token.as_deref()),
        })
    }
}

/// The accounts at other providers of one person, as they are kept.
#[derive(Clone, Default)]
pub struct LinkedAccounts(Vec<Map<String, Value>>);

impl fmt::Debug for LinkedAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkedAccounts({})", self.0.len())
    }
}

fn text<'a>(account: &'a Map<String, Value>, member: &str) -> &'a str {
    account.get(member).and_then(Value::as_str).unwrap_or_default()
}

impl LinkedAccounts {
    /// Those among the credentials of somebody.
    pub fn among(credentials: &[Credential]) -> Self {
        let found = credentials.iter().find(|credential| credential.kind == CredentialKind::Oidc);
        let providers = found.and_then(|credential| credential.config.expose().get("providers")?.as_array());
        let accounts = providers.into_iter().flatten().filter_map(Value::as_object);
        let is_one = |account: &&Map<String, Value>| {
            !text(account, "provider").is_empty() && !text(account, "subject").is_empty()
        };
        Self(accounts.filter(is_one).cloned().collect())
    }

    /// The providers, one for each account.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|account| text(account, "provider"))
    }

    /// Whether there is an account at a provider.
    pub fn has(&self, provider: &str) -> bool {
        self.providers().any(|known| known == provider)
    }

    /// Adds an account, in place of the same one.
    pub fn add(&mut self, account: &LinkedAccount) {
        let is_same = |known: &Map<String, Value>| {
            text(known, "provider") == account.provider && text(known, "subject") == account.subject
        };
        self.0.retain(|known| !is_same(known));
        if let Value::Object(members) = account.to_json() {
            self.0.push(members);
        }
    }

    /// Adds an account that was brought along without tokens. One that is there already stays as it is, with its tokens.
    pub fn bring(&mut self, account: &LinkedAccount) {
        if !self.identifiers().contains(&account.identifier()) {
            self.add(account);
        }
    }

    /// By what somebody with these accounts is found.
    pub fn identifiers(&self) -> Vec<String> {
        let identifier = |account: &Map<String, Value>| {
            format!("{}:{}", text(account, "provider"), text(account, "subject"))
        };
        self.0.iter().map(identifier).collect()
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// Takes one account away, by what it is found. Whether it was there.
    pub fn remove_one(&mut self, identifier: &str) -> bool {
        let place = self.identifiers().iter().position(|known| known == identifier);
        place.map(|place| self.0.remove(place)).is_some()
    }

    /// Takes the accounts at a provider away.
    pub fn remove(&mut self, provider: &str) {
        self.0.retain(|account| text(account, "provider") != provider);
    }

    /// The credential with these accounts. It stays when there are none left.
    pub fn credential(&self, now: Timestamp) -> Credential {
        Credential {
            kind: CredentialKind::Oidc,
            identifiers: self.identifiers(),
            config: self.content().into(),
            version: VERSION,
            created_at: now,
            updated_at: now,
        }
    }

    /// The content of that credential.
    pub fn content(&self) -> Value {
        json!({ "providers": self.0 })
    }

    /// The change that keeps these accounts of somebody whose credentials are given.
    pub fn keep(&self, identity: &Identity, credentials: &[Credential], now: Timestamp) -> Change {
        let stored = credentials.iter().find(|credential| credential.kind == CredentialKind::Oidc);
        let mut credential = self.credential(now);
        if let Some(stored) = stored {
            credential.created_at = stored.created_at;
        }
        Change::PutCredential(CredentialOf { identity_id: identity.id, credential })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(provider: &str, subject: &str) -> LinkedAccount {
        let tokens = ProviderTokens { access_token: Some("secret".into()), ..ProviderTokens::default() };
        LinkedAccount { provider: provider.into(), subject: subject.into(), tokens }
    }

    #[test]
    fn accounts_are_kept_as_kratos_keeps_them() {
        let now = Timestamp::from_seconds(5);
        let mut linked = LinkedAccounts::default();
        for (provider, subject) in [("a", "1"), ("b", "2"), ("a", "1")] {
            linked.add(&account(provider, subject));
        }
        let credential = linked.credential(now);
        assert_eq!(
            (credential.identifiers.clone(), credential.version),
            (vec!["b:2".into(), "a:1".into()], 0)
        );
        let kept = &credential.config.expose()["providers"][1];
        assert_eq!(
            (&kept["initial_access_token"], &kept["initial_id_token"]),
            (&json!("secret"), &json!(""))
        );
        let mut again = LinkedAccounts::among(&[credential]);
        assert!(again.has("a") && again.has("b") && !again.has("c"));
        again.remove("a");
        again.remove("b");
        let empty = again.credential(now);
        assert_eq!((empty.identifiers.len(), empty.config.expose()), (0, &json!({"providers": []})));
    }

    #[test]
    fn what_is_brought_along_leaves_the_tokens_of_others_alone_and_goes_one_by_one() {
        let mut linked = LinkedAccounts::default();
        linked.add(&account("a", "1"));
        let bare =
            |subject: &str| LinkedAccount { tokens: ProviderTokens::default(), ..account("a", subject) };
        linked.bring(&bare("1"));
        linked.bring(&bare("2"));
        assert_eq!(linked.identifiers(), ["a:1", "a:2"]);
        assert_eq!(linked.content()["providers"][0]["initial_access_token"], "secret");
        assert!(linked.remove_one("a:1") && !linked.remove_one("a:1"));
        assert_eq!((linked.identifiers(), linked.count()), (vec!["a:2".to_owned()], 1));
    }

    #[test]
    fn what_is_no_account_does_not_count_and_long_tokens_are_left_out() {
        let mut credential = LinkedAccounts::default().credential(Timestamp::default());
        credential.config = json!({"providers": [{"provider": "a"}, {"subject": "1"}, 5, {"provider": "a", "subject": "1", "x": 1}]}).into();
        let linked = LinkedAccounts::among(&[credential]);
        assert_eq!(linked.providers().count(), 1);
        assert_eq!(linked.credential(Timestamp::default()).config.expose()["providers"][0]["x"], 1);
        let mut long = account("a", "1");
        long.tokens.access_token = Some("x".repeat(MAX_TOKEN + 1));
        assert_eq!(long.to_json()["initial_access_token"], "");
        assert!(!format!("{:?}", account("a", "1")).contains("secret"));
    }
}
