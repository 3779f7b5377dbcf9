//! When sessions were last used is noted, written later, and costs requests nothing.

use std::time::Duration;

use sessera_model::{Timestamp, Uuid};

use crate::testing::TestServer;

/// How old the noted use of a session may be before the next one is noted.
const NOTE_AFTER: Duration = Duration::from_secs(5 * 60);

async fn whoami(server: &TestServer, token: &str) {
    let answer = server.public("GET", "/sessions/whoami", &[("x-session-token", token)], None).await;
    assert_eq!(answer.status, 200);
}

async fn stored(server: &TestServer, session: &str) -> Option<Timestamp> {
    let id = Uuid::parse_str(session).unwrap();
    server.app.store.session(id).await.unwrap().unwrap().0.session.last_used_at
}

#[tokio::test]
async fn a_use_is_written_later_once_in_five_minutes_and_drops_nothing() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    whoami(&server, &token).await;
    server.app.sessions.write_last_uses(&server.app.committer).await;
    assert_eq!(stored(&server, &session).await, None, "signing in says as much");
    server.clock.advance(NOTE_AFTER);
    let used = server.app.clock.now();
    server.recorded.notes();
    for _ in 0..3 {
        whoami(&server, &token).await;
        server.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(server.recorded.notes(), [""; 0], "who asks does not wait for the store");
    server.app.sessions.write_last_uses(&server.app.committer).await;
    assert_eq!(server.recorded.notes(), ["NoteUses"]);
    assert_eq!(stored(&server, &session).await, Some(used));
    server.recorded.notes();
    whoami(&server, &token).await;
    server.app.sessions.write_last_uses(&server.app.committer).await;
    assert_eq!(server.recorded.notes(), [""; 0], "the session stays in memory, nothing new is noted");
}

#[tokio::test]
async fn a_session_that_is_read_again_goes_on_from_what_is_stored() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    server.clock.advance(NOTE_AFTER);
    let used = server.app.clock.now();
    whoami(&server, &token).await;
    server.app.sessions.write_last_uses(&server.app.committer).await;
    server.app.sessions.cache().drop_all();
    server.clock.advance(Duration::from_secs(4 * 60));
    whoami(&server, &token).await;
    server.app.sessions.write_last_uses(&server.app.committer).await;
    assert_eq!(stored(&server, &session).await, Some(used));
}
