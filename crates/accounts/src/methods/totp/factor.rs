//! An authenticator app as it is kept.

use serde::{Deserialize, Serialize};
use sessera_model::{CredentialKind, Timestamp};

use super::messages;
use super::secret::TotpSecret;
use crate::methods::second_factor::{Factor, Verdict};

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

impl Factor for App {
    const KIND: CredentialKind = CredentialKind::Totp;

    fn check(&mut self, code: &str, now: Timestamp) -> Verdict {
        let step = TotpSecret::from_url(&self.totp_url)
            .and_then(|secret| secret.step_of(code.trim(), now, self.last_step));
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
}
