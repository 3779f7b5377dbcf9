//! The style sheet of a deployment.

use sessera_accounts::schema::source;
use sessera_config::Problem;

/// How much of an address is shown.
const SHOWN: usize = 60;

/// The style sheet that a file holds.
pub(super) fn checked(bytes: Vec<u8>, at: &str, notes: &mut Vec<Problem>) -> Result<String, String> {
    let css = source::text(bytes).map_err(|error| format!("{error}: write CSS"))?;
    if css.trim_start().starts_with('<') || css.contains('\0') {
        return Err("it is no style sheet: write CSS, without tags of HTML around it".into());
    }
    let plain = without_comments(&css).to_ascii_lowercase();
    let mut note = |message: String| notes.push(Problem::new(at, message));
    if plain.contains("@import") {
        note("no page loads what @import names: copy it into the sheet".into());
    }
    if plain.contains("@font-face") {
        note("no page loads fonts: name those with font-family that people's devices have".into());
    }
    if let Some(address) = elsewhere(&plain) {
        note(format!(
            "no page loads {address}, because pages load nothing but what Sessera serves: put a small picture into the sheet itself, as url(\"data:image/svg+xml,…\")"
        ));
    }
    Ok(css)
}

/// The sheet without what stands in comments.
fn without_comments(css: &str) -> String {
    let mut plain = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
    }
    plain + rest
}

/// The first address in a sheet that leads out of it.
fn elsewhere(css: &str) -> Option<String> {
    let addresses = css.split("url(").skip(1).map(|rest| rest.trim_start().trim_start_matches(['"', '\'']));
    let mut outside = addresses.filter(|address| !address.starts_with("data:") && !address.starts_with('#'));
    let address = outside.next()?;
    Some(address.chars().take_while(|c| !matches!(c, '"' | '\'' | ')' | '\n')).take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(css: &str) -> (Result<String, String>, String) {
        let mut notes = Vec::new();
        let read = checked(css.as_bytes().to_vec(), "/pages/stylesheet", &mut notes);
        (read, notes.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_sheet_is_taken_as_it_is() {
        for css in [
            "",
            "a { color: red }",
            "/* @import url(x) */ a { background: url( \"data:image/png;base64,AA\") }",
            "a { clip-path: url(#x); content: 'ä' }",
        ] {
            assert_eq!(of(css), (Ok(css.to_owned()), String::new()));
        }
    }

    #[test]
    fn what_no_page_loads_is_noted() {
        for (css, word) in [
            ("@import 'x.css';", "@import"),
            ("/**/@IMPORT URL(//x)", "@import"),
            ("@font-face { src: url(data:font/woff2;base64,AA) }", "font-family"),
            ("a { background: url('https://x.example/a.png') }", "loads https://x.example/a.png,"),
            ("a { background: URL(b.png) }", "loads b.png,"),
        ] {
            let (read, notes) = of(css);
            assert!(read.is_ok() && notes.contains(word), "{css}: {notes}");
        }
    }

    #[test]
    fn what_is_no_sheet_is_refused() {
        for css in ["<style>a{}</style>", " <!doctype html>", "a\0"] {
            assert!(of(css).0.unwrap_err().contains("write CSS"), "{css}");
        }
        let mut notes = Vec::new();
        assert!(checked(vec![0xff], "/pages/stylesheet", &mut notes).unwrap_err().contains("write CSS"));
    }
}
