//! From a flow into one of another kind.

use crate::flows::flow::{Flow, Link, LoginDetails, RegistrationDetails};
use crate::flows::method::elsewhere::Newcomer;
use crate::flows::method::login::Proven;

/// Somebody goes on in a flow of another kind.
#[derive(Debug)]
pub enum Crossing {
    /// Whoever signs in has no account: they sign up.
    SignUp {
        /// The flow that they leave.
        flow: Box<Flow<LoginDetails>>,
        /// Who they are.
        newcomer: Box<Newcomer>,
    },
    /// Whoever signs up has an account: they sign in.
    SignIn {
        /// The flow that they leave.
        flow: Box<Flow<RegistrationDetails>>,
        /// Who they are.
        proven: Box<Proven>,
    },
    /// Whoever signs up may have an account that another provider does not open yet: they sign in to it.
    Link {
        /// The flow that they leave.
        flow: Box<Flow<RegistrationDetails>>,
        /// What that account gets.
        link: Box<Link>,
        /// What forms call the provider.
        provider: String,
        /// How the owner of the account signs in, where people are told so.
        ways_in: Box<WaysIn>,
    },
}

/// How the owner of an account signs in.
#[derive(Clone, Debug, Default)]
pub struct WaysIn {
    /// The methods, in order.
    pub(in crate::flows) methods: Vec<&'static str>,
    /// The other providers, in order.
    pub(in crate::flows) providers: Vec<String>,
}
