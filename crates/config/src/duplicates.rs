//! Members that stand twice in one JSON object.
//!
//! Elsewhere the last one wins. In a tokenizer template it does not: two readers that choose differently
//! would see two key sets.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::problem::escape;

/// Where the templates stand in a project.
const TEMPLATES: &str = "/services/identity/config/session/whoami/tokenizer/templates/";

/// The pointer of a member that stands twice in a template of a project.
pub fn in_project(body: &[u8]) -> Option<String> {
    find(body).into_iter().find(|pointer| pointer.starts_with(TEMPLATES))
}

/// The pointer of a member that stands twice in a template to which a JSON Patch sets a value.
pub fn in_patch(body: &[u8], patch: &Value) -> Option<String> {
    find(body).into_iter().find_map(|pointer| {
        let (operation, inner) = pointer.strip_prefix('/')?.split_once("/value")?;
        let path = patch.get(operation.parse::<usize>().ok()?)?.get("path")?.as_str()?;
        let place = format!("{path}{inner}");
        place.starts_with(TEMPLATES).then_some(place)
    })
}

/// The JSON Pointers of all members that stand twice. Text that is no JSON has none.
fn find(body: &[u8]) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    let at = At { pointer: String::new(), found: &found };
    // Text that ends early is refused by those who parse it for its values.
    let _ = at.deserialize(&mut serde_json::Deserializer::from_slice(body));
    found.into_inner()
}

/// A place in the text.
struct At<'f> {
    pointer: String,
    found: &'f RefCell<Vec<String>>,
}

impl At<'_> {
    fn below(&self, name: &str) -> Self {
        Self { pointer: format!("{}/{}", self.pointer, escape(name)), found: self.found }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
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
        while items.next_element_seed(self.below(&number.to_string()))?.is_some() {
            number += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let below = self.below(&name);
            if names.contains(&name) {
                self.found.borrow_mut().push(below.pointer);
                members.next_value::<IgnoredAny>()?;
            } else {
                names.insert(name);
                members.next_value_seed(below)?;
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
        assert_eq!(find(br#"{"a":1,"b":[{"c/d":1,"x":2,"c/d":null}],"\u0061":2}"#), ["/b/0/c~1d", "/a"]);
        assert!(find(br#"{"a":{"a":1},"b":[1,-2,3.5,null,true,"x"]}"#).is_empty());
        assert!(find(b"{").is_empty());
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
