//! Runs a folder of programs with golden output, when there is one: `pass/NAME.jsonnet` beside
//! `pass/NAME.golden`, and `error/NAME.jsonnet`, which must end in an error.

use std::path::{Path, PathBuf};

use sessera_jsonnet::{Document, Limits, Program, Variables};

fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("SESSERA_JSONNET_SUITE").map(PathBuf::from);
    let folder =
        given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/jsonnet-suite"));
    folder.is_dir().then_some(folder)
}

fn programs(folder: &Path) -> Vec<(String, String, PathBuf)> {
    let mut programs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonnet"))
        .map(|path| {
            let source = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), source, path)
        })
        .collect();
    programs.sort();
    programs
}

fn run(name: &str, source: &str) -> Result<String, String> {
    let program = Program::parse(name, source).map_err(|error| error.to_string())?;
    program
        .evaluate_pretty(&Variables::new(), &Limits::default().times(10), &mut |_| {})
        .map(sessera_jsonnet::Output::into_string)
        .map_err(|error| error.to_string())
}

#[test]
fn programs_give_their_golden_output() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no folder of programs here (SESSERA_JSONNET_SUITE)");
        return;
    };
    let mut wrong = Vec::new();
    let programs = programs(&folder.join("pass"));
    for (name, source, path) in &programs {
        let golden = std::fs::read(path.with_extension("golden")).unwrap();
        let golden = Document::parse(&golden).unwrap();
        match run(name, source) {
            Ok(output) => {
                let output = Document::parse(output.as_bytes()).unwrap();
                if output.canonical() != golden.canonical() {
                    wrong.push(format!(
                        "{name}:\n  want {}\n  got  {}",
                        golden.canonical(),
                        output.canonical()
                    ));
                }
            }
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

#[test]
fn wrong_programs_end_in_an_error() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no folder of programs here (SESSERA_JSONNET_SUITE)");
        return;
    };
    let mut wrong = Vec::new();
    for (name, source, _) in programs(&folder.join("error")) {
        if let Ok(output) = run(&name, &source) {
            wrong.push(format!("{name} gives {output}"));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
