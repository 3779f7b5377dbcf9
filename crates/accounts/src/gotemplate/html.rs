//! Which place of HTML a value stands at. The text of a template is read as browsers read it, and what could not be
//! escaped there is refused.

use super::TemplateError;
use super::escape::{Escape, is_harmless};
use super::tree::Node;

/// How far the text has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Between elements.
    Text,
    /// Behind `<`, in the name of an element.
    Element(String),
    /// In a tag, between attributes.
    Tag(Content),
    /// In the name of an attribute, or behind it.
    Attribute(Content, String),
    /// Behind `=`.
    Equals(Content, Kind),
    /// In a value without quotation marks.
    Bare(Content),
    /// In a value within quotation marks.
    Value(Content, char, Kind),
    /// In a comment. The number counts what its end has already.
    Comment(u8),
    /// In `<!doctype html>` and the like.
    Declaration,
    /// In an element whose text is a program or a style, up to its end tag.
    Raw(&'static str, String),
}

/// What comes behind a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// Text and elements.
    Mixed,
    /// What is no text for people.
    Raw(&'static str),
}

/// What an attribute is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Text.
    Plain,
    /// An address, which has come so far.
    Url(Part),
    /// A program, a style, or a document.
    Code,
}

/// How far an address has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing of the address is there yet.
    Start,
    /// A scheme, or the first part of a path.
    Head(String),
    /// The path.
    Path,
    /// The query, or what follows a value.
    Query,
    /// It has a scheme that runs a program, or one that nobody knows.
    Bad,
}

/// Elements whose text is a program, a style, or not read as HTML.
const RAW: [&str; 6] = ["script", "style", "iframe", "noembed", "noframes", "xmp"];

/// Attributes that are addresses.
const URLS: [&str; 9] =
    ["href", "src", "action", "formaction", "background", "cite", "poster", "longdesc", "xlink:href"];

/// Attributes in which nothing can be escaped by simple means, besides those that begin with `on`.
const CODE: [&str; 4] = ["style", "srcdoc", "srcset", "data"];

/// Says of each value of a template that begins and ends between elements how it is escaped.
pub(super) fn place(nodes: &mut [Node]) -> Result<(), TemplateError> {
    let mut line = 1;
    match walk(nodes, State::Text, &mut line)? {
        State::Text => Ok(()),
        _ => Err(TemplateError::new(line, "the template ends in a tag, a comment or a script: complete it")),
    }
}

fn walk(nodes: &mut [Node], mut state: State, last: &mut usize) -> Result<State, TemplateError> {
    for node in nodes {
        state = match node {
            Node::Text(text) => read(text, state),
            Node::Output { line, escape, .. } => {
                *last = *line;
                let (how, next) = escape_at(state).map_err(|problem| TemplateError::new(*line, problem))?;
                *escape = how;
                next
            }
            Node::If { line, then, otherwise, .. } | Node::With { line, then, otherwise, .. } => {
                *last = *line;
                let end = walk(then, state.clone(), last)?;
                same(end, walk(otherwise, state, last)?, *line)?
            }
            Node::Range { line, then, otherwise, .. } => {
                *last = *line;
                // A second item begins where the first one ended.
                let begun = state.clone().repeated();
                let end = same(walk(then, begun.clone(), last)?, begun, *line)?;
                let end = same(end, state.clone(), *line)?;
                same(walk(otherwise, state, last)?, end, *line)?
            }
            Node::Call { line, .. } => {
                *last = *line;
                if state != State::Text {
                    let problem = "a template is called between elements, not in a tag: write the value here";
                    return Err(TemplateError::new(*line, problem));
                }
                state
            }
        };
    }
    Ok(state)
}

/// Where two ways end alike.
fn same(one: State, other: State, line: usize) -> Result<State, TemplateError> {
    match (one, other) {
        (one, other) if one == other => Ok(one),
        // However an address came so far, what follows is escaped as its query.
        (State::Value(content, quote, Kind::Url(one)), State::Value(o, q, Kind::Url(other)))
            if (content, quote) == (o, q) && one != Part::Bad && other != Part::Bad =>
        {
            Ok(State::Value(content, quote, Kind::Url(Part::Query)))
        }
        _ => Err(TemplateError::new(
            line,
            "the parts of this block end at different places of the HTML: let each open what it closes",
        )),
    }
}

/// How a value is escaped at a place, and where the text is behind it.
fn escape_at(state: State) -> Result<(Escape, State), &'static str> {
    const NAME: &str = "a value cannot be a part of a tag: write names of elements and attributes out";
    match state {
        State::Text => Ok((Escape::Text, State::Text)),
        State::Value(content, quote, Kind::Plain) => {
            Ok((Escape::Text, State::Value(content, quote, Kind::Plain)))
        }
        State::Value(content, quote, Kind::Url(part)) => {
            let escape = match part {
                Part::Start => Escape::Url,
                Part::Path => Escape::Path,
                Part::Query => Escape::Query,
                Part::Head(_) | Part::Bad => {
                    return Err("an address begins with the value, or with https:// and a host");
                }
            };
            Ok((escape, State::Value(content, quote, Kind::Url(Part::Query))))
        }
        State::Value(_, _, Kind::Code) | State::Equals(_, Kind::Code) => Err(
            "a value cannot stand in style, srcset or a script of an attribute, where it could do anything",
        ),
        State::Equals(..) | State::Bare(_) => Err("put the value of the attribute into quotation marks"),
        State::Comment(_) | State::Declaration => Err("a value does nothing in a comment: remove it"),
        State::Raw(..) => Err("a value cannot stand in a script or a style, where it could do anything"),
        State::Element(_) | State::Tag(_) | State::Attribute(..) => Err(NAME),
    }
}

fn read(text: &str, state: State) -> State {
    text.chars().fold(state, step)
}

/// What one character does.
fn step(state: State, char: char) -> State {
    match state {
        State::Text if char == '<' => State::Element(String::new()),
        State::Text => State::Text,
        State::Element(name) => element(name, char),
        State::Tag(content) => match char {
            '>' => content.begin(),
            char if char.is_ascii_whitespace() || char == '/' => State::Tag(content),
            char => State::Attribute(content, char.to_ascii_lowercase().into()),
        },
        State::Attribute(content, mut name) => match char {
            '>' => content.begin(),
            '=' => State::Equals(content, Kind::of(name.trim_end())),
            '/' => State::Tag(content),
            char if char.is_ascii_whitespace() => {
                name.push(' ');
                State::Attribute(content, name)
            }
            // Behind the blank begins another one.
            char if name.ends_with(' ') => State::Attribute(content, char.to_ascii_lowercase().into()),
            char => {
                name.push(char.to_ascii_lowercase());
                State::Attribute(content, name)
            }
        },
        State::Equals(content, kind) => match char {
            '>' => content.begin(),
            '"' | '\'' => State::Value(content, char, kind),
            char if char.is_ascii_whitespace() => State::Equals(content, kind),
            _ => State::Bare(content),
        },
        State::Bare(content) => match char {
            '>' => content.begin(),
            char if char.is_ascii_whitespace() => State::Tag(content),
            _ => State::Bare(content),
        },
        State::Value(content, quote, _) if char == quote => State::Tag(content),
        State::Value(content, quote, Kind::Url(part)) => {
            State::Value(content, quote, Kind::Url(part.and(char)))
        }
        State::Value(..) => state,
        State::Comment(seen) => match (seen, char) {
            (2, '>') => State::Text,
            (2, '-') => State::Comment(2),
            (seen, '-') => State::Comment(seen + 1),
            _ => State::Comment(0),
        },
        State::Declaration if char == '>' => State::Text,
        State::Declaration => State::Declaration,
        State::Raw(name, seen) => raw(name, seen, char),
    }
}

fn element(mut name: String, char: char) -> State {
    let is_end = name.starts_with('/');
    match char {
        '!' if name.is_empty() => State::Element("!".into()),
        '-' if name == "!" => State::Element("!-".into()),
        '-' if name == "!-" => State::Comment(0),
        '>' if name.starts_with('!') => State::Text,
        _ if name.starts_with('!') => State::Declaration,
        '/' if name.is_empty() => State::Element("/".into()),
        '<' => State::Element(String::new()),
        char if char.is_ascii_alphabetic()
            || (char.is_ascii_alphanumeric() || char == '-') && name.len() > usize::from(is_end) =>
        {
            name.push(char.to_ascii_lowercase());
            State::Element(name)
        }
        // A sign that opens nothing.
        _ if name.len() == usize::from(is_end) => State::Text,
        char => {
            let raw = RAW.into_iter().find(|raw| *raw == name);
            let content = raw.map_or(Content::Mixed, Content::Raw);
            step(State::Tag(content), char)
        }
    }
}

/// In a script: it ends with its end tag. `seen` is what an end tag has already.
fn raw(name: &'static str, mut seen: String, char: char) -> State {
    let end_length = name.len() + 2;
    if seen.len() == end_length {
        return match char {
            '>' => State::Text,
            char if char.is_ascii_whitespace() || char == '/' => State::Tag(Content::Mixed),
            _ => State::Raw(name, String::new()),
        };
    }
    seen.push(char.to_ascii_lowercase());
    if !"</".starts_with(&seen) && !seen.strip_prefix("</").is_some_and(|begun| name.starts_with(begun)) {
        seen.clear();
        if char == '<' {
            seen.push('<');
        }
    }
    State::Raw(name, seen)
}

impl State {
    /// Where something begins that may be repeated: of an address, all but what is there already is its query.
    fn repeated(self) -> Self {
        match self {
            Self::Value(content, quote, Kind::Url(part)) if part != Part::Bad => {
                Self::Value(content, quote, Kind::Url(Part::Query))
            }
            other => other,
        }
    }
}

impl Content {
    /// What begins behind the tag.
    fn begin(self) -> State {
        match self {
            Self::Mixed => State::Text,
            Self::Raw(name) => State::Raw(name, String::new()),
        }
    }
}

impl Kind {
    /// What an attribute of a name is.
    fn of(name: &str) -> Self {
        if name.starts_with("on") || CODE.contains(&name) {
            Self::Code
        } else if URLS.contains(&name) {
            Self::Url(Part::Start)
        } else {
            Self::Plain
        }
    }
}

impl Part {
    /// What an address is with one more character.
    fn and(self, char: char) -> Self {
        match (self, char) {
            (Self::Bad, _) => Self::Bad,
            (Self::Start, char) if char.is_ascii_whitespace() => Self::Start,
            (Self::Query, _) | (_, '?' | '#') => Self::Query,
            (Self::Head(scheme), ':') if !is_harmless(&scheme) => Self::Bad,
            (Self::Head(_), ':') | (Self::Start | Self::Head(_), '/') | (Self::Path, _) => Self::Path,
            (Self::Start, char) => Self::Head(char.into()),
            (Self::Head(mut scheme), char) => {
                scheme.push(char);
                Self::Head(scheme)
            }
        }
    }
}
