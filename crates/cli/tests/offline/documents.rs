//! Runs what the documents say. Every recipe for a mapper must give the claims that stand below it.

use crate::run::Folder;
use serde_json::Value;

/// The time at which the tokens of the documents are made.
const MADE: &str = "2030-01-01T09:30:00Z";

/// The code blocks of a document: language and content.
fn blocks(document: &str) -> Vec<(&str, String)> {
    let (mut blocks, mut open) = (Vec::new(), None);
    for line in document.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((language, String::new())),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some((language, content))) => open = Some((language, content + line + "\n")),
            (None, None) => {}
        }
    }
    blocks
}

fn claims(mapper: &str) -> Value {
    let arguments = ["template", "test", "-", "--time", MADE, "--format", "json"];
    let outcome = Folder::new().run_with_input(&arguments, mapper);
    outcome.printed();
    outcome.json()["claims"].clone()
}

#[test]
fn every_mapper_gives_the_claims_below_it() {
    let blocks = blocks(include_str!("../../../../docs/mappers.md"));
    let mut tried = 0;
    for pair in blocks.windows(2).filter(|pair| pair[0].0 == "jsonnet") {
        let [(_, mapper), (language, expected)] = pair else { unreachable!("windows of two") };
        assert_eq!(*language, "json", "no claims stand below:\n{mapper}");
        let expected: Value = serde_json::from_str(expected).unwrap();
        let claims = claims(mapper);
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(claims.get(name), Some(value), "{name} of:\n{mapper}");
        }
        // Claims that are not default ones stand there too.
        for name in claims.as_object().unwrap().keys() {
            let default = ["exp", "iat", "iss", "jti", "nbf", "sid", "sub"].contains(&name.as_str());
            assert!(default || expected.get(name).is_some(), "{name} is not shown below:\n{mapper}");
        }
        tried += 1;
    }
    assert!(tried >= 10, "only {tried} mappers were found");
}

#[test]
fn the_limits_are_those_of_the_engine() {
    let document = include_str!("../../../../docs/mappers.md");
    let limits = sessera_jsonnet::Limits::default();
    assert_eq!((limits.fuel, limits.memory, limits.output), (500_000, 16 << 20, 1 << 20));
    assert_eq!(
        (limits.depth, sessera_jsonnet::MAX_SOURCE, sessera_jsonnet::MAX_NESTING),
        (1_000, 1 << 20, 200)
    );
    for row in [
        "| evaluation steps | 500,000 |",
        "| memory | 16 MiB |",
        "| nested evaluations | 1,000 |",
        "| result | 1 MiB |",
        "| source | 1 MiB, nested 200 deep |",
    ] {
        assert!(document.contains(row), "{row}");
    }
}

#[test]
fn the_mapper_for_zendesk_gives_what_zendesk_asks_for() {
    let blocks = blocks(include_str!("../../../../docs/third-parties.md"));
    let (_, mapper) = blocks.iter().find(|(language, _)| *language == "jsonnet").unwrap();
    let claims = claims(mapper);
    assert_eq!(claims["email"], "ada@example.org");
    assert_eq!(claims["name"], "Ada Lovelace");
    assert_eq!(claims["external_id"], "b8f6a1d2-6c3e-4f0a-8d21-97c5e4b3a201");
    assert_eq!(claims["iat"], 1_893_490_200);
    assert!(claims["jti"].is_string());
}
