//! What a text looks like, whatever characters it is made of.

use std::sync::LazyLock;

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, Script};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

use crate::schema::normalise::is_invisible;

/// How often letters are replaced by those that they look like. What a capital looks like is another capital, whose
/// small form may look like a third thing.
const ROUNDS: usize = 2;

/// A text that is equal for all those that can hardly be told apart, or that differ in what people think of as decoration:
/// without case, accents and other marks that go with letters of any script, the width and style of letters, blanks, and
/// whatever is not seen; look-alikes of other scripts are the letters that they look like (UTS #39, section 4), and digits
/// of all scripts are ASCII's.
///
/// It is for comparing only: different texts may have the same look, and nobody can read it.
pub(super) fn look(text: &str) -> String {
    // Nearly all passwords are of these characters, none of which changes what another one looks like.
    static OF_ASCII: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..128_u8).map(|letter| look_of_any(&char::from(letter).to_string())).collect());
    let of_ascii: Option<String> =
        text.bytes().map(|letter| OF_ASCII.get(usize::from(letter)).map(String::as_str)).collect();
    of_ascii.unwrap_or_else(|| look_of_any(text))
}

/// What a text looks like, by the rules for all characters.
fn look_of_any(text: &str) -> String {
    let plain = text.nfkd().filter(|letter| is_seen(*letter)).map(digit).collect::<String>();
    (0..ROUNDS).fold(plain.to_ascii_lowercase(), |seen, _| {
        let seen = skeleton(&seen).collect::<String>().to_lowercase();
        seen.nfkd().filter(|letter| is_seen(*letter)).fold(String::new(), |mut look, letter| {
            match letter {
                '\u{df}' => look.push_str("ss"),
                // "1", "l" and a capital "i" are one thing to the skeleton, so a small "i" has to be it as well.
                'i' => look.push('l'),
                other => look.push(small_capital(other)),
            }
            look
        })
    })
}

/// How many characters of a text there are to be seen, blanks included.
pub(super) fn visible_length(text: &str) -> usize {
    text.chars().filter(|letter| !is_invisible(*letter)).count()
}

fn category(letter: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(letter)
}

/// Whether a character is more than a mark at another one, a blank, or nothing at all.
fn is_seen(letter: char) -> bool {
    use GeneralCategory::{
        EnclosingMark, Format, LineSeparator, NonspacingMark, ParagraphSeparator, SpaceSeparator, SpacingMark,
    };
    // Characters that are called symbols or letters, and are as empty as a blank.
    let is_empty = matches!(letter, '\u{2800}' | '\u{13441}' | '\u{13442}' | '\u{1d159}');
    let is_unseen = match category(letter) {
        EnclosingMark | Format | LineSeparator | ParagraphSeparator | SpaceSeparator => true,
        // Where marks are vowels, as in Devanagari and Thai, a text without them is another one.
        NonspacingMark | SpacingMark => is_of_any_script(letter),
        _ => false,
    };
    !is_empty && !is_unseen && !is_invisible(letter)
}

/// Whether a character goes with all scripts, as accents do.
fn is_of_any_script(letter: char) -> bool {
    matches!(CodePointMapData::<Script>::new().get(letter), Script::Inherited | Script::Common)
}

/// A digit of any script as the one of ASCII. All scripts have their digits one after the other, beginning with zero
/// (The Unicode Standard, section 4.6).
fn digit(letter: char) -> char {
    let is_digit = |code: u32| {
        char::from_u32(code).is_some_and(|letter| category(letter) == GeneralCategory::DecimalNumber)
    };
    let code = u32::from(letter);
    if letter.is_ascii() || !is_digit(code) {
        return letter;
    }
    let before = (1..=code).take_while(|back| is_digit(code - back)).count();
    u32::try_from(before % 10).ok().and_then(|value| char::from_digit(value, 10)).unwrap_or(letter)
}

/// Small letters of other scripts look like small capitals, which the skeleton leaves as they are.
const fn small_capital(letter: char) -> char {
    match letter {
        '\u{1d00}' => 'a',
        '\u{299}' => 'b',
        '\u{1d05}' => 'd',
        '\u{1d07}' => 'e',
        '\u{a730}' => 'f',
        '\u{262}' => 'g',
        '\u{29c}' => 'h',
        '\u{1d0a}' => 'j',
        '\u{138}' | '\u{1d0b}' => 'k',
        '\u{26a}' | '\u{29f}' => 'l',
        '\u{1d0d}' => 'm',
        '\u{274}' => 'n',
        '\u{1d18}' => 'p',
        '\u{280}' => 'r',
        '\u{1d1b}' => 't',
        '\u{1d1c}' => 'u',
        '\u{28f}' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Characters of which each one alone shows nothing.
    const NOTHING: &str = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{200b}\u{200d}\u{200e}\u{202a}\
        \u{202e}\u{2060}\u{2066}\u{2069}\u{206f}\u{2800}\u{3000}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{13441}\
        \u{1bca0}\u{1d159}\u{1d173}\u{e0001}\u{e0041}\u{e0100}\u{a0}\u{2003}\u{2028} \u{301}\u{20dd}";

    #[test]
    fn characters_of_ascii_are_judged_by_the_rules_for_all() {
        let all: String = (0..128_u8).map(char::from).collect();
        for one in all.chars() {
            for text in [format!("{one}{all}"), format!("{one}{one}1{one}"), format!("i{one}I")] {
                assert_eq!(look(&text), look_of_any(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_not_seen_makes_no_difference() {
        for nothing in NOTHING.chars() {
            assert_eq!(look(&format!("pass{nothing}word{nothing}")), look("password"), "{nothing:?}");
            assert_eq!(look(&nothing.to_string().repeat(8)), "", "{nothing:?}");
        }
    }

    #[test]
    fn letters_that_look_alike_are_the_same() {
        for (one, other) in [
            ("PASSWORD1", "password1"),
            ("p\u{430}ssw\u{43e}rd1", "password1"),
            ("\u{440}\u{430}\u{455}\u{455}word1", "password1"),
            ("\u{3c1}\u{3b1}ssw\u{3bf}rd1", "password1"),
            ("\u{420}\u{410}SSW\u{41e}RD1", "password1"),
            ("\u{41c}\u{410}\u{422}\u{422}HEW", "matthew"),
            ("\u{131}loveyou", "iloveyou"),
            ("ILOVEYOU", "iloveyou"),
            ("pa\u{df}word1", "password1"),
            ("pa\u{1e9e}word1", "password1"),
            ("passw\u{f8}rd1", "password1"),
            ("passw\u{d8}rd1", "password1"),
            ("\u{1d29}assword", "password"),
            ("\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}\u{668}", "12345678"),
            ("\u{6f1}\u{6f2}\u{6f3}\u{967}\u{968}\u{969}\u{1d7d9}\u{1d7e0}", "12312318"),
            ("\u{ff50}\u{ff41}\u{ff53}\u{ff53}", "pass"),
            ("\u{1d429}\u{24d0}ss", "pass"),
        ] {
            assert_eq!(look(one), look(other), "{one}");
        }
    }

    #[test]
    fn what_looks_otherwise_stays_otherwise() {
        for (one, other) in [
            ("password", "passwort"),
            ("\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}", "password"),
            ("a1", "a2"),
            ("\u{4e00}", "\u{4e8c}"),
        ] {
            assert_ne!(look(one), look(other), "{one}");
        }
    }

    #[test]
    fn a_look_has_the_same_look() {
        for text in [
            "password1",
            "\u{41c}\u{410}\u{422}\u{422}HEW",
            "minimum",
            "\u{130}stanbul",
            "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}",
        ] {
            assert_eq!(look(&look(text)), look(text), "{text}");
        }
    }

    #[test]
    fn only_what_is_seen_counts_as_length() {
        assert_eq!(visible_length("a\u{3164}\u{e0041}\u{202e}\u{fe0f}b"), 2);
        assert_eq!(visible_length("\u{928}\u{92e}\u{938}\u{94d}\u{924}\u{947} x"), 8);
    }
}
