//! Claims that break one rule of a service each, made of claims that keep them all.

use serde_json::{Value, json};

/// For each rule of a schema the value with that rule broken, wherever it stands in it.
pub(crate) fn each_rule(schema: &Value, value: &Value) -> Vec<(String, Value)> {
    let mut broken = Vec::new();
    for (rule, told) in schema.as_object().unwrap() {
        match rule.as_str() {
            "required" => broken.extend(told.as_array().unwrap().iter().map(|name| {
                let mut without = value.clone();
                without.as_object_mut().unwrap().shift_remove(name.as_str().unwrap());
                (format!("without {name}"), without)
            })),
            "properties" => {
                for (name, schema) in told.as_object().unwrap() {
                    broken.extend(inside(schema, value, name, value.get(name)));
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let is_additional = |name: &str| known.is_none_or(|known| !known.contains_key(name));
                let mut members = value.as_object().unwrap().iter();
                let (name, member) =
                    members.find(|(name, _)| is_additional(name)).expect("a member without a rule");
                broken.extend(inside(told, value, name, Some(member)));
            }
            "propertyNames" => {
                let mut named = value.clone();
                named["?"] = json!("a value");
                broken.push(("a name".into(), named));
            }
            "items" => {
                let one = value.get(0).unwrap_or(&Value::Null);
                broken.extend(
                    each_rule(told, one)
                        .into_iter()
                        .map(|(rule, item)| (format!("an item: {rule}"), json!([item]))),
                );
            }
            _ => broken.push((format!("{rule} {told}"), alone(rule, told, value))),
        }
    }
    broken
}

/// For each rule of a member the whole with that rule broken. A member that is not there is put there.
fn inside(schema: &Value, whole: &Value, name: &str, member: Option<&Value>) -> Vec<(String, Value)> {
    let rules = each_rule(schema, member.unwrap_or(&Value::Null));
    let put = rules.into_iter().map(|(rule, member)| {
        let mut whole = whole.clone();
        whole[name] = member;
        (format!("{name}: {rule}"), whole)
    });
    put.collect()
}

/// A value that breaks a rule about nothing but itself.
fn alone(rule: &str, told: &Value, value: &Value) -> Value {
    let count = || usize::try_from(told.as_u64().unwrap()).unwrap();
    match rule {
        "type" if told == "string" => json!(7),
        "type" => json!("a text"),
        "enum" => json!("another one"),
        "pattern" | "format" => json!("?"),
        // Whoever may be two things is neither.
        "anyOf" => json!(7),
        "minLength" => json!("x".repeat(count() - 1)),
        "maxLength" => json!("x".repeat(count() + 1)),
        "minItems" => json!(value.as_array().unwrap()[..count() - 1]),
        "maxItems" => json!(vec![&value[0]; count() + 1]),
        "maxProperties" => {
            let one = value.as_object().unwrap().values().next().unwrap();
            (0..=count()).map(|number| (number.to_string(), one.clone())).collect()
        }
        other => panic!("what breaks the rule \"{other}\" is not known: write it down here"),
    }
}
