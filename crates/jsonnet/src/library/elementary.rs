//! Elementary functions, down to the last digit as Go computes them. That is not always the double nearest to
//! the true value, which the C library of each system strives for in its own way.
//!
//! Sine, cosine, tangent and arc tangent follow the Cephes library, the logarithm follows fdlibm, the
//! exponential function sums Taylor's series after a reduction, powers are made by squaring.

#![expect(clippy::excessive_precision, reason = "the coefficients as they were published")]

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, LOG2_E, PI};

/// Evaluates a polynomial. The coefficient of the highest power comes first.
fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// The natural logarithm.
pub(super) fn log(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
    const ODD: [f64; 4] = [
        1.479_819_860_511_658_591e-1,
        1.818_357_216_161_805_012e-1,
        2.857_142_874_366_239_149e-1,
        6.666_666_666_666_735_130e-1,
    ];
    const EVEN: [f64; 3] =
        [1.531_383_769_920_937_332e-1, 2.222_219_843_214_978_396e-1, 3.999_999_999_940_941_908e-1];
    if x.is_nan() || x <= 0.0 || x.is_infinite() {
        return x.ln();
    }
    let (mut fraction, mut exponent) = if x < f64::MIN_POSITIVE {
        // Go's routine takes the bits of a subnormal number for those of a normal one.
        (f64::from_bits(x.to_bits() | (1022 << 52)), -1022)
    } else {
        split(x)
    };
    if fraction < std::f64::consts::FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (fraction - 1.0, f64::from(exponent));
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let rest = s2 * polynomial(s4, &ODD) + s4 * polynomial(s4, &EVEN);
    let half_square = 0.5 * f * f;
    k * LN2_HIGH - ((half_square - (s * (half_square + rest) + k * LN2_LOW)) - f)
}

/// The logarithm to base two.
pub(super) fn log2(x: f64) -> f64 {
    log(x) / log(2.0)
}

/// The logarithm to base ten.
pub(super) fn log10(x: f64) -> f64 {
    log(x) / log(10.0)
}

/// `e` to the power of `x`.
pub(super) fn exp(x: f64) -> f64 {
    const LN2_HIGH: f64 = 0.693_147_180_559_662_956_511_601_805_686_950_683_593_75;
    const LN2_LOW: f64 = 0.282_352_905_630_315_771_225_884_481_750_134_360_255_254_120_68e-12;
    const TAYLOR: [f64; 8] = [
        2.480_158_730_158_730_158_7e-5,
        1.984_126_984_126_984_127_0e-4,
        1.388_888_888_888_888_888_9e-3,
        8.333_333_333_333_333_333_3e-3,
        4.166_666_666_666_666_666_7e-2,
        1.666_666_666_666_666_666_7e-1,
        0.5,
        1.0,
    ];
    if !(-745.133_219_101_941_2..=709.782_712_893_384).contains(&x) {
        return x.exp();
    }
    let exponent = (x * LOG2_E).round_ties_even();
    let rest = (-exponent).mul_add(LN2_LOW, (-exponent).mul_add(LN2_HIGH, x)) * 0.0625;
    let series = TAYLOR.iter().fold(0.0, |sum: f64, coefficient| sum.mul_add(rest, *coefficient));
    // This is e^r - 1, from which e^2r - 1 and so on follow.
    let mut power = rest * series;
    for _ in 0..3 {
        power *= power + 2.0;
    }
    let power = power.mul_add(power + 2.0, 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "checked above to lie within -1075 and 1024")]
    scale(power, exponent as i32)
}

/// The length of the hypotenuse.
pub(super) fn hypot(x: f64, y: f64) -> f64 {
    let (large, small) = (x.abs().max(y.abs()), x.abs().min(y.abs()));
    if large == 0.0 || !large.is_finite() {
        return large;
    }
    let ratio = small / large;
    (ratio * ratio + 1.0).sqrt() * large
}

const SINE: [f64; 6] = [
    1.589_623_015_765_465_680_60e-10,
    -2.505_074_776_285_780_728_66e-8,
    2.755_731_362_138_572_452_13e-6,
    -1.984_126_982_958_953_859_96e-4,
    8.333_333_333_322_118_588_78e-3,
    -1.666_666_666_666_663_072_95e-1,
];
const COSINE: [f64; 6] = [
    -1.135_853_652_138_768_173_00e-11,
    2.087_570_084_197_473_167_78e-9,
    -2.755_731_417_929_673_881_12e-7,
    2.480_158_728_885_170_453_48e-5,
    -1.388_888_888_887_305_641_16e-3,
    4.166_666_666_666_659_292_18e-2,
];

fn sine_near_zero(z: f64) -> f64 {
    let square = z * z;
    z + z * square * polynomial(square, &SINE)
}

fn cosine_near_zero(z: f64) -> f64 {
    let square = z * z;
    1.0 - 0.5 * square + square * square * polynomial(square, &COSINE)
}

pub(super) fn sin(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { x } else { f64::NAN };
    }
    let (octant, z) = reduce(x.abs());
    let value = if matches!(octant % 4, 1 | 2) { cosine_near_zero(z) } else { sine_near_zero(z) };
    if (octant > 3) == (x < 0.0) { value } else { -value }
}

pub(super) fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let (octant, z) = reduce(x.abs());
    let value = if matches!(octant % 4, 1 | 2) { sine_near_zero(z) } else { cosine_near_zero(z) };
    if (octant > 3) == (octant % 4 > 1) { value } else { -value }
}

pub(super) fn tan(x: f64) -> f64 {
    const ABOVE: [f64; 3] =
        [-1.309_369_391_813_837_342_05e4, 1.153_516_648_385_874_161_40e6, -1.795_652_519_764_848_779_88e7];
    const BELOW: [f64; 5] = [
        1.0,
        1.368_129_634_706_929_546_78e4,
        -1.320_892_344_402_109_674_47e6,
        2.500_838_018_233_579_158_39e7,
        -5.386_957_559_294_546_298_81e7,
    ];
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { x } else { f64::NAN };
    }
    let (octant, z) = reduce(x.abs());
    let square = z * z;
    let mut value = z;
    if square > 1e-14 {
        value = z + z * (square * polynomial(square, &ABOVE) / polynomial(square, &BELOW));
    }
    if octant & 2 == 2 {
        value = -1.0 / value;
    }
    if x < 0.0 { -value } else { value }
}

/// Splits an angle into an even number of eighths of a turn (0 to 7) and the rest, between -π/4 and π/4.
fn reduce(x: f64) -> (u8, f64) {
    const HIGH: f64 = 7.853_981_256_484_985_351_56e-1;
    const MIDDLE: f64 = 3.774_894_707_930_798_176_68e-8;
    const LOW: f64 = 2.695_151_429_079_059_526_45e-15;
    const LARGE: f64 = 536_870_912.0;
    if x >= LARGE {
        return reduce_large(x);
    }
    let mut eighths = (x * (4.0 / PI)).trunc();
    if eighths % 2.0 != 0.0 {
        eighths += 1.0;
    }
    let rest = ((x - eighths * HIGH) - eighths * MIDDLE) - eighths * LOW;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a remainder of 8")]
    ((eighths % 8.0) as u8, rest)
}

/// Splits a large angle by multiplying with as many digits of 4/π as matter (Payne and Hanek).
fn reduce_large(x: f64) -> (u8, f64) {
    /// The bits of 4/π, beginning with its whole part.
    #[rustfmt::skip]
    const DIGITS: [u64; 20] = [
        0x0000_0000_0000_0001,
        0x45f3_06dc_9c88_2a53,
        0xf84e_afa3_ea69_bb81,
        0xb6c5_2b32_7887_2083,
        0xfca2_c757_bd77_8ac3,
        0x6e48_dc74_849b_a5c0,
        0x0c92_5dd4_13a3_2439,
        0xfc3b_d639_6253_4e7d,
        0xd104_6bea_5d76_8909,
        0xd338_e04d_68be_fc82,
        0x7323_ac73_06a6_73e9,
        0x3908_bf17_7bf2_5076,
        0x3ff1_2fff_bc0b_301f,
        0xde5e_2316_b414_da3e,
        0xda6c_fd9e_4f96_136e,
        0x9e8c_7ecd_3cbf_d45a,
        0xea4f_758f_d7cb_e2f6,
        0x7a0e_73ef_14a5_25d4,
        0xd7f6_bf62_3f1a_ba10,
        0xac06_608d_f8f6_d757,
    ];
    let bits = x.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    // Digits before the first one used give whole turns.
    let first = usize::try_from((bits >> 52) & 0x7FF).unwrap_or(0) + 61 - 1023 - 52;
    let (word, shift) = (first / 64, first % 64);
    let digits = |at: usize| {
        let pair = (u128::from(DIGITS[at]) << 64) | u128::from(DIGITS[at + 1]);
        (pair << shift) >> 64
    };
    let mantissa = u128::from(mantissa);
    let product = (digits(word) * mantissa)
        .wrapping_shl(64)
        .wrapping_add(digits(word + 1) * mantissa)
        .wrapping_add((digits(word + 2) * mantissa) >> 64);
    // Three bits stand before the point and the fraction behind it, of which 53 bits are kept.
    let (mut eighths, fraction) = (u8::try_from(product >> 125).unwrap_or(0), product << 3);
    let zeros = fraction.leading_zeros();
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let kept = ((fraction.checked_shl(zeros).unwrap_or(0)) >> 75) as f64;
    let mut rest = scale(kept, -53 - i32::try_from(zeros).unwrap_or(0));
    if eighths % 2 == 1 {
        eighths = (eighths + 1) % 8;
        rest -= 1.0;
    }
    (eighths, rest * FRAC_PI_4)
}

pub(super) fn atan(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    if x > 0.0 { positive_atan(x) } else { -positive_atan(-x) }
}

fn positive_atan(x: f64) -> f64 {
    /// The difference between π/2 and the double nearest to it.
    const MORE: f64 = 6.123_233_995_736_765_886_130e-17;
    const TAN_3_PI_8: f64 = 2.414_213_562_373_095_048_80;
    if x <= 0.66 {
        atan_near_zero(x)
    } else if x > TAN_3_PI_8 {
        FRAC_PI_2 - atan_near_zero(1.0 / x) + MORE
    } else {
        FRAC_PI_4 + atan_near_zero((x - 1.0) / (x + 1.0)) + 0.5 * MORE
    }
}

fn atan_near_zero(x: f64) -> f64 {
    const ABOVE: [f64; 5] = [
        -8.750_608_600_031_904_122_785e-1,
        -1.615_753_718_733_365_076_637e1,
        -7.500_855_792_314_704_667_340e1,
        -1.228_866_684_490_136_173_410e2,
        -6.485_021_904_942_025_371_773e1,
    ];
    const BELOW: [f64; 6] = [
        1.0,
        2.485_846_490_142_306_297_962e1,
        1.650_270_098_316_988_542_046e2,
        4.328_810_604_912_902_668_951e2,
        4.853_903_996_359_136_964_868e2,
        1.945_506_571_482_613_964_425e2,
    ];
    let square = x * x;
    x * (square * polynomial(square, &ABOVE) / polynomial(square, &BELOW)) + x
}

pub(super) fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let size = x.abs();
    if size > 1.0 || size.is_nan() {
        return f64::NAN;
    }
    let cosine = (1.0 - size * size).sqrt();
    let angle = if size > 0.7 { FRAC_PI_2 - arc(cosine / size) } else { arc(size / cosine) };
    if x < 0.0 { -angle } else { angle }
}

/// The arc tangent of a number that is not negative.
fn arc(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { positive_atan(x) }
}

pub(super) fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}

pub(super) fn atan2(y: f64, x: f64) -> f64 {
    if x == 0.0 || y == 0.0 || !x.is_finite() || !y.is_finite() {
        return y.atan2(x);
    }
    let angle = atan(y / x);
    if x > 0.0 {
        angle
    } else if angle <= 0.0 {
        angle + PI
    } else {
        angle - PI
    }
}

/// `x` to the power of `y`, by squaring over the binary digits of `y`. Go computes it so, and the last digits
/// of the result follow from the order of the multiplications.
#[expect(clippy::float_cmp, reason = "exactly these values are special")]
pub(super) fn power(x: f64, y: f64) -> f64 {
    let special =
        y == 0.0 || x == 0.0 || x == 1.0 || !x.is_finite() || !y.is_finite() || (x < 0.0 && y.fract() != 0.0);
    if y.abs() == 0.5 && x > 0.0 && x.is_finite() {
        return if y > 0.0 { x.sqrt() } else { 1.0 / x.sqrt() };
    }
    if special || y.abs() >= 9.0e15 {
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
        mantissa = exp(fraction * log(x));
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

/// Splits `x` into a mantissa of at least one half and below one, and a power of two.
pub(super) fn split(x: f64) -> (f64, i32) {
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
