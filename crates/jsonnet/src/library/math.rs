//! Functions on numbers.

use crate::code::NodeId;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::elementary;
use crate::library::{absent, functions};

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
    // Zero changes its sign, as in go-jsonnet.
    abs: one |x| if x > 0.0 { x } else { -x };
    sign: one |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 };
    // The sign of a zero can be seen.
    max: two |a, b| if a > b { a } else { b };
    min: two |a, b| if a < b { a } else { b };
    pow: two elementary::power;
    exp: one elementary::exp;
    log: one elementary::log;
    log2: one elementary::log2;
    log10: one elementary::log10;
    exponent: one |x| f64::from(elementary::split(x).1);
    mantissa: one |x| elementary::split(x).0;
    floor: one f64::floor;
    ceil: one f64::ceil;
    round: one f64::round;
    sqrt: one f64::sqrt;
    hypot: two elementary::hypot;
    sin: one elementary::sin;
    cos: one elementary::cos;
    tan: one elementary::tan;
    asin: one elementary::asin;
    acos: one elementary::acos;
    atan: one elementary::atan;
    atan2: two elementary::atan2;
    deg2rad: one |x| x * std::f64::consts::PI / 180.0;
    rad2deg: one |x| x * 180.0 / std::f64::consts::PI;
    is_even: test |x| x.trunc() % 2.0 == 0.0;
    is_odd: test |x| x.trunc() % 2.0 != 0.0;
    is_integer: test |x| x.fract() == 0.0;
    is_decimal: test |x| x.fract() != 0.0;
}

fn clamp(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (x, low) = (m.force(a[0])?, m.force(a[1])?);
    if m.compare(x, low, node)?.is_lt() {
        return Ok(low);
    }
    let high = m.force(a[2])?;
    if m.compare(x, high, node)?.is_gt() { Ok(high) } else { Ok(x) }
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
    let on_empty = if absent(a[2]) { Value::Absent } else { m.force(a[2])? };
    let len = m.array_len(array);
    if len == 0 {
        if absent(on_empty) {
            return m.fail(node, "expected at least one element in the array; got none");
        }
        return Ok(on_empty);
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
