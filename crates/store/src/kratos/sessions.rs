//! Sessions with their devices, as an Ory Kratos has them.

use std::collections::HashMap;

use serde_json::Value;
use sessera_model::{AssuranceLevel, AuthenticationMethod, Device, Session, Timestamp, TokenHash, Uuid};

use super::report::Imported;
use super::source::{As, Source, Texts, is_true, time};
use crate::error::StoreError;
use crate::records::{NewSession, SessionKind};

/// How many sessions are read at once.
const PAGE: usize = 500;

/// A session as the other server has it.
pub(super) struct KratosSession {
    /// The session. Kratos does not say how one is carried: its token is good in a cookie and in a header. So it is taken
    /// for one of a browser, which is recognised in both.
    pub(super) new: NewSession,
    /// When it was last changed there.
    pub(super) updated_at: Timestamp,
}

/// A part of the sessions, in the order of their ids.
pub(super) struct Part {
    /// The sessions, whatever their state.
    pub(super) sessions: Vec<KratosSession>,
    /// The id of the last row; absent behind the last one.
    pub(super) last: Option<String>,
}

/// The part behind an id. What cannot be read is counted.
pub(super) async fn part(source: &Source, after: &str, done: &mut Imported) -> Result<Part, StoreError> {
    let columns = [
        ("id", As::Text),
        ("identity_id", As::Text),
        ("token", As::Text),
        ("active", As::Text),
        ("issued_at", As::Time),
        ("expires_at", As::Time),
        ("authenticated_at", As::Time),
        ("aal", As::Text),
        ("authentication_methods", As::Text),
        ("updated_at", As::Time),
    ];
    let rest = format!("WHERE id > '{after}' ORDER BY id LIMIT {PAGE}");
    let rows = source.read(&columns, "sessions", &rest).await?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(Part { sessions: Vec::new(), last: None });
    };
    let key = |row: &Texts| row[0].clone().unwrap_or_default();
    let mut devices = devices(source, &key(first), &key(last)).await?;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in &rows {
        match session(row, devices.remove(&key(row)).unwrap_or_default()) {
            Some(session) => sessions.push(session),
            None => done.leave("sessions that cannot be read"),
        }
    }
    Ok(Part { sessions, last: Some(key(last)) })
}

fn session(row: &Texts, devices: Vec<Device>) -> Option<KratosSession> {
    let text = |n: usize| row[n].as_deref().filter(|text| !text.is_empty());
    let at = |n: usize| text(n).and_then(time);
    let issued_at = at(4)?;
    let authenticated_at = at(6).unwrap_or(issued_at);
    let session = Session {
        id: Uuid::parse_str(text(0)?).ok()?,
        identity_id: Uuid::parse_str(text(1)?).ok()?,
        active: is_true(text(3)?),
        issued_at,
        expires_at: at(5)?,
        authenticated_at,
        last_used_at: None,
        assurance_level: text(7).and_then(AssuranceLevel::parse).unwrap_or_default(),
        methods: methods(text(8), authenticated_at)?,
        devices,
    };
    let new = NewSession { session, kind: SessionKind::Browser, token: TokenHash::of(text(2)?) };
    Some(KratosSession { new, updated_at: at(9).unwrap_or(issued_at) })
}

/// The proofs of a session. Older ones do not say what they count for, or when they were given.
fn methods(text: Option<&str>, authenticated_at: Timestamp) -> Option<Vec<AuthenticationMethod>> {
    let Value::Array(mut methods) = serde_json::from_str(text.unwrap_or("[]")).ok()? else { return None };
    for method in methods.iter_mut().filter_map(Value::as_object_mut) {
        let is_level = |level: &Value| level.as_str().and_then(AssuranceLevel::parse).is_some();
        if !method.get("aal").is_some_and(is_level) {
            method.insert("aal".into(), AssuranceLevel::Aal1.as_str().into());
        }
        let is_time = |at: &Value| at.as_str().and_then(Timestamp::parse).is_some();
        if !method.get("completed_at").is_some_and(is_time) {
            // A time always has a JSON form.
            let at = serde_json::to_value(authenticated_at).unwrap_or_default();
            method.insert("completed_at".into(), at);
        }
    }
    serde_json::from_value(Value::Array(methods)).ok()
}

async fn devices(
    source: &Source,
    first: &str,
    last: &str,
) -> Result<HashMap<String, Vec<Device>>, StoreError> {
    let columns = [
        ("session_id", As::Text),
        ("id", As::Text),
        ("ip_address", As::Text),
        ("user_agent", As::Text),
        ("location", As::Text),
    ];
    let between = format!("WHERE session_id >= '{first}' AND session_id <= '{last}' ORDER BY created_at, id");
    let rows = source.read(&columns, "session_devices", &between).await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let text = |n: usize| row[n].clone().unwrap_or_default();
        let Ok(id) = Uuid::parse_str(&text(1)) else { continue };
        let device = Device { id, ip_address: text(2), user_agent: text(3), location: text(4) };
        found.entry(text(0)).or_default().push(device);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_read_as_newer_and_older_versions_write_them() {
        let at = Timestamp::from_seconds(5);
        let read = |text| methods(Some(text), at);
        let new = r#"[{"method":"totp","aal":"aal2","completed_at":"2024-05-06T07:08:09.123456789Z","upstream_acr":"x"}]"#;
        let proofs = read(new).unwrap();
        assert_eq!((proofs[0].method.as_str(), proofs[0].aal), ("totp", AssuranceLevel::Aal2));
        assert_eq!(proofs[0].completed_at, Timestamp::from_micros(1_714_979_289_123_456));
        let old = read(r#"[{"method":"password","completed_at":""},{"method":"oidc","aal":""}]"#).unwrap();
        assert!(old.iter().all(|proof| proof.aal == AssuranceLevel::Aal1 && proof.completed_at == at));
        assert_eq!(methods(None, at), Some(vec![]));
        for unreadable in ["{}", "[{}]", "[", "[1]"] {
            assert_eq!(read(unreadable), None, "{unreadable}");
        }
    }
}
