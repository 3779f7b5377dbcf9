//! Members that stand twice in one JSON object.
//!
//! Elsewhere the last one wins. In a tokenizer template it does not: two readers that choose differently
//! would see two key sets.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::problem::escape;

/// Where the templates stand in a project.
const TEMPLATES: &str = "/services/identity/config/session/whoami/tokenizer/templates/";

/// The pointer of a member that stands twice in a template of a project.
pub fn in_project(body: &[u8]) -> Option<String> {
    find(body, |pointer| pointer.starts_with(TEMPLATES))
}

/// The pointer of a member that stands twice in a template to which a JSON Patch sets a value.
pub fn in_patch(body: &[u8], patch: &Value) -> Option<String> {
    let is_in_templates = |pointer: &str| {
        place(pointer, patch).is_some_and(|(path, inner)| match path.strip_prefix(TEMPLATES) {
            Some(_) => true,
            None => TEMPLATES.strip_prefix(path).is_some_and(|rest| inner.starts_with(rest)),
        })
    };
    let found = find(body, is_in_templates)?;
    place(&found, patch).map(|(path, inner)| format!("{path}{inner}"))
}

/// The path of the operation to whose value a pointer leads, and the way within that value.
fn place<'a>(pointer: &'a str, patch: &'a Value) -> Option<(&'a str, &'a str)> {
    let (operation, inner) = pointer.strip_prefix('/')?.split_once("/value")?;
    let path = patch.get(operation.parse::<usize>().ok()?)?.get("path")?.as_str()?;
    Some((path, inner))
}

/// The JSON Pointer of the first member that stands twice and counts. Text that is no JSON has none.
fn find(body: &[u8], counts: impl Fn(&str) -> bool) -> Option<String> {
    let mut walk = Walk { pointer: String::new(), counts: &counts, found: None };
    // Text that ends early is refused by those who parse it for its values.
    let _ = At(&mut walk).deserialize(&mut serde_json::Deserializer::from_slice(body));
    walk.found
}

/// What is found on the way through the text, and where the way is.
struct Walk<'c> {
    pointer: String,
    counts: &'c dyn Fn(&str) -> bool,
    found: Option<String>,
}

impl Walk<'_> {
    /// Does something one step further down.
    fn within<T>(&mut self, name: &str, visit: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&escape(name));
        let outcome = visit(self);
        self.pointer.truncate(length);
        outcome
    }
}

/// A place in the text.
struct At<'w, 'c>(&'w mut Walk<'c>);

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut number = 0_usize;
        while self.0.within(&number.to_string(), |walk| items.next_element_seed(At(walk)))?.is_some() {
            number += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                self.0.within(&name, |walk| {
                    if walk.found.is_none() && (walk.counts)(&walk.pointer) {
                        walk.found = Some(walk.pointer.clone());
                    }
                });
                members.next_value::<IgnoredAny>()?;
            } else {
                self.0.within(&name, |walk| members.next_value_seed(At(walk)))?;
                names.insert(name);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_stand_twice_are_found() {
        let body = br#"{"a":1,"b":[{"c/d":1,"x":2,"c/d":null}],"\u0061":2}"#;
        assert_eq!(find(body, |_| true).as_deref(), Some("/b/0/c~1d"));
        assert_eq!(find(body, |pointer| pointer.len() < 3).as_deref(), Some("/a"));
        assert_eq!(find(br#"{"a":{"a":1},"b":[1,-2,3.5,null,true,"x"]}"#, |_| true), None);
        assert_eq!(find(b"{", |_| true), None);
    }

    #[test]
    fn only_templates_count() {
        let check = |body: &str| in_patch(body.as_bytes(), &serde_json::from_str(body).unwrap());
        let at = |path: &str, value: &str| {
            format!(r#"[{{"op":"add","op":"add","path":"/services/identity/config{path}","value":{value}}}]"#)
        };
        let template = r#"{"jwks_url":"set://a","jwks_url":"set://b"}"#;
        assert!(check(&at("/session/whoami/tokenizer/templates/t", template)).is_some());
        assert!(
            check(&at("/session/whoami/tokenizer", &format!(r#"{{"templates":{{"t":{template}}}}}"#)))
                .is_some()
        );
        assert!(check(&at("/session", r#"{"lifespan":"1h","lifespan":"2h"}"#)).is_none());
        let project = format!(
            r#"{{"services":{{"identity":{{"config":{{"session":{{"whoami":{{"tokenizer":{{"templates":{{"t":{template}}}}}}}}}}}}}}}}}"#
        );
        assert!(in_project(project.as_bytes()).is_some());
        assert!(in_project(br#"{"services":1,"services":2}"#).is_none());
    }
}
