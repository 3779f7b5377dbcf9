//! The secret that server and app share, and the codes that both make of it.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qrcodegen::{QrCode, QrCodeEcc};
use sessera_model::{Random, Timestamp, is_same_secret};
use zeroize::Zeroizing;

/// How long a code is shown, in seconds.
const STEP: i64 = 30;

/// The width and height of the picture, in pixels.
pub(super) const QR_SIDE: u32 = 256;

/// The empty margin around a QR code, in modules (ISO 18004 asks for four).
const QR_MARGIN: i32 = 4;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The secret that server and app share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

impl TotpSecret {
    /// A new secret of 160 bits, as RFC 4226 recommends.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; 20]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// From base32 (RFC 4648) with or without padding.
    pub fn from_base32(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
        let (mut bits, mut count) = (0_u32, 0);
        for byte in text.trim_end_matches('=').bytes() {
            let digit = BASE32.iter().position(|known| *known == byte.to_ascii_uppercase())?;
            bits = (bits << 5) | u32::try_from(digit).ok()?;
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
                bits &= (1 << count) - 1;
            }
        }
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// Whether it has the 80 bits that apps make at the least.
    pub fn is_long_enough(&self) -> bool {
        self.0.len() >= 10
    }

    /// As base32 without padding.
    pub fn to_base32(&self) -> String {
        let mut text = String::with_capacity(self.0.len() * 8 / 5 + 1);
        let (mut bits, mut count) = (0_u32, 0);
        for byte in self.0.iter() {
            bits = ((bits & 0x1f) << 8) | u32::from(*byte);
            count += 8;
            while count >= 5 {
                count -= 5;
                text.push(char::from(BASE32[(bits >> count) as usize & 31]));
            }
        }
        if count > 0 {
            text.push(char::from(BASE32[(bits << (5 - count)) as usize & 31]));
        }
        text
    }

    /// The secret in the address that an app reads (`otpauth://totp/...`).
    pub fn from_url(url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        let (_, secret) = url.query_pairs().find(|(name, _)| name == "secret")?;
        Self::from_base32(&secret)
    }

    /// The address that an app reads.
    pub fn to_url(&self, issuer: &str, account: &str) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        format!(
            "otpauth://totp/{issuer}:{account}?algorithm=SHA1&digits=6&issuer={issuer}&period=30&secret={secret}",
            issuer = encode(issuer),
            account = encode(account),
            secret = self.to_base32(),
        )
    }

    /// The step in which `code` is good, if it is one of the current and the one before and after it,
    /// and later than `used`, the last step whose code was used: each code works once.
    pub fn step_of(&self, code: &str, now: Timestamp, used: Option<i64>) -> Option<i64> {
        let current = now.seconds() / STEP;
        let mut found = None;
        // All three are compared, so the time does not tell which one it was.
        for step in [current - 1, current, current + 1] {
            let expected = self.code(step);
            let is_same = is_same_secret(expected.as_bytes(), code.as_bytes());
            if is_same && used.is_none_or(|used| step > used) {
                found = Some(step);
            }
        }
        found
    }

    /// The code of a step (RFC 4226, section 5.3).
    pub fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let hash = tag.as_ref();
        let offset = usize::from(hash.last().copied().unwrap_or_default() & 15);
        let mut word = [0; 4];
        if let Some(bytes) = hash.get(offset..offset + 4) {
            word.copy_from_slice(bytes);
        }
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }
}

/// A text as a QR code, a PNG picture in a `data:` URL. `None` when the text is too long for one.
pub(super) fn qr_code(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let modules = usize::try_from(code.size() + 2 * QR_MARGIN).ok()?;
    let scale = (QR_SIDE as usize / modules).max(1);
    let side = scale * modules;
    let stride = side.div_ceil(8);
    let module_at = |pixel: usize| Some(i32::try_from(pixel / scale).ok()? - QR_MARGIN);
    let mut pixels = vec![0xff_u8; stride * side];
    for (y, row) in pixels.chunks_mut(stride).enumerate() {
        for x in 0..side {
            if let (Some(module_x), Some(module_y)) = (module_at(x), module_at(y))
                && code.get_module(module_x, module_y)
                && let Some(byte) = row.get_mut(x / 8)
            {
                *byte &= !(0x80 >> (x % 8));
            }
        }
    }
    let mut picture = Vec::new();
    let side = u32::try_from(side).ok()?;
    let mut encoder = png::Encoder::new(&mut picture, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(picture)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SeededRandom;

    fn rfc() -> TotpSecret {
        TotpSecret(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of its eight digits.
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(rfc().code(seconds / STEP), code);
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [("f", "MY"), ("fo", "MZXQ"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")] {
            let secret = TotpSecret(Zeroizing::new(bytes.as_bytes().to_vec()));
            assert_eq!(secret.to_base32(), text);
            assert_eq!(TotpSecret::from_base32(&text.to_lowercase()), Some(secret));
        }
        assert_eq!(TotpSecret::from_base32("MY1"), None);
        assert_eq!(TotpSecret::from_base32(""), None);
    }

    #[test]
    fn a_code_works_within_one_step_and_once() {
        let secret = rfc();
        let now = Timestamp::from_seconds(3000);
        for step in [99, 100, 101] {
            assert_eq!(secret.step_of(&secret.code(step), now, None), Some(step));
        }
        assert_eq!(secret.step_of(&secret.code(98), now, None), None);
        assert_eq!(secret.step_of(&secret.code(102), now, None), None);
        assert_eq!(secret.step_of(&secret.code(100), now, Some(100)), None, "used");
        assert_eq!(secret.step_of(&secret.code(99), now, Some(100)), None, "older than a used one");
        assert_eq!(secret.step_of(&secret.code(101), now, Some(100)), Some(101));
        for bad in ["", "28708", "2870822", "abcdef", "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}"] {
            assert_eq!(secret.step_of(bad, now, None), None);
        }
    }

    #[test]
    fn an_app_reads_the_address() {
        let secret = TotpSecret::generate(&SeededRandom::new(1));
        let url = secret.to_url("Example & Co", "ada@example.org");
        assert!(url.starts_with("otpauth://totp/Example%20%26%20Co:ada%40example%2Eorg?"), "{url}");
        assert_eq!(TotpSecret::from_url(&url), Some(secret));
        assert_eq!(TotpSecret::from_url("otpauth://totp/x"), None);
    }

    #[test]
    fn the_picture_is_a_png_of_its_size() {
        let url = rfc().to_url("Example", "ada@example.org");
        let picture = qr_code(&url).expect("fits");
        let bytes = STANDARD.decode(picture.strip_prefix("data:image/png;base64,").expect("is a PNG"));
        let bytes = bytes.expect("is base64");
        let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("is a PNG");
        assert!(reader.info().width <= QR_SIDE && reader.info().width > QR_SIDE / 2);
        assert_eq!(qr_code(&"x".repeat(5000)), None);
    }

    #[test]
    fn debug_never_shows_the_secret() {
        assert_eq!(format!("{:?}", rfc()), "TotpSecret(..)");
    }
}
