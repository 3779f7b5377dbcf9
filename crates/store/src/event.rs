//! What happened, for whoever must be able to reconstruct it.
//!
//! Most events follow from changes, so nobody who changes something has to remember them: [`Event::of`] has one answer
//! for every [`Change`]. The others, such as a sign-in that failed, are told to [`crate::Committer::happened`].
//!
//! An event names identities and sessions by their ids. It holds neither secrets nor traits.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sessera_model::{AuthenticationMethod, CredentialKind, Identity, IdentityState, Role, Uuid};

use crate::changed;
use crate::records::{CodePurpose, KeySet, Reauthentication};
use crate::{Change, FlowKind, KeyWork, KeysDone, Revision};

/// Something that happened, as the record and the log tell it.
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
        /// The method by which they proved it.
        method: String,
    },
    /// Somebody could not prove who they are.
    ProofRefused {
        /// In which flow, by kind and id, when there is one.
        flow: Option<(FlowKind, Uuid)>,
        /// Who it would have been, when that is known.
        identity_id: Option<Uuid>,
        /// How they tried.
        method: String,
    },
    /// The end of a session was moved.
    SessionExtended {
        /// Whose it is.
        identity_id: Uuid,
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
    /// Sessions may have changed or ended where an upstream keeps them.
    SessionsForgotten {
        /// The session or the identity that it is about; everybody when absent.
        of: Option<Uuid>,
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
        /// Whether it may sign in from now on.
        state: IdentityState,
        /// What is another than before, by name: `traits.email`, `state`, `metadata_admin`.
        changed: Vec<String>,
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
        /// The identity for which it was made.
        identity_id: Uuid,
        /// What it is for.
        purpose: CodePurpose,
    },
    /// A key set was made or changed.
    KeySetChanged {
        /// The set.
        key_set: String,
        /// What was done, and to which of its keys.
        done: KeysDone,
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
        /// The JSON Pointers of the values that were changed, some of them where there are many.
        changed: Vec<String>,
    },
    /// A token of the admin API was made.
    AdminTokenMade {
        /// Its name.
        name: String,
        /// What whoever has it may do.
        role: Role,
    },
    /// A token of the admin API was deleted.
    AdminTokenDeleted {
        /// Its name.
        name: String,
    },
    /// Somebody was shown the private keys of a set.
    KeysShown {
        /// The set.
        key_set: String,
    },
    /// Somebody asked the admin API who may not.
    AdminRefused {
        /// What they asked for: the method and the route.
        what: String,
    },
}

impl Event {
    /// What changes that are committed together mean. `before` are the identities as they are before.
    pub fn of(changes: &[Change], before: &[Identity]) -> Vec<Self> {
        let by_products = ByProducts::of(changes);
        let event = |change: &Change| match of_change(change)? {
            Self::IdentityChanged { identity_id, state, .. } => {
                let before = before.iter().find(|identity| identity.id == identity_id);
                let Change::UpdateIdentity(after) = change else { return None };
                let changed = before.map_or_else(Vec::new, |before| differences(before, after));
                let is_told = !changed.is_empty() || !by_products.have(change);
                is_told.then_some(Self::IdentityChanged { identity_id, state, changed })
            }
            event => (!by_products.have(change)).then_some(event),
        };
        let events = |change: &Change| match change {
            Change::PutKeySet(set, done) => of_keys(set, done),
            change => event(change).into_iter().collect(),
        };
        changes.iter().flat_map(events).collect()
    }

    /// Who becomes somebody who is known by what is committed together: whoever signs up or in.
    pub(crate) fn newcomer(together: &[Self]) -> Option<Uuid> {
        let of = |event: &Self| match event {
            Self::SessionBegan { identity_id, .. } | Self::IdentityAdded { identity_id } => {
                Some(*identity_id)
            }
            _ => None,
        };
        together.iter().find_map(of)
    }
}

/// What an event says, the same in the log and in the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// The event as a sentence.
    pub sentence: &'static str,
    /// Whether somebody was refused something.
    pub is_refusal: bool,
    /// Whom and what it is about, by name.
    pub fields: Vec<(&'static str, Value)>,
}

impl Event {
    /// The identity that it is about, if there is one.
    pub fn identity_id(&self) -> Option<Uuid> {
        match self {
            Self::SessionBegan { identity_id, .. }
            | Self::SessionProven { identity_id, .. }
            | Self::SessionExtended { identity_id, .. }
            | Self::IdentityAdded { identity_id }
            | Self::IdentityChanged { identity_id, .. }
            | Self::IdentityDeleted { identity_id }
            | Self::CredentialChanged { identity_id, .. }
            | Self::CredentialRemoved { identity_id, .. }
            | Self::CodeMade { identity_id, .. } => Some(*identity_id),
            Self::ProofRefused { identity_id, .. }
            | Self::SessionEnded { identity_id, .. }
            | Self::SessionsEnded { identity_id, .. } => *identity_id,
            Self::SessionsForgotten { .. }
            | Self::KeySetChanged { .. }
            | Self::KeySetDeleted { .. }
            | Self::KeysShown { .. }
            | Self::ConfigurationChanged { .. }
            | Self::AdminTokenMade { .. }
            | Self::AdminTokenDeleted { .. }
            | Self::AdminRefused { .. } => None,
        }
    }

    /// What the event says in the log and in the record.
    pub fn described(&self) -> Described {
        let (name, sentence) = self.named();
        let is_refusal = matches!(self, Self::ProofRefused { .. } | Self::AdminRefused { .. });
        let mut fields: Vec<(&'static str, Value)> = Vec::new();
        fields.extend(self.identity_id().map(|id| ("identity_id", json!(id))));
        match self {
            Self::SessionBegan { session_id, method, .. }
            | Self::SessionProven { session_id, method, .. } => {
                fields.extend([("session_id", json!(session_id)), ("method", json!(method))]);
            }
            Self::ProofRefused { flow, method, .. } => {
                if let Some((kind, id)) = flow {
                    fields.extend([("flow", json!(kind.as_str())), ("flow_id", json!(id))]);
                }
                fields.push(("method", json!(method)));
            }
            Self::SessionExtended { session_id, .. } | Self::SessionEnded { session_id, .. } => {
                fields.push(("session_id", json!(session_id)));
            }
            Self::SessionsEnded { except, .. } => fields.extend(except.map(|id| ("except", json!(id)))),
            Self::SessionsForgotten { of } => fields.extend(of.map(|id| ("of", json!(id)))),
            Self::IdentityAdded { .. } | Self::IdentityDeleted { .. } => {}
            Self::IdentityChanged { state, changed, .. } => {
                fields.extend([("state", json!(state.as_str())), ("changed", json!(changed.join(", ")))]);
            }
            Self::CredentialChanged { credential, .. } | Self::CredentialRemoved { credential, .. } => {
                fields.push(("credential", json!(credential.as_str())));
            }
            Self::CodeMade { purpose, .. } => fields.push(("purpose", json!(purpose.as_str()))),
            Self::KeySetChanged { key_set, done, keys, is_managed } => {
                fields.extend([("key_set", json!(key_set)), ("done", json!(done.work.as_str()))]);
                if !done.keys.is_empty() {
                    fields.push(("key", json!(done.keys.join(", "))));
                }
                fields.extend([("keys", json!(keys.join(", "))), ("managed", json!(is_managed))]);
            }
            Self::KeySetDeleted { key_set } | Self::KeysShown { key_set } => {
                fields.push(("key_set", json!(key_set)));
            }
            Self::ConfigurationChanged { revision, changed } => {
                fields.extend([("revision", json!(revision)), ("changed", json!(changed.join(", ")))]);
            }
            Self::AdminTokenMade { name, role } => {
                fields.extend([("name", json!(name)), ("role", json!(role))]);
            }
            Self::AdminTokenDeleted { name } => fields.push(("name", json!(name))),
            Self::AdminRefused { what } => fields.push(("what", json!(what))),
        }
        Described { name, sentence, is_refusal, fields }
    }

    /// Its name and it in words.
    const fn named(&self) -> (&'static str, &'static str) {
        match self {
            Self::SessionBegan { .. } => ("session_began", "somebody signed in"),
            Self::SessionProven { .. } => ("session_proven", "somebody proved again who they are"),
            Self::ProofRefused { .. } => ("proof_refused", "somebody could not prove who they are"),
            Self::SessionExtended { .. } => ("session_extended", "a session was made longer"),
            Self::SessionEnded { .. } => ("session_ended", "a session was ended"),
            Self::SessionsEnded { .. } => ("sessions_ended", "sessions were ended"),
            Self::SessionsForgotten { .. } => ("sessions_forgotten", "sessions may have changed elsewhere"),
            Self::IdentityAdded { .. } => ("identity_added", "an identity was added"),
            Self::IdentityChanged { .. } => ("identity_changed", "an identity was changed"),
            Self::IdentityDeleted { .. } => ("identity_deleted", "an identity was deleted"),
            Self::CredentialChanged { .. } => ("credential_changed", "a credential was set"),
            Self::CredentialRemoved { .. } => ("credential_removed", "a credential was removed"),
            Self::CodeMade { .. } => ("code_made", "a code was made for somebody"),
            Self::KeySetChanged { .. } => ("key_set_changed", "a key set was changed"),
            Self::KeySetDeleted { .. } => ("key_set_deleted", "a key set was deleted"),
            Self::KeysShown { .. } => ("keys_shown", "somebody was shown private keys"),
            Self::ConfigurationChanged { .. } => ("configuration_changed", "the configuration was changed"),
            Self::AdminTokenMade { .. } => ("admin_token_made", "a token of the admin API was made"),
            Self::AdminTokenDeleted { .. } => ("admin_token_deleted", "a token of the admin API was deleted"),
            Self::AdminRefused { .. } => ("admin_refused", "the admin API was asked by somebody who may not"),
        }
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
            has(|change| matches!(change, Change::InsertSession(_) | Change::AuthenticateSession(_)));
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
        Change::UpdateIdentity(identity) => {
            Event::IdentityChanged { identity_id: identity.id, state: identity.state, changed: Vec::new() }
        }
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
        Change::AuthenticateSession(Reauthentication { id, identity_id, methods, .. }) => {
            Event::SessionProven { identity_id: *identity_id, session_id: *id, method: last(methods) }
        }
        Change::ExtendSession { id, identity_id, .. } => {
            Event::SessionExtended { identity_id: *identity_id, session_id: *id }
        }
        Change::RevokeSessionByToken { session_id, identity_id, .. } => {
            Event::SessionEnded { session_id: *session_id, identity_id: Some(*identity_id) }
        }
        Change::RevokeSession { id, of } => Event::SessionEnded { session_id: *id, identity_id: *of },
        Change::DeleteSession { id, identity_id } => {
            Event::SessionEnded { session_id: *id, identity_id: Some(*identity_id) }
        }
        Change::EndElsewhere { id, identity_id, .. } => {
            Event::SessionEnded { session_id: *id, identity_id: Some(*identity_id) }
        }
        Change::Forget(of) => Event::SessionsForgotten { of: *of },
        Change::RevokeSessions(filter) => {
            Event::SessionsEnded { identity_id: filter.identity_id, except: filter.except }
        }
        Change::DeleteSessionsOf(identity_id) => {
            Event::SessionsEnded { identity_id: Some(*identity_id), except: None }
        }
        Change::InsertCode(code) => Event::CodeMade { identity_id: code.identity_id, purpose: code.purpose },
        Change::DeleteKeySet(name) => Event::KeySetDeleted { key_set: name.clone() },
        Change::InsertRevision(revision) => of_revision(revision),
        Change::InsertAdminToken(token) => {
            Event::AdminTokenMade { name: token.name.clone(), role: token.role }
        }
        Change::DeleteAdminToken(name) => Event::AdminTokenDeleted { name: name.clone() },
        // What a flow and a message are for is told by the changes beside them, and what was done to keys by several events.
        Change::Record(_)
        | Change::PutKeySet(..)
        | Change::BeginSink { .. }
        | Change::ForgetSinks { .. }
        | Change::TakeFromRecord(_)
        | Change::Delivered { .. }
        | Change::DeliveryFailed { .. }
        | Change::Hasten { .. }
        | Change::Replay { .. }
        | Change::PlaceSession { .. }
        | Change::LiveElsewhere { .. }
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
        | Change::MessageFailed { .. }
        | Change::NoteDispatch(_)
        | Change::DropMessage(_) => return None,
    })
}

/// The most names of traits that an event has.
const MOST_TRAITS: usize = 32;

/// The names of what is another in an identity than before. Values are none of them.
fn differences(before: &Identity, after: &Identity) -> Vec<String> {
    let members = [
        ("schema_id", before.schema_id != after.schema_id),
        ("external_id", before.external_id != after.external_id),
        ("state", before.state != after.state),
        ("metadata_public", before.metadata_public != after.metadata_public),
        ("metadata_admin", before.metadata_admin != after.metadata_admin),
        ("verifiable_addresses", before.verifiable_addresses != after.verifiable_addresses),
        ("recovery_addresses", before.recovery_addresses != after.recovery_addresses),
    ];
    let traits = |of: &Identity| of.traits.as_object().cloned().unwrap_or_default();
    let (old, new) = (traits(before), traits(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let names = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    let names = names.take(MOST_TRAITS).map(|name| format!("traits.{name}"));
    let members = members.into_iter().filter(|(_, is_changed)| *is_changed);
    names.chain(members.map(|(name, _)| name.to_owned())).collect()
}

/// The proof that was given last.
fn last(methods: &[AuthenticationMethod]) -> String {
    methods.last().map(|proof| proof.method.clone()).unwrap_or_default()
}

/// One event for each thing that was done to a set.
fn of_keys(set: &KeySet, done: &[KeysDone]) -> Vec<Event> {
    let unnamed = [KeyWork::Changed.to_set()];
    let done = if done.is_empty() { &unnamed } else { done };
    let event = |done: &KeysDone| Event::KeySetChanged {
        key_set: set.name.clone(),
        done: done.clone(),
        keys: set.keys.iter().map(|key| key.kid.clone()).collect(),
        is_managed: set.managed.is_some(),
    };
    done.iter().map(event).collect()
}

fn of_revision(revision: &Revision) -> Event {
    Event::ConfigurationChanged { revision: revision.id, changed: changed::places(&revision.diff) }
}

#[cfg(test)]
#[path = "event_keys_tests.rs"]
mod keys_tests;

#[cfg(test)]
mod tests {
    use sessera_model::credential::CredentialConfig;
    use sessera_model::{AssuranceLevel, Credential, Session, Timestamp, TokenHash};

    use super::*;
    use crate::records::{CredentialOf, NewSession, SessionFilter, SessionKind};

    const ADA: Uuid = Uuid::from_u128(1);
    const SESSION: Uuid = Uuid::from_u128(2);

    fn session() -> Change {
        let now = Timestamp::from_seconds(1);
        let proof = AuthenticationMethod {
            method: "password".into(),
            aal: AssuranceLevel::Aal1,
            completed_at: now,
            provider: None,
        };
        let session = Session { methods: vec![proof], ..Session::new(SESSION, ADA, now, now) };
        Change::InsertSession(NewSession { session, kind: SessionKind::Native, token: TokenHash::of("t") })
    }

    fn identity() -> Identity {
        Identity::new(ADA, "default", json!({"email": "SECRET"}), Timestamp::default())
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
        assert_eq!(Event::of(&changes, &[]), std::slice::from_ref(&began));
        let signed_up = [Change::InsertIdentity(identity()), credential(CredentialKind::Password), session()];
        assert_eq!(Event::of(&signed_up, &[]), [Event::IdentityAdded { identity_id: ADA }, began]);
    }

    #[test]
    fn a_factor_that_is_set_up_is_told_even_when_the_session_is_stepped_up_by_it() {
        let stepped = Change::AuthenticateSession(Reauthentication {
            id: SESSION,
            identity_id: ADA,
            at: Timestamp::default(),
            assurance_level: AssuranceLevel::Aal2,
            methods: vec![],
            devices: vec![],
            expires_at: Timestamp::default(),
            token: None,
        });
        let changes = [Change::UpdateIdentity(identity()), credential(CredentialKind::Totp), stepped];
        let events = Event::of(&changes, &[]);
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
        assert_eq!(Event::of(&changes, &[]).len(), changes.len());
        let all = [identity_changes(), changes.to_vec()].concat();
        assert!(!format!("{:?}", Event::of(&all, &[])).contains("SECRET"));
    }

    fn identity_changes() -> Vec<Change> {
        vec![Change::UpdateIdentity(identity()), credential(CredentialKind::Password)]
    }

    #[test]
    fn what_is_another_in_an_identity_is_told_by_name_beside_its_credential() {
        let mut before = identity();
        before.traits = json!({"email": "OLD-SECRET", "name": "SECRET", "age": 1});
        let mut after = before.clone();
        after.traits = json!({"email": "NEW-SECRET", "name": "SECRET", "city": "SECRET"});
        after.metadata_admin = Some(json!({"note": "SECRET"}));
        let changes = [Change::UpdateIdentity(after), credential(CredentialKind::Password)];
        let events = Event::of(&changes, &[before]);
        let [Event::IdentityChanged { changed, .. }, Event::CredentialChanged { .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(changed, &["traits.age", "traits.city", "traits.email", "metadata_admin"]);
        assert!(!format!("{events:?}").contains("SECRET"));
        assert_eq!(
            events[0].described().fields[2].1,
            "traits.age, traits.city, traits.email, metadata_admin"
        );
    }

    #[test]
    fn a_revision_is_told_by_what_it_changes() {
        let revision = Revision {
            id: ADA,
            parent: None,
            created_at: Timestamp::default(),
            made_by: None,
            config: "SECRET".into(),
            diff: json!([{"op": "add", "path": "/session", "after": {"lifespan": "SECRET"}}]).to_string(),
        };
        let event = Event::ConfigurationChanged { revision: ADA, changed: vec!["/session/lifespan".into()] };
        assert_eq!(Event::of(&[Change::InsertRevision(revision)], &[]), [event]);
    }
}
