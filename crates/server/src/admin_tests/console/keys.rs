//! Key sets and managed keys.

use sessera_model::Role;

use super::{Browser, closed};

#[tokio::test]
async fn keys_are_made_rotated_and_revoked_by_owners_who_were_told_what_happens() {
    let server = closed().await;
    server.maintain().await;
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    let made = owner.send("/console/new-keys", "name=signing&algorithm=ES256&period=720h").await;
    assert_eq!((made.status, made.header("location")), (303, "/console/keys/signing?done=1"), "{made:?}");
    let wrong = owner.send("/console/new-keys", "name=other&algorithm=ES256&period=soon").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("The period: ") && wrong.text.contains("value=\"other\""), "{wrong:?}");
    let page = owner.get("/console/keys/signing").await;
    assert!(page.text.contains("<svg") && page.text.contains("prepared"), "{page:?}");
    let keys = server.app.store.key_set("signing").await.unwrap().unwrap().managed.unwrap().schedule.keys;
    let before = owner.get("/console/keys/signing/rotate").await;
    assert!(before.text.contains(&format!("{} signs from", keys[1].kid)), "{before:?}");
    assert_eq!(owner.send("/console/keys/signing/rotate", "").await.status, 303);
    let path = format!("/console/keys/signing/revoke/{}", keys[0].kid);
    let before = owner.get(&path).await;
    assert!(before.text.contains("keep an older copy refuse its tokens until"), "{before:?}");
    let mistyped = owner.send(&path, "typed=x").await;
    assert_eq!(mistyped.status, 400);
    assert!(mistyped.text.contains("Nothing was changed"), "{mistyped:?}");
    let state = async || {
        let keys = server.app.store.key_set("signing").await.unwrap().unwrap().managed.unwrap().schedule.keys;
        keys[0].revoked_at
    };
    assert_eq!(state().await, None);
    assert_eq!(owner.send(&path, &format!("typed={}", keys[0].kid)).await.status, 303);
    assert_eq!(state().await, Some(server.app.clock.now()));
    assert_eq!(owner.get("/console/keys/none/rotate").await.status, 404);
}

#[tokio::test]
async fn keys_in_their_owner_s_order_are_promoted_and_adopted() {
    let server = closed().await;
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    for _ in 0..2 {
        let made = owner.send("/console/new-keys", "name=own&algorithm=ES256&period=").await;
        assert_eq!(made.status, 303, "{made:?}");
    }
    let order = async || {
        let keys = server.app.store.key_set("own").await.unwrap().unwrap().keys;
        keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
    };
    let [first, second]: [String; 2] = order().await.try_into().unwrap();
    let path = format!("/console/keys/own/promote/{second}");
    assert!(owner.get(&path).await.text.contains("first let them have it"));
    assert_eq!(owner.send(&path, "").await.status, 303);
    assert_eq!(order().await, [second, first]);
    assert_eq!(owner.get("/console/keys/own/rotate").await.status, 409);
    assert_eq!(owner.get("/console/keys/own/promote/none").await.status, 404);
    assert!(owner.get("/console/keys/own/adopt").await.text.contains("no way back"));
    assert_eq!(owner.send("/console/keys/own/adopt", "period=720h").await.status, 303);
    assert!(owner.get("/console/keys").await.text.contains("rotates every 720h"));
    let mut viewer = Browser::signed_in(&server, "viewer", Role::Viewer).await;
    assert_eq!(viewer.get("/console/keys/own").await.status, 200);
}
