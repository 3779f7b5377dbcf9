//! Runs every command that stands in a block of a document, and checks every configuration, as a reader would who copies
//! them in their order. What cannot run here stands in [`EXCEPTIONS`] with the reason.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::server::{Server, alone};

/// Commands that are not run, by their beginning, each with the reason.
const EXCEPTIONS: [(&str, &str); 10] = [
    ("cargo xtask ", "it is what runs this test"),
    ("cargo test ", "it is what runs this test"),
    ("cargo install ", "the program is built already"),
    ("cargo run ", "the program is built already"),
    ("sessera serve", "the server of the test runs already"),
    ("$ MIGRATE_TO='postgres:", "a PostgreSQL is needed: cargo xtask postgres does it"),
    ("$ sessera migrate --from-kratos 'postgres:", "the PostgreSQL of a Kratos is needed"),
    ("npm ", "Node is needed: cargo xtask browser starts the example"),
    ("aws ", "an account at AWS is needed"),
    ("vault ", "a Vault is needed"),
];

/// Configurations that are not Sessera's, by a text that they have.
const OTHERS: [&str; 7] = [
    "login.title:",
    "envoy.filters.http",
    "kind: AuthenticationConfiguration",
    "kind: AuthorizationPolicy",
    "kind: HTTPRoute",
    "forwardAuth:",
    "forward-auth:",
];

/// A schema of people who sign in by password and by code.
const SCHEMA: &str = "base64://eyJwcm9wZXJ0aWVzIjp7InRyYWl0cyI6eyJwcm9wZXJ0aWVzIjp7ImVtYWlsIjp7InR5cGUiOiJzdHJpbmciLCJvcnkuc2gva3JhdG9zIjp7ImNyZWRlbnRpYWxzIjp7InBhc3N3b3JkIjp7ImlkZW50aWZpZXIiOnRydWV9LCJjb2RlIjp7ImlkZW50aWZpZXIiOnRydWUsInZpYSI6ImVtYWlsIn19fX19fX19";

/// What stands for something that only the reader has, and what the test has there.
const STAND_INS: [(&str, &str); 9] = [
    ("file:///etc/sessera/person.schema.json", SCHEMA),
    ("file:///etc/sessera/default.schema.json", SCHEMA),
    (
        "file:///etc/sessera/pages/logo.svg",
        "base64://PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=",
    ),
    ("file:///etc/sessera/pages/own.css", "base64://YXt9"),
    ("file:///etc/sessera/pages/en.yml", "base64://e30="),
    ("file:///etc/sessera/pages/fr.yml", "base64://e30="),
    ("\"...\"", "\"a-secret-of-the-reader-0123456789\""),
    (
        "pkcs11:token=production;object=api-2026?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/sessera/pin",
        "set://my-keys",
    ),
    ("\n          algorithm: ES256", ""),
];

/// What the reader has before a block that mentions it, and how the test makes it.
const GIVEN: [(&str, &str); 9] = [
    ("claims.jsonnet", "[ -e claims.jsonnet ] || echo '{claims: {}}' > claims.jsonnet"),
    ("program.jsonnet", "echo '{}' > program.jsonnet"),
    ("session.json", "cp \"$SAMPLE\" session.json"),
    ("sessera.yml", "echo 'session: {lifespan: 12h}' > sessera.yml"),
    (
        "set://my-keys",
        "sessera get jwk my-keys -q > known 2>&1 || sessera create jwk my-keys --alg ES256 > known",
    ),
    ("$ZENDESK_SECRET", "ZENDESK_SECRET=$(sessera create jwk z --alg HS256 --offline | jq -r '.keys[0].k')"),
    ("$SECRET", "SECRET=$(sessera create jwk s --alg HS256 --offline | jq -r '.keys[0].k')"),
    ("$SESSION_TOKEN", "SESSION_TOKEN=$TOKEN"),
    (
        "$JWT",
        "JWT=$(curl -s \"$PUBLIC/sessions/whoami?tokenize_as=api\" -H \"X-Session-Token: $TOKEN\" | jq -r .tokenized)",
    ),
];

/// The programs with which a command begins.
const PROGRAMS: [&str; 9] = ["sessera", "ory", "curl", "cargo", "npm", "aws", "vault", "printf", "rm"];

/// A block of a document.
struct Block {
    /// The document and the line.
    at: String,
    /// The language of a fenced block. Indented blocks have none.
    language: String,
    content: String,
    /// The line of text before it.
    before: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All documents, each with its blocks.
fn documents() -> Vec<(String, Vec<Block>)> {
    let mut names: Vec<PathBuf> = ["", "docs", "docs/proxies", "docs/recipes", "examples/spa"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    names.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let blocks = blocks(&name, &std::fs::read_to_string(&path).unwrap());
        (name, blocks)
    };
    let mut documents: Vec<(String, Vec<Block>)> = Vec::new();
    for (name, blocks) in names.into_iter().map(read) {
        // The recipes share a server, which has a place for all of their templates.
        match documents.last_mut() {
            Some((last, known))
                if [last, &name].into_iter().all(|name| name.starts_with("docs/recipes/")) =>
            {
                known.extend(blocks);
            }
            _ => documents.push((name, blocks)),
        }
    }
    documents
}

fn blocks(name: &str, document: &str) -> Vec<Block> {
    let lines: Vec<&str> = document.lines().collect();
    let (mut blocks, mut at, mut before) = (Vec::new(), 0, String::new());
    while at < lines.len() {
        let start = at;
        let (language, content): (&str, Vec<&str>) = if let Some(language) = lines[at].strip_prefix("```") {
            at += 1 + lines[at + 1..].iter().position(|line| line.starts_with("```")).unwrap();
            (language, lines[start + 1..at].to_vec())
        } else if lines[at].starts_with("    ") && (at == 0 || lines[at - 1].is_empty()) {
            let inside = |line: &&&str| line.starts_with("    ") || line.is_empty();
            at += lines[at..].iter().take_while(inside).count() - 1;
            ("", lines[start..=at].iter().map(|line| line.strip_prefix("    ").unwrap_or("")).collect())
        } else {
            if !lines[at].is_empty() {
                lines[at].clone_into(&mut before);
            }
            at += 1;
            continue;
        };
        blocks.push(Block {
            at: format!("{name}:{}", start + 1),
            language: language.to_owned(),
            content: content.join("\n"),
            before: before.clone(),
        });
        at += 1;
    }
    blocks
}

impl Block {
    /// Its commands, each whole: lines that a backslash or an open quote joins are one.
    fn commands(&self) -> Vec<String> {
        let is_command = |line: &str| {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let word = line.split([' ', '=']).next().unwrap_or_default();
            let sets = line.split_once("=$(").is_some_and(|(name, _)| !name.contains(' '));
            sets || line.starts_with("MIGRATE_TO=") || PROGRAMS.contains(&word)
        };
        let of_shell = ["sh", "console"].contains(&self.language.as_str());
        if !of_shell && (!self.language.is_empty() || !self.content.lines().any(is_command)) {
            return Vec::new();
        }
        let (mut commands, mut open) = (Vec::new(), String::new());
        for line in self.content.lines() {
            open.push_str(line);
            let in_quotes = open.matches('\'').count() % 2 == 1;
            if in_quotes || line.ends_with('\\') {
                open.push('\n');
            } else if !open.trim().is_empty() {
                commands.push(std::mem::take(&mut open));
            }
        }
        commands
    }

    /// The file in which a reader keeps a mapper: the text before it names it.
    fn mapper(&self) -> Option<&str> {
        let is_mapper = self.language == "jsonnet" || self.content.starts_with("local ");
        let name = self.before.split('`').find(|part| part.ends_with(".jsonnet"));
        name.filter(|_| is_mapper)
    }
}

fn exception(command: &str) -> Option<&'static str> {
    EXCEPTIONS.iter().map(|(beginning, _)| *beginning).find(|beginning| command.starts_with(beginning))
}

/// A document as a script, which tells on standard error where it is.
fn script(blocks: &[Block], server: &Server) -> String {
    let mut script = String::from(
        "set -euo pipefail\nsessera() { \"$SESSERA\" \"$@\"; }\ncurl() { command curl --fail-with-body \"$@\"; }\n",
    );
    let mut given: Vec<&str> = Vec::new();
    for block in blocks {
        if let Some(file) = block.mapper() {
            write!(script, "cat > {file} <<'MAPPER'\n{}\nMAPPER\n", block.content).unwrap();
            given.push(GIVEN.iter().map(|(what, _)| *what).find(|what| *what == file).unwrap_or_default());
        }
        for command in block.commands().iter().filter(|command| exception(command).is_none()) {
            for (what, make) in GIVEN {
                if command.contains(what) && !given.contains(&what) {
                    writeln!(script, "{make}").unwrap();
                    given.push(what);
                }
            }
            let command = command
                .replace("cargo demo", "sessera demo")
                .replace("http://127.0.0.1:4433", server.public_url())
                .replace("http://127.0.0.1:4434", server.admin())
                // Where a server with an upstream listens.
                .replace("http://127.0.0.1:4533", server.public_url())
                .replace("http://127.0.0.1:4534", server.admin())
                .replace("https://id.example.org/", &format!("{}/", server.public_url()));
            writeln!(script, "echo 'at {}' >&2\n{command}", block.at).unwrap();
        }
    }
    script
}

#[tokio::test]
async fn every_command_in_the_documents_works_as_it_stands() {
    let here = |program: &str| {
        std::process::Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !["bash", "curl", "jq"].into_iter().all(here) {
        eprintln!("skipped: bash, curl and jq are needed to run what the documents say");
        return;
    }
    let (mut run, mut used) = (0, Vec::new());
    for (name, blocks) in documents() {
        let commands: Vec<String> = blocks.iter().flat_map(Block::commands).collect();
        used.extend(commands.iter().filter_map(|command| exception(command)));
        let runs = commands.iter().filter(|command| exception(command).is_none()).count();
        if runs == 0 {
            continue;
        }
        run += runs;
        let server = Server::start();
        let token = server.register("reader@example.org").await;
        let sample = root().join("crates/issuer/src/sample.session.json");
        let outcome = server.bash(
            &script(&blocks, &server),
            &[("TOKEN", &token), ("PUBLIC", server.public_url()), ("SAMPLE", sample.to_str().unwrap())],
        );
        assert_eq!(outcome.code, 0, "{name}\n{}\n{}", outcome.out, outcome.err);
    }
    assert!(run > 20, "only {run} commands were found");
    for (beginning, reason) in EXCEPTIONS {
        assert!(used.contains(&beginning), "no document has \"{beginning}\" any more ({reason})");
    }
}

#[test]
fn every_configuration_in_the_documents_is_valid() {
    let mut checked = 0;
    for (_, blocks) in documents() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        let ours = |block: &&Block| {
            block.language == "yaml" && !OTHERS.iter().any(|other| block.content.contains(other))
        };
        for block in blocks.iter().filter(ours) {
            let mut content = block.content.clone();
            for (reader, ours) in STAND_INS {
                content = content.replace(reader, ours);
            }
            let file = folder.path().join(format!("{}.yml", files.len()));
            std::fs::write(&file, content).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            // A reader adds to what stands above.
            files.extend(["-c".to_owned(), file.display().to_string()]);
            let arguments = ["config", "validate"].into_iter().chain(files.iter().map(String::as_str));
            let outcome = alone(&arguments.collect::<Vec<_>>());
            assert_eq!(outcome.code, 0, "{}: {outcome:?}", block.at);
            assert!(!outcome.err.contains("Warning"), "{}: {outcome:?}", block.at);
            checked += 1;
        }
    }
    assert!(checked > 5, "only {checked} configurations were found");
}
