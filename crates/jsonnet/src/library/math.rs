//! Numbers.

use crate::code::NodeId;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::{MAX_PARAMETERS, absent, functions};

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "abs"(n) => abs;
    "sign"(n) => sign;
    "max"(a, b) => max;
    "min"(a, b) => min;
    "clamp"(x, minVal, maxVal) => clamp;
    "pow"(x, n) => pow;
    "exp"(x) => exp;
    "log"(x) => log;
    "log2"(x) => log2;
    "log10"(x) => log10;
    "exponent"(x) => exponent;
    "mantissa"(x) => mantissa;
    "floor"(x) => floor;
    "ceil"(x) => ceil;
    "round"(x) => round;
    "sqrt"(x) => sqrt;
    "hypot"(a, b) => hypot;
    "sin"(x) => sin;
    "cos"(x) => cos;
    "tan"(x) => tan;
    "asin"(x) => asin;
    "acos"(x) => acos;
    "atan"(x) => atan;
    "atan2"(y, x) => atan2;
    "deg2rad"(x) => deg2rad;
    "rad2deg"(x) => rad2deg;
    "isEven"(x) => is_even;
    "isOdd"(x) => is_odd;
    "isInteger"(x) => is_integer;
    "isDecimal"(x) => is_decimal;
    "mod"(a, b) => mod_;
    "modulo"(x, y) => modulo;
    "sum"(arr) => sum;
    "avg"(arr) => avg;
    "minArray"(arr, keyF[?], onEmpty[?]) => min_array;
    "maxArray"(arr, keyF[?], onEmpty[?]) => max_array;
}

/// A function of one number.
fn one(m: &mut Machine<'_>, a: &Arguments, node: NodeId, f: fn(f64) -> f64) -> Step<Value> {
    let x = m.number_argument(a[0], node)?;
    m.number(f(x), node)
}

/// A function of two numbers.
fn two(m: &mut Machine<'_>, a: &Arguments, node: NodeId, f: fn(f64, f64) -> f64) -> Step<Value> {
    let (x, y) = (m.number_argument(a[0], node)?, m.number_argument(a[1], node)?);
    m.number(f(x, y), node)
}

/// A question about one number.
fn test(m: &mut Machine<'_>, a: &Arguments, node: NodeId, f: fn(f64) -> bool) -> Step<Value> {
    Ok(Value::Bool(f(m.number_argument(a[0], node)?)))
}

macro_rules! simple {
    ($($name:ident: $kind:ident $function:expr;)*) => {
        $(fn $name(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
            $kind(m, a, node, $function)
        })*
    };
}

simple! {
    abs: one f64::abs;
    sign: one |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 };
    max: two f64::max;
    min: two f64::min;
    pow: two power;
    exp: one f64::exp;
    log: one f64::ln;
    log2: one f64::log2;
    log10: one f64::log10;
    exponent: one |x| f64::from(split(x).1);
    mantissa: one |x| split(x).0;
    floor: one f64::floor;
    ceil: one f64::ceil;
    round: one f64::round;
    sqrt: one f64::sqrt;
    hypot: two f64::hypot;
    sin: one f64::sin;
    cos: one f64::cos;
    tan: one f64::tan;
    asin: one f64::asin;
    acos: one f64::acos;
    atan: one f64::atan;
    atan2: two f64::atan2;
    deg2rad: one |x| x * std::f64::consts::PI / 180.0;
    rad2deg: one |x| x * 180.0 / std::f64::consts::PI;
    is_even: test |x| x.trunc() % 2.0 == 0.0;
    is_odd: test |x| x.trunc() % 2.0 != 0.0;
    is_integer: test |x| x.fract() == 0.0;
    is_decimal: test |x| x.fract() != 0.0;
}

/// `x` to the power of `y`, by squaring over the binary digits of `y`, which is how Go computes it: the
/// last digits of the result follow from the order of the multiplications.
#[expect(clippy::float_cmp, reason = "exactly these values are special")]
fn power(x: f64, y: f64) -> f64 {
    let special =
        y == 0.0 || x == 0.0 || x == 1.0 || !x.is_finite() || !y.is_finite() || (x < 0.0 && y.fract() != 0.0);
    if special || y.abs() == 0.5 || y.abs() >= 9.0e15 {
        return x.powf(y);
    }
    let (mut whole, mut fraction) = (y.abs().trunc(), y.abs().fract());
    let mut mantissa = 1.0;
    let mut exponent: i32 = 0;
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        mantissa = (fraction * x.ln()).exp();
    }
    let (mut square, mut square_exponent) = split(x);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above to lie below 2^53"
    )]
    let mut digits = whole as u64;
    while digits != 0 {
        if square_exponent.abs() > 1 << 12 {
            // The result is far beyond the largest or the smallest number.
            exponent = exponent.saturating_add(square_exponent);
            break;
        }
        if digits & 1 == 1 {
            mantissa *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square *= 2.0;
            square_exponent -= 1;
        }
        digits >>= 1;
    }
    if y < 0.0 { scale(1.0 / mantissa, exponent.saturating_neg()) } else { scale(mantissa, exponent) }
}

/// `mantissa` times two to the power of `exponent`.
fn scale(mantissa: f64, exponent: i32) -> f64 {
    let exponent = exponent.clamp(-2200, 2200);
    let step = exponent / 3;
    mantissa * 2_f64.powi(step) * 2_f64.powi(step) * 2_f64.powi(exponent - 2 * step)
}

/// `x` as a mantissa of at least one half and below one, and a power of two.
fn split(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    // Subnormal numbers are brought into the normal range first.
    let (scaled, shift) = if x.abs() < f64::MIN_POSITIVE { (x * 2_f64.powi(64), -64) } else { (x, 0) };
    let bits = scaled.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7FF).unwrap_or(0) - 1022;
    let mantissa = f64::from_bits((bits & !(0x7FF << 52)) | (1022 << 52));
    (mantissa, exponent + shift)
}

fn clamp(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (x, low, high) = (m.force(a[0])?, m.force(a[1])?, m.force(a[2])?);
    if m.compare(x, low, node)?.is_lt() {
        Ok(low)
    } else if m.compare(x, high, node)?.is_gt() {
        Ok(high)
    } else {
        Ok(x)
    }
}

fn mod_(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (left, right) = (m.force(a[0])?, m.force(a[1])?);
    match left {
        Value::Number(_) | Value::String(_) => {
            m.binary(crate::ast::BinaryOperator::Modulo, left, right, node)
        }
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("operator % cannot be used on a {found}"))
        }
    }
}

fn modulo(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (x, y) = (m.number_argument(a[0], node)?, m.number_argument(a[1], node)?);
    if y == 0.0 {
        return m.fail(node, "division by zero");
    }
    m.number(x % y, node)
}

fn total(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<(f64, usize)> {
    let array = m.array_argument(a[0], node)?;
    let mut sum = 0.0;
    for at in 0..m.array_len(array) {
        let element = m.element(array, at);
        sum += m.number_argument(element, node)?;
        m.burn(1)?;
    }
    Ok((sum, m.array_len(array)))
}

fn sum(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (sum, _) = total(m, a, node)?;
    m.number(sum, node)
}

#[expect(clippy::cast_precision_loss, reason = "lengths are bounded by the memory limit")]
fn avg(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    match total(m, a, node)? {
        (_, 0) => m.fail(node, "cannot calculate the average of an empty array"),
        (sum, count) => m.number(sum / count as f64, node),
    }
}

fn min_array(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    extreme(m, a, node, std::cmp::Ordering::Less)
}

fn max_array(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    extreme(m, a, node, std::cmp::Ordering::Greater)
}

/// The first element that comes before (or after) all others.
fn extreme(m: &mut Machine<'_>, a: &Arguments, node: NodeId, wanted: std::cmp::Ordering) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let key = if absent(a[1]) { None } else { Some(m.function_argument(a[1], node)?) };
    let len = m.array_len(array);
    if len == 0 {
        if absent(a[2]) {
            return m.fail(node, "expected at least one element in the array; got none");
        }
        return m.force(a[2]);
    }
    let mut best = m.forced_element(array, 0)?;
    let mut best_key = key.map_or(Ok(best), |key| m.call1(key, best, node))?;
    for at in 1..len {
        let element = m.forced_element(array, at)?;
        let element_key = key.map_or(Ok(element), |key| m.call1(key, element, node))?;
        if m.compare(element_key, best_key, node)? == wanted {
            (best, best_key) = (element, element_key);
        }
    }
    Ok(best)
}
