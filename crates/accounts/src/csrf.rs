//! Protection of browsers' forms against requests that another site makes.
//!
//! A browser holds a random cookie that scripts cannot read. A flow begun by it keeps the cookie's
//! hash: another browser can neither read nor finish the flow. The form carries a keyed hash of the
//! cookie, so a token is good in one browser. As the contract has it, that of one form is good for another one, too.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sessera_config::cookies::CookieScope;
use sessera_config::sections::cookies::SameSite;
use sessera_model::{Random, TokenHash};

use crate::keys::{Keys, Purpose};

/// How long a browser keeps the cookie, in seconds: a year.
pub const COOKIE_MAX_AGE: u64 = 365 * 24 * 60 * 60;

/// The name of the cookie, apart from what its scope adds to it. It depends on the public address, so that two
/// deployments on ports of one host do not take each other's.
pub fn cookie_name(base_url: &str) -> String {
    format!("csrf_token_{}", hex::encode(digest(&SHA256, base_url.as_bytes())))
}

/// The name of the cookie by which a browser is recognised that comes back from another site, apart from what its scope
/// adds to it.
pub const TRAVEL_COOKIE: &str = "ory_kratos_continuity";

/// How that cookie is made: it goes along when another site sends the browser here, which a strict one does not.
pub fn travel_cookie(scope: &CookieScope) -> CookieScope {
    let same_site = match scope.same_site {
        SameSite::Strict => SameSite::Lax,
        other => other,
    };
    CookieScope { same_site, ..scope.clone() }
}

/// How long a browser keeps it, in seconds: as long as somebody may take to sign in elsewhere.
pub const TRAVEL_COOKIE_MAX_AGE: u64 = 30 * 60;

/// A new value for the cookie.
pub fn new_cookie(random: &dyn Random) -> String {
    random.base64url(32)
}

/// The token for forms in the browser with this cookie. Each one looks different, so that compression of the page
/// cannot be used to guess it.
pub fn form_token(keys: &Keys, random: &dyn Random, cookie: &str) -> String {
    let mut bytes = [0; 64];
    let (mask, masked) = bytes.split_at_mut(32);
    random.fill(mask);
    let hash = keys.make(Purpose::Csrf, &[cookie.as_bytes()]);
    for ((masked, mask), byte) in masked.iter_mut().zip(mask.iter()).zip(hash) {
        *masked = mask ^ byte;
    }
    STANDARD.encode(bytes)
}

/// Whether a token is one for forms in the browser with this cookie.
pub fn is_form_token(keys: &Keys, cookie: &str, token: &str) -> bool {
    // Forms that were sent without escaping carry blanks in place of plus signs.
    let Ok(bytes) = STANDARD.decode(token.replace(' ', "+")) else { return false };
    let Some((mask, masked)) = bytes.split_at_checked(32) else { return false };
    let hash: Vec<u8> = mask.iter().zip(masked).map(|(mask, byte)| mask ^ byte).collect();
    masked.len() == 32 && keys.verify(Purpose::Csrf, &[cookie.as_bytes()], &hash)
}

/// Whether the browser with this cookie is the one that began a flow.
pub fn is_same_browser(begun_by: Option<&TokenHash>, cookie: Option<&str>) -> bool {
    // Hashes of random values; comparing them tells nothing about the values.
    begun_by.is_some() && begun_by == cookie.map(TokenHash::of).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SeededRandom;

    #[test]
    fn a_token_is_good_in_one_browser() {
        let keys = Keys::new(&["secret".into()]);
        let random = SeededRandom::new(3);
        let token = form_token(&keys, &random, "cookie");
        assert_ne!(token, form_token(&keys, &random, "cookie"), "each looks different");
        assert_eq!(token.len(), 88);
        assert!(is_form_token(&keys, "cookie", &token));
        assert!(is_form_token(&keys, "cookie", &token.replace('+', " ")));
        assert!(!is_form_token(&keys, "other", &token));
        for bad in ["", "x", "AAAA", &token[..84], &format!("{token}AAAA")] {
            assert!(!is_form_token(&keys, "cookie", bad), "{bad}");
        }
    }

    #[test]
    fn another_browser_is_told_apart() {
        let begun_by = TokenHash::of("cookie");
        assert!(is_same_browser(Some(&begun_by), Some("cookie")));
        assert!(!is_same_browser(Some(&begun_by), Some("other")));
        assert!(!is_same_browser(Some(&begun_by), None));
        assert!(!is_same_browser(None, None), "a flow without a browser belongs to none");
    }

    #[test]
    fn deployments_have_cookies_of_their_own() {
        assert_ne!(cookie_name("http://127.0.0.1:4433/"), cookie_name("http://127.0.0.1:4533/"));
        assert!(cookie_name("x").starts_with("csrf_token_"));
    }
}
