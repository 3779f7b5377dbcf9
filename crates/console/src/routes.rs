//! Routes of the gateway, and what becomes of a request that is tried on one.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::page::{Frame, Section};
use crate::templates::preview::plain;
use crate::templates::{State, address};
use crate::words::Word;

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// The template of the token that the app gets, with what became of it.
    pub template: Option<(String, State)>,
    /// The header of the token.
    pub header: String,
    /// Whether a session is needed.
    pub is_required: bool,
    /// What a session must have proven: as the configuration says it, where the route says so.
    pub aal: Option<&'static str>,
    /// The schemas of those who may pass; all when there are none.
    pub schema_ids: Vec<String>,
    /// Whether browsers that open a page are sent to sign in.
    pub redirects: bool,
    /// Headers with the claims that they carry.
    pub headers: Vec<(String, String)>,
    /// For how long a token is given again.
    pub reuse: String,
    /// Whether preflights pass.
    pub passes_preflights: bool,
}

/// A request that is tried, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// The route.
    pub route: String,
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers, one on a line.
    pub headers: String,
    /// Whose session it brings: the address of somebody, or the id of a session or an identity. None when it is empty.
    pub whom: String,
}

/// What becomes of the request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It reaches the app.
    Passes {
        /// Whether it has a session.
        has_session: bool,
        /// What becomes of each header.
        headers: Vec<Header>,
        /// The claims of the token that the app gets.
        claims: Option<Map<String, Value>>,
    },
    /// Nobody is signed in, and the browser is sent there; nothing where it cannot be sent.
    SignIn(Option<String>),
    /// The session has to prove a second factor there, and whether the browser can be sent there.
    SecondFactor(String, bool),
    /// The session is good, and its owner may not pass.
    Forbidden,
    /// Something that it takes is not there right now.
    Unavailable(String),
    /// Somebody has to mend something.
    Fault(String),
}

/// A header of the request, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// What the client sent.
    pub sent: Option<String>,
    /// Whether it reaches the app, and how.
    pub fate: Fate,
}

/// What becomes of a header.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It has this value, whatever the client sent.
    Set(String),
    /// It carries the token of this template, of so many bytes.
    Token(String, usize),
    /// It does not reach the app.
    Removed,
    /// It reaches the app as it came.
    Kept,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// All routes.
    pub routes: Vec<Route>,
    /// The request.
    pub typed: Typed,
    /// What became of the request that was tried.
    pub outcome: Option<Outcome>,
    /// Why it cannot be tried.
    pub problem: Option<String>,
    /// Whether sessions of people can be chosen, who are elsewhere where an upstream keeps them.
    pub has_people: bool,
}

/// The page.
pub fn page(frame: &Frame<'_>, shown: &Shown) -> Markup {
    let title = frame.word(Word::Routes);
    let content = html! {
        h1 { (title) }
        p.soft { (frame.word(Word::RoutesLead)) }
        section.sheet { (table(frame, &shown.routes)) }
        div.two {
            section.sheet aria-labelledby="try" {
                h2 id="try" { (frame.word(Word::TryRequest)) }
                p.soft { (frame.word(Word::TryLead)) }
                (form(frame, shown))
            }
            section.sheet aria-labelledby="fate" {
                h2 id="fate" { (frame.word(Word::WhatHappens)) }
                @if let Some(problem) = &shown.problem { p.problem role="alert" { (problem) } }
                @match &shown.outcome {
                    Some(outcome) => (self::outcome(frame, outcome)),
                    None => p.soft { (frame.word(Word::NothingTried)) },
                }
            }
        }
    };
    frame.document(title, content)
}

fn table(frame: &Frame<'_>, routes: &[Route]) -> Markup {
    html! {
        table {
            (frame.head(&[Word::Name, Word::RouteTemplate, Word::RouteSession, Word::RouteHeaders, Word::More]))
            tbody {
                @for route in routes {
                    tr {
                        th scope="row" { (route.name) }
                        td { (template(frame, route)) }
                        td { (session(frame, route)) }
                        td { (headers(route)) }
                        td.soft { (more(frame, route)) }
                    }
                }
            }
        }
    }
}

fn template(frame: &Frame<'_>, route: &Route) -> Markup {
    html! {
        @match &route.template {
            None => span.soft { (frame.word(Word::RouteNoToken)) },
            Some((name, state)) => {
                a href=(address(name)) { (name) } " " (state.tag(frame))
                @if let Some(reason) = state.reason() { p.soft { (reason) } }
            }
        }
    }
}

fn session(frame: &Frame<'_>, route: &Route) -> Markup {
    let word = if route.is_required { Word::RouteRequired } else { Word::RouteOptional };
    html! {
        (frame.word(word))
        @if let Some(aal) = route.aal { " " span.tag { (aal) } }
        @for schema in &route.schema_ids { " " span.tag.info { (schema) } }
    }
}

fn headers(route: &Route) -> Markup {
    html! {
        @if route.template.is_some() { p.mono { (route.header) } }
        @for (header, claim) in &route.headers { p.mono { (header) ": " (claim) } }
    }
}

fn more(frame: &Frame<'_>, route: &Route) -> Markup {
    let missing = if route.redirects { Word::RouteRedirects } else { Word::RouteRefuses };
    let preflight = if route.passes_preflights { Word::PreflightPasses } else { Word::PreflightChecked };
    html! {
        p { (frame.word(missing)) }
        p { (frame.word(preflight)) }
        @if route.template.is_some() { p { (frame.filled(Word::RouteReuse, &[("time", &route.reuse)])) } }
    }
}

fn form(frame: &Frame<'_>, shown: &Shown) -> Markup {
    let Typed { route, method, url, headers, whom } = &shown.typed;
    let fields = html! {
        div.fields {
            div.field {
                label for="route" { (frame.word(Word::Route)) }
                select id="route" name="route" {
                    @for known in &shown.routes {
                        option value=(known.name) selected[known.name == *route] { (known.name) }
                    }
                }
            }
            div.field {
                label for="method" { (frame.word(Word::RequestMethod)) }
                input id="method" name="method" value=(method) required autocomplete="off" spellcheck="false";
            }
        }
        div.field {
            label for="url" { (frame.word(Word::RequestUrl)) }
            input id="url" name="url" type="url" value=(url) required autocomplete="off" spellcheck="false";
        }
        div.field {
            label for="headers" { (frame.word(Word::RequestHeaders)) }
            p.hint id="headers-hint" { (frame.word(Word::RequestHeadersHint)) }
            textarea id="headers" name="headers" rows="5" spellcheck="false" autocapitalize="none"
                aria-describedby="headers-hint" { "\n" (headers) }
        }
        @if shown.has_people {
            div.field {
                label for="whom" { (frame.word(Word::RequestSession)) }
                input id="whom" name="whom" value=(whom) autocomplete="off" autocapitalize="none"
                    spellcheck="false" aria-describedby="whom-hint";
                p.hint id="whom-hint" { (frame.word(Word::RequestSessionHint)) }
            }
        }
        div.buttons { button type="submit" { (frame.word(Word::TryIt)) } }
    };
    frame.form(Section::Routes.path(), fields)
}

fn outcome(frame: &Frame<'_>, outcome: &Outcome) -> Markup {
    let refused = |word: Word, reason: Option<&str>| {
        html! {
            p.problem role="status" { strong { (frame.word(word)) } @if let Some(reason) = reason { " " (reason) } }
        }
    };
    match outcome {
        Outcome::Passes { has_session, headers, claims } => html! {
            p.done role="status" {
                (frame.word(if *has_session { Word::PassesWithSession } else { Word::PassesWithout }))
            }
            (fates(frame, headers))
            @if let Some(claims) = claims { (self::claims(frame, claims)) }
        },
        Outcome::SignIn(Some(way)) => html! {
            (refused(Word::SentToSignIn, None))
            p.mono { (way) }
        },
        Outcome::SignIn(None) => refused(Word::RefusedSignIn, None),
        Outcome::SecondFactor(page, is_way) => html! {
            (refused(if *is_way { Word::SentToFactor } else { Word::RefusedFactor }, None))
            p.mono { (page) }
        },
        Outcome::Forbidden => refused(Word::RefusedSchema, None),
        Outcome::Unavailable(reason) => refused(Word::RefusedForNow, Some(reason)),
        Outcome::Fault(reason) => refused(Word::RefusedFault, Some(reason)),
    }
}

fn fates(frame: &Frame<'_>, headers: &[Header]) -> Markup {
    html! {
        table {
            (frame.head(&[Word::HeaderName, Word::HeaderSent, Word::HeaderReaches]))
            tbody {
                @for header in headers {
                    tr {
                        th.mono scope="row" { (header.name) }
                        td.mono data-label=(frame.word(Word::HeaderSent)) {
                            (header.sent.as_deref().unwrap_or_default())
                        }
                        td data-label=(frame.word(Word::HeaderReaches)) { (fate(frame, header)) }
                    }
                }
            }
        }
    }
}

fn fate(frame: &Frame<'_>, header: &Header) -> Markup {
    match &header.fate {
        Fate::Set(value) => html! {
            span.tag.info { (frame.word(Word::HeaderSet)) } " " span.mono { (value) }
        },
        Fate::Token(template, bytes) => html! {
            span.tag.info { (frame.word(Word::HeaderSet)) } " "
            (frame.filled(Word::HeaderToken, &[("template", template), ("count", &bytes.to_string())]))
        },
        Fate::Removed => html! { span.tag { (frame.word(Word::HeaderRemoved)) } },
        Fate::Kept if header.sent.is_some() => html! { span.tag.good { (frame.word(Word::HeaderKept)) } },
        Fate::Kept => html! { span.soft { (frame.word(Word::HeaderNotSent)) } },
    }
}

fn claims(frame: &Frame<'_>, claims: &Map<String, Value>) -> Markup {
    html! {
        table {
            (frame.head(&[Word::Claim, Word::Value]))
            tbody {
                @for (name, value) in claims {
                    tr { th.mono scope="row" { (name) } td.mono { (plain(value)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    fn shown(outcome: Outcome) -> Shown {
        let route = Route {
            name: "<r>".into(),
            template: Some(("<t>".into(), State::Broken("<b>".into()))),
            header: "<h>".into(),
            is_required: true,
            aal: Some("aal2"),
            schema_ids: vec!["<s>".into()],
            redirects: true,
            headers: vec![("<h>".into(), "<i>".into())],
            reuse: "30s".into(),
            passes_preflights: false,
        };
        let typed = Typed {
            route: "<r>".into(),
            method: "\"><i>".into(),
            url: "\"><i>".into(),
            headers: "</textarea><i>".into(),
            whom: "\"><i>".into(),
        };
        let (outcome, problem) = (Some(outcome), Some("<b>".into()));
        Shown { routes: vec![route], typed, outcome, problem, has_people: true }
    }

    #[test]
    fn whatever_was_typed_and_whatever_comes_of_it_is_shown_as_text() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let header = |name: &str, fate| Header { name: name.into(), sent: Some("<b>".into()), fate };
        let headers = vec![
            header("<h>", Fate::Set("<b>".into())),
            header("authorization", Fate::Token("<t>".into(), 7)),
            header("x-session-token", Fate::Removed),
            header("accept", Fate::Kept),
        ];
        let claims = json!({"<i>": "<b>"}).as_object().cloned();
        for outcome in [
            Outcome::Passes { has_session: true, headers, claims },
            Outcome::SignIn(Some("<b>".into())),
            Outcome::SignIn(None),
            Outcome::SecondFactor("<b>".into(), true),
            Outcome::Forbidden,
            Outcome::Unavailable("<b>".into()),
            Outcome::Fault("<b>".into()),
        ] {
            let page = page(&frame, &shown(outcome)).into_string();
            for raw in ["<r>", "<t>", "<b>", "<h>", "<s>", "<i>"] {
                assert!(!page.contains(raw), "{raw}: {page}");
            }
            assert_eq!(page.matches("</textarea>").count(), 1, "{page}");
            assert!(page.contains("aal2") && page.contains("selected>&lt;r&gt;"), "{page}");
        }
    }

    #[test]
    fn each_header_has_its_fate() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let told = |sent: Option<&str>, fate| {
            let header = Header { name: "x".into(), sent: sent.map(str::to_owned), fate };
            super::fate(&frame, &header).into_string()
        };
        assert!(told(None, Fate::Token("api".into(), 700)).contains("token of the template api, 700 bytes"));
        assert!(told(Some("a"), Fate::Kept).contains("as it came"));
        assert!(told(None, Fate::Kept).contains("not sent"));
        assert!(told(Some("a"), Fate::Removed).contains("does not reach"));
    }
}
