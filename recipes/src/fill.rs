//! Answers and other words in the places of texts that name them in double braces.
//!
//! `{{NAME}}` is the word as it is. In a command or a file of another program it stands in the form that is read there:
//! `{{json NAME}}` is a text of JSON with its quotation marks, `{{shell NAME}}` a word of a shell, `{{sql NAME}}` the inside
//! of a text of SQL, and `{{quoted json NAME}}` a text of JSON within single quotes of a shell.

use std::collections::BTreeMap;

use serde_json::Value;
use sessera_model::shell;

/// A value in whose texts answers stand for their names in braces.
pub(crate) fn filled(value: &Value, answers: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, answers)),
        Value::Array(values) => values.iter().map(|value| filled(value, answers)).collect(),
        other => other.clone(),
    }
}

pub(crate) fn fill(text: &str, words: &BTreeMap<String, String>) -> String {
    let mut rest = text;
    let mut filled = String::new();
    // What an answer has in braces is not looked at again.
    while let Some((before, (place, after))) =
        rest.split_once("{{").and_then(|(before, behind)| Some((before, behind.split_once("}}")?)))
    {
        filled.push_str(before);
        filled.push_str(&word(place, words));
        rest = after;
    }
    filled + rest
}

/// What stands in a place, which is the name of a word behind the forms that it takes on, the last of them first.
fn word(place: &str, words: &BTreeMap<String, String>) -> String {
    match place.split_once(' ') {
        None => words.get(place).cloned().unwrap_or_default(),
        Some((form, place)) => formed(form, &word(place, words)),
    }
}

fn formed(form: &str, word: &str) -> String {
    match form {
        "json" => Value::from(word).to_string(),
        "shell" => shell::word(word),
        "quoted" => word.replace('\'', r"'\''"),
        "sql" => word.replace('\\', r"\\").replace('\'', "''"),
        // A test looks for places in recipes that have another one.
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_takes_on_the_form_of_its_place() {
        let words = BTreeMap::from([("odd".to_owned(), r#"a"b'c\d {{odd}}"#.to_owned())]);
        for (place, filled) in [
            ("{{odd}}", r#"a"b'c\d {{odd}}"#),
            ("[{{json odd}}]", r#"["a\"b'c\\d {{odd}}"]"#),
            ("'{{quoted json odd}}'", r#"'"a\"b'\''c\\d {{odd}}"'"#),
            ("x={{shell odd}}", r#"x='a"b'\''c\d {{odd}}'"#),
            ("'{{sql odd}}'", r#"'a"b''c\\d {{odd}}'"#),
            ("{{other}}{{json other}}", "\"\""),
            ("{{open", "{{open"),
        ] {
            assert_eq!(fill(place, &words), filled, "{place}");
        }
    }
}
