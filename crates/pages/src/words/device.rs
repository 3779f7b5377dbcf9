//! The name of a client, as far as its `User-Agent` tells. It is there only for people to recognise a device by.

use super::{Texts, Word};

/// Marks of browsers, the telling ones first: most browsers claim to be several others too.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// `Firefox on Linux`, or as much of it as is known.
pub fn name(texts: &Texts, user_agent: &str) -> String {
    let find = |marks: &[(&str, &'static str)]| {
        marks.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(BROWSERS), find(SYSTEMS)) {
        (Some(browser), Some(system)) => {
            texts.filled(Word::SessionsDevice, &[("browser", browser), ("system", system)])
        }
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        // Native clients name themselves: `Example/1.2 (...)`.
        (None, None) => match user_agent.split(['/', ' ', '(']).next().unwrap_or_default() {
            "" | "Mozilla" => texts.word(Word::SessionsUnknown).to_owned(),
            other => other.chars().take(40).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_accounts::language::Language;

    #[test]
    fn clients_have_the_names_that_people_call_them_by() {
        let english = Texts::of(Language::En);
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            ("curl/8.5.0", "curl"),
            ("Example/1.2 (build 7)", "Example"),
            ("Mozilla/5.0", "Unknown device"),
            ("", "Unknown device"),
        ] {
            assert_eq!(name(english, user_agent), expected);
        }
    }
}
