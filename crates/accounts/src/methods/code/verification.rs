//! Proving an address with a code, typed or in the link of its message.

use sessera_model::{Identity, TokenHash, Uuid};
use sessera_store::Code as StoredCode;

use super::form::{self, AddressCodeVerdict, ByCode};
use super::messages;
use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, VerificationDetails};
use crate::flows::skeleton::{Flows, Replaced};
use crate::messages::{Message, MessageId, common};
use crate::methods::by_mail::ByMail as _;
use crate::ui::{Group, Node};

impl ByCode for VerificationDetails {
    const WRONG: MessageId = messages::VERIFICATION_WRONG;

    fn sent(via: &str) -> MessageId {
        addresses::code_sent(via)
    }

    fn code_fields() -> [Node; 2] {
        [form::method_field(), form::code_field().node(Group::CODE).label(messages::VERIFICATION_LABEL)]
    }

    /// The person may have given the address up since the code was sent.
    fn is_good_for(owner: &Identity, code: &StoredCode) -> bool {
        owner.verifiable_addresses.iter().any(|known| known.value == code.address)
    }
}

/// Where the link of a message leads.
#[derive(Debug)]
pub enum Opened {
    /// To the page of its flow.
    Page {
        /// The flow.
        flow_id: Uuid,
        /// The cookie that the browser gets by which it is recognised from now on.
        new_cookie: Option<String>,
    },
    /// To the page of another flow, because the time of its own was over.
    Replaced(Box<Replaced<VerificationDetails>>),
}

/// Opens the link of a message, which fills its code into the form. The code is used when the form is
/// submitted, so that programs that look into links use nothing up.
pub async fn open_link(flows: &Flows<'_>, id: Option<&str>, code: &str) -> Result<Opened, FlowError> {
    let visit = &flows.visit;
    visit.count().await?;
    let mut flow: Flow<VerificationDetails> = visit.flow(id).await?;
    if flow.is_expired(visit.now) {
        let message = Message::expired(common::VERIFICATION_EXPIRED, flow.expires_at);
        let replaced = flows.replacement(&flow, |by| by.say(message)).await?;
        return Ok(Opened::Replaced(Box::new(replaced)));
    }
    let mut new_cookie = None;
    if code.is_empty() {
        return Ok(Opened::Page { flow_id: flow.id, new_cookie });
    }
    // Whoever opens the link with the right code has the message; the flow goes on in their browser.
    // Others, such as the one who began it, are not shown the code.
    let stored = visit.accounts.store.code(flow.id, VerificationDetails::PURPOSE).await?;
    if let AddressCodeVerdict::Right(_, counters) = form::try_address_code(visit, &flow, stored, code).await?
    {
        new_cookie = visit.browser().is_none().then(|| visit.new_browser());
        let browser = new_cookie.as_deref().or_else(|| visit.browser()).map(TokenHash::of);
        flow.details.open_in(browser);
        flow.details.linked_code = Some(code.to_owned());
        visit.keep_with(&mut flow, counters.after_right()).await?;
    } else {
        // Guessing by links is guessing.
        form::count_wrong(&mut flow);
        visit.keep_with(&mut flow, Vec::new()).await?;
    }
    Ok(Opened::Page { flow_id: flow.id, new_cookie })
}
