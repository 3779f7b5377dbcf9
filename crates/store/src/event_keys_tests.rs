//! What was done to keys becomes events.

use sessera_model::Timestamp;

use super::*;
use crate::KeyWork;
use crate::records::StoredKey;

#[test]
fn a_set_has_an_event_for_each_thing_and_never_none() {
    let set = KeySet::new("s".into(), ["a", "b"].map(secret).into());
    let about = |done: &[KeysDone]| {
        let events = of_keys(&set, done);
        assert!(!format!("{events:?}").contains("SECRET"));
        let about = |event: &Event| {
            let fields = event.described().fields;
            let text = |wanted: &str| {
                let found = fields.iter().find(|(name, _)| *name == wanted);
                found.and_then(|(_, value)| value.as_str().map(str::to_owned)).unwrap_or_default()
            };
            [text("key_set"), text("done"), text("key"), text("keys")].join("|")
        };
        events.iter().map(about).collect::<Vec<_>>()
    };
    let done = [KeyWork::Revoked.to("x"), KeyWork::Prepared.to("b")];
    assert_eq!(about(&done), ["s|revoked|x|a, b", "s|prepared|b|a, b"]);
    assert_eq!(about(&[]), ["s|changed||a, b"]);
}

fn secret(kid: &str) -> StoredKey {
    StoredKey { kid: kid.into(), jwk: "SECRET".into(), created_at: Timestamp::default() }
}
