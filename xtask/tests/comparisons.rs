//! Secrets are compared in a time that does not tell where they differ. `==` tells it, so no operand of `==` or `!=`
//! may have the name of a secret. What is meant instead is `Secret::matches`, `verify_slices_are_equal` of aws-lc-rs, or
//! `ct_eq` of `subtle`.
//!
//! This test reads the sources of the crates that see secrets, without their tests.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crates that see secrets of people and of the server.
const CRATES: [&str; 13] = [
    "accounts",
    "config",
    "http",
    "issuer",
    "jose",
    "model",
    "node",
    "presented",
    "server",
    "social",
    "store",
    "tokenizer",
    "upstream",
];

/// The words in names that make a value a secret, or something that only who knows the secret can make.
const WORDS: [&str; 14] = [
    "challenge",
    "code",
    "csrf",
    "digest",
    "expose",
    "hash",
    "mac",
    "otp",
    "passphrase",
    "password",
    "secret",
    "secrets",
    "signature",
    "token",
];

/// Methods after which a value is still the same one.
const CONVERSIONS: [&str; 9] =
    ["as_bytes", "as_deref", "as_ref", "as_slice", "as_str", "clone", "to_owned", "to_string", "trim"];

/// Comparisons that tell nobody anything, each with the reason.
const ALLOWED: [(&str, &str); 4] = [
    ("identifier == password", "A person has sent both of them."),
    ("*one_form != password", "A person has sent it, and it is compared with itself."),
    ("credential.config.expose() != &config", "An administrator imports a credential again."),
    ("code != \"57014\"", "It is a code of SQL."),
];

#[test]
fn no_secret_is_compared_by_an_operator() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = Vec::new();
    for file in CRATES.iter().flat_map(|name| sources(&crates.join(name).join("src"))) {
        let tokens = TokenStream::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for comparison in comparisons(tokens) {
            found.push(format!("{}: {comparison}", file.display()));
        }
    }
    let is_allowed = |found: &String| ALLOWED.iter().any(|(text, _)| found.ends_with(&without_spaces(text)));
    let (allowed, wrong): (Vec<_>, Vec<_>) = found.iter().partition(|found| is_allowed(found));
    assert!(wrong.is_empty(), "use a comparison whose time tells nothing:\n{wrong:#?}");
    assert_eq!(allowed.len(), ALLOWED.len(), "an exception that is not needed any more: {allowed:#?}");
}

#[test]
fn a_comparison_of_a_secret_is_found() {
    let found = |text: &str| comparisons(TokenStream::from_str(text).unwrap());
    assert_eq!(found("if a && kept.csrf_token.as_bytes() == sent { }"), ["kept.csrf_token.as_bytes()==sent"]);
    assert_eq!(found("fn f() { g(x != self.secret.expose()) }"), ["x!=self.secret.expose()"]);
    assert_eq!(found("{ sent == &*kept.password && b }"), ["sent==&*kept.password"]);
    for harmless in [
        "token.len() == 32",
        "tokens <= MOST",
        "let token = a == b;",
        "kind == token_type && has(token)",
        "#[cfg(test)] mod tests { fn f() { token == sent } }",
    ] {
        assert_eq!(found(harmless), [""; 0], "{harmless}");
    }
}

/// The files of a folder and of those in it, without tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            !name.ends_with("tests") && !["testing", "witness"].contains(&&*name)
        })
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The comparisons in which an operand has the name of a secret, written without spaces.
fn comparisons(tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut is_test = false;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(_) if text([token]) == "[cfg(test)]" => is_test = true,
            // The body of what stands behind the attribute is left out.
            TokenTree::Group(group) if is_test && group.delimiter() == Delimiter::Brace => is_test = false,
            TokenTree::Group(group) => found.extend(comparisons(group.stream())),
            TokenTree::Punct(sign) if is_test && sign.as_char() == ';' => is_test = false,
            TokenTree::Punct(_) if is_operator(&tokens[..=index]) => {
                let (before, after) = (&tokens[..index - 1], &tokens[index + 1..]);
                let begin = before.iter().rposition(|token| !is_part(token)).map_or(0, |last| last + 1);
                let borrow = after.iter().take_while(|token| text([*token]) == "&").count();
                let end = after[borrow..].iter().take_while(|token| is_part(token)).count() + borrow;
                let (left, right) = (&before[begin..], &after[..end]);
                if is_secret(left) || is_secret(right) {
                    found.push(text(&tokens[begin..=index + end]));
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether the last two tokens are `==` or `!=`.
fn is_operator(tokens: &[TokenTree]) -> bool {
    let sign = |back: usize| {
        let index = tokens.len().checked_sub(back)?;
        if let TokenTree::Punct(sign) = tokens.get(index)? { Some(sign.as_char()) } else { None }
    };
    sign(1) == Some('=') && matches!(sign(2), Some('=' | '!')) && !matches!(sign(3), Some('<' | '>' | '='))
}

/// Whether a token belongs to an operand such as `self.kept.token()`.
fn is_part(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(name) => {
            !["if", "return", "let", "in", "match", "else", "while"].iter().any(|word| name == word)
        }
        TokenTree::Punct(sign) => ['.', ':', '*', '?'].contains(&sign.as_char()),
        TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
        TokenTree::Literal(_) => true,
    }
}

/// Whether an operand is called by the word of a secret, however it is converted. Arguments and texts do not count.
fn is_secret(operand: &[TokenTree]) -> bool {
    let names = operand.iter().rev().filter_map(|token| match token {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    });
    let mut names = names.skip_while(|name| CONVERSIONS.contains(&name.as_str()));
    names.next().is_some_and(|name| name.rsplit('_').next().is_some_and(|word| WORDS.contains(&word)))
}

/// Tokens without spaces.
fn text<'a>(tokens: impl IntoIterator<Item = &'a TokenTree>) -> String {
    without_spaces(&tokens.into_iter().map(ToString::to_string).collect::<String>())
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}
