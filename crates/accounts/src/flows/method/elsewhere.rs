//! What methods say of people who are asked on another site.

use serde_json::Value;

use crate::flows::sign_in::Proof;
use crate::linked::LinkedAccount;

/// Somebody goes to another site, to be asked there.
#[derive(Clone, Debug)]
pub struct Departure {
    /// The address.
    pub url: String,
    /// The cookie that the browser gets by which it is recognised when it comes back.
    pub new_cookie: Option<String>,
}

/// Somebody for whom another provider vouches, and who has no account here.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// What the provider says of them, as traits.
    pub traits: Value,
    /// What they may see of what else it says.
    pub metadata_public: Option<Value>,
    /// What only an administrator may see of it.
    pub metadata_admin: Option<Value>,
    /// The addresses that the provider has verified, each with its kind.
    pub verified: Vec<(String, String)>,
    /// What forms call the provider.
    pub provider: String,
    /// The account there, by which they sign in.
    pub account: LinkedAccount,
    /// The proof that was given there.
    pub proof: Proof,
}
