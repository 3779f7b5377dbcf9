//! Ory's guide "Convert Ory Sessions to JSON Web Tokens", line by line, as `sh` runs it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sessera_jose::JwkSet;

use crate::server::{Server, alone};

const MAPPER: &str = "local session = std.extVar('session');\n// A comment, so that base64 needs more than one line.\n{ claims: { foo: 'baz', schema_id: session.identity.schema_id } }\n";

const QUOTED: &str = r#"
ory create jwk some-example-set --alg ES256 --format json-pretty > es256.jwks.json
JWKS_B64_ENCODED=$(cat es256.jwks.json | base64)
JSONNET_B64_ENCODED=$(cat claims.jsonnet | base64)
ory patch identity-config --add '/session/whoami/tokenizer/templates/jwt_example_template1={"jwks_url":"base64://'"$JWKS_B64_ENCODED"'","claims_mapper_url":"base64://'"$JSONNET_B64_ENCODED"'","ttl":"10m"}' --format yaml
ory get jwk some-example-set --public --format json-pretty > es256-public.jwks.json"#;

const UNQUOTED: &str = r#"
ory create jwk some-example-set --alg ES256 --project default --workspace mine --format json-pretty > es256.jwks.json
JWKS_B64_ENCODED=$(cat es256.jwks.json | base64)
JSONNET_B64_ENCODED=$(cat claims.jsonnet | base64)
ory patch identity-config {} --add '/session/whoami/tokenizer/templates/jwt_example_template1={"jwks_url":"base64://'$JWKS_B64_ENCODED'","claims_mapper_url":"base64://'$JSONNET_B64_ENCODED'","ttl":"10m"}' --format yaml
ory get jwk some-example-set --public --format json-pretty > es256-public.jwks.json"#;

async fn play(script: &str) -> (Server, String) {
    let server = Server::start();
    server.write("claims.jsonnet", MAPPER);
    let made = server.sh(script).good();
    assert!(made.out.contains("jwt_example_template1:"), "the configuration is printed as YAML: {made:?}");
    let token = server.register("ada@example.org").await;
    let answer = server.whoami(&token, "?tokenize_as=jwt_example_template1").await;
    let jwt = answer["tokenized"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let part = |at: usize| -> Value {
        let encoded = jwt.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    };
    let public: Value = serde_json::from_str(&server.read("es256-public.jwks.json")).unwrap();
    assert_eq!(public["set"], "some-example-set");
    assert!(public["keys"][0].get("d").is_none(), "no private member is exported");
    assert!(server.read("es256.jwks.json").contains("\"d\""), "the new key is printed whole");
    let set = JwkSet::from_value(public).unwrap();
    assert_eq!(part(0)["kid"], set.keys()[0].kid());
    assert_eq!((part(1)["foo"].as_str(), part(1)["schema_id"].as_str()), (Some("baz"), Some("default")));
    (server, made.err)
}

#[tokio::test]
async fn its_lines_work_with_quoted_variables() {
    let (_server, said) = play(QUOTED).await;
    assert_eq!(said, "");
}

#[tokio::test]
async fn its_lines_work_with_unquoted_variables() {
    let (server, said) = play(UNQUOTED).await;
    assert!(said.contains("placeholder"), "{said}");
    assert!(said.contains("split the value of --add") && said.contains(r#"'"$JWKS_B64_ENCODED"'"#), "{said}");
    let secret = server.read("es256.jwks.json").split("\"d\": \"").nth(1).unwrap()[..20].to_owned();
    assert!(!said.contains(&secret), "what is said holds no key");
}

#[test]
fn a_value_that_cannot_be_joined_is_an_error_that_shows_the_quoting() {
    let split = alone(&["patch", "identity-config", "--add", r#"/x={"a":"base64://AA"#, "--format", "yaml"]);
    let told: serde_json::Value = serde_json::from_str(&split.refused()).unwrap();
    let said = told["error"]["message"].as_str().unwrap();
    assert!(said.contains("single quotes") && said.contains(r#"'"$VARIABLE"'"#), "{said}");
    let said = alone(&["patch", "ic", "--replace", r#"/x={"a":"some"#, r#"words"}"#]).refused();
    assert!(said.contains("single quotes"), "{said}");
}
