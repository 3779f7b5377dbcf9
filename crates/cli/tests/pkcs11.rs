//! The real program with a key that it never sees, because the key is in SoftHSM (Debian's package
//! `softhsm2`).

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with a token and a key on it.
fn token() -> TempDir {
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    std::fs::create_dir(folder.join("tokens")).unwrap();
    let settings = format!("directories.tokendir = {}\n", folder.join("tokens").display());
    std::fs::write(folder.join("softhsm2.conf"), settings).unwrap();
    std::fs::write(folder.join("pin"), "1234\n").unwrap();
    let arguments = ["--init-token", "--free", "--label", "sessera", "--pin", "1234", "--so-pin", "5678"];
    run(folder, "softhsm2-util", &arguments);
    let key = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"];
    run(folder, "openssl", &key);
    let place = ["--token", "sessera", "--pin", "1234", "--label", "signer", "--id", "01"];
    run(folder, "softhsm2-util", &[&["--import", "key.pem"][..], &place].concat());
    temporary
}

/// A server that ends with the test.
struct Server {
    child: Child,
    public: String,
    admin: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended by itself, which the test has found out already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sessera"))
        .args(["serve", "-c", "sessera.json"])
        .current_dir(folder)
        .env_clear()
        .envs([("SERVE_PUBLIC_PORT", "0"), ("SERVE_ADMIN_PORT", "0"), ("LOG_FORMAT", "json")])
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains("sessera serves"));
    let fields = serde_json::from_str::<Value>(&line.expect("a server")).unwrap()["fields"].clone();
    // A full pipe must not stop the server later.
    std::thread::spawn(move || lines.for_each(drop));
    let address = |name: &str| format!("http://{}", fields[name].as_str().unwrap());
    Server { child, public: address("public"), admin: address("admin") }
}

async fn ask(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn tokens_are_signed_by_a_key_that_the_server_never_has() {
    if !Path::new(MODULE).exists() {
        eprintln!("-- skipped: a server with a key in SoftHSM, because softhsm2 is not installed");
        return;
    }
    let folder = token();
    let uri = format!(
        "pkcs11:token=sessera;object=signer?module-path={MODULE}&pin-source=file:{}/pin",
        folder.path().display()
    );
    let templates = json!({"t": {"jwks_url": uri, "algorithm": "ES256"}});
    let config = json!({"session": {"whoami": {"tokenizer": {"templates": templates}}}});
    std::fs::write(folder.path().join("sessera.json"), config.to_string()).unwrap();
    let server = start(folder.path());
    let http = reqwest::Client::new();
    let (_, flow) = ask(http.get(format!("{}/self-service/registration/api", server.public))).await;
    let form = json!({"method": "password", "password": "Zx-long-enough-1234", "traits": {"email": "ada@example.org"}});
    let (status, made) = ask(http.post(flow["ui"]["action"].as_str().unwrap()).json(&form)).await;
    assert_eq!(status, 200, "{made}");
    let token = made["session_token"].as_str().unwrap();
    let whoami = || {
        http.get(format!("{}/sessions/whoami?tokenize_as=t", server.public)).header("x-session-token", token)
    };
    let (status, answer) = ask(whoami()).await;
    assert_eq!(status, 200, "{answer}");
    let jwt = answer["tokenized"].as_str().unwrap();
    let (_, keys) = ask(http.get(format!("{}/.well-known/jwks/t.json", server.public))).await;
    let set = sessera_jose::JwkSet::parse(keys.to_string().as_bytes()).unwrap().public();
    let verified = sessera_jose::verify::verify(jwt, &set).unwrap();
    assert_eq!(verified.claims().unwrap()["sub"], answer["identity"]["id"]);

    // The admin API cannot load a library into the server.
    let project = format!("{}/projects/default", server.admin);
    let path = "/services/identity/config/session/whoami/tokenizer/templates/u";
    let patch = json!([{"op": "add", "path": path, "value": {"jwks_url": uri.replace("signer", "other")}}]);
    let (status, refused) = ask(http.patch(&project).json(&patch)).await;
    assert!(status == 400 && refused.to_string().contains("pkcs11:"), "{status} {refused}");
    // After a change of something else the key goes on signing.
    let patch =
        json!([{"op": "add", "path": format!("{}/t/ttl", path.trim_end_matches("/u")), "value": "1m"}]);
    let (status, changed) = ask(http.patch(&project).json(&patch)).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(ask(whoami()).await.0, 200);

    // Without the key's token there are no signatures, and what was published stays.
    std::fs::remove_dir_all(folder.path().join("tokens")).unwrap();
    let answer = whoami().send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    let (_, published) = ask(http.get(format!("{}/.well-known/jwks/t.json", server.public))).await;
    assert_eq!(published, keys);
    let plain = http.get(format!("{}/sessions/whoami", server.public)).header("x-session-token", token);
    assert_eq!(ask(plain).await.0, 200);
}
