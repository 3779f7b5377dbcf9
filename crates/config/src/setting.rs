//! How a value of the tree becomes a value of a type.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sessera_model::{GoDuration, Secret};
use url::Url;

use crate::kind::{Key, Kind, find};
use crate::memory;
use crate::problem::{Findings, escape};
use crate::shown::{host_alone, no_address, without_secrets};
use crate::text;

/// A type that a key can have.
pub trait Setting: Sized {
    /// What may be written for it.
    const KIND: Kind;

    /// Reads a value, which is not null. `kind` is [`Self::KIND`], perhaps within narrower bounds. What cannot
    /// be used is noted with its pointer.
    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self>;
}

/// What is said where something else stands in the place of a list.
pub(crate) const NO_LIST: &str =
    "a list is expected: write each of its items behind a hyphen on a line of its own, or all in brackets";

/// Whether a value says nothing: a key without a value is as good as absent, and so is an empty text where a text is
/// expected. A secret that is empty was meant to be one.
fn is_nothing(value: &Value, kind: Kind) -> bool {
    let is_text = matches!(
        kind,
        Kind::Text | Kind::Secret(_) | Kind::Url | Kind::PrivateUrl | Kind::Address | Kind::Color | Kind::Any
    );
    let is_empty = value.as_str().is_some_and(str::is_empty);
    (value.is_null() || (is_empty && is_text)) && !kind.is_strong()
}

/// The members of an object while a section is read.
pub(crate) struct Members<'a> {
    values: &'a Map<String, Value>,
    keys: &'static [Key],
    at: &'a str,
}

impl<'a> Members<'a> {
    /// The members of a value, whose unknown names are judged at once.
    pub(crate) fn of(
        value: &'a Value,
        keys: &'static [Key],
        at: &'a str,
        found: &mut Findings,
    ) -> Option<Self> {
        let Value::Object(values) = value else {
            found.wrong(at, "an object is expected");
            return None;
        };
        for (name, member) in values.iter().filter(|(name, _)| find(keys, name).is_none()) {
            crate::stray::judge(name, member, keys, at, found);
        }
        Some(Self { values, keys, at })
    }

    /// Reads one member, or takes its default.
    pub(crate) fn read<T: Setting + Default>(&self, name: &str, found: &mut Findings) -> T {
        let Some(key) = find(self.keys, name) else { return T::default() };
        match self.values.get(name).filter(|value| !is_nothing(value, key.kind)) {
            // What is wrong is told; what else there is to say is said of the default.
            Some(value) => T::read(value, &key.kind, &format!("{}/{}", self.at, escape(name)), found),
            None => None,
        }
        .or_else(|| default_of(key))
        .unwrap_or_default()
    }
}

/// The value that counts where a key is absent.
pub(crate) fn default_of<T: Setting>(key: &Key) -> Option<T> {
    let value = text::value(key.default?, &key.kind)?;
    T::read(&value, &key.kind, "", &mut Findings::default())
}

impl Setting for Value {
    const KIND: Kind = Kind::Any;

    fn read(value: &Value, _: &Kind, _: &str, _: &mut Findings) -> Option<Self> {
        Some(value.clone())
    }
}

impl Setting for String {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            // YAML reads 1.0 or 10 where a text was meant.
            Value::Number(number) => Some(number.to_string()),
            _ => {
                found.wrong(at, "a text is expected");
                None
            }
        }
    }
}

impl Setting for Secret {
    const KIND: Kind = Kind::Secret(0);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let text = value.as_str();
        if value.is_number() {
            found.wrong(at, "a text is expected: write the number in quotes");
        } else if text.is_none() {
            found.wrong(at, "a text is expected");
        }
        text.map(Self::from)
    }
}

impl Setting for bool {
    const KIND: Kind = Kind::Bool;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        if value.as_bool().is_none() {
            found.wrong(at, "true or false is expected");
        }
        value.as_bool()
    }
}

macro_rules! whole_number {
    ($($type:ty => $max:expr),*) => {$(
        impl Setting for $type {
            const KIND: Kind = Kind::Integer(0, $max);

            fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
                let Some(number) = value.as_i64().or_else(|| value.as_u64().map(|_| i64::MAX)) else {
                    found.wrong(at, "a whole number is expected");
                    return None;
                };
                let Kind::Integer(min, max) = *kind else { return None };
                if !(min..=max).contains(&number) {
                    found.wrong(at, format!("{number} must be {}", kind.bounds().unwrap_or_default()));
                    return None;
                }
                Self::try_from(number).ok()
            }
        }
    )*};
}

whole_number!(u16 => u16::MAX as i64, u32 => u32::MAX as i64, usize => i64::MAX);

impl Setting for f64 {
    const KIND: Kind = Kind::Ratio;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let ratio = value.as_f64().filter(|ratio| (0.0..=1.0).contains(ratio));
        if ratio.is_none() {
            found.wrong(at, "a number from 0 to 1 is expected");
        }
        ratio
    }
}

impl Setting for Duration {
    const KIND: Kind = Kind::Duration(0, i64::MAX);

    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Value::String(text) = value else {
            found.wrong(at, "a duration is expected, for example 10m");
            return None;
        };
        let duration = match text.parse::<GoDuration>() {
            Ok(duration) => duration.get(),
            Err(error) => {
                found.wrong(at, error.to_string());
                return None;
            }
        };
        let Kind::Duration(min, max) = *kind else { return None };
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        if (min..=max).contains(&millis) {
            return Some(duration);
        }
        found.wrong(at, format!("\"{text}\" must be {}", kind.bounds().unwrap_or_default()));
        None
    }
}

/// An amount of memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Setting for Bytes {
    const KIND: Kind = Kind::Bytes(0, i64::MAX);

    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let Some(bytes) = memory::bytes(&text) else {
            found.wrong(
                at,
                format!(
                    "\"{text}\" is no amount of memory: write a number of bytes, or one with KB, MB or GB"
                ),
            );
            return None;
        };
        let Kind::Bytes(min, max) = *kind else { return None };
        if !(min..=max).contains(&i64::try_from(bytes).unwrap_or(i64::MAX)) {
            found.wrong(at, format!("\"{text}\" must be {}", kind.bounds().unwrap_or_default()));
            return None;
        }
        Some(Self(bytes))
    }
}

impl Setting for Url {
    const KIND: Kind = Kind::Url;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Some(text) = value.as_str() else {
            found.wrong(at, "a URL is expected");
            return None;
        };
        match Self::parse(text) {
            Ok(url) => Some(url),
            Err(error) => {
                found.wrong(at, no_address(&without_secrets(text), error));
                None
            }
        }
    }
}

/// A URL whose path may let somebody in.
#[derive(Clone, Debug)]
pub struct PrivateUrl(pub Url);

impl Setting for PrivateUrl {
    const KIND: Kind = Kind::PrivateUrl;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Some(text) = value.as_str() else {
            found.wrong(at, "a URL is expected");
            return None;
        };
        let read = Url::parse(text).map_err(|error| found.wrong(at, no_address(&host_alone(text), error)));
        read.ok().map(Self)
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: Kind = T::KIND;

    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        T::read(value, kind, at, found).map(Some)
    }
}

impl<T: Setting> Setting for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        match value {
            Value::Array(items) if items.is_empty() && T::KIND.is_strong() => {
                found.wrong(
                    at,
                    "the list of secrets is empty, which protects nothing: name one, or leave the key out",
                );
                None
            }
            Value::Array(items) => {
                let items = items.iter().enumerate().filter(|(_, item)| !is_nothing(item, T::KIND));
                Some(
                    items
                        .filter_map(|(n, item)| T::read(item, &T::KIND, &format!("{at}/{n}"), found))
                        .collect(),
                )
            }
            // One token may stand where several may.
            Value::String(_) | Value::Number(_) | Value::Null if T::KIND.is_secret() => {
                T::read(value, &T::KIND, at, found).map(|one| vec![one])
            }
            _ => {
                found.wrong(at, NO_LIST);
                None
            }
        }
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    const KIND: Kind = Kind::Map(&T::KIND);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Value::Object(members) = value else {
            found.wrong(at, "an object is expected");
            return None;
        };
        let members = members.iter().filter(|(_, member)| !member.is_null());
        let read = |(name, member): (&String, &Value), found: &mut Findings| {
            let at = format!("{at}/{}", escape(name));
            Some((name.clone(), T::read(member, &T::KIND, &at, found)?))
        };
        Some(members.filter_map(|member| read(member, found)).collect())
    }
}

/// Tokenizer templates by name, in the order in which they were written.
impl Setting for Map<String, Value> {
    const KIND: Kind = Kind::Map(&Kind::Template);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        if !value.is_object() {
            found.wrong(at, "an object is expected");
        }
        value.as_object().cloned()
    }
}
