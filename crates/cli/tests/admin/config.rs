//! Commands on the configuration.

use serde_json::json;

use crate::server::Server;

#[test]
fn the_configuration_is_patched_replaced_and_rolled_back() {
    let server = Server::start();
    assert_eq!(server.run(&["get", "identity-config", "--format", "json"]).json(), json!({}));
    let patched =
        server.run(&["patch", "identity-config", "default", "--add", r#"/session/lifespan="12h""#]).good();
    assert_eq!(patched.out, "session:\n  lifespan: 12h\n");
    server.write("changes.yml", "- op: replace\n  path: /session/lifespan\n  value: 6h\n");
    server.run(&["patch", "kratos-config", "-f", "changes.yml", "--quiet"]).good();
    let pointer = ["get", "ic", "--format", "jsonpointer=/session/lifespan"];
    assert_eq!(server.run(&pointer).good().out, "\"6h\"\n");

    server.write("whole.yml", "session:\n  lifespan: 1h\n");
    let table = server.run(&["update", "identity-config", "-f", "whole.yml", "--format", "table"]).good();
    assert_eq!(table.out, "PATH                VALUE\n/session/lifespan   1h\n");
    let revisions = server.run(&["list", "revisions", "--format", "json"]).json();
    assert_eq!(revisions[0]["diff"][0]["path"], "/session/lifespan");
    let ids = server.run(&["list", "revisions", "--quiet"]).good().out;
    let oldest = ids.lines().last().unwrap();
    assert_eq!(ids.lines().count(), 3);
    let unasked = server.run(&["rollback", "identity-config", oldest]).refused();
    assert!(unasked.contains("--yes") && unasked.contains(oldest), "{unasked}");
    server.run(&["rollback", "identity-config", oldest, "--yes"]).good();
    assert_eq!(server.run(&pointer).good().out, "\"12h\"\n");
    let unknown = "6f1c6c2e-0000-4000-8000-000000000000";
    assert!(server.run(&["rollback", "identity-config", unknown, "--yes"]).refused().contains(unknown));
}

#[test]
fn files_are_read_where_the_command_runs() {
    let server = Server::start();
    server.run(&["create", "jwk", "s", "--alg", "ES256"]).good();
    server.write("claims.jsonnet", "{ claims: {} }");
    let template = r#"/session/whoami/tokenizer/templates/t={"jwks_url":"set://s","claims_mapper_url":"file://claims.jsonnet"}"#;
    let config = server.run(&["patch", "ic", "--add", template, "--format", "json"]).json();
    let url = &config["session"]["whoami"]["tokenizer"]["templates"]["t"]["claims_mapper_url"];
    assert_eq!(url, "base64://eyBjbGFpbXM6IHt9IH0=");
    let missing = template.replace("claims.jsonnet", "missing.jsonnet");
    assert!(server.run(&["patch", "ic", "--add", &missing]).refused().contains("missing.jsonnet"));
    // A mapper that does not parse is refused with the place, and nothing changes.
    server.write("claims.jsonnet", "{ claims:\n  oops( }");
    let broken = template.replace("/t=", "/broken=");
    let said = server.run(&["patch", "ic", "--add", &broken]).refused();
    assert!(said.contains("/session/whoami/tokenizer/templates/broken/claims_mapper_url"), "{said}");
    assert!(said.contains("claims_mapper_url") && said.contains("2:"), "{said}");
    assert_eq!(server.run(&["template", "list", "--quiet"]).good().out, "t\n");
}

#[test]
fn the_one_project_has_a_slug_an_id_and_a_placeholder() {
    let server = Server::start();
    server.run(&["get", "identity-config", "--project", "default"]).good();
    let placeholder = server.run(&["get", "identity-config", "{}"]).good();
    assert!(placeholder.err.contains("Note: {} is a placeholder"), "{placeholder:?}");
    assert_eq!(server.run(&["get", "identity-config", "{}", "--quiet"]).good().err, "");
    for arguments in [
        &["get", "identity-config", "other"][..],
        &["list", "jwks", "--project", "other"],
        &["--project", "other", "patch", "ic", "--add", "/session/lifespan=1"],
    ] {
        let said = server.run(arguments).refused();
        assert!(said.contains("there is no project \"other\"") && said.contains("default (id "), "{said}");
    }
    let said = server.run(&["get", "ic", "default", "--project", "other"]).refused();
    assert!(said.contains("two projects are named"), "{said}");
    let said = server.run(&["get", "ic", "other"]).refused();
    let id = said.split("(id ").nth(1).unwrap().split(')').next().unwrap().to_owned();
    server.run(&["get", "identity-config", &id]).good();
}

#[tokio::test]
async fn a_template_that_works_for_nobody_is_taken_by_force_only() {
    let server = Server::start();
    server.run(&["create", "jwk", "s", "--alg", "ES256"]).good();
    server.register("ada@example.org").await;
    server.write("hopeless.jsonnet", "{ foo: 1 }");
    server.write("named.jsonnet", "{ claims: { name: std.extVar('session').identity.traits.name.first } }");
    let template = |mapper: &str| {
        format!(
            r#"/session/whoami/tokenizer/templates/t={{"jwks_url":"set://s","claims_mapper_url":"file://{mapper}.jsonnet"}}"#
        )
    };
    let hopeless = template("hopeless");
    let said = server.run(&["patch", "ic", "--add", &hopeless]).refused();
    assert!(said.contains("--force") && said.contains("the member \"claims\""), "{said}");
    let forced = server.run(&["patch", "ic", "--add", &hopeless, "--force", "--quiet"]).good();
    assert!(forced.err.contains("can hardly work"), "{forced:?}");
    let listed = server.run(&["list", "templates", "--format", "json"]).json();
    assert_eq!(listed[0]["state"], "failing");
    assert!(server.run(&["template", "list"]).good().out.contains("failing"));

    server.write("whole.json", &server.run(&["get", "ic", "--format", "json"]).good().out);
    let update = ["update", "identity-config", "-f", "whole.json"];
    server.run(&["patch", "ic", "--remove", "/session/whoami/tokenizer/templates/t"]).good();
    assert!(server.run(&update).refused().contains("--force"));
    server.run(&[&update[..], &["--force"]].concat()).good();

    let warned = server.run(&["patch", "ic", "--add", &template("named"), "--quiet"]).good();
    assert!(warned.err.contains("does not work for everybody"), "{warned:?}");
    let listed = server.run(&["list", "templates"]).good().out;
    assert!(listed.contains("ready"), "{listed}");
}
