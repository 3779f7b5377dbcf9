//! Signing in and up by other providers, and linking accounts there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sessera_model::{AssuranceLevel, CredentialKind};

use super::mapper::Mapper;
use crate::flows::crossing::{Crossed, cross};
use crate::flows::error::FlowError;
use crate::flows::exchange;
use crate::flows::flow::{LoginDetails, RegistrationDetails, SettingsDetails, Transport};
use crate::flows::login::LoginRequest;
use crate::flows::skeleton::{Kind, Outcome, Shown};
use crate::flows::trip::Back;
use crate::providers::ProviderError;
use crate::testing::{Client, FIRST, PASSWORD, TestAccounts, again, done, hook, names, node, refusal, said};

const MAPPER: &str = "
    local claims = std.extVar('claims');
    { identity: {
        traits: { [if std.objectHas(claims, 'email') then 'email']: claims.email, name: { first: std.get(claims, 'name', '') } },
        metadata_public: { by: claims.iss },
        verified_addresses: if std.get(claims, 'email_verified', false) then [{ via: 'email', value: claims.email }] else [],
    } }";

fn provider(id: &str) -> Value {
    json!({
        "id": id, "provider": "generic", "client_id": "c", "client_secret": "s", "issuer_url": "https://provider.example",
        "mapper_url": format!("base64://{}", STANDARD.encode(MAPPER)),
    })
}

async fn accounts_with(change: Value) -> TestAccounts {
    accounts_of(change, json!({})).await
}

/// With changes of the first provider and more of what signing up has.
async fn accounts_of(change: Value, sign_up: Value) -> TestAccounts {
    let mut first = provider("first");
    for (name, value) in change.as_object().unwrap() {
        first[name] = value.clone();
    }
    let providers = json!([provider("second"), first, provider("away")]);
    let oidc = json!({"enabled": true, "config": {"providers": providers}});
    let mut registration = sign_up;
    registration["after"] = json!({"hooks": [{"hook": "session"}]});
    let tree = json!({"selfservice": {"methods": {"oidc": oidc}, "flows": {"verification": {"enabled": true}, "registration": registration}}});
    TestAccounts::configured(tree).await
}

async fn accounts() -> TestAccounts {
    accounts_with(json!({})).await
}

fn ada() -> Value {
    json!({"sub": "ada", "email": "ada@example.org", "email_verified": true, "name": "Ada"})
}

/// What somebody brings back from an address at a provider.
fn back(url: &str) -> Back {
    let (_, state) = url.split_once("state=").unwrap();
    let state = state.split('&').next().unwrap().to_owned();
    Back {
        method: "oidc",
        provider: Some("first".into()),
        state,
        parameters: vec![("code".into(), "x".into())],
    }
}

impl Client<'_> {
    /// Chooses a provider: where somebody goes. The browser keeps its cookie.
    async fn leave<K: Kind>(&mut self, shown: &Shown<K>, fields: Value) -> String {
        match self.submit(shown, fields).await.unwrap() {
            Outcome::Elsewhere { departure, .. } => {
                self.visitor.travellers.extend(departure.new_cookie);
                departure.url
            }
            _ => panic!("nobody is sent anywhere"),
        }
    }

    /// Comes back to a flow.
    async fn come_back<K: Kind>(&self, back: &Back) -> Result<Outcome<K>, FlowError> {
        self.flows().returned(back.flow().unwrap().1, back).await
    }

    /// Begins to sign in by a provider, and comes back.
    async fn by_provider(&mut self, person: Value) -> Outcome<LoginDetails> {
        self.accounts().providers.say(person);
        let shown = self.login(FIRST).await;
        let url = self.leave(&shown, json!({"provider": "first"})).await;
        self.come_back(&back(&url)).await.unwrap()
    }

    /// Goes on in another flow.
    async fn crossed<K: Kind>(&self, outcome: Outcome<K>) -> Crossed {
        match outcome {
            Outcome::Crosses(crossing) => cross(&self.flows(), crossing).await.unwrap(),
            _ => panic!("they stay in this flow"),
        }
    }

    /// Signs up by a provider.
    async fn signed_up(&mut self, person: Value) {
        let outcome = self.by_provider(person).await;
        match self.crossed(outcome).await {
            Crossed::Registration(outcome) => self.session = Some(done(outcome).signed_in.unwrap().session),
            Crossed::Login(outcome) => panic!("{outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_newcomer_signs_up_and_is_known_from_then_on() {
    let accounts = accounts().await;
    let mut client = Client::browser(&accounts);
    let shown = client.login(FIRST).await;
    assert_eq!(names(&shown)[..4], ["provider", "provider", "provider", "csrf_token"]);
    assert_eq!(node(&shown, "provider")["attributes"]["value"], "away", "they are in order");
    client.signed_up(ada()).await;
    let session = client.session.clone().unwrap();
    assert_eq!(
        (session.methods[0].method.as_str(), session.methods[0].provider.as_deref()),
        ("oidc", Some("first"))
    );
    let store = &accounts.parts.store;
    let identity = store.identity(session.identity_id).await.unwrap().unwrap();
    assert_eq!(identity.traits["name"]["first"], "Ada");
    assert_eq!(identity.metadata_public, Some(json!({"by": "https://provider.example"})));
    assert!(identity.verifiable_addresses[0].verified, "the provider has verified it");
    let kept = async || {
        let credentials = store.credentials(identity.id).await.unwrap();
        credentials.into_iter().find(|credential| credential.kind == CredentialKind::Oidc).unwrap()
    };
    let oidc = kept().await;
    assert_eq!(oidc.identifiers, ["first:ada"]);
    let first = &oidc.config.expose()["providers"][0]["initial_access_token"];
    assert_eq!(first, "access to ada@example.org");
    // The nonce and the verifier that left come back, and the provider's word of the address counts once.
    let seen = accounts.providers.seen.lock().unwrap().clone();
    assert_eq!(seen[0], seen[1]);
    let mut again = Client::browser(&accounts);
    let mut moved = ada();
    moved["email"] = json!("other@example.org");
    let known = done(again.by_provider(moved).await);
    assert_eq!(known.identity, identity);
    let later = kept().await;
    assert_eq!(&later.config.expose()["providers"][0]["initial_access_token"], first, "the first one stays");
}

#[tokio::test]
async fn an_answer_is_good_for_its_flow_its_browser_and_its_provider_once() {
    let accounts = accounts().await;
    accounts.providers.say(ada());
    let mut client = Client::browser(&accounts);
    let shown = client.login(FIRST).await;
    let url = client.leave(&shown, json!({"provider": "first"})).await;
    let good = back(&url);
    // Another browser, with a cookie of its own or with none.
    let mut other = Client::browser(&accounts);
    for cookies in [vec![], vec!["another cookie".to_owned()]] {
        other.visitor.travellers = cookies;
        assert!(matches!(other.come_back::<LoginDetails>(&good).await, Err(FlowError::NoTrip)));
    }
    // Another provider, another state of the same flow, and a flow from which nobody has left.
    let mixed_up = Back { provider: Some("second".into()), ..good.clone() };
    assert!(matches!(client.come_back::<LoginDetails>(&mixed_up).await, Err(FlowError::NoTrip)));
    let shared = Back { provider: None, ..good.clone() };
    assert!(matches!(client.come_back::<LoginDetails>(&shared).await, Err(FlowError::NoTrip)));
    let mut forged = good.clone();
    forged.state.replace_range(60.., "AAAAA");
    assert!(matches!(client.come_back::<LoginDetails>(&forged).await, Err(FlowError::NoTrip)));
    let idle = client.login(FIRST).await;
    let mut of_idle = good.clone();
    of_idle.state.replace_range(1..33, &idle.flow.id.simple().to_string());
    assert!(matches!(client.come_back::<LoginDetails>(&of_idle).await, Err(FlowError::NoTrip)));
    // None of them has used it up, and what belongs together does.
    let outcome = client.come_back::<LoginDetails>(&good).await.unwrap();
    assert!(matches!(outcome, Outcome::Crosses(_)));
    assert!(matches!(client.come_back::<LoginDetails>(&good).await, Err(FlowError::NoTrip)));
    // Whoever has signed in meanwhile and goes back is led on.
    client.signed_up(json!({"sub": "grace", "email": "grace@example.org"})).await;
    let outcome = client.come_back::<LoginDetails>(&good).await;
    assert!(matches!(outcome, Err(FlowError::SignedInAlready(_) | FlowError::NoTrip)), "{outcome:?}");
}

#[tokio::test]
async fn what_the_schema_asks_for_is_typed_and_the_provider_is_asked_again() {
    let accounts = accounts().await;
    let mut client = Client::browser(&accounts);
    let outcome = client.by_provider(json!({"sub": "ada", "name": "Ada"})).await;
    let Crossed::Registration(outcome) = client.crossed(outcome).await else { panic!("they sign in") };
    let shown: Shown<RegistrationDetails> = again(outcome);
    assert_eq!(names(&shown)[..3], ["provider", "csrf_token", "traits.email"]);
    assert_eq!(said(&shown), [4_000_002]);
    assert_eq!(node(&shown, "traits.name.first")["attributes"]["value"], "Ada");
    assert_eq!(shown.to_json()["active"], "oidc");
    let typed = json!({"method": "oidc", "provider": "first", "traits": {"email": "ada@example.org"}});
    let url = client.leave(&shown, typed).await;
    let done = done(client.come_back::<RegistrationDetails>(&back(&url)).await.unwrap());
    let address = &done.identity.verifiable_addresses[0];
    assert_eq!(
        (address.value.as_str(), address.verified),
        ("ada@example.org", false),
        "nobody has verified it"
    );
}

#[tokio::test]
async fn an_address_that_is_taken_leads_to_the_account_and_signing_in_there_links() {
    let accounts = accounts().await;
    let identity = accounts.person("ada@example.org").await;
    accounts.person("grace@example.org").await;
    // That the provider says that it has verified the address opens nothing.
    let mut client = Client::browser(&accounts);
    let outcome = client.by_provider(ada()).await;
    let Crossed::Login(outcome) = client.crossed(outcome).await else { panic!("they sign up") };
    let shown = again(outcome);
    assert_eq!(said(&shown), [1_010_016]);
    assert_eq!(shown.form.messages[0].context["duplicate_identifier"], "ada@example.org");
    assert_eq!(node(&shown, "identifier")["attributes"]["type"], "hidden");
    assert_eq!(node(&shown, "provider")["meta"]["label"]["id"], 1_010_018);
    let password =
        |identifier: &str| json!({"method": "password", "identifier": identifier, "password": PASSWORD});
    let other = client.again(&shown, password("grace@example.org")).await;
    assert_eq!(said(&other), [4_010_009], "it is another account");
    let linked = done(client.submit(&shown, password("ada@example.org")).await.unwrap());
    assert_eq!(linked.identity.id, identity.id);
    let methods: Vec<_> =
        linked.signed_in.session.methods.iter().map(|given| given.method.as_str()).collect();
    assert_eq!(methods, ["password", "oidc"]);
    let mut later = Client::browser(&accounts);
    assert_eq!(done(later.by_provider(ada()).await).identity.id, identity.id);
}

#[tokio::test]
async fn whoever_links_an_account_is_told_how_to_sign_in_to_it_where_that_is_on() {
    for is_on in [true, false] {
        let accounts = accounts_of(json!({}), json!({"login_hints": is_on})).await;
        accounts.person("ada@example.org").await;
        let mut client = Client::browser(&accounts);
        let outcome = client.by_provider(ada()).await;
        let Crossed::Login(outcome) = client.crossed(outcome).await else { panic!("they sign up") };
        let context = again(outcome).form.messages[0].context.clone();
        let methods = if is_on { json!(["password"]) } else { json!([]) };
        assert_eq!(
            (&context["available_credential_types"], &context["available_providers"]),
            (&methods, &json!([]))
        );
    }
}

#[tokio::test]
async fn nothing_is_linked_before_the_second_factor() {
    let oidc = json!({"enabled": true, "config": {"providers": [provider("first")]}});
    let methods = json!({"oidc": oidc, "totp": {"enabled": true}});
    let accounts = TestAccounts::configured(json!({"selfservice": {"methods": methods}})).await;
    let mut ada_s = Client::browser(&accounts).signed_in("ada@example.org").await;
    let secret = ada_s.set_up_app().await;
    let mut client = Client::browser(&accounts);
    let outcome = client.by_provider(ada()).await;
    let Crossed::Login(outcome) = client.crossed(outcome).await else { panic!("they sign up") };
    let shown = again(outcome);
    let password = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let half = done(client.submit(&shown, password).await.unwrap());
    assert!(half.needs_second_factor);
    let is_linked = async || {
        let credentials = accounts.parts.store.credentials(half.identity.id).await.unwrap();
        credentials.iter().any(|credential| credential.kind == CredentialKind::Oidc)
    };
    assert!(!is_linked().await);
    let next = half.next.as_ref().unwrap();
    client.session = Some(half.signed_in.session.clone());
    client.visitor.browsers = vec![next.form_cookie.clone()];
    let shown = client.flows().show::<LoginDetails>(Some(&next.id.to_string())).await.unwrap();
    let code = client.app_code(&secret, 1);
    let whole = done(client.submit(&shown, code).await.unwrap());
    assert!(is_linked().await);
    assert_eq!(whole.signed_in.session.methods.last().unwrap().method, "oidc");
}

#[tokio::test]
async fn nobody_signs_up_where_that_is_off_and_accounts_are_linked_all_the_same() {
    let oidc = json!({"enabled": true, "config": {"providers": [provider("first")]}});
    let tree =
        json!({"selfservice": {"methods": {"oidc": oidc}, "flows": {"registration": {"enabled": false}}}});
    let accounts = TestAccounts::configured(tree).await;
    accounts.person("ada@example.org").await;
    let mut client = Client::browser(&accounts);
    let outcome = client.by_provider(json!({"sub": "x", "email": "new@example.org"})).await;
    let Crossed::Login(outcome) = client.crossed(outcome).await else { panic!("they sign up") };
    assert_eq!(said(&again(outcome)), [4_000_001]);
    let outcome = client.by_provider(ada()).await;
    let Crossed::Login(outcome) = client.crossed(outcome).await else { panic!("they sign up") };
    assert_eq!(said(&again(outcome)), [1_010_016]);
}

#[tokio::test]
async fn hooks_before_a_flow_are_asked_however_it_begins() {
    let oidc = json!({"enabled": true, "config": {"providers": [provider("first")]}});
    let before = json!([hook("/before", json!({"response": {"parse": true}}))]);
    let flows = json!({"registration": {"before": {"hooks": before}}});
    let accounts =
        TestAccounts::configured(json!({"selfservice": {"methods": {"oidc": oidc}, "flows": flows}})).await;
    accounts.hooks.answer("/before", refusal("#"));
    let mut client = Client::browser(&accounts);
    let Outcome::Crosses(crossing) = client.by_provider(ada()).await else { panic!("they stay") };
    let crossed = cross(&client.flows(), crossing).await;
    assert!(matches!(crossed, Err(FlowError::RefusedByHook(_))), "{crossed:?}");
    assert_eq!(accounts.hooks.calls().len(), 1);
}

#[tokio::test]
async fn accounts_are_linked_and_unlinked_but_for_the_last_way_in() {
    let accounts = accounts().await;
    let mut client = Client::browser(&accounts);
    client.signed_up(ada()).await;
    let shown = client.settings().await;
    let buttons = |shown: &Shown<SettingsDetails>| {
        let form = shown.form.to_json();
        let nodes = form["nodes"].as_array().unwrap().clone();
        let oidc = nodes.into_iter().filter(|node| node["group"] == "oidc");
        oidc.map(|node| format!("{} {}", node["attributes"]["name"], node["attributes"]["value"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(buttons(&shown), ["\"link\" \"away\"", "\"link\" \"second\""]);
    for fields in [json!({"unlink": "first"}), json!({"link": "nope"}), json!({"link": "first"})] {
        assert_eq!(said(&client.again(&shown, fields).await), [4_000_001]);
    }
    accounts.providers.say(json!({"sub": "other"}));
    let url = client.leave(&shown, json!({"link": "second"})).await;
    let from_second = Back { provider: Some("second".into()), ..back(&url) };
    let saved = done(client.come_back::<SettingsDetails>(&from_second).await.unwrap());
    assert_eq!(saved.signed_in.unwrap().session.methods.last().unwrap().provider.as_deref(), Some("second"));
    client.look_again().await;
    assert_eq!(buttons(&saved.shown), ["\"link\" \"away\"", "\"unlink\" \"first\"", "\"unlink\" \"second\""]);
    let shown = client.change(&saved.shown, json!({"unlink": "first"})).await;
    assert_eq!(buttons(&shown), ["\"link\" \"away\"", "\"link\" \"first\""]);
}

#[tokio::test]
async fn what_a_provider_refuses_is_said_and_what_it_cannot_is_an_error() {
    let accounts = accounts().await;
    let mut client = Client::browser(&accounts);
    let shown = client.login(FIRST).await;
    let away = client.submit(&shown, json!({"provider": "away"})).await;
    let Err(FlowError::Provider { new_cookie, .. }) = away else { panic!("{away:?}") };
    assert!(new_cookie.is_some(), "a browser is recognised from then on");
    let unknown = client.submit(&shown, json!({"provider": "nope"})).await;
    assert!(matches!(unknown, Err(FlowError::NoSuchProvider)));
    assert_eq!(said(&client.again(&shown, json!({"method": "oidc"})).await), [4_010_002]);
    for parameters in [vec![], vec![("error".to_owned(), "access_denied".to_owned())]] {
        let url = client.leave(&shown, json!({"provider": "first"})).await;
        let refused = Back { parameters, ..back(&url) };
        assert_eq!(said(&again(client.come_back::<LoginDetails>(&refused).await.unwrap())), [4_000_001]);
    }
    for (error, is_said) in
        [(ProviderError::Refused("nonce".into()), true), (ProviderError::Failed("status 500".into()), false)]
    {
        accounts.providers.fail(error);
        let url = client.leave(&shown, json!({"provider": "first"})).await;
        match client.come_back::<LoginDetails>(&back(&url)).await {
            Ok(outcome) => assert_eq!((said(&again(outcome)), is_said), (vec![4_000_001], true)),
            Err(error) => assert!(matches!(error, FlowError::Provider { .. }) && !is_said, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_native_client_fetches_the_session_that_began_in_a_browser_once() {
    let accounts = accounts().await;
    accounts.providers.say(ada());
    let mut client = Client::native(&accounts);
    let flows = client.flows();
    let shown = flows.begin::<LoginDetails>(Transport::Api, None, FIRST).await.unwrap();
    let shown = exchange::give_code(&flows, shown).await.unwrap();
    let first = shown.to_json()[exchange::FIRST_CODE].as_str().unwrap().to_owned();
    let url = client.leave(&shown, json!({"provider": "first"})).await;
    let outcome = Client::browser(&accounts).come_back::<LoginDetails>(&back(&url)).await.unwrap();
    let browser = Client::browser(&accounts);
    let Crossed::Registration(outcome) = browser.crossed(outcome).await else { panic!("they sign in") };
    let second = done(outcome).return_code.unwrap();
    let visit = browser.flows().visit;
    for (a, b) in [(first.as_str(), "x"), ("x", second.as_str()), (second.as_str(), first.as_str())] {
        assert!(exchange::fetch(&visit, a, b).await.unwrap().is_none());
    }
    let fetched = exchange::fetch(&visit, &first, &second).await.unwrap().unwrap();
    assert_eq!(fetched.identity.traits["email"], "ada@example.org");
    assert!(fetched.token.expose().starts_with("ory_st_"));
    assert!(exchange::fetch(&visit, &first, &second).await.unwrap().is_none(), "they are good once");
    // Without that code nobody comes back to a native client.
    let shown = client.login(FIRST).await;
    let url = client.leave(&shown, json!({"provider": "first"})).await;
    assert!(matches!(browser.come_back::<LoginDetails>(&back(&url)).await, Err(FlowError::NoTrip)));
}

#[tokio::test]
async fn a_native_app_brings_a_token_along() {
    let accounts = accounts().await;
    let client = Client::native(&accounts);
    let mut person = ada();
    person["nonce"] = json!("n");
    accounts.providers.say(person);
    let shown = client.login(FIRST).await;
    let fields = |nonce: &str| json!({"method": "oidc", "provider": "first", "id_token": "x", "id_token_nonce": nonce});
    for (nonce, says) in [("", "names a nonce"), ("other", "names another nonce")] {
        let outcome = client.submit(&shown, fields(nonce)).await;
        let Err(FlowError::Provider { error: ProviderError::NotTaken(why), .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(why.contains(says), "{why}");
    }
    let outcome = client.submit(&shown, fields("n")).await.unwrap();
    let Crossed::Registration(outcome) = client.crossed(outcome).await else { panic!("they sign in") };
    let registered = done(outcome);
    assert!(registered.return_code.is_none() && registered.signed_in.unwrap().token.is_some());
}

#[tokio::test]
async fn signing_in_again_is_by_what_is_linked_and_as_the_same_person() {
    let accounts = accounts().await;
    let mut client = Client::browser(&accounts);
    client.signed_up(ada()).await;
    let wish = LoginRequest { requested_aal: AssuranceLevel::Aal1, refresh: true };
    let shown = client.login(wish).await;
    let buttons = names(&shown).into_iter().filter(|name| *name == "provider").count();
    assert_eq!(buttons, 1);
    let fields = json!({"provider": "first", "upstream_parameters": {"prompt": "login", "evil": "x"}});
    let url = client.leave(&shown, fields).await;
    assert!(url.contains("&again&prompt=login") && !url.contains("evil"), "{url}");
    accounts.providers.say(json!({"sub": "somebody else"}));
    let outcome = client.come_back::<LoginDetails>(&back(&url)).await.unwrap();
    assert_eq!(said(&again(outcome)), [4_010_009]);
    accounts.providers.say(ada());
    let url = client.leave(&shown, json!({"provider": "first"})).await;
    let renewed = done(client.come_back::<LoginDetails>(&back(&url)).await.unwrap());
    assert_eq!(renewed.signed_in.session.id, client.session.unwrap().id);
}

#[tokio::test]
async fn a_provider_may_vouch_for_two_factors_and_traits_may_follow_it() {
    let change = json!({"aal2_acr_values": ["two"], "aal2_amr_values": ["mfa"], "update_identity_on_login": "automatic"});
    let accounts = accounts_with(change).await;
    Client::browser(&accounts).signed_up(ada()).await;
    for (claim, value, level) in [
        ("acr", json!("one"), AssuranceLevel::Aal1),
        ("acr", json!("two"), AssuranceLevel::Aal2),
        ("amr", json!(["pwd", "mfa"]), AssuranceLevel::Aal2),
    ] {
        let mut person = ada();
        person[claim] = value;
        person["name"] = json!("Augusta");
        let outcome = Client::browser(&accounts).by_provider(person).await;
        let logged_in = done(outcome);
        assert_eq!(logged_in.signed_in.session.assurance_level, level);
        assert_eq!(logged_in.identity.traits["name"]["first"], "Augusta");
        assert!(logged_in.identity.verifiable_addresses[0].verified);
    }
}

#[test]
fn the_mappers_that_are_printed_work_for_people_without_an_address_too() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/social.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, in_yaml) = page.split_once("mapper_url: ").unwrap();
    let (_, alone) = page.split_once("```jsonnet\n").unwrap();
    let alone = STANDARD.encode(alone.split("```").next().unwrap());
    for url in [in_yaml.lines().next().unwrap(), &format!("base64://{alone}")] {
        let mapper = Mapper::compile(url).unwrap();
        let mapped = |claims: Value| {
            let mut claims = claims.as_object().unwrap().clone();
            claims.insert("raw_claims".into(), json!({}));
            mapper.map(&claims, None).unwrap()
        };
        let whole = mapped(ada());
        assert_eq!(whole.traits, json!({"email": "ada@example.org"}));
        assert_eq!(whole.verified, [("email".to_owned(), "ada@example.org".to_owned())]);
        for without in [json!({"sub": "ada"}), json!({"sub": "ada", "email_verified": true})] {
            let mapped = mapped(without);
            assert!(mapped.traits == json!({}) && mapped.verified.is_empty());
        }
    }
}

#[tokio::test]
async fn an_address_of_another_account_does_not_follow_the_provider_and_locks_nobody_out() {
    let accounts = accounts_with(json!({"update_identity_on_login": "automatic"})).await;
    Client::browser(&accounts).signed_up(ada()).await;
    accounts.person("grace@example.org").await;
    let mut person = ada();
    person["email"] = json!("grace@example.org");
    person["iss"] = json!("https://moved.example");
    let known = done(Client::browser(&accounts).by_provider(person).await).identity;
    assert_eq!(known.traits["email"], "ada@example.org");
    assert_eq!(known.metadata_public.unwrap()["by"], "https://moved.example", "the rest follows");
    let stored = accounts.parts.store.identity(known.id).await.unwrap().unwrap();
    assert_eq!(stored.verifiable_addresses[0].value, "ada@example.org");
}

#[tokio::test]
async fn whoever_is_disabled_stays_out() {
    let accounts = accounts().await;
    let mut client = Client::browser(&accounts);
    client.signed_up(ada()).await;
    accounts.disable(client.session.unwrap().identity_id).await;
    let outcome = Client::browser(&accounts).by_provider(ada()).await;
    assert_eq!(said(&again(outcome)), [4_010_011]);
}

#[test]
fn what_makes_no_sense_is_named_with_its_place() {
    use sessera_config::Config;
    for (change, expected) in [
        (json!({"id": "a/b"}), "/0/id"),
        (json!({"id": ".."}), "/0/id"),
        (json!({"client_id": ""}), "/0/client_id"),
        (json!({"client_secret": ""}), "/0/client_secret"),
        (json!({"issuer_url": null}), "/0/issuer_url"),
        (json!({"mapper_url": "https://example.org/x"}), "/0/mapper_url"),
        (json!({"provider": "apple"}), "/0/apple_private_key"),
        (json!({"provider": "microsoft"}), "/0/microsoft_tenant"),
        (json!({"id": "other"}), "/1/id"),
    ] {
        let mut first = provider("first");
        for (name, value) in change.as_object().unwrap() {
            first[name] = value.clone();
        }
        let providers = json!([first, provider("other")]);
        let tree = json!({"selfservice": {"methods": {"oidc": {"enabled": true, "config": {"providers": providers}}}}});
        let mut problems = Vec::new();
        super::compile(&Config::from_tree(&tree).unwrap(), &mut problems);
        assert!(problems.iter().any(|problem| problem.pointer.ends_with(expected)), "{change}: {problems:?}");
    }
}
