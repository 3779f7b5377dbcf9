//! A template with its data.

use std::borrow::Cow;

use serde_json::Value;

use super::calls::too_deep;
use super::functions::{is_true, shown};
use super::tree::{Command, Node, Operand, Pipeline};
use super::{MAX_CALLS, MAX_OUTPUT, MAX_WORK, Template, TemplateError};

/// Fills a template in.
pub(super) fn render(template: &Template, data: &Value) -> Result<String, TemplateError> {
    let mut renderer = Renderer { template, made: String::new(), work: MAX_WORK, calls: 0 };
    renderer.nodes(&template.main, &Scope { root: data, dot: data })?;
    Ok(renderer.made)
}

/// The data at hand.
struct Scope<'d> {
    root: &'d Value,
    dot: &'d Value,
}

struct Renderer<'t> {
    template: &'t Template,
    made: String,
    /// How much may still be done.
    work: usize,
    calls: usize,
}

impl<'t> Renderer<'t> {
    fn nodes(&mut self, nodes: &'t [Node], scope: &Scope<'_>) -> Result<(), TemplateError> {
        for node in nodes {
            self.node(node, scope)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &'t Node, scope: &Scope<'_>) -> Result<(), TemplateError> {
        match node {
            Node::Text(text) => {
                self.made.push_str(text);
                self.spend(1 + text.len(), 0)
            }
            Node::Output { line, value, escape } => {
                let value = self.value(value, scope, *line)?;
                let text = shown(&value);
                self.spend(text.len(), *line)?;
                let before = self.made.len();
                escape.write(&text, &mut self.made);
                self.spend(self.made.len() - before, *line)
            }
            Node::If { line, on, then, otherwise } => {
                let is_so = is_true(&*self.value(on, scope, *line)?);
                self.nodes(if is_so { then } else { otherwise }, scope)
            }
            Node::With { line, on, then, otherwise } => {
                let value = self.value(on, scope, *line)?;
                if is_true(&value) {
                    self.nodes(then, &Scope { root: scope.root, dot: &value })
                } else {
                    self.nodes(otherwise, scope)
                }
            }
            Node::Range { line, on, then, otherwise } => {
                let value = self.value(on, scope, *line)?;
                let items: Vec<&Value> = match &*value {
                    Value::Array(items) => items.iter().collect(),
                    Value::Object(members) => {
                        let mut members: Vec<_> = members.iter().collect();
                        members.sort_unstable_by_key(|(name, _)| *name);
                        members.into_iter().map(|(_, member)| member).collect()
                    }
                    Value::Null => Vec::new(),
                    _ => return Err(TemplateError::new(*line, "range takes a list or an object")),
                };
                self.spend(items.len(), *line)?;
                if items.is_empty() {
                    return self.nodes(otherwise, scope);
                }
                items.into_iter().try_for_each(|dot| self.nodes(then, &Scope { root: scope.root, dot }))
            }
            Node::Call { line, name, with } => {
                let data = match with {
                    Some(with) => self.value(with, scope, *line)?,
                    None => Cow::Owned(Value::Null),
                };
                if self.calls == MAX_CALLS {
                    return Err(TemplateError::new(*line, too_deep()));
                }
                self.calls += 1;
                // All that are called were found when the template was read.
                let nodes = self.template.named.get(name).map(Vec::as_slice).unwrap_or_default();
                self.nodes(nodes, &Scope { root: &data, dot: &data })?;
                self.calls -= 1;
                Ok(())
            }
        }
    }

    /// Counts work, and what was made.
    fn spend(&mut self, work: usize, line: usize) -> Result<(), TemplateError> {
        let line = line.max(1);
        if self.made.len() > MAX_OUTPUT {
            return Err(TemplateError::new(line, "it makes more than 256 KiB"));
        }
        self.work = self
            .work
            .checked_sub(work + 1)
            .ok_or_else(|| TemplateError::new(line, "it takes too many steps"))?;
        Ok(())
    }

    fn value<'d>(
        &mut self,
        pipeline: &'t Pipeline,
        scope: &Scope<'d>,
        line: usize,
    ) -> Result<Cow<'d, Value>, TemplateError>
    where
        't: 'd,
    {
        let mut piped: Option<Cow<'d, Value>> = None;
        for command in &pipeline.0 {
            piped = Some(match command {
                Command::Value(operand) => self.operand(operand, scope, line)?,
                Command::Apply(function, operands) => {
                    let mut arguments = Vec::with_capacity(operands.len() + 1);
                    for operand in operands {
                        arguments.push(self.operand(operand, scope, line)?.into_owned());
                    }
                    arguments.extend(piped.take().map(Cow::into_owned));
                    let taken: usize = arguments.iter().map(size).sum();
                    self.spend(taken, line)?;
                    let made =
                        function.apply(&arguments).map_err(|problem| TemplateError::new(line, problem))?;
                    if size(&made) > MAX_OUTPUT {
                        return Err(TemplateError::new(line, "a text on the way is longer than 256 KiB"));
                    }
                    Cow::Owned(made)
                }
            });
        }
        Ok(piped.unwrap_or(Cow::Owned(Value::Null)))
    }

    fn operand<'d>(
        &mut self,
        operand: &'t Operand,
        scope: &Scope<'d>,
        line: usize,
    ) -> Result<Cow<'d, Value>, TemplateError>
    where
        't: 'd,
    {
        self.spend(1, line)?;
        Ok(match operand {
            Operand::Literal(value) => Cow::Borrowed(value),
            Operand::Dot(path) => Cow::Borrowed(below(scope.dot, path)),
            Operand::Root(path) => Cow::Borrowed(below(scope.root, path)),
            Operand::Nested(pipeline, path) => match self.value(pipeline, scope, line)? {
                Cow::Borrowed(value) => Cow::Borrowed(below(value, path)),
                Cow::Owned(value) if path.is_empty() => Cow::Owned(value),
                Cow::Owned(value) => Cow::Owned(below(&value, path).clone()),
            },
        })
    }
}

/// A member of a member; nothing where there is none.
fn below<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    path.iter().fold(value, |value, name| value.get(name.as_str()).unwrap_or(NOTHING))
}

/// About how many bytes a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum::<usize>() + items.len(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + 1 + size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}
