//! What becomes of somebody for whom a provider vouches.

use serde_json::Value;
use sessera_config::sections::oidc::Updates;
use sessera_model::{AssuranceLevel, Credential, CredentialKind, Identity};
use sessera_store::Change;

use super::mapper::{Mapped, merged};
use super::travel::ProviderAccount;
use super::{Configured, NAME};
use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::known;
use crate::flows::method::{Newcomer, Proven};
use crate::flows::sign_in::Proof;
use crate::flows::visit::Visit;
use crate::identities::{IdentityDraft, PreparedIdentity};
use crate::linked::{LinkedAccount, LinkedAccounts};

/// Who the account at the provider belongs to here.
pub(super) enum Judged {
    /// Somebody who is known here.
    Known(Box<Proven>),
    /// Somebody else.
    New(Box<Newcomer>),
}

impl Configured {
    /// The account there.
    pub(super) fn account(&self, told: &ProviderAccount) -> LinkedAccount {
        LinkedAccount {
            provider: self.rules.id.clone(),
            subject: told.subject().to_owned(),
            tokens: told.tokens.clone(),
        }
    }

    /// What it proves. The provider may say that somebody has proven two factors there.
    pub(super) fn proof(&self, told: &ProviderAccount) -> Proof {
        let claim = |name: &str| told.claims.get(name);
        let acr = claim("acr").and_then(Value::as_str);
        let by_acr = acr.is_some_and(|acr| self.rules.aal2_acr_values.iter().any(|value| value == acr));
        let amr = claim("amr").and_then(Value::as_array).into_iter().flatten();
        let by_amr = amr
            .filter_map(Value::as_str)
            .any(|amr| self.rules.aal2_amr_values.iter().any(|value| value == amr));
        let aal = if by_acr || by_amr { AssuranceLevel::Aal2 } else { AssuranceLevel::Aal1 };
        Proof { aal, provider: Some(self.rules.id.clone()), ..Proof::first_factor(NAME) }
    }

    fn mapped(&self, told: &ProviderAccount, known: Option<&Identity>) -> Result<Mapped, FlowError> {
        self.mapper.map(&told.claims, known).map_err(|problem| self.mapper_error(problem))
    }

    fn mapper_error(&self, problem: String) -> FlowError {
        FlowError::Mapper { provider: self.rules.id.clone(), problem }
    }

    /// Who somebody is. `typed` are the traits that they typed themselves.
    pub(super) async fn judge(
        &self,
        visit: &Visit<'_>,
        told: &ProviderAccount,
        typed: &Value,
    ) -> Result<Judged, FlowError> {
        let account = self.account(told);
        let store = &visit.accounts.store;
        let known = store.identity_by_identifier(CredentialKind::Oidc, &account.identifier()).await?;
        let proof = self.proof(told);
        if let Some(identity) = known {
            let credentials = store.credentials(identity.id).await?;
            let (identity, changes) = self.followed(visit, told, identity, credentials).await?;
            let proven = Proven { identity, proof, enrolled_at: None, changes, may_wait: Vec::new() };
            return Ok(Judged::Known(Box::new(proven)));
        }
        let Mapped { traits, metadata_public, metadata_admin, verified } = self.mapped(told, None)?;
        Ok(Judged::New(Box::new(Newcomer {
            traits: merged(traits, typed),
            metadata_public,
            metadata_admin,
            verified,
            provider: self.rules.name().to_owned(),
            account,
            proof,
        })))
    }

    /// Somebody as they are to be after they have signed in, with what is to be changed: their traits may follow the
    /// provider. Where it now names what another account has, the traits stay as they are: nobody is locked out of their
    /// own account by that.
    async fn followed(
        &self,
        visit: &Visit<'_>,
        told: &ProviderAccount,
        identity: Identity,
        credentials: Vec<Credential>,
    ) -> Result<(Identity, Vec<Change>), FlowError> {
        if self.rules.update_identity_on_login == Updates::Never {
            return Ok((identity, Vec::new()));
        }
        let Mapped { traits, metadata_public, metadata_admin, verified } =
            self.mapped(told, Some(&identity))?;
        let draft = IdentityDraft {
            traits: merged(identity.traits.clone(), &traits),
            metadata_public: metadata_public.or_else(|| identity.metadata_public.clone()),
            metadata_admin: metadata_admin.or_else(|| identity.metadata_admin.clone()),
            ..IdentityDraft::of(&identity)
        };
        let update = |draft| {
            let updated =
                PreparedIdentity::update(identity.clone(), credentials.clone(), draft, visit.surroundings());
            updated.map_err(|error| self.mapper_error(error.to_string()))
        };
        let mut updated = update(draft.clone())?;
        if known::taken(visit, &updated).await?.is_some() {
            tracing::warn!(
                provider = %self.rules.id,
                identity = %identity.id,
                "the provider names an address or another identifier that another account has, so the traits stay as they are"
            );
            updated = update(IdentityDraft { traits: identity.traits.clone(), ..draft })?;
        }
        for address in &mut updated.identity.verifiable_addresses {
            let is_verified =
                |(via, value): &(String, String)| *via == address.via && *value == address.value;
            if !address.verified && verified.iter().any(is_verified) {
                addresses::complete(address, visit.now);
            }
        }
        let unchanged = Identity { updated_at: identity.updated_at, ..updated.identity.clone() } == identity;
        if unchanged {
            return Ok((identity, Vec::new()));
        }
        Ok((updated.identity.clone(), updated.changes()))
    }
}

/// With how many accounts at these providers somebody can sign in.
pub(super) fn ways_in(providers: &[Configured], credentials: &[Credential]) -> usize {
    let linked = LinkedAccounts::among(credentials);
    let is_configured = |id: &&str| providers.iter().any(|provider| provider.rules.id == *id);
    linked.providers().filter(is_configured).count()
}
