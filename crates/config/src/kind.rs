//! What the value of a key may be, as data: of it tables, names of variables and the JSON Schema are made.

use std::ops::RangeInclusive;
use std::time::Duration;

use sessera_model::GoDuration;

use crate::memory;

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that is never shown, of at least so many characters.
    Secret(usize),
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// A part of a whole, from 0 to 1.
    Ratio,
    /// A duration as Go writes it, within bounds in milliseconds.
    Duration(i64, i64),
    /// An amount of memory, within bounds in bytes.
    Bytes(i64, i64),
    /// An absolute URL.
    Url,
    /// An absolute URL whose path may let somebody in, so that its host is shown alone.
    PrivateUrl,
    /// An absolute URL, or a path below the public address.
    Address,
    /// A colour, as `#rrggbb`.
    Color,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Kind),
    /// An object with any names.
    Map(&'static Kind),
    /// An object with known names.
    Object(&'static [Key]),
    /// A tokenizer template, which its reader judges.
    Template,
    /// Something that its reader judges, and in which secrets may stand.
    Any,
}

impl Kind {
    /// This type within bounds, which are those of a number, of milliseconds, or of bytes.
    #[must_use]
    pub const fn within(self, range: RangeInclusive<i64>) -> Self {
        let (min, max) = (*range.start(), *range.end());
        match self {
            Self::Integer(..) => Self::Integer(min, max),
            Self::Duration(..) => Self::Duration(min, max),
            Self::Bytes(..) => Self::Bytes(min, max),
            other => other,
        }
    }

    /// Its bounds in words, as in "from 6 to 256" and "24h or longer". Nothing where there are none.
    pub(crate) fn bounds(self) -> Option<String> {
        type Shown = fn(i64) -> String;
        let duration: Shown =
            |millis| GoDuration::new(Duration::from_millis(millis.unsigned_abs())).to_string();
        let (min, max, shown, above) = match self {
            Self::Integer(min, max) => (min, max, (|number| number.to_string()) as Shown, "more"),
            Self::Duration(min, max) => (min, max, duration, "longer"),
            Self::Bytes(min, max) => (min, max, memory::shown as Shown, "more"),
            _ => return None,
        };
        match (min, max) {
            (0, i64::MAX) => None,
            (_, i64::MAX) => Some(format!("{} or {above}", shown(min))),
            _ => Some(format!("from {} to {}", shown(min), shown(max))),
        }
    }

    /// Whether it is a number with all the values that its type in Rust has.
    fn is_whole_type(self) -> bool {
        const U16: i64 = u16::MAX as i64;
        const U32: i64 = u32::MAX as i64;
        matches!(self, Self::Integer(0, U16 | U32))
    }

    /// Whether values are shown to nobody.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret(_) | Self::List(Self::Secret(_)))
    }

    /// Whether values are secrets that must not be easy to guess, so that none is no value either.
    pub(crate) const fn is_strong(self) -> bool {
        matches!(self, Self::Secret(1..) | Self::List(Self::Secret(1..)))
    }

    /// The known names below it: its own, or those of its items.
    pub const fn keys(self) -> &'static [Key] {
        match self {
            Self::Object(keys) => keys,
            Self::List(inner) => inner.keys(),
            _ => &[],
        }
    }
}

/// A key that Sessera acts on. It is made by the declaration of its field.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it means, for people.
    about: &'static str,
    /// What counts where it is absent, as one would write it into a variable of the environment.
    pub default: Option<&'static str>,
    /// Whether it belongs to the machine: it comes from files and the environment, never from a patch.
    pub is_of_machine: bool,
    /// Whether it can forbid something that is allowed without it, or hide what is told without it, so that whoever sets
    /// it relies on it.
    pub restricts: bool,
}

impl Key {
    /// A key as its declaration says.
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        about: &'static str,
        default: Option<&'static str>,
    ) -> Self {
        Self { name, kind, about, default, is_of_machine: false, restricts: false }
    }

    /// This key as one that belongs to the machine.
    #[must_use]
    pub(crate) const fn machine(self) -> Self {
        Self { is_of_machine: true, ..self }
    }

    /// This key as one that restricts something.
    #[must_use]
    pub(crate) const fn restricts(self) -> Self {
        Self { restricts: true, ..self }
    }

    /// What it means, its bounds, and its default where that is one value.
    pub fn about(&self) -> String {
        let bounds = self.kind.bounds().filter(|_| !self.kind.is_whole_type());
        let bounds = bounds.map(|bounds| {
            let (first, rest) = bounds.split_at(1);
            format!("{}{rest}.", first.to_uppercase())
        });
        let default = self.default.map(|default| format!("Default: {default}."));
        let sentences = [Some(self.about.trim().to_owned()), bounds, default];
        sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The key of a name.
pub fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.name == name)
}
