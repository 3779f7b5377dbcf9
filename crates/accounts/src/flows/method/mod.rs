//! What a sign-in method is to the flows.
//!
//! A method says in which flows it takes part by the traits that it gives: one trait for each kind of
//! flow, with the nodes that it adds to the form and what it does with a submission. The flows know
//! these traits only. The methods themselves are in [`crate::methods`], a folder each.

mod codes;
mod elsewhere;
mod login;
mod other_kind;
mod registration;
mod settings;

use std::fmt;
use std::sync::Arc;

use sessera_model::{AssuranceLevel, Credential, Uuid};

use crate::flows::flow::{Details, Flow, RecoveryDetails, VerificationDetails};
use crate::flows::visit::Visit;
use crate::method_list::for_all_methods;
use crate::submission::Submission;

pub use codes::{AddressMethod, AddressVerdict, ProvenAddress};
pub use elsewhere::{Departure, Newcomer};
pub use login::{Able, LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
pub use other_kind::{Crossing, WaysIn};
pub use registration::{RegistrationAttempt, RegistrationMethod, RegistrationVerdict, RegistrationView};
pub use settings::{Owner, SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};

macro_rules! names {
    ($($(#[$attribute:meta])* $method:ident,)*) => {
        /// The names of all methods, as submissions have them.
        const NAMES: &[&str] = &[$($(#[$attribute])* stringify!($method),)*];
    };
}

for_all_methods!(names);

/// A sign-in method as it is configured.
pub trait Method: fmt::Debug + Send + Sync {
    /// How submissions name it.
    fn name(&self) -> &'static str;

    /// The method in flows that sign in.
    fn login(&self) -> Option<&dyn LoginMethod> {
        None
    }

    /// The method in flows that sign up.
    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        None
    }

    /// The method in flows for one's own account.
    fn settings(&self) -> Option<&dyn SettingsMethod> {
        None
    }

    /// The method in flows that lead back into an account.
    fn recovery(&self) -> Option<&dyn AddressMethod<RecoveryDetails>> {
        None
    }

    /// The method in flows that prove an address.
    fn verification(&self) -> Option<&dyn AddressMethod<VerificationDetails>> {
        None
    }
}

/// A submission of a flow with the details `D`.
#[derive(Debug)]
pub struct Attempt<'a, D> {
    /// Who submits.
    pub visit: &'a Visit<'a>,
    /// The flow, in which a method says what is wrong.
    pub flow: Flow<D>,
    /// What is submitted.
    pub submission: &'a Submission,
    /// Who it would be, when a method knows that of a submission that it refuses.
    pub suspect: Option<Uuid>,
}

impl<D: Details> Attempt<'_, D> {
    /// Tells whoever must be able to reconstruct it that somebody could not prove who they are. `method` is the one that has
    /// judged it, where the submission names none.
    pub fn tell_refused(&self, method: &str) {
        // Some are taken by another field, whatever is sent as the name.
        let named = self.submission.method().filter(|name| NAMES.contains(name));
        let method = named.unwrap_or(method);
        self.visit.tell_refused(Some((D::KIND, self.flow.id)), self.suspect, method);
    }

    /// A text that must be there. When it is not, the flow says so at the field.
    pub fn required(&mut self, field: &str) -> Option<String> {
        self.flow.required(self.submission, field)
    }
}

/// The methods that are on. A submission goes to the first one that takes it.
#[derive(Clone, Debug, Default)]
pub struct Methods(Vec<Arc<dyn Method>>);

impl FromIterator<Arc<dyn Method>> for Methods {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Method>>>(methods: I) -> Self {
        Self(methods.into_iter().collect())
    }
}

impl Methods {
    /// Whether a method is on.
    pub fn has(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    /// The method of a name.
    pub fn named(&self, name: &str) -> Option<&dyn Method> {
        self.0.iter().find(|method| method.name() == name).map(AsRef::as_ref)
    }

    /// Whether a submission names a method that is off.
    pub fn names_one_that_is_off(&self, submission: &Submission) -> bool {
        submission.method().is_some_and(|name| NAMES.contains(&name) && !self.has(name))
    }

    /// Those that sign in, or give a second factor.
    pub fn login(&self) -> impl Iterator<Item = &dyn LoginMethod> {
        self.0.iter().filter_map(|method| method.login())
    }

    /// Those that sign up.
    pub fn registration(&self) -> impl Iterator<Item = &dyn RegistrationMethod> {
        self.0.iter().filter_map(|method| method.registration())
    }

    /// Those that change something of one's own account.
    pub fn settings(&self) -> impl Iterator<Item = &dyn SettingsMethod> {
        self.0.iter().filter_map(|method| method.settings())
    }

    /// Those that lead back into an account.
    pub fn recovery(&self) -> impl Iterator<Item = &dyn AddressMethod<RecoveryDetails>> {
        self.0.iter().filter_map(|method| method.recovery())
    }

    /// Those that prove an address.
    pub fn verification(&self) -> impl Iterator<Item = &dyn AddressMethod<VerificationDetails>> {
        self.0.iter().filter_map(|method| method.verification())
    }

    /// Whether somebody with these credentials has set up a second factor.
    pub fn has_second_factor(&self, credentials: &[Credential]) -> bool {
        self.login()
            .filter(|method| method.level() == AssuranceLevel::Aal2)
            .any(|method| method.is_set_up(credentials))
    }

    /// With how many credentials somebody can sign in who has nothing else.
    pub fn ways_in(&self, credentials: &[Credential]) -> usize {
        let first_factors = self.login().filter(|method| method.level() == AssuranceLevel::Aal1);
        first_factors.map(|method| method.ways_in(credentials)).sum()
    }
}
