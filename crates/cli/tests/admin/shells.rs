//! What shells complete, and the manual.

use std::process::Command;

use crate::server::{PROGRAM, Server, alone};

/// What a shell is offered behind the words of a command, without options.
fn offered(server: &Server, words: &[&str]) -> Vec<String> {
    let given: Vec<&str> = ["--", "sessera"].iter().chain(words).copied().collect();
    let offered = server.run_with(&[("SESSERA_COMPLETE", "fish")], &given).good();
    let names = offered.out.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned());
    names.filter(|name| !name.starts_with('-')).collect()
}

#[tokio::test]
async fn names_that_the_server_knows_are_completed() {
    let server = Server::start();
    server.run(&["create", "jwk", "my-keys", "k1", "--alg", "ES256"]).good();
    server.run(&["create", "jwk", "other", "k2", "--alg", "ES256"]).good();
    let template = r#"/session/whoami/tokenizer/templates/api={"jwks_url":"set://my-keys"}"#;
    server.run(&["patch", "ic", "--add", template]).good();
    let token = server.register("ada@example.org").await;
    let whoami = server.whoami(&token, "").await;
    let session = whoami["id"].as_str().unwrap();
    let identity = whoami["identity"]["id"].as_str().unwrap();
    let revision = server.run(&["list", "revisions", "-q"]).good().out;

    assert_eq!(offered(&server, &["get", "jwk", "my"]), ["my-keys"]);
    assert_eq!(offered(&server, &["promote", "jwk", "my-keys", ""]), ["k1", "k2"]);
    assert_eq!(offered(&server, &["get", "identity", "ada"]), ["ada@example.org"]);
    assert_eq!(offered(&server, &["delete", "identity", &identity[..8]]), [identity]);
    assert!(offered(&server, &["revoke", "session", ""]).contains(&session.to_owned()));
    assert_eq!(offered(&server, &["rollback", "identity-config", ""]), [revision.trim()]);
    let places =
        offered(&server, &["patch", "identity-config", "--remove", "/session/whoami/tokenizer/templates/"]);
    assert!(places.contains(&"/session/whoami/tokenizer/templates/api".to_owned()), "{places:?}");
    assert!(offered(&server, &["patch", "identity-config", "--replace", "/session/w"])[0].ends_with('='));
    assert_eq!(offered(&server, &["rol"]), ["rollback"]);
}

#[test]
fn without_a_server_commands_are_completed_and_nothing_fails() {
    let server = Server::start();
    let gone = ["-e", "http://127.0.0.1:1", "get", "jwk", ""];
    assert_eq!(offered(&server, &gone), Vec::<String>::new());
    assert_eq!(offered(&server, &["-e", "http://127.0.0.1:1", "tok"]), ["tokenize"]);
}

#[test]
fn the_script_for_bash_completes_in_bash() {
    let server = Server::start();
    server.run(&["create", "jwk", "my-keys", "--alg", "ES256"]).good();
    let script = "source <(\"$SESSERA\" completions bash | sed \"s#words\\[0\\]=.*#words[0]=$SESSERA#\")\n\
        sessera() { \"$SESSERA\" \"$@\"; }\n\
        COMP_WORDS=(sessera get jwk my) COMP_CWORD=3 COMP_TYPE=9\n\
        $(complete -p sessera | sed 's/.*-F \\([^ ]*\\).*/\\1/') sessera my jwk\n\
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", script])
        .env("SESSERA", PROGRAM)
        .env("SESSERA_ADMIN_URL", server.admin())
        .output()
        .unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    assert_eq!(offered, "my-keys\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(alone(&["completions", shell]).good().out.contains("SESSERA_COMPLETE"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let server = Server::start();
    server.run(&["man", "share/man1"]).good();
    let page = |name: &str| server.read(&format!("share/man1/{name}.1"));
    assert!(page("sessera").contains("sessera serve"));
    assert!(page("sessera-create-jwk").contains("offline"));
    assert!(page("sessera-patch-identity-config").contains("Examples:"));
    assert!(page("sessera-serve").starts_with(".ie") || page("sessera-serve").contains(".TH"));
}

#[tokio::test]
async fn tables_are_whole_in_a_pipe() {
    let server = Server::start();
    server.run(&["create", "jwk", "some-example-set", "--alg", "ES256"]).good();
    server.run(&["create", "jwk", "managed", "--alg", "ES256", "--rotate", "30d"]).good();
    for name in ["good", "bad"] {
        let template = format!(
            r#"/session/whoami/tokenizer/templates/{name}={{"jwks_url":"set://some-example-set","ttl":"10m"}}"#
        );
        server.run(&["patch", "ic", "--add", &template, "--add", r#"/session/lifespan="12h""#]).good();
    }
    server.register("a-person-with-a-long-name@mail.example.org").await;
    for command in [
        &["list", "jwks"][..],
        &["list", "identities"],
        &["list", "sessions"],
        &["list", "revisions"],
        &["list", "templates"],
        &["list", "projects"],
        &["get", "jwk", "managed", "--states"],
        &["get", "identity-config", "--format", "table"],
    ] {
        let table = server.run(command).good().out;
        assert!(table.lines().count() > 1, "{command:?}: {table}");
        assert!(!table.contains('…'), "{command:?}: {table}");
    }
    let table = server.run(&["list", "identities"]).good().out;
    assert!(table.contains("a-person-with-a-long-name@mail.example.org"), "{table}");
}
