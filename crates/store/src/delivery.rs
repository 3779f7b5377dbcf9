//! Entries of the record on their way to others. The record is the outbox: a change writes what is to be delivered by
//! writing its entry, and each sink takes entries from the record in their order.
//!
//! A sink keeps how far it has come. What it takes becomes deliveries, which go one after the other where they are about
//! the same subject, until they are delivered or given up.

use sessera_model::{Timestamp, Uuid};

use crate::audit::AuditEntry;

/// A node asks to be the one that delivers to a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakingSink {
    /// The sink.
    pub sink: String,
    /// Who asks.
    pub node: Uuid,
    /// The time of now.
    pub now: Timestamp,
    /// Until when nobody else gets it.
    pub until: Timestamp,
}

/// A part of the record that a sink takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The sink.
    pub sink: String,
    /// The number of the entry that it took last before.
    pub from: i64,
    /// The number of the last entry of the part.
    pub to: i64,
    /// What is delivered of it.
    pub deliveries: Vec<NewDelivery>,
    /// The time of the change.
    pub at: Timestamp,
}

/// An entry that is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The number of the entry.
    pub number: i64,
    /// What it is about. Of entries about the same subject, one is delivered after the other.
    pub subject: String,
}

/// An entry on its way to a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The entry of the record.
    pub entry: AuditEntry,
    /// Since when it is to be delivered.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next; absent when it was given up.
    pub due_at: Option<Timestamp>,
    /// Why it was not taken last time.
    pub problem: Option<String>,
}

/// Which deliveries to list, in the order of their entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// To which sink.
    pub sink: String,
    /// Only those that were given up, or only those that wait.
    pub given_up: Option<bool>,
    /// The number of the entry behind which to begin.
    pub after: i64,
    /// How many at the most.
    pub limit: u32,
}

/// How a sink is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkState {
    /// The sink.
    pub sink: String,
    /// The number of the entry that it took last from the record.
    pub number: i64,
    /// How many deliveries wait.
    pub waiting: u64,
    /// How many were given up.
    pub given_up: u64,
    /// Since when the oldest one waits.
    pub oldest: Option<Timestamp>,
    /// Why one of those that wait was not taken.
    pub problem: Option<String>,
}
