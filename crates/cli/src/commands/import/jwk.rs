//! `sessera import jwk`

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sessera_client::keys::SetVersion;
use sessera_jose::{Algorithm, Jwk, JwkSet, KeyError, import};
use sessera_model::shell;
use zeroize::Zeroizing;

use crate::commands::ids::path_part;
use crate::commands::keys::{self, KeyUse, Members, Named};
use crate::commands::names;
use crate::global::{Context, Global};
use crate::input;
use crate::output::Output;

/// Add keys from files to a set
///
/// Files hold a JSON Web Key, a JSON Web Key Set, PEM or DER (PKCS#8, PKCS#1, SEC 1). With --alg HS256, HS384
/// or HS512 they may also hold the bytes of a shared secret. All keys are added, or none, at the end of the set,
/// so the key that signs stays the same. Those that were added are printed, public members only.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera import jwk my-keys private.pem
  sessera import jwk my-keys rsa.pem --alg PS256 --kid 2026-12
  sessera import jwk partner shared-secret.txt --alg HS256
  openssl genpkey -algorithm ed25519 | sessera import jwk my-keys")]
pub(crate) struct ImportJwk {
    /// The name of the key set
    #[arg(value_parser = path_part, add = names::sets())]
    set: String,
    /// The files; standard input is read when there is none
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// The algorithm of keys that name none, for example RS256
    #[arg(long, value_parser = keys::algorithm)]
    alg: Option<Algorithm>,
    /// What the keys are for [default: what they say themselves, else sig]
    #[arg(long = "use", value_name = "USE")]
    key_use: Option<KeyUse>,
    /// The id of the key, when there is only one [default: its own, else its thumbprint]
    #[arg(long)]
    kid: Option<String>,
    /// Print private members too
    #[arg(long)]
    private: bool,
}

impl ImportJwk {
    pub(crate) async fn run(mut self, global: &Global) -> Result<()> {
        if self.files.is_empty() {
            self.files.push("-".into());
        }
        let output = global.output();
        let mut read = Vec::new();
        for file in &self.files {
            let content = Zeroizing::new(input::bytes(file)?);
            let keys = self.keys_of(&content, &output);
            read.extend(keys.with_context(|| format!("{} cannot be imported", input::name(file)))?);
        }
        let mut set = JwkSet::new(read)?;
        if let Some(kid) = &self.kid {
            set = match <[Jwk; 1]>::try_from(set.into_keys()) {
                Ok([only]) => JwkSet::new(vec![only.with_kid(kid)])?,
                Err(several) => bail!(
                    "--kid is for a single key, and the files hold {}. Leave it out, and each key keeps its own id",
                    several.len()
                ),
            };
        }
        let context = global.connect().await?;
        add(&context, &self.set, &set).await?;
        let members = if self.private { Members::Private } else { Members::Public };
        context.output.print(&keys::report(&[Named { set: self.set, keys: set }], members, &context.output))
    }

    fn keys_of(&self, content: &[u8], output: &Output) -> Result<Vec<Jwk>> {
        let keys = match self.alg {
            Some(algorithm) if algorithm.is_symmetric() && !import::is_structured(content) => {
                vec![secret(content, algorithm, output)?]
            }
            algorithm => import::keys(content, algorithm).map_err(|error| match error {
                KeyError::NoAlgorithm(kid) => anyhow::anyhow!(
                    "the key {kid} names no algorithm; give it with --alg, for example --alg RS256"
                ),
                other => other.into(),
            })?,
        };
        keys.into_iter().map(|key| self.checked(key)).collect()
    }

    fn checked(&self, key: Jwk) -> Result<Jwk> {
        if let (Some(wanted), Some(own)) = (self.alg, key.alg())
            && own.parse() != Ok(wanted)
        {
            bail!("the key {} is for {own}, not for {wanted} as --alg says. Leave --alg out", key.kid());
        }
        Ok(match self.key_use {
            Some(key_use) => key.with_use(key_use.as_str()),
            None if key.key_use().is_none() => key.with_use(KeyUse::Sig.as_str()),
            None => key,
        })
    }
}

/// The key that a shared secret is, whatever editors put behind it.
pub(in crate::commands) fn secret(content: &[u8], algorithm: Algorithm, output: &Output) -> Result<Jwk> {
    let content = without_line_end(content, output);
    if content.is_empty() {
        bail!("it is empty: write the secret into it, for example with printf %s \"$SECRET\"");
    }
    Ok(import::secret(content, algorithm)?)
}

/// A text without the line end that editors and `echo` put behind it; other bytes as they are.
fn without_line_end<'c>(content: &'c [u8], output: &Output) -> &'c [u8] {
    let Some(text) = content.strip_suffix(b"\n").map(|text| text.strip_suffix(b"\r").unwrap_or(text)) else {
        return content;
    };
    if !text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return content;
    }
    output.note(&format!(
        "the line end behind the secret does not belong to it; {} bytes are imported",
        text.len()
    ));
    text
}

/// Adds the keys to the set, all of them or none. An import never replaces a key.
pub(in crate::commands) async fn add(context: &Context, set: &str, new: &JwkSet) -> Result<()> {
    let (known, version) = match context.client.versioned_key_set(set).await {
        Err(error) if error.is_not_found() => (JwkSet::default(), SetVersion::absent()),
        other => other?,
    };
    if let Some(key) = new.keys().iter().find(|key| known.find(key.kid()).is_some()) {
        bail!(
            "the set {set} has a key {kid} already, so nothing was imported. Delete it first with \"{delete}\", or give the new one another id with --kid",
            kid = key.kid(),
            delete = shell::command("delete jwk", &[set], &[("--kid", key.kid())])
        );
    }
    let all = JwkSet::new(known.keys().iter().chain(new.keys()).cloned().collect())?;
    Ok(context.client.replace_key_set(set, &all, &version).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_jose::generate;

    fn command(alg: Option<Algorithm>) -> ImportJwk {
        ImportJwk { set: "s".into(), files: vec![], alg, key_use: None, kid: None, private: false }
    }

    fn import(alg: Option<Algorithm>, content: &[u8]) -> Result<Vec<Jwk>> {
        command(alg).keys_of(content, &Output::new("json".parse().unwrap(), true))
    }

    #[test]
    fn a_shared_secret_is_imported_without_its_line_end() {
        let secret = b"an example secret of enough bytes";
        let whole = import(Some(Algorithm::Hs256), secret).unwrap();
        let line = [&secret[..], b"\r\n"].concat();
        assert_eq!(import(Some(Algorithm::Hs256), &line).unwrap(), whole);
        let mut bytes = [0xA5; 32];
        bytes[31] = b'\n';
        let binary = import(Some(Algorithm::Hs256), &bytes).unwrap();
        assert_eq!(binary[0].to_private_json()["k"].as_str().unwrap().len(), 43, "bytes stay as they are");
        let short = import(Some(Algorithm::Hs512), secret).unwrap_err().to_string();
        assert!(short.contains("needs at least 64"), "{short}");
        assert!(import(None, secret).unwrap_err().to_string().contains("--alg HS256"));
        for nothing in [&b""[..], b"\n"] {
            let empty = import(Some(Algorithm::Hs256), nothing).unwrap_err().to_string();
            assert!(empty.contains("it is empty"), "{empty}");
        }
    }

    #[test]
    fn keys_keep_their_algorithm_and_get_a_use() {
        let key = generate::key(Algorithm::Es256, Some("k".into()), 0).unwrap();
        let json = key.to_private_json().to_string();
        assert_eq!(import(None, json.as_bytes()).unwrap(), [key]);
        let conflict = import(Some(Algorithm::Es384), json.as_bytes()).unwrap_err().to_string();
        assert!(conflict.contains("ES256") && conflict.contains("ES384"), "{conflict}");
        let without_use = json.replace("\"use\":\"sig\",", "");
        assert_eq!(import(None, without_use.as_bytes()).unwrap()[0].key_use(), Some("sig"));
        let rsa = generate::key(Algorithm::Rs256, Some("r".into()), 2048).unwrap().to_private_json();
        let without_alg = rsa.to_string().replace("\"alg\":\"RS256\",", "");
        assert!(import(None, without_alg.as_bytes()).unwrap_err().to_string().contains("--alg RS256"));
        assert_eq!(import(Some(Algorithm::Ps256), without_alg.as_bytes()).unwrap()[0].alg(), Some("PS256"));
    }
}
