//! What has to change here so that it is as at the other server.
//!
//! The first time, everything is new. Later, both sides may have changed: what was changed last counts, and what is not
//! here any more is not brought back.

use serde_json::Value;
use sessera_model::{Credential, CredentialKind, Identity, Timestamp};

use super::people::Person;
use super::sessions::KratosSession;
use crate::change::Change;
use crate::records::{CredentialOf, Reauthentication, StoredSession};

/// Where a credential of printed codes has them, and each of them its text and when it was used.
const CODES: &str = "recovery_codes";
const CODE: &str = "code";
const USED_AT: &str = "used_at";

/// What to commit for a person who is not here. Nothing when they were here, or refused, the last time, which looked at
/// everything before `since`.
pub(super) fn new_person(theirs: Person, since: Option<Timestamp>) -> Vec<Change> {
    let Person { identity, credentials } = theirs;
    if since.is_some_and(|since| identity.created_at <= since) {
        return Vec::new();
    }
    let identity_id = identity.id;
    let put = |credential| Change::PutCredential(CredentialOf { identity_id, credential });
    let mut changes = vec![Change::InsertIdentity(identity)];
    changes.extend(credentials.into_iter().map(put));
    changes
}

/// What to commit for a person who is here. All of it stands under a new version of the identity.
pub(super) fn known_person(
    theirs: Person,
    identity: Identity,
    credentials: &[Credential],
    since: Timestamp,
) -> Vec<Change> {
    let identity_id = identity.id;
    let is_newer = theirs.identity.updated_at > identity.updated_at;
    let mut changes = Vec::new();
    for credential in &theirs.credentials {
        let ours = credentials.iter().find(|ours| ours.kind == credential.kind);
        let is_newer = credential.updated_at > ours.map_or(since, |ours| ours.updated_at);
        let put = match ours {
            Some(ours) if credential.kind == CredentialKind::LookupSecret => {
                let (newer, older) = if is_newer { (credential, ours) } else { (ours, credential) };
                Some(with_codes_used(newer, older)).filter(|merged| is_newer || merged != ours)
            }
            _ => is_newer.then(|| credential.clone()),
        };
        if let Some(credential) = put {
            changes.push(Change::PutCredential(CredentialOf { identity_id, credential }));
        }
    }
    for ours in credentials {
        let is_there = theirs.credentials.iter().any(|credential| credential.kind == ours.kind);
        if is_newer && !is_there && ours.updated_at <= since {
            changes.push(Change::DeleteCredential { identity_id, kind: ours.kind });
        }
    }
    let (version, mut changed) = (identity.version, identity.clone());
    if is_newer {
        changed = Identity { version, ..theirs.identity };
    } else {
        for address in &mut changed.verifiable_addresses {
            let known = theirs.identity.verifiable_address(&address.value).filter(|known| known.verified);
            if let Some(known) =
                known.filter(|known| !address.verified && known.updated_at > address.updated_at)
            {
                *address = known.clone();
            }
        }
    }
    if !changes.is_empty() || changed != identity {
        changes.insert(0, Change::UpdateIdentity(changed));
    }
    changes
}

/// Printed codes, with those used up that were used on the other side: a code works once, wherever that was.
fn with_codes_used(codes: &Credential, elsewhere: &Credential) -> Credential {
    let mut config = codes.config.expose().clone();
    let known = config.get_mut(CODES).and_then(Value::as_array_mut);
    let others = elsewhere.config.expose().get(CODES).and_then(Value::as_array);
    for code in known.into_iter().flatten().filter_map(Value::as_object_mut) {
        let mut same = others.into_iter().flatten().filter(|other| other.get(CODE) == code.get(CODE));
        let used_at = same.find_map(|other| other.get(USED_AT)).filter(|at| !at.is_null());
        if let Some(used_at) = used_at.filter(|_| code.get(USED_AT).is_none_or(Value::is_null)) {
            code.insert(USED_AT.to_owned(), used_at.clone());
        }
    }
    Credential { config: config.into(), ..codes.clone() }
}

/// What to commit for a session.
pub(super) fn session(
    theirs: &KratosSession,
    ours: Option<&StoredSession>,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Option<Change> {
    let session = &theirs.new.session;
    let Some(ours) = ours.map(|ours| &ours.session) else {
        let is_new = since.is_none_or(|since| session.issued_at > since);
        return (is_new && session.is_live(now)).then(|| Change::InsertSession(theirs.new.clone()));
    };
    if !ours.is_live(now) {
        return None;
    }
    let (id, expires_at) = (session.id, session.expires_at.max(ours.expires_at));
    if !session.active {
        let is_news = since.is_some_and(|since| theirs.updated_at > since);
        return is_news.then_some(Change::RevokeSession { id, of: None });
    }
    if session.authenticated_at > ours.authenticated_at {
        return Some(Change::AuthenticateSession(Reauthentication {
            id,
            identity_id: session.identity_id,
            at: now,
            assurance_level: session.assurance_level,
            methods: session.methods.clone(),
            devices: session.devices.clone(),
            expires_at,
            token: None,
        }));
    }
    let identity_id = session.identity_id;
    (expires_at > ours.expires_at).then_some(Change::ExtendSession { id, identity_id, at: now, expires_at })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn printed_codes_that_were_used_on_either_side_are_used_up() {
        let at = Timestamp::from_seconds(5);
        let of = |updated_at, second: &Value, third: &Value| {
            Credential {
            kind: CredentialKind::LookupSecret,
            identifiers: vec![],
            config: json!({ "recovery_codes": [
                { "code": "one" }, { "code": "two", "used_at": second }, { "code": "three", "used_at": third },
            ] })
            .into(),
            version: 0,
            created_at: at,
            updated_at,
        }
        };
        let (used, later) = (json!("2024-05-06T07:08:09Z"), at + Duration::from_secs(1));
        for (theirs_at, ours_at) in [(at, later), (later, at)] {
            let theirs = of(theirs_at, &used, &Value::Null);
            let ours = of(ours_at, &Value::Null, &used);
            let merged = with_codes_used(&theirs, &ours);
            assert_eq!(merged, of(theirs_at, &used, &used));
            assert_eq!(with_codes_used(&ours, &theirs), of(ours_at, &used, &used));
        }
        let others = Credential {
            config: json!({ "recovery_codes": [{ "code": "new" }] }).into(),
            ..of(at, &used, &used)
        };
        assert_eq!(with_codes_used(&others, &of(later, &used, &used)), others, "made anew");
    }
}
