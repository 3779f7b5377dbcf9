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
        ("kubernetes-gateway", ["--app", "shop:80"], "has the port of --app alone"),
        ("kubernetes-gateway", ["--gateway", "tokens:4435"], "has the port of --gateway alone"),
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
