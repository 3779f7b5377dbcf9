//! What the addresses of flows say behind their question mark.

use serde::Deserialize;

/// What a client asks for when it begins a flow.
#[derive(Deserialize)]
pub(super) struct Begin {
    /// Where a browser goes afterwards.
    pub(super) return_to: Option<String>,
}

/// Which flow is read.
#[derive(Deserialize)]
pub(super) struct ById {
    /// The id of the flow.
    pub(super) id: Option<String>,
}

/// Which flow is submitted.
#[derive(Deserialize)]
pub(super) struct ByFlow {
    /// The id of the flow.
    pub(super) flow: Option<String>,
}
