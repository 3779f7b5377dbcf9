//! Tabs in YAML: they separate, and never indent. The parser lets some pass that go-yaml refuses, so the places of tabs are
//! looked at once it has told where scalars and brackets are.

use std::ops::Range;

use saphyr_parser::{Event, ScalarStyle, Span};

/// A part of the text in which tabs are judged in another way.
pub(super) struct Region {
    /// In characters.
    range: Range<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A scalar without quotes, whose later lines are indented by at least so many spaces.
    Plain(usize),
    /// A scalar in quotes, or what stands in brackets: tabs are content there, or separate.
    Free,
    /// A scalar behind `|` or `>`.
    Block,
}

/// A text that holds tabs, and what is known of its parts.
pub(super) struct Tabs<'t> {
    text: &'t str,
    regions: Vec<Region>,
    /// The columns of the open sequences and mappings; nothing for those in brackets.
    columns: Vec<Option<usize>>,
    /// How many were open with the outermost bracket, and where it stands.
    bracket: Option<(usize, usize)>,
    /// A place of the text, in characters and in bytes. It only moves on.
    place: (usize, usize),
}

impl<'t> Tabs<'t> {
    pub(super) const fn of(text: &'t str) -> Self {
        Self { text, regions: Vec::new(), columns: Vec::new(), bracket: None, place: (0, 0) }
    }

    /// Takes in where something stands.
    pub(super) fn note(&mut self, event: &Event<'_>, span: &Span) {
        let (start, end) = (span.start.index(), span.end.index());
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let in_brackets = matches!(self.character(start), Some('[' | '{'));
                self.columns.push((!in_brackets).then(|| span.start.col()));
                if in_brackets && self.bracket.is_none() {
                    self.bracket = Some((self.columns.len(), start));
                }
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((depth, start)) = self.bracket
                    && depth == self.columns.len()
                {
                    self.regions.push(Region { range: start..end, kind: Kind::Free });
                    self.bracket = None;
                }
                self.columns.pop();
            }
            Event::Scalar(_, style, ..) if self.bracket.is_none() => {
                let kind = match style {
                    ScalarStyle::Plain => {
                        Kind::Plain(self.columns.last().copied().flatten().map_or(0, |column| column + 1))
                    }
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Kind::Free,
                    ScalarStyle::Literal | ScalarStyle::Folded => Kind::Block,
                };
                self.regions.push(Region { range: start..end, kind });
            }
            _ => {}
        }
    }

    fn character(&mut self, index: usize) -> Option<char> {
        let (characters, bytes) = self.place;
        let rest = &self.text[bytes..];
        let (offset, character) = rest.char_indices().nth(index.checked_sub(characters)?)?;
        self.place = (index, bytes + offset);
        Some(character)
    }

    /// Whether one of the first `until` characters is a tab that stands where only spaces may stand.
    pub(super) fn indent(self, until: usize) -> bool {
        let mut regions = self.regions.iter().peekable();
        let mut before: Option<Kind> = None;
        let mut line = Line::default();
        for (index, character) in self.text.chars().take(until).enumerate() {
            while let Some(passed) = regions.next_if(|region| region.range.end <= index) {
                // What stands behind a scalar without quotes might still belong to it.
                before = Some(passed.kind)
                    .filter(|kind| matches!(kind, Kind::Plain(_)) && line.seen != Seen::Comment);
                line.block_indent = None;
            }
            let inside =
                regions.peek().filter(|region| region.range.start <= index).map(|region| region.kind);
            match character {
                '\n' | '\r' => line = Line { block_indent: line.block_indent, ..Line::default() },
                '\t' => {
                    if line.refuses_tab(inside.or(before)) {
                        return true;
                    }
                    line.column += 1;
                }
                ' ' => line.column += 1,
                _ => {
                    before = None;
                    line.take(character, inside);
                }
            }
            line.after_blank = matches!(character, ' ' | '\t' | '\n' | '\r');
        }
        false
    }
}

/// What was seen of a line.
struct Line {
    column: usize,
    seen: Seen,
    after_blank: bool,
    /// How far the lines of a scalar behind `|` or `>` are indented, once that is known.
    block_indent: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Blanks,
    /// Blanks, and signs behind which something may begin: `-`, `?`, `:`.
    Signs,
    Content,
    Comment,
}

impl Default for Line {
    fn default() -> Self {
        Self { column: 0, seen: Seen::Blanks, after_blank: true, block_indent: None }
    }
}

impl Line {
    fn refuses_tab(&self, kind: Option<Kind>) -> bool {
        match kind {
            _ if self.seen == Seen::Comment => false,
            Some(Kind::Free) => false,
            Some(Kind::Plain(least)) => self.seen == Seen::Blanks && self.column < least,
            Some(Kind::Block) => {
                self.seen == Seen::Blanks && self.block_indent.is_none_or(|indent| self.column < indent)
            }
            None => self.seen != Seen::Content,
        }
    }

    fn take(&mut self, character: char, inside: Option<Kind>) {
        let is_open = matches!(self.seen, Seen::Blanks | Seen::Signs);
        match (character, inside) {
            _ if self.seen == Seen::Comment => {}
            ('#', None) if self.after_blank => self.seen = Seen::Comment,
            ('-' | '?' | ':', None) if is_open && self.after_blank => self.seen = Seen::Signs,
            _ => {
                if inside == Some(Kind::Block) && is_open && !matches!(character, '|' | '>') {
                    self.block_indent.get_or_insert(self.column);
                }
                self.seen = Seen::Content;
            }
        }
        self.column += 1;
    }
}
