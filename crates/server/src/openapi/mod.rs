//! What flows answer alike, described once, and the tests of the documents of both ports.

mod flows;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use flows::{ComesBack, ReadsFlow, TakesForm};
