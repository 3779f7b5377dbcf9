//! `sessera promote jwk`

use anyhow::{Context as _, Result};
use clap::Args;
use sessera_issuer::key_sets;
use sessera_jose::{Jwk, JwkSet};

use crate::commands::ids::path_part;
use crate::commands::keys::{self, Members, Named};
use crate::commands::names;
use crate::global::Global;

/// Make a key the first of its set, so that it signs from now on
///
/// Templates that use the set sign with its first key. Hand out the public set with the new key before, and
/// wait until verifiers have it, because those with an older copy refuse the new key's tokens.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera create jwk my-keys 2026-12 --alg ES256 --public
  sessera get jwk my-keys --format json-pretty > public.jwks.json
  sessera promote jwk my-keys 2026-12")]
pub(crate) struct PromoteJwk {
    /// The name of the key set
    #[arg(value_parser = path_part, add = names::sets())]
    set: String,
    /// The id of the key [default: the last key of the set, which is the newest]
    #[arg(value_parser = path_part, add = names::keys())]
    kid: Option<String>,
}

impl PromoteJwk {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let (known, version) = keys::find_with_version(&context, &self.set).await?;
        let promoted = with_first(&known, self.kid.as_deref())
            .with_context(|| format!("nothing was changed in the set {}", self.set))?;
        context.client.replace_key_set(&self.set, &promoted, &version).await?;
        if let ([before, ..], [signer, ..]) = (known.keys(), promoted.keys())
            && before.kid() != signer.kid()
        {
            context.output.note(&format!(
                "{} signs from now on. Verifiers with a copy of the set that lacks it refuse its tokens until they fetch the set again",
                signer.kid()
            ));
        }
        let report =
            keys::report(&[Named { set: self.set, keys: promoted }], Members::Public, &context.output);
        context.output.print(&report)
    }
}

/// Puts another key first.
fn with_first(set: &JwkSet, kid: Option<&str>) -> Result<JwkSet> {
    let known: Vec<&str> = set.keys().iter().map(Jwk::kid).collect();
    let kid = kid.or_else(|| known.last().copied()).context("the set is empty")?;
    key_sets::with_first(set, kid)
        .with_context(|| format!("there is no key {kid} in it; its keys are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_jose::{Algorithm, generate};

    #[test]
    fn the_key_comes_first_and_the_others_keep_their_order() {
        let key = |kid: &str| generate::key(Algorithm::EdDsa, Some(kid.into()), 0).unwrap();
        let set = JwkSet::new(["a", "b", "c"].map(key).to_vec()).unwrap();
        let order = |kid: Option<&str>| {
            let keys = with_first(&set, kid).unwrap();
            keys.keys().iter().map(|key| key.kid().to_owned()).collect::<String>()
        };
        assert_eq!([order(None), order(Some("b")), order(Some("a"))], ["cab", "bac", "abc"]);
        assert!(with_first(&set, Some("x")).unwrap_err().to_string().contains("a, b, c"));
        assert!(with_first(&JwkSet::default(), None).is_err());
    }
}
