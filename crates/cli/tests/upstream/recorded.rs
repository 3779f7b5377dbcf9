//! Answers in the form in which an Ory Kratos gives them, with ids, times and texts of these tests: its members in their
//! order, its headers, and the line break at the end.

use super::stub::answer;
use super::*;

#[tokio::test]
async fn answers_of_a_kratos_come_through_byte_for_byte() {
    let (server, stub) = with(json!({"ttl": "0s"})).await;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let path = "/services/identity/config/session/whoami/tokenizer/templates/t";
    let patch = json!([{"op": "add", "path": path, "value": {"jwks_url": "set://k"}}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
    let recorded: Vec<Value> = serde_json::from_str(include_str!("recorded.json")).unwrap();
    for recorded in &recorded {
        let (name, text) = (&recorded["name"], format!("{}\n", recorded["body"]));
        let status = u16::try_from(recorded["status"].as_u64().unwrap()).unwrap();
        let headers = recorded["headers"].as_object().unwrap();
        let told = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let told: Vec<_> = told.filter(|(name, _)| *name != "content-type").collect();
        for query in ["", "?tokenize_as=t"] {
            stub.next(answer(status, &told, &text));
            let path = format!("/sessions/whoami{query}");
            let answer = server.public("GET", &path, &[("cookie", "ory_kratos_session=x")], None).await;
            assert_eq!(answer.status, status, "{name}: {answer:?}");
            for passed in ["set-cookie", "x-kratos-authenticated-identity-id"] {
                let expected = headers.get(passed).and_then(Value::as_str).unwrap_or_default();
                assert_eq!(answer.header(passed), expected, "{name}: {passed}");
            }
            match answer.body["tokenized"].as_str() {
                Some(token) => {
                    let spliced = format!("{},\"tokenized\":\"{token}\"}}\n", &text[..text.len() - 2]);
                    assert_eq!(answer.text, spliced, "{name}");
                }
                None => {
                    assert_eq!(answer.text, text, "{name}");
                    assert!(status != 200 || query.is_empty(), "{name}: no token was made");
                }
            }
        }
    }
}
