//! Runs what the documents say. Every recipe for a mapper must give the claims that stand below it.

use crate::run::Folder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sessera_jsonnet::{Document, Limits, Program, Variables};

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

/// What an identity or its session may lack, which is all that no schema of the server itself asks for.
const OPTIONAL: [&str; 14] = [
    "/identity/external_id",
    "/identity/traits",
    "/identity/traits/email",
    "/identity/traits/name",
    "/identity/traits/name/first",
    "/identity/traits/name/last",
    "/identity/verifiable_addresses",
    "/identity/recovery_addresses",
    "/identity/metadata_public",
    "/identity/metadata_public/roles",
    "/identity/metadata_public/plan",
    "/identity/organization_id",
    "/authentication_methods",
    "/devices",
];

fn sample() -> Value {
    serde_json::from_str(include_str!("../../../issuer/src/sample.session.json")).unwrap()
}

/// The sample session of somebody who has not proven the address.
fn unverified() -> Value {
    let mut session = sample();
    session["identity"]["verifiable_addresses"][0]["verified"] = false.into();
    session
}

/// The sample session without the value at a pointer: absent, null, or an empty list or object.
fn without(pointer: &str) -> [Value; 3] {
    let session = sample();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let changed = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut session = session.clone();
        change(session.pointer_mut(parent).unwrap().as_object_mut().unwrap());
        session
    };
    let empty = match session.pointer(pointer) {
        Some(Value::Array(_)) => Value::Array(Vec::new()),
        Some(Value::Object(_)) => Value::Object(serde_json::Map::new()),
        _ => Value::Null,
    };
    [
        changed(&|members| drop(members.shift_remove(name))),
        changed(&|members| drop(members.insert(name.to_owned(), Value::Null))),
        changed(&|members| drop(members.insert(name.to_owned(), empty.clone()))),
    ]
}

/// The mapper of the guide, which stands indented in the README.
fn mapper_of_the_readme() -> String {
    let lines = include_str!("../../../../README.md").lines();
    let mapper = lines.skip_while(|line| *line != "    local claims = std.extVar('claims');");
    mapper
        .take_while(|line| line.starts_with("    ") || line.is_empty())
        .fold(String::new(), |text, line| text + line + "\n")
}

/// The mapper of the configuration that the files for proxies are printed for.
fn mapper_of_the_proxies() -> String {
    let example = include_str!("../../../../examples/proxies/sessera.yml");
    let encoded = example.split_once("claims_mapper_url: base64://").unwrap().1.lines().next().unwrap();
    let mapper = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    assert!(example.contains(&format!("# {mapper}\n")), "the comment says something else than {mapper}");
    mapper
}

#[test]
fn every_mapper_works_without_each_value_that_may_be_absent() {
    let written = blocks(include_str!("../../../../docs/mappers.md"))
        .into_iter()
        .chain(blocks(include_str!("../../../../docs/third-parties.md")))
        .filter(|(language, _)| *language == "jsonnet")
        .map(|(_, mapper)| mapper);
    let mappers = written.chain([mapper_of_the_readme(), mapper_of_the_proxies()]);
    let defaults =
        r#"{"exp":1893490800,"iat":1893490200,"iss":"i","jti":"j","nbf":1893490200,"sid":"s","sub":"u"}"#;
    for mapper in mappers {
        let program = Program::parse("mapper", &mapper).unwrap();
        let lacking = OPTIONAL.iter().map(|pointer| (*pointer, without(pointer).to_vec()));
        for (pointer, sessions) in lacking.chain([("a verified address", vec![unverified()])]) {
            for session in sessions {
                let variables = Variables::new()
                    .with("claims", Document::shared(defaults.as_bytes()).unwrap())
                    .with("session", Document::shared(session.to_string().as_bytes()).unwrap());
                let outcome = program.evaluate_member("claims", &variables, &Limits::default());
                // A mapper may refuse a token in its own words.
                let refused = |problem: String| {
                    mapper.lines().any(|line| {
                        line.trim_start().starts_with("assert ")
                            && line.split('\'').any(|words| words.len() > 10 && problem.contains(words))
                    })
                };
                if let Err(error) = outcome {
                    assert!(refused(error.to_string()), "{error} without {pointer} in:\n{mapper}");
                }
            }
        }
    }
}

#[test]
fn the_limits_are_those_of_the_engine() {
    let document = include_str!("../../../../docs/mappers.md");
    let limits = Limits::default();
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

#[test]
fn operators_can_look_up_every_event() {
    let page = include_str!("../../../../docs/operations.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for name in sessera_config::events::NAMES {
        let quoted = format!("`{name}`");
        let is_told = rows.iter().any(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&quoted)));
        assert!(is_told, "docs/operations.md has no line for {name}");
    }
}
