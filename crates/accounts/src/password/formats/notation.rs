//! What the notations share: base64 with or without padding, and lists of parameters.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::password::PasswordError;

/// The standard alphabet; padding is read when there and never written.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_encode_padding(false),
);

/// The reader of one notation; it makes errors that name it.
#[derive(Clone, Copy)]
pub(super) struct Notation(pub(super) &'static str);

impl Notation {
    /// An error about the form.
    pub(super) const fn malformed(self, problem: &'static str) -> PasswordError {
        PasswordError::Malformed { notation: self.0, problem }
    }

    /// Decodes base64, refusing an empty result.
    pub(super) fn base64(self, text: &str) -> Result<Vec<u8>, PasswordError> {
        match BASE64.decode(text) {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            Ok(_) => Err(self.malformed("a part is empty")),
            Err(_) => Err(self.malformed("a part is not base64")),
        }
    }

    /// Reads `name=value,name=value` with exactly these names, in any order.
    pub(super) fn parameters<const N: usize>(
        self,
        text: &str,
        names: [&'static str; N],
    ) -> Result<[u32; N], PasswordError> {
        let mut values = [None; N];
        for pair in text.split(',') {
            let (name, value) = pair.split_once('=').ok_or(self.malformed("a parameter has no value"))?;
            let slot = names
                .iter()
                .position(|known| *known == name)
                .and_then(|index| values.get_mut(index))
                .ok_or(self.malformed("it has a parameter that is not known"))?;
            let value: u32 = value.parse().map_err(|_| self.malformed("a parameter is not a number"))?;
            if slot.replace(value).is_some() {
                return Err(self.malformed("a parameter comes twice"));
            }
        }
        let mut all = [0; N];
        for (value, slot) in values.into_iter().zip(&mut all) {
            *slot = value.ok_or(self.malformed("a parameter is missing"))?;
        }
        Ok(all)
    }

    /// Checks that a parameter lies between 1 and `max`.
    pub(super) fn bounded(self, parameter: &'static str, actual: u32, max: u32) -> Result<(), PasswordError> {
        if actual == 0 {
            return Err(self.malformed("a parameter is zero"));
        }
        if actual > max {
            return Err(PasswordError::TooCostly {
                notation: self.0,
                parameter,
                actual: actual.into(),
                max: max.into(),
            });
        }
        Ok(())
    }
}

/// Base64 without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}
