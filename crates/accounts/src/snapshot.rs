//! What the configuration says about accounts, compiled.

use std::sync::Arc;

use sessera_config::{Config, Problem};

use crate::flows::method::Methods;
use crate::mail::{EMAIL, MailRules, SMS};
use crate::methods;
use crate::rules::Rules;
use crate::schema::{IdentitySchema, IdentitySchemas, SchemaError};

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
    /// What is switched on and cannot work with these schemas, or does not happen.
    pub notes: Vec<Problem>,
}

/// What is wrong with a schema, or with the name of one that is not there.
fn about_schema(error: &SchemaError, config: &Config) -> Problem {
    let place = config.identity.schemas.iter().rposition(|(id, _)| *id == error.id);
    let pointer = place.map_or_else(
        || "/identity/default_schema_id".to_owned(),
        |place| format!("/identity/schemas/{place}/url"),
    );
    Problem::new(pointer, error.to_string())
}

/// Notes what needs a mark that no trait has.
fn unmarked(schemas: &IdentitySchemas, rules: &Rules, methods: &Methods) -> Vec<Problem> {
    let lacks = |mark: &str| !schemas.iter().any(|schema| schema.marks(mark));
    let by_code = methods.login().any(|method| method.name() == "code");
    let checks = [
        (methods.has("password"), "credentials/password/identifier", "/selfservice/methods/password/enabled"),
        (by_code, "credentials/code/identifier", "/selfservice/methods/code"),
        (rules.recovers(), "recovery/via", "/selfservice/flows/recovery/enabled"),
        (rules.verifies(), "verification/via", "/selfservice/flows/verification/enabled"),
    ];
    let unmarked = checks.into_iter().filter(|(is_on, mark, _)| *is_on && lacks(mark));
    let note = |(_, mark, pointer): (bool, &str, &str)| {
        let message =
            format!("nobody can use it, because no identity schema marks a trait with ory.sh/kratos/{mark}");
        Problem::new(pointer, message)
    };
    unmarked.map(note).collect()
}

/// Notes which schemas say of which organization somebody is.
fn of_organizations(schemas: &IdentitySchemas, config: &Config) -> Vec<Problem> {
    let naming = schemas.iter().filter(|schema| schema.marks("organizations/matcher"));
    let problem = "it has no effect that ory.sh/kratos/organizations/matcher marks a trait, because there are no organizations";
    let note = |schema: &Arc<IdentitySchema>| {
        about_schema(&SchemaError { id: schema.id().to_owned(), problem: problem.to_owned() }, config)
    };
    naming.map(note).collect()
}

/// Notes that messages are to be sent by a channel, and nobody takes them.
fn without_channel(schemas: &IdentitySchemas, config: &Config) -> Vec<Problem> {
    let courier = &config.courier;
    let needs = |via: &str| !config.dev && schemas.iter().any(|schema| schema.sends_by(via));
    let mut notes = Vec::new();
    if courier.sms.is_none() && needs(SMS) {
        let message = "no courier channels configured for: sms, and an identity schema has codes sent by sms: add a channel with the id sms, or start with --dev, which shows messages in the log";
        notes.push(Problem::new("/courier/channels", message));
    }
    // Where nothing is sent at all, that is noted at what would be sent.
    let takes_mails = courier.smtp.connection_uri.is_some() || courier.http.is_some();
    if courier.sms.is_some() && !takes_mails && needs(EMAIL) {
        let message = "nobody takes mails, and an identity schema has messages sent by email: set courier.smtp.connection_uri or courier.delivery_strategy, or start with --dev, which shows mails in the log";
        notes.push(Problem::new("/courier/smtp/connection_uri", message));
    }
    notes
}

impl Snapshot {
    /// Compiles a configuration. The error has everything that is wrong.
    pub fn compile(config: &Config) -> Result<Self, Vec<Problem>> {
        let schemas = config.identity.schemas.iter().map(|(id, url)| (id.as_str(), url.as_str()));
        let schemas = IdentitySchemas::compile(schemas, &config.identity.default_schema_id)
            .map_err(|wrong| wrong.iter().map(|error| about_schema(error, config)).collect());
        let rules = Rules::compile(config, &config.secrets.cookie);
        match (schemas, rules, methods::compile(config), MailRules::compile(config)) {
            (Ok(schemas), Ok(rules), Ok(methods), Ok(mail)) => {
                let mut notes = unmarked(&schemas, &rules, &methods);
                notes.extend(methods::oidc::notes(config));
                notes.extend(of_organizations(&schemas, config));
                notes.extend(without_channel(&schemas, config));
                notes.extend(mail.templates.notes().iter().cloned());
                Ok(Self { schemas, rules, methods, mail, notes })
            }
            (schemas, rules, methods, mail) => {
                let wrong = [schemas.err(), rules.err(), methods.err(), mail.err()];
                Err(wrong.into_iter().flatten().flatten().collect())
            }
        }
    }
}
