//! What a server tells of itself: how often things happen and how long they take ([`metrics`]), and what a request
//! went through ([`traces`]). [`store_meter`] tells both of each operation of the store, and [`samples`] remember an hour.

pub mod metrics;
pub mod samples;
pub mod store_meter;
pub mod traces;

pub use metrics::{Counted, Measured, Metrics};
pub use samples::Samples;
pub use store_meter::StoreMeter;
pub use traces::Traces;
