//! Commands that stand somewhere in words can be read: examples of the help, and those inside a sentence of a document.
//! Blocks of documents are run (`tests/admin/documents.rs`).

use std::path::Path;

use clap::error::ErrorKind;

use super::*;

/// What stands for an id in documents.
const IDS: [&str; 2] = ["ID", "REVISION"];

/// The arguments of a command as a shell splits them, without what stands before it and without redirections.
fn words(command: &str) -> Vec<String> {
    let words = shlex::split(command).unwrap_or_else(|| panic!("quotes are not closed: {command}"));
    let from = words.iter().position(|word| word == "sessera").unwrap_or_default();
    let is_end = |word: &String| [">", "<", "|", "&"].contains(&word.as_str());
    let own = words[from..].iter().take_while(|word| !is_end(word));
    let id = |word: &String| IDS.contains(&word.as_str());
    own.map(|word| if id(word) { "6f1c6c2e-0000-4000-8000-000000000000".into() } else { word.clone() })
        .collect()
}

fn examples(command: &clap::Command, found: &mut Vec<String>) {
    for help in [command.get_after_help(), command.get_after_long_help()].into_iter().flatten() {
        let text = help.to_string().replace("\\\n", "");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if !line.contains("sessera ") {
                continue;
            }
            let mut example = line.trim().to_owned();
            // A value in quotes may go over several lines.
            while shlex::split(&example).is_none() {
                let more = lines.next().unwrap_or_else(|| panic!("quotes are not closed: {example}"));
                example.extend(["\n", more]);
            }
            found.push(example);
        }
    }
    for inner in command.get_subcommands() {
        examples(inner, found);
    }
}

#[test]
fn every_example_in_the_help_is_a_command() {
    let mut found = Vec::new();
    examples(&Arguments::command(), &mut found);
    assert!(found.len() > 50, "only {} examples were found", found.len());
    for example in found {
        let given = words(&example).into_iter().map(OsString::from).collect();
        match Arguments::try_parse_from(arguments(given).unwrap()) {
            // What is missing comes from the variable before the command.
            Err(error)
                if error.kind() == ErrorKind::MissingRequiredArgument && example.starts_with("MIGRATE_") => {}
            Err(error) => panic!("{example}\n{error}"),
            Ok(_) => {}
        }
    }
}

#[test]
fn every_example_in_the_help_stands_on_its_lines_in_a_terminal_of_80_columns() {
    fn look(command: &mut clap::Command, name: &str, counted: &mut usize) {
        let examples = [command.get_after_help(), command.get_after_long_help()];
        let texts: Vec<String> = examples.into_iter().flatten().map(ToString::to_string).collect();
        let inside = command.get_long_about().map(ToString::to_string).into_iter();
        let commands = inside.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
        let commands =
            commands.filter(|line| line.trim_start().starts_with("sessera ") && line.starts_with(' '));
        let written: Vec<String> =
            texts.iter().flat_map(|text| text.lines().map(str::to_owned)).chain(commands).collect();
        let printed = command.clone().term_width(80).render_long_help().to_string();
        let printed: Vec<&str> = printed.lines().collect();
        for line in written {
            let whole = line.chars().count() <= 80 && printed.contains(&line.as_str());
            assert!(whole, "{name} --help would break this line; end it with \\ and go on below:\n{line}");
            *counted += 1;
        }
        for inner in command.get_subcommands_mut() {
            look(inner, &format!("{name} {}", inner.get_name()), counted);
        }
    }
    let mut command = Arguments::command();
    command.build();
    let mut counted = 0;
    look(&mut command, "sessera", &mut counted);
    assert!(counted > 150, "only {counted} lines were found");
}

#[test]
fn every_command_has_an_example() {
    fn without(command: &clap::Command, name: &str, found: &mut Vec<String>) {
        let has = command.get_after_help().or(command.get_after_long_help()).is_some();
        if command.get_subcommands().next().is_none() && command.get_name() != "help" && !has {
            found.push(name.to_owned());
        }
        for inner in command.get_subcommands() {
            without(inner, &format!("{name} {}", inner.get_name()), found);
        }
    }
    let mut found = Vec::new();
    without(&Arguments::command(), "sessera", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_command_inside_a_sentence_of_a_document_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tried = 0;
    for folder in ["", "docs"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let document = std::fs::read_to_string(&path).unwrap();
            for command in document.split('`').skip(1).step_by(2).filter(|span| span.starts_with("sessera "))
            {
                let command = command.replace('\n', " ");
                // A command that is only named lacks what it needs.
                let fine =
                    [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion, ErrorKind::MissingRequiredArgument];
                let whole = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
                let words = words(&command);
                // A word in capitals stands for a value, and need not be one.
                let stands_for = words
                    .iter()
                    .any(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase()));
                match Arguments::try_parse_from(words) {
                    Err(error) if stands_for && error.kind() == ErrorKind::ValueValidation => tried += 1,
                    Err(error) if error.kind() != whole && !fine.contains(&error.kind()) => {
                        panic!("{}: {command}\n{error}", path.display())
                    }
                    _ => tried += 1,
                }
            }
        }
    }
    assert!(tried > 30, "only {tried} commands were found");
}
