//! Secrets that nobody can guess.

use std::collections::HashSet;

use serde_json::Value;
use sessera_model::Secret;

use crate::kind::Kind;
use crate::problem::{Findings, Problem};
use crate::setting::Setting;

/// How many different characters a secret needs. Of one that is drawn at random, no such few are to be expected.
const LEAST_DIFFERENT: usize = 6;

/// What samples have in the place of a secret, without anything but letters and digits.
const SAMPLES: [&str; 11] = [
    "changeme",
    "changethis",
    "changeit",
    "replaceme",
    "insecure",
    "notsecure",
    "supersecret",
    "yoursecret",
    "mysecret",
    "ipsumipsum",
    "secretofatleast",
];

/// Whether a secret is one of those that samples have, such as `PLEASE-CHANGE-ME-I-AM-VERY-INSECURE` of Kratos.
fn is_of_a_sample(text: &str) -> bool {
    let letters: String = letters(text).collect();
    SAMPLES.iter().any(|sample| letters.contains(sample))
}

/// Whether each letter or digit follows the one before, as in `0123456789abcdef`.
fn is_counted(text: &str) -> bool {
    let all: Vec<u32> = letters(text).map(u32::from).collect();
    let breaks = all.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
    !all.is_empty() && breaks <= all.len() / 8
}

/// The letters and digits of a text, all of them small.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// A secret of at least so many characters.
#[derive(Clone, Debug)]
pub struct Strong<const LEAST: usize>(Secret);

impl<const LEAST: usize> Strong<LEAST> {
    /// Why a secret can be guessed, and how a better one is made.
    pub fn weakness(secret: &Secret) -> Option<String> {
        let text = secret.expose();
        let length = text.chars().count();
        if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
            return Some(
                "the secret is empty, which protects nothing: make one with \"openssl rand -base64 24\", or leave the key out"
                    .to_owned(),
            );
        }
        let different = text.chars().collect::<HashSet<_>>().len();
        let why = if length < LEAST {
            format!("has {length} characters and needs at least {LEAST}")
        } else if is_of_a_sample(text) {
            "stands in a sample that everybody can read".to_owned()
        } else if is_counted(text) {
            "counts up, which is easy to guess".to_owned()
        } else if different < LEAST_DIFFERENT {
            format!("has {different} different characters and needs at least {LEAST_DIFFERENT}")
        } else {
            return None;
        };
        Some(format!("the secret {why}: make another one with \"openssl rand -base64 24\""))
    }
}

impl<const LEAST: usize> From<Strong<LEAST>> for Secret {
    fn from(Strong(secret): Strong<LEAST>) -> Self {
        secret
    }
}

impl<const LEAST: usize> Setting for Strong<LEAST> {
    const KIND: Kind = Kind::Secret(LEAST);

    /// A weak secret is read all the same, so that what was written under it can be written anew.
    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let secret = if value.is_null() { Secret::from("") } else { Secret::read(value, kind, at, found)? };
        found.weak.extend(Self::weakness(&secret).map(|weakness| Problem::new(at, weakness)));
        Some(Self(secret))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use crate::config::Config;
    use crate::environment::Environment;
    use crate::load::{load, load_all};

    /// So many characters that nobody guesses.
    fn good(length: usize) -> String {
        "q7Vé2mXü9Lw4".chars().cycle().take(length).collect()
    }

    fn refusal(tree: &Value) -> String {
        Config::from_tree(tree).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused_wherever_it_stands_in_its_list() {
        let good = good(32);
        for (section, key, least) in [
            ("secrets", "cipher", 32),
            ("secrets", "cookie", 16),
            ("secrets", "default", 16),
            ("admin", "token", 24),
        ] {
            let tree = |value: Value| match section {
                "admin" => json!({"serve": {"admin": {key: value}}}),
                _ => json!({section: {key: value}}),
            };
            let (short, long) = (super::tests::good(least - 1), super::tests::good(least));
            for list in [json!(short), json!([short]), json!([good, short]), json!([short, good])] {
                let told = refusal(&tree(list.clone()));
                assert!(
                    told.contains(&format!("at least {least}")) && told.contains("openssl rand"),
                    "{list}: {told}"
                );
                assert!(!told.contains(&short), "{told}");
            }
            assert_eq!(refusal(&tree(json!([long, good]))), "");
        }
    }

    #[test]
    fn a_secret_that_is_there_and_empty_is_refused_wherever_it_stands() {
        let nothing =
            [json!(""), json!([""]), json!(null), json!([null]), json!(" ".repeat(40)), json!(["\t\n"])];
        for value in nothing {
            for tree in [
                json!({"serve": {"admin": {"token": value}}}),
                json!({"secrets": {"cipher": value}}),
                json!({"secrets": {"cookie": value}}),
                json!({"secrets": {"default": value}}),
            ] {
                assert!(refusal(&tree).contains("is empty"), "{tree}");
            }
        }
        for name in ["SERVE_ADMIN_TOKEN", "SECRETS_CIPHER", "SECRETS_COOKIE_0", "SECRETS_DEFAULT"] {
            for text in ["", " ", ",", "[]", "[\"\"]"] {
                let set = Environment::from([(name.to_owned(), text.to_owned())]);
                let told = load(&[], &set).err().map(|error| error.to_string()).unwrap_or_default();
                assert!(told.contains(name) && told.contains("secret"), "{name}={text}: {told}");
            }
        }
        let absent = [json!({"serve": {"admin": {}}}), json!({"courier": {"smtp": {"connection_uri": ""}}})];
        for tree in absent {
            assert_eq!(refusal(&tree), "", "{tree}");
        }
    }

    #[test]
    fn a_secret_that_everybody_knows_or_that_is_no_more_than_a_few_letters_is_refused() {
        for known in [
            "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE",
            "32-LONG-SECRET-NOT-SECURE-AT-ALL",
            "a-secret-of-at-least-32-characters",
            "youReallyNeedToChangeThis-and-soon",
            "ipsumipsumipsumipsumipsumipsumipsum",
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyz012345",
            &"a".repeat(32),
            &"abcde".repeat(8),
        ] {
            for tree in [
                json!({"secrets": {"cipher": [good(32), known]}}),
                json!({"secrets": {"cookie": [known]}}),
                json!({"secrets": {"default": known}}),
                json!({"serve": {"admin": {"token": known}}}),
            ] {
                let told = refusal(&tree);
                assert!(told.contains("openssl rand") && !told.contains(known), "{tree}: {told}");
            }
        }
        for strong in ["JVqX0Yb1d4a9w8T0m3zQx5uK7cRnGh2e", "5f1c9d0e7ab34826c1f09e3d7a4b5c60", &good(32)] {
            assert_eq!(refusal(&json!({"secrets": {"cipher": [strong]}})), "", "{strong}");
        }
    }

    #[test]
    fn a_list_of_no_secrets_is_refused() {
        for tree in [
            json!({"secrets": {"cipher": []}}),
            json!({"secrets": {"cookie": []}}),
            json!({"secrets": {"default": []}}),
            json!({"serve": {"admin": {"token": []}}}),
        ] {
            assert!(refusal(&tree).contains("leave the key out"), "{tree}");
        }
    }

    #[test]
    fn a_token_that_no_client_can_send_is_refused() {
        let token = good(30).replace(['é', 'ü'], "z");
        for lost in [format!("{token} "), format!(" {token}"), format!("{token}\n"), format!("{token}\u{7}x")]
        {
            let told = refusal(&json!({"serve": {"admin": {"token": [lost]}}}));
            assert!(told.starts_with("/serve/admin/token/0: ") && !told.contains(&token), "{told}");
        }
    }

    #[test]
    fn a_weak_secret_is_refused_from_a_file_and_from_the_environment_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.yml");
        std::fs::write(&file, "secrets:\n  cipher:\n    - short\n").unwrap();
        let strong = Environment::from([("SECRETS_CIPHER".to_owned(), good(32))]);
        let told = load(&[file.into()], &strong).unwrap_err().to_string();
        assert!(told.contains("c.yml:3: /secrets/cipher/0: "), "{told}");
        let weak = Environment::from([("SERVE_ADMIN_TOKEN".to_owned(), "x".to_owned())]);
        let told = load(&[], &weak).unwrap_err().to_string();
        assert!(told.contains("the environment variable SERVE_ADMIN_TOKEN: "), "{told}");
    }

    #[test]
    fn an_older_secret_may_be_weak_only_where_that_is_accepted_for_its_way_out() {
        let rotated = |text: &str, accepts_weak_older: bool| {
            let folder = tempfile::tempdir().unwrap();
            let file: PathBuf = folder.path().join("c.yml");
            std::fs::write(&file, text).unwrap();
            let config = load_all(&[file.into()], &Environment::new()).config_to_rotate(accepts_weak_older);
            config.map(|config| config.secrets.cipher.len()).ok()
        };
        let good = good(32);
        for (text, refused, accepted) in [
            (format!("secrets: {{cipher: [{good}, {good}]}}"), Some(2), Some(2)),
            (format!("secrets: {{cipher: [{good}, old]}}"), None, Some(2)),
            (format!("secrets: {{cipher: [old, {good}]}}"), None, None),
            (format!("secrets: {{cipher: [{good}, old], cookie: [old]}}"), None, None),
        ] {
            assert_eq!(rotated(&text, false), refused, "{text}");
            assert_eq!(rotated(&text, true), accepted, "{text}");
        }
    }
}
