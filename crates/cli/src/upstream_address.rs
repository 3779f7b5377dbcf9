//! The address of an upstream as an option names it.

use url::Url;

/// Takes what can be the address of an API, so that whoever mistypes it hears which option is meant.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let is_bare = |url: &Url| {
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        is_anonymous && url.query().is_none() && url.fragment().is_none()
    };
    let is_good = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && is_bare(&url));
    if is_good {
        return Ok(text.to_owned());
    }
    Err("it must be the address of an API, such as https://kratos.example.org: http or https, and without user, query and fragment".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_the_web_and_bare() {
        for good in ["http://127.0.0.1:4433", "https://k.example/kratos/"] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for bad in
            ["", "127.0.0.1:4433", "localhost:4433", "ftp://k", "http://u:p@k", "http://k/?a", "http://k#a"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
