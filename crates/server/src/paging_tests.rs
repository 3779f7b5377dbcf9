//! The parts of lists, as they are asked for on both ports.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sessera_model::Uuid;
use sessera_store::Change;

use crate::testing::{Answer, TestServer};

/// A server with three of everything that is listed, and the paths of its lists.
async fn server_with_lists() -> (TestServer, Vec<String>, String) {
    let document = STANDARD.encode(include_str!("../../accounts/src/schema/default.schema.json"));
    let schema = |id: &str| json!({"id": id, "url": format!("base64://{document}")});
    let schemas = json!({"default_schema_id": "a", "schemas": [schema("a"), schema("b"), schema("c")]});
    let server = TestServer::configured(json!({ "identity": schemas })).await;
    let mut ada = String::new();
    for address in ["grace@example.org", "alan@example.org", "ada@example.org"] {
        ada = server.person(address).await;
    }
    let mut token = String::new();
    for _ in 0..4 {
        token = server.signed_in("ada@example.org").await.0;
    }
    for hours in 1..=3 {
        let lifespan = json!([{"op": "add", "path": "/services/identity/config/session/lifespan", "value": format!("{hours}h")}]);
        assert_eq!(server.admin("PATCH", "/projects/default", Some(lifespan)).await.status, 200);
    }
    let of_ada = format!("/admin/identities/{ada}/sessions");
    let paths = [
        "/admin/identities",
        "/admin/identities?credentials_identifier=ada@example.org",
        "/admin/identities?credentials_identifier=nobody@example.org",
        &format!("/admin/identities?ids={ada}"),
        "/admin/identities?organization_id=none",
        "/admin/sessions",
        "/admin/sessions?active=true",
        "/admin/sessions?active=false",
        "/admin/sessions?expand=identity",
        &of_ada,
        &format!("{of_ada}?active=true"),
        &format!("{of_ada}?active=false"),
        "/projects/default/revisions",
        "/schemas",
        "public:/sessions",
        "public:/schemas",
    ];
    (server, paths.map(str::to_owned).to_vec(), token)
}

async fn get(server: &TestServer, token: &str, path: &str) -> Answer {
    match path.strip_prefix("public:") {
        Some(path) => server.public("GET", path, &[("x-session-token", token)], None).await,
        None => server.admin("GET", path, None).await,
    }
}

fn asked(path: &str, query: &str) -> String {
    format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' })
}

#[tokio::test]
async fn every_list_judges_the_parameters_of_paging_alike() {
    let (server, paths, token) = server_with_lists().await;
    for path in paths {
        let usual = get(&server, &token, &path).await;
        assert_eq!(usual.status, 200, "{path}: {usual:?}");
        for query in ["page_size=0", "per_page=0", "page_size=99999999999999999999", "page=0"] {
            let answer = get(&server, &token, &asked(&path, query)).await;
            assert_eq!((answer.status, &answer.body), (200, &usual.body), "{path} {query}");
        }
        for query in
            ["page_size=-1", "page_size=x", "page_size=1.5", "per_page=-1", "page=-1", "page_token=x"]
        {
            let answer = get(&server, &token, &asked(&path, query)).await;
            assert_eq!(answer.status, 400, "{path} {query}: {answer:?}");
        }
        // Sessions begin with the newest, everything else with the smallest id or number.
        let end = if path.contains("sessions") {
            "00000000-0000-0000-0000-000000000001"
        } else {
            "ffffffff-ffff-ffff-ffff-ffffffffffff"
        };
        let answer = get(&server, &token, &asked(&path, &format!("page_token={end}"))).await;
        assert_eq!((answer.status, &answer.body), (200, &json!([])), "{path}");
    }
}

#[tokio::test]
async fn every_list_ends_when_its_links_are_followed() {
    let (server, paths, token) = server_with_lists().await;
    for path in paths {
        let whole = get(&server, &token, &path).await.body;
        for size in 1..=4 {
            let (mut seen, mut next) = (Vec::new(), Some(asked(&path, &format!("page_size={size}"))));
            while let Some(path) = next {
                let part = get(&server, &token, &path).await;
                let items: &Vec<Value> = part.body.as_array().unwrap();
                assert!(!items.is_empty() || seen.is_empty(), "{path} is an empty part behind another");
                seen.extend(items.iter().cloned());
                next = next_of(&part, &path);
            }
            assert_eq!(Value::Array(seen), whole, "{path} in parts of {size}");
        }
    }
}

#[tokio::test]
async fn a_list_of_sessions_goes_on_when_the_last_one_that_was_seen_is_gone() {
    let (server, paths, token) = server_with_lists().await;
    for path in paths.iter().filter(|path| path.contains("sessions") && !path.contains("active=false")) {
        // The session that asks is older, and stays.
        server.clock.advance(Duration::from_secs(1));
        server.signed_in("ada@example.org").await;
        server.signed_in("ada@example.org").await;
        let whole = get(&server, &token, path).await.body;
        let part = get(&server, &token, &asked(path, "page_size=1")).await;
        let id = part.body[0]["id"].as_str().unwrap().parse().unwrap();
        let identity_id = Uuid::from_u128(1);
        server.app.commit(&[Change::DeleteSession { id, identity_id }]).await.unwrap();
        let next = get(&server, &token, &next_of(&part, path).unwrap()).await;
        assert_eq!(next.body[0]["id"], whole[1]["id"], "{path}");
    }
}

/// The path of the next part, on the port of this one.
fn next_of(part: &Answer, path: &str) -> Option<String> {
    let link = part.header("link").split(',').find(|link| link.ends_with("rel=\"next\""))?;
    let port = if path.starts_with("public:") { "public:" } else { "" };
    Some(format!("{port}{}", link.strip_prefix('<')?.split('>').next()?))
}
