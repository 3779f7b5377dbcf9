//! One file for each command.

pub(crate) mod serve;

/// Says something to the person, beside the output.
#[expect(clippy::print_stderr, reason = "the command line talks to a person")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
