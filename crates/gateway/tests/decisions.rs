//! What becomes of questions, whichever dialect they come in.

mod test_gateway;

use std::time::Duration;

use serde_json::json;
use sessera_gateway::decision::{Decision, Fate};
use sessera_store::Change;
use test_gateway::{COOKIE, PAGE, TOKEN, TestGateway, value};

const MAPPER: &str = "local s = std.extVar('session'); {claims: {email: s.identity.traits.email, name: s.identity.traits.name, long: std.repeat('x', 5000)}}";

fn mapped() -> serde_json::Value {
    json!({"claims_mapper_url": format!("base64://{}", sessera_jose::base64url::encode(MAPPER))})
}

#[tokio::test]
async fn every_promised_header_is_there_whoever_asks() {
    let gateway = TestGateway::with(json!({})).await;
    let headers =
        json!({"X-User-Id": "sub", "X-User-Name": "name", "X-Long": "long", "X-Nothing": "nothing"});
    gateway.configure(
        &json!({"api": {"template": "api", "session": "optional", "headers": headers}}),
        &mapped(),
    );
    let promised =
        ["authorization", "x-user-id", "x-user-name", "x-long", "x-nothing", "cookie", "x-session-token"];
    let cookie = format!("a=1; ory_kratos_session={COOKIE}; b=2");
    let pass = gateway.pass(&[("cookie", &cookie)]).await;
    assert!(promised.into_iter().all(|name| pass.headers.iter().any(|(known, _)| known == name)), "{pass:?}");
    assert!(value(&pass, "authorization").starts_with("Bearer ey"));
    assert_eq!(value(&pass, "x-user-id"), gateway.ada.id.to_string());
    assert_eq!(value(&pass, "x-user-name"), "Zo%C3%AB");
    assert_eq!(value(&pass, "cookie"), "a=1; b=2");
    for empty in ["x-long", "x-nothing", "x-session-token"] {
        assert_eq!(value(&pass, empty), "", "{empty}");
    }
    let evil = [("authorization", "Bearer evil"), ("x-user-id", "evil"), ("cookie", "a=1")];
    let pass = gateway.pass(&evil).await;
    for empty in promised.into_iter().filter(|name| *name != "cookie") {
        assert_eq!(value(&pass, empty), "", "{empty}");
    }
    assert_eq!(value(&pass, "cookie"), "a=1", "it is nobody's session");
}

#[tokio::test]
async fn what_opened_the_session_never_reaches_the_app() {
    let gateway = TestGateway::with(json!({"api": {"template": "api", "header": "X-Token"}})).await;
    let bearer = format!("Bearer {TOKEN}");
    let pass = gateway.pass(&[("authorization", &bearer)]).await;
    assert!(value(&pass, "x-token").starts_with("ey"), "the token stands alone");
    assert_eq!(value(&pass, "authorization"), "");
    let pass = gateway.pass(&[("x-session-token", TOKEN), ("authorization", "Basic app")]).await;
    assert_eq!(value(&pass, "x-session-token"), "");
    assert_eq!(value(&pass, "authorization"), "Basic app", "it means something to the app");
    assert!(pass.headers.iter().any(|(_, fate)| matches!(fate, Fate::Keep(Some(_)))));
    // Another session's token opens nothing here, and would open that session elsewhere.
    for other in ["Bearer ory_st_of_somebody", "bearer  ory_st_of_somebody", "ory_st_of_somebody"] {
        let pass = gateway.pass(&[("x-session-token", TOKEN), ("authorization", other)]).await;
        assert_eq!(value(&pass, "authorization"), "", "{other}");
    }
    let session = format!("ory_kratos_session={COOKIE}");
    for lines in [["a=1", &session], [&session, "a=1"]] {
        let pass = gateway.pass(&lines.map(|line| ("cookie", line))).await;
        let fate = pass.headers.iter().find(|(name, _)| name == "cookie").map(|(_, fate)| fate.clone());
        assert_eq!(fate, Some(Fate::Set("a=1".parse().unwrap())), "a line of its own is no way around");
    }
}

#[tokio::test]
async fn browsers_are_sent_to_sign_in_and_nobody_else() {
    let gateway = TestGateway::with(json!({"api": {"template": "api"}})).await;
    let way = async |method: &str, headers: &[(&str, &str)]| match gateway.decide(method, headers).await {
        Decision::SignIn { way } => way,
        other => panic!("{other:?}"),
    };
    let page = "https://id.example.org/self-service/login/browser?return_to=https%3A%2F%2Fapp.example%2Finbox%3Fa%3Db";
    assert_eq!(way("GET", &[PAGE]).await.as_deref(), Some(page));
    assert_eq!(way("POST", &[PAGE, ("x-session-token", "unknown")]).await.as_deref(), Some(page));
    assert_eq!(way("GET", &[("accept", "application/json")]).await, None);
    gateway.configure(&json!({"api": {"template": "api", "on_missing": 401}}), &json!({}));
    assert_eq!(way("GET", &[PAGE]).await, None);
    assert_eq!(gateway.decided("api", "sign_in"), 4);
}

#[tokio::test]
async fn a_credential_that_stands_there_twice_opens_nothing() {
    let gateway = TestGateway::with(json!({"api": {"template": "api"}})).await;
    for (one, other) in [("x-session-token", "x-session-token"), ("authorization", "authorization")] {
        let twice = [("x-session-token", TOKEN), (one, TOKEN), (other, TOKEN), PAGE];
        let decision = gateway.decide("GET", &twice).await;
        assert!(matches!(decision, Decision::Contradiction(name) if name == one), "{decision:?}");
    }
}

#[tokio::test]
async fn a_route_may_ask_for_two_factors() {
    let gateway = TestGateway::with(json!({"api": {"template": "api", "aal": "aal2"}})).await;
    match gateway.decide("GET", &[PAGE, ("x-session-token", TOKEN)]).await {
        Decision::SecondFactor { page, is_way: true } => {
            assert!(page.contains("login/browser?aal=aal2&return_to=https"), "{page}");
        }
        other => panic!("{other:?}"),
    }
    gateway.configure(&json!({"api": {"aal": "aal2", "session": "optional"}}), &json!({}));
    gateway.pass(&[("x-session-token", TOKEN)]).await;
    gateway.configure(&json!({"api": {"aal": "highest_available"}}), &json!({}));
    gateway.pass(&[("x-session-token", TOKEN)]).await;
}

#[tokio::test]
async fn a_route_may_ask_for_a_schema() {
    let gateway = TestGateway::with(json!({"api": {"schema_ids": ["staff"]}})).await;
    match gateway.decide("GET", &[("x-session-token", TOKEN)]).await {
        Decision::Forbidden(reason) => {
            assert!(reason.contains("schema of its owner") && reason.contains("\"api\""), "{reason}");
            assert!(!reason.contains("staff"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    gateway.configure(&json!({"api": {"schema_ids": ["staff", "default"]}}), &json!({}));
    gateway.pass(&[("x-session-token", TOKEN)]).await;
}

#[tokio::test]
async fn preflights_pass_as_nobody_unless_they_are_checked() {
    let gateway = TestGateway::with(json!({"api": {"template": "api"}})).await;
    let asked = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "PUT"),
        ("x-session-token", TOKEN),
    ];
    match gateway.decide("OPTIONS", &asked).await {
        Decision::Pass(pass) => assert!(pass.token.is_none() && value(&pass, "authorization").is_empty()),
        other => panic!("{other:?}"),
    }
    gateway.configure(&json!({"api": {"template": "api", "preflight": "check"}}), &json!({}));
    assert!(matches!(gateway.decide("OPTIONS", &asked[..2]).await, Decision::SignIn { .. }));
}

#[tokio::test]
async fn strangers_and_unknown_routes_are_told_so() {
    let gateway = TestGateway::with(json!({})).await;
    let stranger = gateway.decide_for(Some([10, 0, 0, 1].into()), "api", "GET", &[]).await;
    assert!(matches!(stranger, Decision::Stranger { peer: Some(peer) } if peer.to_string() == "10.0.0.1"));
    let unknown = gateway.decide_for(None, "api", "GET", &[]).await;
    assert!(matches!(unknown, Decision::Stranger { peer: None }));
    for (route, told) in [("?x=1", "The query \"?x=1\" names no route"), ("x", "There is no route \"x\"")] {
        let decision = gateway.decide_for(Some([127, 0, 0, 1].into()), route, "GET", &[]).await;
        assert!(matches!(&decision, Decision::NoRoute(reason) if reason.starts_with(told)), "{decision:?}");
    }
    assert!(
        matches!(gateway.decide("GET", &[]).await, Decision::NoRoute(reason) if reason.contains("\"api\""))
    );
    assert_eq!(gateway.decided("(none)", "no_route"), 3, "no number for each name that somebody makes up");
    let known = gateway.decide_for(Some([127, 0, 0, 1].into()), "default", "GET", &[]).await;
    assert!(matches!(known, Decision::SignIn { .. }));
}

#[tokio::test]
async fn a_token_that_no_proxy_takes_is_a_fault_with_its_reason() {
    let gateway = TestGateway::with(json!({"api": {"template": "api"}})).await;
    let mapper = sessera_jose::base64url::encode("{claims: {x: std.repeat('x', 9000)}}");
    gateway.configure(
        &json!({"api": {"template": "api"}}),
        &json!({"claims_mapper_url": format!("base64://{mapper}")}),
    );
    match gateway.decide("GET", &[("x-session-token", TOKEN)]).await {
        Decision::Fault(reason) => assert!(reason.contains("\"api\"") && reason.contains("8192"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_given_again_for_a_while() {
    let gateway = TestGateway::with(json!({"api": {"template": "api"}})).await;
    let first = gateway.token().await;
    gateway.clock.advance(Duration::from_secs(29));
    assert_eq!(gateway.token().await, first);
    assert_eq!(gateway.reused(), 1);
    gateway.clock.advance(Duration::from_secs(1));
    let second = gateway.token().await;
    assert_ne!(second, first, "it is half a minute old");
    gateway.configure(&json!({"api": {"template": "api", "reuse": "0s"}}), &json!({}));
    assert_ne!(gateway.token().await, gateway.token().await);
    assert_eq!(gateway.reused(), 1);
}

#[tokio::test]
async fn a_token_is_never_given_again_after_half_of_its_life() {
    let gateway = TestGateway::with(json!({})).await;
    gateway.configure(&json!({"api": {"template": "api", "reuse": "1h"}}), &json!({"ttl": "2m"}));
    let first = gateway.token().await;
    gateway.clock.advance(Duration::from_secs(59));
    assert_eq!(gateway.token().await, first);
    gateway.clock.advance(Duration::from_secs(1));
    assert_ne!(gateway.token().await, first);
}

#[tokio::test]
async fn a_change_of_the_session_its_owner_or_the_template_drops_the_token() {
    let routes = json!({"api": {"template": "api", "reuse": "1h"}});
    let gateway = TestGateway::with(routes.clone()).await;
    let first = gateway.token().await;
    gateway.configure(&routes, &json!({"ttl": "5m"}));
    let second = gateway.token().await;
    assert_ne!(second, first, "templates and keys were compiled anew");
    assert_eq!(gateway.token().await, second);
    gateway.sessions.cache().drop_session(gateway.session.id);
    let third = gateway.token().await;
    assert_ne!(third, second, "the session may have changed");
    gateway.sessions.cache().drop_identity(gateway.ada.id);
    assert_ne!(gateway.token().await, third, "its owner may have changed");
    gateway.committer.commit(&[Change::RevokeSession { id: gateway.session.id, of: None }]).await.unwrap();
    assert!(matches!(gateway.decide("GET", &[("x-session-token", TOKEN)]).await, Decision::SignIn { .. }));
}

#[tokio::test]
async fn tokens_in_memory_are_weighed_with_their_sessions() {
    let gateway = TestGateway::with(json!({"api": {"template": "api"}, "bare": {}})).await;
    gateway.decide_for(Some([127, 0, 0, 1].into()), "bare", "GET", &[("x-session-token", TOKEN)]).await;
    let before = gateway.sessions.cache().bytes();
    let token = gateway.token().await;
    let after = gateway.sessions.cache().bytes();
    assert!(after >= before + token.len() as u64, "{before} {after}");
    gateway.sessions.cache().drop_all();
    assert_eq!(gateway.sessions.cache().bytes(), 0);
}
