//! Flows, codes and messages.

use sessera_model::{TokenHash, Uuid};
use sessera_store::{Change, Code, CodePurpose, Conflict, Flow, Message, Store};

use super::{at, flow, one, person, uuid};

pub(crate) async fn a_flow_is_used_once(store: &dyn Store) {
    let flow = flow();
    store.commit(&[Change::InsertFlow(flow.clone())]).await.unwrap();
    assert_eq!(store.flow(flow.id).await.unwrap(), Some(flow.clone()));
    let changed = Flow { body: "{\"b\":2}".into(), ..flow.clone() };
    assert_eq!(one(store, Change::UpdateFlow(changed.clone())).await, None);
    assert_eq!(one(store, Change::UpdateFlow(changed)).await, Some(Conflict::Changed));
    assert_eq!(store.flow(flow.id).await.unwrap().unwrap().version, 2);
    let use_it = Change::ConsumeFlow { id: flow.id, version: 2 };
    let (a, b) = tokio::join!(one(store, use_it.clone()), one(store, use_it));
    assert_eq!([a, b].iter().filter(|outcome| outcome.is_none()).count(), 1, "exactly one wins");
    assert_eq!(store.flow(flow.id).await.unwrap(), None);
}

pub(crate) async fn codes_are_replaced_and_used_once(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let code = |n: &str| Code {
        id: uuid(),
        flow_id: Uuid::from_u128(5),
        purpose: CodePurpose::Verification,
        identity_id: ada.id,
        address: "ada@example.org".into(),
        hash: TokenHash::of(n),
        expires_at: at(60),
    };
    let (first, second) = (code("1"), code("2"));
    store.commit(&[Change::InsertCode(first.clone())]).await.unwrap();
    store.commit(&[Change::InsertCode(second.clone())]).await.unwrap();
    let find = || store.code(Uuid::from_u128(5), CodePurpose::Verification);
    assert_eq!(find().await.unwrap().unwrap().hash, second.hash);
    assert_eq!(one(store, Change::UseCode(first.id)).await, Some(Conflict::Changed));
    assert_eq!(store.code(Uuid::from_u128(5), CodePurpose::Recovery).await.unwrap(), None);
    assert_eq!(one(store, Change::UseCode(second.id)).await, None);
    assert_eq!(one(store, Change::UseCode(second.id)).await, Some(Conflict::Changed));
    assert_eq!(find().await.unwrap(), None);
}

pub(crate) async fn messages_wait_until_they_are_sent(store: &dyn Store) {
    let message = Message {
        id: uuid(),
        recipient: "ada@example.org".into(),
        template: "verification_code".into(),
        content: "{\"code\":\"123456\"}".into(),
        attempts: 0,
        created_at: at(0),
        due_at: at(10),
    };
    store.commit(&[Change::EnqueueMessage(message.clone())]).await.unwrap();
    assert!(store.due_messages(at(9), 10).await.unwrap().is_empty());
    assert_eq!(store.due_messages(at(10), 10).await.unwrap(), std::slice::from_ref(&message));
    let claim = |attempts| Change::ClaimMessage { id: message.id, attempts, until: at(15) };
    assert_eq!(one(store, claim(0)).await, None);
    assert_eq!(one(store, claim(0)).await, Some(Conflict::Changed), "somebody else has taken it");
    assert!(store.due_messages(at(14), 10).await.unwrap().is_empty());
    assert_eq!(store.due_messages(at(15), 10).await.unwrap()[0].attempts, 1, "its taker was never heard of");
    store.commit(&[Change::MessageFailed { id: message.id, due_at: Some(at(20)) }]).await.unwrap();
    assert!(store.due_messages(at(19), 10).await.unwrap().is_empty());
    assert_eq!(store.due_messages(at(20), 10).await.unwrap()[0].attempts, 1);
    store.commit(&[Change::MessageFailed { id: message.id, due_at: None }]).await.unwrap();
    assert!(store.due_messages(at(1_000), 10).await.unwrap().is_empty());
    assert_eq!(one(store, claim(1)).await, Some(Conflict::Changed), "it was given up");
    store.commit(&[Change::MessageSent(message.id)]).await.unwrap();
}
