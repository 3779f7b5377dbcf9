//! Key sets, as their owners replace them.

use serde_json::json;
use sessera_store::KeySet;

use crate::testing::TestServer;

#[tokio::test]
async fn a_set_is_replaced_only_while_it_has_the_version_that_was_read() {
    let server = TestServer::start().await;
    for kid in ["a", "b"] {
        let body = json!({"alg": "ES256", "kid": kid});
        assert_eq!(server.admin("POST", "/admin/keys/s", Some(body)).await.status, 201);
    }
    let read = server.admin("GET", "/admin/keys/s", None).await;
    let version = read.header("etag").to_owned();
    let mut turned = read.body.clone();
    turned["keys"].as_array_mut().unwrap().reverse();
    let put = |version: String| {
        let (server, body) = (&server, turned.clone());
        async move { server.admin_with("PUT", "/admin/keys/s", &[("if-match", &version)], Some(body)).await }
    };
    let ages = |set: &KeySet| set.keys.iter().map(|key| key.created_at).collect::<Vec<_>>();
    let before = ages(&server.app.store.key_set("s").await.unwrap().unwrap());
    server.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(put(version.clone()).await.status, 200);
    let after = server.app.store.key_set("s").await.unwrap().unwrap();
    assert_eq!((after.keys[0].kid.as_str(), ages(&after)), ("b", before), "keys keep their age");
    let outdated = put(version).await;
    assert_eq!(outdated.status, 412);
    assert!(outdated.reason().contains("Read the set again"));
}
