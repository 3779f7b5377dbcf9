use super::*;
use serde_json::json;

fn problems(tree: Value) -> String {
    Config::from_tree(&tree).unwrap_err().to_string()
}

#[test]
fn nothing_configured_is_a_server_on_loopback() {
    let config = Config::from_tree(&json!({})).unwrap();
    assert_eq!(config.public.base_url, "http://127.0.0.1:4433/");
    assert_eq!((config.admin.host.as_str(), config.admin.port), ("127.0.0.1", 4434));
    assert_eq!(config.dsn, "sqlite://sessera.sqlite");
    assert_eq!(config.session.cookie.name, "ory_kratos_session");
    assert!(config.notes.is_empty());
}

#[test]
fn an_open_admin_api_needs_a_token_or_a_word() {
    let open = json!({"serve": {"admin": {"host": "0.0.0.0"}}});
    assert!(problems(open).contains("serve.admin.token"));
    let token = "a-token-of-24-characters";
    for more in [json!({"token": [token]}), json!({"token": token}), json!({"insecure": true})] {
        let mut admin = more.as_object().unwrap().clone();
        admin.insert("host".into(), "0.0.0.0".into());
        assert!(Config::from_tree(&json!({"serve": {"admin": admin}})).is_ok());
    }
    assert!(Config::from_tree(&json!({"serve": {"admin": {"host": "::1"}}})).is_ok());
}

#[test]
fn both_ports_cannot_be_the_same() {
    let ports = |public: Value, admin: Value| {
        Config::judge(&json!({"serve": {"public": public, "admin": admin}}))
            .1
            .iter()
            .any(|wrong| wrong.pointer == "/serve/admin/port")
    };
    let (all, own) = (json!({"host": "0.0.0.0", "port": 5000}), json!({"port": 5000}));
    for (public, admin) in [
        (own.clone(), own.clone()),
        (all.clone(), own.clone()),
        (own.clone(), json!({"host": "::", "port": 5000})),
        (json!({}), json!({"port": 4433})),
        (json!({"host": "localhost", "port": 5000}), own.clone()),
    ] {
        assert!(ports(public.clone(), admin.clone()), "{public} {admin}");
    }
    for (public, admin) in [
        (json!({"port": 0}), json!({"port": 0})),
        (own.clone(), json!({"host": "127.0.0.2", "port": 5000})),
        (all, json!({"port": 5001})),
    ] {
        assert!(!ports(public.clone(), admin.clone()), "{public} {admin}");
    }
}

#[test]
fn what_cannot_be_is_named() {
    for (tree, pointer) in [
        (json!({"serve": {"public": {"port": 70000}}}), "/serve/public/port: "),
        (json!({"session": {"cookie": {"same_site": "lax"}}}), "/session/cookie/same_site: "),
        (json!({"session": {"whoami": {"required_aal": "aal2"}}}), "/session/whoami/required_aal: "),
        (json!({"serve": {"public": {"base_url": "not a url"}}}), "/serve/public/base_url: "),
        (json!({"serve": {"timeouts": {"head": "0s"}}}), "/serve/timeouts/head: "),
        (json!({"identity": {"schemas": [{"id": "x"}]}}), "/identity/schemas/0: "),
        (json!({"hashers": {"algorithm": "md5"}}), "/hashers/algorithm: "),
        (json!({"serve": {"public": {"trusted_proxies": ["ten"]}}}), "/serve/public/trusted_proxies/0: "),
        (json!({"selfservice": {"allowed_return_urls": ["x"]}}), "/selfservice/allowed_return_urls/0: "),
        (json!({"selfservice": {"limits": {"codes_per_hour": -1}}}), "/selfservice/limits/codes_per_hour: "),
        (
            json!({"selfservice": {"flows": {"login": {"lifespan": "0s"}}}}),
            "/selfservice/flows/login/lifespan: ",
        ),
        (json!({"log": {"level": "verbose"}}), "/log/level: "),
        (json!({"log": {"level": ""}}), "/log/level: "),
        (json!({"session": {"lifespan": ""}}), "/session/lifespan: "),
        (json!({"selfservice": ""}), "/selfservice: "),
        (
            json!({"selfservice": {"flows": {"registration": {"enabled": ""}}}}),
            "/selfservice/flows/registration/enabled: ",
        ),
        (json!({"log": {"format": "xml"}}), "/log/format: "),
        (json!({"tracing": {"provider": "other"}}), "/tracing/provider: "),
        (json!({"tracing": {"provider": "otel"}}), "/tracing/providers/otlp/server_url: "),
    ] {
        assert!(problems(tree).starts_with(pointer), "{pointer}");
    }
    for max_age in ["9s", "25h"] {
        let tree = json!({"session": {"whoami": {"tokenizer": {"status_list": {"max_age": max_age}}}}});
        assert!(problems(tree).contains("from 10s to 24h"), "{max_age}");
    }
}

#[test]
fn what_adds_is_noted_and_what_restricts_is_refused_until_it_is_accepted() {
    let hook = |name: &str| json!({"selfservice": {"flows": {"login": {"after": {"password": {"hooks": [{"hook": name}]}}}}}});
    let told = problems(hook("b2b_sso"));
    assert!(told.contains("--accept-unsupported selfservice.flows.login.after.password.hooks"), "{told}");
    assert!(problems(hook("require_verified_adress")).contains("did you mean \"require_verified_address\"?"));
    let mut known = hook("b2b_sso");
    for as_written in
        ["selfservice.flows.login.after.password.hooks", "selfservice.flows.login.after.password.hooks.*"]
    {
        known["accept_unsupported"] = json!([as_written]);
        let config = Config::from_tree(&known).unwrap();
        assert!(config.notes.is_empty() && config.accepted.len() == 1, "{config:?}");
    }

    let notes = |tree: Value| Config::from_tree(&tree).unwrap().notes;
    assert_eq!(notes(hook("show_verification_ui")).len(), 1);
    assert_eq!(notes(json!({"selfservice": {"methods": {"saml": {"enabled": true}}}})).len(), 1);
    assert_eq!(notes(json!({"tracing": {"provider": "jaeger"}})).len(), 1);
    assert_eq!(notes(json!({"accept_unsupported": ["serve.public.tsl"]})).len(), 1);
    assert_eq!(notes(json!({"log": {"leak_sensitive_values": true}})).len(), 1);
    assert_eq!(notes(json!({"version": "v1.0.0", "log": {"leak_sensitive_values": false}})), []);
}

#[test]
fn urls_of_web_hooks_are_judged_by_where_they_may_lead() {
    let with = |url: &str, clients: Value| {
        let hook = json!({"hook": "web_hook", "config": {"url": url, "method": "POST"}});
        let flows = json!({"login": {"after": {"password": {"hooks": [hook]}}}});
        json!({"clients": {"http": clients}, "selfservice": {"flows": flows}})
    };
    let at = "/selfservice/flows/login/after/password/hooks/0/config/url: ";
    let told = problems(with("http://10.0.0.1:8080/hook", json!({})));
    assert!(told.starts_with(at) && told.contains("private_ip_exception_urls"), "{told}");
    assert!(problems(with("http://127.0.0.1/", json!({"disallow_private_ip_ranges": true}))).starts_with(at));
    for (url, clients, notes) in [
        ("http://127.0.0.1/", json!({}), 0),
        ("http://hooks:8080/", json!({}), 1),
        ("http://hooks:8080/", json!({"disallow_private_ip_ranges": false}), 0),
        ("http://10.0.0.1/a", json!({"private_ip_exception_urls": ["http://10.0.0.1/*"]}), 0),
    ] {
        assert_eq!(Config::from_tree(&with(url, clients)).unwrap().notes.len(), notes, "{url}");
    }
}

#[test]
fn every_kind_of_restriction_is_refused() {
    for tree in [
        json!({"serve": {"public": {"tls": {"cert": {"path": "/c"}}}}}),
        json!({"serve": {"admin": {"socket": {"mode": 448}}}}),
        json!({"security": {"account_enumeration": {"mitigate": true}},
            "selfservice": {"flows": {"registration": {"after": {"hooks": [{"hook": "session"}]}}}}}),
        json!({"selfservice": {"flows": {"registration": {"after": {"hooks": [{"hook": "require_verified_address"}]}}}}}),
        json!({"selfservice": {"flows": {"settings": {"after": {"profile": {"hooks": [{"hook": "verify_new_address"}]}}}}}}),
        json!({"selfservice": {"flows": {"recovery": {"after": {"hooks": [{"hook": "require_verified_address"}]}}}}}),
        json!({"clients": {"smtp": {"disallow_private_ip_ranges": true}}}),
        json!({"selfservice": {"flows": {"login": {"before": {"hooks": [{"hook": "b2b_sso", "config": {}}]}}}}}),
        json!({"selfservice": {"flows": {"registration": {"after": {"password": {"hooks": [{"hook": "b2b_sso"}]}}}}}}),
        json!({"selfservice": {"methods": {"profile": {"enabled": false}}}}),
    ] {
        assert!(problems(tree.clone()).contains("--accept-unsupported"), "{tree}");
    }
    for tree in [
        json!({"serve": {"public": {"base_url": "https://id.example.org", "trusted_proxies": ["10.0.0.1"]}}, "cookies": {"secure": true, "same_site": "Lax", "path": "/"}}),
        json!({"dev": true, "security": {"account_enumeration": {"mitigate": true}}}),
        json!({"selfservice": {"flows": {"settings": {"required_aal": "aal1"}}}}),
        json!({"dev": true, "selfservice": {"flows": {
            "verification": {"enabled": true},
            "login": {"after": {"totp": {"hooks": [{"hook": "require_verified_address"}, {"hook": "revoke_active_sessions"}]}}},
            "settings": {"after": {"profile": {"hooks": [{"hook": "show_verification_ui"}]}}},
            "recovery": {"enabled": true, "after": {"hooks": [{"hook": "revoke_active_sessions"}]}},
        }}}),
        json!({"dev": true, "selfservice": {"methods": {
            "code": {"passwordless_enabled": true, "config": {"lifespan": "5m", "max_submissions": 3}},
            "link": {"config": {"lifespan": "5m"}},
        }}}),
        json!({"dev": true, "selfservice": {"methods": {"code": {"mfa_enabled": true}}}}),
        json!({"selfservice": {"flows": {"login": {"before": {"hooks": []}}}}}),
        json!({"serve": {"public": {"tls": null, "socket": {}}}}),
    ] {
        assert!(Config::from_tree(&tree).is_ok_and(|config| config.notes.is_empty()), "{tree}");
    }
}

#[test]
fn a_code_is_one_factor_and_not_both() {
    let both =
        json!({"selfservice": {"methods": {"code": {"passwordless_enabled": true, "mfa_enabled": true}}}});
    assert!(problems(both).contains("/selfservice/methods/code/mfa_enabled: a code cannot be both"));
}

#[test]
fn names_of_methods_hooks_and_providers_are_known() {
    for (tree, meant) in [
        (json!({"selfservice": {"methods": {"pasword": {"enabled": true}}}}), "\"password\""),
        (json!({"selfservice": {"flows": {"logn": {}}}}), "\"login\""),
        (json!({"selfservice": {"flows": {"login": {"after": {"passkeys": {"hooks": []}}}}}}), "\"passkey\""),
        (
            json!({"selfservice": {"flows": {"registration": {"after": {"hooks": [{"hook": "sesion"}]}}}}}),
            "\"session\"",
        ),
        (
            json!({"selfservice": {"flows": {"settings": {"after": {"hooks": [{"hook": "revoke_active_sesions"}]}}}}}),
            "\"revoke_active_sessions\"",
        ),
    ] {
        let told = problems(tree);
        assert!(told.contains(&format!("did you mean {meant}?")), "{told}");
    }
    let provider =
        json!({"selfservice": {"methods": {"oidc": {"config": {"providers": [{"provider": "goggle"}]}}}}});
    assert!(problems(provider).contains("\"goggle\" must be generic,"));
}

#[test]
fn levels_and_formats_of_the_log_are_those_of_kratos() {
    for level in ["trace", "debug", "info", "warning", "error", "fatal", "panic"] {
        assert!(Config::from_tree(&json!({"log": {"level": level}})).is_ok(), "{level}");
    }
    for format in ["json", "json_pretty", "text", "gelf"] {
        assert!(Config::from_tree(&json!({"log": {"format": format}})).is_ok(), "{format}");
    }
    for key in ["level", "format"] {
        assert!(problems(json!({"log": {key: "loud"}})).contains("\"loud\" must be "), "{key}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let told = problems(json!({
        "serve": {"public": {"port": "x", "cors": {"enabled": "x"}}},
        "session": {"lifespan": 1},
        "selfservice": {"methods": {"sms": {}}},
    }));
    assert_eq!(told.lines().count(), 4, "{told}");
}
