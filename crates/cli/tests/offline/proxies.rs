//! The configurations of proxies: what `sessera proxy-config` prints is what examples/proxies has, what the pages of
//! docs/proxies show, and what the tests with real proxies run.
//!
//! `SESSERA_BLESS=1 cargo test -p sessera --test offline proxies` writes the files and the pages anew.

use std::path::{Path, PathBuf};

use crate::run::Folder;

/// The proxies, each with its file and its page.
const PROXIES: [(&str, &str, &str); 10] = [
    ("nginx", "nginx.conf", "nginx"),
    ("caddy", "Caddyfile", "caddy"),
    ("haproxy", "haproxy.cfg", "haproxy"),
    ("haproxy-lua", "sessera_api.lua", "haproxy"),
    ("envoy", "envoy.yaml", "envoy"),
    ("envoy-http", "envoy-http.yaml", "envoy"),
    ("traefik", "traefik.yml", "traefik"),
    ("istio", "istio.yaml", "istio"),
    ("kubernetes-gateway", "kubernetes-gateway.yaml", "kubernetes-gateway"),
    ("apisix", "apisix.yaml", "apisix"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A page with a file in the block behind the line that names it.
fn with_file(page: &str, file: &str, content: &str) -> String {
    let marker = format!("<!-- examples/proxies/{file} -->\n```");
    let (before, rest) = page.split_once(&marker).unwrap_or_else(|| panic!("{marker}"));
    let (language, rest) = rest.split_once('\n').unwrap();
    let end = if rest.starts_with("```") { 0 } else { rest.find("\n```").unwrap() + 1 };
    format!("{before}{marker}{language}\n{content}{}", &rest[end..])
}

#[test]
fn examples_and_pages_have_what_is_printed() {
    let configuration = root().join("examples/proxies/sessera.yml");
    let bless = std::env::var_os("SESSERA_BLESS").is_some();
    for (proxy, file, page) in PROXIES {
        let arguments =
            ["proxy-config", proxy, "--route", "api", "--config", configuration.to_str().unwrap()];
        let outcome = Folder::new().run(&arguments);
        let printed = outcome.printed();
        let (file_path, page_path) =
            (root().join("examples/proxies").join(file), root().join(format!("docs/proxies/{page}.md")));
        let known = std::fs::read_to_string(&page_path).unwrap();
        let shown = with_file(&known, file, printed);
        if bless {
            std::fs::write(&file_path, printed).unwrap();
            std::fs::write(&page_path, shown).unwrap();
        } else {
            let example = std::fs::read_to_string(&file_path).unwrap_or_default();
            assert!(example == printed, "examples/proxies/{file} is not of today: SESSERA_BLESS=1");
            assert!(known == shown, "docs/proxies/{page}.md is not of today: SESSERA_BLESS=1");
        }
        assert!(!printed.contains("{{"), "{proxy}: {printed}");
    }
}

#[test]
fn the_files_of_a_server_with_an_upstream_are_read_as_it_reads_them() {
    let folder = Folder::new();
    folder.write(
        "kratos.yml",
        "serve: {gateway: {enabled: true, port: 7000}}\nselfservice: {methods: {newer: {enabled: true}}}\ngateway: {routes: {a: {schema_ids: [theirs]}}}\n",
    );
    let arguments = ["proxy-config", "nginx", "--route", "a", "-c", "kratos.yml"];
    let alone = folder.run(&arguments);
    assert!(alone.refused().contains("--upstream"), "{alone:?}");
    let with = folder.run(&[&arguments[..], &["--upstream", "http://127.0.0.1:4433"]].concat());
    assert!(with.printed().contains("server 127.0.0.1:7000;"), "{with:?}");
    assert!(with.stderr.contains("127.0.0.1:7000, where it is as the configuration says"), "{with:?}");
    let validated =
        folder.run(&["config", "validate", "-c", "kratos.yml", "--upstream", "http://127.0.0.1:4433"]);
    assert_eq!(validated.code, Some(0), "{validated:?}");
}

#[test]
fn an_address_at_which_no_proxy_can_ask_is_not_printed() {
    let folder = Folder::new();
    folder.write("c.yml", "serve: {gateway: {host: 0.0.0.0, trusted_proxies: [10.0.0.0/8]}}\n");
    let arguments = ["proxy-config", "nginx", "-c", "c.yml"];
    let outcome = folder.run(&arguments);
    assert!(outcome.refused().contains("--gateway HOST:PORT"), "{outcome:?}");
    let named = folder.run(&[&arguments[..], &["--gateway", "sessera.internal:4435"]].concat());
    assert!(named.printed().contains("server sessera.internal:4435;"), "{named:?}");
    folder.write("c.yml", "serve: {gateway: {port: 7001}}\n");
    let off = folder.run(&arguments);
    assert!(off.printed().contains("server 127.0.0.1:7001;") && off.stderr.contains("is off"), "{off:?}");
}

#[test]
fn what_was_asked_for_and_is_not_in_the_file_is_told() {
    let folder = Folder::new();
    folder.write("c.yml", "serve: {gateway: {enabled: true}}\ngateway: {routes: {api: {}}}\n");
    for (proxy, more, told) in [
        ("traefik", ["--listen", "0.0.0.0:80"], "--listen counts for nothing"),
        ("kubernetes-gateway", ["--listen", "0.0.0.0:80"], "--listen counts for nothing"),
        ("istio", ["--listen", "0.0.0.0:80"], "--listen counts for nothing"),
        ("apisix", ["--listen", "0.0.0.0:80"], "--listen counts for nothing"),
        ("kubernetes-gateway", ["--app", "10.0.0.1:80"], "10.0.0.1 is no service of Kubernetes"),
        ("kubernetes-gateway", ["--app", "app.example.org:80"], "--app SERVICE.NAMESPACE:PORT"),
        ("kubernetes-gateway", ["--app", "shop:80"], "the port of the gateway alone, because 127.0.0.1"),
        ("istio", ["--app", "shop:80"], "--app counts for nothing"),
        ("istio", ["--route", "api"], "judged by the route \"default\" and not by \"api\""),
    ] {
        let arguments = [&["proxy-config", proxy, "-c", "c.yml"][..], &more].concat();
        let outcome = folder.run(&arguments);
        assert!(outcome.stderr.contains(told), "{proxy} {more:?}: {outcome:?}");
        outcome.printed();
    }
    let nginx =
        folder.run(&["proxy-config", "nginx", "-c", "c.yml", "--listen", "0.0.0.0:80", "--route", "api"]);
    assert!(!nginx.stderr.contains("counts for nothing"), "{nginx:?}");
    let istio = folder.run(&["proxy-config", "istio", "-c", "c.yml", "--gateway", "[::1]:4435"]);
    assert!(istio.printed().contains("service: \"::1\"\n"), "{istio:?}");
}

#[test]
fn kubernetes_gets_services_with_their_namespaces() {
    let folder = Folder::new();
    folder.write("c.yml", "serve: {gateway: {enabled: true}}\n");
    for (app, gateway, of_app, of_gateway) in [
        ("shop", "tokens", "name: shop\n          port: 80\n", "name: tokens\n              port: 4435\n"),
        (
            "shop.web",
            "tokens.ids.svc.cluster.local",
            "name: shop\n          namespace: web\n          port: 80\n",
            "name: tokens\n              namespace: ids\n              port: 4435\n",
        ),
    ] {
        let (app, gateway) = (format!("{app}:80"), format!("{gateway}:4435"));
        let outcome = folder.run(&[
            "proxy-config",
            "kubernetes-gateway",
            "-c",
            "c.yml",
            "--app",
            &app,
            "--gateway",
            &gateway,
        ]);
        let printed = outcome.printed();
        assert!(printed.contains(of_app) && printed.contains(of_gateway), "{printed}");
        assert!(!outcome.stderr.contains("alone"), "{outcome:?}");
    }
}

#[test]
fn more_headers_than_kubernetes_takes_away_are_told() {
    let folder = Folder::new();
    for (headers, is_told) in
        [("X-A: sub, X-B: sub", false), ("X-User-Full-Name: sub, X-User-Id: sub, X-A: sub", true)]
    {
        folder.write(
            "c.yml",
            &format!(
                "serve: {{gateway: {{enabled: true}}}}\nsession: {{whoami: {{tokenizer: {{templates: {{t: {{jwks_url: \"set://k\"}}}}}}}}}}\ngateway: {{routes: {{a: {{template: t, headers: {{{headers}}}}}}}}}\n"
            ),
        );
        let outcome = folder.run(&["proxy-config", "kubernetes-gateway", "--route", "a", "-c", "c.yml"]);
        outcome.printed();
        assert_eq!(outcome.stderr.contains("16 headers at the most"), is_told, "{headers}: {outcome:?}");
    }
}

/// Apps that take an underscore for a hyphen read each of these names as a header of the route.
#[test]
fn every_file_keeps_names_with_underscores_from_the_app_or_its_page_says_why_not() {
    let twins = ["X-User_Id", "X_User-Id", "X_User_Id", "X-User_Email", "X_User-Email", "X_User_Email"];
    for (proxy, file, page) in PROXIES {
        let of_file = std::fs::read_to_string(root().join("examples/proxies").join(file)).unwrap();
        let of_page = std::fs::read_to_string(root().join(format!("docs/proxies/{page}.md"))).unwrap();
        let names_all = twins.iter().all(|twin| of_file.contains(twin));
        let drops_all = of_file.contains("headers_with_underscores_action: DROP_HEADER");
        let drops_by_itself = of_page.contains("drops headers with underscores by itself");
        // The file of HAProxy takes them away before its script asks.
        let is_beside_another = proxy == "haproxy-lua";
        assert!(names_all || drops_all || drops_by_itself || is_beside_another, "{proxy}");
    }
}

#[test]
fn envoy_gets_addresses_as_it_reads_them() {
    let folder = Folder::new();
    folder.write("c.yml", "serve: {gateway: {enabled: true}}\n");
    for proxy in ["envoy", "envoy-http"] {
        let arguments = ["proxy-config", proxy, "-c", "c.yml", "--app", "[::1]:3000", "--listen"];
        let good = folder.run(&[&arguments[..], &["[::1]:80"]].concat());
        let printed = good.printed();
        for address in [r#"address: "::1", port_value: 80 "#, r#"address: "::1", port_value: 3000 "#] {
            assert!(printed.contains(address), "{printed}");
        }
        let named = folder.run(&[&arguments[..], &["localhost:80"]].concat());
        assert!(named.refused().contains("--listen 127.0.0.1:80"), "{named:?}");
    }
}

#[test]
fn a_route_that_is_not_there_is_told() {
    let configuration = root().join("examples/proxies/sessera.yml");
    let arguments = ["proxy-config", "nginx", "--route", "apj", "--config", configuration.to_str().unwrap()];
    let outcome = Folder::new().run(&arguments);
    let told = outcome.refused();
    assert!(told.contains("no route \"apj\"") && told.contains("api, default"), "{told}");
    assert!(told.contains("stored") && told.contains("sessera get identity-config"), "{told}");
}
