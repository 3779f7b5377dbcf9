//! Codes of six digits that are sent to an address and typed into a form.
//!
//! Only a keyed hash of a code is stored, so a stolen database opens no account. A code is good in one
//! flow, once, and for a few attempts.

use std::time::Duration;

use sessera_model::{Random, Secret, Timestamp, TokenHash, Uuid};
use sessera_store::{Change, Code, CodePurpose, Message};

use crate::courier::{CodeMail, Language};
use crate::flows::keys::{Keys, Purpose};

/// How many wrong codes a flow takes before it must be begun anew.
pub const MAX_ATTEMPTS: u32 = 5;

/// How long a code is good.
pub const LIFESPAN: Duration = Duration::from_mins(15);

/// What a code is for and to whom it goes.
#[derive(Clone, Debug)]
pub struct CodeRequest<'a> {
    /// The flow in which it is good.
    pub flow_id: Uuid,
    /// What it is for.
    pub purpose: CodePurpose,
    /// Whose it is.
    pub identity_id: Uuid,
    /// The address it goes to.
    pub address: &'a str,
    /// Where it can be typed; a link in the message leads there.
    pub link: &'a str,
    /// In which language the message is written.
    pub language: Language,
}

/// The changes that make a code and write the message with it.
pub fn send(keys: &Keys, random: &dyn Random, now: Timestamp, request: &CodeRequest<'_>) -> [Change; 2] {
    let code = Secret::new(random.six_digits());
    let stored = Code {
        id: random.uuid(),
        flow_id: request.flow_id,
        purpose: request.purpose,
        identity_id: request.identity_id,
        address: request.address.to_owned(),
        hash: hash(keys, request.purpose, request.flow_id, code.expose()),
        attempts: 0,
        expires_at: now + LIFESPAN,
    };
    let mail = CodeMail {
        // Opening the link of a verification fills the code in. A recovery code is only ever typed, by
        // the person who asked for it: it opens the account.
        url: match request.purpose {
            CodePurpose::Verification => format!("{}&code={}", request.link, code.expose()),
            CodePurpose::Recovery => request.link.to_owned(),
        },
        code,
        expires_at: stored.expires_at,
        language: request.language,
    };
    let message = Message {
        id: random.uuid(),
        recipient: request.address.to_owned(),
        template: format!("{}_code", request.purpose.as_str()),
        content: mail.to_content(),
        attempts: 0,
        created_at: now,
        due_at: now,
    };
    [Change::InsertCode(stored), Change::EnqueueMessage(message)]
}

/// Whether a typed code is the one that was sent and is still good.
pub fn is_good(keys: &Keys, code: &Code, typed: &str, now: Timestamp) -> bool {
    let hash = code.hash.as_bytes();
    now < code.expires_at
        && keys.verify(Purpose::Code, &parts(code.purpose, code.flow_id.as_bytes(), typed.trim()), hash)
}

fn hash(keys: &Keys, purpose: CodePurpose, flow_id: Uuid, code: &str) -> TokenHash {
    let hash = keys.make(Purpose::Code, &parts(purpose, flow_id.as_bytes(), code));
    // Both are 32 bytes, so the stand-in is never taken.
    TokenHash::from_bytes(&hash).unwrap_or_else(|| TokenHash::of(code))
}

fn parts<'a>(purpose: CodePurpose, flow_id: &'a [u8], code: &'a str) -> [&'a [u8]; 3] {
    [purpose.as_str().as_bytes(), flow_id, code.as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SeededRandom;

    #[test]
    fn a_code_is_good_in_its_flow_until_it_ends() {
        let keys = Keys::new(&["secret".into()]);
        let now = Timestamp::from_seconds(1000);
        let request = CodeRequest {
            flow_id: Uuid::from_u128(1),
            purpose: CodePurpose::Recovery,
            identity_id: Uuid::from_u128(2),
            address: "ada@example.org",
            link: "https://id.example.org/ui/recovery?flow=1",
            language: Language::De,
        };
        let [Change::InsertCode(code), Change::EnqueueMessage(message)] =
            send(&keys, &SeededRandom::new(1), now, &request)
        else {
            panic!("not a code and a message")
        };
        let mail = CodeMail::parse(message.content.expose()).expect("is a mail");
        let typed = mail.code.expose();
        assert_eq!((mail.url.as_str(), mail.language), (request.link, Language::De));
        assert!(is_good(&keys, &code, typed, now));
        assert!(is_good(&keys, &code, &format!(" {typed} "), now), "pasted with blanks");
        assert!(!is_good(&keys, &code, "", now));
        assert!(!is_good(&keys, &code, typed, now + LIFESPAN));
        let elsewhere = Code { flow_id: Uuid::from_u128(9), ..code.clone() };
        assert!(!is_good(&keys, &elsewhere, typed, now));
        let otherwise = Code { purpose: CodePurpose::Verification, ..code };
        assert!(!is_good(&keys, &otherwise, typed, now));
    }
}
