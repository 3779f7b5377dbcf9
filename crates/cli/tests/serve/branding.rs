//! What a deployment gives the pages of its own, as docs/pages.md shows it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::running::{Server, refusal, start, wait_for};

/// Where the files of the document's example lie.
const THERE: &str = "/etc/sessera/pages/";

const HTML: &str = "accept: text/html";

/// Writes the files of the document's example into a folder, and the configuration that names them as `c.yml`.
fn example(folder: &Path) {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pages.md");
    let document = std::fs::read_to_string(document).unwrap();
    let parts: Vec<&str> = document.split("```").collect();
    let mut written = Vec::new();
    for block in parts.windows(2).step_by(2) {
        let content = block[1].split_once('\n').unwrap().1;
        let before = block[0].trim_end().rsplit('`').nth(1).unwrap_or_default();
        if let Some(name) = before.strip_prefix(THERE) {
            std::fs::write(folder.join(name), content).unwrap();
            written.push(name);
        } else if content.starts_with("pages:") {
            let content = content.replace(THERE, &format!("{}/", folder.display()));
            std::fs::write(folder.join("c.yml"), content).unwrap();
            written.push("c.yml");
        }
    }
    assert_eq!(written, ["c.yml", "logo.svg", "own.css", "en.yml", "fr.yml"]);
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let of_name =
            |line: &&str| line.split(':').next().is_some_and(|known| known.eq_ignore_ascii_case(name));
        self.head.lines().find(of_name).and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value)
    }

    /// The paths of the files that the page loads, in their order.
    fn assets(&self) -> Vec<&str> {
        let after = self.body.split("=\"http://").skip(1).filter_map(|rest| rest.split('"').next());
        after.filter_map(|url| url.find("/ui/assets/").map(|at| &url[at..])).collect()
    }

    /// The path of the first file whose name begins so.
    fn asset(&self, name: &str) -> Option<String> {
        let start = format!("/ui/assets/{name}.");
        self.assets().into_iter().find(|path| path.starts_with(&start)).map(str::to_owned)
    }
}

fn get(server: &Server, path: &str, headers: &[&str]) -> Answer {
    let mut head = vec![format!("GET {path} HTTP/1.1"), format!("host: {}", server.public)];
    head.extend(headers.iter().map(|line| (*line).to_owned()));
    head.push("connection: close\r\n\r\n".into());
    let mut stream = TcpStream::connect(&server.public).unwrap();
    stream.write_all(head.join("\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// The page for signing in, in a language.
fn login(server: &Server, language: &str) -> Answer {
    let language = format!("accept-language: {language}");
    let begun = get(server, "/self-service/login/browser", &[HTML, &language]);
    assert_eq!(begun.status, 303, "{}", begun.head);
    let path = begun.header("location").split_once("/ui/").unwrap().1;
    let cookie = format!("cookie: {}", begun.header("set-cookie").split(';').next().unwrap());
    let page = get(server, &format!("/ui/{path}"), &[HTML, &language, &cookie]);
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

#[test]
fn the_example_of_the_document_gives_the_pages_a_look_of_their_own() {
    let folder = TempDir::new().unwrap();
    example(folder.path());
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let recovery = ("SELFSERVICE_FLOWS_RECOVERY_ENABLED", "true");
    let server = start(folder.path(), &["-c", "c.yml"], &[recovery]);
    let said = server.said.join("\n");
    assert!(!said.contains("/pages"), "{said}");

    let page = login(&server, "en");
    assert!(page.body.contains("<title>Come in · Orchard</title>"), "{}", page.body);
    assert!(page.body.contains("<span>Orchard</span>") && page.body.contains("New here?"), "{}", page.body);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self' http://127.0.0.1"), "{policy}");
    assert!(!policy.contains("unsafe") && !page.body.contains("style="), "{policy}");

    // The name of a file says its kind. The picture is the icon, too.
    let names: Vec<&str> = page
        .assets()
        .into_iter()
        .map(|path| path["/ui/assets/".len()..].split('.').next().unwrap())
        .collect();
    assert_eq!(names, ["logo", "style", "colors", "own", "logo"]);
    let file = |name: &str| get(&server, &page.asset(name).unwrap(), &[]);
    let logo = file("logo");
    assert_eq!((logo.status, logo.header("content-type")), (200, "image/svg+xml"));
    assert_eq!(logo.body, read("logo.svg"));
    let policy = logo.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox;"), "{policy}");
    assert!(!policy.contains("script"), "{policy}");
    assert_eq!(logo.header("x-content-type-options"), "nosniff");
    assert!(logo.header("cache-control").contains("immutable"));
    let own = file("own");
    assert_eq!((own.status, own.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(own.body, read("own.css"));
    let colors = file("colors").body;
    assert!(colors.contains("--accent: #0a6b4f;") && colors.contains("--accent: #6fd3ae;"), "{colors}");

    let french = login(&server, "fr-CH, de;q=0.8").body;
    for part in ["<html lang=\"fr\"", "Connexion", "Se connecter", ">Mot de passe<", "Mot de passe oublié"] {
        assert!(french.contains(part), "{part}: {french}");
    }
    let german = login(&server, "de").body;
    assert!(german.contains("<html lang=\"de\"") && german.contains("<h1>Anmelden</h1>"), "{german}");
    assert!(login(&server, "it").body.contains("<h1>Come in</h1>"));
    // What has no flow is in the same look.
    let nothing = get(&server, "/nope", &[HTML]);
    assert!(nothing.status == 404 && nothing.body.contains("· Orchard</title>"), "{}", nothing.body);
}

#[test]
fn changed_files_of_the_pages_are_read_again_and_broken_ones_change_nothing() {
    let folder = TempDir::new().unwrap();
    example(folder.path());
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let page = || get(&server, "/nope", &[HTML]);
    let before = page().asset("own").unwrap();
    write("own.css", "h1 { color: inherit }");
    wait_for(&true, || page().asset("own").unwrap() != before);
    assert_eq!(get(&server, &page().asset("own").unwrap(), &[]).body, "h1 { color: inherit }");
    assert_eq!(get(&server, &before, &[]).status, 404);
    write("en.yml", "error.title: Oh no");
    wait_for(&true, || page().body.contains("<h1>Oh no</h1>"));
    write("logo.svg", "no picture");
    let said = server.logged("goes on with the one before");
    assert!(said.contains("c.yml:3: /pages/logo: it is neither"), "{said}");
    assert!(page().asset("logo").is_some_and(|path| get(&server, &path, &[]).status == 200));
}

/// What `sessera config validate` says of a file.
fn validated(folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sessera"))
        .args(["config", "validate", "-c", "c.yml"])
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_the_pages_cannot_have_is_refused_at_the_start_and_before() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    write("large", &vec![b' '; 256 * 1024 + 1]);
    write("a.gif", b"GIF89a");
    write("a.html", b"<!doctype html>");
    write("list.yml", b"[login.title]");
    for (pages, place, way_out) in [
        ("name: ''\n  colors: {light: {accent: teal}}", "/pages/colors/light/accent", "\"#0a6b4f\""),
        ("colors:\n    dark:\n      accent: #0a6b4f", "/pages/colors/dark/accent", "in quotes"),
        ("logo: file://absent.svg", "/pages/logo", "the file absent.svg cannot be read"),
        ("logo: file://a.gif", "/pages/logo", "save the picture as one of them"),
        ("logo: file://large", "/pages/logo", "make it smaller"),
        ("logo: logo.svg", "/pages/logo", "file:///path"),
        ("stylesheet: https://x.example/a.css", "/pages/stylesheet", "download it once"),
        ("stylesheet: file://a.html", "/pages/stylesheet", "write CSS"),
        ("stylesheet: file://large", "/pages/stylesheet", "make it smaller"),
        ("texts: {fr: file://list.yml}", "/pages/texts/fr", "write the name of each"),
        ("texts: {fr: file://absent.yml}", "/pages/texts/fr", "absent.yml cannot be read"),
        ("texts: {french!: file://list.yml}", "/pages/texts/french!", "pt-BR"),
    ] {
        write("c.yml", format!("pages:\n  {pages}\n").as_bytes());
        let (code, said) = validated(folder.path());
        assert_eq!(code, Some(1), "{pages}: {said}");
        for said in [said, refusal(folder.path(), &["-c", "c.yml"], &[])] {
            assert!(
                said.contains("c.yml:") && said.contains(place) && said.contains(way_out),
                "{pages}: {said}"
            );
        }
    }
}

#[test]
fn what_has_no_effect_or_is_hard_to_read_is_said_and_served() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    write("logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    write("own.css", "@import url(https://x.example/a.css);");
    write("fr.yml", "login.titel: Connexion\nhome.lead: Bonjour {acount}\n");
    write(
        "c.yml",
        "pages:\n  logo: file://logo.svg\n  stylesheet: file://own.css\n  colors: {light: {accent: '#ffd500'}}\n  texts: {fr: file://fr.yml}\n",
    );
    let (code, warned) = validated(folder.path());
    assert_eq!(code, Some(0), "{warned}");
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let said = server.said.join("\n").replace("\\\"", "\"");
    for said in [warned, said] {
        for part in [
            "c.yml:2: /pages/logo: the SVG has a script, which never runs",
            "c.yml:3: /pages/stylesheet: no page loads what @import names",
            "c.yml:4: /pages/colors/light/accent: it is hard to read",
            "fr.yml:1: the text \"login.titel\" is not known: did you mean \"login.title\"?",
            "the place \"acount\" is not known: did you mean \"account\"?",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let logo = get(&server, &get(&server, "/nope", &[HTML]).asset("logo").unwrap(), &[]);
    assert!(logo.body.contains("<script>") && logo.header("content-security-policy").contains("sandbox"));
}
