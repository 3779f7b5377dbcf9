//! The little of DER (X.690) that key files need. It is only read, and every length is checked.

use crate::error::KeyError;

/// Tags.
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
/// `[1] EXPLICIT`, where an EC private key has its public half.
pub(crate) const CONTEXT_1: u8 = 0xA1;

/// Object identifiers, encoded.
pub(crate) const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
pub(crate) const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
pub(crate) const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
pub(crate) const P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
pub(crate) const P521: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x23];

/// What is left to read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

pub(crate) fn malformed() -> KeyError {
    KeyError::NotImportable("the DER data is damaged or not a key".into())
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The tag of the next element.
    pub(crate) fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element: its tag and its content.
    fn next(&mut self) -> Result<(u8, &'a [u8]), KeyError> {
        let [tag, first, rest @ ..] = self.0 else { return Err(malformed()) };
        let (length, rest) = match first {
            0..=0x7F => (usize::from(*first), rest),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7F);
                let bytes = rest.get(..count).ok_or_else(malformed)?;
                let length = bytes.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
                (length, &rest[count..])
            }
            _ => return Err(malformed()),
        };
        let content = rest.get(..length).ok_or_else(malformed)?;
        self.0 = &rest[length..];
        Ok((*tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Result<&'a [u8], KeyError> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(malformed()),
        }
    }

    /// A reader of the next element, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, KeyError> {
        self.take(tag).map(Self)
    }

    /// Skips the next element.
    pub(crate) fn skip(&mut self) -> Result<(), KeyError> {
        self.next().map(|_| ())
    }

    /// A positive number without leading zeros.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], KeyError> {
        let bytes = self.take(INTEGER)?;
        if bytes.first().is_none_or(|first| *first >= 0x80) {
            return Err(malformed());
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(&bytes[zeros..])
    }

    /// The bytes of a bit string of whole bytes.
    pub(crate) fn bits(&mut self) -> Result<&'a [u8], KeyError> {
        match self.take(BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_checked() {
        let mut reader = Reader::new(&[0x30, 0x03, 0x02, 0x01, 0x05]);
        assert_eq!(reader.enter(SEQUENCE).unwrap().unsigned().unwrap(), [5]);
        assert_eq!(reader.peek(), None);
        for bytes in [&[0x30][..], &[0x30, 0x02, 0x00], &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], &[0x30, 0x80]]
        {
            assert!(Reader::new(bytes).skip().is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            while reader.skip().is_ok() && reader.peek().is_some() {}
        }
    }
}
