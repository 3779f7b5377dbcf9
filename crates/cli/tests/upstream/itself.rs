//! Sessera before Sessera: what the one answers, the other passes on.

use super::*;

/// A server that keeps sessions, and one before it that keeps answers for `ttl`.
fn pair(ttl: &str) -> (Server, Server) {
    let back = Server::configured(json!({}));
    let (public, admin) = (format!("http://{}", back.public), format!("http://{}", back.admin));
    let upstream = json!({"url": public, "admin_url": admin, "ttl": ttl});
    let front = Server::configured(json!({"session": {"upstream": upstream}}));
    (back, front)
}

#[tokio::test]
async fn whoami_is_the_same_before_and_behind() {
    let (back, front) = pair("30s");
    let ada = front.person("ada@example.org").await;
    let (token, _) = front.signed_in("ada@example.org").await;
    let header = [("x-session-token", token.as_str())];
    let (behind, before) = (whoami(&back, &header).await, whoami(&front, &header).await);
    assert_eq!((before.status, &before.text), (200, &behind.text));
    for name in ["content-type", "cache-control", "x-kratos-authenticated-identity-id"] {
        assert_eq!(before.header(name), behind.header(name), "{name}");
    }
    assert_eq!(before.body["identity"]["id"], json!(ada));
    for headers in
        [vec![], vec![("x-session-token", "ory_st_nobody")], vec![("cookie", "ory_kratos_session=x")]]
    {
        let (behind, before) = (whoami(&back, &headers).await, whoami(&front, &headers).await);
        assert_eq!((before.status, before.body), (behind.status, behind.body), "{headers:?}");
    }
}

#[tokio::test]
async fn what_ends_a_session_through_the_front_is_seen_at_once() {
    let (_back, front) = pair("10m");
    let ada = front.person("ada@example.org").await;
    let (token, session) = front.signed_in("ada@example.org").await;
    let mut token = token;
    for path in [format!("/admin/sessions/{session}"), format!("/admin/identities/{ada}/sessions")] {
        let header = [("x-session-token", token.as_str())];
        assert_eq!(whoami(&front, &header).await.status, 200);
        assert_eq!(front.admin("DELETE", &path, None).await.status, 204, "{path}");
        assert_eq!(whoami(&front, &header).await.status, 401, "{path}");
        token = front.signed_in("ada@example.org").await.0;
    }
    assert_eq!(whoami(&front, &[("x-session-token", &token)]).await.status, 200);
    let logout = json!({"session_token": token});
    assert_eq!(front.public("DELETE", "/self-service/logout/api", &[], Some(logout)).await.status, 204);
    assert_eq!(whoami(&front, &[("x-session-token", &token)]).await.status, 401);
}

#[tokio::test]
async fn what_ends_behind_its_back_is_seen_when_ttl_is_over() {
    let (back, front) = pair("200ms");
    back.person("ada@example.org").await;
    let (token, session) = back.signed_in("ada@example.org").await;
    let header = [("x-session-token", token.as_str())];
    assert_eq!(whoami(&front, &header).await.status, 200);
    assert_eq!(back.admin("DELETE", &format!("/admin/sessions/{session}"), None).await.status, 204);
    until(async || whoami(&front, &header).await.status == 401).await;
}
