//! `sessera demo`

mod screen;
mod server;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use screen::Screen;
use server::{DemoServer, Word};

use crate::upstream_address;

/// The mapper of the demonstration.
const MAPPER: &str = "\
local claims = std.extVar('claims');
local session = std.extVar('session');

{
  claims: {
    iss: claims.iss + 'demo',
    email: session.identity.traits.email,
    name: '%(first)s %(last)s' % session.identity.traits.name,
    aal: session.authenticator_assurance_level,
  },
}
";

/// The mapper of the demonstration for people of whom nothing is known.
const MAPPER_OF_ANYBODY: &str = "\
local claims = std.extVar('claims');
local session = std.extVar('session');

{
  claims: {
    iss: claims.iss + 'demo',
    traits: session.identity.traits,
    aal: session.authenticator_assurance_level,
  },
}
";

/// Play the whole path, from a key to a verified token
///
/// The command starts a server in a temporary folder on free ports, makes a key set and a template, signs a
/// person up, asks for a token and verifies it with the exported public keys. Every step is shown as one
/// would type it, and runs as it is shown. The command ends by itself and leaves nothing behind.
///
/// With --upstream the sessions are those of an Ory Kratos that is there. Without --token a person is signed up there with
/// e-mail, password and name, who stays.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera demo
  sessera demo --upstream http://127.0.0.1:4433
  sessera demo --upstream https://kratos.example.org --token \"$SESSION_TOKEN\"")]
pub(crate) struct Demo {
    /// The public API of an Ory Kratos that keeps the sessions
    #[arg(long, value_name = "URL", value_parser = upstream_address::parse)]
    upstream: Option<String>,
    /// A session token of that Kratos; it has no effect without --upstream
    #[arg(long, env = "SESSION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<()> {
        let screen = Screen::new();
        let server = DemoServer::open(self.upstream.as_deref()).await?;
        let played = tokio::select! {
            played = play(&server, &screen, &self) => played,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        };
        server.close().await?;
        played?;
        screen::say(
            "\nThe server has stopped, and its folder is removed. \"sessera serve\" starts one that stays.",
        )
    }
}

async fn play(server: &DemoServer, screen: &Screen, demo: &Demo) -> Result<()> {
    screen::say(&format!(
        "Sessera turns sign-in sessions into signed JSON Web Tokens. Here is the whole path,\non a server in {} that lives for this demonstration only.",
        server.folder().display()
    ))?;
    let admin = format!("SESSERA_ADMIN_URL={}", server.admin_url());
    match &demo.upstream {
        None => {
            screen.step("A server, with no configuration")?;
            screen.command("sessera serve &")?;
        }
        Some(url) => {
            screen.step("A server in front of the Kratos that is there")?;
            screen
                .command(&format!("{} &", server::shown(&["serve", "--upstream", url].map(plain), None)))?;
        }
    }
    screen::output(&format!("public API on {}, admin API on {}", server.public_url(), server.admin_url()))?;
    screen.command(&format!("export {admin}"))?;

    screen.step("A key set. The private key stays in the server")?;
    let made = [plain("create"), plain("jwk"), plain("demo-keys"), plain("--alg"), plain("ES256")];
    run(server, screen, &made, None).await?;

    screen.step("A claims mapper, which says what stands in the token")?;
    let mapper = if demo.upstream.is_some() { MAPPER_OF_ANYBODY } else { MAPPER };
    server.write("claims.jsonnet", mapper)?;
    screen.command("cat claims.jsonnet")?;
    screen::output(mapper)?;

    screen.step("A template: these keys, this mapper, ten minutes")?;
    let template = json!({
        "jwks_url": "set://demo-keys",
        "claims_mapper_url": "file://claims.jsonnet",
        "ttl": "10m",
    });
    let added = format!("/session/whoami/tokenizer/templates/demo={template}");
    run(server, screen, &["patch", "identity-config", "--quiet", "--add", added.as_str()].map(plain), None)
        .await?;
    run(server, screen, &["template", "list"].map(plain), None).await?;

    // The environment may have a token that is meant for other commands.
    let session_token = match demo.token.as_ref().filter(|_| demo.upstream.is_some()) {
        Some(token) => token.clone(),
        None => {
            screen.step("A person signs up, as an app does it")?;
            let signed_up = sign_up(server, screen, &email(demo)).await;
            match &demo.upstream {
                None => signed_up?,
                Some(url) => signed_up.with_context(|| {
                    format!("nobody can be signed up at {url} with e-mail, password and name: give a session token of it by --token")
                })?,
            }
        }
    };

    screen.step("The session becomes a token")?;
    let header = ("X-Session-Token", session_token.as_str());
    let whoami = server.get("/sessions/whoami?tokenize_as=demo", Some(header)).await?;
    screen.command(&format!("TOKEN=$({} | jq -r .tokenized)", whoami.shown))?;
    screen.command("echo $TOKEN")?;
    let token = text(&whoami.answer, "/tokenized")?;
    screen::output(&token)?;

    screen.step("Anybody verifies it with the public keys, without asking the server")?;
    let exported = ["get", "jwk", "demo-keys", "--public", "--format", "json-pretty"].map(plain);
    run(server, screen, &exported, Some("public.jwks.json")).await?;
    let verify = |token: String| {
        [plain("verify"), Word::Variable("TOKEN", token), plain("--jwks"), plain("public.jwks.json")]
    };
    run(server, screen, &verify(token.clone()), None).await?;

    screen.step("A token that was changed is refused")?;
    let forged = forged(&token);
    screen.command("TOKEN=${TOKEN%???}AAA")?;
    let shown = server::shown(&verify(forged.clone()), None);
    screen.command(&shown)?;
    let outcome = server.run(&verify(forged)).await?;
    if outcome.good {
        bail!("{shown} accepted a token that was changed");
    }
    screen.refusal(&outcome.said)
}

/// Runs a command and shows it with what it prints, or writes that into a file.
async fn run(server: &DemoServer, screen: &Screen, words: &[Word], file: Option<&str>) -> Result<()> {
    screen.command(&server::shown(words, file))?;
    let outcome = server.run(words).await?;
    if !outcome.good {
        bail!("{} failed: {}", server::shown(words, file), outcome.said.trim_end());
    }
    match file {
        Some(name) => server.write(name, &outcome.printed),
        None => screen::output(&outcome.printed),
    }
}

/// Signs a person up and returns the token of the session.
async fn sign_up(server: &DemoServer, screen: &Screen, email: &str) -> Result<String> {
    let flow = server.get("/self-service/registration/api", None).await?;
    let id = text(&flow.answer, "/id")?;
    screen.command(&format!("FLOW=$({} | jq -r .id)", flow.shown))?;
    let person = json!({
        "method": "password",
        "password": "lovelace wrote the first program",
        "traits": { "email": email, "name": { "first": "Ada", "last": "Lovelace" } },
    });
    let path = "/self-service/registration?flow=";
    let signed_up = server.post(&format!("{path}{id}"), &person).await?;
    screen.command(&signed_up.shown.replace(&format!("{id}'"), "'$FLOW"))?;
    let session = signed_up.answer.get("session").context("signing up gave no session")?;
    let token = text(&signed_up.answer, "/session_token")?;
    screen::output(&format!(
        "{{\"session_token\": \"{token}\",\n \"session\": {{\"id\": \"{}\", \"identity\": {{\"id\": \"{}\", ...}}, ...}}}}",
        text(session, "/id")?,
        text(session, "/identity/id")?,
    ))?;
    Ok(token)
}

/// The address of the person who signs up. At an upstream somebody may have the first one already.
fn email(demo: &Demo) -> String {
    if demo.upstream.is_none() {
        return "ada@example.org".into();
    }
    format!("ada-{}@example.org", uuid::Uuid::new_v4().simple())
}

/// Changes the end of a token.
fn forged(token: &str) -> String {
    format!("{}AAA", &token[..token.len().saturating_sub(3)])
}

fn plain(word: &str) -> Word {
    Word::Plain(word.to_owned())
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("the answer has no text at {pointer}"))
}
