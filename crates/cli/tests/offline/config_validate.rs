//! `sessera config validate`

use crate::run::Folder;

#[test]
fn a_good_configuration_is_praised_and_unknown_keys_are_warned_of() {
    let folder = Folder::new();
    folder.write("a.yml", "serve:\n  public:\n    prt: 1\n");
    folder.write("b.yml", "session: {whoami: {tokenizer: {templates: {t: {jwks_url: 'set://k'}}}}}\n");
    let outcome = folder.run(&["config", "validate", "-c", "a.yml", "-c", "b.yml"]);
    assert_eq!(outcome.printed(), "The configuration is valid: 1 warning, 1 tokenizer template (t).\n");
    assert!(outcome.stderr.contains("a.yml:3: /serve/public/prt") && outcome.stderr.contains("\"port\""));
    assert!(outcome.stderr.contains("set://k"));
}

#[test]
fn a_host_on_which_nothing_can_listen_here_is_warned_of() {
    let folder = Folder::new();
    folder.write("c.yml", "serve:\n  admin:\n    host: 127.0.0.1\n  public:\n    host: not-a-host.invalid\n");
    let outcome = folder.run(&["config", "validate", "-c", "c.yml"]);
    assert!(outcome.printed().contains("1 warning"), "{outcome:?}");
    assert!(outcome.stderr.contains("c.yml:5: /serve/public/host: on this machine"), "{outcome:?}");
}

#[test]
fn one_port_for_two_apis_and_keys_that_are_spelled_otherwise_are_errors() {
    let folder = Folder::new();
    for (text, word) in [
        (
            "serve: {gateway: {enabled: true, port: 4433}}\n",
            "/serve/gateway/port: port 4433 is that of serve.public.port",
        ),
        ("serve: {admin: {port: 4433}}\n", "/serve/admin/port: port 4433 is that of serve.public.port"),
        ("Selfservice: {}\n", "did you mean \"selfservice\""),
        ("session: {whoami: {required_AAL: aal1}}\n", "did you mean \"required_aal\""),
        ("selfservice: {flows: {login: {before: {password: {hooks: []}}}}}\n", "before/password"),
        ("selfservice: {flows: {recovery: {after: {code: {hooks: []}}}}}\n", "after/code"),
        ("selfservice: {flows: {logout: {after: {hooks: []}}}}\n", "after/hooks"),
        ("selfservice: {flows: {login: {befor: {hooks: []}}}}\n", "login/befor"),
        ("selfservice: {methods: {password: {after: {hooks: []}}}}\n", "password/after"),
        ("session: {whoami: {requiredAal: aal1}}\n", "did you mean \"required_aal\""),
        (
            "serve: {public: {host: '::1'}, admin: {host: '0:0:0:0:0:0:0:1', port: 4433}}\n",
            "/serve/admin/port",
        ),
        (
            "selfservice: {flows: {login: {after: {hooks: [{hook: web_hook, can_interrupt: true, config: {url: 'https://h.example/', method: POST}}]}}}}\n",
            "hooks/0/can_interrupt",
        ),
    ] {
        folder.write("c.yml", text);
        let outcome = folder.run(&["config", "validate", "-c", "c.yml"]);
        assert!(outcome.refused().contains(word), "{text}: {outcome:?}");
    }
}

#[test]
fn every_error_has_file_line_and_pointer() {
    let folder = Folder::new();
    folder.write("types.yml", "log:\n  level: info\nserve:\n  public: {port: no}\n");
    folder.write("values.yml", "session:\n  cookie:\n    same_site: Never\n");
    folder.write(
        "templates.yml",
        "session:\n  whoami:\n    tokenizer:\n      templates:\n        t:\n          jwks_url: set://k\n          claims_mapper_url: base64://eyBjbGFpbXM6IHsgYTogfQ==\n",
    );
    folder.write("syntax.yml", "a: [\n");
    for (file, words) in [
        ("types.yml", "types.yml:4: /serve/public/port"),
        ("values.yml", "values.yml:3: /session/cookie/same_site"),
        ("templates.yml", "templates.yml:7: /session/whoami/tokenizer/templates/t/claims_mapper_url"),
        ("templates.yml", "1 | { claims: { a: }"),
        ("syntax.yml", "syntax.yml"),
        ("absent.yml", "absent.yml"),
    ] {
        let outcome = folder.run(&["config", "validate", "-c", file]);
        assert!(outcome.refused().contains(words), "{words}: {outcome:?}");
        assert_eq!(outcome.stdout, "");
    }
    let both = folder.run(&["config", "validate", "-c", "types.yml", "-c", "syntax.yml", "--format", "json"]);
    assert_eq!(both.code, Some(1));
    assert_eq!(both.json()["valid"], false);
    assert_eq!(both.json()["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn what_restricts_nobody_is_an_error_until_it_is_accepted() {
    let folder = Folder::new();
    folder.write("c.yml", "selfservice:\n  methods:\n    profile:\n      enabled: false\n");
    let refused = folder.run(&["config", "validate", "-c", "c.yml"]);
    assert!(refused.refused().contains("c.yml:4: /selfservice/methods/profile/enabled"), "{refused:?}");
    let key = "selfservice.methods.profile.enabled";
    assert!(refused.refused().contains(&format!("--accept-unsupported {key}")), "{refused:?}");
    let accepted = folder.run(&["config", "validate", "-c", "c.yml", "--accept-unsupported", key]);
    assert!(accepted.printed().starts_with("The configuration is valid: 1 warning"), "{accepted:?}");
}

#[test]
fn a_slip_in_the_name_of_what_restricts_is_an_error_until_it_is_accepted() {
    let folder = Folder::new();
    for (text, key, right) in [
        (
            "selfservice:\n  flows:\n    registration: {enabeld: false}\n",
            "selfservice.flows.registration.enabeld",
            "\"enabled\"",
        ),
        ("serve:\n  admin:\n    tokens: [x]\n", "serve.admin.tokens", "\"token\""),
        (
            "session:\n  whoami:\n    required_all: highest_available\n",
            "session.whoami.required_all",
            "\"required_aal\"",
        ),
        ("session:\n  cookie: {}\n  mitigate: true\n", "session.mitigate", ""),
    ] {
        folder.write("c.yml", text);
        let refused = folder.run(&["config", "validate", "-c", "c.yml"]);
        if right.is_empty() {
            assert!(refused.printed().contains("1 warning"), "{text}: {refused:?}");
            continue;
        }
        let told = refused.refused();
        assert!(told.contains("c.yml:3: /") && told.contains(&format!("did you mean {right}?")), "{told}");
        assert!(told.contains(&format!("--accept-unsupported {key}")), "{told}");
        let accepted = folder.run(&["config", "validate", "-c", "c.yml", "--accept-unsupported", key]);
        assert!(accepted.printed().starts_with("The configuration is valid"), "{text}: {accepted:?}");
    }
}

#[test]
fn the_schema_for_editors_is_printed() {
    let schema = Folder::new().run(&["config", "schema"]).json();
    assert_eq!(schema["properties"]["session"]["properties"]["lifespan"]["default"], "24h");
}

#[test]
fn the_texts_of_pages_are_printed_as_a_file_that_can_be_used() {
    let folder = Folder::new();
    let german = folder.run(&["config", "texts", "de"]);
    assert_eq!(
        (&german.json()["login.title"], &german.json()["1070001"]),
        (&"Anmelden".into(), &"Passwort".into())
    );
    folder.write("fr.json", &folder.run(&["config", "texts"]).stdout);
    folder.write("c.yml", "pages: {texts: {fr: 'file://fr.json'}}\n");
    let outcome = folder.run(&["config", "validate", "-c", "c.yml"]);
    assert!(outcome.printed().starts_with("The configuration is valid"), "{outcome:?}");
    assert!(!outcome.stderr.contains("/pages"), "{outcome:?}");
    let refused = folder.run(&["config", "texts", "fr"]);
    assert!(refused.stderr.contains("en, de"), "{refused:?}");
}
