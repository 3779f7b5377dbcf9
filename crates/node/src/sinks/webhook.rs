//! Messages by Standard Webhooks 1.0: an id, a time, and signatures over both and the body.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sessera_config::events::key_bytes;
use sessera_model::{Secret, Timestamp};

use super::content::{Content, Message};

/// The message that tells of an entry, signed with each of some secrets. A receiver that gets it again sees by its id that
/// it has it.
pub(super) fn message(secrets: &[Secret], content: &Content, now: Timestamp) -> Message {
    let at = now.seconds().to_string();
    let body = json!({ "type": content.action, "timestamp": content.at, "data": content.data() }).to_string();
    let keys = secrets.iter().filter_map(key_bytes);
    let signatures: Vec<String> = keys.map(|key| sign(&key, &content.id, &at, &body)).collect();
    Message::new("application/json", body)
        .with("webhook-id", content.id.clone().into())
        .with("webhook-timestamp", at.into())
        .with("webhook-signature", signatures.join(" ").into())
}

fn sign(key: &[u8], id: &str, at: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_other_implementations() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
