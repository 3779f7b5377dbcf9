//! `security`: what outsiders may find out.

use crate::section::section;

section! {
    /// What outsiders may find out.
    pub struct Security {
        /// Finding out who has an account.
        account_enumeration: AccountEnumeration,
    }
}

section! {
    /// Finding out who has an account.
    pub struct AccountEnumeration {
        /// Whether signing up is answered alike for addresses that have an account and for others. Whoever signs up then is not signed in by it, and learns by mail how to go on. Whoever tries others' addresses in the settings is slowed down.
        @restricts mitigate: bool = false,
    }
}
