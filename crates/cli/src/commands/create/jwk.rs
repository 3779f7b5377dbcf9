//! `sessera create jwk`

use anyhow::{Result, bail};
use clap::Args;
use sessera_client::keys::NewKey;
use sessera_jose::{Algorithm, JwkSet, generate};
use sessera_model::GoDuration;

use crate::commands::ids::path_part;
use crate::commands::keys::{self, KeyUse, Members, Named};
use crate::commands::managed_sets;
use crate::commands::names;
use crate::global::Global;
use crate::output::Output;

/// Make a key and print it, private members included
///
/// The key is added at the end of the set, so the key that signs stays the same. The set is created if
/// needed. The server keeps the key. A tokenizer template can name the set as set://SET, so that no private
/// key needs to stand in a configuration.
///
/// With --offline no server is asked and nothing is kept: the key is made here and printed as a JSON Web Key Set.
/// "sessera import jwk" gives it to a server, --jwks of "sessera tokenize" signs with it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera create jwk my-keys --alg ES256
  sessera create jwk my-keys --alg ES256 --rotate 30d
  sessera create jwk my-keys 2026-12 --alg EdDSA --public --format json-pretty
  sessera create jwk my-keys --alg ES256 --format json-pretty \\
    > my-keys.jwks.json
  sessera create jwk my-keys --alg ES256 --offline > my-keys.jwks.json")]
pub(crate) struct CreateJwk {
    /// The name of the key set
    #[arg(value_parser = path_part, add = names::sets())]
    set: String,
    /// The id of the key [default: its thumbprint (RFC 7638)]
    kid: Option<String>,
    /// The algorithm: ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA, HS256, HS384,
    /// HS512
    #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = keys::algorithm)]
    alg: Algorithm,
    /// What the key is for
    #[arg(long = "use", value_name = "USE", default_value = "sig")]
    key_use: KeyUse,
    /// The bits of an RSA key: 2048, 3072, 4096 or 8192 [default: 4096]
    #[arg(long)]
    bits: Option<usize>,
    /// Print only public members
    #[arg(long)]
    public: bool,
    /// Make the key on this machine, without a server, and print the set
    #[arg(long, conflicts_with = "rotate")]
    offline: bool,
    /// Make a managed set, each of whose keys signs for this long, for example 30d; no private key leaves the
    /// server
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["kid", "key_use", "bits"])]
    rotate: Option<GoDuration>,
}

impl CreateJwk {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        if self.offline {
            return self.print_new_set(&global.output());
        }
        let context = global.connect().await?;
        if let Some(period) = self.rotate {
            let set = context.client.create_managed_set(&self.set, self.alg, period).await?;
            return context.output.print(&managed_sets::report(&set)?);
        }
        let key_use = self.key_use.as_str().to_owned();
        let new = NewKey { algorithm: self.alg, kid: self.kid, key_use, bits: self.bits };
        let made = context.client.create_key(&self.set, &new).await?;
        let members = if self.public { Members::Public } else { Members::Private };
        let made = Named { set: self.set, keys: JwkSet::new(vec![made])? };
        context.output.print(&keys::report(&[made], members, &context.output))
    }

    /// Makes a key and prints the set with it. It is printed whole in every form, because it is kept nowhere else.
    fn print_new_set(self, output: &Output) -> Result<()> {
        let bits = self.bits.unwrap_or(generate::DEFAULT_RSA_BITS);
        let key = generate::key(self.alg, self.kid, bits)?.with_use(self.key_use.as_str());
        let set = JwkSet::new(vec![key])?;
        let public = set.public();
        if self.public && public.keys().is_empty() {
            bail!("a key for {} is a shared secret, which has no public form. Leave --public out", self.alg);
        }
        let json = if self.public { serde_json::to_value(&public)? } else { set.to_private_json() };
        output.print_whole(&json)
    }
}
