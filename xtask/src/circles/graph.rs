//! The arrows between the modules of a target, and the circles among them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use super::source::Module;

/// How many names may stand for one another before a path is given up; an import of its own name would go
/// on for ever.
const LONGEST_CHAIN: usize = 32;

/// One use that makes an arrow: the file and the line.
pub(super) type Use<'m> = (&'m Path, usize);

/// The arrows among modules that stand in the same module, with the uses that make them.
pub(super) type Arrows<'m> = BTreeMap<(usize, usize), Vec<Use<'m>>>;

/// All arrows of a target.
///
/// An arrow is drawn between two modules that stand in the same module. A use that leads from one place in
/// the tree to another makes one arrow: where the ways to the two places part. When one of them stands in the
/// other there is no such place, and no arrow: a folder and its own files may know each other.
pub(super) fn arrows(modules: &[Module]) -> Arrows<'_> {
    let mut arrows = Arrows::new();
    for (from, module) in modules.iter().enumerate() {
        for (path, line) in &module.paths {
            let mut known = BTreeSet::new();
            follow(modules, from, path, LONGEST_CHAIN, &mut known);
            let parted: BTreeSet<_> = known.into_iter().filter_map(|to| parting(modules, from, to)).collect();
            for arrow in parted {
                arrows.entry(arrow).or_default().push((module.file.as_path(), *line));
            }
        }
    }
    arrows
}

/// Adds every module that a path passes when `from` names it, those behind re-exports too.
fn follow(modules: &[Module], from: usize, path: &[String], left: usize, known: &mut BTreeSet<usize>) {
    match path.split_first() {
        Some((first, rest)) if first == "crate" => walk(modules, 0, rest, left, known),
        Some((first, rest)) if first == "self" => walk(modules, from, rest, left, known),
        _ => walk(modules, from, path, left, known),
    }
}

/// Adds every module that a path passes which begins inside of `module`, and this module.
fn walk(modules: &[Module], module: usize, path: &[String], left: usize, known: &mut BTreeSet<usize>) {
    known.insert(module);
    let Some(((first, rest), left)) = path.split_first().zip(left.checked_sub(1)) else { return };
    if first == "super" {
        walk(modules, modules[module].parent.unwrap_or(0), rest, left, known);
        return;
    }
    let here = &modules[module];
    if let Some(child) = here.children.get(first) {
        walk(modules, *child, rest, left, known);
        return;
    }
    let mut is_import = false;
    for (_, target) in here.imports.iter().filter(|(name, _)| name == first) {
        is_import = true;
        let path: Vec<String> = target.iter().chain(rest).cloned().collect();
        follow(modules, module, &path, left, known);
    }
    if is_import || here.items.contains(first) {
        return;
    }
    for (_, target) in here.imports.iter().filter(|(name, _)| name == "*") {
        let mut passed = BTreeSet::new();
        follow(modules, module, target, left, &mut passed);
        if passed.iter().any(|passed| *passed != module && has(&modules[*passed], first)) {
            let path: Vec<String> = target.iter().chain(path).cloned().collect();
            follow(modules, module, &path, left, known);
        }
    }
}

fn has(module: &Module, name: &str) -> bool {
    module.items.contains(name)
        || module.children.contains_key(name)
        || module.imports.iter().any(|(import, _)| import == name || import == "*")
}

/// The two modules at which the ways from the root to `from` and to `to` part.
fn parting(modules: &[Module], from: usize, to: usize) -> Option<(usize, usize)> {
    let way = |mut module: usize| {
        let mut way = vec![module];
        while let Some(parent) = modules[module].parent {
            way.push(parent);
            module = parent;
        }
        way.reverse();
        way
    };
    way(from).into_iter().zip(way(to)).find(|(one, other)| one != other)
}

/// Circles of arrows, each as the modules on it in their order.
///
/// The shortest comes first. After each, the arrow on it that the fewest uses make counts as mended. So the
/// list is short also where many circles share their arrows, and it is empty only when there is no circle.
pub(super) fn circles(arrows: &Arrows<'_>) -> Vec<Vec<usize>> {
    let mut left: BTreeMap<(usize, usize), usize> =
        arrows.iter().map(|(arrow, uses)| (*arrow, uses.len())).collect();
    let mut circles = Vec::new();
    while let Some(circle) = shortest(&left) {
        let weakest = steps(&circle).min_by_key(|arrow| left[arrow]);
        weakest.and_then(|arrow| left.remove(&arrow));
        circles.push(circle);
    }
    circles
}

/// The arrows of a circle.
pub(super) fn steps(circle: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    circle.iter().copied().zip(circle.iter().copied().cycle().skip(1))
}

fn shortest(arrows: &BTreeMap<(usize, usize), usize>) -> Option<Vec<usize>> {
    let starts: BTreeSet<usize> = arrows.keys().map(|(from, _)| *from).collect();
    starts.into_iter().filter_map(|start| shortest_through(arrows, start)).min_by_key(Vec::len)
}

/// The shortest circle on which `start` lies, beginning with it.
fn shortest_through(arrows: &BTreeMap<(usize, usize), usize>, start: usize) -> Option<Vec<usize>> {
    let mut came_from = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(module) = next.pop_front() {
        for (_, to) in arrows.range((module, 0)..=(module, usize::MAX)).map(|(arrow, _)| *arrow) {
            if to == start {
                let mut circle = vec![module];
                while let Some(before) = came_from.get(circle.last()?) {
                    circle.push(*before);
                }
                circle.reverse();
                return Some(circle);
            }
            if let Entry::Vacant(place) = came_from.entry(to) {
                place.insert(module);
                next.push_back(to);
            }
        }
    }
    None
}
