//! Codes of six digits that are sent to an address and typed into a form.
//!
//! Only a keyed hash of a code is stored, so a stolen database opens no account. A code is good in one
//! flow, once, and for a few attempts.
//!
//! Who asks for a code learns nothing about the account: the answer is made before anybody looks whether
//! there is one. A request for a code goes into the outbox ([`ask`]); the courier then looks, makes the
//! code and writes the mail ([`make`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessera_model::identity::VerificationStatus;
use sessera_model::{Identity, IdentityState, Random, Secret, Timestamp, TokenHash, Uuid};
use sessera_store::{Change, Code, CodePurpose, FlowKind, Message, StoreError};

use crate::accounts::Accounts;
use crate::keys::{Keys, Purpose};
use crate::language::Language;
use crate::limits;
use crate::mail::CodeMail;
use crate::rules::Rules;

/// How many wrong codes a flow takes before it must be begun anew.
pub const MAX_ATTEMPTS: u32 = 5;

/// How many codes can be asked for in one flow.
pub const MAX_SENT: u32 = 5;

/// How long a code is good.
pub const LIFESPAN: Duration = Duration::from_mins(15);

/// A code that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRequest {
    /// The flow in which it is good.
    pub flow_id: Uuid,
    /// The address it goes to.
    pub address: String,
    /// In which language the message is written.
    pub language: Language,
}

/// Which template a request for a code stands under in the outbox.
const fn request_name(purpose: CodePurpose) -> &'static str {
    match purpose {
        CodePurpose::Recovery => "recovery_request",
        CodePurpose::Verification => "verification_request",
    }
}

/// The change that asks for a code, the same whether anybody has the address or not.
pub fn ask(random: &dyn Random, now: Timestamp, purpose: CodePurpose, request: &CodeRequest) -> Change {
    Change::EnqueueMessage(Message {
        id: random.uuid(),
        recipient: request.address.clone(),
        template: request_name(purpose).to_owned(),
        // Texts and ids always have a JSON form.
        content: Secret::new(serde_json::to_string(request).unwrap_or_default()),
        attempts: 0,
        created_at: now,
        due_at: now,
    })
}

/// The request in a message of the outbox, if it is one.
pub fn request_in(message: &Message) -> Option<(CodePurpose, CodeRequest)> {
    let purpose = [CodePurpose::Recovery, CodePurpose::Verification]
        .into_iter()
        .find(|purpose| request_name(*purpose) == message.template)?;
    Some((purpose, serde_json::from_str(message.content.expose()).ok()?))
}

/// What follows from a request: a code and a mail, or nothing, when nobody who may have one has the address. The
/// store refuses it as [limited](sessera_store::Conflict::Limited) when there were too many.
pub async fn make(
    accounts: &Accounts,
    rules: &Rules,
    now: Timestamp,
    purpose: CodePurpose,
    request: &CodeRequest,
) -> Result<Vec<Change>, StoreError> {
    let Some(mut identity) = accounts.store.identity_by_address("email", &request.address).await? else {
        return Ok(Vec::new());
    };
    let is_theirs = match purpose {
        CodePurpose::Recovery => may_recover(&identity, &request.address),
        CodePurpose::Verification => {
            identity.verifiable_addresses.iter().any(|known| known.value == request.address)
        }
    };
    if !is_theirs {
        return Ok(Vec::new());
    }
    let counted = limits::sent_code(&rules.keys, rules.limits, purpose, identity.id, &request.address, now);
    let mut changes: Vec<Change> = counted.into_iter().collect();
    changes.extend(send(rules, accounts.random.as_ref(), now, purpose, identity.id, request));
    let mut pending = identity.verifiable_addresses.iter_mut().filter(|known| {
        purpose == CodePurpose::Verification
            && known.value == request.address
            && known.status == VerificationStatus::Pending
    });
    if let Some(address) = pending.next() {
        address.status = VerificationStatus::Sent;
        address.updated_at = now;
        changes.push(Change::UpdateIdentity(identity));
    }
    Ok(changes)
}

fn may_recover(identity: &Identity, address: &str) -> bool {
    identity.state == IdentityState::Active
        && identity.recovery_addresses.iter().any(|known| known.value == address)
}

/// A new code that is good in one flow: what is kept of it, and the code. Whoever types it has proven
/// `address`.
pub fn issue(
    keys: &Keys,
    random: &dyn Random,
    purpose: CodePurpose,
    flow_id: Uuid,
    identity_id: Uuid,
    address: String,
    expires_at: Timestamp,
) -> (Code, Secret) {
    let code = Secret::new(random.six_digits());
    let hash = hash(keys, purpose, flow_id, code.expose());
    let id = random.uuid();
    (Code { id, flow_id, purpose, identity_id, address, hash, expires_at }, code)
}

/// The changes that make a code and write the mail with it.
pub fn send(
    rules: &Rules,
    random: &dyn Random,
    now: Timestamp,
    purpose: CodePurpose,
    identity_id: Uuid,
    request: &CodeRequest,
) -> [Change; 2] {
    let (flow_id, address) = (request.flow_id, request.address.clone());
    let (stored, code) = issue(&rules.keys, random, purpose, flow_id, identity_id, address, now + LIFESPAN);
    let mail = CodeMail {
        // Opening the link of a verification fills the code in. A recovery code is only ever typed, by
        // the person who asked for it: it opens the account.
        url: match purpose {
            CodePurpose::Verification => {
                format!("{}&code={}", rules.action(FlowKind::Verification, request.flow_id), code.expose())
            }
            CodePurpose::Recovery => rules.whole_page(FlowKind::Recovery, request.flow_id),
        },
        code,
        expires_at: stored.expires_at,
        language: request.language,
    };
    let message = Message {
        id: random.uuid(),
        recipient: request.address.clone(),
        template: format!("{}_code", purpose.as_str()),
        content: mail.to_content(),
        attempts: 0,
        created_at: now,
        due_at: now,
    };
    [Change::InsertCode(stored), Change::EnqueueMessage(message)]
}

/// Whether a typed code is the one that was sent and is still good. Without one, the work is the same.
pub fn is_good(keys: &Keys, code: Option<&Code>, typed: &str, now: Timestamp) -> bool {
    let nobody = Code {
        id: Uuid::nil(),
        flow_id: Uuid::nil(),
        purpose: CodePurpose::Recovery,
        identity_id: Uuid::nil(),
        address: String::new(),
        hash: TokenHash::of(""),
        expires_at: now,
    };
    let code = code.unwrap_or(&nobody);
    let parts = parts(code.purpose, code.flow_id.as_bytes(), typed.trim());
    let is_right = keys.verify(Purpose::Code, &parts, code.hash.as_bytes());
    is_right && now < code.expires_at
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
    use crate::rules::tests::rules;
    use sessera_model::SeededRandom;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn request() -> CodeRequest {
        CodeRequest { flow_id: Uuid::from_u128(1), address: "ada@example.org".into(), language: Language::De }
    }

    #[test]
    fn a_code_is_good_in_its_flow_until_it_ends() {
        let rules = rules();
        let (purpose, owner) = (CodePurpose::Recovery, Uuid::from_u128(2));
        let [Change::InsertCode(code), Change::EnqueueMessage(message)] =
            send(&rules, &SeededRandom::new(1), NOW, purpose, owner, &request())
        else {
            panic!("not a code and a message")
        };
        let mail = CodeMail::parse(message.content.expose()).expect("is a mail");
        let typed = mail.code.expose();
        assert_eq!(mail.language, Language::De);
        assert!(!mail.url.contains("code="), "a recovery code is only ever typed");
        let is_good = |code: &Code, typed: &str, now| is_good(&rules.keys, Some(code), typed, now);
        assert!(is_good(&code, typed, NOW));
        assert!(is_good(&code, &format!(" {typed} "), NOW), "pasted with blanks");
        assert!(!is_good(&code, "", NOW));
        assert!(!is_good(&code, typed, NOW + LIFESPAN));
        let elsewhere = Code { flow_id: Uuid::from_u128(9), ..code.clone() };
        assert!(!is_good(&elsewhere, typed, NOW));
        let otherwise = Code { purpose: CodePurpose::Verification, ..code };
        assert!(!is_good(&otherwise, typed, NOW));
        assert!(!super::is_good(&rules.keys, None, typed, NOW));
    }

    #[test]
    fn a_request_reads_back() {
        for purpose in [CodePurpose::Recovery, CodePurpose::Verification] {
            let asked = ask(&SeededRandom::new(1), NOW, purpose, &request());
            let Change::EnqueueMessage(message) = asked else { panic!("not a message") };
            assert_eq!(request_in(&message), Some((purpose, request())));
            assert_eq!(request_in(&Message { template: "recovery_code".into(), ..message }), None);
        }
    }
}
