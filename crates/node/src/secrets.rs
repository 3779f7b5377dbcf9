//! The database that a configuration names, and the secrets: those that are configured, else those that are kept beside
//! the file of the database.

use std::path::PathBuf;

use sessera_config::sections::secrets::{CipherSecret, CookieSecret};
use sessera_config::{Config, Problem};
use sessera_model::{Random, Secret};
use sessera_store::parameters::without_effect_in;
use sessera_store::{Engine, StoreError, secrets_file};

/// Why there are no secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Nodes that share a database must share their secrets, so they are not made up.
    #[error(
        "secrets.cipher and secrets.cookie are not configured. With a database that several nodes share they must be, the same for all, and kept as safely as the database's backup. Put this into the configuration of every node:\nsecrets:\n  cipher: [\"{cipher}\"]\n  cookie: [\"{cookie}\"]"
    )]
    NoSecrets {
        /// A new secret to encrypt with.
        cipher: String,
        /// A new secret for cookies.
        cookie: String,
    },
    /// A secret that is kept beside the database can be guessed.
    #[error("{}: {weakness}. Configure the new secret in front of the old one as secrets.cipher, or as secrets.cookie, and see \"sessera secrets rotate --help\"", file.display())]
    WeakSecret {
        /// The file in which it stands.
        file: PathBuf,
        /// Why, and how a better one is made.
        weakness: String,
    },
    /// They cannot be kept beside the database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The database that a configuration names. The error has the pointer of the key that is to blame.
pub fn engine(config: &Config) -> Result<Engine, (&'static str, StoreError)> {
    let engine = Engine::of(&config.dsn).map_err(|error| ("/dsn", error))?;
    match &config.dsn_read_only {
        Some(standbys) => engine.with_standbys(standbys).map_err(|error| ("/dsn_read_only", error)),
        None => Ok(engine),
    }
}

/// What there is to say about parameters of the database's address that have no effect.
pub fn without_effect(config: &Config) -> Vec<Problem> {
    let of_key = |pointer: &'static str, dsn: &str| {
        without_effect_in(dsn).into_iter().map(move |sentence| Problem::new(pointer, sentence))
    };
    let standbys = config.dsn_read_only.iter().flat_map(|dsn| of_key("/dsn_read_only", dsn));
    of_key("/dsn", &config.dsn).chain(standbys).collect()
}

/// The secrets to encrypt with that are configured. An error where some are missing, because nothing is made up.
pub fn configured(config: &Config, random: &dyn Random) -> Result<Vec<Secret>, SecretsError> {
    let given = &config.secrets;
    if given.cipher.is_empty() || given.cookie.is_empty() {
        return Err(SecretsError::NoSecrets { cipher: random.base64url(24), cookie: random.base64url(24) });
    }
    Ok(given.cipher.clone())
}

/// The secrets to encrypt with, and the one for cookies where that is not configured. Those that are not configured are
/// kept beside the file of the database, where they are made at the first start.
pub fn load(
    config: &Config,
    engine: &Engine,
    random: &dyn Random,
) -> Result<(Vec<Secret>, Option<Secret>), SecretsError> {
    let given = &config.secrets;
    let Engine::Sqlite(file) = engine else {
        return configured(config, random).map(|cipher| (cipher, None));
    };
    if !given.cipher.is_empty() && !given.cookie.is_empty() {
        return Ok((given.cipher.clone(), None));
    }
    let kept = secrets_file::load_or_create(file, random)?;
    let weakness = [CipherSecret::weakness(&kept.cipher), CookieSecret::weakness(&kept.cookie)];
    if let Some(weakness) = weakness.into_iter().flatten().next() {
        return Err(SecretsError::WeakSecret { file: secrets_file::path_beside(file), weakness });
    }
    let cipher = if given.cipher.is_empty() { vec![kept.cipher] } else { given.cipher.clone() };
    Ok((cipher, given.cookie.is_empty().then_some(kept.cookie)))
}
