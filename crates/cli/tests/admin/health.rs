//! `sessera health`, as a container asks it about the server inside.

use crate::server::Server;

/// The port in an address.
fn port(url: &str) -> &str {
    url.rsplit_once(':').unwrap().1
}

#[test]
fn a_server_that_is_ready_is_found_by_its_address_on_either_port_and_by_its_configuration() {
    let server = Server::start();
    assert!(server.run(&["health"]).good().out.contains("is ready"));
    let told = server.run(&["health", "--endpoint", server.public_url(), "--format", "json"]).json();
    assert_eq!(told["status"], "ok");
    assert_eq!(server.run(&["health", "--quiet"]).good().out, "");
    // Nothing names the server, so it is the one of the configuration, which listens everywhere.
    let port = port(server.public_url());
    let variables =
        [("SESSERA_ADMIN_URL", ""), ("SERVE_PUBLIC_PORT", port), ("SERVE_PUBLIC_HOST", "0.0.0.0")];
    assert!(server.run_with(&variables, &["health"]).good().out.contains(server.public_url()));
    let file = server.folder().join("health.json");
    std::fs::write(&file, format!("{{\"serve\":{{\"public\":{{\"port\":{port}}}}}}}")).unwrap();
    server.run_with(&variables[..1], &["health", "-c", "health.json"]).good();
    let upstream = ["health", "-c", "health.json", "--upstream", "http://127.0.0.1:1"];
    server.run_with(&variables[..1], &upstream).good();
}

#[test]
fn an_admin_token_is_needed_where_an_admin_api_is_named_that_asks_for_one_and_nowhere_else() {
    let server = Server::start_with(&[("SERVE_ADMIN_TOKEN", "an-admin-token-for-tests")]);
    let unnamed = [("SESSERA_ADMIN_URL", ""), ("SERVE_PUBLIC_PORT", port(server.public_url()))];
    server.run_with(&unnamed, &["health"]).good();
    assert!(server.run(&["health"]).refused().contains("SESSERA_ADMIN_TOKEN"));
    server.run_with(&[("SESSERA_ADMIN_TOKEN", "an-admin-token-for-tests")], &["health"]).good();
}

#[test]
fn a_server_that_cannot_be_asked_is_not_ready() {
    let server = Server::start();
    // Port 1 belongs to a service that nobody runs.
    let nobody = server.run(&["health", "--endpoint", "http://127.0.0.1:1"]).refused();
    assert!(nobody.contains("the server at http://127.0.0.1:1 cannot be reached"), "{nobody}");
    let unnamed = |variables: &[(&str, &str)]| {
        let given: Vec<_> = [("SESSERA_ADMIN_URL", "")].iter().chain(variables).copied().collect();
        server.run_with(&given, &["health"]).refused()
    };
    assert!(unnamed(&[("SERVE_PUBLIC_PORT", "1")]).contains("cannot be reached"));
    assert!(unnamed(&[("SERVE_PUBLIC_PORT", "0")]).contains("--endpoint"));
    assert!(unnamed(&[("SERVE_PUBLIC_PORT", "many")]).contains("cannot be used"));
    // Pages are no answer of this route, and neither is a refusal.
    let elsewhere = format!("{}/console", server.admin());
    server.run(&["health", "--endpoint", &elsewhere]).refused();
}
