//! The address of a key, which is a `pkcs11:` URI (RFC 7512).

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::error::Pkcs11Error;

/// Which token is meant. A member that is absent fits any token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenUri {
    /// The shared library through which it is used.
    pub module: PathBuf,
    /// The file with the user's PIN. Without one no PIN is given.
    pub pin_source: Option<PathBuf>,
    /// Its label.
    pub label: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its manufacturer.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
}

/// Which key is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyUri {
    /// The token that it is on.
    pub token: TokenUri,
    /// Its label (`CKA_LABEL`).
    pub label: Option<String>,
    /// Its id (`CKA_ID`).
    pub id: Option<Vec<u8>>,
}

impl KeyUri {
    /// Parses a URI. It must name a module, and a key by its label or id. A PIN is never part of it but is
    /// read from a file.
    pub fn parse(text: &str) -> Result<Self, Pkcs11Error> {
        let wrong = |problem: String| Pkcs11Error::Uri(problem);
        let rest = text.strip_prefix("pkcs11:").ok_or_else(|| wrong("does not begin with pkcs11:".into()))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut key = Self { token: TokenUri::default(), label: None, id: None };
        for (name, value) in attributes(path, ';')? {
            let place = match name {
                "token" => &mut key.token.label,
                "serial" => &mut key.token.serial,
                "manufacturer" => &mut key.token.manufacturer,
                "model" => &mut key.token.model,
                "object" => &mut key.label,
                "id" => {
                    put(name, &mut key.id, percent_decode_str(value).collect())?;
                    continue;
                }
                "type" if value == "private" => continue,
                other => return Err(wrong(format!("has \"{other}\", which is not supported here"))),
            };
            put(name, place, decoded(name, value)?)?;
        }
        let mut module = None;
        for (name, value) in attributes(query, '&')? {
            match name {
                "module-path" => put(name, &mut module, decoded(name, value)?.into())?,
                "pin-source" => {
                    let source = decoded(name, value)?;
                    let path = source.strip_prefix("file:").unwrap_or(&source);
                    let path = path.strip_prefix("//").unwrap_or(path);
                    put(name, &mut key.token.pin_source, path.into())?;
                }
                "pin-value" => {
                    return Err(wrong(
                        "holds a PIN, which configurations do not keep: put it into a file and name that with pin-source"
                            .into(),
                    ));
                }
                other => return Err(wrong(format!("has \"{other}\", which is not supported here"))),
            }
        }
        key.token.module = module.ok_or_else(|| wrong("names no module-path".into()))?;
        if !key.token.module.is_absolute() {
            return Err(wrong("needs an absolute module-path".into()));
        }
        if key.label.is_none() && key.id.is_none() {
            return Err(wrong("names no key: give object, id or both".into()));
        }
        Ok(key)
    }
}

/// Splits a part into names and values, which are not decoded yet.
fn attributes(text: &str, separator: char) -> Result<Vec<(&str, &str)>, Pkcs11Error> {
    let pair = |part| {
        str::split_once(part, '=').ok_or_else(|| Pkcs11Error::Uri(format!("has \"{part}\" without a value")))
    };
    text.split(separator).filter(|part| !part.is_empty()).map(pair).collect()
}

fn decoded(name: &str, value: &str) -> Result<String, Pkcs11Error> {
    let text = percent_decode_str(value).decode_utf8();
    text.map(Into::into).map_err(|_| Pkcs11Error::Uri(format!("has a value of \"{name}\" that is not text")))
}

/// Puts an attribute in its place, and fails when it stands there already (RFC 7512, section 2.3).
fn put<T>(name: &str, place: &mut Option<T>, value: T) -> Result<(), Pkcs11Error> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Pkcs11Error::Uri(format!("has \"{name}\" twice"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named() {
        let key = KeyUri::parse(
            "pkcs11:token=My%20Token;serial=1;manufacturer=M;model=X;object=signer;id=%01%FF;type=private?module-path=/lib/m.so&pin-source=file:/etc/pin",
        )
        .unwrap();
        assert_eq!(key.token.label.as_deref(), Some("My Token"));
        assert_eq!((key.token.serial.as_deref(), key.token.model.as_deref()), (Some("1"), Some("X")));
        assert_eq!(key.token.manufacturer.as_deref(), Some("M"));
        assert_eq!((key.label.as_deref(), key.id.as_deref()), (Some("signer"), Some(&[1, 255][..])));
        assert_eq!(key.token.module, PathBuf::from("/lib/m.so"));
        for source in ["/etc/pin", "file:/etc/pin", "file:///etc/pin", "file:%2Fetc%2Fpin"] {
            let key =
                KeyUri::parse(&format!("pkcs11:object=a?module-path=/m.so&pin-source={source}")).unwrap();
            assert_eq!(key.token.pin_source, Some(PathBuf::from("/etc/pin")), "{source}");
        }
        assert_eq!(KeyUri::parse("pkcs11:id=%01?module-path=/m.so").unwrap().token.pin_source, None);
    }

    #[test]
    fn what_names_no_key_is_refused_with_words() {
        for (uri, word) in [
            ("file:///a", "begin"),
            ("pkcs11:object=a", "module-path"),
            ("pkcs11:object=a?module-path=m.so", "absolute"),
            ("pkcs11:token=a?module-path=/m.so", "names no key"),
            ("pkcs11:object=a;object=b?module-path=/m.so", "twice"),
            ("pkcs11:object=a;id=1;id=2?module-path=/m.so", "twice"),
            ("pkcs11:object=a?module-path=/m.so&module-path=/n.so", "twice"),
            ("pkcs11:object?module-path=/m.so", "without a value"),
            ("pkcs11:object=%FF?module-path=/m.so", "not text"),
            ("pkcs11:object=a;type=cert?module-path=/m.so", "type"),
            ("pkcs11:object=a;slot-id=1?module-path=/m.so", "slot-id"),
            ("pkcs11:object=a?module-name=m", "module-name"),
        ] {
            let error = KeyUri::parse(uri).unwrap_err().to_string();
            assert!(error.contains(word), "{uri}: {error}");
        }
        let error =
            KeyUri::parse("pkcs11:object=a?module-path=/m.so&pin-value=1234").unwrap_err().to_string();
        assert!(error.contains("pin-source") && !error.contains("1234"), "{error}");
    }
}
