//! `std.format`: printf as Python has it.

use crate::code::NodeId;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::{MAX_PARAMETERS, functions};
use crate::number;

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "format"(str, vals) => format;
}

fn format(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let format = m.text_argument(a[0], node)?;
    let values = m.force(a[1])?;
    let text = m.format(&format, values, node)?;
    m.own_string(text)
}

/// One conversion, `%(key)flags width.precision code`.
#[derive(Debug, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag character of the format")]
struct Code {
    key: Option<String>,
    alternate: bool,
    zero: bool,
    left: bool,
    blank: bool,
    plus: bool,
    width: Size,
    precision: Option<Size>,
    conversion: char,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Size {
    Fixed(usize),
    /// `*`: the next value says it.
    Argument,
}

impl Default for Size {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Code(Code),
}

/// Splits a format into texts and conversions.
fn parse(format: &str) -> Result<Vec<Part<'_>>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        if at > 0 {
            parts.push(Part::Text(&rest[..at]));
        }
        let (code, behind) = parse_code(&rest[at + 1..])?;
        parts.push(Part::Code(code));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn parse_code(mut rest: &str) -> Result<(Code, &str), &'static str> {
    const TRUNCATED: &str = "truncated format code";
    let mut code = Code::default();
    if let Some(behind) = rest.strip_prefix('(') {
        let end = behind.find(')').ok_or(TRUNCATED)?;
        code.key = Some(behind[..end].to_owned());
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
    if !"diouxXeEfFgGcrs%".contains(conversion) {
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
    let size = if digits.is_empty() {
        0
    } else {
        digits.parse().map_err(|_| "a width or precision is too large")?
    };
    Ok((Size::Fixed(size), behind))
}

impl Machine<'_> {
    /// `format % values`
    pub(crate) fn format(&mut self, format: &str, values: Value, node: NodeId) -> Step<String> {
        self.burn(format.len() / 8 + 1)?;
        self.charge(format.len() * 2)?;
        let parts = match parse(format) {
            Ok(parts) => parts,
            Err(problem) => return self.fail(node, problem),
        };
        let mut out = String::new();
        let mut next = 0;
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Code(code) => {
                    let piece = self.convert(&code, values, &mut next, node)?;
                    out.push_str(&piece);
                }
            }
        }
        let given = match values {
            Value::Array(array) => self.array_len(array),
            Value::Object(_) => next,
            _ => 1,
        };
        if next < given {
            return self.fail(node, format!("too many values to format: {given}, expected {next}"));
        }
        Ok(out)
    }

    /// The next value, for a conversion or a `*`.
    fn next_value(&mut self, values: Value, next: &mut usize, node: NodeId) -> Step<Value> {
        let at = *next;
        *next += 1;
        match values {
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

    fn size(&mut self, size: Size, values: Value, next: &mut usize, node: NodeId) -> Step<usize> {
        match size {
            Size::Fixed(size) => Ok(size),
            Size::Argument => {
                let value = self.next_value(values, next, node)?;
                let size = self.integer_argument(value, node)?;
                Ok(usize::try_from(size).unwrap_or(0))
            }
        }
    }

    fn convert(&mut self, code: &Code, values: Value, next: &mut usize, node: NodeId) -> Step<String> {
        self.burn(1)?;
        let width = self.size(code.width, values, next, node)?;
        let precision = match code.precision {
            None => None,
            Some(size) => Some(self.size(size, values, next, node)?),
        };
        // Taken before anything is written, so that a huge width costs nothing but an error.
        self.charge(width.saturating_add(precision.unwrap_or(0)))?;
        self.burn((width / 16).saturating_add(precision.unwrap_or(0) / 16))?;
        let text = if code.conversion == '%' {
            "%".to_owned()
        } else {
            let value = match (&code.key, values) {
                (Some(key), Value::Object(_)) => {
                    let name = self.intern_str(key)?;
                    self.field(values, name, node)?
                }
                (Some(_), _) => {
                    return self.fail(node, "a format with (names) in its codes needs an object of values");
                }
                (None, _) => self.next_value(values, next, node)?,
            };
            self.converted(code, value, width, precision, node)?
        };
        let missing = width.saturating_sub(text.chars().count());
        let blanks = " ".repeat(missing);
        self.charge(text.len() + missing)?;
        Ok(if code.left { text + &blanks } else { blanks + &text })
    }

    fn converted(
        &mut self,
        code: &Code,
        value: Value,
        width: usize,
        precision: Option<usize>,
        node: NodeId,
    ) -> Step<String> {
        match code.conversion {
            's' | 'r' => self.text_of_any(value, node),
            'c' => match value {
                Value::Number(_) => match crate::library::find("char") {
                    Some(char) => {
                        let function = crate::eval::value::FunctionRef::Builtin(char);
                        let text = self.call1(function, value, node)?;
                        self.text_of_any(text, node)
                    }
                    None => Ok(String::new()),
                },
                Value::String(text) if self.text(text).chars == 1 => self.text_of_any(value, node),
                Value::String(text) => {
                    let length = self.text(text).chars;
                    self.fail(node, format!("%c expected 1-sized string got: {length}"))
                }
                other => {
                    let found = self.type_name(other);
                    self.fail(node, format!("%c expected number / string, got: {found}"))
                }
            },
            _ => {
                let Value::Number(number) = value else {
                    let found = self.type_name(value);
                    return self.fail(node, format!("format required number, got {found}"));
                };
                Ok(render(code, number, width, precision))
            }
        }
    }
}

/// A number as a conversion asks for.
fn render(code: &Code, number: f64, width: usize, precision: Option<usize>) -> String {
    let negative =
        number < 0.0 || (number == 0.0 && number.is_sign_negative() && !"diouxX".contains(code.conversion));
    let magnitude = number.abs();
    let sign = if negative {
        "-"
    } else if code.plus {
        "+"
    } else if code.blank {
        " "
    } else {
        ""
    };
    let (prefix, digits) = match code.conversion {
        'd' | 'i' | 'u' => ("", at_least(format!("{:.0}", magnitude.floor()), precision)),
        'o' => (
            if code.alternate && magnitude >= 1.0 { "0" } else { "" },
            at_least(radix(magnitude.floor(), 8), precision),
        ),
        'x' => (if code.alternate { "0x" } else { "" }, at_least(radix(magnitude.floor(), 16), precision)),
        'X' => (
            if code.alternate { "0X" } else { "" },
            at_least(radix(magnitude.floor(), 16).to_ascii_uppercase(), precision),
        ),
        'e' | 'E' => {
            let text = scientific(magnitude, precision.unwrap_or(6), code.alternate);
            ("", if code.conversion == 'E' { text.to_ascii_uppercase() } else { text })
        }
        'f' | 'F' => {
            let precision = precision.unwrap_or(6);
            let point = if code.alternate && precision == 0 { "." } else { "" };
            ("", format!("{magnitude:.precision$}{point}"))
        }
        _ => {
            let text = number::general(magnitude, precision.unwrap_or(6), code.alternate);
            ("", if code.conversion == 'G' { text.to_ascii_uppercase() } else { text })
        }
    };
    let used = sign.len() + prefix.len() + digits.len();
    let zeros = if code.zero && !code.left { width.saturating_sub(used) } else { 0 };
    format!("{sign}{prefix}{}{digits}", "0".repeat(zeros))
}

/// Zeros in front until there are as many digits as the precision asks for.
fn at_least(digits: String, precision: Option<usize>) -> String {
    let missing = precision.unwrap_or(0).saturating_sub(digits.len());
    if missing == 0 { digits } else { "0".repeat(missing) + &digits }
}

fn radix(mut number: f64, base: u32) -> String {
    let base = f64::from(base);
    let mut digits = Vec::new();
    loop {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a remainder of 8 or 16")]
        let digit = (number % base) as u32;
        digits.push(char::from_digit(digit, 16).unwrap_or('0'));
        number = (number / base).floor();
        if number < 1.0 {
            return digits.iter().rev().collect();
        }
    }
}

/// C's `%e` of a number that is not negative.
fn scientific(number: f64, precision: usize, alternate: bool) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{mantissa}{point}e{}", number::exponent_digits(exponent.parse().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(format: &str, number: f64) -> String {
        match parse(format).unwrap().remove(0) {
            Part::Code(code) => {
                let size = |size| match size {
                    Size::Fixed(size) => size,
                    Size::Argument => 0,
                };
                render(&code, number, size(code.width), code.precision.map(size))
            }
            Part::Text(text) => text.to_owned(),
        }
    }

    #[test]
    fn numbers_are_rendered_as_python_does() {
        let table = [
            ("%d", 42.7, "42"),
            ("%d", -42.7, "-42"),
            ("%05d", -42.0, "-0042"),
            ("%+d", 1.0, "+1"),
            ("%.3d", 7.0, "007"),
            ("%x", 255.0, "ff"),
            ("%#X", 255.0, "0XFF"),
            ("%o", 8.0, "10"),
            ("%e", 12345.678, "1.234568e+04"),
            ("%.2f", 1.005, "1.00"),
            ("%g", 1e-5, "1e-05"),
            ("%G", 1e10, "1E+10"),
            ("%08.3f", -1.5, "-001.500"),
        ];
        for (format, number, text) in table {
            assert_eq!(rendered(format, number), text, "{format}");
        }
    }

    #[test]
    fn what_is_no_format_is_refused() {
        for format in ["%", "%(a", "%y", "%5", "%99999999999999999999d"] {
            assert!(parse(format).is_err(), "{format}");
        }
    }
}
