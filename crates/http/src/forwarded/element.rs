//! The elements of the header `Forwarded` (RFC 7239, section 4).

/// How many parameters an element may have. The standard has four.
const MAX_PARAMETERS: usize = 32;

/// What one proxy has written: names in small letters with their values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element(Vec<(String, String)>);

impl Element {
    /// The elements of a line of the header. `None` when the line breaks the grammar anywhere, because nobody can tell
    /// then where a client's part ends and a proxy's begins.
    pub(super) fn list(line: &str) -> Option<Vec<Self>> {
        let mut scanner = Scanner { rest: line };
        let mut elements = Vec::new();
        loop {
            scanner.skip_blanks();
            if !scanner.rest.is_empty() && !scanner.rest.starts_with(',') {
                elements.push(scanner.element()?);
            }
            if scanner.rest.is_empty() {
                return Some(elements);
            }
            scanner.take(',')?;
        }
    }

    /// The value of a parameter, by its name in small letters.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Pairs with semicolons between them, up to the next comma.
    fn element(&mut self) -> Option<Element> {
        let mut element = Element::default();
        loop {
            self.skip_blanks();
            if !self.rest.starts_with([';', ',']) && !self.rest.is_empty() {
                let name = self.token()?.to_ascii_lowercase();
                self.take('=')?;
                let value =
                    if self.rest.starts_with('"') { self.quoted()? } else { self.token()?.to_owned() };
                // A parameter stands in an element once.
                if element.get(&name).is_some() || element.0.len() == MAX_PARAMETERS {
                    return None;
                }
                element.0.push((name, value));
                self.skip_blanks();
            }
            if !self.rest.starts_with(';') {
                return (self.rest.is_empty() || self.rest.starts_with(',')).then_some(element);
            }
            self.take(';')?;
        }
    }

    /// One or more letters of a token (RFC 9110, section 5.6.2).
    fn token(&mut self) -> Option<&'a str> {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        let end = self.rest.find(|letter| !is_letter(letter)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A quoted string (RFC 9110, section 5.6.4), without its quotes and backslashes.
    fn quoted(&mut self) -> Option<String> {
        self.take('"')?;
        let mut value = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((place, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[place + 1..];
                    return Some(value);
                }
                '\\' => {
                    value.push(letters.next().map(|(_, letter)| letter).filter(|letter| is_text(*letter))?);
                }
                _ if is_text(letter) => value.push(letter),
                _ => return None,
            }
        }
        None
    }

    fn take(&mut self, expected: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }
}

/// Whether a letter may stand in a quoted string.
fn is_text(letter: char) -> bool {
    letter == '\t' || !letter.is_control()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(line: &str, name: &str) -> Option<String> {
        Element::list(line)?.first()?.get(name).map(str::to_owned)
    }

    /// The examples are those of RFC 7239, sections 4 and 7.1.
    #[test]
    fn the_examples_of_the_standard_are_read() {
        assert_eq!(first("for=\"_gazonk\"", "for").as_deref(), Some("_gazonk"));
        assert_eq!(
            first("For=\"[2001:db8:cafe::17]:4711\"", "for").as_deref(),
            Some("[2001:db8:cafe::17]:4711")
        );
        assert_eq!(first("for=192.0.2.60;proto=http;by=203.0.113.43", "proto").as_deref(), Some("http"));
        let two = Element::list("for=192.0.2.43, for=198.51.100.17").unwrap();
        assert_eq!(
            two.iter().filter_map(|element| element.get("for")).collect::<Vec<_>>(),
            ["192.0.2.43", "198.51.100.17"]
        );
        assert_eq!(Element::list(" ,, for=a ;; proto=http , ").unwrap().len(), 1);
        assert_eq!(first("for=\"a\\\"b\"", "for").as_deref(), Some("a\"b"));
    }

    #[test]
    fn what_breaks_the_grammar_says_nothing() {
        for line in [
            "for",
            "for=",
            "=a",
            "for =a",
            "for= a",
            "for=\"a",
            "for=\"a\"b",
            "for=a;for=b",
            "for=a;FOR=b",
            "for=[::1]",
            "for=a b",
            "for=\"a\\",
            "for=ä",
            "for=a\u{0}",
        ] {
            assert_eq!(Element::list(line), None, "{line:?}");
        }
    }

    fn written(elements: &[Vec<(String, String)>]) -> String {
        let quote = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
        let pair = |(name, value): &(String, String)| format!("{name}=\"{}\"", quote(value));
        let element = |pairs: &Vec<_>| pairs.iter().map(pair).collect::<Vec<_>>().join(";");
        elements.iter().map(element).collect::<Vec<_>>().join(", ")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            elements in prop::collection::vec(
                prop::collection::btree_map("[a-z]{1,8}", "[ -~]{0,12}", 1..4),
                0..4,
            ),
        ) {
            let elements: Vec<Vec<_>> = elements.into_iter().map(|pairs| pairs.into_iter().collect()).collect();
            let read = Element::list(&written(&elements)).expect("is read");
            prop_assert_eq!(read, elements.into_iter().map(Element).collect::<Vec<_>>());
        }

        #[test]
        fn no_line_of_a_client_hides_or_changes_what_a_proxy_appends(client in "[ -~\t]{0,40}") {
            for own in ["for=192.0.2.1;proto=https", "for=\"[2001:db8::1]:80\";proto=https"] {
                if let Some(read) = Element::list(&format!("{client}, {own}")) {
                    let alone = Element::list(own).expect("is read");
                    prop_assert_eq!(read.last(), alone.last());
                }
            }
        }

        #[test]
        fn anything_is_read_or_refused(line in ".{0,80}") {
            let _ = Element::list(&line);
        }
    }
}
