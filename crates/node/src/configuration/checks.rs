//! What a change of the configuration has to stand before it is stored.

use serde_json::Value;
use sessera_config::beyond;
use sessera_config::patch::PatchError;
use sessera_issuer::KeptBy;
use sessera_issuer::templates::{self, LocalSources};
use sessera_issuer::trial::{Outcome, Trial};
use sessera_model::Role;

use super::{ChangeError, Hopeless, template_pointer};

/// Refuses a change that reaches further than its author may.
pub(super) fn check_reach(before: &Value, after: &Value, role: Role) -> Result<(), ChangeError> {
    if role >= Role::Owner {
        return Ok(());
    }
    beyond::of_templates(before, after).map_or(Ok(()), |pointer| Err(ChangeError::OutOfReach(pointer)))
}

/// Compiles the templates that a change touches, and tries them. One that was broken before and is not touched does
/// not block it.
pub(super) fn check_templates(
    touched: &[String],
    after: &Value,
    kept_by: KeptBy,
    sources: &LocalSources<'_>,
    trial: &Trial,
    hopeless: Hopeless,
) -> Result<Vec<String>, PatchError> {
    let mut warnings = Vec::new();
    for name in touched {
        let pointer = template_pointer(name);
        let template = after.pointer(&pointer).unwrap_or(&Value::Null);
        let outcome = templates::check(template, kept_by);
        match outcome.and_then(|()| templates::compile(name, template, sources)) {
            Ok(tokenizer) => {
                if tokenizer.algorithm().is_symmetric() {
                    warnings.push(format!(
                        "The template \"{name}\" signs with a shared secret ({}): whoever can verify its tokens can also make them. Prefer ES256 unless a partner asks for a shared secret.",
                        tokenizer.algorithm()
                    ));
                }
                match trial.of(name, &tokenizer) {
                    Outcome::Fails { reason, proven: true } if hopeless == Hopeless::Refused => {
                        let message = format!(
                            "{reason} To have it all the same, force the change: --force, or ?force=true at the API"
                        );
                        return Err(PatchError { pointer, message });
                    }
                    outcome => warnings.extend(outcome.sentence()),
                }
            }
            Err(broken) => {
                let pointer = match broken.member() {
                    Some(member) => format!("{pointer}/{}", sessera_config::escape(member)),
                    None => pointer,
                };
                return Err(PatchError { pointer, message: broken.reason() });
            }
        }
    }
    Ok(warnings)
}
