//! How much work it is to judge traits by their schema.
//!
//! A schema whose value is described by itself in two branches doubles the work with each level of nesting, so a few
//! hundred bytes would keep a processor busy for minutes and fill the memory. The work is counted before it is done: each
//! pair of a schema and an object or a list is looked at once, however often it will be judged.

use std::collections::HashMap;
use std::ptr;

use serde_json::Value;

use super::document::Document;

/// How much work any traits may be.
const STEPS: u64 = 5_000;

/// How often more than once a schema may be applied to the same value, on the whole.
const TIMES: u64 = 8;

/// How many pairs are looked at. What has more would take seconds.
const MOST_PAIRS: usize = 500_000;

/// Whether judging an instance is far more work than there is to judge.
pub(super) fn is_out_of_proportion(document: &Document, instance: &Value) -> bool {
    let mut counted = Counted { document, known: HashMap::new(), scalars: HashMap::new(), once: 0 };
    let steps = counted.count(document.root(), instance);
    counted.known.len() > MOST_PAIRS || steps > counted.once.saturating_mul(TIMES).saturating_add(STEPS)
}

struct Counted<'a> {
    document: &'a Document,
    /// The steps of each pair of a schema and an object or a list.
    known: HashMap<(*const Value, *const Value), u64>,
    /// The steps of each schema for a value that holds no others, which are the same whatever it is.
    scalars: HashMap<*const Value, u64>,
    /// The steps if each pair were judged once.
    once: u64,
}

impl<'a> Counted<'a> {
    /// How many schemas are applied to `value` and what is in it when `schema` judges it.
    fn count(&mut self, schema: &'a Value, value: &Value) -> u64 {
        if !(value.is_object() || value.is_array()) {
            return self.count_scalar(schema, value);
        }
        let pair = (ptr::from_ref(schema), ptr::from_ref(value));
        if let Some(known) = self.known.get(&pair) {
            return *known;
        }
        if self.known.len() > MOST_PAIRS {
            return 0;
        }
        let (mut steps, mut once) = (1_u64, 1_u64);
        for (above, below) in self.applied(schema, value) {
            let more = self.count(above, below);
            steps = steps.saturating_add(more);
            if !(below.is_object() || below.is_array()) {
                once = once.saturating_add(more);
            }
        }
        self.once = self.once.saturating_add(once);
        self.known.insert(pair, steps);
        steps
    }

    fn count_scalar(&mut self, schema: &'a Value, value: &Value) -> u64 {
        let key = ptr::from_ref(schema);
        if let Some(known) = self.scalars.get(&key) {
            return *known;
        }
        let mut steps = 1_u64;
        for (above, below) in self.applied(schema, value) {
            steps = steps.saturating_add(self.count_scalar(above, below));
        }
        self.scalars.insert(key, steps);
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
