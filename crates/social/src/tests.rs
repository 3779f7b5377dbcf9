//! The providers against a stub: what they are asked, and which of their answers count.

use std::collections::HashMap;
use std::sync::Mutex;

use sessera_config::Config;
use sessera_jose::{Algorithm, Jwk, JwkSet, Signer, generate};

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ISSUER: &str = "https://provider.example";
const BACK: &str = "https://id.example.org/self-service/methods/oidc/callback/p";

/// What was asked: the address, the headers, and the body.
type Seen = (String, Vec<(String, String)>, String);

/// A network on which answers lie at addresses.
#[derive(Default)]
struct Stub {
    answers: Mutex<HashMap<String, (u16, Value)>>,
    seen: Mutex<Vec<Seen>>,
}

#[async_trait]
impl Web for Stub {
    async fn ask(&self, ask: Ask<'_>) -> Result<web::Reply, String> {
        let body = match ask.body {
            Body::None => "",
            Body::Form(body) | Body::Json(body) => body,
        };
        let headers = ask.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.seen.lock().unwrap().push((ask.url.to_owned(), headers, body.to_owned()));
        let place = ask.url.split('?').next().unwrap_or_default();
        let answer = self.answers.lock().unwrap().get(place).cloned();
        let (status, body) = answer.ok_or_else(|| "is not there".to_owned())?;
        Ok(web::Reply { is_good: status == 200, status, body: body.to_string().into_bytes() })
    }
}

/// The providers with a network that a test fills.
struct World {
    social: Social,
    web: Arc<Stub>,
    key: Jwk,
}

fn key(kid: &str) -> Jwk {
    generate::key(Algorithm::Es256, Some(kid.to_owned()), 2048).unwrap()
}

impl World {
    fn new() -> Self {
        let web = Arc::new(Stub::default());
        let world = Self { social: Social::new(web.clone()), web, key: key("k1") };
        world.publish(ISSUER, json!({}));
        world
    }

    fn answer(&self, url: &str, body: Value) {
        self.web.answers.lock().unwrap().insert(url.to_owned(), (200, body));
    }

    /// A provider that speaks OpenID Connect.
    fn publish(&self, issuer: &str, change: Value) {
        let mut metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "code_challenge_methods_supported": ["S256"],
        });
        for (name, value) in change.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        self.answer(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')), metadata);
        self.publish_keys(issuer, &self.key);
    }

    fn publish_keys(&self, issuer: &str, key: &Jwk) {
        let set = JwkSet::new(vec![key.clone()]).unwrap().public();
        self.answer(&format!("{issuer}/jwks"), serde_json::to_value(set).unwrap());
    }

    fn token(&self, change: Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": "client", "sub": "ada", "nonce": "n", "email": "ada@example.org",
            "iat": NOW.seconds(), "exp": NOW.seconds() + 60,
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            }
        }
        Signer::new(&self.key).unwrap().sign_compact("JWT", claims.to_string().as_bytes()).unwrap()
    }

    /// Gives out tokens for any code.
    fn give_out(&self, url: &str, change: Value) {
        let mut tokens = json!({"access_token": "access", "refresh_token": "refresh"});
        for (name, value) in change.as_object().unwrap() {
            tokens[name] = value.clone();
        }
        self.answer(url, tokens);
    }

    async fn vouched(&self, provider: &Provider) -> Result<Vouched, ProviderError> {
        self.vouched_with(provider, &[]).await
    }

    async fn vouched_with(
        &self,
        provider: &Provider,
        parameters: &[(String, String)],
    ) -> Result<Vouched, ProviderError> {
        let answer = Answer {
            redirect_uri: BACK,
            code: "code",
            parameters,
            nonce: "n",
            verifier: Some("v"),
            now: NOW,
        };
        self.social.vouched(provider, answer).await
    }

    /// The claims of somebody for whom a token vouches.
    async fn by_token(&self, change: Value) -> Result<Vouched, ProviderError> {
        self.give_out(&format!("{ISSUER}/token"), json!({"id_token": self.token(change)}));
        self.vouched(&provider(json!({}))).await
    }

    async fn way(&self, provider: &Provider) -> Result<(Url, AuthorizationRedirect), ProviderError> {
        let question = Question {
            redirect_uri: BACK,
            state: "state",
            nonce: "n",
            verifier: "v",
            is_refresh: false,
            hints: &[],
            now: NOW,
        };
        let way = self.social.way(provider, question).await?;
        Ok((Url::parse(&way.url).unwrap(), way))
    }

    fn asked(&self) -> Vec<Seen> {
        std::mem::take(&mut self.web.seen.lock().unwrap())
    }
}

/// A provider as the configuration has it.
fn provider(change: Value) -> Provider {
    let mut provider = json!({
        "id": "p", "provider": "generic", "client_id": "client", "client_secret": "secret word", "issuer_url": ISSUER,
        "mapper_url": "base64://e30=", "scope": ["email"],
    });
    for (name, value) in change.as_object().unwrap() {
        provider[name] = value.clone();
    }
    let tree = json!({"selfservice": {"methods": {"oidc": {"config": {"providers": [provider]}}}}});
    let config = Config::from_tree(&tree).unwrap();
    config.selfservice.methods.oidc.config.providers[0].clone()
}

fn parameters(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

fn is_refused<T>(outcome: &Result<T, ProviderError>) -> bool {
    matches!(outcome, Err(ProviderError::Refused(_)))
}

#[tokio::test]
async fn somebody_is_sent_there_with_all_that_binds_the_answer() {
    let world = World::new();
    let claims = json!({"id_token": {"email": {"essential": true}}});
    let (url, way) = world.way(&provider(json!({"requested_claims": claims}))).await.unwrap();
    let sent = parameters(&url);
    assert_eq!(url.as_str().split('?').next(), Some("https://provider.example/authorize"));
    assert!(way.is_verified);
    let challenge = base64url::encode(digest(&SHA256, b"v").as_ref());
    for (name, value) in [
        ("client_id", "client"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("state", "state"),
        ("nonce", "n"),
        ("scope", "email openid"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("claims", r#"{"id_token":{"email":{"essential":true}}}"#),
    ] {
        assert_eq!(sent.get(name).map(String::as_str), Some(value), "{name}");
    }
    let (url, way) = world.way(&provider(json!({"pkce": "never"}))).await.unwrap();
    assert!(!way.is_verified && !parameters(&url).contains_key("code_challenge"));
    // What the provider says of itself is asked for once.
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn the_code_is_exchanged_with_the_secret_and_the_claims_are_those_of_the_token() {
    let world = World::new();
    let vouched = world.by_token(json!({"groups": ["a"]})).await.unwrap();
    assert_eq!(
        (&vouched.claims["sub"], &vouched.claims["email"]),
        (&json!("ada"), &json!("ada@example.org"))
    );
    assert_eq!(vouched.claims["raw_claims"]["groups"], json!(["a"]));
    assert_eq!(vouched.tokens.refresh_token.as_deref(), Some("refresh"));
    let asked = world.asked();
    let (_, headers, body) = asked.iter().find(|(url, ..)| url.ends_with("/token")).unwrap();
    let basic = format!("Basic {}", STANDARD.encode("client:secret+word"));
    assert!(headers.contains(&("authorization".into(), basic)), "{headers:?}");
    assert!(
        body.contains("code_verifier=v") && body.contains("code=code") && !body.contains("secret"),
        "{body}"
    );
    world.publish(ISSUER, json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}));
    let world = World { social: Social::new(world.web.clone()), ..world };
    world.by_token(json!({})).await.unwrap();
    let asked = world.asked();
    let (_, headers, body) = asked.iter().find(|(url, ..)| url.ends_with("/token")).unwrap();
    assert!(body.contains("client_secret=secret+word") && headers.len() == 1, "{body}");
}

#[tokio::test]
async fn a_token_counts_only_when_everything_in_it_is_right() {
    let world = World::new();
    for change in [
        json!({"iss": "https://other.example"}),
        json!({"aud": "somebody else"}),
        json!({"aud": ["client", "other"], "azp": "other"}),
        json!({"nonce": "other"}),
        json!({"nonce": null}),
        json!({"exp": NOW.seconds() - 61}),
        json!({"exp": null}),
        json!({"iat": NOW.seconds() + 61}),
    ] {
        assert!(is_refused(&world.by_token(change.clone()).await), "{change}");
    }
    let good = world.token(json!({}));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let none = format!("{}.{}.", base64url::encode(r#"{"alg":"none"}"#), good.split('.').nth(1).unwrap());
    for token in [format!("{signed}.AAAA"), none, "x".into()] {
        world.give_out(&format!("{ISSUER}/token"), json!({"id_token": token}));
        assert!(is_refused(&world.vouched(&provider(json!({}))).await), "{token}");
    }
    assert!(world.by_token(json!({"aud": ["client", "other"], "azp": "client"})).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_new_are_fetched_and_not_too_often() {
    let mut world = World::new();
    world.by_token(json!({})).await.unwrap();
    world.key = key("k2");
    world.publish_keys(ISSUER, &world.key);
    assert!(is_refused(&world.by_token(json!({})).await), "it was asked a moment ago");
    let later = Timestamp::from_seconds(NOW.seconds() + 31);
    let answer =
        Answer { redirect_uri: BACK, code: "c", parameters: &[], nonce: "n", verifier: None, now: later };
    assert!(world.social.vouched(&provider(json!({})), answer).await.is_ok());
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let world = World::new();
    let from = |issuer: &str| [("iss".to_owned(), issuer.to_owned())];
    world.by_token(json!({})).await.unwrap();
    assert!(world.vouched_with(&provider(json!({})), &from(ISSUER)).await.is_ok());
    world.asked();
    assert!(is_refused(&world.vouched_with(&provider(json!({})), &from("https://evil.example")).await));
    assert!(world.asked().is_empty(), "the code is shown to nobody");
    let strict = World::new();
    strict.publish(ISSUER, json!({"authorization_response_iss_parameter_supported": true}));
    assert!(is_refused(&strict.by_token(json!({})).await));
}

#[tokio::test]
async fn what_a_provider_says_of_itself_must_be_of_that_provider() {
    for (change, expected) in [
        (json!({"issuer": "https://other.example"}), "calls itself"),
        (json!({"token_endpoint": "http://provider.example/token"}), "no address of https"),
        (json!({"authorization_endpoint": null}), "authorization_endpoint"),
    ] {
        let world = World::new();
        world.publish(ISSUER, change);
        let error = world.way(&provider(json!({}))).await.unwrap_err();
        assert!(
            matches!(error, ProviderError::Misconfigured(_)) && error.to_string().contains(expected),
            "{error}"
        );
    }
    // One that is away is not asked again at once.
    let world = World::new();
    let away = provider(json!({"issuer_url": "https://away.example"}));
    for _ in 0..3 {
        assert!(matches!(world.way(&away).await, Err(ProviderError::Misconfigured(_))));
    }
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn user_information_is_of_the_person_of_the_token() {
    let world = World::new();
    let from_there = provider(json!({"claims_source": "userinfo"}));
    world.give_out(&format!("{ISSUER}/token"), json!({"id_token": world.token(json!({}))}));
    world.answer(&format!("{ISSUER}/userinfo"), json!({"sub": "ada", "name": "Ada"}));
    let vouched = world.vouched(&from_there).await.unwrap();
    assert_eq!((&vouched.claims["name"], &vouched.claims["iss"]), (&json!("Ada"), &json!(ISSUER)));
    world.answer(&format!("{ISSUER}/userinfo"), json!({"sub": "grace"}));
    assert!(is_refused(&world.vouched(&from_there).await));
}

#[tokio::test]
async fn github_is_asked_for_the_primary_address() {
    let world = World::new();
    let github = provider(json!({"provider": "github", "scope": ["user:email"]}));
    let (url, _) = world.way(&github).await.unwrap();
    assert_eq!(parameters(&url)["scope"], "user:email");
    assert!(!parameters(&url).contains_key("nonce"));
    let token = "https://github.com/login/oauth/access_token";
    world.give_out(token, json!({"scope": "read:user"}));
    assert!(is_refused(&world.vouched(&github).await), "it has not granted what was asked for");
    world.give_out(token, json!({"scope": "user:email,read:user"}));
    world.answer("https://api.github.com/user", json!({"id": 7, "login": "ada", "name": null}));
    let emails = json!([{"email": "old@x.org", "primary": false, "verified": true}, {"email": "ada@x.org", "primary": true, "verified": true}]);
    world.answer("https://api.github.com/user/emails", emails);
    let claims = world.vouched(&github).await.unwrap().claims;
    assert_eq!((&claims["sub"], &claims["email"]), (&json!("7"), &json!("ada@x.org")));
    assert_eq!((&claims["email_verified"], &claims["nickname"]), (&json!(true), &json!("ada")));
}

#[tokio::test]
async fn providers_of_their_own_ways_say_who_somebody_is() {
    for (kind, change, token_url, user_url, user, subject, email) in [
        (
            "discord",
            json!({"scope": "email"}),
            "https://discord.com/api/v9/oauth2/token",
            "https://discord.com/api/v9/users/@me",
            json!({"id": "7", "username": "a", "discriminator": "0", "email": "a@b.c", "verified": true}),
            "7",
            "a@b.c",
        ),
        (
            "slack",
            json!({"scope": "email"}),
            "https://slack.com/api/oauth.access",
            "https://slack.com/api/users.identity",
            json!({"user": {"id": "7", "email": "a@b.c"}, "team": {"id": "t"}}),
            "7",
            "a@b.c",
        ),
        (
            "spotify",
            json!({"scope": "email"}),
            "https://accounts.spotify.com/api/token",
            "https://api.spotify.com/v1/me",
            json!({"id": "7", "email": "a@b.c", "images": []}),
            "7",
            "a@b.c",
        ),
        (
            "facebook",
            json!({}),
            "https://graph.facebook.com/oauth/access_token",
            "https://graph.facebook.com/me",
            json!({"id": "7", "email": "a@b.c"}),
            "7",
            "a@b.c",
        ),
        (
            "gitlab",
            json!({}),
            "https://provider.example/oauth/token",
            "https://provider.example/oauth/userinfo",
            json!({"sub": "7", "email": "a@b.c"}),
            "7",
            "a@b.c",
        ),
        (
            "auth0",
            json!({}),
            "https://provider.example/oauth/token",
            "https://provider.example/userinfo",
            json!({"sub": "7", "email": "a@b.c", "updated_at": "2026-01-02T03:04:05Z"}),
            "7",
            "a@b.c",
        ),
        (
            "salesforce",
            json!({}),
            "https://provider.example/services/oauth2/token",
            "https://provider.example/services/oauth2/userinfo",
            json!({"sub": "7", "email": "a@b.c"}),
            "7",
            "a@b.c",
        ),
        (
            "amazon",
            json!({}),
            "https://api.amazon.com/auth/o2/token",
            "https://api.amazon.com/user/profile",
            json!({"user_id": "7", "email": "a@b.c"}),
            "7",
            "a@b.c",
        ),
        (
            "patreon",
            json!({}),
            "https://www.patreon.com/api/oauth2/token",
            "https://www.patreon.com/api/oauth2/v2/identity",
            json!({"data": {"id": "7", "attributes": {"email": "a@b.c"}}}),
            "7",
            "a@b.c",
        ),
        (
            "yandex",
            json!({}),
            "https://oauth.yandex.com/token",
            "https://login.yandex.ru/info",
            json!({"id": "7", "default_email": "a@b.c"}),
            "7",
            "a@b.c",
        ),
        (
            "vk",
            json!({"email": "a@b.c"}),
            "https://oauth.vk.com/access_token",
            "https://api.vk.com/method/users.get",
            json!({"response": [{"id": 7, "sex": 2}]}),
            "7",
            "a@b.c",
        ),
        (
            "lark",
            json!({}),
            "https://passport.feishu.cn/suite/passport/oauth/token",
            "https://passport.feishu.cn/suite/passport/oauth/userinfo",
            json!({"open_id": "7", "email": "a@b.c"}),
            "7",
            "a@b.c",
        ),
        (
            "dingtalk",
            json!({"access_token": null, "accessToken": "t"}),
            "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
            "https://api.dingtalk.com/v1.0/contact/users/me",
            json!({"openId": "7", "email": "a@b.c"}),
            "7",
            "a@b.c",
        ),
        (
            "uaepass",
            json!({}),
            "https://provider.example/idshub/token",
            "https://provider.example/idshub/userinfo",
            json!({"sub": "7", "email": "a@b.c", "fullnameEN": "A"}),
            "7",
            "a@b.c",
        ),
    ] {
        let world = World::new();
        world.give_out(token_url, change);
        world.answer(user_url, user);
        let vouched = world.vouched(&provider(json!({"provider": kind}))).await;
        let claims = vouched.unwrap_or_else(|error| panic!("{kind}: {error}")).claims;
        assert_eq!((&claims["sub"], &claims["email"]), (&json!(subject), &json!(email)), "{kind}");
        assert!(claims["iss"].as_str().is_some_and(|issuer| issuer.starts_with("https://")), "{kind}");
    }
}

#[tokio::test]
async fn microsoft_is_checked_by_the_tenant_of_the_person() {
    let world = World::new();
    let tenant = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    world.publish(&issuer, json!({}));
    let token = |change: Value| {
        let mut claims = json!({"iss": issuer, "tid": tenant, "oid": "object"});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        world.token(claims)
    };
    let of = |tenant: &str, source: &str| {
        provider(json!({"provider": "microsoft", "microsoft_tenant": tenant, "subject_source": source}))
    };
    let give_out = |tenant: &str, id_token: String| {
        let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        world.give_out(&url, json!({"id_token": id_token}));
    };
    give_out("common", token(json!({})));
    assert_eq!(world.vouched(&of("common", "userinfo")).await.unwrap().claims["sub"], "ada");
    assert_eq!(world.vouched(&of("common", "oid")).await.unwrap().claims["sub"], "object");
    world.answer("https://graph.microsoft.com/v1.0/me", json!({"id": "me"}));
    assert_eq!(world.vouched(&of("common", "me")).await.unwrap().claims["sub"], "me");
    let other = "11111111-2222-3333-4444-555555555555";
    give_out(other, token(json!({})));
    assert!(is_refused(&world.vouched(&of(other, "userinfo")).await), "it is of another tenant");
    give_out("common", token(json!({"tid": "../evil"})));
    assert!(is_refused(&world.vouched(&of("common", "userinfo")).await));
}

#[tokio::test]
async fn apple_gets_a_secret_that_is_signed_and_gives_names_once() {
    let world = World::new();
    world.publish("https://appleid.apple.com", json!({}));
    let signing = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    );
    let pem = STANDARD.encode(signing.unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
    let apple = provider(json!({
        "provider": "apple", "client_secret": "", "scope": ["name"], "apple_team_id": "team", "apple_private_key_id": "kid",
        "apple_private_key": pem,
    }));
    let (url, _) = world.way(&apple).await.unwrap();
    assert_eq!(parameters(&url)["response_mode"], "form_post");
    let id_token = world.token(json!({"iss": "https://appleid.apple.com", "email_verified": "true"}));
    world.give_out("https://appleid.apple.com/auth/token", json!({"id_token": id_token}));
    let user = ("user".to_owned(), r#"{"name":{"firstName":"Ada","lastName":"L"}}"#.to_owned());
    let claims = world.vouched_with(&apple, &[user]).await.unwrap().claims;
    assert_eq!((&claims["given_name"], &claims["last_name"]), (&json!("Ada"), &json!("L")));
    assert_eq!(claims["email_verified"], true);
    let asked = world.asked();
    let (.., body) = asked.iter().find(|(url, ..)| url.ends_with("/auth/token")).unwrap();
    let (_, secret) = body.split_once("client_secret=").unwrap();
    let header = base64url::decode(secret.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("kid")));
}

#[tokio::test]
async fn native_apps_bring_tokens_of_google_and_apple_only() {
    let world = World::new();
    world.publish("https://accounts.google.com", json!({}));
    let google = provider(json!({"provider": "google", "additional_id_token_audiences": ["app"]}));
    let token = |change: Value| {
        let mut claims = json!({"iss": "https://accounts.google.com"});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        world.token(claims)
    };
    for audience in ["client", "app"] {
        let opened = world.social.opened(&google, &token(json!({"aud": audience})), NOW).await.unwrap();
        assert!(opened.may_lack_nonce && opened.claims["nonce"] == "n");
    }
    assert!(is_refused(&world.social.opened(&google, &token(json!({"aud": "other"})), NOW).await));
    let generic = world.social.opened(&provider(json!({})), &token(json!({})), NOW).await;
    let Err(ProviderError::NotTaken(why)) = generic else { panic!("{generic:?}") };
    assert!(why.contains("\"generic\"") && why.contains("without id_token"), "{why}");
}

#[tokio::test]
async fn google_and_discord_have_words_of_their_own() {
    let world = World::new();
    world.publish("https://accounts.google.com", json!({}));
    let google = provider(json!({"provider": "google", "scope": ["email", "offline_access"]}));
    let (url, _) = world.way(&google).await.unwrap();
    let sent = parameters(&url);
    assert_eq!((sent["scope"].as_str(), sent["access_type"].as_str()), ("email openid", "offline"));
    let (url, way) = world.way(&provider(json!({"provider": "discord"}))).await.unwrap();
    assert_eq!((parameters(&url)["prompt"].as_str(), way.is_verified), ("none", true));
}
