//! What all pages of the console have in common: the document around their content, and what it may load.

use maud::{DOCTYPE, Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sessera_model::{Actor, Timestamp};
use sessera_pages::assets::ICON;
use sessera_pages::{Language, Texts, Words, mark};

use crate::assets::{self, SCRIPT, STYLE};
use crate::words::{self, Word};

/// What a page of the console may load and where its forms may lead: the value of `Content-Security-Policy`.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The name of the field with the token that every form has.
pub const CSRF: &str = "csrf_token";

/// A section of the console, as its navigation lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Whether all is well.
    Overview,
    /// Tokenizer templates.
    Templates,
    /// Key sets.
    Keys,
    /// People and their sessions.
    People,
    /// What a signed token says.
    Token,
    /// How the questions of proxies are judged.
    Routes,
    /// What happened.
    Record,
    /// What the configuration was, who is told of events, and who may get in.
    Settings,
}

impl Section {
    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Templates => "/console/templates",
            Self::Keys => "/console/keys",
            Self::People => "/console/people",
            Self::Token => "/console/token",
            Self::Routes => "/console/routes",
            Self::Record => "/console/record",
            Self::Settings => "/console/settings",
        }
    }

    const fn word(self) -> Word {
        match self {
            Self::Overview => Word::Overview,
            Self::Templates => Word::Templates,
            Self::Keys => Word::Keys,
            Self::People => Word::People,
            Self::Token => Word::Token,
            Self::Routes => Word::Routes,
            Self::Record => Word::Record,
            Self::Settings => Word::Settings,
        }
    }
}

/// What stands around a page, and for whom it is made.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The language.
    pub language: Language,
    /// The name of the site.
    pub site: &'a str,
    /// Who looks at it; nobody is known on the page that asks for a token.
    pub actor: Option<&'a Actor>,
    /// When they have to sign in again.
    pub ends: Timestamp,
    /// The token of forms.
    pub csrf: &'a str,
    /// The time of now.
    pub now: Timestamp,
    /// The places that there are.
    pub sections: &'a [Section],
    /// Where the page is.
    pub section: Option<Section>,
}

impl Frame<'_> {
    /// A page that says what went wrong.
    pub fn problem(&self, reason: &str) -> Markup {
        let title = self.word(Word::ProblemTitle);
        let content = html! {
            h1 { (title) }
            p.problem role="alert" { (reason) }
            p { a href=(Section::Overview.path()) { (self.word(Word::ToOverview)) } }
        };
        self.document(title, content)
    }

    /// The whole page.
    pub(crate) fn document(&self, title: &str, content: Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(self.language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (title) " · " (self.word(Word::Console)) " · " (self.site) }
                    link rel="icon" type="image/svg+xml" href=(assets::address(&ICON));
                    link rel="stylesheet" href=(assets::address(&STYLE));
                    script src=(assets::address(&SCRIPT)) defer {}
                }
                body.alone[self.actor.is_none()] {
                    @if let Some(actor) = self.actor {
                        a.skip href="#content" { (self.word(Word::ToContent)) }
                        (self.side(actor))
                    }
                    main id="content" { (content) }
                }
            }
        }
    }

    fn side(&self, actor: &Actor) -> Markup {
        html! {
            header.side {
                p.site { (mark()) span { (self.site) } }
                nav aria-label=(self.word(Word::Console)) {
                    ul {
                        @for section in self.sections {
                            li {
                                a href=(section.path()) aria-current=[(self.section == Some(*section)).then_some("page")] {
                                    (self.word(section.word()))
                                }
                            }
                        }
                    }
                }
                div.who { (self.who(actor)) }
            }
        }
    }

    fn who(&self, actor: &Actor) -> Markup {
        let name = match actor {
            Actor::Token { name, .. } => name.as_str(),
            Actor::Configured => self.word(Word::Configured),
            Actor::Anybody => return html! { p { (self.word(Word::Nobody)) } },
        };
        let until =
            self.filled(Word::Until, &[("role", actor.role().as_str()), ("time", &minutes(self.ends))]);
        html! {
            p { strong { (name) } br; (until) }
            (self.form("/console/sign-out", html! { button.quiet type="submit" { (self.word(Word::SignOut)) } }))
        }
    }

    /// A form with its token.
    pub(crate) fn form(&self, action: &str, content: Markup) -> Markup {
        html! { form method="post" action=(action) { (self.csrf_field()) (content) } }
    }

    /// The field with the token of a form.
    pub(crate) fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name=(CSRF) value=(self.csrf); }
    }

    /// The words of the page's language.
    pub(crate) fn words(&self) -> &'static Words<Word> {
        words::of(self.language)
    }

    /// A word.
    pub(crate) fn word(&self, word: Word) -> &'static str {
        self.words().word(word)
    }

    /// A word with a place in it filled in.
    pub(crate) fn filled(&self, word: Word, places: &[(&str, &str)]) -> String {
        self.words().filled(word, places)
    }

    /// The head of a table: what its columns hold.
    pub(crate) fn head(&self, columns: &[Word]) -> Markup {
        html! {
            thead { tr { @for column in columns { th scope="col" { (self.word(*column)) } } } }
        }
    }

    /// How long ago a time was, with the time itself for those who need it.
    pub(crate) fn ago(&self, at: Timestamp) -> Markup {
        let ago = sessera_pages::devices::ago(Texts::of(self.language), at, self.now);
        html! { time datetime=(at) title=(minutes(at)) { (ago) } }
    }
}

/// A time to the minute, as everybody can read it.
pub(crate) fn minutes(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

/// What must be written otherwise in a segment of an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as one segment of an address.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The frame of a page for somebody whose name has markup in it.
    pub(crate) fn frame(actor: &Actor) -> Frame<'_> {
        Frame {
            language: Language::En,
            site: "<b>site",
            actor: Some(actor),
            ends: Timestamp::from_seconds(1_800_000_000),
            csrf: "t0ken",
            now: Timestamp::from_seconds(1_799_000_000),
            sections: &[Section::Overview, Section::Templates],
            section: Some(Section::Templates),
        }
    }

    #[test]
    fn names_are_escaped_and_every_form_has_its_token() {
        let actor = Actor::Token { name: "<script>".into(), role: sessera_model::Role::Viewer };
        let page = frame(&actor).problem("<img src=x>").into_string();
        for raw in ["<b>site", "<script>", "<img"] {
            assert!(!page.contains(raw), "{raw}: {page}");
        }
        assert_eq!(page.matches("<form").count(), page.matches("value=\"t0ken\"").count());
        assert!(page.contains("viewer, until 2027-01-15 08:00 UTC"), "{page}");
    }

    #[test]
    fn a_segment_is_one_whatever_stands_in_it() {
        assert_eq!(segment("a/b?c ä"), "a%2Fb%3Fc%20%C3%A4");
        assert_eq!(segment("api-v1_x.y"), "api-v1_x.y");
    }
}
