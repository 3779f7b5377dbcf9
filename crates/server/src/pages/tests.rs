//! The renderer with every kind of node and with hostile values, and the pages over HTTP.

use serde_json::{Value, json};
use sessera_accounts::language::Language;
use sessera_accounts::messages::{Message, MessageId, common};
use sessera_accounts::methods::{lookup_secret, password, totp};
use sessera_accounts::ui::{Attributes, Container, Group, Input, InputKind, Node};
use sessera_model::Timestamp;

use sessera_pages::FormContext;
use sessera_pages::Texts;

const HOSTILE: &str = "\"'><script>alert(1)</script>&amp;\u{202e}\u{0}";

fn render(container: &Container) -> String {
    let look = FormContext { texts: Texts::of(Language::En), focus: true, is_main: true };
    format!("{}{}", look.messages(container).into_string(), look.forms(container).into_string())
}

fn with(nodes: Vec<Node>) -> Container {
    let mut container = Container::new("https://id.example.org/submit?flow=1&x=2".into());
    container.nodes = nodes;
    container
}

fn text(attributes: Attributes, label: MessageId) -> Node {
    Node { group: Group::TOTP, attributes, messages: Vec::new(), label: Some(label.into()) }
}

#[test]
fn nothing_that_is_put_in_becomes_html() {
    let mut container = with(vec![
        Input::hidden("csrf_token", HOSTILE).node(Group::DEFAULT),
        Input::new(HOSTILE, InputKind::Text)
            .with_value(HOSTILE)
            .node(Group::PROFILE)
            .label(Message::field_label("traits.x", HOSTILE)),
        Input::submit("method", HOSTILE).node(Group::PROFILE).label(Message::invalid(HOSTILE)),
        text(
            Attributes::Text { id: "x", text: totp::messages::secret(HOSTILE) },
            totp::messages::SECRET_LABEL,
        ),
        text(
            Attributes::Text { id: "y", text: lookup_secret::messages::secrets(&[(HOSTILE.into(), None)]) },
            lookup_secret::messages::SECRETS_LABEL,
        ),
        text(Attributes::Image { id: "z", source: HOSTILE.into(), side: 1 }, totp::messages::QR_CODE),
        text(
            Attributes::Anchor { id: "a", href: HOSTILE.into(), title: common::CONTINUE.into() },
            common::CONTINUE,
        ),
    ]);
    let mut choice = Input::new("traits.choice", InputKind::Text);
    choice.options = vec![json!(HOSTILE)];
    container.nodes.push(choice.node(Group::PROFILE));
    container.nodes[1].messages.push(Message::invalid(HOSTILE));
    container.messages.push(Message::invalid(HOSTILE));
    container.action = HOSTILE.into();
    let html = render(&container);
    assert!(!html.contains("<script"), "{html}");
    // Every quotation mark within a value is escaped, so no value can end its attribute.
    assert!(!html.contains("\"'>"), "{html}");
    assert!(html.contains("&quot;'&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;"), "{html}");
}

#[test]
fn every_kind_of_input_has_a_label_and_its_type() {
    for (kind, expected) in [
        (InputKind::Text, "text"),
        (InputKind::Password, "password"),
        (InputKind::Number, "number"),
        (InputKind::Checkbox, "checkbox"),
        (InputKind::Email, "email"),
        (InputKind::Telephone, "tel"),
        (InputKind::Date, "date"),
        (InputKind::Url, "url"),
        // No browser's field for times writes the zone that schemas ask for.
        (InputKind::DateTime, "text"),
    ] {
        let node = Input::new("traits.name.first_name", kind).required().node(Group::DEFAULT);
        let html = render(&with(vec![node]));
        assert!(html.contains(&format!("type=\"{expected}\"")), "{html}");
        assert!(html.contains("<label for=\"field-traits.name.first_name\">First name</label>"), "{html}");
        assert!(html.contains("required") && !html.contains("(optional)"), "{html}");
    }
}

#[test]
fn values_stand_where_they_were_typed() {
    let field = |name: &str, kind: InputKind, value: Value| {
        Input::new(name, kind).with_value(value).node(Group::PROFILE)
    };
    let mut choice = Input::new("traits.colour", InputKind::Text).with_value("green");
    choice.options = vec![json!("red"), json!("green")];
    let html = render(&with(vec![
        field("traits.age", InputKind::Number, json!(42)),
        field("traits.news", InputKind::Checkbox, json!(true)),
        field("traits.groups", InputKind::Text, json!(["a", "b"])),
        choice.node(Group::PROFILE),
    ]));
    assert!(html.contains("value=\"42\""), "{html}");
    assert!(html.contains("type=\"hidden\" name=\"traits.news\" value=\"false\""), "{html}");
    assert!(html.contains("value=\"true\" checked"), "{html}");
    // Every item of a list is there, with room for one more.
    assert_eq!(html.matches("name=\"traits.groups\"").count(), 3, "{html}");
    assert_eq!(html.matches("id=\"field-traits.groups\"").count(), 1, "{html}");
    assert!(html.contains("<option value=\"green\" selected>green</option>"), "{html}");
    assert!(html.contains("<option value=\"red\">red</option>"), "{html}");
}

#[test]
fn what_is_wrong_stands_at_the_field_and_in_the_list() {
    let mut field = Input::new("password", InputKind::Password).required().autocomplete("new-password");
    field.min_length = Some(8);
    let mut node = field.node(Group::PASSWORD).label(password::messages::LABEL);
    node.messages.push(Message::required("password"));
    let mut stray = Input::new("password2", InputKind::Text).node(Group::DEFAULT);
    stray.messages.push(password::messages::UNCHANGED.into());
    let mut container = with(vec![node, stray]);
    container.messages.push(common::DUPLICATE.into());
    let html = render(&container);
    assert!(html.contains("role=\"alert\" tabindex=\"-1\" autofocus"), "{html}");
    assert!(html.contains("<a href=\"#field-password\">Password: Please fill in this field.</a>"), "{html}");
    assert!(html.contains("aria-invalid=\"true\""), "{html}");
    assert!(html.contains("aria-describedby=\"field-password-hint field-password-error\""), "{html}");
    assert!(html.contains("id=\"field-password-hint\"") && html.contains("id=\"field-password-error\""));
    assert!(html.contains("At least 8 characters"), "{html}");
    assert!(html.contains("An account with this name or address exists already."), "{html}");
    // A field without a label only carries a message.
    assert!(html.contains("must differ") && !html.contains("name=\"password2\""), "{html}");
    assert_eq!(html.matches("autofocus").count(), 1, "{html}");
}

#[test]
fn texts_pictures_and_links_are_shown() {
    let codes = [("aaaa1111".to_owned(), None), ("bbbb2222".to_owned(), Some(Timestamp::from_seconds(1)))];
    let html = render(&with(vec![
        text(
            Attributes::Text { id: "x", text: totp::messages::secret("ABCDEFGHIJ") },
            totp::messages::SECRET_LABEL,
        ),
        text(
            Attributes::Text { id: "y", text: lookup_secret::messages::secrets(&codes) },
            lookup_secret::messages::SECRETS_LABEL,
        ),
        text(
            Attributes::Image { id: "z", source: "data:image/png;base64,AA".into(), side: 256 },
            totp::messages::QR_CODE,
        ),
        text(
            Attributes::Anchor { id: "a", href: "https://x.example/".into(), title: common::CONTINUE.into() },
            common::CONTINUE,
        ),
    ]));
    assert!(html.contains("ABCD EFGH IJ"), "{html}");
    assert!(html.contains("<li><code>aaaa1111</code></li>") && html.contains("<li class=\"used\">used</li>"));
    assert!(html.contains("alt=\"QR code for your authenticator app\""), "{html}");
    assert!(html.contains("href=\"https://x.example/\""), "{html}");
}

#[test]
fn methods_without_a_common_field_have_forms_of_their_own() {
    let csrf = || Input::hidden("csrf_token", "t").node(Group::DEFAULT);
    let code = |name: &str, group: Group| {
        Input::new(name, InputKind::Text).required().node(group).label(totp::messages::LABEL)
    };
    let html = render(&with(vec![
        csrf(),
        code("totp_code", Group::TOTP),
        code("lookup_secret", Group::LOOKUP_SECRET),
    ]));
    assert_eq!(html.matches("<form").count(), 2, "{html}");
    assert_eq!(html.matches("name=\"csrf_token\"").count(), 2, "{html}");
    assert_eq!(html.matches("autofocus").count(), 1, "{html}");
    let submit = |name: &str, value: &str, group: Group| Input::submit(name, value).node(group);
    let html = render(&with(vec![
        submit("provider", "company", Group::OIDC),
        csrf(),
        code("password", Group::PASSWORD),
        submit("method", "password", Group::PASSWORD),
        submit("screen", "previous", Group::PROFILE),
    ]));
    let place = |button: &str| html.find(&format!("value=\"{button}\"")).expect(button);
    assert!(place("password") < place("company") && place("company") < place("previous"), "{html}");
    assert!(html.contains("class=\"primary\" type=\"submit\" name=\"method\""), "{html}");
    let html = render(&with(vec![
        csrf(),
        Input::new("traits.email", InputKind::Email).node(Group::DEFAULT),
        code("a", Group::PASSWORD),
        code("b", Group::PROFILE),
    ]));
    assert_eq!(html.matches("<form").count(), 1, "{html}");
}

mod over_http {
    use super::*;
    use crate::testing::TestServer;

    const HTML: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

    /// Begins a flow as a browser does and returns the way to its page and the cookie.
    async fn begin(server: &TestServer, kind: &str) -> (String, String) {
        let path = format!("/self-service/{kind}/browser");
        let answer = server.public("GET", &path, &[HTML], None).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let page = answer.header("location").strip_prefix("http://127.0.0.1:4433").unwrap().to_owned();
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        (page, cookie)
    }

    #[tokio::test]
    async fn a_page_may_load_nothing_foreign_and_is_not_kept() {
        let recovery = json!({"selfservice": {"flows": {"recovery": {"enabled": true}}}});
        let server = TestServer::configured(recovery).await;
        let (page, cookie) = begin(&server, "login").await;
        let answer = server.public("GET", &page, &[HTML, ("cookie", &cookie)], None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("cache-control").contains("no-store"));
        assert!(answer.text.contains("<html lang=\"en\" dir=\"ltr\">") && !answer.text.contains("style="));
        assert!(answer.text.contains("autocomplete=\"username\""));
        assert!(answer.text.contains("/self-service/registration/browser"));
        assert!(answer.text.contains("/self-service/recovery/browser"));
    }

    #[tokio::test]
    async fn nothing_leads_to_a_recovery_that_is_off() {
        let off = json!({"selfservice": {"flows": {"recovery": {"enabled": false}}}});
        let server = TestServer::configured(off).await;
        let (page, cookie) = begin(&server, "login").await;
        let answer = server.public("GET", &page, &[HTML, ("cookie", &cookie)], None).await;
        assert!(answer.status == 200 && !answer.text.contains("/self-service/recovery/browser"));
    }

    #[tokio::test]
    async fn the_style_sheet_is_kept_for_good_under_its_hash() {
        let server = TestServer::start().await;
        let (page, cookie) = begin(&server, "login").await;
        let answer = server.public("GET", &page, &[HTML, ("cookie", &cookie)], None).await;
        let href = answer.text.split("stylesheet\" href=\"http://127.0.0.1:4433").nth(1).unwrap();
        let path = href.split('"').next().unwrap();
        let sheet = server.public("GET", path, &[], None).await;
        assert_eq!((sheet.status, sheet.header("content-type")), (200, "text/css; charset=utf-8"));
        assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(server.public("GET", "/ui/assets/style.0.css", &[], None).await.status, 404);
    }

    #[tokio::test]
    async fn german_browsers_get_german_pages() {
        let server = TestServer::start().await;
        let (page, cookie) = begin(&server, "registration").await;
        let headers = [HTML, ("cookie", cookie.as_str()), ("accept-language", "de-CH, en;q=0.5")];
        let answer = server.public("GET", &page, &headers, None).await;
        assert!(
            answer.text.contains("<html lang=\"de\" dir=\"ltr\">") && answer.text.contains("Konto anlegen")
        );
    }

    #[tokio::test]
    async fn pages_without_a_flow_begin_one() {
        let server = TestServer::start().await;
        for path in ["/ui/login", "/ui/login?flow=6f1c6c2e-0000-4000-8000-000000000000", "/ui/login?flow=x"] {
            let answer = server.public("GET", path, &[HTML], None).await;
            assert_eq!(answer.status, 303, "{path}");
            assert!(answer.header("location").ends_with("/self-service/login/browser"), "{path}");
        }
        let answer = server.public("GET", "/ui/settings", &[HTML], None).await;
        assert!(answer.header("location").ends_with("/self-service/login/browser"), "{answer:?}");
    }

    #[tokio::test]
    async fn an_ended_flow_begins_again_with_what_was_asked() {
        let server =
            TestServer::configured(json!({"selfservice": {"allowed_return_urls": ["https://a.example/"]}}))
                .await;
        let (page, cookie) = begin(&server, "login").await;
        server.clock.advance(std::time::Duration::from_hours(2));
        let answer = server.public("GET", &page, &[HTML, ("cookie", &cookie)], None).await;
        assert_eq!(answer.status, 303);
        let path = "/self-service/login/browser?return_to=https%3A%2F%2Fa.example%2Fx";
        let answer = server.public("GET", path, &[HTML, ("cookie", &cookie)], None).await;
        let page = answer.header("location").strip_prefix("http://127.0.0.1:4433").unwrap().to_owned();
        server.clock.advance(std::time::Duration::from_hours(2));
        let answer = server.public("GET", &page, &[HTML, ("cookie", &cookie)], None).await;
        assert!(answer.header("location").ends_with(path), "{answer:?}");
    }

    #[tokio::test]
    async fn another_browser_s_flow_is_an_error_in_words() {
        let server = TestServer::start().await;
        let (page, _) = begin(&server, "login").await;
        let answer = server.public("GET", &page, &[HTML], None).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text.contains("does not belong to this browser"), "{}", answer.text);
    }

    #[tokio::test]
    async fn nothing_is_a_page_to_people_and_json_to_programs() {
        let server = TestServer::start().await;
        let page = server.public("GET", "/nope", &[HTML], None).await;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
        for path in ["/nope", "/"] {
            let json = server.public("GET", path, &[], None).await;
            assert_eq!((json.status, json.header("content-type")), (404, "application/json"), "{path}");
        }
        let front = server.public("GET", "/", &[HTML], None).await;
        assert!(front.header("location").ends_with("/self-service/login/browser"));
        let error = server.public("GET", "/ui/error?id=nope", &[HTML], None).await;
        assert_eq!(error.status, 404);
    }

    #[tokio::test]
    async fn a_kept_error_is_shown() {
        let server = TestServer::start().await;
        let path = "/self-service/login/browser?return_to=https%3A%2F%2Fevil.example%2F";
        let answer = server.public("GET", path, &[HTML], None).await;
        let page = answer.header("location").strip_prefix("http://127.0.0.1:4433").unwrap();
        let answer = server.public("GET", page, &[HTML], None).await;
        assert!(answer.text.contains("leads on to an address that is not allowed"), "{}", answer.text);
    }

    #[tokio::test]
    async fn devices_are_signed_out_with_the_form_s_token_only() {
        let server = TestServer::start().await;
        server.person("ada@example.org").await;
        let (other, _) = server.signed_in("ada@example.org").await;
        let cookies = server.browser("ada@example.org").await;
        let begun =
            server.public("GET", "/self-service/settings/browser", &[HTML, ("cookie", &cookies)], None).await;
        let page = begun.header("location").strip_prefix("http://127.0.0.1:4433").unwrap();
        let shown = server.public("GET", page, &[HTML, ("cookie", &cookies)], None).await;
        assert!(shown.text.contains("Sign out everywhere else"), "{}", shown.text);
        assert!(shown.text.contains("This device"));
        let form_token = shown.text.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        let form_token = form_token.split('"').next().unwrap();
        let path = page.replace("/ui/settings", "/ui/settings/sessions");
        let submit = async |token: &str| {
            let body = json!({"csrf_token": token, "session": "others"});
            server.public("POST", &path, &[HTML, ("cookie", &cookies)], Some(body)).await
        };
        assert_eq!(submit("wrong").await.status, 403);
        let whoami = async |name: &str, value: &str| {
            server.public("GET", "/sessions/whoami", &[(name, value)], None).await.status
        };
        assert_eq!(whoami("x-session-token", &other).await, 200);
        let answer = submit(form_token).await;
        assert_eq!(answer.status, 303);
        assert!(answer.header("location").contains("done=revoked"));
        assert_eq!(whoami("x-session-token", &other).await, 401);
        assert_eq!(whoami("cookie", &cookies).await, 200);
    }
}
