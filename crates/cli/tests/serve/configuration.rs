//! Where the configuration comes from, and what is said of it.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use sessera_jose::{Algorithm, generate};
use tempfile::TempDir;

use crate::running::{Server, call, keys, refusal, sign_up, signer, start, wait_for};

#[test]
fn what_is_on_and_cannot_work_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    let without_marks = r#"{"properties": {"traits": {"properties": {"name": {"type": "string"}}}}}"#;
    std::fs::write(folder.path().join("schema.json"), without_marks).unwrap();
    let url = format!("file://{}", folder.path().join("schema.json").display());
    let schemas = json!({"identity": {"schemas": [{"id": "default", "url": url}]},
        "selfservice": {"flows": {"recovery": {"enabled": true}}}});
    std::fs::write(folder.path().join("c.yml"), schemas.to_string()).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let said = server.said.join("\n");
    for part in [
        "c.yml:1: /selfservice/flows/recovery/enabled: nobody gets a message, because nobody takes mails",
        "/selfservice/methods/password/enabled: nobody can use it, because no identity schema marks",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn that_a_code_tells_who_has_an_account_is_said_at_the_start_and_by_whichever_patch_brings_it_about() {
    let folder = TempDir::new().unwrap();
    let secrecy = r#"{"account_enumeration":{"mitigate":true}}"#;
    let by_code = ("SELFSERVICE_METHODS_CODE_PASSWORDLESS_ENABLED", "true");
    let sentence =
        "/security/account_enumeration/mitigate: signing in by a code tells all the same who has an account";
    let both = start(folder.path(), &["--dev"], &[("SECURITY", secrecy), by_code]);
    assert!(both.said.join("\n").contains(sentence), "{:?}", both.said);
    let add = |path: &str, value: serde_json::Value| json!([{"op": "add", "path": format!("/services/identity/config{path}"), "value": value}]);
    let code = add("/selfservice/methods/code/passwordless_enabled", json!(true));
    let mitigate = add("/security", json!({"account_enumeration": {"mitigate": true}}));
    for (environment, patch) in
        [(("SELFSERVICE_METHODS_CODE_PASSWORDLESS_ENABLED", "true"), mitigate), (("SECURITY", secrecy), code)]
    {
        let folder = TempDir::new().unwrap();
        let server = start(folder.path(), &["--dev"], &[environment]);
        assert!(!server.said.join("\n").contains(sentence), "{:?}", server.said);
        let (status, answer) = call(&server.admin, "PATCH", "/projects/default", &[], Some(&patch));
        let warnings = answer["warnings"].to_string();
        assert!(status == 200 && warnings.contains(sentence), "{status} {warnings}");
        // What was said once is no news.
        let other = add("/session", json!({"lifespan": "2h"}));
        let (status, answer) = call(&server.admin, "PATCH", "/projects/default", &[], Some(&other));
        assert!(status == 200 && !answer["warnings"].to_string().contains(sentence), "{answer}");
    }
}

#[test]
fn that_sessions_are_those_of_an_upstream_is_said_once_at_the_start() {
    let folder = TempDir::new().unwrap();
    let said = |server: &Server| {
        let lines = server.said.iter().filter(|line| line.contains("upstream mode"));
        lines.cloned().collect::<Vec<_>>()
    };
    assert_eq!(said(&start(folder.path(), &[], &[])), [""; 0]);
    // Nobody listens there, which is no reason not to start.
    let upstream = "http://127.0.0.1:1/";
    let lines = said(&start(folder.path(), &["--upstream", upstream], &[]));
    assert!(lines.len() == 1 && lines[0].contains(upstream), "{lines:?}");
}

#[test]
fn keys_that_a_stored_configuration_hides_are_said_at_the_start_and_whenever_it_is_read() {
    let folder = TempDir::new().unwrap();
    let write = |lifespan: &str| {
        std::fs::write(folder.path().join("c.yml"), format!("session: {{lifespan: {lifespan}}}\n")).unwrap();
    };
    write("3h");
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let patch = json!([{"op": "add", "path": "/services/identity/config/feature_flags", "value": {"use_continue_with_transitions": true}}]);
    assert_eq!(call(&server.admin, "PATCH", "/projects/default", &[], Some(&patch)).0, 200);
    write("2h");
    let hidden = "session.lifespan. Make one of them count with sessera patch identity-config --add '/session/lifespan=";
    assert!(server.logged("do not count").contains(hidden));
    let validate = |server: &Server| {
        let output = Command::new(env!("CARGO_BIN_EXE_sessera"))
            .args(["config", "validate", "-c", "c.yml", "--stored"])
            .current_dir(folder.path())
            .env_clear()
            .env("SESSERA_ADMIN_URL", format!("http://{}", server.admin))
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(validate(&server).contains(hidden));
    drop(server);
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    assert!(server.said.iter().any(|line| line.contains("do not count")), "{:?}", server.said);
    let patch = json!([{"op": "add", "path": "/services/identity/config/session/lifespan", "value": "2h"}]);
    assert_eq!(call(&server.admin, "PATCH", "/projects/default", &[], Some(&patch)).0, 200);
    assert!(!validate(&server).contains("do not count"));
}

#[test]
fn two_templates_with_different_keys_of_one_id_keep_a_server_from_starting() {
    let folder = TempDir::new().unwrap();
    let key = || {
        let key = generate::key(Algorithm::Es256, Some("same".into()), 0).unwrap().to_private_json();
        format!("base64://{}", BASE64.encode(json!({ "keys": [key] }).to_string()))
    };
    let (one, two) = (key(), key());
    let write = |second: &str| {
        let templates = json!({"one": {"jwks_url": one}, "two": {"jwks_url": second}});
        let tree = json!({"session": {"whoami": {"tokenizer": {"templates": templates}}}});
        std::fs::write(folder.path().join("c.yml"), tree.to_string()).unwrap();
    };
    write(&two);
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    for part in ["c.yml:1: ", "/templates/two/jwks_url", "\"one\" and \"two\"", "\"same\""] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The same key may stand in both.
    write(&one);
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    // A file that is read anew is judged alike, and what was used before stays.
    write(&two);
    server.signal("HUP");
    let said = server.logged("cannot be used");
    assert!(said.contains("before: c.yml:1: ") && said.contains("/templates/two/jwks_url: "), "{said}");
    let (_, shown) = call(&server.public, "GET", "/.well-known/jwks.json", &[], None);
    assert_eq!(shown["keys"].as_array().map(Vec::len), Some(1), "{shown}");
}

#[test]
fn files_lie_over_each_other_and_the_environment_over_both() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("one.yml"), "session: {lifespan: 1h, cookie: {name: one}}\n").unwrap();
    std::fs::write(folder.path().join("two.yml"), "session: {cookie: {name: two}}\nsesion: {}\n").unwrap();
    let arguments = ["-c", "one.yml", "--config", "two.yml"];
    let server = start(folder.path(), &arguments, &[("SESSION_WHOAMI_REQUIRED_AAL", "highest_available")]);
    let (_, project) = call(&server.admin, "GET", "/projects/default", &[], None);
    let session = &project["services"]["identity"]["config"]["session"];
    assert_eq!(
        session,
        &json!({"lifespan": "1h", "cookie": {"name": "two"}, "whoami": {"required_aal": "highest_available"}})
    );
}

#[test]
fn what_cannot_be_configured_is_told_with_its_place() {
    let folder = TempDir::new().unwrap();
    let file = |text: &str| std::fs::write(folder.path().join("c.yml"), text).unwrap();
    file("serve:\n  public:\n    port: many\n");
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    assert!(said.contains("c.yml:3: /serve/public/port"), "{said}");
    file("serve:\n  admin:\n    host: 0.0.0.0\n");
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    assert!(said.contains("serve.admin.token") && said.contains("serve.admin.insecure"), "{said}");
    file("a: [\n");
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    assert!(said.contains("c.yml"), "{said}");
    let said = refusal(folder.path(), &["-c", "none.yml"], &[]);
    assert!(said.contains("none.yml"), "{said}");
    let said = refusal(folder.path(), &[], &[("SESSION_LIFESPAN", "soon")]);
    assert!(said.contains("SESSION_LIFESPAN"), "{said}");
}

#[test]
fn with_a_token_the_admin_api_may_listen_anywhere_and_asks_for_it() {
    let folder = TempDir::new().unwrap();
    let tokens = "the-first-admin-token-123,the-next-admin-token-4567";
    let server = start(folder.path(), &[], &[("SERVE_ADMIN_HOST", "0.0.0.0"), ("SERVE_ADMIN_TOKEN", tokens)]);
    let address = server.admin.replace("0.0.0.0", "127.0.0.1");
    let ask = |headers: &[&str]| call(&address, "GET", "/admin/identities", headers, None).0;
    assert_eq!(ask(&[]), 401);
    assert_eq!(ask(&["authorization: Bearer another"]), 401);
    assert_eq!(ask(&["authorization: Bearer the-first-admin-token-123"]), 200);
    assert_eq!(ask(&["authorization: Bearer the-next-admin-token-4567"]), 200);
}

#[test]
fn an_admin_api_that_everybody_reaches_never_loses_its_token() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("c.yml");
    let host = |more: &str| format!("serve:\n  admin:\n    host: {more}\n");
    std::fs::write(&file, host("0.0.0.0\n    token: the-first-admin-token-123")).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let address = server.admin.replace("0.0.0.0", "127.0.0.1");
    let ask = |token: &str| {
        let header = format!("authorization: Bearer {token}");
        call(&address, "GET", "/admin/identities", &[&header], None).0
    };
    assert_eq!((ask("the-first-admin-token-123"), ask("none")), (200, 401));
    // The address takes effect at the next start only, so this would be an open door.
    std::fs::write(&file, host("127.0.0.1")).unwrap();
    let said = server.logged("goes on with the one before");
    assert!(said.contains("serve.admin.token"), "{said}");
    assert_eq!((ask("the-first-admin-token-123"), ask("none")), (200, 401));
    std::fs::write(&file, host("0.0.0.0\n    token: the-next-admin-token-4567")).unwrap();
    wait_for(&(401, 200), || (ask("the-first-admin-token-123"), ask("the-next-admin-token-4567")));
}

#[test]
fn an_address_that_counts_from_the_next_start_is_named_and_judged() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("c.yml");
    let addresses = |gateway: u16, admin: &str| {
        format!("serve: {{gateway: {{enabled: true, port: {gateway}}}, admin: {{host: {admin}}}}}\n")
    };
    std::fs::write(&file, addresses(0, "127.0.0.1")).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    std::fs::write(&file, addresses(4567, "127.0.0.1")).unwrap();
    let said = server.logged("counts from the next start on");
    assert!(said.contains("on: serve.gateway.port\""), "{said}");
    // The next start would refuse it.
    std::fs::write(&file, addresses(4567, "0.0.0.0")).unwrap();
    let said = server.logged("goes on with the one before");
    assert!(said.contains("serve.admin.token"), "{said}");
}

#[test]
fn files_are_read_again_when_they_change() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let configuration = |keys: &str| {
        let templates = json!({"t": {"jwks_url": format!("file://{}", path(keys).display())}});
        json!({"session": {"whoami": {"tokenizer": {"templates": templates}}}}).to_string()
    };
    std::fs::write(path("one.json"), keys("one")).unwrap();
    std::fs::write(path("two.json"), keys("two")).unwrap();
    std::fs::write(path("c.yml"), configuration("one.json")).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let token = sign_up(&server);
    let kid = |kid: &str| Ok::<_, u16>(kid.to_owned());
    assert_eq!(signer(&server, &token), kid("one"));
    // A source changes.
    std::fs::write(path("one.json"), keys("one-b")).unwrap();
    wait_for(&kid("one-b"), || signer(&server, &token));
    // A source breaks. People who sign in do not notice, but the log shows it.
    std::fs::write(path("one.json"), "{").unwrap();
    server.logged("goes on as it was before");
    assert_eq!(signer(&server, &token), kid("one-b"));
    // The configuration file changes.
    std::fs::write(path("c.yml"), configuration("two.json")).unwrap();
    wait_for(&kid("two"), || signer(&server, &token));
    // A file that cannot be used changes nothing.
    std::fs::write(path("c.yml"), "session: {lifespan: 5}\n").unwrap();
    let said = server.logged("goes on with the one before");
    assert!(said.contains("c.yml:1: /session/lifespan"), "{said}");
    // What shows only when all of it is compiled has its place, too, and is told with the rest.
    for more in ["", "log: {level: loud}\n"] {
        let smtp = "courier:\n  smtp: {connection_uri: 'http://x'}\n";
        std::fs::write(path("c.yml"), [smtp, more].concat()).unwrap();
        let said = server.logged("goes on with the one before");
        assert!(said.contains("c.yml:2: /courier/smtp/connection_uri"), "{said}");
        assert_eq!(said.contains("c.yml:3: /log/level"), !more.is_empty(), "{said}");
    }
    assert_eq!(signer(&server, &token), kid("two"));
    // After a signal everything is read again at once.
    server.signal("HUP");
    server.logged("goes on with the one before");
    std::fs::write(path("c.yml"), configuration("two.json")).unwrap();
    server.signal("HUP");
    server.logged("was read again");
}

#[test]
fn a_template_that_waits_for_its_keys_is_told_once_and_again_when_they_are_there() {
    let folder = TempDir::new().unwrap();
    let waits = r#"{"t":{"jwks_url":"set://k"}}"#;
    let server = start(
        folder.path(),
        &["--dev"],
        &[("SESSION_WHOAMI_TOKENIZER_TEMPLATES", waits), ("LOG_LEVEL", "info")],
    );
    let broken = "the template cannot be used";
    let said = server.said.join("\n");
    assert_eq!(said.matches(broken).count(), 1, "{said}");
    let key = json!({"alg": "ES256", "kid": "one", "use": "sig"});
    assert_eq!(call(&server.admin, "POST", "/admin/keys/other", &[], Some(&key)).0, 201);
    assert_eq!(call(&server.admin, "POST", "/admin/keys/k", &[], Some(&key)).0, 201);
    let (before, _) = server.heard("the template can be used now");
    assert!(before.iter().all(|line| !line.contains(broken)), "{before:#?}");
}

#[test]
fn the_schema_of_the_document_lets_people_sign_in_by_code() {
    let folder = TempDir::new().unwrap();
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/identity-schemas.md");
    let document = std::fs::read_to_string(document).unwrap();
    let block = |language: &str| {
        let (_, rest) = document.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0.replace("/etc/sessera", folder.path().to_str().unwrap())
    };
    std::fs::write(folder.path().join("person.schema.json"), block("json")).unwrap();
    std::fs::write(folder.path().join("c.yml"), block("yaml")).unwrap();
    let server = start(folder.path(), &["--dev", "-c", "c.yml"], &[]);
    let said = server.said.join("\n");
    assert!(!said.contains("nobody can use it"), "{said}");
    assert_eq!(call(&server.public, "GET", "/schemas/person", &[], None).0, 200);
    let (status, flow) = call(&server.public, "GET", "/self-service/registration/api", &[], None);
    let names: Vec<&str> = flow["ui"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|node| node["attributes"]["name"].as_str())
        .collect();
    assert!(status == 200 && names.contains(&"traits.company"), "{status} {names:?}");
}

#[test]
fn a_server_that_does_not_start_tells_the_same_errors_as_the_command_that_looks_at_its_files() {
    let folder = TempDir::new().unwrap();
    let templates = "session: {whoami: {tokenizer: {templates: {syntax: {jwks_url: 'set://k', claims_mapper_url: 'base64://eyBjbGFpbXM6IHsgYTogfQ=='}, ttl: {jwks_url: 'set://k', ttl: soon}, keys: {jwks_url: 'ftp://k'}, gone: {jwks_url: 'file:///gone.json'}}}}}\n";
    let schemas = "identity: {default_schema_id: none, schemas: [{id: a, url: 'file:///gone/a.json'}, {id: b, url: 'base64://e30='}]}\n";
    let urls = "selfservice: {default_browser_return_url: 'ftp://a.example', allowed_return_urls: ['ftp://a.example', '/ok'], methods: {link: {config: {base_url: /x}}}}\n";
    let courier = "courier: {smtp: {connection_uri: 'foo://user:password@host'}}\n";
    let upstream = "session: {upstream: {url: 'http://k.example', ca_file: /gone.pem}}\n";
    let keys = "serve: {admin: {tokens: [x]}}\nsecurity: {account_enumeration: {mitigated: true}}\n";
    for (number, text) in [
        [templates, schemas, urls, courier, keys].concat(),
        [templates, schemas].concat(),
        [templates, courier].concat(),
        [templates, "dsn: memory\n"].concat(),
        [templates, "dsn: 'postgres://db/x'\n", schemas].concat(),
        [upstream, schemas].concat(),
        urls.to_owned(),
        [keys, "log: {level: loud}\nlogg: {}\n"].concat(),
        ["pages: {logo: 'file:///gone.svg'}\n", courier].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(folder.path().join("c.yml"), &text).unwrap();
        let checked = Command::new(env!("CARGO_BIN_EXE_sessera"))
            .args(["config", "validate", "-c", "c.yml", "--format", "json"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
        let errors = checked["errors"].as_array().unwrap();
        assert!(!errors.is_empty(), "{number}: {checked}");
        let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
        // Secrets that somebody could take are made anew each time, and the log has warnings.
        let lasting = |text: &str| {
            let is_other = |line: &&str| {
                ["cipher:", "cookie:", "{"].iter().any(|start| line.trim_start().starts_with(start))
            };
            text.lines().filter(|line| !is_other(line)).collect::<Vec<_>>().join("\n")
        };
        let mut rest = lasting(&said);
        for error in errors {
            let error = lasting(error.as_str().unwrap());
            assert!(rest.contains(&error), "{number}: {error}\nis not in\n{said}");
            rest = rest.replacen(&error, "", 1);
        }
        assert_eq!(rest.trim(), "Error:", "{number}: {said}");
    }
}

#[test]
fn a_pipe_gives_its_configuration_once_and_it_counts_also_when_everything_is_read_again() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn(move || std::fs::write(pipe, "session: {lifespan: 3h}\n").unwrap());
    let server = start(folder.path(), &["-c", "pipe"], &[]);
    writer.join().unwrap();
    let lifespan = || {
        let (_, project) = call(&server.admin, "GET", "/projects/default", &[], None);
        project["services"]["identity"]["config"]["session"]["lifespan"].clone()
    };
    assert_eq!(lifespan(), "3h");
    server.signal("HUP");
    server.logged("was read again");
    assert_eq!(lifespan(), "3h");
}

#[test]
fn what_has_no_end_is_refused() {
    let folder = TempDir::new().unwrap();
    let said = refusal(folder.path(), &["-c", "/dev/zero"], &[]);
    assert!(said.contains("/dev/zero: it is larger than 16 MiB"), "{said}");
    let named = json!({"identity": {"schemas": [{"id": "default", "url": "file:///dev/zero"}]},
        "session": {"whoami": {"tokenizer": {"templates": {"t": {"jwks_url": "file:///dev/zero"}}}}},
        "pages": {"logo": "file:///dev/zero"},
        "courier": {"templates": {"recovery_code": {"valid": {"email": {"subject": "file:///dev/zero"}}}}}});
    std::fs::write(folder.path().join("c.yml"), named.to_string()).unwrap();
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    for place in ["/identity/schemas", "/templates/t/jwks_url", "/pages/logo", "/email/subject"] {
        let line = said.lines().find(|line| line.contains(place));
        assert!(line.is_some_and(|line| line.contains("a pipe or a device")), "{place}: {said}");
    }
}
