//! A signed token: what it says, and why it is or is not good.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::{Markup, html};
use serde_json::Value;
use sessera_model::Timestamp;

use crate::page::{Frame, Section};
use crate::words::Word;

/// What was found out about a token.
#[derive(Clone, Debug)]
pub struct Read {
    /// What its header says, as far as it can be read.
    pub header: Option<Value>,
    /// What it claims, as far as that can be read.
    pub claims: Option<Value>,
    /// The key that made it, if that is published here.
    pub kid: Option<String>,
    /// Why it is not good. Nothing when it is.
    pub faults: Vec<Fault>,
}

/// Why a token is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no signed token.
    Form,
    /// No key that is published here has made it.
    Signature,
    /// It ended at a time.
    Ended(Timestamp),
    /// It is good from a time on.
    Early(Timestamp),
    /// Its session is not good.
    Session,
}

impl Read {
    /// What there is to say about a token. `kid` is the key that has made it, if that is published here, and `is_good` whether
    /// everything about it is good.
    pub fn of(token: &str, kid: Option<String>, is_good: bool, now: Timestamp) -> Self {
        let mut parts = token.split('.').map(|part| {
            serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok().filter(Value::is_object)
        });
        let (header, claims) = (parts.next().flatten(), parts.next().flatten());
        let time = |name: &str| {
            claims.as_ref().and_then(|claims| claims[name].as_i64()).map(Timestamp::from_seconds)
        };
        let mut faults = Vec::new();
        if header.is_none() || claims.is_none() || token.split('.').count() != 3 {
            faults.push(Fault::Form);
        } else if !is_good {
            faults.extend(kid.is_none().then_some(Fault::Signature));
            faults.extend(time("exp").filter(|end| *end <= now).map(Fault::Ended));
            faults.extend(time("nbf").filter(|begin| *begin > now).map(Fault::Early));
            if faults.is_empty() {
                faults.push(Fault::Session);
            }
        }
        Self { header, claims, kid, faults }
    }
}

/// The page.
pub fn page(frame: &Frame<'_>, token: &str, read: Option<&Read>) -> Markup {
    let title = frame.word(Word::Token);
    let fields = html! {
        div.field {
            label for="token" { (frame.word(Word::TokenField)) }
            textarea id="token" name="token" rows="5" spellcheck="false" autocapitalize="none" required { "\n" (token) }
        }
        div.buttons { button type="submit" { (frame.word(Word::TokenRead)) } }
    };
    let content = html! {
        h1 { (title) }
        p.soft { (frame.word(Word::TokenLead)) }
        section.sheet { (frame.form(Section::Token.path(), fields)) }
        @if let Some(read) = read { (self::read(frame, read)) }
    };
    frame.document(title, content)
}

fn read(frame: &Frame<'_>, read: &Read) -> Markup {
    let json = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    html! {
        section.sheet {
            @if read.faults.is_empty() {
                p.done role="status" { (frame.word(Word::TokenGood)) }
            } @else {
                div.problem role="status" {
                    p { strong { (frame.word(Word::TokenBad)) ":" } }
                    ul { @for fault in &read.faults { li { (said(frame, fault)) } } }
                }
            }
            p {
                (frame.word(Word::TokenKey)) " "
                @match &read.kid {
                    Some(kid) => span.mono { (kid) },
                    None => (frame.word(Word::TokenKeyNone)),
                }
            }
            @for (word, part) in [(Word::TokenHeader, &read.header), (Word::TokenClaims, &read.claims)] {
                @if let Some(part) = part {
                    h2 { (frame.word(word)) }
                    pre tabindex="0" { (json(part)) }
                }
            }
        }
    }
}

fn said(frame: &Frame<'_>, fault: &Fault) -> Markup {
    let at = |word: Word, time: Timestamp| frame.filled(word, &[("time", &crate::page::minutes(time))]);
    match fault {
        Fault::Form => html! { (frame.word(Word::WhyForm)) },
        Fault::Signature => html! { (frame.word(Word::WhySignature)) },
        Fault::Ended(time) => html! { (at(Word::WhyEnded, *time)) },
        Fault::Early(time) => html! { (at(Word::WhyEarly, *time)) },
        Fault::Session => html! { (frame.word(Word::WhySession)) },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    fn read(claims: &Value, kid: Option<&str>, is_good: bool) -> Read {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.c2ln", part(&json!({"alg": "<b>"})), part(claims));
        Read::of(&token, kid.map(str::to_owned), is_good, Timestamp::from_seconds(1000))
    }

    #[test]
    fn all_that_is_wrong_is_found() {
        let at = Timestamp::from_seconds;
        let faults = |claims: Value, kid, is_good| read(&claims, kid, is_good).faults;
        assert!(faults(json!({"exp": 1001}), Some("k"), true).is_empty());
        assert_eq!(faults(json!({"exp": 1001}), Some("k"), false), [Fault::Session]);
        assert_eq!(faults(json!({"exp": 1000}), None, false), [Fault::Signature, Fault::Ended(at(1000))]);
        assert_eq!(faults(json!({"exp": 2000, "nbf": 1001}), Some("k"), false), [Fault::Early(at(1001))]);
        for text in ["", "a", "a.b.c", "e30.e30", "e30.W10.c2ln", "\u{e4}.e30.e30"] {
            assert_eq!(Read::of(text, None, false, at(0)).faults, [Fault::Form], "{text}");
        }
    }

    #[test]
    fn nothing_of_a_token_is_markup() {
        let read = read(&json!({"sub": "</pre><i>", "exp": 5}), None, false);
        let shown = page(&frame(&Actor::Anybody), "</textarea>", Some(&read)).into_string();
        assert!(!shown.contains("<b>") && !shown.contains("<i>"), "{shown}");
        assert_eq!(shown.matches("</textarea>").count(), 1, "{shown}");
        assert!(shown.contains("it ended 1970-01-01 00:00 UTC"), "{shown}");
    }
}
