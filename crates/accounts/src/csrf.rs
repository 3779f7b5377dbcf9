//! Protection of browsers' forms against requests that another site makes.
//!
//! A browser holds a random cookie that scripts cannot read. A flow begun by it keeps the cookie's
//! hash: another browser can neither read nor finish the flow. The form carries a keyed hash of the
//! cookie and the flow, so a token is good for one flow in one browser.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sessera_config::cookies::{CookieScope, HOST_PREFIX};
use sessera_model::{Random, TokenHash, Uuid};

use crate::keys::{Keys, Purpose};

/// How long a browser keeps the cookie, in seconds: a year.
pub const COOKIE_MAX_AGE: u64 = 365 * 24 * 60 * 60;

/// The name of the cookie. It depends on the public address, so that two deployments on ports of one
/// host do not take each other's. Where the cookie is one of one host, the name says so, and browsers take it
/// from no other host of the domain.
pub fn cookie_name(base_url: &str, scope: &CookieScope) -> String {
    let prefix = if scope.is_of_one_host() { HOST_PREFIX } else { "" };
    format!("{prefix}csrf_token_{}", hex::encode(digest(&SHA256, base_url.as_bytes())))
}

/// A new value for the cookie.
pub fn new_cookie(random: &dyn Random) -> String {
    random.base64url(32)
}

/// The token for the form of a flow. Each one looks different, so that compression of the page cannot
/// be used to guess it.
pub fn form_token(keys: &Keys, random: &dyn Random, cookie: &str, flow: Uuid) -> String {
    let mut bytes = [0; 64];
    let (mask, masked) = bytes.split_at_mut(32);
    random.fill(mask);
    let hash = keys.make(Purpose::Csrf, &[cookie.as_bytes(), flow.as_bytes()]);
    for ((masked, mask), byte) in masked.iter_mut().zip(mask.iter()).zip(hash) {
        *masked = mask ^ byte;
    }
    STANDARD.encode(bytes)
}

/// Whether a token is one for the form of this flow in the browser with this cookie.
pub fn is_form_token(keys: &Keys, cookie: &str, flow: Uuid, token: &str) -> bool {
    // Forms that were sent without escaping carry blanks in place of plus signs.
    let Ok(bytes) = STANDARD.decode(token.replace(' ', "+")) else { return false };
    let Some((mask, masked)) = bytes.split_at_checked(32) else { return false };
    let hash: Vec<u8> = mask.iter().zip(masked).map(|(mask, byte)| mask ^ byte).collect();
    masked.len() == 32 && keys.verify(Purpose::Csrf, &[cookie.as_bytes(), flow.as_bytes()], &hash)
}

/// Whether the browser with this cookie is the one that began a flow.
pub fn is_same_browser(begun_by: Option<&TokenHash>, cookie: Option<&str>) -> bool {
    // Hashes of random values; comparing them tells nothing about the values.
    begun_by.is_some() && begun_by == cookie.map(TokenHash::of).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_config::sections::cookies::SameSite;
    use sessera_model::SeededRandom;

    fn scope(domain: Option<&str>, path: &str, secure: bool) -> CookieScope {
        CookieScope { domain: domain.map(str::to_owned), path: path.into(), same_site: SameSite::Lax, secure }
    }

    #[test]
    fn a_token_is_good_for_one_flow_in_one_browser() {
        let keys = Keys::new(&["secret".into()]);
        let random = SeededRandom::new(3);
        let (flow, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = form_token(&keys, &random, "cookie", flow);
        assert_ne!(token, form_token(&keys, &random, "cookie", flow), "each looks different");
        assert_eq!(token.len(), 88);
        assert!(is_form_token(&keys, "cookie", flow, &token));
        assert!(is_form_token(&keys, "cookie", flow, &token.replace('+', " ")));
        assert!(!is_form_token(&keys, "cookie", other, &token));
        assert!(!is_form_token(&keys, "other", flow, &token));
        for bad in ["", "x", "AAAA", &token[..84], &format!("{token}AAAA")] {
            assert!(!is_form_token(&keys, "cookie", flow, bad), "{bad}");
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
        let name = |base_url: &str| cookie_name(base_url, &scope(None, "/", false));
        assert_ne!(name("http://127.0.0.1:4433/"), name("http://127.0.0.1:4533/"));
        assert!(name("x").starts_with("csrf_token_"));
    }

    #[test]
    fn a_cookie_of_one_host_is_named_so_that_no_other_host_can_set_it() {
        let is_of_host =
            |scope| cookie_name("https://id.example.org/", &scope).starts_with("__Host-csrf_token_");
        assert!(is_of_host(scope(None, "/", true)));
        assert!(!is_of_host(scope(None, "/", false)));
        assert!(!is_of_host(scope(None, "/auth", true)));
        assert!(!is_of_host(scope(Some("example.org"), "/", true)));
    }
}
