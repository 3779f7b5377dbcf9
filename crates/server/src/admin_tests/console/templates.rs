//! The editor of templates, their history, and recipes.

use serde_json::json;
use sessera_model::Role;

use super::{Browser, ada, closed, closed_at, encoded, revision, with_template};

#[tokio::test]
async fn a_template_is_written_tried_saved_and_brought_back() {
    let server = closed().await;
    with_template(&server).await;
    ada(&server).await;
    server.login("ada@example.org", crate::testing::PASSWORD).await;
    let mut browser = Browser::signed_in(&server, "ops", Role::Operator).await;
    let page = browser.get("/console/templates/api").await;
    assert!(page.text.contains(">ready<") && page.text.contains("value=\"5m\""), "{page:?}");
    let mapper = encoded("{\r\n  claims: { email: std.extVar('session').identity.traits.email },\r\n}");
    let fields = format!("revision={}&keys=set%3A%2F%2Fkeys&ttl=10m&mapper={mapper}", revision(&page));
    let shown = browser
        .send("/console/templates/api/preview", &format!("{fields}&on=session&whom=ADA@example.org"))
        .await;
    assert!(
        shown.text.contains("ada@example.org</td>") && shown.text.contains("of 500000 steps"),
        "{shown:?}"
    );
    let part = browser.send("/console/templates/api/preview", &format!("{fields}&part=preview")).await;
    assert!(part.text.starts_with("<div id=\"preview\">"), "{part:?}");
    let nobody = browser.send("/console/templates/api/preview", &format!("{fields}&on=session&whom=x")).await;
    assert!(nobody.text.contains("Nobody who signs in with"), "{nobody:?}");
    let json = browser.send("/console/templates/api/preview", &format!("{fields}&on=json&json=%7B%7D")).await;
    assert!(json.text.contains("/id is missing"), "{json:?}");
    let broken = fields.replace("claims", "claims+%5D");
    let broken = browser.send("/console/templates/api/preview", &broken).await;
    assert!(broken.text.contains("Line 2, column 10"), "{broken:?}");
    let saved = browser.send("/console/templates/api", &fields).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, "/console/templates/api?saved=1"),
        "{saved:?}"
    );
    let page = browser.get("/console/templates/api?saved=1").await;
    assert!(page.text.contains("It is saved") && page.text.contains("mapper changed"), "{page:?}");
    assert!(page.text.contains(">ops<"), "the history says who: {page:?}");
    // What was made from an older revision is refused in the words of the API.
    let outdated = browser.send("/console/templates/api", &fields.replace("10m", "1m")).await;
    assert_eq!(outdated.status, 409);
    assert!(outdated.text.contains("The revision is no longer the newest one."), "{outdated:?}");
    let wrong = format!("revision={}&ttl=soon", revision(&page));
    let refused = browser.send("/console/templates/api", &wrong).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("ttl&quot;: ") && refused.text.contains("value=\"soon\""), "{refused:?}");
    // The way back leads by a page that shows what differs.
    let (_, rest) =
        page.text.split_once("/console/templates/api/history/").expect("there is an older version");
    let path = format!("/console/templates/api/history/{}", &rest[..36]);
    let before = browser.get(&path).await;
    assert!(before.text.contains("-   &quot;ttl&quot;: &quot;10m&quot;"), "{before:?}");
    // Neither way is gone over what was changed since the page was shown.
    let others = format!("revision={}&keys=set%3A%2F%2Fkeys&ttl=7m&mapper={mapper}", revision(&page));
    assert_eq!(browser.send("/console/templates/api", &others).await.status, 303);
    let shown = format!("revision={}", revision(&before));
    for path in [path.as_str(), "/console/templates/api/delete"] {
        let outdated = browser.send(path, &shown).await;
        assert_eq!(outdated.status, 409, "{path}");
        assert!(outdated.text.contains("The revision is no longer the newest one."), "{outdated:?}");
        assert_eq!(browser.send(path, "").await.status, 400, "{path}");
    }
    assert!(browser.get("/console/templates/api").await.text.contains("value=\"7m\""));
    let before = browser.get(&path).await;
    assert_eq!(browser.send(&path, &format!("revision={}", revision(&before))).await.status, 303);
    let page = browser.get("/console/templates/api").await;
    assert!(page.text.contains("value=\"5m\"") && !page.text.contains("traits.email"), "{page:?}");
    let before = browser.get("/console/templates/api/delete").await;
    assert_eq!(before.status, 200);
    let shown = format!("revision={}", revision(&before));
    assert_eq!(browser.send("/console/templates/api/delete", &shown).await.status, 303);
    assert_eq!(browser.get("/console/templates/api/delete").await.status, 404);
    assert_eq!(browser.get("/console/templates/api").await.status, 404);
}

#[tokio::test]
async fn a_new_template_takes_no_other_one_s_place_and_an_operator_brings_no_keys() {
    let server = closed().await;
    with_template(&server).await;
    let mut browser = Browser::signed_in(&server, "ops", Role::Operator).await;
    let page = browser.get("/console/new-template").await;
    let form =
        |name: &str, keys: &str| format!("revision={}&name={name}&keys={}", revision(&page), encoded(keys));
    let taken = browser.send("/console/new-template", &form("api", "set://keys")).await;
    assert_eq!(taken.status, 409, "{taken:?}");
    for (keys, status) in [("file:///etc/passwd", 400), ("base64://e30=", 403)] {
        let refused = browser.send("/console/new-template", &form("b", keys)).await;
        assert_eq!(refused.status, status, "{refused:?}");
        let tried = browser.send("/console/new-template/preview", &form("b", keys)).await;
        assert!(tried.text.contains("No token comes out"), "{tried:?}");
    }
    let bad = browser.send("/console/new-template", &form("a%2Fb", "set://keys")).await;
    assert_eq!(bad.status, 400);
    assert!(bad.text.contains("is not a name for a template"), "{bad:?}");
    assert_eq!(browser.send("/console/new-template", &form("b", "set://keys")).await.status, 303);
    assert!(browser.get("/console").await.text.contains("configuration changed"));
}

#[tokio::test]
async fn a_recipe_fills_the_editor_and_saves_nothing() {
    let server = closed().await;
    let mut browser = Browser::signed_in(&server, "ops", Role::Operator).await;
    let filled =
        browser.send("/console/recipes/hasura", "name=graph&answer-audience=me&answer-role=<b>").await;
    assert_eq!(filled.status, 200, "{filled:?}");
    for text in ["value=\"graph\"", "value=\"me\"", "set://graph", "/.well-known/jwks/graph.json", "x-hasura"]
    {
        assert!(filled.text.contains(text), "{text}: {filled:?}");
    }
    assert!(!filled.text.contains("<b>"), "{filled:?}");
    assert_eq!(browser.get("/console/templates/graph").await.status, 404);
    let lacks = browser.send("/console/recipes/livekit", "name=calls").await;
    assert_eq!(lacks.status, 400, "{lacks:?}");
    let wild = browser.send("/console/recipes/nats", "name=mail&answer-subject=*").await;
    assert!(wild.status == 400 && wild.text.contains("letters, digits"), "{wild:?}");
}

#[tokio::test]
async fn a_recipe_whose_key_set_is_missing_offers_to_make_it() {
    let server = closed().await;
    let mut ops = Browser::signed_in(&server, "ops", Role::Operator).await;
    let form = "name=graph&answer-audience=me&answer-role=user";
    let lacks = ops.send("/console/recipes/hasura", form).await;
    for text in ["no key set graph yet", "Private keys never leave this server.", " disabled>"] {
        assert!(lacks.text.contains(text), "{text}: {lacks:?}");
    }
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    let lacks = owner.send("/console/recipes/hasura", form).await;
    assert!(
        lacks.text.contains("name=\"answer-audience\" value=\"me\"") && !lacks.text.contains(" disabled>")
    );
    let wrong = owner.send("/console/recipes/hasura/keys", &format!("{form}&period=soon")).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("The period: ") && wrong.text.contains("value=\"me\""), "{wrong:?}");
    let made = owner.send("/console/recipes/hasura/keys", &format!("{form}&period=720h")).await;
    assert!(made.status == 200 && !made.text.contains("no key set graph yet"), "{made:?}");
    assert!(made.text.contains("value=\"me\"") && !made.text.contains("No token comes out"), "{made:?}");
    let keys = server.app.store.key_set("graph").await.unwrap().unwrap();
    assert!(keys.managed.is_some());
    let unanswered = owner.send("/console/recipes/livekit/keys", "name=calls&period=").await;
    assert_eq!(unanswered.status, 400, "{unanswered:?}");
    let given = owner.send("/console/recipes/livekit", "name=calls&answer-api_key=APIabc").await;
    assert!(given.text.contains("--recipe livekit --secret FILE --set api_key=APIabc"), "{given:?}");
    assert!(given.text.contains("import jwk calls FILE --alg HS256"), "{given:?}");
    // What cannot be a template gets no keys.
    for bad in ["a+b", "..", "", "%C3%A4"] {
        let form = format!("name={bad}&answer-role=user&period=720h");
        for path in ["/console/recipes/hasura", "/console/recipes/hasura/keys"] {
            let refused = owner.send(path, &form).await;
            assert_eq!(refused.status, 400, "{bad}: {refused:?}");
            assert!(refused.text.contains("is not a name for a template"), "{bad}: {refused:?}");
        }
    }
    let odd = owner.send("/console/recipes/hasura/keys", "name=odd&answer-role=a%0Ab&period=720h").await;
    assert!(odd.status == 400 && odd.text.contains("control character"), "{odd:?}");
    let sets = server.app.store.key_sets().await.unwrap();
    assert_eq!(sets.into_iter().map(|set| set.name).collect::<Vec<_>>(), ["graph"]);
    let page = owner.get("/console/new-template").await;
    let saved = format!("revision={}&name=graph&keys=set%3A%2F%2Fgraph", revision(&page));
    assert_eq!(owner.send("/console/new-template", &saved).await.status, 303);
    for path in ["/console/recipes/hasura", "/console/recipes/hasura/keys"] {
        let taken = owner.send(path, &format!("{form}&period=720h")).await;
        assert!(taken.status == 409 && taken.text.contains("There is a template"), "{taken:?}");
    }
}

#[tokio::test]
async fn what_a_recipe_prints_and_warns_of_is_that_of_the_server() {
    let server = closed_at(Some("https://id.example.org")).await;
    let token = [("authorization", "Bearer a-token-of-the-configuration-1")];
    let body = json!({"alg": "HS256", "use": "sig"});
    let made = server.admin_with("POST", "/admin/keys/zen", &token, Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    let grafana = owner.send("/console/recipes/grafana", "name=gr").await;
    assert!(grafana.text.contains("{&quot;iss&quot;:&quot;https://id.example.org&quot;,"), "{grafana:?}");
    assert!(grafana.text.contains("https://id.example.org/.well-known/jwks/gr.json"), "{grafana:?}");
    let zendesk = owner.send("/console/recipes/zendesk", "name=zen").await;
    assert!(zendesk.text.contains("signs with a shared secret"), "{zendesk:?}");
}
