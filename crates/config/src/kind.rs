//! What the value of a key may be, as data: of it tables, names of variables and the JSON Schema are made.

use std::ops::RangeInclusive;

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

    /// What it means, and its default where that is one value.
    pub fn about(&self) -> String {
        let about = self.about.trim();
        match self.default {
            Some(default) => format!("{about} Default: {default}."),
            None => about.to_owned(),
        }
    }
}

/// The key of a name.
pub fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.name == name)
}
