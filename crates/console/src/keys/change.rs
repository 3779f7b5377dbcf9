//! The page before a change of keys, which says what will happen to verifiers and when.

use maud::{Markup, html};
use sessera_model::Timestamp;
use sessera_rotation::{Key, Revoked, Timing};

use super::{address, key_address};
use crate::page::{Frame, Section, minutes};
use crate::words::Word;

/// The address of the page for a new set.
pub(crate) const NEW: &str = "/console/new-keys";

/// What is about to be changed.
#[derive(Clone, Debug)]
pub enum KeyChange<'a> {
    /// A set is made, of one of these algorithms.
    Create(&'a [&'a str]),
    /// A set becomes a managed one.
    Adopt,
    /// The next key, if there is one, signs from a time on.
    Rotate(Option<(String, Timestamp)>),
    /// A key is taken out, with what that means.
    Revoke {
        /// The key.
        kid: &'a str,
        /// What its revocation means.
        revoked: Revoked,
        /// The key that signs then, if one is prepared.
        signer: Option<&'a Key>,
        /// The times of the rule.
        timing: Timing,
    },
    /// A key becomes the first of its set.
    Promote(&'a str),
}

/// The page. `problem` is why the change was not made.
pub fn page(
    frame: &Frame<'_>,
    set: &str,
    before: &KeyChange<'_>,
    problem: Option<&str>,
    may_change: bool,
) -> Markup {
    let (title, action, button) = match before {
        KeyChange::Create(_) => (frame.word(Word::NewKeys).to_owned(), NEW.to_owned(), Word::Create),
        KeyChange::Adopt => {
            (frame.filled(Word::AdoptTitle, &[("set", set)]), format!("{}/adopt", address(set)), Word::Adopt)
        }
        KeyChange::Rotate(_) => (
            frame.filled(Word::RotateTitle, &[("set", set)]),
            format!("{}/rotate", address(set)),
            Word::Rotate,
        ),
        KeyChange::Revoke { kid, .. } => {
            (frame.filled(Word::RevokeTitle, &[("kid", kid)]), key_address(set, "revoke", kid), Word::Revoke)
        }
        KeyChange::Promote(kid) => (
            frame.filled(Word::PromoteTitle, &[("kid", kid)]),
            key_address(set, "promote", kid),
            Word::Promote,
        ),
    };
    let back =
        if matches!(before, KeyChange::Create(_)) { Section::Keys.path().to_owned() } else { address(set) };
    let is_danger = matches!(before, KeyChange::Revoke { .. });
    let form = html! {
        (fields(frame, set, before))
        div.buttons {
            button.danger[is_danger] type="submit" disabled[!may_change] { (frame.word(button)) }
            a.button.quiet href=(back) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        p.soft { a href=(back) { @if set.is_empty() { (frame.word(Word::Keys)) } @else { (set) } } }
        h1 { (title) }
        section.sheet {
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            (said(frame, before))
            @if !may_change { p.soft { (frame.word(Word::OwnersOnly)) } }
            (frame.form(&action, form))
        }
    };
    frame.document(&title, content)
}

/// What will happen.
fn said(frame: &Frame<'_>, before: &KeyChange<'_>) -> Markup {
    match before {
        KeyChange::Create(_) => html! { p { (frame.word(Word::CreateLead)) } },
        KeyChange::Adopt => html! { p { (frame.word(Word::AdoptLead)) } },
        KeyChange::Rotate(None) => html! { p { (frame.word(Word::RotateNone)) } },
        KeyChange::Rotate(Some((kid, at))) => html! {
            p { (frame.filled(Word::RotateLead, &[("kid", kid), ("time", &minutes(*at))])) }
        },
        KeyChange::Promote(_) => html! { p { (frame.word(Word::PromoteLead)) } },
        KeyChange::Revoke { revoked, signer, timing, .. } => html! {
            p { (frame.filled(Word::RevokeLead, &[("time", &minutes(revoked.accepted_until))])) }
            (signs_then(frame, *signer, timing))
        },
    }
}

fn signs_then(frame: &Frame<'_>, signer: Option<&Key>, timing: &Timing) -> Markup {
    let Some(signer) = signer else {
        let known = minutes(frame.now + timing.notice());
        return html! { p { (frame.filled(Word::RevokeNone, &[("time", &known)])) } };
    };
    let known_at = signer.published_at + timing.notice();
    let since = minutes(signer.published_at);
    html! {
        p {
            (frame.filled(Word::RevokeSigner, &[("kid", &signer.kid), ("time", &since)])) " "
            @if known_at <= frame.now {
                strong { (frame.word(Word::RevokeKnown)) }
            } @else {
                strong { (frame.filled(Word::RevokeUnknown, &[("time", &minutes(known_at))])) }
            }
        }
    }
}

fn fields(frame: &Frame<'_>, set: &str, before: &KeyChange<'_>) -> Markup {
    let period = html! {
        div.field {
            label for="period" { (frame.word(Word::Period)) }
            input id="period" name="period" value="720h" autocomplete="off" aria-describedby="period-hint";
            p.hint id="period-hint" { (frame.word(Word::PeriodHint)) }
        }
    };
    match before {
        KeyChange::Create(algorithms) => html! {
            div.field {
                label for="name" { (frame.word(Word::Name)) }
                input id="name" name="name" value=(set) required autocomplete="off" autocapitalize="none";
            }
            div.field {
                label for="algorithm" { (frame.word(Word::Algorithm)) }
                select id="algorithm" name="algorithm" {
                    @for algorithm in *algorithms {
                        option value=(algorithm) selected[*algorithm == "ES256"] { (algorithm) }
                    }
                }
            }
            (period)
        },
        KeyChange::Adopt => html! {
            div.field {
                label for="period" { (frame.word(Word::Period)) }
                input id="period" name="period" value="720h" required autocomplete="off";
            }
        },
        KeyChange::Revoke { kid, .. } => html! {
            div.field {
                label for="typed" { (frame.filled(Word::RevokeType, &[("kid", kid)])) }
                input.mono id="typed" name="typed" required autocomplete="off" autocapitalize="none" spellcheck="false";
            }
        },
        KeyChange::Rotate(_) | KeyChange::Promote(_) => html! {},
    }
}

#[cfg(test)]
mod tests {
    use sessera_model::Actor;

    use super::*;
    use crate::keys::tests::managed;
    use crate::page::tests::frame;

    #[test]
    fn a_revocation_says_until_when_tokens_are_accepted_and_whether_good_ones_are_refused() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let said = |age: u64| {
            let (mut schedule, timing) = managed(frame.now - std::time::Duration::from_secs(age));
            let revoked = schedule.revoke("<first>", frame.now, &timing).expect("is there");
            let signer = schedule.keys.iter().find(|key| Some(&key.kid) == revoked.signer.as_ref());
            let before = KeyChange::Revoke { kid: "<first>", revoked, signer, timing };
            page(&frame, "keys", &before, None, true).into_string()
        };
        assert!(said(10_000).contains("no good token is refused"));
        let soon = said(1);
        assert!(soon.contains("keep an older copy refuse its tokens until"), "{soon}");
        assert!(!soon.contains("<first>"), "{soon}");
    }
}
