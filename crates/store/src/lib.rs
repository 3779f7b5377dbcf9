//! Durable storage: one interface, embedded SQLite behind it.
