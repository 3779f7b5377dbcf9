//! What the record says of what was done at the APIs.

use serde_json::{Value, json};
use sessera_model::{SystemRandom, Timestamp, Uuid};
use sessera_store::{Change, NewEntry};

use crate::testing::{Answer, PASSWORD, TestServer};

async fn listed(server: &TestServer, query: &str) -> Vec<Value> {
    let answer = server.admin("GET", &format!("/admin/audit?{query}"), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.as_array().unwrap().clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everything_that_happens_is_in_the_record_with_who_did_it() {
    let server = TestServer::start().await;
    let ada = server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    assert_eq!(server.login("ada@example.org", "a-wrong-guess").await.status, 400);
    let made = json!({"name": "support", "role": "operator"});
    let made = server.admin("POST", "/admin/tokens", Some(made)).await;
    let support = format!("Bearer {}", made.body["token"].as_str().unwrap());
    let headers = [("authorization", support.as_str()), ("user-agent", "a-browser"), ("x-request-id", "r-1")];
    let path = format!("/admin/sessions/{session}");
    assert_eq!(server.admin_with("DELETE", &path, &headers, None).await.status, 204);
    assert_eq!(server.admin_with("GET", "/admin/keys/s", &headers, None).await.status, 403);
    assert_eq!(server.admin("POST", "/admin/keys/s", Some(json!({"alg": "ES256"}))).await.status, 201);
    assert_eq!(server.admin("GET", "/admin/keys/s", None).await.status, 200);
    let patch = json!([{"op": "add", "path": "/services/identity/config/session/lifespan", "value": "2h"}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);

    let all = listed(&server, "").await;
    let mut found = actions(&all);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "admin_refused",
            "admin_token_made",
            "configuration_changed",
            "identity_added",
            "key_set_changed",
            "keys_shown",
            "proof_refused",
            "session_began",
            "session_ended",
        ]
    );
    let text = json!(all).to_string();
    for secret in [token.as_str(), "ada@example.org", PASSWORD, "a-wrong-guess", &support[7..]] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    let ended = &listed(&server, "action=session_ended").await[0];
    assert_eq!(ended["actor"], json!({"kind": "token", "name": "support", "role": "operator"}));
    assert_eq!(ended["about"]["session_id"], json!(session));
    assert_eq!(ended["request"], json!({"id": "r-1", "address": null, "user_agent": "a-browser"}));
    let began = &listed(&server, &format!("session={session}&outcome=done&actor={ada}")).await[0];
    assert_eq!((&began["action"], &began["actor"]["id"]), (&json!("session_began"), &json!(ada)));
    let refused = listed(&server, "outcome=refused").await;
    assert_eq!(refused.len(), 2);
    let about = listed(&server, &format!("identity={ada}")).await;
    assert!(actions(&about).contains(&"proof_refused"), "{about:?}");
    assert_eq!(listed(&server, "action=keys_shown").await[0]["actor"], json!({"kind": "anybody"}));
    assert!(listed(&server, "since=2027-01-15T08:00:01Z").await.is_empty());
    // A day begins at midnight.
    assert!(!listed(&server, "since=2027-01-15&until=2027-01-16").await.is_empty());
    for none in ["since=2027-01-16", "until=2027-01-15"] {
        assert!(listed(&server, none).await.is_empty(), "{none}");
    }
    for bad in ["since=soon", "since=2027-02-30", "identity=ada", "after=x", "after=", "page_token=x"] {
        assert_eq!(server.admin("GET", &format!("/admin/audit?{bad}"), None).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn what_is_rare_is_found_at_once_however_long_the_record_is() {
    /// More than are looked at for a part of the list.
    const OTHERS: i64 = 2_500;
    let server = TestServer::start().await;
    let (ada, session) = (Uuid::from_u128(7), Uuid::from_u128(9));
    let entry = |second: i64, about: Option<Uuid>, content: Value| {
        let at = Timestamp::from_seconds(1_700_000_000 + second);
        NewEntry::new(&SystemRandom::default(), at, about, content.to_string())
    };
    let rare = json!({
        "action": "identity_deleted", "outcome": "refused",
        "actor": {"kind": "token", "name": "support", "role": "operator"},
        "about": {"identity_id": ada, "session_id": session},
    });
    let usual = json!({
        "action": "session_began", "outcome": "done", "actor": {"kind": "identity", "id": "x"}, "about": {},
    });
    let others = (1..=OTHERS).map(|second| entry(second, None, usual.clone()));
    let all = [entry(0, Some(ada), rare)].into_iter().chain(others).collect();
    server.app.committer.commit(&[Change::Record(all)]).await.unwrap();
    for query in [
        "action=identity_deleted".to_owned(),
        "actor=support".into(),
        "actor=token".into(),
        "outcome=refused".into(),
        format!("identity={ada}"),
        format!("session={session}"),
        "until=2023-11-14T22:13:21Z".into(),
        format!(
            "actor=support&action=identity_deleted&outcome=refused&identity={ada}&since=2023-11-14T22:13:20Z"
        ),
    ] {
        let answer = server.admin("GET", &format!("/admin/audit?{query}"), None).await;
        let found = answer.body.as_array().unwrap();
        assert_eq!(actions(found), ["identity_deleted"], "{query}");
        assert!(!answer.header("link").contains("rel=\"next\""), "{query}: {answer:?}");
    }
    // Where nothing leads to what is asked for, a part ends after a while and says where the next one begins.
    let (mut path, mut parts) = ("/admin/audit?action=session_began&actor=token".to_owned(), 0);
    loop {
        let answer = server.admin("GET", &path, None).await;
        assert_eq!(answer.body, json!([]));
        parts += 1;
        let Some((before, _)) = answer.header("link").split_once(">; rel=\"next\"") else { break };
        before.rsplit_once('<').unwrap().1.clone_into(&mut path);
    }
    assert_eq!(parts, 2);
    for wrong in ["action=session_begun", "session=nobody", "identity=nobody", "outcome=foo"] {
        for path in ["/admin/audit", "/admin/events"] {
            let answer = server.admin("GET", &format!("{path}?{wrong}"), None).await;
            assert_eq!(answer.status, 400, "{path} {wrong}");
        }
    }
}

#[tokio::test]
async fn the_record_is_listed_in_parts_and_followed() {
    let server = TestServer::start().await;
    for number in 0..5 {
        // Entries of one microsecond have no order.
        server.clock.advance(std::time::Duration::from_secs(1));
        let body = json!({"name": format!("t{number}"), "role": "viewer"});
        assert_eq!(server.admin("POST", "/admin/tokens", Some(body)).await.status, 201);
    }
    let names = |answer: &Answer| {
        let entries = answer.body.as_array().unwrap();
        entries.iter().map(|entry| entry["about"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let next = |answer: &Answer| {
        let link = answer.header("link").split(',').find(|link| link.contains("next"))?;
        Some(link.split(['<', '>']).nth(1).unwrap().to_owned())
    };
    let (mut path, mut seen) = ("/admin/audit?page_size=2&action=admin_token_made".to_owned(), Vec::new());
    loop {
        let part = server.admin("GET", &path, None).await;
        seen.extend(names(&part));
        match next(&part) {
            Some(more) => path = more,
            None => break,
        }
    }
    assert_eq!(seen, ["t4", "t3", "t2", "t1", "t0"]);
    let first = server.admin("GET", "/admin/audit?after=3&page_size=1", None).await;
    assert_eq!(names(&first), ["t3"]);
    let rest = server.admin("GET", &next(&first).unwrap(), None).await;
    assert_eq!((names(&rest), next(&rest)), (vec!["t4".to_owned()], None));
}

#[tokio::test]
async fn the_record_proves_that_nobody_changed_it() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    server.person("bob@example.org").await;
    let last = listed(&server, "").await[0].clone();
    let found = server.admin("GET", "/admin/audit/verify", None).await.body;
    assert_eq!(found, json!({"entries": 2, "number": 2, "hash": last["hash"], "is_end": true}));
    let rest = server.admin("GET", "/admin/audit/verify?after=1", None).await.body;
    assert_eq!((&rest["entries"], &rest["hash"]), (&json!(1), &last["hash"]));
}

/// The entries of an action about an identity.
async fn about(server: &TestServer, action: &str, identity: &str) -> usize {
    listed(server, &format!("action={action}&identity={identity}")).await.len()
}

#[tokio::test]
async fn what_is_done_by_recovering_is_done_by_whoever_recovers() {
    let hooks = json!({"after": {"hooks": [{"hook": "revoke_active_sessions"}]}, "enabled": true});
    let server = TestServer::configured(json!({"selfservice": {"flows": {"recovery": hooks}}})).await;
    let ada = server.person("ada@example.org").await;
    server.signed_in("ada@example.org").await;
    let given = json!({"identity_id": ada, "flow_type": "api"});
    let given = server.admin("POST", "/admin/recovery/code", Some(given)).await.body;
    let flow = given["recovery_link"].as_str().unwrap().rsplit_once("flow=").unwrap().1;
    let path = format!("/self-service/recovery?flow={flow}");
    let right = given["recovery_code"].as_str().unwrap();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let typed = async |code: &str| {
        let body = json!({"method": "code", "code": code});
        server.public("POST", &path, &[], Some(body)).await.status
    };
    typed(wrong).await;
    assert_eq!(about(&server, "proof_refused", &ada).await, 1, "the code was that of a known account");
    typed(right).await;
    for action in ["session_began", "sessions_ended"] {
        let entry = &listed(&server, &format!("action={action}")).await[0];
        assert_eq!(entry["actor"], json!({"kind": "identity", "id": ada}), "{action}");
    }
}

#[tokio::test]
async fn whoever_is_refused_for_their_role_is_in_the_record_also_where_a_handler_refuses_them() {
    let server = TestServer::start().await;
    let ada = server.person("ada@example.org").await;
    let mut tokens = Vec::new();
    for role in ["viewer", "operator"] {
        let made = server.admin("POST", "/admin/tokens", Some(json!({"name": role, "role": role}))).await;
        tokens.push(format!("Bearer {}", made.body["token"].as_str().unwrap()));
    }
    let lifespan = "/services/identity/config/session/lifespan";
    let patch = json!([{"op": "add", "path": lifespan, "value": "2h"}]);
    let operator = [("authorization", tokens[1].as_str())];
    let patched = server.admin_with("PATCH", "/projects/default", &operator, Some(patch)).await;
    // Entries of one microsecond have no order.
    server.clock.advance(std::time::Duration::from_secs(1));
    let viewer = [("authorization", tokens[0].as_str())];
    let path = format!("/admin/identities/{ada}?include_credential=password");
    let shown = server.admin_with("GET", &path, &viewer, None).await;
    assert_eq!((patched.status, shown.status), (403, 403));
    let entries = listed(&server, "action=admin_refused").await;
    let told: Vec<_> =
        entries.iter().map(|entry| (&entry["actor"]["name"], &entry["about"]["what"])).collect();
    assert_eq!(
        told,
        [
            (&json!("viewer"), &json!("GET /admin/identities/{id}")),
            (&json!("operator"), &json!("PATCH /projects/{project}")),
        ]
    );
}

#[tokio::test]
async fn the_record_says_what_was_done_to_which_key() {
    let server = TestServer::start().await;
    let key = |kid: &str| json!({"alg": "ES256", "kid": kid});
    let done = async |method: &str, path: &str, body: Option<Value>| {
        // Entries of one microsecond have no order.
        server.clock.advance(std::time::Duration::from_secs(1));
        let answer = server.admin(method, path, body).await;
        assert!(answer.status < 300, "{method} {path} {answer:?}");
        answer
    };
    for kid in ["a", "b"] {
        done("POST", "/admin/keys/own", Some(key(kid))).await;
    }
    let mut set = done("GET", "/admin/keys/own", None).await.body;
    set["keys"].as_array_mut().unwrap().reverse();
    done("PUT", "/admin/keys/own", Some(set.clone())).await;
    done("DELETE", "/admin/keys/own/a", None).await;
    done("PUT", "/admin/keys/own/a", Some(set["keys"][1].clone())).await;
    done("POST", "/admin/rotation/own", Some(json!({"period": "720h", "adopt": true}))).await;
    done("POST", "/admin/rotation/managed", Some(json!({"period": "720h", "alg": "ES256"}))).await;
    let next = done("POST", "/admin/rotation/managed/rotate", None).await.body["kid"].clone();
    let next = next.as_str().unwrap();
    done("POST", &format!("/admin/rotation/managed/keys/{next}/revoke"), None).await;

    let entries = listed(&server, "action=key_set_changed").await;
    let of = |set: &str| {
        let about = entries.iter().rev().map(|entry| &entry["about"]).filter(|about| about["key_set"] == set);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        about.map(|about| (text(&about["done"]), text(&about["key"]))).collect::<Vec<_>>()
    };
    let own = [
        ("created", "a"),
        ("created", "b"),
        ("promoted", "b"),
        ("deleted", "a"),
        ("imported", "a"),
        ("adopted", "b"),
    ];
    let found = of("own");
    let found: Vec<_> = found.iter().map(|(done, key)| (done.as_str(), key.as_str())).collect();
    assert_eq!(found[..own.len()], own);
    let managed = of("managed");
    let words: Vec<_> = managed.iter().map(|(done, _)| done.as_str()).collect();
    assert_eq!(words[..3], ["created", "prepared", "rotated"]);
    assert!(managed.contains(&("rotated".into(), next.into())), "{managed:?}");
    assert!(managed.contains(&("revoked".into(), next.into())), "{managed:?}");
    assert!(managed.iter().all(|(done, key)| done == "adapted" || !key.is_empty()), "{managed:?}");
}
