//! `$firescrypt$ln=14,r=8,p=1$salt$hash$separator$key`: the scrypt of Firebase, which encrypts a key of the project under
//! what scrypt makes of the password.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use sessera_model::is_same_secret;

use super::notation::{Notation, encode};
use super::scrypt::Cost;
use crate::password::PasswordError;

/// What scrypt makes is a key of AES-256.
const KEY_BYTES: usize = 32;

/// A hash of Firebase.
#[derive(Clone, PartialEq, Eq)]
pub struct FirescryptHash {
    cost: Cost,
    salt: Vec<u8>,
    output: Vec<u8>,
    separator: Vec<u8>,
    signer_key: Vec<u8>,
}

impl FirescryptHash {
    /// Reads the notation. `ln` is the logarithm, as Firebase tells it.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let notation = Notation("firescrypt");
        let mut parts = text.split('$').skip(2);
        let (Some(parameters), Some(salt), Some(output), Some(separator), Some(signer_key), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(notation.malformed("it has not six parts"));
        };
        let [log_n, block, parallelism] = notation.parameters(parameters, ["ln", "r", "p"])?;
        let hash = Self {
            cost: Cost::new(notation, log_n, block, parallelism)?,
            salt: notation.base64(salt)?,
            output: notation.base64(output)?,
            separator: if separator.is_empty() { Vec::new() } else { notation.base64(separator)? },
            signer_key: notation.base64(signer_key)?,
        };
        if hash.output.len() == hash.signer_key.len() {
            Ok(hash)
        } else {
            Err(notation.malformed("its hash has not the length of its key"))
        }
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        let [salt, output, separator, signer_key] =
            [&self.salt, &self.output, &self.separator, &self.signer_key].map(|part| encode(part));
        format!("$firescrypt${}${salt}${output}${separator}${signer_key}", self.cost)
    }

    pub(in crate::password) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        let mut key = [0; KEY_BYTES];
        let salt = [self.salt.as_slice(), &self.separator].concat();
        self.cost.derive(password, &salt, &mut key)?;
        let failed = |_| PasswordError::Internal("AES failed".into());
        let mut output = self.signer_key.clone();
        // In counter mode, encrypting and decrypting are the same. Firebase begins at zero.
        let start = DecryptionContext::Iv128(FixedLength::from([0; 16]));
        let key = UnboundCipherKey::new(&AES_256, &key).and_then(DecryptingKey::ctr).map_err(failed)?;
        key.decrypt(&mut output, start).map_err(failed)?;
        Ok(is_same_secret(&output, &self.output))
    }

    pub(in crate::password) fn memory_kib(&self) -> u32 {
        self.cost.memory_kib()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    const OUTPUT: &str =
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

    #[test]
    fn agrees_with_python_and_openssl() {
        // hashlib.scrypt(b"user1password", salt + separator, n=2**14, r=8, p=1, dklen=32), under which
        // openssl enc -aes-256-ctr encrypts the key.
        let text = format!("$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==${OUTPUT}$Bw==${KEY}");
        let hash = FirescryptHash::parse(&text).unwrap();
        assert!(hash.matches("user1password").unwrap());
        assert!(!hash.matches("user2password").unwrap());
        assert_eq!(hash.memory_kib(), 16 * 1024);
        assert!(FirescryptHash::parse(&hash.to_text()).unwrap() == hash);
    }

    #[test]
    fn absurd_or_broken_parameters_are_refused() {
        for (parameters, costly) in [
            ("ln=18,r=8,p=1", true),
            ("ln=14,r=9,p=1", true),
            ("ln=14,r=8,p=11", true),
            ("ln=0,r=8,p=1", false),
            ("ln=14,r=8", false),
        ] {
            let error =
                FirescryptHash::parse(&format!("$firescrypt${parameters}$c2FsdA${OUTPUT}$Bw==${KEY}"));
            let error = error.err().unwrap();
            assert_eq!(matches!(error, PasswordError::TooCostly { .. }), costly, "{parameters}: {error}");
        }
        for text in [
            format!("$firescrypt$ln=14,r=8,p=1$c2FsdA${OUTPUT}$Bw=="),
            format!("$firescrypt$ln=14,r=8,p=1$c2FsdA${OUTPUT}$Bw==$a2V5"),
        ] {
            assert!(FirescryptHash::parse(&text).is_err(), "{text}");
        }
    }
}
