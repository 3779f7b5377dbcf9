//! Which settings a revision of the configuration changes, as its event tells it: by the place of each value, without the
//! values.

use std::collections::BTreeSet;

use serde_json::Value;
use sessera_model::json_pointer::escape;

/// The most places that are named. The others are counted.
const MOST: usize = 32;

/// The longest place in characters. What is longer is cut.
const LONGEST: usize = 200;

/// The places that a difference names, each of which holds one value: `[{"op","path","before"?,"after"?}]`.
pub(crate) fn places(difference: &str) -> Vec<String> {
    let changes: Vec<Value> = serde_json::from_str(difference).unwrap_or_default();
    let mut found = Found::default();
    for change in &changes {
        if let Some(pointer) = change["path"].as_str() {
            found.compare(change.get("before"), change.get("after"), pointer);
        }
    }
    found.told()
}

#[derive(Default)]
struct Found {
    places: Vec<String>,
    more: usize,
}

impl Found {
    fn compare(&mut self, before: Option<&Value>, after: Option<&Value>, pointer: &str) {
        if before == after && before.is_some() {
            return;
        }
        let members: Vec<String> = match (before, after) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                old.keys().chain(new.keys()).collect::<BTreeSet<_>>().into_iter().cloned().collect()
            }
            (Some(Value::Object(only)), None) | (None, Some(Value::Object(only))) => {
                only.keys().cloned().collect()
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => numbers(old.len().max(new.len())),
            (Some(Value::Array(only)), None) | (None, Some(Value::Array(only))) => numbers(only.len()),
            _ => Vec::new(),
        };
        if members.is_empty() {
            self.add(pointer);
        }
        for name in members {
            let at = format!("{pointer}/{}", escape(&name));
            self.compare(
                before.and_then(|old| member(old, &name)),
                after.and_then(|new| member(new, &name)),
                &at,
            );
        }
    }

    fn add(&mut self, pointer: &str) {
        if self.places.len() == MOST {
            self.more += 1;
            return;
        }
        let mut place: String = pointer.chars().take(LONGEST).collect();
        if place.len() < pointer.len() {
            place.push('…');
        }
        self.places.push(place);
    }

    fn told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.places.push(format!("and {} more", self.more));
        }
        self.places
    }
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn member<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    match of {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(changes: &Value) -> Vec<String> {
        places(&changes.to_string())
    }

    #[test]
    fn each_value_is_told_by_its_place_and_by_nothing_else() {
        let changes = json!([
            {"op": "add", "path": "/session", "after": {"lifespan": "SECRET", "cookie": {"same_site": "SECRET"}}},
            {"op": "remove", "path": "/events/sinks/a", "before": {"secret": ["SECRET", "SECRET"], "url": "SECRET"}},
            {"op": "replace", "path": "/a~1b", "before": ["x", {"y": 1, "z": 2}], "after": ["x", {"y": 1, "z": 3}, 4]},
            {"op": "replace", "path": "/c", "before": {"d": 1}, "after": 2},
            {"op": "add", "path": "/empty", "after": {}},
            {"op": "add", "path": "/e", "after": {"f/g~": null}},
            {"op": "replace", "path": "", "before": 1, "after": 2},
        ]);
        let mut places = told(&changes);
        places.sort_unstable();
        let mut wanted = [
            "/session/lifespan",
            "/session/cookie/same_site",
            "/events/sinks/a/secret/0",
            "/events/sinks/a/secret/1",
            "/events/sinks/a/url",
            "/a~1b/1/z",
            "/a~1b/2",
            "/c",
            "/empty",
            "/e/f~1g~0",
            "",
        ];
        wanted.sort_unstable();
        assert_eq!(places, wanted);
    }

    #[test]
    fn many_places_are_counted_and_long_ones_are_cut() {
        let many: serde_json::Map<String, Value> =
            (0..100).map(|n| (format!("{n:03}"), json!({"a": n}))).collect();
        let places = told(&json!([{"op": "add", "path": "", "after": many}]));
        assert_eq!((places.len(), places[31].as_str(), places[32].as_str()), (33, "/031/a", "and 68 more"));
        let long = "ä".repeat(1000);
        let places = told(&json!([{"op": "add", "path": "/x", "after": {long: 1}}]));
        assert_eq!(places[0].chars().count(), LONGEST + 1);
        assert!(places[0].starts_with("/x/ää") && places[0].ends_with("ä…"), "{places:?}");
    }

    #[test]
    fn what_is_no_difference_names_no_place() {
        for odd in ["", "{}", "[1, {}, {\"path\": 1}]", "null"] {
            assert_eq!(places(odd), [""; 0], "{odd}");
        }
    }
}
