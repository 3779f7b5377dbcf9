//! The functions.

use std::cmp::Ordering;

use serde_json::Value;

use super::escape::percent;

/// A function. The names are those of Go and, for texts, of the library that Kratos gives its templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Or,
    Not,
    Equal,
    NotEqual,
    Lt,
    Le,
    Gt,
    Ge,
    Index,
    Len,
    Print,
    UrlQuery,
    Otherwise,
    Upper,
    Lower,
    Title,
    Trim,
    NoSpace,
    Cat,
}

use Function::{
    And, Cat, Equal, Ge, Gt, Index, Le, Len, Lower, Lt, NoSpace, Not, NotEqual, Or, Otherwise, Print, Title,
    Trim, Upper, UrlQuery,
};

/// All functions, with the fewest and the most arguments that they take.
const ALL: [(&str, Function, usize, usize); 20] = [
    ("and", And, 1, MANY),
    ("or", Or, 1, MANY),
    ("not", Not, 1, 1),
    ("eq", Equal, 2, MANY),
    ("ne", NotEqual, 2, 2),
    ("lt", Lt, 2, 2),
    ("le", Le, 2, 2),
    ("gt", Gt, 2, 2),
    ("ge", Ge, 2, 2),
    ("index", Index, 1, MANY),
    ("len", Len, 1, 1),
    ("print", Print, 0, MANY),
    ("urlquery", UrlQuery, 0, MANY),
    ("default", Otherwise, 2, 2),
    ("upper", Upper, 1, 1),
    ("lower", Lower, 1, 1),
    ("title", Title, 1, 1),
    ("trim", Trim, 1, 1),
    ("nospace", NoSpace, 1, 1),
    ("cat", Cat, 0, MANY),
];

const MANY: usize = usize::MAX;

impl Function {
    /// The function of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        ALL.iter().find(|(known, ..)| *known == name).map(|(_, function, ..)| *function)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        ALL.iter().find(|(_, function, ..)| *function == self).map_or("", |(name, ..)| name)
    }

    /// The names of all.
    pub(super) fn names() -> String {
        ALL.map(|(name, ..)| name).join(", ")
    }

    /// Whether it takes so many arguments.
    pub(super) fn takes(self, count: usize) -> bool {
        let known = ALL.iter().find(|(_, function, ..)| *function == self);
        known.is_some_and(|(_, _, fewest, most)| (*fewest..=*most).contains(&count))
    }

    /// What it makes of its arguments. The error says what is wrong with them.
    pub(super) fn apply(self, arguments: &[Value]) -> Result<Value, String> {
        let [first, rest @ ..] = arguments else { return Ok(String::new().into()) };
        let text = |make: fn(&str) -> String| Value::from(make(&shown(first)));
        Ok(match self {
            And => {
                arguments.iter().find(|value| !is_true(value)).or(arguments.last()).unwrap_or(first).clone()
            }
            Or => arguments.iter().find(|value| is_true(value)).or(arguments.last()).unwrap_or(first).clone(),
            Not => (!is_true(first)).into(),
            Equal => rest.iter().any(|other| is_same(first, other)).into(),
            NotEqual => (!rest.iter().any(|other| is_same(first, other))).into(),
            Lt => self.compare(first, rest, Ordering::is_lt)?,
            Le => self.compare(first, rest, Ordering::is_le)?,
            Gt => self.compare(first, rest, Ordering::is_gt)?,
            Ge => self.compare(first, rest, Ordering::is_ge)?,
            Index => rest.iter().fold(first, |value, key| member(value, key)).clone(),
            Len => match first {
                Value::String(text) => text.len().into(),
                Value::Array(items) => items.len().into(),
                Value::Object(members) => members.len().into(),
                _ => return Err("len takes a text, a list or an object".into()),
            },
            Print => arguments.iter().map(shown).collect::<String>().into(),
            UrlQuery => percent(&arguments.iter().map(shown).collect::<String>(), b"").into(),
            // The value comes last, because it is piped in.
            Otherwise => rest.first().filter(|value| is_true(value)).unwrap_or(first).clone(),
            Upper => text(str::to_uppercase),
            Lower => text(str::to_lowercase),
            Title => text(title),
            Trim => text(|text| text.trim().to_owned()),
            NoSpace => text(|text| text.split_whitespace().collect()),
            Cat => arguments.iter().map(shown).collect::<Vec<_>>().join(" ").into(),
        })
    }

    fn compare(self, one: &Value, rest: &[Value], judge: fn(Ordering) -> bool) -> Result<Value, String> {
        let order = match (one, rest.first()) {
            (Value::String(one), Some(Value::String(other))) => Some(one.cmp(other)),
            (Value::Number(one), Some(Value::Number(other))) => {
                one.as_f64().zip(other.as_f64()).and_then(|(one, other)| one.partial_cmp(&other))
            }
            _ => None,
        };
        let order = order.ok_or_else(|| format!("{} compares two numbers or two texts", self.name()))?;
        Ok(judge(order).into())
    }
}

/// The first letter of each word as a capital.
fn title(text: &str) -> String {
    let mut is_first = true;
    let mut made = String::with_capacity(text.len());
    for char in text.chars() {
        if is_first {
            made.extend(char.to_uppercase());
        } else {
            made.push(char);
        }
        is_first = !char.is_alphanumeric();
    }
    made
}

/// Whether a value says something.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_true) => *is_true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

/// A member of an object or an item of a list; nothing where there is none.
fn member<'a>(value: &'a Value, key: &Value) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    match (value, key) {
        (Value::Object(members), Value::String(name)) => members.get(name).unwrap_or(NOTHING),
        (Value::Array(items), Value::Number(place)) => {
            let place = place.as_u64().and_then(|place| usize::try_from(place).ok());
            place.and_then(|place| items.get(place)).unwrap_or(NOTHING)
        }
        _ => NOTHING,
    }
}

/// A value as text. Nothing is empty; lists and objects look as Go shows them.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("{name}:{}", shown(value))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}
