//! Any value of Accept-Language leads to one of the languages that are there.

#![no_main]

use sessera_accounts::language::Language;

libfuzzer_sys::fuzz_target!(|value: &str| {
    assert!(Language::ALL.contains(&Language::accepted(Some(value))));
});
