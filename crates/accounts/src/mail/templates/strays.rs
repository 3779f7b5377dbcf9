//! What lies in the folder of templates, and is read by nobody because it is named otherwise.

use std::collections::BTreeSet;
use std::path::Path;

use sessera_config::Problem;
use sessera_config::nearest;

use super::{ENDING, FOLDER, KINDS, PARTS, names_in};

/// How many are told of.
const MOST: usize = 20;

/// A note about each folder that is no kind of message and has templates, and about each template whose name begins as that
/// of no part.
pub(super) fn below(root: &Path) -> Vec<String> {
    let flows: BTreeSet<&str> = KINDS.iter().filter_map(|kind| Some(kind.split_once('/')?.0)).collect();
    let mut notes = Vec::new();
    for name in names_in(root) {
        notes.push(format!(
            "{} is not read: templates lie in folders such as recovery_code/valid",
            root.join(name).display()
        ));
    }
    for flow in folders_in(root) {
        let folder = root.join(&flow);
        for name in names_in(&folder) {
            let path = folder.join(name);
            notes.push(format!("{} is not read: templates lie in {flow}/valid", path.display()));
        }
        for end in folders_in(&folder) {
            let folder = folder.join(&end);
            let names = names_in(&folder);
            let kind = format!("{flow}/{end}");
            if names.is_empty() {
                continue;
            }
            if KINDS.contains(&kind.as_str()) {
                notes.extend(names.iter().filter_map(|name| misnamed(&folder, name)));
            } else if !flows.contains(flow.as_str()) {
                let unknown = nearest::unknown("kind of message", &flow, flows.iter().copied());
                notes.push(format!("{} is not read: {unknown}", folder.display()));
            } else {
                let ends = KINDS.iter().filter_map(|kind| kind.strip_prefix(&*flow)?.strip_prefix('/'));
                let unknown = nearest::unknown("folder", &end, ends);
                notes.push(format!("{} is not read: {unknown}", folder.display()));
            }
        }
    }
    notes.truncate(MOST);
    notes
}

/// A note about a file of a kind of message whose name begins as that of no part.
fn misnamed(folder: &Path, name: &str) -> Option<String> {
    if PARTS.iter().any(|(_, stem)| name.starts_with(stem)) {
        return None;
    }
    let known: Vec<String> = PARTS.iter().map(|(_, stem)| format!("{stem}{ENDING}")).collect();
    let unknown = nearest::unknown("template", name, known.iter().map(String::as_str));
    Some(format!("{} is not read: {unknown}", folder.join(name).display()))
}

/// A note about a file that is in no language and that no other file of its part calls or could find what it calls in.
pub(super) fn uncalled(folder: &Path, name: &str, stem: &str, texts: &[(String, String)]) -> Option<Problem> {
    let own = texts.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text);
    let is_called = texts.iter().any(|(other, text)| other != name && text.contains(name));
    if is_called || own.contains("define") || own.contains("block") {
        return None;
    }
    let path = folder.join(name);
    Some(Problem::new(
        FOLDER,
        format!(
            "{} is not read: no template calls it, and its name has no language, as in {stem}{ENDING} for all and {stem}.de{ENDING} for one",
            path.display()
        ),
    ))
}

/// The names of the folders in a folder but for hidden ones, in order.
fn folders_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    names
}
