//! Any body is read as a form or refused, whatever it is declared to be, and says no more than was sent.

#![no_main]

use sessera_accounts::submission::{Submission, ValueKind, flatten};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    media_type: u8,
    body: &'a [u8],
}

/// What a field stands for, so that every kind comes up.
fn kind_of(name: &str) -> ValueKind {
    match name.len() % 5 {
        0 => ValueKind::List,
        1 => ValueKind::Number,
        2 => ValueKind::Integer,
        3 => ValueKind::Boolean,
        _ => ValueKind::Text,
    }
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let media_types = [
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("application/x-www-form-urlencoded; charset=utf-8"),
        Some("multipart/form-data"),
        None,
    ];
    let media_type = media_types[usize::from(input.media_type) % media_types.len()];
    let Ok(submission) = Submission::decode(media_type, input.body, kind_of) else { return };
    for name in ["method", "csrf_token", "identifier", "password", "code", "traits"] {
        let _ = (submission.text(name), submission.flag(name));
    }
    let _ = (submission.method(), submission.csrf_token());
    let values = flatten("traits", &submission.traits());
    assert!(values.len() <= input.body.len() + 1, "{} values", values.len());
});
