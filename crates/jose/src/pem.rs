//! PEM (RFC 7468) as tools write it: with certificates, comments, attributes, headers and lines of any length around and
//! in what is a key.

use zeroize::Zeroizing;

use crate::base64url;
use crate::error::KeyError;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// Blocks that stand beside keys in files: certificates, and what OpenSSL repeats in the key itself.
const BESIDE: [&str; 8] = [
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "CERTIFICATE REQUEST",
    "NEW CERTIFICATE REQUEST",
    "X509 CRL",
    "EC PARAMETERS",
    "DH PARAMETERS",
];

/// Whether a text holds a block of PEM.
pub(crate) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The keys of a text in the order in which they stand there, each in DER.
///
/// # Errors
/// When a block is damaged or encrypted, or none is a key.
pub(crate) fn blocks(text: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, KeyError> {
    let mut keys = Vec::new();
    let mut has_others = false;
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let block = &rest[start + BEGIN.len()..];
        let (label, body) =
            block.split_once(DASHES).filter(|(label, _)| !label.contains('\n')).ok_or_else(|| {
                KeyError::NotImportable("a line of the PEM file begins a block without naming it".into())
            })?;
        let end = format!("-----END {label}-----");
        let (body, behind) = body
            .split_once(end.as_str())
            .ok_or_else(|| KeyError::NotImportable(format!("the PEM block \"{label}\" has no line {end}")))?;
        if BESIDE.contains(&label) {
            has_others = true;
        } else {
            keys.push(content(label, body)?);
        }
        rest = behind;
    }
    match keys.is_empty() {
        false => Ok(keys),
        true if has_others => Err(KeyError::NotImportable(
            "the PEM file holds certificates or parameters and no key: take the file with the private key"
                .into(),
        )),
        true => Err(KeyError::NotImportable("the PEM file holds no key".into())),
    }
}

/// The bytes of a block.
fn content(label: &str, body: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Headers (RFC 1421, section 4.6) stand before an empty line; no base64 has a colon.
    let is_header = |line: &&str| line.contains(':');
    if label.contains("ENCRYPTED") || body.lines().filter(is_header).any(|line| line.contains("ENCRYPTED")) {
        return Err(KeyError::NotImportable(
            "the PEM key is encrypted: decrypt it first, for example with \"openssl pkey -in FILE -out DECRYPTED\""
                .into(),
        ));
    }
    let lines = body.lines().filter(|line| !is_header(line) && !line.trim_start().starts_with('#'));
    let base64 = Zeroizing::new(lines.collect::<String>());
    base64url::decode_lenient(&base64).ok_or_else(|| {
        KeyError::NotImportable(format!("the PEM block \"{label}\" cannot be read: it is no base64"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n";

    #[test]
    fn what_stands_around_a_key_is_left_out() {
        let bytes = &blocks(KEY).unwrap()[0];
        for text in [
            format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{KEY}"),
            format!(
                "\u{feff}# a comment\nBag Attributes\n    friendlyName: k\nKey Attributes: <No Attributes>\n{KEY}"
            ),
            format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\r\n{KEY}"),
            KEY.replace('\n', "\r\n"),
            KEY.replace("MC4C", "  MC\n4C"),
            KEY.replace("\nMC4C", "\nComment: made by a tool\n\nMC4C"),
        ] {
            assert_eq!(blocks(&text).unwrap(), std::slice::from_ref(bytes), "{text}");
        }
        assert_eq!(blocks(&KEY.repeat(3)).unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_key_says_why() {
        let problem = |text: &str| blocks(text).unwrap_err().to_string();
        let encrypted = KEY.replace("\nMC", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMC");
        assert!(problem(&encrypted).contains("encrypted"));
        assert!(problem(&KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")).contains("encrypted"));
        assert!(problem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").contains("no key"));
        assert!(problem("-----BEGIN A-----\nAAAA").contains("no line -----END A-----"));
        assert!(problem("-----BEGIN A-----\n!\n-----END A-----").contains("no base64"));
        assert!(problem("-----BEGIN \n").contains("without naming it"));
    }
}
