//! `std.format`, which is printf as Python has it.

use std::sync::Arc;

use crate::code::NodeId;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::output::Writer;
use crate::eval::value::{FunctionRef, Value};
use crate::eval::{Machine, Step};
use crate::library::arrays::sequence;
use crate::library::elementary::{log, power};
use crate::library::functions;
use crate::number;

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "format"(str, vals) => format;
}

fn format(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let format = match m.force(a[0])? {
        text @ Value::String(_) => m.text_argument(text, node)?,
        // An array of characters counts as a string, as in go-jsonnet.
        other => {
            let characters = sequence(m, other, node)?;
            let mut format = m.writer();
            for at in 0..m.array_len(characters) {
                let character = m.forced_element(characters, at)?;
                let character = m.text_of_any(character, node)?;
                m.burn(1 + character.len() / 16)?;
                format.push(&character, &mut m.memory)?;
            }
            let format = m.written(format)?;
            m.text_argument(format, node)?
        }
    };
    let values = m.force(a[1])?;
    m.format(&format, values, node)
}

/// One conversion, which is written `%(key)flags width.precision code`.
#[derive(Debug, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag character of the format")]
struct Code<'a> {
    key: Option<&'a str>,
    alternate: bool,
    zero: bool,
    left: bool,
    blank: bool,
    plus: bool,
    width: Size,
    precision: Option<Size>,
    conversion: char,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Size {
    Fixed(f64),
    /// The number is written `*`, and the next value says it.
    Argument,
}

impl Default for Size {
    fn default() -> Self {
        Self::Fixed(0.0)
    }
}

fn parse_code(mut rest: &str) -> Result<(Code<'_>, &str), &'static str> {
    const TRUNCATED: &str = "truncated format code";
    let mut code = Code::default();
    if let Some(behind) = rest.strip_prefix('(') {
        let end = behind.find(')').ok_or(TRUNCATED)?;
        code.key = Some(&behind[..end]);
        rest = &behind[end + 1..];
    }
    loop {
        match rest.as_bytes().first() {
            Some(b'#') => code.alternate = true,
            Some(b'0') => code.zero = true,
            Some(b'-') => code.left = true,
            Some(b' ') => code.blank = true,
            Some(b'+') => code.plus = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    (code.width, rest) = parse_size(rest)?;
    if let Some(behind) = rest.strip_prefix('.') {
        let (precision, behind) = parse_size(behind)?;
        code.precision = Some(precision);
        rest = behind;
    }
    if let Some(behind) = rest.strip_prefix(['h', 'l', 'L']) {
        rest = behind;
    }
    let conversion = rest.chars().next().ok_or(TRUNCATED)?;
    if !"diouxXeEfFgGcs%".contains(conversion) {
        return Err("unrecognised conversion type");
    }
    code.conversion = conversion;
    Ok((code, &rest[conversion.len_utf8()..]))
}

fn parse_size(rest: &str) -> Result<(Size, &str), &'static str> {
    if let Some(behind) = rest.strip_prefix('*') {
        return Ok((Size::Argument, behind));
    }
    let (digits, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let size = if digits.is_empty() { 0.0 } else { digits.parse().map_err(|_| "no width or precision")? };
    Ok((Size::Fixed(size), behind))
}

/// What the conversions of a format take their values from, one after the other.
struct Values {
    all: Value,
    next: usize,
}

impl Machine<'_> {
    /// Evaluates `format % values`.
    pub(crate) fn format(&mut self, format: &str, values: Value, node: NodeId) -> Step<Value> {
        self.burn(format.len() / 8 + 1)?;
        let mut out = self.writer();
        let mut values = Values { all: values, next: 0 };
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            out.push(&rest[..at], &mut self.memory)?;
            let (code, behind) = match parse_code(&rest[at + 1..]) {
                Ok(code) => code,
                Err(problem) => return self.fail(node, problem),
            };
            self.convert(&code, &mut values, &mut out, node)?;
            rest = behind;
        }
        out.push(rest, &mut self.memory)?;
        let given = match values.all {
            Value::Array(array) => self.array_len(array),
            Value::Object(_) => values.next,
            _ => 1,
        };
        if values.next < given {
            return self.fail(node, format!("too many values to format: {given}, expected {}", values.next));
        }
        self.written(out)
    }

    /// Takes the next value, for a conversion or a `*`.
    fn next_value(&mut self, values: &mut Values, node: NodeId) -> Step<Value> {
        values.next += 1;
        self.value_at(values.all, values.next - 1, node)
    }

    fn value_at(&mut self, all: Value, at: usize, node: NodeId) -> Step<Value> {
        match all {
            Value::Array(array) if at < self.array_len(array) => self.forced_element(array, at),
            Value::Array(array) => {
                let given = self.array_len(array);
                self.fail(node, format!("not enough values to format, got {given}"))
            }
            Value::Object(_) => {
                self.fail(node, "a format with an object of values needs (names) in its codes")
            }
            value if at == 0 => Ok(value),
            _ => self.fail(node, "not enough values to format, got 1"),
        }
    }

    fn convert(&mut self, code: &Code<'_>, values: &mut Values, out: &mut Writer, node: NodeId) -> Step<()> {
        self.burn(1)?;
        let width = match code.width {
            Size::Fixed(size) => size,
            Size::Argument => {
                let width = self.next_value(values, node)?;
                self.number_argument(width, node)?
            }
        };
        // Only the conversions of numbers look at the precision.
        let precision_at = values.next;
        if code.precision == Some(Size::Argument) {
            values.next += 1;
        }
        if code.conversion == '%' {
            return self.put_padded(code, width, &Piece::default(), "%", out);
        }
        let value = match (&code.key, values.all) {
            (Some(key), Value::Object(_)) => {
                let name = self.intern_str(key)?;
                self.field(values.all, name, node)?
            }
            // Names count only when the values are an object.
            _ => self.next_value(values, node)?,
        };
        match (code.conversion, value) {
            ('s', value) => {
                let text = self.text_of_any(value, node)?;
                self.put_padded(code, width, &Piece::default(), &text, out)
            }
            ('c', value) => {
                let text = self.character(value, node)?;
                self.put_padded(code, width, &Piece::default(), &text, out)
            }
            (_, Value::Number(number)) => {
                let precision = match code.precision {
                    None => None,
                    Some(Size::Fixed(size)) => Some(size),
                    Some(Size::Argument) => {
                        let precision = self.value_at(values.all, precision_at, node)?;
                        Some(self.number_argument(precision, node)?)
                    }
                };
                let zeros = if code.zero && !code.left { width } else { 0.0 };
                let style = Style { code, zeros, trailing: true };
                let piece = self.number_text(&style, number, precision, node)?;
                self.put_padded(code, width, &piece, "", out)
            }
            (_, value) => {
                let found = self.type_name(value);
                self.fail(node, format!("format required number, got {found}"))
            }
        }
    }

    /// Appends a number or a text, padded with blanks to the width that it must have.
    fn put_padded(
        &mut self,
        code: &Code<'_>,
        width: f64,
        number: &Piece,
        text: &str,
        out: &mut Writer,
    ) -> Step<()> {
        let blanks = missing(width, number.length() + length(text));
        self.burn(blanks.saturating_add(number.zeros) / 16)?;
        if !code.left {
            out.fill(b' ', blanks, &mut self.memory)?;
        }
        out.push(&number.before, &mut self.memory)?;
        out.fill(b'0', number.zeros, &mut self.memory)?;
        out.push(&number.digits, &mut self.memory)?;
        out.push(text, &mut self.memory)?;
        if code.left {
            out.fill(b' ', blanks, &mut self.memory)?;
        }
        Ok(())
    }

    fn character(&mut self, value: Value, node: NodeId) -> Step<Arc<str>> {
        match value {
            Value::Number(_) => {
                let function = FunctionRef::Builtin(crate::library::find("char").unwrap_or(0));
                let text = self.call1(function, value, node)?;
                self.text_of_any(text, node)
            }
            Value::String(text) if self.text(text).chars == 1 => self.text_of_any(value, node),
            Value::String(text) => {
                let length = self.text(text).chars;
                self.fail(node, format!("%c expected 1-sized string got: {length}"))
            }
            other => {
                let found = self.type_name(other);
                self.fail(node, format!("%c expected number / string, got: {found}"))
            }
        }
    }

    fn number_text(
        &mut self,
        style: &Style<'_>,
        number: f64,
        precision: Option<f64>,
        node: NodeId,
    ) -> Step<Piece> {
        let code = style.code;
        let digits = precision.unwrap_or(0.0);
        match code.conversion {
            'd' | 'i' | 'u' => Ok(style.whole(number <= -1.0, number.abs().floor(), digits, 10, "")),
            'o' => {
                let prefix = if code.alternate { "0" } else { "" };
                Ok(style.whole(number <= -1.0, number.abs().floor(), digits, 8, prefix))
            }
            'x' | 'X' => Ok(style.hexadecimal(number.floor(), digits)),
            'e' | 'E' => {
                let style = Style { trailing: true, ..*style };
                self.scientific(&style, number, precision.unwrap_or(6.0), node)
            }
            'f' | 'F' => self.decimal(style, number, precision.unwrap_or(6.0), node),
            _ => {
                let precision = precision.unwrap_or(6.0);
                let exponent = exponent_of(number);
                let style = Style { trailing: code.alternate, ..*style };
                if exponent < -4.0 || exponent >= precision {
                    return self.scientific(&style, number, precision - 1.0, node);
                }
                let before_point = (exponent + 1.0).max(1.0);
                self.decimal(&style, number, precision - before_point, node)
            }
        }
    }

    /// Writes a number as `123.45`. The digits come from products and quotients of doubles, as in the library
    /// of Jsonnet, and so do their errors.
    fn decimal(&mut self, style: &Style<'_>, number: f64, precision: f64, node: NodeId) -> Step<Piece> {
        let denominator = self.finite(power(10.0, precision), node)?;
        let numerator = self.finite(number.abs() * denominator, node)? + 0.5;
        let whole = if number == 0.0 { 0.0 } else { (numerator / denominator).floor() };
        let whole = self.finite(whole, node)?;
        let fraction = numerator.floor() % denominator;
        let has_point = precision != 0.0 || style.code.alternate;
        let zeros = style.zeros - precision - if has_point { 1.0 } else { 0.0 };
        let mut piece = Style { zeros, ..*style }.whole(number < 0.0, whole, 0.0, 10, "");
        if precision == 0.0 {
            if style.code.alternate {
                piece.digits.push('.');
            }
        } else if style.trailing || fraction > 0.0 {
            // A precision for which the power of ten above is finite is below 309.
            let digits = left_filled(&in_base(fraction, 10, ""), precision);
            piece.digits.push('.');
            piece.digits.push_str(if style.trailing { &digits } else { digits.trim_end_matches('0') });
        }
        Ok(piece)
    }

    /// Writes a number as `1.2345e+02`.
    fn scientific(&mut self, style: &Style<'_>, number: f64, precision: f64, node: NodeId) -> Step<Piece> {
        let exponent = exponent_of(number);
        let mantissa = if exponent <= -324.0 {
            number * 10.0 / power(10.0, exponent + 1.0)
        } else {
            number / power(10.0, exponent)
        };
        let sign = if exponent < 0.0 { '-' } else { '+' };
        let letter = if style.code.conversion.is_ascii_uppercase() { 'E' } else { 'e' };
        let suffix = format!("{letter}{sign}{}", left_filled(&in_base(exponent.abs(), 10, ""), 2.0));
        let zeros = style.zeros - length(&suffix);
        let mantissa = self.finite(mantissa, node)?;
        let mut piece = self.decimal(&Style { zeros, ..*style }, mantissa, precision, node)?;
        piece.digits.push_str(&suffix);
        Ok(piece)
    }

    /// Checks that a number is neither infinite nor NaN.
    fn finite(&self, number: f64, node: NodeId) -> Step<f64> {
        self.number(number, node).map(|_| number)
    }
}

/// How a number is written.
#[derive(Clone, Copy)]
struct Style<'a> {
    code: &'a Code<'a>,
    /// The least number of characters, which zeros in front make up.
    zeros: f64,
    /// Whether zeros behind the last digit stay.
    trailing: bool,
}

impl Style<'_> {
    fn sign(&self, negative: bool) -> &'static str {
        if negative {
            "-"
        } else if self.code.plus {
            "+"
        } else if self.code.blank {
            " "
        } else {
            ""
        }
    }

    /// Writes the whole part of a number that is not negative, with a sign and at least `digits` digits.
    fn whole(&self, negative: bool, number: f64, digits: f64, base: u32, prefix: &str) -> Piece {
        let sign = self.sign(negative);
        let least = (self.zeros - length(sign)).max(digits);
        Piece::new(sign.to_owned(), in_base(number, base, prefix), least)
    }

    fn hexadecimal(&self, number: f64, digits: f64) -> Piece {
        let upper = self.code.conversion == 'X';
        let sign = self.sign(number < 0.0);
        let prefix = match (self.code.alternate, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let least = (self.zeros - length(sign) - length(prefix)).max(digits);
        let digits = in_base(number.abs(), 16, "");
        let digits = if upper { digits.to_ascii_uppercase() } else { digits };
        Piece::new(format!("{sign}{prefix}"), digits, least)
    }
}

/// A number in parts, so that many zeros are not written before they are paid for.
#[derive(Default)]
struct Piece {
    /// The sign and the prefix.
    before: String,
    zeros: usize,
    digits: String,
}

impl Piece {
    /// Adds as many zeros as are needed for so many digits.
    fn new(before: String, digits: String, least: f64) -> Self {
        let zeros = missing(least, length(&digits));
        Self { before, zeros, digits }
    }

    #[expect(clippy::cast_precision_loss, reason = "more zeros than a double counts exactly are too many")]
    fn length(&self) -> f64 {
        length(&self.before) + self.zeros as f64 + length(&self.digits)
    }
}

/// The power of ten that a number begins with.
fn exponent_of(number: f64) -> f64 {
    if number == 0.0 { 0.0 } else { (log(number.abs()) / log(10.0)).floor() }
}

/// Counts the characters of a text.
#[expect(clippy::cast_precision_loss, reason = "texts are bounded by the memory limit")]
fn length(text: &str) -> f64 {
    text.chars().count() as f64
}

/// How many characters are missing until there are `width`.
fn missing(width: f64, length: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at no characters")]
    let missing = (width - length).ceil() as usize;
    missing
}

fn left_filled(text: &str, width: f64) -> String {
    "0".repeat(missing(width, length(text))) + text
}

/// Writes a number that is not negative. The prefix stands before all numbers but zero. A fraction would
/// spoil the last digit, as in the library of Jsonnet, so callers cut fractions off before.
fn in_base(mut number: f64, base: u32, prefix: &str) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let mut digits = Vec::new();
    while number != 0.0 {
        let digit = number % f64::from(base);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the base")]
        digits.push(match char::from_digit(digit as u32, base) {
            Some(character) if digit.fract() == 0.0 => character.to_string(),
            _ => number::to_string(digit),
        });
        number = (number / f64::from(base)).floor();
    }
    digits.push(prefix.to_owned());
    digits.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_format_is_refused() {
        for code in ["", "(a", "y", "5"] {
            assert!(parse_code(code).is_err(), "{code}");
        }
    }
}
