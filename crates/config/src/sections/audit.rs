//! `audit`: the record of what happened.

use std::time::Duration;

use crate::section::section;

section! {
    /// The record of what happened.
    pub struct Audit {
        /// How long entries are kept.
        retention: Duration [24 * 3_600_000..=i64::MAX] = "8760h",
    }
}
