//! Codes by e-mail, which lead back into an account and prove an address.

mod form;
pub mod messages;
mod recovery;
mod verification;

use std::sync::Arc;

use sessera_config::{Config, Problem};

use crate::flows::flow::{RecoveryDetails, VerificationDetails};
use crate::flows::method::{AddressMethod, Method};

pub use recovery::{GivenCode, give_out};
pub use verification::{Opened, open_link};

/// Codes by e-mail.
#[derive(Clone, Copy, Debug)]
pub struct Code;

/// Codes are always here: one that was given out by hand stays good when nobody can ask for another one.
/// Whether people can ask is one of the rules, because the flows themselves are off where they cannot.
pub(super) fn compile(_: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    Some(Arc::new(Code))
}

impl Method for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn recovery(&self) -> Option<&dyn AddressMethod<RecoveryDetails>> {
        Some(self)
    }

    fn verification(&self) -> Option<&dyn AddressMethod<VerificationDetails>> {
        Some(self)
    }
}
