//! Links that are sent to an address. Whoever opens one has proven that the address is theirs.

pub mod messages;
mod opened;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use sessera_config::{Config, Problem};

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, RecoveryDetails, VerificationDetails};
use crate::flows::method::{AddressMethod, AddressVerdict, Attempt, Method};
use crate::messages::{Message, MessageId, common};
use crate::methods::by_mail::{self, ByMail};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

pub use opened::{Opened, recover, verify};

/// The method, as submissions name it.
const LINK: &str = "link";

/// Links that are sent to an address.
#[derive(Clone, Copy, Debug)]
pub struct Link;

/// Links are always here, as codes are: the flows say what they send, and whether it can be asked for is one of the rules.
pub(super) fn compile(_: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    Some(Arc::new(Link))
}

impl Method for Link {
    fn name(&self) -> &'static str {
        LINK
    }

    fn recovery(&self) -> Option<&dyn AddressMethod<RecoveryDetails>> {
        Some(self)
    }

    fn verification(&self) -> Option<&dyn AddressMethod<VerificationDetails>> {
        Some(self)
    }
}

/// A kind of flow in which a link proves an address.
trait ByLink: ByMail {
    /// What is said when a link was sent.
    const SENT: MessageId;
    /// Whether the field for the address has an empty value when it was not filled in, and none otherwise.
    const SHOWS_EMPTY: bool;
}

impl ByLink for RecoveryDetails {
    const SENT: MessageId = messages::RECOVERY_SENT;
    const SHOWS_EMPTY: bool = false;
}

impl ByLink for VerificationDetails {
    const SENT: MessageId = common::VERIFICATION_LINK_SENT;
    const SHOWS_EMPTY: bool = true;
}

#[async_trait]
impl<D: ByLink> AddressMethod<D> for Link {
    /// The form stays the same after a link was sent, so that another one can be asked for.
    fn nodes(&self, flow: &Flow<D>, nodes: &mut Nodes) {
        let mut field = Input::new("email", InputKind::Email).required();
        field.value = flow.details.codes().email.as_deref().map(Into::into);
        nodes.push(10, field.node(Group::LINK).label(common::EMAIL_LABEL));
        nodes.push(10, Input::submit("method", LINK).node(Group::LINK).label(common::CONTINUE));
    }

    fn takes(&self, submission: &Submission) -> bool {
        matches!(submission.method(), None | Some(LINK))
    }

    async fn submit(&self, attempt: &mut Attempt<'_, D>) -> Result<AddressVerdict, FlowError> {
        let message = match attempt.submission.text("email") {
            Ok(Some(email)) => return by_mail::send(attempt, email, |_| D::SENT),
            Ok(None) => Message::required("email"),
            Err(message) => message,
        };
        if D::SHOWS_EMPTY {
            attempt.flow.values.insert("email".into(), "".into());
        }
        attempt.flow.say_at("email", message);
        Ok(AddressVerdict::Refused)
    }
}
