//! Signing in with the identifier first: whoever is named by it is offered the methods that they can use.

mod login;
pub mod messages;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sessera_config::sections::flows::LoginStyle;
use sessera_config::{Config, Problem};

use crate::flows::login::IDENTIFIER_FIRST;
use crate::flows::method::{LoginMethod, Method};

/// Signing in with the identifier first.
#[derive(Clone, Copy, Debug)]
pub struct IdentifierFirst {
    /// Whether signing in begins with it.
    is_on: bool,
}

/// It is a style of signing in rather than something to switch off, so it is always known.
pub(super) fn compile(config: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let is_on = config.selfservice.flows.login.style == LoginStyle::IdentifierFirst;
    Some(Arc::new(IdentifierFirst { is_on }))
}

impl Method for IdentifierFirst {
    fn name(&self) -> &'static str {
        IDENTIFIER_FIRST
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        self.is_on.then_some(self)
    }
}
