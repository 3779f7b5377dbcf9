//! Words as a shell takes them, for commands that messages show and people paste.

/// A word in the form in which a shell takes it as it is: in single quotes where it must be.
pub fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// A command of this program as a shell takes it: its words, the names that it works on, and options with their values,
/// which are empty for those without one. A name that begins with a hyphen would be taken for an option anywhere but
/// behind `--`.
pub fn command(words: &str, names: &[&str], options: &[(&str, &str)]) -> String {
    let is_hyphenated = |text: &&str| text.starts_with('-');
    let names_last = names.iter().any(is_hyphenated);
    let option = |(name, value): &(&str, &str)| match *value {
        "" => (*name).to_owned(),
        value if is_hyphenated(&value) => format!("{name}={}", word(value)),
        value => format!("{name} {}", word(value)),
    };
    let names = names.iter().map(|name| word(name));
    let options = options.iter().map(option);
    let rest: Vec<String> = if names_last {
        options.chain(["--".to_owned()]).chain(names).collect()
    } else {
        names.chain(options).collect()
    };
    format!("sessera {words} {}", rest.join(" "))
}

/// A text in single quotes; those that it has stand between two quoted parts.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_taken_for_an_option() {
        let plain = command("delete jwk", &["my-keys"], &[("--kid", "a b"), ("--yes", "")]);
        assert_eq!(plain, "sessera delete jwk my-keys --kid 'a b' --yes");
        let odd = command("delete jwk", &["-my keys"], &[("--kid", "-a"), ("--yes", "")]);
        assert_eq!(odd, "sessera delete jwk --kid=-a --yes -- '-my keys'");
        assert_eq!(command("revoke jwk", &["a", "-b"], &[]), "sessera revoke jwk -- a -b");
    }

    #[test]
    fn words_survive_a_shell() {
        for text in ["plain", "", "two words", "it's", "$HOME", "a\"b", "-x", "{\"a\":'b'}"] {
            let script = format!("printf %s {}", word(text));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
