//! Tokens of the admin API: they are made, listed, recognised and deleted.

use std::sync::Arc;
use std::time::Duration;

use sessera_model::{Clock, Random, Role, Secret, TokenHash};
use sessera_store::{AdminToken, Change, Committer, Conflict, Store, StoreError};

/// What every token begins with, so that people and scanners for secrets know one when they see it.
const PREFIX: &str = "sessera_admin_";

/// The longest name in characters.
const MAX_NAME: usize = 64;

/// The most tokens that there are at a time.
const MAX_TOKENS: usize = 1000;

/// A token of the admin API could not be made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum AdminTokenError {
    /// The name cannot stand in a path and a log without surprises.
    #[error(
        "the name of an admin token has 1 to {MAX_NAME} characters of A-Z, a-z, 0-9, and -, _ and . between them"
    )]
    Name,
    /// It would have ended already.
    #[error("the admin token would be over when it is made: give it some time, for example 90d")]
    Over,
    /// There is one with this name already.
    #[error("there is an admin token \"{0}\" already")]
    Taken(String),
    /// There is none with this name.
    #[error("there is no admin token \"{0}\"")]
    Missing(String),
    /// There are as many as there may be.
    #[error("there are {MAX_TOKENS} admin tokens already: delete those that nobody uses")]
    TooMany,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token that was just made. Nobody can ever see it again.
#[derive(Debug)]
pub struct MadeToken {
    /// What is kept of it.
    pub kept: AdminToken,
    /// The token.
    pub token: Secret,
}

/// The tokens of the admin API.
pub struct AdminTokens {
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl AdminTokens {
    /// The tokens in a store.
    pub fn new(
        store: Arc<dyn Store>,
        committer: Committer,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { store, committer, clock, random }
    }

    /// Makes a token, which is good for a time or for ever.
    pub async fn create(
        &self,
        name: &str,
        role: Role,
        lifespan: Option<Duration>,
    ) -> Result<MadeToken, AdminTokenError> {
        if !is_name(name) {
            return Err(AdminTokenError::Name);
        }
        if lifespan.is_some_and(|lifespan| lifespan.is_zero()) {
            return Err(AdminTokenError::Over);
        }
        if self.store.admin_tokens().await?.len() >= MAX_TOKENS {
            return Err(AdminTokenError::TooMany);
        }
        let token = Secret::new(format!("{PREFIX}{}", self.random.token()));
        let now = self.clock.now();
        let kept = AdminToken {
            name: name.to_owned(),
            role,
            hash: TokenHash::of(token.expose()),
            created_at: now,
            expires_at: lifespan.map(|lifespan| now + lifespan),
        };
        match self.committer.commit(&[Change::InsertAdminToken(kept.clone())]).await {
            Err(StoreError::Conflict(Conflict::Changed)) => Err(AdminTokenError::Taken(kept.name)),
            other => Ok(other.map(|()| MadeToken { kept, token })?),
        }
    }

    /// All tokens, ordered by name, those that have ended among them.
    pub async fn all(&self) -> Result<Vec<AdminToken>, StoreError> {
        self.store.admin_tokens().await
    }

    /// Deletes a token, which from then on opens nothing.
    pub async fn delete(&self, name: &str) -> Result<(), AdminTokenError> {
        match self.committer.commit(&[Change::DeleteAdminToken(name.to_owned())]).await {
            Err(StoreError::Conflict(Conflict::Missing)) => Err(AdminTokenError::Missing(name.to_owned())),
            other => Ok(other?),
        }
    }

    /// Whether a text could be one of these tokens, so that it is worth looking for.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The token that somebody presents, if it is good now.
    pub async fn recognise(&self, presented: &str) -> Result<Option<AdminToken>, StoreError> {
        if !Self::is_one(presented) {
            return Ok(None);
        }
        let found = self.store.admin_token(&TokenHash::of(presented)).await?;
        Ok(found.filter(|token| self.is_good(token)))
    }

    /// The token with this name, if it is good now.
    pub async fn named(&self, name: &str) -> Result<Option<AdminToken>, StoreError> {
        let all = self.store.admin_tokens().await?;
        Ok(all.into_iter().find(|token| token.name == name).filter(|token| self.is_good(token)))
    }

    fn is_good(&self, token: &AdminToken) -> bool {
        let now = self.clock.now();
        token.expires_at.is_none_or(|end| now < end)
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric();
    let (first, last) = (name.as_bytes().first(), name.as_bytes().last());
    name.len() <= MAX_NAME
        && first.is_some_and(is_plain)
        && last.is_some_and(is_plain)
        && name.bytes().all(|byte| is_plain(&byte) || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_testing::TestStore;

    #[tokio::test]
    async fn a_token_is_good_until_it_ends_or_is_deleted_and_only_its_hash_is_kept() {
        let TestStore { store, clock, random, folder: _folder } = TestStore::open().await.unwrap();
        let committer = Committer::new(store.clone(), vec![]);
        let tokens = AdminTokens::new(store.clone(), committer, clock.clone(), random);
        let day = Duration::from_hours(24);
        let ci = tokens.create("ci", Role::Operator, Some(day)).await.unwrap();
        let me = tokens.create("me.1", Role::Owner, None).await.unwrap();
        let is_good = async |made: &MadeToken| {
            let found = tokens.recognise(made.token.expose()).await.unwrap();
            let named = tokens.named(&made.kept.name).await.unwrap();
            assert_eq!(named, found);
            found.inspect(|found| assert_eq!(*found, made.kept)).is_some()
        };
        assert!(is_good(&ci).await && is_good(&me).await);
        assert_eq!(tokens.recognise(&format!("{}x", ci.token.expose())).await.unwrap(), None);
        assert_eq!(tokens.recognise("sessera_admin_").await.unwrap(), None);
        assert!(!format!("{ci:?} {:?}", tokens.all().await.unwrap()).contains(ci.token.expose()));
        clock.advance(day);
        assert!(!is_good(&ci).await && is_good(&me).await);
        tokens.delete("me.1").await.unwrap();
        assert!(!is_good(&me).await);
        assert!(matches!(tokens.delete("me.1").await, Err(AdminTokenError::Missing(_))));
        // One that has ended keeps its name until somebody takes it away.
        assert!(matches!(
            tokens.create("ci", Role::Viewer, None).await,
            Err(AdminTokenError::Taken(name)) if name == "ci"
        ));
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused() {
        let TestStore { store, clock, random, folder: _folder } = TestStore::open().await.unwrap();
        let committer = Committer::new(store.clone(), vec![]);
        let tokens = AdminTokens::new(store, committer, clock, random);
        for name in ["", ".", "a/b", "a b", "-a", "a.", "\u{e4}", "a\n", &"a".repeat(65)] {
            let refused = tokens.create(name, Role::Viewer, None).await;
            assert!(matches!(refused, Err(AdminTokenError::Name)), "{name}");
        }
        let over = tokens.create("a", Role::Viewer, Some(Duration::ZERO)).await;
        assert!(matches!(over, Err(AdminTokenError::Over)));
        assert!(tokens.create(&"a".repeat(64), Role::Viewer, None).await.is_ok());
    }
}
