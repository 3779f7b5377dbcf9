//! What happened, for whoever must be able to reconstruct it.
//!
//! Most events follow from changes, so nobody who changes something has to remember them: [`Event::of`] has one answer
//! for every [`Change`]. The others, such as a sign-in that failed, are told to [`crate::Committer::happened`].
//!
//! An event names identities and sessions by their ids. It holds neither secrets nor traits.

use sessera_model::{AuthenticationMethod, CredentialKind, Uuid};

use crate::records::CodePurpose;
use crate::{Change, FlowKind, KeySet, Revision};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody signed in, signed up or recovered, and a session began.
    SessionBegan {
        /// Whose it is.
        identity_id: Uuid,
        /// The session.
        session_id: Uuid,
        /// How they proved who they are.
        method: String,
    },
    /// Somebody proved anew, or by a second factor, who they are.
    SessionProven {
        /// Whose it is.
        identity_id: Uuid,
        /// The session.
        session_id: Uuid,
        /// How.
        method: String,
    },
    /// Somebody could not prove who they are.
    ProofRefused {
        /// In which flow.
        flow: FlowKind,
        /// Its id.
        flow_id: Uuid,
        /// Who it would have been, when that is known.
        identity_id: Option<Uuid>,
        /// How they tried.
        method: String,
    },
    /// The end of a session was moved.
    SessionExtended {
        /// The session.
        session_id: Uuid,
    },
    /// A session was ended or deleted.
    SessionEnded {
        /// The session.
        session_id: Uuid,
        /// Whose it is, when that is known.
        identity_id: Option<Uuid>,
    },
    /// Many sessions were ended or deleted.
    SessionsEnded {
        /// Whose they are; everybody's when absent.
        identity_id: Option<Uuid>,
        /// The one that was left out.
        except: Option<Uuid>,
    },
    /// An identity was added.
    IdentityAdded {
        /// The identity.
        identity_id: Uuid,
    },
    /// An identity was changed.
    IdentityChanged {
        /// The identity.
        identity_id: Uuid,
    },
    /// An identity was deleted with all that belongs to it.
    IdentityDeleted {
        /// The identity.
        identity_id: Uuid,
    },
    /// A password or a factor was set up or changed.
    CredentialChanged {
        /// Whose it is.
        identity_id: Uuid,
        /// Its kind.
        credential: CredentialKind,
    },
    /// A password or a factor was removed.
    CredentialRemoved {
        /// Whose it was.
        identity_id: Uuid,
        /// Its kind.
        credential: CredentialKind,
    },
    /// A code was made for somebody.
    CodeMade {
        /// For whom.
        identity_id: Uuid,
        /// What it is for.
        purpose: CodePurpose,
    },
    /// A key set was made or changed.
    KeySetChanged {
        /// The set.
        key_set: String,
        /// The ids of its keys, in its order.
        keys: Vec<String>,
        /// Whether its keys rotate by themselves.
        is_managed: bool,
    },
    /// A key set was deleted.
    KeySetDeleted {
        /// The set.
        key_set: String,
    },
    /// The identity configuration was changed.
    ConfigurationChanged {
        /// The new revision.
        revision: Uuid,
        /// The JSON Pointers of what was changed.
        changed: Vec<String>,
    },
    /// Somebody asked the admin API who may not.
    AdminRefused,
}

impl Event {
    /// What changes that are committed together mean.
    pub fn of(changes: &[Change]) -> Vec<Self> {
        let by_products = ByProducts::of(changes);
        changes.iter().filter(|change| !by_products.have(change)).filter_map(of_change).collect()
    }
}

/// Changes that belong to an event of another one: the version of an identity whose credential changes, the credentials
/// of a new identity, and the counters and hashes that a proof renews.
struct ByProducts {
    /// Whether somebody signs in with the changes: a flow ends, and a session begins or is proven.
    is_sign_in: bool,
    added: Vec<Uuid>,
    with_credentials: Vec<Uuid>,
}

impl ByProducts {
    fn of(changes: &[Change]) -> Self {
        let has = |wanted: fn(&Change) -> bool| changes.iter().any(wanted);
        let ends_flow = has(|change| matches!(change, Change::ConsumeFlow { .. }));
        let is_proven =
            has(|change| matches!(change, Change::InsertSession(_) | Change::AuthenticateSession { .. }));
        let ids = |id: fn(&Change) -> Option<Uuid>| changes.iter().filter_map(id).collect();
        Self {
            is_sign_in: ends_flow && is_proven,
            added: ids(|change| match change {
                Change::InsertIdentity(identity) => Some(identity.id),
                _ => None,
            }),
            with_credentials: ids(|change| match change {
                Change::PutCredential(credential) => Some(credential.identity_id),
                Change::DeleteCredential { identity_id, .. } => Some(*identity_id),
                _ => None,
            }),
        }
    }

    fn have(&self, change: &Change) -> bool {
        match change {
            Change::UpdateIdentity(identity) => self.with_credentials.contains(&identity.id),
            Change::PutCredential(credential) => {
                self.is_sign_in || self.added.contains(&credential.identity_id)
            }
            _ => false,
        }
    }
}

fn of_change(change: &Change) -> Option<Event> {
    Some(match change {
        Change::InsertIdentity(identity) => Event::IdentityAdded { identity_id: identity.id },
        Change::UpdateIdentity(identity) => Event::IdentityChanged { identity_id: identity.id },
        Change::DeleteIdentity(identity_id) => Event::IdentityDeleted { identity_id: *identity_id },
        Change::PutCredential(changed) => {
            Event::CredentialChanged { identity_id: changed.identity_id, credential: changed.credential.kind }
        }
        Change::DeleteCredential { identity_id, kind } => {
            Event::CredentialRemoved { identity_id: *identity_id, credential: *kind }
        }
        Change::InsertSession(new) => Event::SessionBegan {
            identity_id: new.session.identity_id,
            session_id: new.session.id,
            method: last(&new.session.methods),
        },
        Change::AuthenticateSession { id, identity_id, methods, .. } => {
            Event::SessionProven { identity_id: *identity_id, session_id: *id, method: last(methods) }
        }
        Change::ExtendSession { id, .. } => Event::SessionExtended { session_id: *id },
        Change::RevokeSessionByToken { session_id, identity_id, .. } => {
            Event::SessionEnded { session_id: *session_id, identity_id: Some(*identity_id) }
        }
        Change::RevokeSession { id, of } => Event::SessionEnded { session_id: *id, identity_id: *of },
        Change::DeleteSession(id) => Event::SessionEnded { session_id: *id, identity_id: None },
        Change::RevokeSessions(filter) => {
            Event::SessionsEnded { identity_id: filter.identity_id, except: filter.except }
        }
        Change::DeleteSessionsOf(identity_id) => {
            Event::SessionsEnded { identity_id: Some(*identity_id), except: None }
        }
        Change::InsertCode(code) => Event::CodeMade { identity_id: code.identity_id, purpose: code.purpose },
        Change::PutKeySet(set) => of_key_set(set),
        Change::DeleteKeySet(name) => Event::KeySetDeleted { key_set: name.clone() },
        Change::InsertRevision(revision) => of_revision(revision),
        // What a flow and a message are for is told by the changes beside them.
        Change::PlaceSession { .. }
        | Change::LiveElsewhere { .. }
        | Change::EndElsewhere { .. }
        | Change::Forget(_)
        | Change::Unchanged(_)
        | Change::NoteUses(_)
        | Change::InsertFlow(_)
        | Change::UpdateFlow(_)
        | Change::ConsumeFlow { .. }
        | Change::UseCode(_)
        | Change::TakeAttempt { .. }
        | Change::GiveBackAttempt(_)
        | Change::ForgetAttempts(_)
        | Change::EnqueueMessage(_)
        | Change::ClaimMessage { .. }
        | Change::MessageSent(_)
        | Change::MessageFailed { .. } => return None,
    })
}

/// The proof that was given last.
fn last(methods: &[AuthenticationMethod]) -> String {
    methods.last().map(|proof| proof.method.clone()).unwrap_or_default()
}

fn of_key_set(set: &KeySet) -> Event {
    Event::KeySetChanged {
        key_set: set.name.clone(),
        keys: set.keys.iter().map(|key| key.kid.clone()).collect(),
        is_managed: set.managed.is_some(),
    }
}

fn of_revision(revision: &Revision) -> Event {
    let changes: Vec<serde_json::Value> = serde_json::from_str(&revision.diff).unwrap_or_default();
    let path = |change: &serde_json::Value| change["path"].as_str().map(str::to_owned);
    Event::ConfigurationChanged { revision: revision.id, changed: changes.iter().filter_map(path).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sessera_model::credential::CredentialConfig;
    use sessera_model::{AssuranceLevel, Credential, Identity, IdentityState, Session, Timestamp, TokenHash};

    use super::*;
    use crate::records::{CredentialOf, NewSession, SessionFilter, SessionKind};

    const ADA: Uuid = Uuid::from_u128(1);
    const SESSION: Uuid = Uuid::from_u128(2);

    fn session() -> Change {
        let now = Timestamp::from_seconds(1);
        let proof =
            AuthenticationMethod { method: "password".into(), aal: AssuranceLevel::Aal1, completed_at: now };
        let session = Session {
            id: SESSION,
            identity_id: ADA,
            active: true,
            issued_at: now,
            expires_at: now,
            authenticated_at: now,
            last_used_at: None,
            assurance_level: AssuranceLevel::Aal1,
            methods: vec![proof],
            devices: vec![],
        };
        Change::InsertSession(NewSession { session, kind: SessionKind::Native, token: TokenHash::of("t") })
    }

    fn identity() -> Identity {
        Identity {
            id: ADA,
            external_id: None,
            schema_id: "default".into(),
            state: IdentityState::Active,
            state_changed_at: Timestamp::default(),
            traits: json!({"email": "SECRET"}),
            verifiable_addresses: vec![],
            recovery_addresses: vec![],
            metadata_public: None,
            metadata_admin: None,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            version: 1,
        }
    }

    fn credential(kind: CredentialKind) -> Change {
        let config = CredentialConfig::from(json!({"hashed_password": "SECRET"}));
        let credential = Credential {
            kind,
            identifiers: vec!["SECRET".into()],
            config,
            version: 0,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        };
        Change::PutCredential(CredentialOf { identity_id: ADA, credential })
    }

    fn ended(id: Uuid) -> Change {
        Change::ConsumeFlow { id, version: 1 }
    }

    #[test]
    fn a_sign_in_is_one_event_whatever_it_renews() {
        let began = Event::SessionBegan { identity_id: ADA, session_id: SESSION, method: "password".into() };
        let changes = [
            Change::UpdateIdentity(identity()),
            credential(CredentialKind::Password),
            ended(Uuid::from_u128(3)),
            session(),
        ];
        assert_eq!(Event::of(&changes), std::slice::from_ref(&began));
        let signed_up = [Change::InsertIdentity(identity()), credential(CredentialKind::Password), session()];
        assert_eq!(Event::of(&signed_up), [Event::IdentityAdded { identity_id: ADA }, began]);
    }

    #[test]
    fn a_factor_that_is_set_up_is_told_even_when_the_session_is_stepped_up_by_it() {
        let stepped = Change::AuthenticateSession {
            id: SESSION,
            identity_id: ADA,
            at: Timestamp::default(),
            assurance_level: AssuranceLevel::Aal2,
            methods: vec![],
            devices: vec![],
            expires_at: Timestamp::default(),
            token: None,
        };
        let changes = [Change::UpdateIdentity(identity()), credential(CredentialKind::Totp), stepped];
        let events = Event::of(&changes);
        let changed = Event::CredentialChanged { identity_id: ADA, credential: CredentialKind::Totp };
        assert!(events.len() == 2 && events[0] == changed, "{events:?}");
    }

    #[test]
    fn what_ends_and_what_is_deleted_is_told_without_secrets() {
        let changes = [
            Change::RevokeSessions(SessionFilter { identity_id: Some(ADA), ..SessionFilter::default() }),
            Change::DeleteIdentity(ADA),
            Change::DeleteKeySet("k".into()),
            Change::DeleteCredential { identity_id: ADA, kind: CredentialKind::Totp },
        ];
        assert_eq!(Event::of(&changes).len(), changes.len());
        let all = [identity_changes(), changes.to_vec()].concat();
        assert!(!format!("{:?}", Event::of(&all)).contains("SECRET"));
    }

    fn identity_changes() -> Vec<Change> {
        vec![Change::UpdateIdentity(identity()), credential(CredentialKind::Password)]
    }

    #[test]
    fn a_revision_is_told_by_what_it_changes() {
        let revision = Revision {
            id: ADA,
            parent: None,
            created_at: Timestamp::default(),
            config: "SECRET".into(),
            diff: json!([{"op": "add", "path": "/session/lifespan", "after": "SECRET"}]).to_string(),
        };
        let event = Event::ConfigurationChanged { revision: ADA, changed: vec!["/session/lifespan".into()] };
        assert_eq!(Event::of(&[Change::InsertRevision(revision)]), [event]);
    }
}
