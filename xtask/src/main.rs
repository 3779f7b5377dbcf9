//! The project's chores: test, checks.
fn main() {}
