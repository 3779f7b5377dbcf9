//! An authenticator app as it is kept.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sessera_model::{CredentialKind, Timestamp};
use url::Url;

use super::messages;
use super::secret::TotpSecret;
use crate::codes::as_meant;
use crate::methods::second_factor::{Factor, Verdict};

/// The longest address of an app, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// An authenticator app.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct App {
    /// The address that the app has read, with the shared secret in it.
    totp_url: String,
    /// The last step whose code was used.
    #[serde(default)]
    last_step: Option<i64>,
}

impl App {
    /// A newly set up app. `step` is the one whose code proved it; that code is used.
    pub(super) const fn new(totp_url: String, step: i64) -> Self {
        Self { totp_url, last_step: Some(step) }
    }
}

/// The credential of an app that has read an address elsewhere. The error says why its codes would never be right.
pub(crate) fn imported(totp_url: &str) -> Result<Value, &'static str> {
    let url =
        Url::parse(totp_url).ok().filter(|url| url.scheme() == "otpauth" && url.host_str() == Some("totp"));
    let Some(url) = url.filter(|_| totp_url.len() <= MAX_URL_BYTES) else {
        return Err("totp_url is not of the form otpauth://totp/NAME?secret=BASE32");
    };
    let Some(secret) = TotpSecret::from_url(totp_url) else {
        return Err("totp_url has no secret in base32");
    };
    if !secret.is_long_enough() {
        return Err("the secret of totp_url has fewer than 80 bits and can be guessed");
    }
    for (name, value) in url.query_pairs() {
        let is_known = match &*name {
            "algorithm" => value.eq_ignore_ascii_case("SHA1"),
            "digits" => value == "6",
            "period" => value == "30",
            _ => true,
        };
        if !is_known {
            return Err(
                "codes are of SHA1, six digits and 30 seconds; the app of this totp_url makes others",
            );
        }
    }
    let app = App { totp_url: totp_url.to_owned(), last_step: None };
    // Texts and numbers always have a JSON form.
    Ok(serde_json::to_value(app).unwrap_or_default())
}

impl Factor for App {
    const KIND: CredentialKind = CredentialKind::Totp;

    fn check(&mut self, code: &str, now: Timestamp) -> Verdict {
        let step = TotpSecret::from_url(&self.totp_url)
            .and_then(|secret| secret.step_of(&as_meant(code), now, self.last_step));
        if let Some(step) = step {
            self.last_step = Some(step);
            Verdict::Right
        } else {
            Verdict::Wrong(messages::WRONG)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SeededRandom;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn an_app_s_code_works_once() {
        let secret = TotpSecret::generate(&SeededRandom::new(1));
        let url = secret.to_url("Example", "ada");
        let step = NOW.seconds() / 30;
        let code_of = |wanted: i64| {
            (0..1_000_000)
                .map(|code| format!("{code:06}"))
                .find(|code| secret.step_of(code, NOW, Some(wanted - 1)) == Some(wanted))
        };
        let code = code_of(step).expect("some code is right");
        assert_eq!(App::new(url.clone(), step).check(&code, NOW), Verdict::Wrong(messages::WRONG));
        let mut app = App::new(url, step - 1);
        assert_eq!(app.check(&code, NOW), Verdict::Right);
        assert_eq!(app.check(&code, NOW), Verdict::Wrong(messages::WRONG));
    }

    #[test]
    fn an_app_is_imported_when_its_codes_can_be_right() {
        let good = "otpauth://totp/Example:ada?secret=JBSWY3DPEHPK3PXP&issuer=Example&algorithm=sha1&digits=6&period=30";
        let app: App = serde_json::from_value(imported(good).unwrap()).unwrap();
        assert_eq!((app.totp_url.as_str(), app.last_step), (good, None));
        for bad in [
            "",
            "JBSWY3DPEHPK3PXP",
            "https://totp/x?secret=JBSWY3DPEHPK3PXP",
            "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP",
            "otpauth://totp/x",
            "otpauth://totp/x?secret=1",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PX",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=8",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=60",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=SHA256",
            &format!("{good}&x={}", "x".repeat(MAX_URL_BYTES)),
        ] {
            assert!(imported(bad).is_err(), "{bad}");
        }
    }
}
