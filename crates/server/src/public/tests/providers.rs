//! Signing in by a provider over HTTP, with one on this machine that says what a test has it say.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sessera_jose::{Algorithm, Jwk, JwkSet, Signer, generate};
use url::Url;

use super::client::Client;
use crate::testing::{Answer, TestServer};

const MAPPER: &str = "local claims = std.extVar('claims'); { identity: { traits: { email: claims.email } } }";

/// The time of the server's clock.
const NOW: i64 = 1_800_000_000;

/// A provider.
struct Provider {
    issuer: String,
    key: Jwk,
    /// What its next token says besides.
    says: Mutex<Value>,
}

impl Provider {
    /// One that listens.
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = generate::key(Algorithm::Es256, Some("k".into()), 2048).unwrap();
        let provider = Arc::new(Self { issuer, key, says: Mutex::default() });
        let router = axum::Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn say(&self, says: Value) {
        *self.says.lock().unwrap() = says;
    }
}

async fn metadata(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let set = JwkSet::new(vec![provider.key.clone()]).unwrap().public();
    Json(serde_json::to_value(set).unwrap())
}

async fn token(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let mut claims = json!({
        "iss": provider.issuer, "aud": "client", "sub": "ada", "email": "ada@example.org", "iat": NOW, "exp": NOW + 60,
    });
    let says = provider.says.lock().unwrap().clone();
    for (name, value) in says.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let token =
        Signer::new(&provider.key).unwrap().sign_compact("JWT", claims.to_string().as_bytes()).unwrap();
    Json(json!({"access_token": "access", "id_token": token}))
}

async fn server(provider: &Provider) -> TestServer {
    let one = |id: &str, issuer: &str| {
        json!({
            "id": id, "provider": "generic", "client_id": "client", "client_secret": "s", "issuer_url": issuer,
            "mapper_url": format!("base64://{}", STANDARD.encode(MAPPER)),
        })
    };
    let providers = json!([one("p", &provider.issuer), one("away", "http://127.0.0.1:1/")]);
    TestServer::configured(json!({"selfservice": {
        "allowed_return_urls": ["https://app.example.org/"],
        "methods": {"oidc": {"enabled": true, "config": {"providers": providers}}},
    }}))
    .await
}

/// The way back from where somebody was sent, with a code. The provider's next token is for them.
fn way_back(provider: &Provider, sent_to: &str) -> String {
    let url = Url::parse(sent_to).unwrap();
    let parameter = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    provider.say(json!({"nonce": parameter("nonce")}));
    let back = Url::parse(&parameter("redirect_uri")).unwrap();
    format!("{}?state={}&code=c", back.path(), parameter("state"))
}

/// Chooses the provider, as a script.
async fn leave(client: &mut Client<'_>, kind: &'static str, query: &str) -> Answer {
    let flow = client.begin(kind, query).await;
    client.submit(&flow, json!({"method": "oidc", "provider": "p"})).await
}

#[tokio::test]
async fn a_browser_signs_up_by_a_provider_and_goes_where_it_wanted() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let mut client = Client::browser(&server);
    let left = leave(&mut client, "login", "?return_to=https://app.example.org/x").await;
    assert_eq!((left.status, &left.body["error"]["id"]), (422, &json!("browser_location_change_required")));
    assert!(client.cookies.contains_key("ory_kratos_continuity"));
    let back = way_back(&provider, left.body["redirect_browser_to"].as_str().unwrap());
    let page = [("accept", "text/html")];
    let done = client.send("GET", &back, &page, b"").await;
    assert_eq!((done.status, done.header("location")), (303, "https://app.example.org/x"), "{done:?}");
    let whoami = client.get("/sessions/whoami").await;
    assert_eq!(whoami.body["authentication_methods"][0]["provider"], "p", "{whoami:?}");
    // Whoever goes back in the history is signed in already.
    let again = client.send("GET", &back, &page, b"").await;
    assert_eq!(again.status, 303, "{again:?}");
    // Coming back in a browser that has not left leads to the page for errors, and to JSON for scripts.
    let mut other = Client::browser(&server);
    let refused = other.send("GET", &back, &page, b"").await;
    assert!(refused.header("location").contains("/ui/error?id="), "{refused:?}");
    assert_eq!(other.get(&back).await.status, 404);
    assert_eq!(other.get("/self-service/methods/oidc/callback?state=x").await.status, 400);
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_and_the_browser_is_known_from_then_on() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let mut client = Client::browser(&server);
    let flow = client.begin("login", "").await;
    let away = client.submit(&flow, json!({"method": "oidc", "provider": "away"})).await;
    assert_eq!((away.status, &away.body["error"]["id"]), (500, &json!("invalid_configuration")));
    assert!(client.cookies.contains_key("ory_kratos_continuity"));
    let unknown = client.submit(&flow, json!({"method": "oidc", "provider": "nope"})).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_form_of_another_site_leads_to_the_same_address_by_get() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let mut client = Client::browser(&server);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "https://appleid.apple.com"),
        ("sec-fetch-site", "cross-site"),
    ];
    for path in ["/self-service/methods/oidc/callback/p", "/self-service/methods/oidc/callback"] {
        let sent = client.send("POST", path, &headers, b"state=a%26b&code=c").await;
        let expected = format!("http://127.0.0.1:4433{path}?state=a%26b&code=c");
        assert_eq!((sent.status, sent.header("location")), (302, expected.as_str()), "{sent:?}");
    }
    let refused = client.send("POST", "/self-service/login", &headers, b"").await;
    assert_eq!(refused.status, 403, "{refused:?}");
}

/// What the record says of those who were refused, the newest first: the method, the kind of the flow, and who it would
/// have been.
async fn refusals(server: &TestServer) -> Vec<(Value, Value, Value)> {
    let listed = server.admin("GET", "/admin/audit?action=proof_refused", None).await;
    assert!(!listed.text.contains("SECRET"), "{listed:?}");
    let told = |entry: &Value| {
        let about = &entry["about"];
        assert_eq!(about["flow"].is_null(), about["flow_id"].is_null(), "{about}");
        (about["method"].clone(), about["flow"].clone(), about["identity_id"].clone())
    };
    listed.body.as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn whoever_comes_back_in_vain_stands_in_the_record_once_with_the_method() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let callback = "/self-service/methods/oidc/callback/p";
    let method = || json!("oidc");
    let mut told = 0;
    let mut newest = async |expected: (Value, Value, Value)| {
        told += 1;
        let refusals = refusals(&server).await;
        assert_eq!((refusals.len(), &refusals[0]), (told, &expected));
        server.clock.advance(std::time::Duration::from_secs(1));
    };
    // To no flow, by the form of another site.
    let mut client = Client::browser(&server);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sent = client.send("POST", callback, &form, b"state=SECRET&code=SECRET").await;
    let url = Url::parse(sent.header("location")).unwrap();
    assert_eq!(client.get(&format!("{}?{}", url.path(), url.query().unwrap())).await.status, 400);
    newest((method(), Value::Null, Value::Null)).await;
    // In another browser than the one that left.
    let left = leave(&mut client, "login", "").await;
    let back = way_back(&provider, left.body["redirect_browser_to"].as_str().unwrap());
    assert_eq!(Client::browser(&server).get(&back).await.status, 400);
    newest((method(), json!("login"), Value::Null)).await;
    // With a refusal of the provider, when somebody signs in or up.
    for kind in ["login", "registration"] {
        let left = leave(&mut client, kind, "").await;
        let back = way_back(&provider, left.body["redirect_browser_to"].as_str().unwrap());
        let denied = back.replace("&code=c", "&error=access_denied");
        assert_eq!(client.get(&denied).await.status, 400);
        newest((method(), json!(kind), Value::Null)).await;
        // The way back is used up.
        assert_eq!(client.get(&back).await.status, 400);
        newest((method(), json!(kind), Value::Null)).await;
    }
    // Too late.
    let left = leave(&mut client, "login", "").await;
    let back = way_back(&provider, left.body["redirect_browser_to"].as_str().unwrap());
    server.clock.advance(std::time::Duration::from_hours(2));
    client.get(&back).await;
    newest((method(), json!("login"), Value::Null)).await;
    // When somebody links an account, who is known.
    let mut ada = Client::browser(&server).signed_in("ada@example.org").await;
    let id = ada.whoami().await.1["identity"]["id"].clone();
    let flow = ada.begin("settings", "").await;
    let left = ada.submit(&flow, json!({"method": "oidc", "link": "p"})).await;
    let back = way_back(&provider, left.body["redirect_browser_to"].as_str().unwrap());
    ada.get(&back.replace("&code=c", "&error=access_denied")).await;
    newest((method(), json!("settings"), id)).await;
}

#[tokio::test]
async fn an_app_that_brings_a_token_of_another_provider_along_is_told_what_to_do() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    for kind in ["login", "registration"] {
        let mut client = Client::native(&server);
        let flow = client.begin(kind, "").await;
        let fields = json!({"method": "oidc", "provider": "p", "id_token": "x", "id_token_nonce": "n"});
        let refused = client.submit(&flow, fields).await;
        assert_eq!(refused.status, 502, "{refused:?}");
        let reason = refused.body["error"]["reason"].as_str().unwrap();
        assert!(reason.contains("\"generic\"") && reason.contains("without id_token"), "{reason}");
    }
}

#[tokio::test]
async fn pages_have_buttons_that_lead_to_providers() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let mut client = Client::browser(&server);
    let begun = client.send("GET", "/self-service/login/browser", &[("accept", "text/html")], b"").await;
    let page = Url::parse(begun.header("location")).unwrap();
    let path = format!("{}?{}", page.path(), page.query().unwrap());
    let shown = client.send("GET", &path, &[("accept", "text/html")], b"").await;
    assert!(shown.text.contains("Sign in with p"), "{}", shown.text);
    let button = shown.text.find("name=\"provider\"").unwrap();
    assert!(shown.text.find("value=\"password\"").unwrap() < button, "Enter signs in with the password");
    let policy = shown.header("content-security-policy");
    assert!(policy.contains("https: ") && policy.contains(&provider.issuer), "{policy}");
    let mut client = Client::browser(&server).signed_in("ada@example.org").await;
    let begun = client.send("GET", "/self-service/settings/browser", &[("accept", "text/html")], b"").await;
    let page = Url::parse(begun.header("location")).unwrap();
    let path = format!("{}?{}", page.path(), page.query().unwrap());
    let shown = client.send("GET", &path, &[("accept", "text/html")], b"").await;
    assert!(shown.text.contains("Accounts elsewhere") && shown.text.contains("Link p"), "{}", shown.text);
}

#[tokio::test]
async fn a_native_client_fetches_its_session_with_both_codes() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let mut client = Client::native(&server);
    let query = "?return_session_token_exchange_code=true&return_to=https://app.example.org/back";
    let begun = client.get(&format!("/self-service/login/api{query}")).await;
    let first = begun.body["session_token_exchange_code"].as_str().unwrap().to_owned();
    let left =
        client.submit(&Client::begun("login", &begun), json!({"method": "oidc", "provider": "p"})).await;
    assert_eq!(left.status, 422, "{left:?}");
    let back = way_back(&provider, left.body["redirect_browser_to"].as_str().unwrap());
    let mut browser = Client::browser(&server);
    let done = browser.send("GET", &back, &[("accept", "text/html")], b"").await;
    let second =
        done.header("location").strip_prefix("https://app.example.org/back?code=").unwrap().to_owned();
    assert!(!browser.cookies.contains_key("ory_kratos_session"), "the browser is nobody");
    let fetch = |a: &str, b: &str| format!("/sessions/token-exchange?init_code={a}&return_to_code={b}");
    assert_eq!(client.get("/sessions/token-exchange?init_code=x").await.status, 400);
    assert_eq!(client.get(&fetch(&first, "x")).await.status, 404);
    let fetched = client.get(&fetch(&first, &second)).await;
    assert_eq!(fetched.status, 200, "{fetched:?}");
    assert_eq!(client.get(&fetch(&first, &second)).await.status, 404);
    client.token = fetched.body["session_token"].as_str().map(str::to_owned);
    assert_eq!(client.get("/sessions/whoami").await.body["identity"]["traits"]["email"], "ada@example.org");
}

#[tokio::test]
async fn an_administrator_sees_the_tokens_of_the_provider_when_asking_for_them() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let mut client = Client::browser(&server);
    let left = leave(&mut client, "registration", "").await;
    let back = way_back(&provider, left.body["redirect_browser_to"].as_str().unwrap());
    client.send("GET", &back, &[("accept", "text/html")], b"").await;
    let id = client.get("/sessions/whoami").await.body["identity"]["id"].as_str().unwrap().to_owned();
    let shown = server.admin("GET", &format!("/admin/identities/{id}"), None).await;
    assert_eq!(shown.body["credentials"]["oidc"]["identifiers"], json!(["p:ada"]));
    assert!(!shown.text.contains("initial_access_token"));
    let path = format!("/admin/identities/{id}?include_credential=oidc");
    let shown = server.admin("GET", &path, None).await;
    let account = &shown.body["credentials"]["oidc"]["config"]["providers"][0];
    assert_eq!((&account["subject"], &account["initial_access_token"]), (&json!("ada"), &json!("access")));
}
