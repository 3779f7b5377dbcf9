//! Whether a change of the configuration reaches beyond what somebody may change who is not trusted with keys and with what
//! the server is connected to.

use serde_json::Value;

use crate::problem::escape;

/// Where the tokenizer templates stand.
const TEMPLATES: &str = "/session/whoami/tokenizer/templates";

/// The pointer of a place at which a change reaches beyond tokenizer templates, or brings a template keys that are not
/// stored in this deployment. Whoever brings keys knows them and can make tokens of anybody.
pub fn of_templates(before: &Value, after: &Value) -> Option<String> {
    difference(before, after, &mut String::new())
}

fn difference(before: &Value, after: &Value, pointer: &mut String) -> Option<String> {
    if pointer == TEMPLATES {
        return keys_from_elsewhere(before, after);
    }
    // An object that is not there is like an empty one.
    let is_object = |value: &Value| value.is_object() || value.is_null();
    if !is_object(before) || !is_object(after) {
        return (before != after).then(|| pointer.clone());
    }
    let new = names(after).filter(|name| before.get(name).is_none());
    names(before).chain(new).find_map(|name| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&escape(name));
        let member = |value| Value::get(value, name).unwrap_or(&Value::Null);
        let found = difference(member(before), member(after), pointer);
        pointer.truncate(length);
        found
    })
}

/// The names of the members of an object.
fn names(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flatten().map(|(name, _)| name)
}

fn keys_from_elsewhere(before: &Value, after: &Value) -> Option<String> {
    let url = |template: Option<&Value>| template.and_then(|template| template.get("jwks_url")).cloned();
    after.as_object().into_iter().flatten().find_map(|(name, template)| {
        let new = url(Some(template))?;
        let is_stored = new.as_str().is_some_and(|text| text.trim_start().starts_with("set://"));
        let is_known = url(before.get(name)).as_ref() == Some(&new);
        (!is_stored && !is_known).then(|| format!("{TEMPLATES}/{}/jwks_url", escape(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(templates: Value) -> Value {
        json!({"session": {"lifespan": "1h", "whoami": {"tokenizer": {"templates": templates}}}})
    }

    #[test]
    fn templates_may_change_as_long_as_their_keys_are_stored_here() {
        let before = with(json!({"a": {"jwks_url": "set://k"}, "b": {"jwks_url": "base64://e30="}}));
        for after in [
            before.clone(),
            with(json!({})),
            with(json!({"a": {"jwks_url": "set://other", "ttl": "1m"}, "b/c": {"jwks_url": "set://k"}})),
            with(json!({"b": {"jwks_url": "base64://e30=", "ttl": "1m"}, "c": {}})),
        ] {
            assert_eq!(of_templates(&before, &after), None, "{after}");
        }
        let bare = json!({"session": {"lifespan": "1h"}});
        assert_eq!(of_templates(&bare, &with(json!({"a": {"jwks_url": "set://k"}}))), None);
        for (after, pointer) in [
            (
                with(json!({"a": {"jwks_url": "base64://e30="}})),
                "/session/whoami/tokenizer/templates/a/jwks_url",
            ),
            (
                with(json!({"c/d": {"jwks_url": "file:///k"}})),
                "/session/whoami/tokenizer/templates/c~1d/jwks_url",
            ),
            (with(json!({"a": {"jwks_url": 1}})), "/session/whoami/tokenizer/templates/a/jwks_url"),
        ] {
            assert_eq!(of_templates(&before, &after).as_deref(), Some(pointer), "{after}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        let before = with(json!({}));
        for (pointer, value) in [
            ("/session/lifespan", json!("2h")),
            ("/courier", json!({"smtp": {"connection_uri": "smtp://h"}})),
            ("/session/whoami/tokenizer/max", json!(1)),
            ("/session/whoami", json!([])),
        ] {
            let mut after = before.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            after.pointer_mut(parent).unwrap()[name] = value;
            let found = of_templates(&before, &after).unwrap();
            assert!(found.starts_with(pointer), "{pointer} {found}");
        }
        assert_eq!(of_templates(&before, &json!([])).as_deref(), Some(""));
    }
}
