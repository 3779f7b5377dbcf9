//! How much work it is to judge traits by their schema.
//!
//! A schema whose value is described by itself in two branches doubles the work with each level of nesting, so a few
//! hundred bytes would keep a processor busy for minutes and fill the memory. The work is counted before it is done: each
//! pair of a schema and a value is counted once, however often it will be judged.

use std::collections::HashMap;
use std::ptr;

use serde_json::Value;

use super::document::Document;

/// How often schemas may be applied to parts of any traits.
const STEPS: u64 = 10_000;

/// How often more for each value in them.
const STEPS_A_VALUE: u64 = 200;

/// Whether judging these traits is far more work than there is to judge.
pub(super) fn is_out_of_proportion(document: &Document, traits: &Value) -> bool {
    let bound = STEPS + STEPS_A_VALUE * values(traits);
    let mut counted = Counted { document, known: HashMap::new(), bound };
    counted.count(document.traits(), traits) > bound
}

/// How many values there are in a value, itself included.
fn values(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(members) => members.values().map(values).sum(),
        _ => 0,
    }
}

struct Counted<'a> {
    document: &'a Document,
    /// The steps of each pair that was looked at.
    known: HashMap<(*const Value, *const Value), u64>,
    bound: u64,
}

impl<'a> Counted<'a> {
    /// How many schemas are applied to `value` and what is in it when `schema` judges it. What is above the bound is not
    /// counted to its end.
    fn count(&mut self, schema: &'a Value, value: &Value) -> u64 {
        let pair = (ptr::from_ref(schema), ptr::from_ref(value));
        if let Some(known) = self.known.get(&pair) {
            return *known;
        }
        if self.known.len() as u64 > self.bound {
            return self.bound + 1;
        }
        let mut steps = 1;
        for (above, below) in self.applied(schema, value) {
            steps += self.count(above, below);
            if steps > self.bound {
                break;
            }
        }
        self.known.insert(pair, steps);
        steps
    }

    /// The schemas that `schema` applies to `value` and to what is in it, each with what it is applied to. Where that depends
    /// on the judgement, it is taken to be applied.
    fn applied<'v>(&self, schema: &'a Value, value: &'v Value) -> Vec<(&'a Value, &'v Value)> {
        let mut applied: Vec<_> =
            self.document.applied_to_the_same(schema).into_iter().map(|above| (above, value)).collect();
        if schema.get("$ref").is_some() {
            return applied;
        }
        let alone = |keyword: &str| schema.get(keyword).filter(|found| found.is_object());
        match value {
            Value::Object(members) => {
                let named = schema.get("properties").and_then(Value::as_object);
                let patterns = schema.get("patternProperties").and_then(Value::as_object);
                for (name, member) in members {
                    let named = named.and_then(|named| named.get(name));
                    let by_pattern = patterns.into_iter().flatten().map(|(_, described)| described);
                    let others = ["additionalProperties", "propertyNames"].into_iter().filter_map(alone);
                    applied.extend(
                        named.into_iter().chain(by_pattern).chain(others).map(|above| (above, member)),
                    );
                }
            }
            Value::Array(items) => {
                let listed = schema.get("items").and_then(Value::as_array);
                for (index, item) in items.iter().enumerate() {
                    let at_its_place = listed.and_then(|listed| listed.get(index));
                    let others = ["items", "additionalItems", "contains"].into_iter().filter_map(alone);
                    applied.extend(at_its_place.into_iter().chain(others).map(|above| (above, item)));
                }
            }
            _ => {}
        }
        applied
    }
}
