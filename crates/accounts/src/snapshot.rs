//! What the configuration says about accounts, compiled.

use sessera_config::Config;

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
    /// Compiles a configuration. The error is what is wrong, one sentence each with the key's pointer.
    pub fn compile(config: &Config) -> Result<Self, Vec<String>> {
        let schemas = config.identity.schemas.iter().map(|(id, url)| (id.as_str(), url.as_str()));
        let schemas = IdentitySchemas::compile(schemas, &config.identity.default_schema_id)
            .map_err(|error| vec![format!("/identity/schemas: {error}")])?;
        let rules = Rules::compile(config, &config.secrets.cookie)?;
        let methods = methods::compile(config)?;
        Ok(Self { schemas, rules, methods, mail: MailRules::compile(config)? })
    }
}
