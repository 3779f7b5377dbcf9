//! Codes of six digits that are sent to an address and typed into a form, and links that are opened instead.
//!
//! Only a keyed hash of a code is stored, so a stolen database opens no account. A code is good in one
//! flow, once, and for a few attempts. A link holds a code of its own, which is too long to be guessed.
//!
//! Who asks for a code learns nothing about the account: the answer is made before anybody looks whether
//! there is one. A request for a code goes into the outbox ([`ask`]); the courier then looks, makes the
//! code and writes the mail ([`make`]).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sessera_model::identity::VerificationStatus;
use sessera_model::{Identity, IdentityState, Random, Secret, Timestamp, TokenHash, Uuid};
use sessera_store::{Asked, Change, Code, CodePurpose, FlowKind, Message, StoreError};

use crate::accounts::Accounts;
use crate::keys::{Keys, Purpose};
use crate::language::Language;
use crate::limits;
use crate::mail::{CodeMail, EMAIL, MailContext};
use crate::messages::Message as FlowMessage;
use crate::rules::{Rules, Sends};

/// How many codes can be asked for in one flow.
pub const MAX_SENT: u32 = 5;

/// A code or a link that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRequest {
    /// The flow in which it is good.
    pub flow_id: Uuid,
    /// The address it goes to.
    pub address: String,
    /// By which channel it goes.
    #[serde(default = "email")]
    pub via: String,
    /// In which language the message is written.
    pub language: Language,
    /// Whether a code or a link is sent.
    #[serde(default)]
    pub sends: Sends,
    /// What the message is about.
    #[serde(default)]
    pub about: MailContext,
    /// By which request it was asked for, and by whom: whoever made the code is not who wanted it.
    #[serde(default)]
    pub asked: Option<Asked>,
}

/// Requests of versions before this one are all for mails.
fn email() -> String {
    EMAIL.to_owned()
}

/// What a code is good for.
#[derive(Debug)]
pub struct CodeScope {
    /// What the code allows.
    pub purpose: CodePurpose,
    /// The flow in which it is good.
    pub flow_id: Uuid,
    /// Whose it is.
    pub identity_id: Uuid,
    /// The address that whoever has it has proven; empty when it came by another way.
    pub address: String,
}

/// The templates under which requests for codes stand in the outbox.
pub const REQUESTS: [&str; 2] =
    [request_name(CodePurpose::Recovery), request_name(CodePurpose::Verification)];

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

/// What follows from a request: a code and a mail, or nothing, when nobody who may have one has the address, unless the
/// address is to be told so. The
/// store refuses it as [limited](sessera_store::Conflict::Limited) when there were too many.
pub async fn make(
    accounts: &Accounts,
    rules: &Rules,
    now: Timestamp,
    purpose: CodePurpose,
    request: &CodeRequest,
) -> Result<Vec<Change>, StoreError> {
    let found = accounts.store.identity_by_address(&request.via, &request.address).await?;
    let Some(mut identity) = found else {
        return Ok(tell_unknown(rules, accounts.random.as_ref(), now, purpose, request));
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
    let (of, to) = (Some(identity.id), &request.address);
    let counted = limits::sent_code(&rules.keys, rules.limits, purpose.as_str(), of, to, now);
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

/// The changes that tell an address that no account has it, where that is configured. Only mails do: a text to a telephone
/// number costs money.
fn tell_unknown(
    rules: &Rules,
    random: &dyn Random,
    now: Timestamp,
    purpose: CodePurpose,
    request: &CodeRequest,
) -> Vec<Change> {
    if !rules.tells_unknown(flow_of(purpose)) || request.via != EMAIL {
        return Vec::new();
    }
    let mail = CodeMail {
        code: "".into(),
        url: String::new(),
        expires_at: now + rules.sent(request.sends).lifespan,
        language: request.language,
        via: request.via.clone(),
        about: request.about.clone(),
    };
    let counted = limits::sent_code(&rules.keys, rules.limits, purpose.as_str(), None, &request.address, now);
    let template = format!("{}_{}_invalid", purpose.as_str(), request.sends.as_str());
    counted.into_iter().chain([message(random, now, template, request.address.clone(), &mail)]).collect()
}

/// The kind of flow in which a code for something is good.
const fn flow_of(purpose: CodePurpose) -> FlowKind {
    match purpose {
        CodePurpose::Recovery => FlowKind::Recovery,
        CodePurpose::Verification => FlowKind::Verification,
    }
}

fn may_recover(identity: &Identity, address: &str) -> bool {
    identity.state == IdentityState::Active
        && identity.recovery_addresses.iter().any(|known| known.value == address)
}

/// Six digits.
pub fn new_code(random: &dyn Random) -> Secret {
    Secret::new(random.six_digits())
}

/// What is said in a flow in which [`MAX_SENT`] codes were asked for.
pub fn too_many_sent() -> FlowMessage {
    FlowMessage::invalid("Too many messages were sent with this form. Begin again.")
}

/// A new code, or what a link holds: what is kept of it, and the thing itself.
pub fn issue(
    keys: &Keys,
    random: &dyn Random,
    sends: Sends,
    aim: CodeScope,
    expires_at: Timestamp,
) -> (Code, Secret) {
    let CodeScope { purpose, flow_id, identity_id, address } = aim;
    let code = match sends {
        Sends::Code => new_code(random),
        Sends::Link => Secret::new(random.token()),
    };
    let hash = hash(keys, purpose.as_str(), flow_id, code.expose());
    let id = random.uuid();
    (Code { id, flow_id, purpose, identity_id, address, hash, expires_at }, code)
}

/// The address of the link in which a code or a token leads on.
pub fn link(rules: &Rules, purpose: CodePurpose, flow_id: Uuid, member: &str, code: &Secret) -> String {
    format!("{}&{member}={}", rules.action_in_messages(flow_of(purpose), flow_id), code.expose())
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
    let CodeRequest { flow_id, ref address, ref via, language, sends, ref about, .. } = *request;
    let aim = CodeScope { purpose, flow_id, identity_id, address: address.clone() };
    let expires_at = now + rules.sent(sends).lifespan;
    let (stored, code) = issue(&rules.keys, random, sends, aim, expires_at);
    let mail = CodeMail {
        // Opening the link of a verification fills the code in. A recovery code is only ever typed, by
        // the person who asked for it: it opens the account.
        url: match (sends, purpose) {
            (Sends::Link, _) => link(rules, purpose, flow_id, "token", &code),
            (Sends::Code, CodePurpose::Verification) => link(rules, purpose, flow_id, "code", &code),
            (Sends::Code, CodePurpose::Recovery) => rules.whole_page(FlowKind::Recovery, flow_id),
        },
        code,
        expires_at,
        language,
        via: via.clone(),
        about: MailContext { identity_id: Some(identity_id), ..about.clone() },
    };
    let template = format!("{}_{}", purpose.as_str(), sends.as_str());
    [Change::InsertCode(stored), message(random, now, template, address.clone(), &mail)]
}

/// The change that puts a message with a code into the outbox.
pub fn message(
    random: &dyn Random,
    now: Timestamp,
    template: String,
    recipient: String,
    mail: &CodeMail,
) -> Change {
    Change::EnqueueMessage(Message {
        id: random.uuid(),
        recipient,
        template,
        content: mail.to_content(),
        attempts: 0,
        created_at: now,
        due_at: now,
    })
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
    is_right(keys, code.purpose.as_str(), code.flow_id, typed, &code.hash) && now < code.expires_at
}

/// The keyed hash of a code that is good for something in a flow.
pub fn hash(keys: &Keys, purpose: &str, flow_id: Uuid, code: &str) -> TokenHash {
    let hash = keys.make(Purpose::Code, &[purpose.as_bytes(), flow_id.as_bytes(), code.as_bytes()]);
    // Both are 32 bytes, so the stand-in is never taken.
    TokenHash::from_bytes(&hash).unwrap_or_else(|| TokenHash::of(code))
}

/// A code as it was meant. People type six digits in groups, with blanks or hyphens between; what a link holds stays as it
/// is, whose letters may have hyphens among them.
pub fn as_meant(typed: &str) -> Cow<'_, str> {
    let is_between = |char: char| char.is_whitespace() || matches!(char, '-' | '\u{2010}'..='\u{2013}');
    let typed = typed.trim();
    if typed.chars().all(|char| char.is_ascii_digit() || is_between(char)) && typed.contains(is_between) {
        return Cow::Owned(typed.chars().filter(|char| !is_between(*char)).collect());
    }
    Cow::Borrowed(typed)
}

/// Whether a typed code has a hash that was made for something in a flow.
pub fn is_right(keys: &Keys, purpose: &str, flow_id: Uuid, typed: &str, hash: &TokenHash) -> bool {
    let typed = as_meant(typed);
    let parts = [purpose.as_bytes(), flow_id.as_bytes(), typed.as_bytes()];
    keys.verify(Purpose::Code, &parts, hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::rules;
    use sessera_model::SeededRandom;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn request() -> CodeRequest {
        CodeRequest {
            flow_id: Uuid::from_u128(1),
            address: "ada@example.org".into(),
            via: EMAIL.into(),
            language: Language::De,
            sends: Sends::Code,
            about: MailContext::default(),
            asked: Some(Asked { request_id: "r".into(), ..Asked::default() }),
        }
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
        for between in [" ", "-", " - ", "\u{a0}", "\u{2011}"] {
            let (first, last) = typed.split_at(3);
            assert!(is_good(&code, &format!("{first}{between}{last}"), NOW), "in groups, with {between:?}");
        }
        assert!(!is_good(&code, &format!("{typed}-x"), NOW) && !is_good(&code, "- -", NOW));
        assert_eq!(as_meant(" ab-cd 12"), "ab-cd 12", "that is no code of digits");
        assert!(!is_good(&code, "", NOW));
        assert!(!is_good(&code, typed, NOW + rules.code.lifespan));
        let elsewhere = Code { flow_id: Uuid::from_u128(9), ..code.clone() };
        assert!(!is_good(&elsewhere, typed, NOW));
        let otherwise = Code { purpose: CodePurpose::Verification, ..code };
        assert!(!is_good(&otherwise, typed, NOW));
        assert!(!super::is_good(&rules.keys, None, typed, NOW));
    }

    #[test]
    fn a_link_holds_more_than_anybody_guesses() {
        let rules = rules();
        let request = CodeRequest { sends: Sends::Link, ..request() };
        for (purpose, path) in
            [(CodePurpose::Recovery, "recovery"), (CodePurpose::Verification, "verification")]
        {
            let owner = Uuid::from_u128(2);
            let [Change::InsertCode(code), Change::EnqueueMessage(message)] =
                send(&rules, &SeededRandom::new(1), NOW, purpose, owner, &request)
            else {
                panic!("not a code and a message")
            };
            let mail = CodeMail::parse(message.content.expose()).expect("is a mail");
            assert_eq!(message.template, format!("{path}_link"));
            assert_eq!(mail.code.expose().len(), 32);
            let link = format!(
                "http://127.0.0.1:4433/self-service/{path}?flow={}&token={}",
                request.flow_id,
                mail.code.expose()
            );
            assert_eq!(mail.url, link);
            assert!(is_good(&rules.keys, Some(&code), mail.code.expose(), NOW));
        }
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
