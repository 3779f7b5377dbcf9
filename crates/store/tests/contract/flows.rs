//! Flows, codes and messages.

use sessera_model::{TokenHash, Uuid};
use sessera_store::{
    Change, Code, CodePurpose, Conflict, Dispatch, Ended, Flow, Message, MessageFilter, MessageStatus, Page,
    Store,
};

use super::{at, ended, flow, one, page, person, uuid};

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

fn message(recipient: &str, template: &str, created: i64) -> Message {
    Message {
        id: uuid(),
        recipient: recipient.into(),
        template: template.into(),
        content: "{\"code\":\"123456\"}".into(),
        attempts: 0,
        created_at: at(created),
        due_at: at(10),
    }
}

pub(crate) async fn what_became_of_messages_is_told_without_what_they_say(store: &dyn Store) {
    let (sent, failed, waiting) = (message("a@x", "t", 1), message("b@x", "t", 2), message("a@x", "t", 3));
    let request = message("c@x", "request", 4);
    let all = [&sent, &failed, &waiting, &request];
    store.commit(&all.map(|message| Change::EnqueueMessage(message.clone()))).await.unwrap();
    let attempt = |of: &Message, error: Option<&str>| Dispatch {
        id: uuid(),
        message_id: of.id,
        at: at(12),
        error: error.map(str::to_owned),
    };
    let (took, refused) = (attempt(&sent, None), attempt(&failed, Some("550 nobody here")));
    let claim = |of: &Message| Change::ClaimMessage { id: of.id, attempts: 0, until: at(90) };
    store.commit(&[claim(&sent), claim(&failed), claim(&waiting)]).await.unwrap();
    let processing = MessageFilter { status: Some(MessageStatus::Processing), ..MessageFilter::default() };
    assert_eq!(store.messages(&processing, &page(9)).await.unwrap().len(), 3);
    store
        .commit(&[
            Change::NoteDispatch(took.clone()),
            Change::MessageSent(sent.id),
            Change::NoteDispatch(refused.clone()),
            Change::MessageFailed { id: failed.id, due_at: None },
            Change::MessageFailed { id: waiting.id, due_at: Some(at(20)) },
            Change::NoteDispatch(Dispatch { message_id: uuid(), ..took.clone() }),
        ])
        .await
        .unwrap();
    let found = store.message(sent.id).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempts, &found.dispatches[..]), (MessageStatus::Sent, 1, &[took][..]));
    assert_eq!((found.recipient.as_str(), found.created_at, found.updated_at), ("a@x", at(1), at(12)));
    let given_up = store.message(failed.id).await.unwrap().unwrap();
    assert_eq!((given_up.status, given_up.dispatches), (MessageStatus::Abandoned, vec![refused]));
    assert_eq!(store.message(uuid()).await.unwrap(), None);

    let listed = async |filter: MessageFilter, after| {
        let found = store.messages(&filter, &Page { after, limit: 2 }).await.unwrap();
        found.into_iter().map(|found| (found.place(), found.id)).collect::<Vec<_>>()
    };
    let without = MessageFilter { without: &["request"], ..MessageFilter::default() };
    let first = listed(without.clone(), None).await;
    assert_eq!(first.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [waiting.id, failed.id]);
    let second = listed(without, Some(first[1].0)).await;
    assert_eq!(second.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [sent.id]);
    let queued = Some(MessageStatus::Queued);
    let to_a = MessageFilter { status: queued, recipient: Some("a@x".into()), ..MessageFilter::default() };
    assert_eq!(listed(to_a, None).await, [first[0]]);

    store.commit(&[Change::DropMessage(request.id)]).await.unwrap();
    assert_eq!(store.message(request.id).await.unwrap(), None);
    let swept = Ended { messages: at(2), ..ended(at(0)) };
    assert_eq!(store.sweep(swept, 9).await.unwrap(), 1, "the first one");
    let swept = Ended { messages: at(99), ..ended(at(0)) };
    assert_eq!(store.sweep(swept, 9).await.unwrap(), 1, "what waits stays");
}
