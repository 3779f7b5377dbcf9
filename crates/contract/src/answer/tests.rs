//! Statuses of HTTP stand in one file; those of descriptions are documentation.

use std::path::Path;

/// The statuses that the server answers with.
const STATUSES: [&str; 26] = [
    "200", "201", "204", "302", "303", "304", "400", "401", "403", "404", "405", "408", "409", "410", "412",
    "413", "414", "415", "422", "429", "431", "500", "502", "503", "504", "505",
];

/// Whether a line of code names a status: by axum's type, by its number as a text of its own, or by its number
/// in a line that speaks of statuses.
fn names_a_status(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let speaks_of_one = ["status", "code", "answered", "HTTP/1.1"].iter().any(|word| code.contains(word));
    let mut numbers = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    code.contains("StatusCode")
        || STATUSES.iter().any(|status| code.contains(&format!("\"{status}\"")))
        || (speaks_of_one && numbers.any(|word| STATUSES.contains(&word)))
}

/// The lines of a file that are neither tests nor the description of a route, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let tests = ["#[cfg(test)]\nmod ", "#[cfg(all(test, feature = \"grpc\"))]\nmod "];
    let end = tests.iter().filter_map(|begin| text.find(begin)).min().unwrap_or(text.len());
    let mut in_description = false;
    text[..end].lines().enumerate().filter(move |(_, line)| {
        in_description |= line.starts_with("#[utoipa::path(");
        let is_code = !in_description;
        in_description &= !line.ends_with(")]");
        is_code
    })
}

fn look_through(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() && !name.ends_with("tests") {
            look_through(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && !name.ends_with("tests")
            && name != "testing"
            && !path.ends_with("http/src/status.rs")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = code(&text).filter(|(_, line)| names_a_status(line));
            found.extend(lines.map(|(at, line)| format!("{}:{}: {line}", path.display(), at + 1)));
        }
    }
}

#[test]
fn statuses_are_named_in_one_file() {
    let mut found = Vec::new();
    for folder in
        ["src", "../admin/src", "../gateway/src", "../http/src", "../server/src", "../telemetry/src"]
    {
        look_through(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(found.is_empty(), "take a name of crates/http/src/status.rs:\n{}", found.join("\n"));
}

#[test]
fn a_status_is_recognised() {
    for line in [
        "use axum::http::StatusCode;",
        "response.status() == 404",
        "metrics.answered(api, 200, took)",
        "with_label_values(&[\"GET\", \"200\"])",
        "b\"HTTP/1.1 503 Service Unavailable\"",
    ] {
        assert!(names_a_status(line), "{line}");
    }
    for line in ["const SWEEP_ROWS: u32 = 500;", "// The status is 404 then.", "response.status().as_u16()"] {
        assert!(!names_a_status(line), "{line}");
    }
    let described = "#[utoipa::path(\n    responses((status = 200))\n)]\nstatus == 404";
    assert_eq!(code(described).collect::<Vec<_>>(), [(3, "status == 404")]);
}
