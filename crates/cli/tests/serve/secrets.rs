//! Secrets: how good they must be, who may read them, and how they are replaced.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{call, command, refusal, sign_up, start, started};

#[test]
fn files_with_secrets_that_others_may_read_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path(), &[], &[]));
    let expose = |name: &str, mode| {
        let path = folder.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    expose("sessera.sqlite.secrets.json", 0o644);
    expose("sessera.sqlite", 0o666);
    let config = "secrets: {cipher: [words-of-no-sample-for-these-tests]}\nserve: {admin: {token: words-for-the-tests-alone}}\n";
    std::fs::write(folder.path().join("c.yml"), config).unwrap();
    expose("c.yml", 0o640);
    let output = command(folder.path(), &["-c", "c.yml"], &[]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "sessera.sqlite.secrets.json (its mode is 0644)",
        "sessera.sqlite (its mode is 0666)",
        "c.yml (its mode is 0640)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_it_makes_belongs_to_its_owner_alone() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 0; exec \"$0\" serve", env!("CARGO_BIN_EXE_sessera")])
        .current_dir(folder.path())
        .env_clear()
        .envs([("SERVE_PUBLIC_PORT", "0"), ("SERVE_ADMIN_PORT", "0"), ("LOG_FORMAT", "json")])
        .stderr(Stdio::piped());
    let server = started(&mut command);
    sign_up(&server);
    let modes = std::fs::read_dir(folder.path()).unwrap().map(|file| {
        let file = file.unwrap();
        (file.file_name().into_string().unwrap(), file.metadata().unwrap().permissions().mode() & 0o777)
    });
    let modes: Vec<_> = modes.collect();
    assert!(modes.len() >= 4 && modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

#[test]
fn a_weak_secret_does_not_serve_wherever_it_comes_from() {
    let folder = TempDir::new().unwrap();
    let good = "words-of-no-sample-for-these-tests";
    for (variable, value) in [
        ("SECRETS_CIPHER", "short".to_owned()),
        ("SECRETS_CIPHER", format!("{good},short")),
        ("SECRETS_COOKIE_0", "short".to_owned()),
        ("SECRETS_DEFAULT", "short".to_owned()),
        ("SERVE_ADMIN_TOKEN", "x".to_owned()),
    ] {
        let said = refusal(folder.path(), &[], &[(variable, &value)]);
        assert!(said.contains("openssl rand") && said.contains(variable), "{variable}: {said}");
    }
    std::fs::write(
        folder.path().join("sessera.sqlite.secrets.json"),
        r#"{"cipher":"short","cookie":"short"}"#,
    )
    .unwrap();
    let said = refusal(folder.path(), &[], &[]);
    assert!(said.contains("sessera.sqlite.secrets.json") && said.contains("openssl rand"), "{said}");
}

#[test]
fn another_secret_does_not_serve() {
    let folder = TempDir::new().unwrap();
    let secret =
        |text: &'static str| [("SECRETS_CIPHER", text), ("SECRETS_COOKIE", "a cookie secret of length")];
    drop(start(folder.path(), &[], &secret("the first secret: long enough...")));
    let said = refusal(folder.path(), &[], &secret("another secret: long enough....."));
    assert!(said.contains("secrets.cipher"), "{said}");
    assert!(!said.contains("another secret"), "{said}");
    // A new secret in front of the old one is a rotation.
    drop(start(
        folder.path(),
        &[],
        &secret("another secret: long enough.....,the first secret: long enough..."),
    ));
}

#[test]
fn stored_values_are_encrypted_under_a_new_secret_while_the_server_runs() {
    const OLD: &str = "an old secret of thirty-two chars";
    const NEW: &str = "a new secret of thirty-two chars!";
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sessera.json");
    let configure = |secrets: &[&str]| {
        let flows = json!({"verification": {"enabled": false}});
        let tree = json!({"secrets": {"cipher": secrets, "cookie": [OLD]}, "selfservice": {"flows": flows}});
        std::fs::write(&config, tree.to_string()).unwrap();
    };
    let rotate = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sessera"))
            .args(["secrets", "rotate", "-c", "sessera.json"])
            .args(more)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    configure(&[OLD]);
    let (code, said) = rotate(&[]);
    assert!(code == Some(1) && said.contains("there is no database"), "{said}");
    let server = start(folder.path(), &["-c", "sessera.json"], &[]);
    let token = sign_up(&server);
    let key = json!({"alg": "ES256"});
    assert_eq!(call(&server.admin, "POST", "/admin/keys/k", &[], Some(&key)).0, 201);
    drop(server);

    configure(&[NEW, OLD]);
    let server = start(folder.path(), &["-c", "sessera.json"], &[]);
    // These are the check value, the password and the key.
    let (code, said) = rotate(&["--dry-run"]);
    assert!(code == Some(0) && said.contains("keys: 1 of 1 values are under an older secret"), "{said}");
    assert!(said.contains("3 of 3 values would be encrypted again"), "{said}");
    let (code, said) = rotate(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("3 of 3 values were encrypted again"), "{said}");
    assert!(said.contains("may be removed") && !said.contains(OLD) && !said.contains(NEW), "{said}");
    assert!(rotate(&[]).1.contains("0 of 3 values"));
    let told = |more: &[&str]| -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_sessera"))
            .args(["secrets", "rotate", "-c", "sessera.json", "--format", "json"])
            .args(more)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        assert_eq!(output.stderr, b"");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(told(&[]), json!({"values": 3, "encrypted_again": 0}));
    let counted = told(&["--dry-run"]);
    assert_eq!((&counted["values"], &counted["older"]), (&json!(3), &json!(0)));
    // Older secrets that servers refuse are refused here too, unless they are on their way out.
    configure(&[NEW, "short"]);
    let (code, said) = rotate(&[]);
    assert!(
        code == Some(1) && said.contains("at least 32") && said.contains("--accept-weak-older"),
        "{said}"
    );
    assert_eq!(rotate(&["--accept-weak-older"]).0, Some(0));
    configure(&["short", NEW]);
    assert_eq!(rotate(&["--accept-weak-older"]).0, Some(1));
    assert_eq!(call(&server.admin, "GET", "/admin/keys/k", &[], None).0, 200);
    drop(server);

    configure(&[OLD]);
    assert!(refusal(folder.path(), &["-c", "sessera.json"], &[]).contains("secrets.cipher"));
    configure(&[NEW]);
    let server = start(folder.path(), &["-c", "sessera.json"], &[]);
    assert_eq!(call(&server.admin, "GET", "/admin/keys/k", &[], None).0, 200);
    let header = format!("x-session-token: {token}");
    assert_eq!(call(&server.public, "GET", "/sessions/whoami", &[&header], None).0, 200);
}
