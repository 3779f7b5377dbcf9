//! SECURITY.md goes through the OWASP Application Security Verification Standard requirement by requirement. Each of them
//! stands there once, and what it says is held is shown by tests that exist.

use std::collections::HashSet;
use std::path::Path;

/// The sections of the chapters that are gone through, each with the number of its requirements (ASVS 5.0.0).
const SECTIONS: [(&str, usize); 44] = [
    ("1.1", 2),
    ("1.2", 10),
    ("1.3", 12),
    ("1.4", 3),
    ("1.5", 3),
    ("2.1", 3),
    ("2.2", 3),
    ("2.3", 5),
    ("2.4", 2),
    ("6.1", 3),
    ("6.2", 12),
    ("6.3", 8),
    ("6.4", 6),
    ("6.5", 8),
    ("6.6", 4),
    ("6.7", 2),
    ("6.8", 4),
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 3),
    ("7.6", 2),
    ("9.1", 3),
    ("9.2", 4),
    ("10.1", 2),
    ("10.2", 3),
    ("10.3", 5),
    ("10.4", 16),
    ("10.5", 5),
    ("10.6", 2),
    ("10.7", 3),
    ("11.1", 4),
    ("11.2", 5),
    ("11.3", 5),
    ("11.4", 4),
    ("11.5", 2),
    ("11.6", 2),
    ("11.7", 2),
    ("16.1", 1),
    ("16.2", 5),
    ("16.3", 4),
    ("16.4", 3),
    ("16.5", 4),
];

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of all tests below a folder.
fn tests(folder: &Path, found: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let behind = text.split("#[test]").skip(1).chain(text.split("#[tokio::test").skip(1));
            let name = |part: &str| Some(part.split_once("fn ")?.1.split_once('(')?.0.to_owned());
            found.extend(behind.filter_map(name));
        }
    }
}

struct Row {
    numbers: Vec<String>,
    state: String,
    shown: String,
}

/// The rows of the tables, with a range such as `1.2.6-8` taken apart.
fn rows() -> Vec<Row> {
    let document = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    let of_standard = |cells: &Vec<String>| cells[0].starts_with(|c: char| c.is_ascii_digit());
    let row = |cells: Vec<String>| {
        let [numbers, _, state, shown] =
            <[String; 4]>::try_from(cells).unwrap_or_else(|cells| panic!("not four cells: {cells:?}"));
        let (section, last) = numbers.rsplit_once('.').unwrap();
        let (from, to) = last.split_once('-').unwrap_or((last, last));
        let range = from.parse::<usize>().unwrap()..=to.parse().unwrap();
        Row { numbers: range.map(|number| format!("{section}.{number}")).collect(), state, shown }
    };
    document.lines().filter(|line| line.starts_with("| ")).map(cells).filter(of_standard).map(row).collect()
}

#[test]
fn every_requirement_of_the_standard_stands_there_once_and_in_order() {
    let told: Vec<String> = rows().into_iter().flat_map(|row| row.numbers).collect();
    let all = SECTIONS
        .into_iter()
        .flat_map(|(section, count)| (1..=count).map(move |number| format!("{section}.{number}")));
    assert_eq!(told, all.collect::<Vec<_>>());
}

#[test]
fn what_is_promised_is_shown_by_tests_that_exist() {
    let mut known = HashSet::new();
    tests(&root().join("crates"), &mut known);
    for Row { numbers, state, shown } in rows() {
        let named: Vec<&str> =
            shown.split('`').skip(1).step_by(2).filter(|name| !name.contains(['.', ' '])).collect();
        for name in &named {
            assert!(known.contains(*name), "{numbers:?}: there is no test {name}");
        }
        match state.as_str() {
            "met" | "partly met" => assert!(!named.is_empty(), "{numbers:?}: no test shows that"),
            "not met" | "not ours" => assert!(shown.len() > 3, "{numbers:?}: why not?"),
            other => panic!("{numbers:?}: \"{other}\" is no state"),
        }
    }
}
