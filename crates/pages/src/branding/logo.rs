//! The picture of a deployment.

use sessera_accounts::schema::source;
use sessera_config::Problem;

use crate::assets::Asset;

/// Without it browsers show no SVG as a picture.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// What has no effect in a picture, and how it is called.
const WITHOUT_EFFECT: [(&str, &str); 2] = [
    ("<script", "a script, which never runs"),
    ("href=\"http", "something elsewhere, which is never loaded"),
];

/// The picture that a file holds. Which kind it is follows from its content, because that is what browsers show.
pub(super) fn logo(bytes: Vec<u8>, at: &str, notes: &mut Vec<Problem>) -> Result<Asset, String> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(Asset::own("logo", "png", "image/png", bytes));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(Asset::own("logo", "webp", "image/webp", bytes));
    }
    let text = source::text(bytes).ok().filter(|text| is_svg(text));
    let text = text.ok_or("it is neither an SVG nor a PNG nor a WebP: save the picture as one of them")?;
    if !text.contains(NAMESPACE) {
        return Err(format!(
            "no browser shows the SVG as a picture, because it does not say that it is one: write <svg xmlns=\"{NAMESPACE}\" …>"
        ));
    }
    for (sign, what) in WITHOUT_EFFECT {
        if text.contains(sign) {
            notes.push(Problem::new(at, format!("the SVG has {what}")));
        }
    }
    Ok(Asset::own("logo", "svg", "image/svg+xml", text.into_bytes()))
}

/// Whether the first element of a document is `svg`.
fn is_svg(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!") {
            // The declaration of a type may hold others in brackets.
            let head = rest.split('>').next().unwrap_or_default();
            if head.contains('[') { "]>" } else { ">" }
        } else {
            let behind = rest.strip_prefix("<svg").and_then(|behind| behind.chars().next());
            return behind.is_some_and(|next| next.is_whitespace() || matches!(next, '>' | '/'));
        };
        let Some((_, behind)) = rest.split_once(end) else { return false };
        rest = behind.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content: &[u8]) -> (Result<Asset, String>, Vec<Problem>) {
        let mut notes = Vec::new();
        (logo(content.to_vec(), "/pages/logo", &mut notes), notes)
    }

    #[test]
    fn the_content_says_which_kind_of_picture_it_is() {
        let svg = |start: &str| format!("{start}<svg xmlns='{NAMESPACE}'/>").into_bytes();
        for (content, media_type) in [
            (b"\x89PNG\r\n\x1a\n....".to_vec(), "image/png"),
            (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), "image/webp"),
            (svg(""), "image/svg+xml"),
            (svg("\u{feff}<?xml version='1.0'?>\n<!-- a > b -->\n"), "image/svg+xml"),
            (svg("<!DOCTYPE svg PUBLIC 'x' 'y'>"), "image/svg+xml"),
            (svg("<!DOCTYPE svg [<!ENTITY a 'b'>]>\n"), "image/svg+xml"),
        ] {
            let (read, notes) = of(&content);
            assert_eq!((read.unwrap().media_type, notes.len()), (media_type, 0));
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for content in [
            &b""[..],
            b"\xff\xd8\xff\xe0JFIF",
            b"GIF89a",
            b"RIFF\x10\0\0\0WAVE",
            b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>",
            b"<svgx xmlns='http://www.w3.org/2000/svg'/>",
            b"<!-- <svg/>",
            b"<!DOCTYPE [",
            b"\xff\xfe<\0s\0v\0g\0",
        ] {
            assert!(of(content).0.unwrap_err().contains("neither"), "{content:?}");
        }
        assert!(of(b"<svg/>").0.unwrap_err().contains("xmlns"));
    }

    #[test]
    fn what_has_no_effect_in_a_picture_is_noted() {
        let content =
            format!("<svg xmlns='{NAMESPACE}'><script>x</script><image href=\"https://x/\"/></svg>");
        let (read, notes) = of(content.as_bytes());
        assert!(read.is_ok() && notes.len() == 2, "{notes:?}");
    }
}
