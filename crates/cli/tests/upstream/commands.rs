//! The commands that look at an upstream: `sessera upstream check` and `sessera demo --upstream`.

use super::server::program;
use super::stub::{answer, session};
use super::*;

/// How a command ended, and what it wrote.
#[derive(Debug)]
struct Outcome {
    good: bool,
    printed: String,
    said: String,
}

/// Runs a command while the upstream of this test answers.
async fn run(arguments: &[&str]) -> Outcome {
    run_with(&[], arguments).await
}

/// Runs a command with variables of the environment.
async fn run_with(environment: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.envs(environment.iter().copied()).args(arguments);
    let output = tokio::task::spawn_blocking(move || (command.output().unwrap(), folder));
    let (output, _) = output.await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { good: output.status.success(), printed: text(output.stdout), said: text(output.stderr) }
}

/// What a check says about one thing: the result, what was found, and what to do.
fn about(outcome: &Outcome, what: &str) -> (String, String) {
    let findings: Value = serde_json::from_str(&outcome.printed).unwrap_or_else(|_| panic!("{outcome:?}"));
    let found = findings.as_array().unwrap().iter().find(|finding| finding["check"] == what);
    let found = found.unwrap_or_else(|| panic!("{what}: {outcome:?}"));
    let text = |member: &str| found[member].as_str().unwrap();
    (text("result").to_owned(), format!("{} {}", text("found"), text("to_do")))
}

#[tokio::test]
async fn a_good_upstream_is_found_good() {
    let back = Server::configured(json!({}));
    back.person("ada@example.org").await;
    let (token, session) = back.signed_in("ada@example.org").await;
    let (url, admin) = (format!("http://{}", back.public), format!("http://{}", back.admin));
    let check = ["upstream", "check", "--upstream", &url, "--upstream-admin", &admin, "--token", &token];
    let outcome = run(&[&check[..], &["--format", "json"]].concat()).await;
    assert!(outcome.good, "{outcome:?}");
    for (what, word) in [
        ("public API", "as a Kratos does"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("clocks", "the same time"),
        ("session of the token", session.as_str()),
        ("keeping answers", "30s"),
        ("admin API", "about sessions"),
    ] {
        let (result, told) = about(&outcome, what);
        assert!(result == "good" && told.contains(word), "{what}: {result}: {told}");
    }
    let (result, told) = about(&outcome, "base URL");
    assert!(result == "note" && told.contains("serve.public.base_url"), "{told}");
    let table = run(&check).await;
    assert!(table.good && table.printed.contains("session of the token"), "{table:?}");
    assert!(!table.printed.contains(&token), "no secret is shown");
}

#[tokio::test]
async fn what_is_wrong_with_an_upstream_is_said_with_what_to_do() {
    let nobody = run(&["upstream", "check", "--upstream", "http://127.0.0.1:1", "--format", "json"]).await;
    assert!(!nobody.good && nobody.said.contains("one thing is wrong"), "{nobody:?}");
    let (result, told) = about(&nobody, "public API");
    assert!(result == "wrong" && told.contains("cannot be reached"), "{told}");
    for arguments in [["serve", "--upstream", "kratos:4433"], ["serve", "--upstream-admin", "http://u:p@k"]] {
        let mistyped = run(&arguments).await;
        assert!(!mistyped.good && mistyped.said.contains(arguments[1]), "{mistyped:?}");
        assert!(
            mistyped.said.contains("http or https") && !mistyped.said.contains("environment"),
            "{mistyped:?}"
        );
    }
    let itself = run(&["serve", "--upstream", "http://127.0.0.1:4533"]).await;
    assert!(
        !itself.good && itself.said.contains("the option --upstream") && !itself.said.contains("variable"),
        "{itself:?}"
    );
    let none = run(&["upstream", "check"]).await;
    assert!(!none.good && none.said.contains("session.upstream.url"), "{none:?}");

    let stub = Stub::start().await;
    stub.knows(CREDENTIAL, session(1));
    let check = async |queued: Vec<axum::http::Response<axum::body::Body>>, more: &[&str]| {
        for answer in queued {
            stub.next(answer);
        }
        let first = ["upstream", "check", "--upstream", &stub.url, "--format", "json"];
        run(&[&first[..], more].concat()).await
    };
    let nobody = || answer(401, &[], r#"{"error":{"code":401}}"#);
    let late = answer(401, &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")], r#"{"error":{"code":401}}"#);
    let moved = answer(302, &[("location", "https://elsewhere.example/")], "");
    for (queued, more, what, word) in [
        (vec![late], &[][..], "clocks", "NTP"),
        (vec![moved], &[], "public API", "https://elsewhere.example/"),
        (vec![answer(200, &[], "<html>")], &[], "public API", "answers 200"),
        (vec![nobody()], &["--token", "another"], "session of the token", "knows no such session"),
        (vec![nobody()], &["--cookie", "another"], "session cookie", "session.upstream.cookie"),
        (
            vec![nobody(), answer(200, &[], "{}"), answer(200, &[("age", "80")], &session(1).to_string())],
            &["--token", TOKEN],
            "keeping answers",
            "80 s old",
        ),
        (
            vec![
                nobody(),
                answer(200, &[], r#"{"version":"v26.2.0"}"#),
                answer(200, &[], &session(1).to_string()),
                answer(200, &[], "{}"),
                answer(403, &[], "{}"),
            ],
            &["--token", TOKEN, "--upstream-admin", &stub.url],
            "admin API",
            "session.upstream.admin_token",
        ),
        (
            vec![
                nobody(),
                answer(200, &[], r#"{"version":"v26.2.0"}"#),
                answer(200, &[], &session(1).to_string()),
                answer(200, &[], "{}"),
                answer(200, &[], "{}"),
            ],
            &["--token", TOKEN, "--upstream-admin", &stub.url],
            "admin API",
            "no session",
        ),
    ] {
        let outcome = check(queued, more).await;
        let (result, told) = about(&outcome, what);
        assert!(!outcome.good && result == "wrong" && told.contains(word), "{what}: {outcome:?}");
    }
    let shorter = answer(200, &[("ory-session-cache-for", "10")], &session(1).to_string());
    let outcome = check(vec![nobody(), answer(200, &[], "{}"), shorter], &["--token", TOKEN]).await;
    let (result, told) = about(&outcome, "keeping answers");
    assert!(outcome.good && result == "note" && told.contains("10 s"), "{told}");
}

#[tokio::test]
async fn the_demonstration_is_played_with_sessions_of_an_upstream() {
    let back = Server::configured(json!({}));
    let url = format!("http://{}", back.public);
    let played = run(&["demo", "--upstream", &url]).await;
    assert!(played.good, "{played:?}");
    for part in [
        &format!("$ sessera serve --upstream {url} &"),
        "self-service/registration?flow='$FLOW",
        "The token is valid.",
        "\"email\": \"ada-",
        "the signature is wrong",
    ] {
        assert!(played.printed.contains(part), "{part} is missing:\n{}", played.printed);
    }
    back.person("eve@example.org").await;
    let (token, _) = back.signed_in("eve@example.org").await;
    let played = run(&["demo", "--upstream", &url, "--token", &token]).await;
    assert!(played.good && played.printed.contains("\"email\": \"eve@example.org\""), "{played:?}");
    let nobody = run(&["demo", "--upstream", "http://127.0.0.1:1"]).await;
    assert!(!nobody.good && nobody.said.contains("--token"), "{nobody:?}");
}

#[tokio::test]
async fn a_token_in_the_environment_is_for_an_upstream_only() {
    let played = run_with(&[("SESSION_TOKEN", TOKEN)], &["demo"]).await;
    assert!(played.good && played.printed.contains("The token is valid."), "{played:?}");
}

#[tokio::test]
async fn a_mapper_is_tried_on_the_session_of_a_token() {
    let (server, stub) = with(json!({})).await;
    stub.knows(CREDENTIAL, session(1));
    let mapper = "base64://e2NsYWltczoge3dobzogc3RkLmV4dFZhcignc2Vzc2lvbicpLmlkZW50aXR5LnRyYWl0cy5lbWFpbH19";
    let test = async |from: &str, token: &str| {
        run(&["template", "test", mapper, "--token", token, "--from", from, "--format", "json"]).await
    };
    let (here, there) = (format!("http://{}/", server.public), stub.url.clone());
    for from in [&here, &there] {
        let tried = test(from, TOKEN).await;
        assert!(tried.good && !tried.said.contains("sample"), "{tried:?}");
        let told: Value = serde_json::from_str(&tried.printed).unwrap();
        let claims = &told["claims"];
        assert_eq!((&claims["who"], &claims["sid"]), (&json!("person-1@example.org"), &session(1)["id"]));
        let unknown = test(from, "ory_st_bob").await;
        assert!(!unknown.good && unknown.said.contains("no session of this token"), "{unknown:?}");
    }
    for (answered, words) in [
        (answer(403, &[], "{}"), "second factor"),
        (answer(200, &[], "<html>"), "is not a session"),
        (answer(302, &[("location", "/elsewhere")], ""), "answers 302"),
    ] {
        stub.next(answered);
        let tried = test(&there, TOKEN).await;
        assert!(!tried.good && tried.said.contains(words), "{words}: {tried:?}");
    }
    let away = test("http://127.0.0.1:1", TOKEN).await;
    assert!(
        !away.good && away.said.contains("cannot be reached") && away.said.contains("--from"),
        "{away:?}"
    );
    assert!(!away.said.contains(TOKEN), "no secret is shown");
}
