//! `identity`: who signs in.

use crate::section::section;

section! {
    /// Who signs in.
    pub struct Identity {
        /// The schema of those who sign up.
        default_schema_id: String = "default",
        /// Identity schemas. Default: one with e-mail and name.
        schemas: Vec<Schema>,
    }
}

section! {
    /// An identity schema.
    pub struct Schema {
        /// The name of the schema.
        id: String,
        /// Where it is read from: file:// or base64://.
        url: String,
    }
}
