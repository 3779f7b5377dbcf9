//! What there is to say about a configuration before anything runs with it.

use sessera_config::{Config, ConfigFile, Problem};
use sessera_model::SystemRandom;
use sessera_pages::Branding;
use sessera_store::Engine;
use sessera_store::exposed::Exposed;

use crate::exposed_files;
use crate::secrets;

/// What there is to say about a configuration, as far as it can be known without its database and its ports.
#[derive(Debug)]
pub struct Judgement {
    /// What keeps a server from starting. Templates are not looked at: broken ones do not.
    pub wrong: Vec<Problem>,
    /// What its author should know.
    pub notes: Vec<Problem>,
    /// Files of which others may make more use than they should.
    pub exposed: Vec<Exposed>,
}

/// Judges a configuration of these files.
pub fn judge(config: Config, files: &[ConfigFile]) -> Judgement {
    let mut wrong = Vec::new();
    let mut notes: Vec<Problem> = config.notes.iter().chain(&config.accepted).cloned().collect();
    notes.extend(secrets::without_effect(&config));
    let engine = secrets::engine(&config);
    let exposed = exposed_files::find(files, &config, engine.as_ref().ok());
    match engine {
        Ok(engine) => {
            if let Engine::Sqlite(file) = &engine
                && let Err(error) = sessera_store::sqlite::could_be_made(file)
            {
                wrong.push(Problem::new("/dsn", error.to_string()));
            }
            if !matches!(engine, Engine::Sqlite(_))
                && let Err(error) = secrets::configured(&config, &SystemRandom::default())
            {
                wrong.push(Problem::new("/secrets", error.to_string()));
            }
        }
        Err((pointer, error)) => wrong.push(Problem::new(pointer, error.to_string())),
    }
    match sessera_accounts::Snapshot::compile(&config) {
        Ok(accounts) => notes.extend(accounts.notes),
        Err(problems) => wrong.extend(problems),
    }
    match Branding::compile(&config.pages) {
        Ok(branding) => notes.extend(branding.notes),
        Err(problems) => wrong.extend(problems),
    }
    wrong.retain(|problem| !config.may_follow_from_what_is_wrong(problem));
    Judgement { wrong, notes, exposed }
}
