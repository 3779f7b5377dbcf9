//! Every recipe makes tokens of everybody, and they are what the service asks for.

mod breaking;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sessera_jose::{Algorithm, JwkSet, SigningKey, generate};
use sessera_jsonnet::Document;
use sessera_recipes::{Deployment, Recipe, RecipeError};
use sessera_tokenizer::{SourceError, Sources, Subject, Template, Tokenizer};
use uuid::Uuid;

/// When the tokens are made: the sample session begins then.
const NOW: i64 = 1_893_490_200;

/// The claims that every token has.
const USUAL: [&str; 6] = ["exp", "iat", "jti", "nbf", "sid", "sub"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// A file of a recipe's folder, if it is there.
fn file(recipe: &Recipe, name: &str) -> Option<String> {
    std::fs::read_to_string(root().join(&recipe.name).join(name)).ok()
}

fn json(recipe: &Recipe, name: &str) -> Value {
    let text = file(recipe, name).unwrap_or_else(|| panic!("{} has no {name}", recipe.name));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name} of {}: {error}", recipe.name))
}

/// The answers in the first line of a mapper, which are those of its tests.
fn answers(recipe: &Recipe) -> BTreeMap<String, String> {
    let mapper = file(recipe, "mapper.jsonnet").unwrap();
    let line = mapper.lines().next().unwrap().strip_prefix("local answers = ").unwrap();
    serde_json::from_str(line.strip_suffix(';').unwrap()).unwrap()
}

/// A key set of one key for each algorithm.
struct Stored(Vec<u8>);

impl Stored {
    fn of(algorithm: &str) -> Self {
        let key = generate::key(algorithm.parse::<Algorithm>().unwrap(), None, 2048).unwrap();
        Self(JwkSet::new(vec![key]).unwrap().to_private_json().to_string().into_bytes())
    }
}

impl Sources for Stored {
    fn file(&self, _: &Path) -> Result<Vec<u8>, SourceError> {
        Err(SourceError::NoScheme)
    }

    fn key_set(&self, _: &str) -> Result<Vec<u8>, SourceError> {
        Ok(self.0.clone())
    }

    fn signing_key(&self, _: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        Err(SourceError::NoScheme)
    }
}

fn tokenizer(recipe: &Recipe) -> Tokenizer {
    let template = recipe.template("keys", &recipe.answers(&answers(recipe)).unwrap());
    let template = Template::from_json(&template).unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
    Tokenizer::compile(&recipe.name, &template, &Stored::of(&recipe.keys.algorithm)).unwrap()
}

/// The claims of a token for a session, or why there are none.
fn claims(tokenizer: &Tokenizer, session: &Value) -> Result<Map<String, Value>, String> {
    let document = Document::shared(session.to_string().as_bytes()).unwrap();
    let id = |pointer: &str| session.pointer(pointer).unwrap().as_str().unwrap().parse::<Uuid>().unwrap();
    let subject = Subject {
        issuer: "https://id.example.org/",
        identity_id: id("/identity/id"),
        external_id: None,
        session_id: id("/id"),
        token_id: Uuid::from_u128(1),
        session: &document,
        session_ends: i64::MAX,
        status: None,
    };
    let claims = tokenizer.claims(&subject, NOW).map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&claims.json).unwrap())
}

fn sample() -> Value {
    serde_json::from_str(include_str!("../../crates/issuer/src/sample.session.json")).unwrap()
}

/// The sample as somebody else: what it lacks, in every way in which it can lack it.
fn others() -> Vec<(&'static str, Value)> {
    let without = |pointer: &str| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let members = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut session = sample();
            change(session.pointer_mut(parent).unwrap().as_object_mut().unwrap());
            session
        };
        [
            members(&|members| drop(members.shift_remove(name))),
            members(&|members| drop(members.insert(name.to_owned(), Value::Null))),
        ]
    };
    let mut unverified = sample();
    unverified["identity"]["verifiable_addresses"][0]["verified"] = false.into();
    let mut others: Vec<(&str, Value)> = Vec::new();
    others.extend(without("/identity/metadata_public").map(|session| ("no metadata", session)));
    others.extend(without("/identity/metadata_public/roles").map(|session| ("no metadata", session)));
    others.extend(without("/identity/traits/email").map(|session| ("no e-mail address", session)));
    others.extend(without("/identity/traits").map(|session| ("no e-mail address", session)));
    others.push(("no e-mail address", {
        let mut session = sample();
        session["identity"]["traits"] = Value::Object(Map::new());
        session
    }));
    others.extend(without("/identity/traits/name").map(|session| ("no name", session)));
    others.extend(without("/identity/traits/name/last").map(|session| ("no name", session)));
    others
        .extend(without("/identity/verifiable_addresses").map(|session| ("an unverified address", session)));
    others.push(("an unverified address", unverified));
    others
}

/// What is wrong with a token by the rules of the service.
fn broken_rules(recipe: &Recipe, claims: &Map<String, Value>) -> Vec<String> {
    Rules::of(recipe).broken(&Value::Object(claims.clone()), &recipe.keys.algorithm)
}

/// What a service asks of a token.
struct Rules {
    told: Value,
    claims: jsonschema::Validator,
}

impl Rules {
    fn of(recipe: &Recipe) -> Self {
        let told = json(recipe, "rules.json");
        // Without the option a form such as that of a URL would be a remark.
        let claims = jsonschema::options().should_validate_formats(true).build(&told["claims"]).unwrap();
        Self { told, claims }
    }

    fn broken(&self, claims: &Value, algorithm: &str) -> Vec<String> {
        let mut broken: Vec<String> =
            self.claims.iter_errors(claims).map(|error| error.to_string()).collect();
        if let (Some(end), Some(begin)) = (claims["exp"].as_i64(), claims["iat"].as_i64())
            && self.longest().is_some_and(|longest| end - begin > longest)
        {
            broken.push(format!("it lives for {} seconds", end - begin));
        }
        if !self.told["algorithms"].as_array().unwrap().contains(&algorithm.into()) {
            broken.push(format!("{algorithm} is not taken"));
        }
        broken
    }

    /// How many seconds a token may live.
    fn longest(&self) -> Option<i64> {
        self.told.get("longest")?.as_i64()
    }
}

#[test]
fn every_folder_is_a_recipe_with_a_default_for_all_but_what_only_the_deployment_knows() {
    let recipes = sessera_recipes::all().unwrap();
    let folders = root()
        .read_dir()
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().join("mapper.jsonnet").exists());
    assert_eq!(recipes.len(), folders.count());
    for recipe in recipes {
        let (tested, asked) =
            (answers(&recipe), recipe.questions.iter().map(|question| question.name.clone()).collect());
        assert_eq!(tested.keys().cloned().collect::<BTreeSet<_>>(), asked, "{}", recipe.name);
        for question in &recipe.questions {
            let default = question.default.as_ref();
            assert!(default.is_none_or(|default| *default == tested[&question.name]), "{}", recipe.name);
        }
        assert!(recipe.keys.is_given == recipe.keys.algorithm.starts_with("HS"), "{}", recipe.name);
    }
}

#[test]
fn every_token_of_the_sample_has_the_claims_that_are_written_down() {
    for recipe in sessera_recipes::all().unwrap() {
        let mut made = claims(&tokenizer(&recipe), &sample()).unwrap();
        assert_eq!(broken_rules(&recipe, &made), Vec::<String>::new(), "{}", recipe.name);
        let expected = json(&recipe, "claims.json");
        let is_told = |name: &str| expected.get(name).is_some();
        made.retain(|name, _| is_told(name) || !(USUAL.contains(&name.as_str()) || name == "iss"));
        assert_eq!(Value::Object(made), expected, "{}", recipe.name);
    }
}

/// Whether a mapper refuses somebody in the words of its `assert`, which no fault in it says.
fn is_meant(recipe: &Recipe, error: &str) -> bool {
    let mapper = file(recipe, "mapper.jsonnet").unwrap();
    let asserts = mapper.lines().filter(|line| line.trim_start().starts_with("assert "));
    let mut words = asserts.filter_map(|line| line.split('\'').nth(1));
    words.any(|words| error.contains(words))
}

#[test]
fn everybody_gets_a_token_or_is_refused_as_it_is_written_down() {
    for recipe in sessera_recipes::all().unwrap() {
        let tokenizer = tokenizer(&recipe);
        let refuses =
            file(&recipe, "refuses.json").map_or(Value::Array(Vec::new()), |_| json(&recipe, "refuses.json"));
        for (who, session) in others() {
            let is_refused = refuses.as_array().unwrap().contains(&who.into());
            match claims(&tokenizer, &session) {
                Ok(made) => {
                    assert!(!is_refused, "{} takes {who}", recipe.name);
                    assert_eq!(broken_rules(&recipe, &made), Vec::<String>::new(), "{}, {who}", recipe.name);
                }
                Err(error) => {
                    assert!(is_refused, "{}, {who}: {error}", recipe.name);
                    assert!(is_meant(&recipe, &error), "{} refuses {who} by a fault: {error}", recipe.name);
                }
            }
        }
    }
}

#[test]
fn what_breaks_one_rule_of_a_service_is_refused() {
    let (mut good, mut bad) = (0, 0);
    for recipe in sessera_recipes::all().unwrap() {
        let made = Value::Object(claims(&tokenizer(&recipe), &sample()).unwrap());
        let (rules, algorithm) = (Rules::of(&recipe), recipe.keys.algorithm.as_str());
        assert_eq!(rules.broken(&made, algorithm), Vec::<String>::new(), "{}", recipe.name);
        assert!(rules.told["claims"]["required"][0].is_string(), "{} has no rule", recipe.name);
        good += 1;
        let mut broken = breaking::each_rule(&rules.told["claims"], &made);
        if let Some(longest) = rules.longest() {
            let mut long = made.clone();
            long["exp"] = json!(made["iat"].as_i64().unwrap() + longest + 1);
            broken.push(("longest".into(), long));
        }
        for (rule, claims) in &broken {
            assert!(!rules.broken(claims, algorithm).is_empty(), "{}, {rule}: {claims}", recipe.name);
        }
        let others = ["none", "ES256K", "HS1"];
        for other in others {
            assert!(!rules.broken(&made, other).is_empty(), "{} takes {other}", recipe.name);
        }
        bad += broken.len() + others.len();
    }
    assert!(bad > 10 * good, "{bad} bad ones and {good} good ones");
}

/// The sample with something else in one place.
fn with(pointer: &str, value: Value) -> Value {
    let mut session = sample();
    *session.pointer_mut(pointer).unwrap() = value;
    session
}

#[test]
fn one_role_is_a_list_of_one_and_what_is_no_name_is_refused() {
    const ROLES: &str = "/identity/metadata_public/roles";
    let mut readers = 0;
    for recipe in sessera_recipes::all().unwrap() {
        if !file(&recipe, "mapper.jsonnet").unwrap().contains("metadata_public") {
            continue;
        }
        readers += 1;
        let tokenizer = tokenizer(&recipe);
        let made = |pointer: &str, value: Value| claims(&tokenizer, &with(pointer, value));
        for role in ["admin", "editor", "moderator", "administrator"] {
            assert_eq!(
                made(ROLES, json!(role)).unwrap(),
                made(ROLES, json!([role])).unwrap(),
                "{}",
                recipe.name
            );
        }
        for odd in [
            json!(7),
            json!(true),
            json!({"admin": true}),
            json!(["admin", 7]),
            json!([null]),
            json!([["admin"]]),
        ] {
            let error = made(ROLES, odd.clone()).expect_err(&recipe.name);
            assert!(is_meant(&recipe, &error), "{}, {odd}: {error}", recipe.name);
        }
        let nobody = made(ROLES, json!([])).unwrap();
        for odd in [json!("admin"), json!(["admin"]), json!(7), json!({"roles": null})] {
            assert_eq!(made("/identity/metadata_public", odd).unwrap(), nobody, "{}", recipe.name);
        }
    }
    assert!(readers > 10, "only {readers} recipes read roles");
}

#[test]
fn a_role_that_means_more_to_the_service_than_a_name_is_refused() {
    let long = "x".repeat(257);
    for (name, odd) in [
        ("nats", ["*", ">", "a b", "", "a.b", "a.>", "\u{e9}"].as_slice()),
        ("aws", &["a:b", "", "*", "a,b", "a\tb", &long]),
        ("apache", &["a,b", ""]),
        ("kubernetes", &["system:masters"]),
    ] {
        let recipe = sessera_recipes::find(name).unwrap().unwrap();
        let tokenizer = tokenizer(&recipe);
        let made = |roles: Value| claims(&tokenizer, &with("/identity/metadata_public/roles", roles));
        for role in odd {
            for roles in [json!(role), json!(["editor", role])] {
                let error = made(roles).expect_err(role);
                assert!(is_meant(&recipe, &error), "{name}, {role}: {error}");
                assert!(error.contains("metadata_public"), "{error}");
            }
        }
        assert!(made(json!(["editor", "on-call_2"])).is_ok(), "{name}");
    }
    let aws = tokenizer(&sessera_recipes::find("aws").unwrap().unwrap());
    let many: Vec<String> = (0..60).map(|number| format!("role{number}")).collect();
    assert!(claims(&aws, &with("/identity/metadata_public/roles", json!(many))).is_err());
    assert!(claims(&aws, &with("/identity/metadata_public/roles", json!("r\u{e9}daction @ home"))).is_ok());
}

#[test]
fn an_answer_that_means_more_to_the_service_than_a_name_is_refused() {
    let answered = |name: &str, question: &str, answer: &str| {
        let recipe = sessera_recipes::find(name).unwrap().unwrap();
        let mut given = answers(&recipe);
        given.insert(question.to_owned(), answer.to_owned());
        recipe.answers(&given)
    };
    for (name, question, odd, good) in [
        ("nats", "subject", ["*", ">", "a.*", ".a", "a..b", "a b"].as_slice(), "acme.people"),
        ("rabbitmq", "vhost", &["*", "a/b", "a b", "%2", "%"], "my%20host"),
        ("rabbitmq", "audience", &["a b", "*"], "https://mq.example.org/"),
        ("centrifugo", "channel", &["a,b", "a b", "*"], "personal:#"),
        ("centrifugo-channel", "channel", &["a b", "\u{e9}"], "chat:index"),
        ("apache", "audience", &["a b", "a\"b"], "https://app.example.org/"),
        ("snowflake", "scope", &["session:role-any x", "session:role:"], "session:role:ANALYST"),
    ] {
        for odd in odd {
            let error = answered(name, question, odd).expect_err(odd);
            assert!(matches!(error, RecipeError::NotOfForm { .. }), "{name}: {error}");
            assert!(error.to_string().contains(question), "{error}");
        }
        assert_eq!(answered(name, question, good).unwrap()[question], good);
    }
    // A room without a name is every room to LiveKit.
    for empty in ["", " "] {
        let error = answered("livekit", "room", empty).unwrap_err();
        assert!(matches!(error, RecipeError::Empty { .. }), "{error}");
        assert!(error.to_string().contains("leave it out to have \"lobby\""), "{error}");
        let error = answered("livekit", "api_key", empty).unwrap_err().to_string();
        assert!(error.contains("is empty") && !error.contains("leave it out"), "{error}");
    }
}

#[test]
fn no_answer_has_control_characters() {
    for recipe in sessera_recipes::all().unwrap() {
        for question in &recipe.questions {
            for odd in ["a\nb", "\u{1b}[A", "a\t", "a\u{7f}", "a\u{85}"] {
                let mut given = answers(&recipe);
                given.insert(question.name.clone(), odd.to_owned());
                let refused = Err(RecipeError::Control(question.name.clone()));
                assert_eq!(recipe.answers(&given), refused, "{}, {odd:?}", recipe.name);
            }
        }
    }
}

#[test]
fn what_is_left_to_do_names_the_issuer_of_tokens_and_addresses_with_one_slash_between_their_parts() {
    let mut named = 0;
    for base in ["https://id.example.org", "https://id.example.org/", "https://example.org/id"] {
        let with_slash = format!("{}/", base.trim_end_matches('/'));
        for recipe in sessera_recipes::all().unwrap() {
            let deployment = Deployment { issuer: base, public_url: &with_slash };
            let words = sessera_recipes::words(answers(&recipe), &recipe.name, deployment);
            let host = base.split('/').nth(2).unwrap();
            for sentence in recipe.next_with(&words) {
                for (at, _) in sentence.match_indices(&format!("https://{host}")) {
                    let is_end = |c: char| c.is_whitespace() || "\"'`,".contains(c);
                    let address = sentence[at..].split(is_end).next().unwrap().trim_end_matches('.');
                    let below = address.strip_prefix(&with_slash).unwrap_or_default();
                    let keys = format!(".well-known/jwks/{}.json", recipe.name);
                    assert!(
                        address == base || below == keys || below == ".well-known/openid-configuration",
                        "{}: {sentence}",
                        recipe.name
                    );
                    named += 1;
                }
            }
        }
    }
    assert!(named > 60, "only {named} addresses were found");
}

/// The places of a recipe's texts that are filled in.
fn places(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            text.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0.to_owned()).collect()
        }
        Value::Array(values) => values.iter().flat_map(places).collect(),
        Value::Object(members) => members.values().flat_map(places).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_place_in_a_recipe_has_a_word_in_a_form_that_is_known() {
    for recipe in sessera_recipes::all().unwrap() {
        let deployment = Deployment { issuer: "i", public_url: "p" };
        let words = sessera_recipes::words(answers(&recipe), "t", deployment);
        for place in places(&json(&recipe, "recipe.json")) {
            let mut forms: Vec<&str> = place.split(' ').collect();
            let name = forms.pop().unwrap();
            assert!(words.contains_key(name), "{}: {place}", recipe.name);
            let is_known = |form: &&str| ["json", "shell", "sql", "quoted"].contains(form);
            assert!(forms.iter().all(is_known), "{}: {place}", recipe.name);
        }
    }
}

#[test]
fn what_is_printed_as_json_is_json_whatever_the_answers_are() {
    let odd = r#"a"b\c'd"#;
    let mut read = 0;
    for recipe in sessera_recipes::all().unwrap() {
        let mut given = answers(&recipe);
        for question in recipe.questions.iter().filter(|question| question.form.is_none()) {
            given.insert(question.name.clone(), odd.to_owned());
        }
        let deployment = Deployment { issuer: odd, public_url: odd };
        let words = sessera_recipes::words(recipe.answers(&given).unwrap(), "t", deployment);
        for sentence in recipe.next_with(&words) {
            let mut end = 0;
            for (at, _) in sentence.match_indices("{\"") {
                // What stands within another one was read with it.
                if at < end {
                    continue;
                }
                // Within single quotes of a shell each of its own stands outside of them.
                let is_quoted = sentence[..at].ends_with('\'');
                let json =
                    if is_quoted { sentence[at..].replace(r"'\''", "'") } else { sentence[at..].to_owned() };
                let mut values = serde_json::Deserializer::from_str(&json).into_iter::<Value>();
                let first = values.next().unwrap();
                let value = first.unwrap_or_else(|error| panic!("{}: {error}: {json}", recipe.name));
                end = at + values.byte_offset();
                assert!(value.to_string().contains(&json!(odd).to_string()), "{}: {value}", recipe.name);
                read += 1;
            }
        }
    }
    assert!(read >= 4, "only {read} were found");
}

/// The texts in a value, those within others too.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn an_address_that_was_not_proven_stands_nowhere_but_beside_the_word_that_it_was_not() {
    let mut session = sample();
    session["identity"]["verifiable_addresses"][0]["verified"] = false.into();
    let address = session["identity"]["traits"]["email"].as_str().unwrap().to_owned();
    for name in [json!({}), json!({"first": "", "last": " "}), Value::Null, json!("Ada")] {
        session["identity"]["traits"]["name"] = name;
        for recipe in sessera_recipes::all().unwrap() {
            let Ok(mut made) = claims(&tokenizer(&recipe), &session) else { continue };
            if made.get("email_verified") == Some(&false.into()) {
                made.shift_remove("email");
            }
            let made = Value::Object(made);
            assert!(!texts(&made).iter().any(|text| text.contains(&address)), "{}: {made}", recipe.name);
        }
    }
}

#[test]
fn a_name_may_be_one_text() {
    for recipe in sessera_recipes::all().unwrap() {
        let tokenizer = tokenizer(&recipe);
        let made = |name: Value| claims(&tokenizer, &with("/identity/traits/name", name)).unwrap();
        assert_eq!(made(json!("Ada Lovelace")), made(json!({"first": "Ada Lovelace"})), "{}", recipe.name);
        assert_eq!(made(json!(7)), made(json!({})), "{}", recipe.name);
    }
}

#[test]
fn answers_cannot_write_into_a_mapper() {
    let recipe = sessera_recipes::find("hasura").unwrap().unwrap();
    let hostile = "'}; error 'x'; {{audience}} \" \\n \u{2028}";
    let given = BTreeMap::from([("role".to_owned(), hostile.to_owned())]);
    let answers = recipe.answers(&given).unwrap();
    let template = Template::from_json(&recipe.template("keys", &answers)).unwrap();
    let tokenizer = Tokenizer::compile("hasura", &template, &Stored::of("ES256")).unwrap();
    let made = claims(&tokenizer, &sample()).unwrap();
    assert_eq!(made["https://hasura.io/jwt/claims"]["x-hasura-default-role"], hostile);
    let unknown = BTreeMap::from([("rôle".to_owned(), String::new())]);
    assert_eq!(recipe.answers(&unknown), Err(RecipeError::NoQuestion("rôle".into())));
    let gcp = sessera_recipes::find("gcp").unwrap().unwrap();
    assert_eq!(gcp.answers(&BTreeMap::new()), Err(RecipeError::NoAnswer("audience".into())));
}
