//! Answers to requests that cannot be read, as they go over the wire. No handler and no layer sees those requests: hyper
//! refuses them by itself, with a status and nothing else.

use super::{ApiError, Status};

/// Longer than any of hyper's own answers.
const LONGEST: usize = 200;

/// The answer for what hyper is about to write, when that is one of its own. `None` for everything else: answers of
/// routes always have more headers.
pub fn in_place_of(written: &[u8]) -> Option<Vec<u8>> {
    let rest = written.strip_prefix(b"HTTP/1.1 ").filter(|_| written.len() <= LONGEST)?;
    let head = std::str::from_utf8(rest).ok()?.strip_suffix("\r\n\r\n")?;
    let (status, headers) = head.split_once("\r\n")?;
    let is_bare =
        |line: &str| line.starts_with("date: ") || matches!(line, "connection: close" | "content-length: 0");
    if !headers.split("\r\n").all(is_bare) {
        return None;
    }
    let status = Status::from_code(status.get(..3)?.parse().ok()?)?;
    let error = match status {
        Status::MALFORMED => ApiError::bad_request(
            "The head of the request is not HTTP. Look at its first line and its headers.",
        ),
        Status::LONG_ADDRESS => ApiError::long_address(),
        Status::LARGE_HEAD => ApiError::large_head(),
        _ => return None,
    };
    let body = error.to_json().to_string();
    let answer = format!(
        "HTTP/1.1 {} {}\r\nconnection: close\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        status.code(),
        status.phrase(),
        body.len()
    );
    Some(answer.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_routes_stay_as_they_are() {
        let date = "date: Mon, 30 Nov 2026 09:00:00 GMT\r\n";
        let bare = |status: &str| {
            format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n{date}\r\n")
        };
        for status in ["400 Bad Request", "414 URI Too Long", "431 Request Header Fields Too Large"] {
            let answer = String::from_utf8(in_place_of(bare(status).as_bytes()).unwrap()).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(
                head.contains("nosniff") && head.contains(&format!("content-length: {}", body.len())),
                "{head}"
            );
            assert!(body.starts_with("{\"error\""), "{body}");
        }
        for other in [
            bare("404 Not Found"),
            bare("200 OK"),
            bare("400 Bad Request") + "x",
            bare("400 Bad Request").replace("connection: close", "x-request-id: 1"),
            bare("400 Bad Request").replace("content-length: 0", "content-length: 5"),
            "HTTP/1.1 400 Bad Request\r\n\r\n".into(),
            String::new(),
        ] {
            assert_eq!(in_place_of(other.as_bytes()), None, "{other}");
        }
    }
}
