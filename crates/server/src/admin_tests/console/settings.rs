//! The settings: the way back to an older configuration, receivers of events, and admin tokens.

use std::time::Duration;

use serde_json::json;
use sessera_model::{Role, Timestamp};
use sessera_node::configuration::{Hopeless, Terms};
use sessera_store::{Change, NewDelivery, Revision, Taken};

use super::{Browser, closed, put, with_template};
use crate::testing::{Answer, TestServer};

/// What an address and a secret of a receiver have in them that nobody may see.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Changes the configuration as an owner does it with the command line.
async fn patch(server: &TestServer, path: &str, value: serde_json::Value) {
    let patch = json!([{"op": "add", "path": format!("/services/identity/config{path}"), "value": value}]);
    let terms = Terms { hopeless: Hopeless::Allowed, role: Role::Owner };
    server.app.configuration.patch(&patch, None, terms).await.unwrap();
}

/// A server with a receiver of events, whose address and name have things in them that no page may show.
pub(super) async fn with_sink() -> TestServer {
    let server = closed().await;
    let sink =
        json!({"url": "https://hooks.example.org:8443/in/PATH-SECRET?key=QUERY-SECRET", "secret": [SECRET]});
    patch(&server, "/events", json!({"sinks": {"siem": sink}})).await;
    server
}

/// Has the receiver refuse the first entry of the record, which is sent again at a time or given up.
pub(super) async fn fails(server: &TestServer, due_at: Option<Timestamp>) {
    let app = &server.app;
    app.record.keep().await.unwrap();
    let from = app.sinks.all().await.unwrap()[0].0.number;
    let sink = || "siem".to_owned();
    let deliveries = vec![NewDelivery { number: 1, subject: String::new() }];
    let taken = Taken { sink: sink(), from, to: from + 1, deliveries, at: app.clock.now() };
    let problem = "it refused <b>".to_owned();
    let failed = Change::DeliveryFailed { sink: sink(), number: 1, due_at, problem };
    if app.sinks.all().await.unwrap()[0].0.waiting == 0 {
        app.committer.commit(&[Change::TakeFromRecord(taken)]).await.unwrap();
    }
    app.committer.commit(&[failed]).await.unwrap();
}

fn newest(page: &Answer) -> &str {
    let (_, rest) = page.text.split_once("name=\"newest\" value=\"").expect("the page has the form");
    rest.split_once('"').unwrap().0
}

/// The addresses of revisions, in the order of the page.
fn revisions(page: &Answer) -> Vec<String> {
    let parts = page.text.split("href=\"/console/settings/revisions/").skip(1);
    parts.map(|part| format!("/console/settings/revisions/{}", &part[..36])).collect()
}

#[tokio::test]
async fn revisions_are_listed_and_one_goes_back_after_one_was_told_what_goes() {
    let server = closed().await;
    with_template(&server).await;
    put(&server, "b", &json!({"jwks_url": "set://keys", "ttl": "1m"})).await;
    let mut ops = Browser::signed_in(&server, "ops", Role::Operator).await;
    let editor = ops.get("/console/templates/b").await;
    let fields = format!("revision={}&keys=set%3A%2F%2Fkeys&ttl=2m", super::revision(&editor));
    assert_eq!(ops.send("/console/templates/b", &fields).await.status, 303);
    let page = ops.get("/console/settings").await;
    assert!(page.text.contains(">ops<") && page.text.contains("/templates/b/ttl"), "{page:?}");
    let all = revisions(&page);
    assert_eq!(all.len(), 3, "{page:?}");
    // The oldest revision had no template b, so that goes.
    let before = ops.get(&all[2]).await;
    let goes = "<span class=\"tag wrong\">goes</span></td><th class=\"mono\" scope=\"row\">/session/whoami/tokenizer/templates/b</th>";
    assert!(before.text.contains(goes) && before.text.contains("Nothing is lost"), "{before:?}");
    assert!(before.text.contains("What this revision changed"), "{before:?}");
    assert!(ops.get(&all[0]).await.text.contains("nothing to go back to"));
    // What was made from an older page is refused, and the page says what would happen now.
    let form = format!("newest={}", newest(&before));
    put(&server, "c", &json!({"jwks_url": "set://keys"})).await;
    let outdated = ops.send(&all[2], &form).await;
    assert_eq!(outdated.status, 409);
    let both = ["The revision is no longer the newest one", "templates/c</th>"];
    assert!(both.iter().all(|text| outdated.text.contains(text)), "{outdated:?}");
    let done = ops.send(&all[2], &format!("newest={}", newest(&outdated))).await;
    assert_eq!((done.status, done.header("location")), (303, "/console/settings?done=1"), "{done:?}");
    assert_eq!(ops.get("/console/templates/b").await.status, 404);
    assert_eq!(ops.get("/console/templates/api").await.status, 200);
    // The configuration of files and the environment stands at the end of the list.
    let list = ops.get("/console/settings/revisions").await;
    let files = revisions(&list).pop().unwrap();
    assert!(files.ends_with(&server.app.deployment_id.0.to_string()), "{list:?}");
    let before = ops.get(&files).await;
    assert!(before.text.contains("Go back to files and the environment?"), "{before:?}");
    let part = ops.get("/console/settings/revisions?page_size=1").await;
    assert!(part.text.contains("page_token=") && revisions(&part).len() == 1, "{part:?}");
    assert_eq!(ops.get("/console/settings/revisions/x").await.status, 400);
    let none = ops.get("/console/settings/revisions/6f1c6c2e-0000-4000-8000-000000000000").await;
    assert_eq!(none.status, 404);
    assert!(none.text.contains("There is no revision"), "{none:?}");
}

#[tokio::test]
async fn who_made_a_revision_is_known_longer_than_the_record_is_kept() {
    let server = closed().await;
    with_template(&server).await;
    let mut ops = Browser::signed_in(&server, "ops", Role::Operator).await;
    let editor = ops.get("/console/templates/api").await;
    let fields = format!("revision={}&keys=set%3A%2F%2Fkeys&ttl=2m", super::revision(&editor));
    assert_eq!(ops.send("/console/templates/api", &fields).await.status, 303);
    let app = &server.app;
    app.record.keep().await.unwrap();
    assert!(app.store.sweep_audit(app.clock.now() + Duration::from_hours(1), 1000).await.unwrap() > 0);
    for path in ["/console/settings", "/console/settings/revisions", "/console/templates/api"] {
        let page = ops.get(path).await;
        assert!(page.text.contains("<td>ops</td>"), "{path}: {page:?}");
    }
    assert!(!ops.get("/console/record").await.text.contains("configuration_changed"));
}

#[tokio::test]
async fn what_an_earlier_version_kept_of_a_receiver_is_shown_as_it_would_be_kept_now() {
    let server = closed().await;
    let app = &server.app;
    let old = "https://hooks.example.org/in/PATH-SECRET?key=QUERY-SECRET";
    let diff =
        json!([{"op": "add", "path": "/events/sinks/siem", "after": {"url": old, "secret": [SECRET]}}]);
    let revision = Revision {
        id: app.accounts.random.uuid(),
        parent: None,
        created_at: app.clock.now(),
        made_by: None,
        config: json!({}).to_string().into(),
        diff: diff.to_string(),
    };
    let of_revision = format!("/console/settings/revisions/{}", revision.id);
    app.committer.commit(&[Change::InsertRevision(revision)]).await.unwrap();
    let proof = [("authorization", "Bearer a-token-of-the-configuration-1")];
    let listed = server.admin_with("GET", "/projects/default/revisions", &proof, None).await;
    assert!(listed.text.contains("https://hooks.example.org/(sha256 "), "{listed:?}");
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    let mut shown = vec![("the API", listed)];
    for path in ["/console/settings", "/console/settings/revisions", &of_revision] {
        shown.push((path, owner.get(path).await));
    }
    for (path, page) in shown {
        assert!(page.status == 200 && page.text.contains("events/sinks/siem"), "{path}: {page:?}");
        for secret in ["PATH-SECRET", "QUERY-SECRET", &SECRET[6..]] {
            assert!(!page.text.contains(secret), "{path}: {page:?}");
        }
    }
}

#[tokio::test]
async fn an_operator_is_told_before_that_a_way_back_leads_too_far() {
    let server = closed().await;
    patch(&server, "/session", json!({"lifespan": "1h"})).await;
    let mut ops = Browser::signed_in(&server, "ops", Role::Operator).await;
    let list = ops.get("/console/settings/revisions").await;
    let files = revisions(&list).pop().unwrap();
    let before = ops.get(&files).await;
    assert!(
        before.text.contains("ask an owner to make it") && before.text.contains(" disabled>"),
        "{before:?}"
    );
    let form = format!("newest={}", newest(&before));
    assert_eq!(ops.send(&files, &form).await.status, 403);
    let mut viewer = Browser::signed_in(&server, "viewer", Role::Viewer).await;
    let viewed = viewer.get(&files).await;
    assert!(viewed.text.contains(" disabled>") && !viewed.text.contains("ask an owner"), "{viewed:?}");
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    assert!(!owner.get(&files).await.text.contains(" disabled>"));
    assert_eq!(owner.send(&files, &form).await.status, 303);
}

#[tokio::test]
async fn nobody_is_shown_the_secrets_of_a_receiver_of_events() {
    let server = with_sink().await;
    for role in [Role::Viewer, Role::Owner] {
        let mut browser = Browser::signed_in(&server, role.as_str(), role).await;
        let page = browser.get("/console/settings").await;
        assert!(page.text.contains("hooks.example.org:8443"), "{page:?}");
        let of_revision = revisions(&page)[0].clone();
        for path in ["/console/settings", "/console/settings/sinks/siem", "/console", &of_revision] {
            let page = browser.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            for secret in ["PATH-SECRET", "QUERY-SECRET", &SECRET[6..]] {
                assert!(!page.text.contains(secret), "{path}: {page:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_receiver_did_not_take_is_shown_and_sent_once_more() {
    let server = with_sink().await;
    fails(&server, None).await;
    let app = &server.app;
    let mut ops = Browser::signed_in(&server, "ops", Role::Operator).await;
    let page = ops.get("/console/settings/sinks/siem?state=given_up").await;
    assert!(
        page.text.contains("has given up events") && page.text.contains("it refused &lt;b&gt;"),
        "{page:?}"
    );
    assert!(ops.get("/console/settings/sinks/siem?state=waiting").await.text.contains("There is none."));
    assert_eq!(ops.get("/console/settings/sinks/siem?state=lost").await.status, 400);
    let before = ops.get("/console/settings/sinks/siem/replay").await;
    assert!(before.text.contains("What was given up is sent (1 events)"), "{before:?}");
    let wrong = ops.send("/console/settings/sinks/siem/replay", "after=first").await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.text.contains("no number of an entry") && wrong.text.contains("value=\"first\""),
        "{wrong:?}"
    );
    for beyond in ["-1", "9999"] {
        let wrong = ops.send("/console/settings/sinks/siem/replay", &format!("after={beyond}")).await;
        assert_eq!(wrong.status, 400, "{beyond}");
        assert!(wrong.text.contains("The record has no entry") && wrong.text.contains(beyond), "{wrong:?}");
    }
    assert_eq!(app.sinks.all().await.unwrap()[0].0.given_up, 1);
    let done = ops.send("/console/settings/sinks/siem/replay", "after=").await;
    assert_eq!(done.header("location"), "/console/settings/sinks/siem?done=1", "{done:?}");
    let state = &app.sinks.all().await.unwrap()[0].0;
    assert_eq!((state.given_up, state.waiting), (0, 1));
    assert!(ops.get("/console/settings/sinks/siem?done=1").await.text.contains("They will be delivered."));
    assert_eq!(ops.send("/console/settings/sinks/siem/replay", "after=0").await.status, 303);
    for path in ["/console/settings/sinks/none", "/console/settings/sinks/none/replay"] {
        assert_eq!(ops.get(path).await.status, 404, "{path}");
    }
    let mut viewer = Browser::signed_in(&server, "viewer", Role::Viewer).await;
    assert!(!viewer.get("/console/settings/sinks/siem").await.text.contains("/replay\""));
}

#[tokio::test]
async fn admin_tokens_are_made_shown_once_and_deleted_by_owners() {
    let server = closed().await;
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    let made = owner.send("/console/settings/new-token", "name=ci&role=operator&expires_in=2h").await;
    assert_eq!(made.status, 200, "{made:?}");
    let (_, token) = made.text.split_once("<pre tabindex=\"0\">").expect("it is shown");
    let token = token.split_once('<').unwrap().0.to_owned();
    assert!(made.header("cache-control").contains("no-store"), "{made:?}");
    let kept = server.app.admin_tokens.recognise(&token).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.role), ("ci", Role::Operator));
    assert_eq!(kept.expires_at, Some(server.app.clock.now() + Duration::from_hours(2)));
    let page = owner.get("/console/settings").await;
    assert!(page.text.contains(">ci</th>") && !page.text.contains(&token), "{page:?}");
    assert!(page.text.contains("1 of serve.admin.token"), "{page:?}");
    for (form, status, said) in [
        ("name=ci&role=viewer&expires_in=", 409, "there is an admin token"),
        ("name=x&role=king&expires_in=", 400, "value=\"x\""),
        ("name=x&role=viewer&expires_in=soon", 400, "expires_in: "),
        ("name=%3Cb%3E&role=viewer&expires_in=", 400, "value=\"&lt;b&gt;\""),
    ] {
        let refused = owner.send("/console/settings/new-token", form).await;
        assert_eq!(refused.status, status, "{form}");
        assert!(refused.text.to_lowercase().contains(said), "{said}: {refused:?}");
    }
    let mut ci = Browser::new(&server);
    assert_eq!(ci.sign_in(&token).await.status, 303);
    let viewed = ci.get("/console/settings/tokens/ci/delete").await;
    assert!(viewed.text.contains("signed in with it") && viewed.text.contains(" disabled>"), "{viewed:?}");
    assert_eq!(ci.send("/console/settings/tokens/ci/delete", "").await.status, 403);
    let before = owner.get("/console/settings/tokens/ci/delete").await;
    assert!(before.text.contains("Whoever uses it is refused from then on."), "{before:?}");
    assert_eq!(owner.send("/console/settings/tokens/ci/delete", "").await.status, 303);
    assert_eq!(ci.get("/console").await.status, 303);
    assert_eq!(owner.get("/console/settings/tokens/ci/delete").await.status, 404);
    assert_eq!(owner.send("/console/settings/tokens/ci/delete", "").await.status, 404);
}
