//! Numbers as Jsonnet writes them.

/// The most bytes that a number takes, which are a sign and 309 digits.
pub(crate) const LONGEST: usize = 310;

/// Appends a finite number. Whole numbers are written in full, and others with 17 significant digits as by
/// C's
/// `%.17g`.
#[expect(clippy::float_cmp, reason = "a whole number equals its whole part exactly")]
pub(crate) fn write(number: f64, out: &mut Vec<u8>) {
    if number == number.trunc() {
        if number.abs() < 9_007_199_254_740_992.0 {
            if number == 0.0 && number.is_sign_negative() {
                out.push(b'-');
            }
            write_integer(number, out);
        } else {
            out.extend_from_slice(format!("{number:.0}").as_bytes());
        }
    } else {
        out.extend_from_slice(general(number, 17).as_bytes());
    }
}

/// How many steps writing a number takes. Numbers with many digits need long arithmetic.
pub(crate) fn effort(number: f64) -> usize {
    let whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    if whole {
        1
    } else if number.abs() < 1e22 {
        8
    } else {
        // All digits of a large number are written out.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 22 and 309")]
        let digits = number.abs().log10() as usize;
        2 * digits
    }
}

/// Writes the shortest decimal text that reads back as the number, without an exponent. The functions that
/// lay out JSON and YAML write numbers so.
pub(crate) fn shortest(number: f64) -> String {
    format!("{number}")
}

/// Writes a number as go-yaml names a field by it, which is in single precision, as short as possible, and
/// with an exponent where that is below -4 or above 5.
pub(crate) fn yaml_key(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "single precision is asked for")]
    let number = number as f32;
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    format!("{mantissa}e{}", exponent_digits(exponent))
}

/// Writes the number as a text.
pub(crate) fn to_string(number: f64) -> String {
    let mut out = Vec::new();
    write(number, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Writes a whole number below 2^53 without the machinery of formatting.
fn write_integer(number: f64, out: &mut Vec<u8>) {
    #[expect(clippy::cast_possible_truncation, reason = "the caller checked that it is whole and below 2^53")]
    let number = number as i64;
    if number < 0 {
        out.push(b'-');
    }
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes a number as C's `%.{precision}g` does.
fn general(number: f64, precision: usize) -> String {
    let scientific = format!("{:.*e}", precision - 1, number);
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        return format!("{}e{}", trim(mantissa), exponent_digits(exponent));
    }
    let decimals = usize::try_from(limit - 1 - exponent).unwrap_or(0);
    trim(&format!("{number:.decimals$}")).to_owned()
}

/// Writes an exponent as C's `%e` does, with a sign and at least two digits.
fn exponent_digits(exponent: i32) -> String {
    format!("{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

fn trim(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::unreadable_literal, reason = "the table shows what is printed")]
    fn numbers_are_printed_as_go_jsonnet_prints_them() {
        let table = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-42.0, "-42"),
            (1.5, "1.5"),
            (0.1, "0.10000000000000001"),
            (1e-7, "9.9999999999999995e-08"),
            (1e21, "1000000000000000000000"),
            (9007199254740991.0, "9007199254740991"),
            (9007199254740993.0, "9007199254740992"),
            (2.5e-3, "0.0025000000000000001"),
            (0.00012345, "0.00012344999999999999"),
            (123456789.125, "123456789.125"),
        ];
        for (number, printed) in table {
            assert_eq!(to_string(number), printed);
        }
        assert_eq!(to_string(1e22).len(), 23);
    }
}
