//! Codes that are sent to an address. They lead back into an account, prove an address, sign in and up, or are the second
//! factor.

mod form;
mod login;
pub mod messages;
mod recovery;
mod registration;
mod sent;
#[cfg(test)]
mod sms_tests;
#[cfg(test)]
mod tests;
mod verification;

use std::sync::Arc;

use sessera_config::{Config, Problem};
use sessera_model::AssuranceLevel;

use crate::flows::flow::{RecoveryDetails, VerificationDetails};
use crate::flows::method::{AddressMethod, LoginMethod, Method, RegistrationMethod};

pub use recovery::{GivenCode, GivenWay, give_out};
pub use verification::{Opened, open_link};

/// Codes that are sent to an address.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The factor that a code proves. `None`: a code signs nobody in.
    factor: Option<AssuranceLevel>,
    /// Whether telephone numbers can be typed.
    has_sms: bool,
}

/// Codes are always here: one that was given out by hand stays good when nobody can ask for another one.
/// Whether people can ask is one of the rules, because the flows themselves are off where they cannot.
pub(super) fn compile(config: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let section = &config.selfservice.methods.code;
    let factor = match (section.passwordless_enabled, section.mfa_enabled) {
        (true, _) => Some(AssuranceLevel::Aal1),
        (_, true) => Some(AssuranceLevel::Aal2),
        _ => None,
    };
    let has_sms = config.courier.sms.is_some();
    Some(Arc::new(Code { factor: factor.filter(|_| section.enabled), has_sms }))
}

impl Method for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        self.factor.map(|_| self as &dyn LoginMethod)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        self.factor.filter(|factor| *factor == AssuranceLevel::Aal1).map(|_| self as &dyn RegistrationMethod)
    }

    fn recovery(&self) -> Option<&dyn AddressMethod<RecoveryDetails>> {
        Some(self)
    }

    fn verification(&self) -> Option<&dyn AddressMethod<VerificationDetails>> {
        Some(self)
    }
}
