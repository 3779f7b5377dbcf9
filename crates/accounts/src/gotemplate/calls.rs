//! Which templates call which: those that are needed, and calls that never end.

use std::collections::HashMap;

use super::tree::{Command, Node, Operand, Pipeline};
use super::{MAX_CALLS, TemplateError};

/// A template that is called by its name.
pub(super) struct Named {
    /// The file that it stands in, where that is another one.
    pub(super) file: Option<String>,
    /// The parts of the template.
    pub(super) nodes: Vec<Node>,
}

/// A call, as it stands in a template.
struct Call<'t> {
    line: usize,
    name: &'t str,
    /// Whether data decides whether it is reached, and it gives on other data than its template has. So it ends where
    /// the data does.
    follows_data: bool,
}

/// Where a part of a template stands.
#[derive(Clone, Copy, Default)]
struct Context {
    is_conditional: bool,
    has_other_data: bool,
}

/// Those of the named templates that one calls, by itself or by another one that it calls.
pub(super) fn called(
    main: &[Node],
    mut named: HashMap<String, Named>,
) -> Result<HashMap<String, Named>, TemplateError> {
    let mut found: HashMap<String, Named> = HashMap::new();
    let names = |nodes: &[Node], file: Option<&str>| -> Vec<_> {
        let call = |call: Call<'_>| (call.line, call.name.to_owned(), file.map(str::to_owned));
        calls(nodes).into_iter().map(call).collect()
    };
    let mut waiting = names(main, None);
    while let Some((line, name, file)) = waiting.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let Some(template) = named.remove(&name) else {
            let problem = format!(
                "there is no template \"{name}\": define it, or put a file of that name beside this one"
            );
            return Err(TemplateError::new(line, problem).within(file.as_deref()));
        };
        waiting.extend(names(&template.nodes, template.file.as_deref()));
        found.insert(name, template);
    }
    Ok(found)
}

/// Refuses calls that never end, and those that are deeper than they may be.
pub(super) fn check(main: &[Node], named: &HashMap<String, Named>) -> Result<(), TemplateError> {
    Walk { named, depths: HashMap::new(), open: Vec::new() }.depth(main, None).map(drop)
}

/// A walk along the calls.
struct Walk<'t> {
    named: &'t HashMap<String, Named>,
    /// How many calls deep those templates go that were looked at.
    depths: HashMap<&'t str, usize>,
    /// Those that lead here.
    open: Vec<&'t str>,
}

impl<'t> Walk<'t> {
    /// How many calls deep a template goes that stands in a file. Calls that follow the data are bounded when it is
    /// filled in.
    fn depth(&mut self, nodes: &'t [Node], file: Option<&str>) -> Result<usize, TemplateError> {
        let mut deepest = 0;
        for Call { line, name, .. } in calls(nodes).into_iter().filter(|call| !call.follows_data) {
            let wrong = |problem: String| TemplateError::new(line, problem).within(file);
            if let Some(from) = self.open.iter().position(|open| *open == name) {
                return Err(wrong(endless(&self.open[from..])));
            }
            let depth = match self.depths.get(name).copied() {
                Some(depth) => 1 + depth,
                None if self.open.len() == MAX_CALLS => return Err(wrong(too_deep())),
                None => {
                    // All that are called were found before.
                    let Some(template) = self.named.get(name) else { continue };
                    self.open.push(name);
                    let depth = self.depth(&template.nodes, template.file.as_deref())?;
                    self.open.pop();
                    self.depths.insert(name, depth);
                    1 + depth
                }
            };
            if self.open.len() + depth > MAX_CALLS {
                return Err(wrong(too_deep()));
            }
            deepest = deepest.max(depth);
        }
        Ok(deepest)
    }
}

/// What is said when templates call each other deeper than they may.
pub(super) fn too_deep() -> String {
    format!("templates call each other more than {MAX_CALLS} deep")
}

fn endless(circle: &[&str]) -> String {
    let way = match circle {
        [one] => format!("template \"{one}\" calls itself"),
        _ => format!("templates call each other in a circle (\"{}\")", circle.join("\", \"")),
    };
    format!(
        "{way}, which never ends: call a template from within itself only in an if, with or range, and give it other data"
    )
}

/// The calls in a template. Blocks are nested to a bounded depth.
fn calls(nodes: &[Node]) -> Vec<Call<'_>> {
    let mut found = Vec::new();
    collect(nodes, Context::default(), &mut found);
    found
}

fn collect<'t>(nodes: &'t [Node], place: Context, found: &mut Vec<Call<'t>>) {
    let conditional = Context { is_conditional: true, ..place };
    for node in nodes {
        match node {
            Node::Text(_) | Node::Output { .. } => {}
            Node::Call { line, name, with } => {
                let gives_other_data = with.as_ref().is_none_or(|with| is_other(with, place));
                let follows_data = place.is_conditional && gives_other_data;
                found.push(Call { line: *line, name, follows_data });
            }
            Node::If { then, otherwise, .. } => {
                collect(then, conditional, found);
                collect(otherwise, conditional, found);
            }
            Node::With { on, then, otherwise, .. } => {
                let place = Context { has_other_data: is_other(on, place), ..conditional };
                collect(then, place, found);
                collect(otherwise, conditional, found);
            }
            Node::Range { then, otherwise, .. } => {
                collect(then, Context { has_other_data: true, ..conditional }, found);
                collect(otherwise, conditional, found);
            }
        }
    }
}

/// Whether a value is another one than the data of the template.
fn is_other(value: &Pipeline, place: Context) -> bool {
    match value.0.as_slice() {
        [Command::Value(Operand::Dot(path))] if path.is_empty() => place.has_other_data,
        [Command::Value(Operand::Root(path))] if path.is_empty() => false,
        [Command::Value(Operand::Nested(value, path))] if path.is_empty() => is_other(value, place),
        _ => true,
    }
}
