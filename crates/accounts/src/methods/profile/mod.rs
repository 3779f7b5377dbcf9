//! The traits of a person: the first step of signing up, and the profile in one's own account.

pub mod messages;
mod registration;
mod settings;

use std::sync::Arc;

use sessera_config::{Config, Problem};

use crate::flows::method::{Method, RegistrationMethod, SettingsMethod};
use crate::flows::registration::PROFILE;

/// The traits of a person.
#[derive(Clone, Copy, Debug)]
pub struct Profile;

/// People always have a profile.
pub(super) fn compile(_: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    Some(Arc::new(Profile))
}

impl Method for Profile {
    fn name(&self) -> &'static str {
        PROFILE
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
