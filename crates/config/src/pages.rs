//! What is wrong with the section `pages` as it is written, apart from what stands in its files.

use std::collections::HashMap;

use serde_json::Value;

use crate::problem::{Findings, escape};
use crate::sections::pages::{Colors, Pages, Palette};
use crate::setting::Setting as _;

/// The longest name in characters. It stands in one line at the top of a telephone.
const MAX_NAME: usize = 60;

/// The longest tag of a language in characters, with room for all that people speak (RFC 5646, section 4.4.1).
pub const MAX_TAG: usize = 35;

/// Names what is wrong with the section. `tree` is what it was read from.
pub(crate) fn check(section: &Pages, tree: &Value, found: &mut Findings) {
    if let Some(name) = &section.name
        && (name.chars().count() > MAX_NAME || name.contains(char::is_control) || name.trim().is_empty())
    {
        let message =
            format!("the name must be one line of {MAX_NAME} characters or less, and not only of blanks");
        found.wrong("/pages/name", message);
    }
    check_tags(section, found);
    check_for_comments(tree, found);
}

/// Names tags that are none, and those that are of one language.
fn check_tags(section: &Pages, found: &mut Findings) {
    let mut known: HashMap<String, &str> = HashMap::new();
    for tag in section.texts.keys() {
        let at = format!("/pages/texts/{}", escape(tag));
        if !is_tag(tag) {
            let message = "it is no tag of a language: write one such as fr, pt-BR or zh-Hant";
            found.wrong(at, message);
        } else if let Some(other) = known.insert(tag.to_ascii_lowercase(), tag) {
            found.wrong(at, format!("it is the same language as {other}: remove one of them"));
        }
    }
}

/// Whether a text has the form of a tag of a language (RFC 5646).
fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_language =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_more =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= MAX_TAG && parts.next().is_some_and(is_language) && parts.all(is_more)
}

/// Names colours that nobody sees: in YAML a `#` begins a comment, so a colour without quotes is a key without a value,
/// which would be as good as absent.
fn check_for_comments(tree: &Value, found: &mut Findings) {
    for scheme in Colors::KIND.keys() {
        for color in Palette::KIND.keys() {
            let at = format!("/pages/colors/{}/{}", scheme.name, color.name);
            if tree.pointer(&at).is_some_and(Value::is_null) {
                let message = "there is no colour here. In YAML a # begins a comment, so write the colour in quotes, as \"#0a6b4f\", or remove the key";
                found.wrong(at, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Config;

    #[test]
    fn what_cannot_be_is_named() {
        for (pages, place, word) in [
            (json!({"name": " "}), "/pages/name", "one line"),
            (json!({"name": "a\nb"}), "/pages/name", "one line"),
            (json!({"name": "x".repeat(61)}), "/pages/name", "60"),
            (json!({"texts": {"x": "file:///x"}}), "/pages/texts/x", "no tag"),
            (json!({"texts": {"fr/..": "file:///x"}}), "/pages/texts/fr~1..", "no tag"),
            (json!({"texts": {"pt-BR": "file:///a", "pt-br": "file:///b"}}), "/pages/texts/pt-br", "pt-BR"),
            (json!({"colors": {"light": {"accent": "teal"}}}), "/pages/colors/light/accent", "\"#0a6b4f\""),
            (json!({"colors": {"dark": {"text": 123_456}}}), "/pages/colors/dark/text", "123456"),
            (json!({"colors": {"dark": {"text": null}}}), "/pages/colors/dark/text", "quotes"),
        ] {
            let (_, wrong) = Config::judge(&json!({ "pages": pages }));
            let [problem] = wrong.as_slice() else { panic!("{pages}: {wrong:?}") };
            assert!(problem.pointer == place && problem.message.contains(word), "{problem}");
        }
    }

    #[test]
    fn what_is_well_written_is_taken() {
        let pages = json!({
            "name": "Ünïcode & Söhne",
            "colors": {"light": {"accent": "#0a6b4f"}, "dark": null},
            "texts": {"fr": "file:///fr.yml", "zh-Hant-TW": "base64://e30="},
        });
        let config = Config::from_tree(&json!({ "pages": pages })).unwrap();
        assert_eq!(config.pages.colors.light.accent.unwrap().to_string(), "#0a6b4f");
        assert!(config.pages.colors.dark.accent.is_none() && config.pages.texts.len() == 2);
        assert!(config.notes.is_empty(), "{:?}", config.notes);
    }
}
