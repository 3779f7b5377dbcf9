//! The embedded engine, SQLite.
