//! Functions on strings.

use std::sync::Arc;

use crate::code::NodeId;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::memory::Blocks;
use crate::eval::strings::slice_chars;
use crate::eval::value::{FunctionRef, Value};
use crate::eval::{Machine, Step};
use crate::library::arrays::{items, sequence};
use crate::library::functions;
use crate::library::types::length_of;
use crate::text::shortened;

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "codepoint"(str) => codepoint;
    "char"(n) => char_;
    "substr"(str, from, len) => substr;
    "findSubstr"(pat, str) => find_substr;
    "startsWith"(a, b) => starts_with;
    "endsWith"(a, b) => ends_with;
    "stripChars"(str, chars) => strip_chars;
    "lstripChars"(str, chars) => lstrip_chars;
    "rstripChars"(str, chars) => rstrip_chars;
    "trim"(str) => trim;
    "split"(str, c) => split;
    "splitLimit"(str, c, maxsplits) => split_limit;
    "splitLimitR"(str, c, maxsplits) => split_limit_r;
    "strReplace"(str, from, to) => str_replace;
    "isEmpty"(str) => is_empty;
    "asciiUpper"(str) => ascii_upper;
    "asciiLower"(str) => ascii_lower;
    "equalsIgnoreCase"(str1, str2) => equals_ignore_case;
    "stringChars"(str) => string_chars;
    "escapeStringJson"(str_) => escape_json;
    "escapeStringPython"(str) => escape_json;
    "escapeStringBash"(str_) => escape_bash;
    "escapeStringDollars"(str_) => escape_dollars;
    "escapeStringXML"(str_) => escape_xml;
    "parseInt"(str) => parse_int;
    "parseOctal"(str) => parse_octal;
    "parseHex"(str) => parse_hex;
}

fn codepoint(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Ok(Value::Number(f64::from(u32::from(only)))),
        _ => {
            m.fail(node, format!("codepoint takes a string of length 1, got length {}", text.chars().count()))
        }
    }
}

fn char_(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let number = m.number_argument(a[0], node)?;
    if !(0.0..=1_114_111.0).contains(&number) {
        return m.fail(node, format!("codepoints must be between 0 and 1114111, got {number}"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let character = char::from_u32(number as u32).unwrap_or('\u{FFFD}');
    m.string(character.encode_utf8(&mut [0; 4]))
}

fn substr(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.string_argument(a[0], node)?;
    // Unlike other whole numbers, this one may have 64 bits.
    let from = m.number_argument(a[1], node)?;
    let len = m.integer_argument(a[2], node)?;
    if from.fract() != 0.0 || from.abs() >= 9_223_372_036_854_775_808.0 {
        return m.fail(node, format!("expected an integer, got {from}"));
    }
    let (0.0.., Ok(len)) = (from, usize::try_from(len)) else {
        return m.fail(node, "substr: from and len must be greater than or equal to 0");
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let from = from as usize;
    let text = m.text(text).clone();
    m.burn(text.text.len() / 32)?;
    let end = from.saturating_add(len).min(text.chars as usize);
    m.string(slice_chars(&text, from.min(end), end))
}

fn find_substr(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (pattern, text) = (m.text_argument(a[0], node)?, m.text_argument(a[1], node)?);
    let mut found = Blocks::default();
    if !pattern.is_empty() {
        m.burn(text.len())?;
        let (mut at, mut position) = (0, 0_u32);
        while let Some(next) = text[at..].find(&*pattern) {
            position += count(&text[at..at + next]);
            found.push(Value::Number(f64::from(position)), &mut m.memory)?;
            // Matches may overlap.
            let step = text[at + next..].chars().next().map_or(1, char::len_utf8);
            m.burn(1 + pattern.len() / 16)?;
            at += next + step;
            position += 1;
        }
    }
    m.array_of(found)
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// The two arguments as texts, or `None` when the first is shorter or the second is not a string, which means
/// that they differ and is not an error.
fn text_and_part(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Option<(Arc<str>, Arc<str>)>> {
    let (text, part) = (m.force(a[0])?, m.force(a[1])?);
    if !matches!((text, part), (Value::String(_), Value::String(_))) {
        if length_of(m, text, node)? < length_of(m, part, node)? {
            return Ok(None);
        }
        m.text_argument(text, node)?;
        return Ok(None);
    }
    Ok(Some((m.text_argument(text, node)?, m.text_argument(part, node)?)))
}

fn starts_with(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let texts = text_and_part(m, a, node)?;
    Ok(Value::Bool(texts.is_some_and(|(text, start)| text.starts_with(&*start))))
}

fn ends_with(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let texts = text_and_part(m, a, node)?;
    Ok(Value::Bool(texts.is_some_and(|(text, end)| text.ends_with(&*end))))
}

#[derive(Clone, Copy)]
struct Ends {
    left: bool,
    right: bool,
}

/// Takes from the ends of a string the characters that the second argument contains.
fn strip(m: &mut Machine<'_>, a: &Arguments, ends: Ends, node: NodeId) -> Step<Value> {
    let string = m.string_argument(a[0], node)?;
    let wanted = m.force(a[1])?;
    if m.text(string).text.is_empty() {
        return Ok(Value::String(string));
    }
    let Value::String(characters) = wanted else {
        return strip_elements(m, Value::String(string), wanted, ends, node);
    };
    let (string, characters) = (m.shared_text(string), m.shared_text(characters));
    m.burn((string.len() + characters.len()) / 4)?;
    let mut set: Vec<char> = m.memory.list(characters.len())?;
    set.extend(characters.chars());
    set.sort_unstable();
    set.dedup();
    let inside = |c: char| set.binary_search(&c).is_ok();
    let mut rest = &*string;
    if ends.right {
        rest = rest.trim_end_matches(inside);
    }
    if ends.left {
        rest = rest.trim_start_matches(inside);
    }
    m.string(rest)
}

/// Takes elements from the ends of an array of characters, which may hold other things too.
fn strip_elements(m: &mut Machine<'_>, text: Value, wanted: Value, ends: Ends, node: NodeId) -> Step<Value> {
    let elements = items(m, text, node)?;
    let member = FunctionRef::Builtin(crate::library::find("member").unwrap_or(0));
    let inside = |m: &mut Machine<'_>, at: usize| -> Step<bool> {
        let element = m.forced_element(elements, at)?;
        let found = m.call_values(member, &[wanted, element], node)?;
        Ok(matches!(found, Value::Bool(true)))
    };
    let (mut from, mut to) = (0, m.array_len(elements));
    while ends.right && to > from && inside(m, to - 1)? {
        to -= 1;
    }
    while ends.left && from < to && inside(m, from)? {
        from += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "lengths are bounded by the memory limit")]
    let (from, to) = (Value::Number(from as f64), Value::Number(to as f64));
    m.slice(text, from, to, Value::Null, node)
}

fn strip_chars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    strip(m, a, Ends { left: true, right: true }, node)
}

fn lstrip_chars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    strip(m, a, Ends { left: true, right: false }, node)
}

fn rstrip_chars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    strip(m, a, Ends { left: false, right: true }, node)
}

fn trim(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    m.string(text.trim())
}

fn split(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (text, separator) = (m.text_argument(a[0], node)?, m.text_argument(a[1], node)?);
    parts(m, text.split(&*separator), &text, &separator, node)
}

fn parts<'t>(
    m: &mut Machine<'_>,
    parts: impl Iterator<Item = &'t str>,
    text: &str,
    separator: &str,
    node: NodeId,
) -> Step<Value> {
    if separator.is_empty() {
        return m.fail(node, "the string to split by must not be empty");
    }
    m.burn(text.len())?;
    let mut values = Blocks::default();
    for part in parts {
        m.burn(1)?;
        values.push(m.string(part)?, &mut m.memory)?;
    }
    m.array_of(values)
}

/// How often a string is split at most. The argument -1 stands for no limit.
fn limit(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<usize> {
    let limit = m.integer_argument(value, node)?;
    match limit {
        -1 => Ok(usize::MAX),
        limit => usize::try_from(limit)
            .or_else(|_| m.fail(node, format!("maxsplits must be -1 or at least 0, got {limit}"))),
    }
}

fn split_limit(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (text, separator) = (m.text_argument(a[0], node)?, m.text_argument(a[1], node)?);
    let limit = limit(m, a[2], node)?;
    parts(m, text.splitn(limit.saturating_add(1), &*separator), &text, &separator, node)
}

fn split_limit_r(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (text, separator) = (m.text_argument(a[0], node)?, m.text_argument(a[1], node)?);
    let limit = limit(m, a[2], node)?;
    let mut found = Blocks::default();
    if !separator.is_empty() {
        m.burn(text.len())?;
        for part in text.rsplitn(limit.saturating_add(1), &*separator) {
            found.push(part, &mut m.memory)?;
        }
    }
    parts(m, found.iter().rev().copied(), &text, &separator, node)
}

fn str_replace(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (text, from, to) =
        (m.text_argument(a[0], node)?, m.text_argument(a[1], node)?, m.text_argument(a[2], node)?);
    if from.is_empty() {
        return m.fail(node, "'from' string must not be zero length.");
    }
    m.burn(text.len())?;
    let count = text.matches(&*from).count();
    let length = (text.len() + count * to.len()).saturating_sub(count * from.len());
    m.burn(length / 16)?;
    let mut replaced = m.writer();
    replaced.make_room(length, &mut m.memory)?;
    for (number, part) in text.split(&*from).enumerate() {
        if number > 0 {
            replaced.push(&to, &mut m.memory)?;
        }
        replaced.push(part, &mut m.memory)?;
    }
    m.written(replaced)
}

fn is_empty(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    Ok(Value::Bool(m.text_argument(a[0], node)?.is_empty()))
}

/// Changes each character of a string. Arrays of characters count as strings, as in go-jsonnet.
fn change(m: &mut Machine<'_>, value: Value, change: fn(char) -> char, node: NodeId) -> Step<Value> {
    let value = m.force(value)?;
    let mut changed = m.writer();
    let mut bytes = [0; 4];
    match value {
        Value::String(text) => {
            let text = m.shared_text(text);
            m.burn(text.len() / 16)?;
            changed.make_room(text.len(), &mut m.memory)?;
            for character in text.chars() {
                changed.push(change(character).encode_utf8(&mut bytes), &mut m.memory)?;
            }
        }
        _ => {
            let characters = sequence(m, value, node)?;
            for at in 0..m.array_len(characters) {
                let character = m.forced_element(characters, at)?;
                let character = m.text_argument(character, node)?;
                if character.chars().count() != 1 {
                    return m.fail(node, "an array of characters must hold strings of length 1");
                }
                for character in character.chars() {
                    changed.push(change(character).encode_utf8(&mut bytes), &mut m.memory)?;
                }
            }
        }
    }
    m.written(changed)
}

fn ascii_upper(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    change(m, a[0], |character| character.to_ascii_uppercase(), node)
}

fn ascii_lower(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    change(m, a[0], |character| character.to_ascii_lowercase(), node)
}

fn equals_ignore_case(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (left, right) = (m.text_argument(a[0], node)?, m.text_argument(a[1], node)?);
    Ok(Value::Bool(left.eq_ignore_ascii_case(&right)))
}

fn string_chars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    sequence(m, a[0], node).map(Value::Array)
}

/// Converts an argument of any type to text.
fn any_text(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Arc<str>> {
    let value = m.force(value)?;
    let text = m.text_of_any(value, node)?;
    m.burn(text.len() / 8)?;
    Ok(text)
}

/// Converts an argument to text and escapes some characters.
fn escaped(
    m: &mut Machine<'_>,
    value: Value,
    around: &str,
    escapes: &[(char, &str)],
    node: NodeId,
) -> Step<Value> {
    let text = any_text(m, value, node)?;
    let mut written = m.writer();
    let longer = |character: char| escapes.iter().find(|(escaped, _)| *escaped == character);
    let more: usize = text.chars().filter_map(longer).map(|(_, escape)| escape.len() - 1).sum();
    written.make_room(text.len() + more + 2 * around.len(), &mut m.memory)?;
    written.push(around, &mut m.memory)?;
    let mut rest = &*text;
    while let Some(at) = rest.find(|character| escapes.iter().any(|(escaped, _)| *escaped == character)) {
        let (before, behind) = rest.split_at(at);
        written.push(before, &mut m.memory)?;
        for (character, escape) in escapes {
            if let Some(behind) = behind.strip_prefix(*character) {
                written.push(escape, &mut m.memory)?;
                rest = behind;
                break;
            }
        }
    }
    written.push(rest, &mut m.memory)?;
    written.push(around, &mut m.memory)?;
    m.written(written)
}

fn escape_json(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = any_text(m, a[0], node)?;
    let mut written = m.writer();
    written.push_json(&text, &mut m.memory)?;
    m.written(written)
}

fn escape_bash(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    escaped(m, a[0], "'", &[('\'', "'\"'\"'")], node)
}

fn escape_dollars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    escaped(m, a[0], "", &[('$', "$$")], node)
}

fn escape_xml(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    const ESCAPES: [(char, &str); 5] =
        [('<', "&lt;"), ('>', "&gt;"), ('&', "&amp;"), ('"', "&quot;"), ('\'', "&apos;")];
    escaped(m, a[0], "", &ESCAPES, node)
}

#[expect(clippy::cast_precision_loss, reason = "Jsonnet's numbers are doubles")]
fn parse_int(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    match text.parse::<i64>() {
        Ok(number) => Ok(Value::Number(number as f64)),
        Err(_) => m.fail(node, format!("{:?} is not a base 10 integer of 64 bits", shortened(&text))),
    }
}

fn parse_octal(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    Ok(Value::Number(digits_in_base(m, &text, 8, node)?))
}

fn parse_hex(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    Ok(Value::Number(digits_in_base(m, &text, 16, node)?))
}

/// The value of a digit as go-jsonnet counts, where the characters behind "9" go on from 10.
const fn digit(character: char) -> Option<u32> {
    match character {
        'a'.. => Some(character as u32 - 'a' as u32 + 10),
        'A'.. => Some(character as u32 - 'A' as u32 + 10),
        _ => (character as u32).checked_sub('0' as u32),
    }
}

fn digits_in_base(m: &mut Machine<'_>, digits: &str, base: u32, node: NodeId) -> Step<f64> {
    if digits.is_empty() {
        return m.fail(node, format!("not a base {base} integer: \"\""));
    }
    m.burn(digits.len())?;
    let mut number = 0.0;
    for character in digits.chars() {
        let Some(digit) = digit(character).filter(|digit| *digit < base) else {
            return m.fail(node, format!("{:?} is not a base {base} integer", shortened(digits)));
        };
        number = number * f64::from(base) + f64::from(digit);
    }
    match m.number(number, node)? {
        Value::Number(number) => Ok(number),
        _ => Ok(0.0),
    }
}
