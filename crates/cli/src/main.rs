//! Sessera turns sign-in sessions into signed JSON Web Tokens.
fn main() {}
