//! Runs the tables in `tables/`. They hold small programs by feature of the language and by function of the
//! library with their results, and programs that must fail with what they must say.

#[path = "../examples/differential/arguments.rs"]
mod arguments;

use std::collections::HashMap;

use sessera_jsonnet::{Document, Limits, Program, Variables};

/// The programs of a table with what is expected of each, behind its mark.
fn entries(table: &str, mark: &str) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let mut program = String::new();
    // What stands before the first heading explains the table.
    for line in table.lines().skip_while(|line| !line.starts_with("## ")) {
        if let Some(expected) = line.strip_prefix(mark) {
            entries.push((program.trim_matches('\n').to_owned(), expected.to_owned()));
            program.clear();
        } else if !line.starts_with("## ") {
            program.push_str(line);
            program.push('\n');
        }
    }
    assert!(program.trim().is_empty(), "nothing is expected of {program}");
    entries
}

fn run(source: &str) -> Result<String, String> {
    let program = Program::parse("program", source).map_err(|error| error.to_string())?;
    program
        .evaluate(&Variables::new(), &Limits::default())
        .map(sessera_jsonnet::Output::into_string)
        .map_err(|error| error.to_string())
}

fn check_results(table: &str) {
    let mut wrong = Vec::new();
    for (program, expected) in entries(table, "= ") {
        let canonical = Document::parse(expected.as_bytes()).unwrap();
        match run(&program) {
            Ok(output) if output == canonical.canonical() => {}
            other => wrong.push(format!("{program}\n  want {expected}\n  got  {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_language_gives_what_the_table_says() {
    check_results(include_str!("tables/language.txt"));
}

#[test]
fn the_library_gives_what_the_table_says() {
    check_results(include_str!("tables/library.txt"));
}

#[test]
fn errors_say_what_the_table_says() {
    let mut wrong = Vec::new();
    for (program, expected) in entries(include_str!("tables/errors.txt"), "! ") {
        match run(&program) {
            Err(error) if error.replacen("program:", "", 1) == expected => {}
            other => wrong.push(format!("{program}\n  want {expected}\n  got  {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn odd_arguments_give_what_the_table_says() {
    let table: HashMap<String, String> =
        entries(include_str!("tables/arguments.txt"), "= ").into_iter().collect();
    let programs = arguments::programs();
    let mut wrong = Vec::new();
    for program in &programs {
        let expected = table.get(program).map(|expected| Document::parse(expected.as_bytes()).unwrap());
        let wanted = expected.as_ref().map(Document::canonical);
        match (run(program), wanted) {
            (Ok(output), Some(wanted)) if output == wanted => {}
            (Err(error), None) if !error.contains("the evaluation") => {}
            (found, _) => wrong.push(format!("{program}\n  want {wanted:?}\n  got  {found:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let made = |program: &String| programs.contains(program);
    assert!(table.keys().all(made), "the table has programs that nobody makes");
}

#[test]
fn odd_arguments_are_tried_on_every_function() {
    let programs = arguments::programs();
    let names = run("std.join(',', std.objectFieldsAll(std))").unwrap();
    let missing: Vec<&str> = names
        .trim_matches('"')
        .split(',')
        .filter(|name| !programs.iter().any(|program| program.starts_with(&format!("std.{name}("))))
        .collect();
    assert_eq!(missing, ["pi", "thisFile"], "no functions");
}

#[test]
fn the_table_has_every_function_of_the_library() {
    let table = include_str!("tables/library.txt");
    let names = run("std.join(',', std.objectFieldsAll(std))").unwrap();
    let missing: Vec<&str> = names
        .trim_matches('"')
        .split(',')
        // Those with an underscore are how operators are called; pi is used in another one's example.
        .filter(|name| !table.contains(&format!("std.{name}")) && *name != "extVar")
        .collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
}
