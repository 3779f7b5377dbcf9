//! What a body is, as its header `Content-Type` says (RFC 9110, section 8.3).

use axum::http::{HeaderMap, header};

/// Whether a body is JSON, by itself or as the syntax of something else (`application/json-patch+json`).
pub fn is_json(headers: &HeaderMap) -> bool {
    let media_type = declared(headers);
    media_type.eq_ignore_ascii_case("application/json")
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// Whether a body is a form, as browsers send it.
pub fn is_form(headers: &HeaderMap) -> bool {
    declared(headers).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The media type without its parameters, empty when none is declared.
fn declared(headers: &HeaderMap) -> &str {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn parameters_and_the_case_of_letters_are_nothing_to_it() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/json-patch+json"] {
            assert!(is_json(&of(json)) && !is_form(&of(json)), "{json}");
        }
        let form = "Application/x-www-form-urlencoded ;charset=utf-8";
        assert!(is_form(&of(form)) && !is_json(&of(form)));
        for other in ["", "text/plain", "text/json", "x+json", "application/jsonp"] {
            assert!(!is_json(&of(other)) && !is_form(&of(other)), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
