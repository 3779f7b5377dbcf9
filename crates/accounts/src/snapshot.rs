//! What the configuration says about accounts, compiled.

use sessera_config::{Config, Problem};

use crate::flows::method::Methods;
use crate::mail::MailRules;
use crate::methods;
use crate::rules::Rules;
use crate::schema::IdentitySchemas;

/// What the configuration says about accounts. It never changes; a new configuration makes a new one.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The identity schemas.
    pub schemas: IdentitySchemas,
    /// The rules of all flows.
    pub rules: Rules,
    /// The sign-in methods that are on.
    pub methods: Methods,
    /// How messages are sent.
    pub mail: MailRules,
}

impl Snapshot {
    /// Compiles a configuration. The error has everything that is wrong.
    pub fn compile(config: &Config) -> Result<Self, Vec<Problem>> {
        let schemas = config.identity.schemas.iter().map(|(id, url)| (id.as_str(), url.as_str()));
        let schemas = IdentitySchemas::compile(schemas, &config.identity.default_schema_id)
            .map_err(|error| vec![Problem::new("/identity/schemas", error.to_string())]);
        let rules = Rules::compile(config, &config.secrets.cookie);
        match (schemas, rules, methods::compile(config), MailRules::compile(config)) {
            (Ok(schemas), Ok(rules), Ok(methods), Ok(mail)) => Ok(Self { schemas, rules, methods, mail }),
            (schemas, rules, methods, mail) => {
                let wrong = [schemas.err(), rules.err(), methods.err(), mail.err()];
                Err(wrong.into_iter().flatten().flatten().collect())
            }
        }
    }
}
