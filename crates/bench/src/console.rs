//! How long the pages of the console take to their first byte, with many people and a long record.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::browser::{Answer, Browser};
use crate::database::Database;
use crate::person::{email, identity_id, scattered};
use crate::server::{self, Workspace};
use crate::table::{self, Figure};
use crate::{Arguments, seed, seed_console};

/// The admin token.
const TOKEN: &str = "a-token-with-which-the-console-is-measured";

/// The receiver of events, which is never there.
const SINK: &str = "siem";

/// What is measured.
#[derive(Args)]
pub(crate) struct ConsoleOptions {
    /// How many people there are, each with a session
    #[arg(long, default_value_t = 1_000_000)]
    identities: u64,
    /// How many entries the record has
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// How many revisions the configuration has
    #[arg(long, default_value_t = 250)]
    revisions: u64,
    /// How often each page is opened
    #[arg(long, default_value_t = 20)]
    looks: u64,
    /// Afterwards keep the server for a browser, until the input ends
    #[arg(long)]
    stay: bool,
}

/// A page: its name in the table, and its address each time it is opened.
struct Page(&'static str, Box<dyn Fn(u64) -> String>);

/// What is there to be looked at, by the names that pages ask for.
struct ConsoleContent {
    people: u64,
    /// Ids of revisions, the newest one first.
    revisions: Vec<String>,
    /// The key that the unmanaged set does not sign with, and the one that the managed set signs with.
    keys: [String; 2],
    /// The queries of the last parts of the record and of the revisions.
    last: [String; 2],
}

/// Fills a database, opens every page of the console again and again, and prints the times to the first byte.
pub(crate) fn measure(arguments: &Arguments, asked: &ConsoleOptions) -> Result<()> {
    let gateway = server::free_port()?;
    let workspace = Workspace::new(
        arguments,
        &json!({
            "serve": {"admin": {"token": [TOKEN]}, "gateway": {"enabled": true, "port": gateway}},
            "gateway": {"routes": {"everybody": {"template": "ES256", "headers": {"X-User-Id": "sub"}}}},
            "events": {"sinks": {SINK: {
                "url": "http://127.0.0.1:9/", "secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
                "events": ["key_set_deleted"],
            }}},
        }),
    )?;
    let Database::Sqlite(file) = &workspace.database else {
        bail!("the console is measured with SQLite: leave --dsn out");
    };
    // Changes try templates on the newest sessions, of which all would have begun at once.
    let (server, _) = workspace.start(arguments.server_cores)?;
    configure(workspace.admin_port, asked.revisions)?;
    drop(server);
    seed::people(&workspace.database, 0, asked.identities)?;
    fill(&workspace.database, file, asked)?;
    let (server, _) = workspace.start(arguments.server_cores)?;
    let mut browser = Browser::signed_in(workspace.admin_port, TOKEN)?;
    let there = ConsoleContent::found(&mut browser, workspace.admin_port, asked.identities)?;
    let mut figures = Vec::new();
    for Page(name, address) in pages(there) {
        let mut figure = Figure::new(name);
        for look in 0..asked.looks {
            figure.add(browser.open(&address(look))?.first_byte.as_secs_f64() * 1_000.0);
        }
        figures.push(figure);
    }
    let title = format!(
        "Pages of the console with {} people and {} entries of the record, ms to the first byte (goal: under 20)",
        asked.identities, asked.entries
    );
    table::print(&title, &figures);
    if asked.stay {
        stay(workspace.admin_port)?;
    }
    drop(server);
    Ok(())
}

/// Waits until the input ends.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn stay(port: u16) -> Result<()> {
    println!("\nhttp://127.0.0.1:{port}/console is there until the input ends. The token is: {TOKEN}");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn fill(database: &Database, file: &Path, asked: &ConsoleOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(seed_console::fill(database, file, asked.identities, asked.entries, SINK))
}

/// Makes key sets, a token and revisions by the API.
fn configure(port: u16, revisions: u64) -> Result<()> {
    for kid in ["first", "second"] {
        let key = json!({"alg": "ES256", "kid": kid, "use": "sig"});
        server::call_as(TOKEN, port, "POST", "/admin/keys/own", Some(&key))?;
    }
    let managed = json!({"alg": "ES256", "period": "720h"});
    server::call_as(TOKEN, port, "POST", "/admin/rotation/rotates", Some(&managed))?;
    let token = json!({"name": "support", "role": "operator"});
    server::call_as(TOKEN, port, "POST", "/admin/tokens", Some(&token))?;
    for number in 0..revisions {
        let patch = json!([{
            "op": "add",
            "path": "/services/identity/config/session/whoami/tokenizer/templates/api",
            "value": {"ttl": format!("{}s", 60 + number), "jwks_url": "set://own"},
        }]);
        server::call_as(TOKEN, port, "PATCH", "/projects/default", Some(&patch))?;
    }
    Ok(())
}

impl ConsoleContent {
    fn found(browser: &mut Browser, port: u16, people: u64) -> Result<Self> {
        let revisions: Value = serde_json::from_str(&server::call_as(
            TOKEN,
            port,
            "GET",
            "/projects/default/revisions?page_size=100",
            None,
        )?)?;
        let ids = revisions.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str());
        let signs: Value =
            serde_json::from_str(&server::call_as(TOKEN, port, "GET", "/admin/keys/rotates", None)?)?;
        Ok(Self {
            people,
            revisions: ids.map(str::to_owned).collect(),
            keys: ["second".into(), signs["keys"][0]["kid"].as_str().context("no key")?.to_owned()],
            last: [
                last_part(browser, "/console/record?page_size=1000")?,
                last_part(browser, "/console/settings/revisions?page_size=100")?,
            ],
        })
    }
}

/// The address of the last part of a list, which is found by going there.
fn last_part(browser: &mut Browser, list: &str) -> Result<String> {
    let path = list.split('?').next().unwrap_or(list);
    let mut address = list.to_owned();
    loop {
        let Answer { text, .. } = browser.open(&address)?;
        // The way to older ones is the one link to a part of the same list.
        let next = text.split("href=\"").find_map(|link| {
            let link = link.split('"').next()?.replace("&amp;", "&");
            (link.starts_with(&format!("{path}?")) && link.contains("page_token=")).then_some(link)
        });
        match next {
            Some(next) => address = next,
            None => return Ok(address),
        }
    }
}

/// All pages, and those with much to find in all ways to ask for it.
fn pages(there: ConsoleContent) -> Vec<Page> {
    let ConsoleContent { people, revisions, keys: [own, managed], last: [last_entries, last_revisions] } =
        there;
    let always = |address: String| Box::new(move |_| address.clone()) as Box<dyn Fn(u64) -> String>;
    let one = |name, address: &str| Page(name, always(address.to_owned()));
    let person = move |look: u64| (look * 7_919 + 1) % people;
    let of_person = |name, before: &'static str, behind: &'static str| {
        Page(name, Box::new(move |look| format!("{before}{}{behind}", identity_id(person(look)))))
    };
    let of_session = |name, behind: &'static str| {
        Page(
            name,
            Box::new(move |look| format!("/console/sessions/{}{behind}", scattered("session", person(look)))),
        )
    };
    let of_revision = |name, before: &'static str| {
        let revisions = revisions.clone();
        Page(
            name,
            Box::new(move |look| {
                let at = usize::try_from(look).unwrap_or_default() % revisions.len().max(1);
                format!("{before}{}", revisions[at])
            }),
        )
    };
    vec![
        one("overview", "/console"),
        one("templates", "/console/templates"),
        one("editor of a new template", "/console/new-template"),
        one("editor of a template", "/console/templates/ES256"),
        one("editor of a template with history", "/console/templates/api"),
        of_revision("template as it was", "/console/templates/api/history/"),
        one("before a template is deleted", "/console/templates/api/delete"),
        one("recipes", "/console/recipes"),
        one("recipe", "/console/recipes/livekit"),
        one("keys", "/console/keys"),
        one("new keys", "/console/new-keys"),
        one("key set", "/console/keys/own"),
        one("key set that rotates", "/console/keys/rotates"),
        one("before a set is adopted", "/console/keys/own/adopt"),
        one("before a set rotates", "/console/keys/rotates/rotate"),
        Page("before a key is revoked", always(format!("/console/keys/rotates/revoke/{managed}"))),
        Page("before a key is promoted", always(format!("/console/keys/own/promote/{own}"))),
        one("routes", "/console/routes"),
        one("token", "/console/token"),
        one("people", "/console/people"),
        Page(
            "people by a whole address",
            Box::new(move |look| format!("/console/people?whom={}", email(person(look)))),
        ),
        one("people by the beginning of all addresses", "/console/people?whom=person-"),
        one("people by the beginning of many addresses", "/console/people?whom=person-1"),
        one("people by an address that nobody has", "/console/people?whom=nobody@example.org"),
        of_person("people by an id", "/console/people?whom=", ""),
        of_person("person", "/console/people/", ""),
        Page("person with many sessions", always(format!("/console/people/{}", identity_id(0)))),
        of_person("before somebody's sessions end", "/console/people/", "/end"),
        of_person("before somebody is disabled", "/console/people/", "/disable"),
        of_person("before somebody is enabled", "/console/people/", "/enable"),
        of_person("before somebody recovers", "/console/people/", "/recovery"),
        of_session("session", ""),
        of_session("before a session ends", "/end"),
        one("before everybody's sessions end", "/console/everybody"),
        one("record", "/console/record"),
        one("record, 1,000 entries", "/console/record?page_size=1000"),
        Page("record, last part", always(last_entries)),
        one("record by an action", "/console/record?action=session_ended"),
        one("record by a rare action", "/console/record?action=identity_deleted"),
        one("record by an action that never happened", "/console/record?action=keys_shown"),
        one("record by an old action", "/console/record?action=configuration_changed"),
        one("record by a kind of actor", "/console/record?actor=token"),
        Page("record by a rare actor", always(format!("/console/record?actor={}", seed_console::RARE_ACTOR))),
        of_person("record by a person as actor", "/console/record?actor=", ""),
        of_person("record about a person", "/console/record?identity=", ""),
        Page(
            "record about a session",
            Box::new(move |look| format!("/console/record?session={}", scattered("session", person(look)))),
        ),
        one("record of what was refused", "/console/record?outcome=refused"),
        one("record until long ago", "/console/record?until=2020-01-01T00:00:00Z"),
        one("record since tomorrow", "/console/record?since=2999-01-01T00:00:00Z"),
        one(
            "record by a rare action and an actor",
            "/console/record?action=identity_deleted&actor=support&outcome=done",
        ),
        one("record as JSON", "/console/record.json"),
        one("record as CSV", "/console/record.csv"),
        one("settings", "/console/settings"),
        one("revisions", "/console/settings/revisions"),
        Page("revisions, last part", always(last_revisions)),
        of_revision("revision", "/console/settings/revisions/"),
        one("receiver of events", "/console/settings/sinks/siem"),
        one("before events are sent again", "/console/settings/sinks/siem/replay"),
        one("new token", "/console/settings/new-token"),
        one("before a token is deleted", "/console/settings/tokens/support/delete"),
    ]
}
