//! What text and actions mean together.

use std::collections::HashMap;

use serde_json::Value;

use super::escape::Escape;
use super::functions::Function;
use super::lexer::{Piece, Token, Word, pieces, words};
use super::tree::{Command, Node, Operand, Pipeline};
use super::{MAX_DEPTH, MAX_SOURCE, TemplateError};

/// Reads a template. What it defines goes to `named`. `fields` are the members of its data, where they are known.
pub(super) fn parse(
    source: &str,
    fields: Option<&[&str]>,
    named: &mut HashMap<String, Vec<Node>>,
) -> Result<Vec<Node>, TemplateError> {
    if source.len() > MAX_SOURCE {
        return Err(TemplateError::new(1, "the template is larger than 256 KiB"));
    }
    let pieces = pieces(source)?.into_iter();
    let mut parser = Parser { pieces, fields, others: 0, depth: 0, is_defining: false, line: 1, named };
    let (nodes, end) = parser.nodes()?;
    match end {
        End::Whole => Ok(nodes),
        End::Else(_) => Err(parser.wrong("else stands in no block")),
        End::Block => Err(parser.wrong("end stands in no block")),
    }
}

/// By what a list of parts ends.
enum End {
    /// The template is over.
    Whole,
    /// `end`
    Block,
    /// `else`, with what follows it.
    Else(Vec<Token>),
}

/// Makes a block of what it asks, and of its two parts.
type Block = fn(usize, Pipeline, Vec<Node>, Vec<Node>) -> Node;

struct Parser<'a, 'n> {
    pieces: std::vec::IntoIter<Piece<'a>>,
    fields: Option<&'a [&'a str]>,
    /// How many blocks stand around that have other data than the template.
    others: usize,
    /// How many blocks and parentheses stand around.
    depth: usize,
    /// Whether this is what a name is given to.
    is_defining: bool,
    line: usize,
    named: &'n mut HashMap<String, Vec<Node>>,
}

impl Parser<'_, '_> {
    fn wrong(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError::new(self.line, problem)
    }

    /// The parts up to the end of the block, and how it ends.
    fn nodes(&mut self) -> Result<(Vec<Node>, End), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let action = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.to_owned()));
                    continue;
                }
                Piece::Action(action, line) => {
                    self.line = line;
                    action
                }
            };
            let mut tokens = words(action).map_err(|problem| self.wrong(problem))?;
            let keyword = match tokens.first().map(|token| &token.word) {
                Some(Word::Name(name)) => name.clone(),
                _ => String::new(),
            };
            let rest = tokens.split_off(usize::from(!keyword.is_empty()).min(tokens.len()));
            let block: Block = match keyword.as_str() {
                "end" => {
                    self.nothing_more("end", &rest)?;
                    return Ok((nodes, End::Block));
                }
                "else" => return Ok((nodes, End::Else(rest))),
                "define" => {
                    self.define(&rest)?;
                    continue;
                }
                "template" => {
                    nodes.push(self.call(&rest)?);
                    continue;
                }
                "if" => |line, on, then, otherwise| Node::If { line, on, then, otherwise },
                "with" => |line, on, then, otherwise| Node::With { line, on, then, otherwise },
                "range" => |line, on, then, otherwise| Node::Range { line, on, then, otherwise },
                "block" | "break" | "continue" => {
                    return Err(self.wrong(format!("{keyword} is not supported")));
                }
                _ => {
                    tokens.extend(rest);
                    let value = self.pipeline(&tokens)?;
                    nodes.push(Node::Output { line: self.line, value, escape: Escape::Nothing });
                    continue;
                }
            };
            nodes.push(self.block(&keyword, &rest, block)?);
        }
        Ok((nodes, End::Whole))
    }

    fn nothing_more(&self, keyword: &str, rest: &[Token]) -> Result<(), TemplateError> {
        if rest.is_empty() { Ok(()) } else { Err(self.wrong(format!("nothing may follow {keyword}"))) }
    }

    /// Goes one step deeper.
    fn deeper(&mut self) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(format!("it is nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    fn block(&mut self, keyword: &str, on: &[Token], block: Block) -> Result<Node, TemplateError> {
        let line = self.line;
        self.deeper()?;
        let on = self.pipeline(on)?;
        let has_other_data = usize::from(keyword != "if");
        self.others += has_other_data;
        let (then, end) = self.nodes()?;
        self.others -= has_other_data;
        let otherwise = match end {
            End::Block => Vec::new(),
            End::Else(rest) if rest.is_empty() => {
                let (otherwise, end) = self.nodes()?;
                match end {
                    End::Block => otherwise,
                    End::Else(_) => return Err(self.wrong("a block has one else")),
                    End::Whole => return Err(TemplateError::new(line, format!("{keyword} has no end"))),
                }
            }
            End::Else(mut rest) => {
                let is_if = rest.first().is_some_and(|token| token.word == Word::Name("if".into()));
                if keyword != "if" || !is_if {
                    return Err(self.wrong("nothing may follow else but, in an if, another if"));
                }
                let on = rest.split_off(1);
                // Its end is the end of the whole.
                vec![self.block("if", &on, block)?]
            }
            End::Whole => return Err(TemplateError::new(line, format!("{keyword} has no end"))),
        };
        self.depth -= 1;
        Ok(block(line, on, then, otherwise))
    }

    fn define(&mut self, rest: &[Token]) -> Result<(), TemplateError> {
        let line = self.line;
        let [Token { word: Word::Text(name), .. }] = rest else {
            return Err(self.wrong("define has one name: write {{ define \"name\" }}"));
        };
        if self.depth > 0 {
            return Err(self.wrong("define stands in no block"));
        }
        self.deeper()?;
        self.others += 1;
        self.is_defining = true;
        let (nodes, end) = self.nodes()?;
        self.is_defining = false;
        self.others -= 1;
        self.depth -= 1;
        match end {
            End::Block => {}
            End::Else(_) => return Err(self.wrong("else stands in no block")),
            End::Whole => return Err(TemplateError::new(line, "define has no end")),
        }
        if self.named.insert(name.clone(), nodes).is_some() {
            return Err(TemplateError::new(line, format!("there are two templates \"{name}\"")));
        }
        Ok(())
    }

    fn call(&mut self, rest: &[Token]) -> Result<Node, TemplateError> {
        let Some((Token { word: Word::Text(name), .. }, with)) = rest.split_first() else {
            return Err(self.wrong("template has a name: write {{ template \"name\" . }}"));
        };
        let with = if with.is_empty() { None } else { Some(self.pipeline(with)?) };
        Ok(Node::Call { line: self.line, name: name.clone(), with })
    }

    fn pipeline(&mut self, tokens: &[Token]) -> Result<Pipeline, TemplateError> {
        let mut rest = tokens;
        let pipeline = self.pipeline_in(&mut rest)?;
        match rest.first() {
            None => Ok(pipeline),
            Some(_) => Err(self.wrong(") has no (")),
        }
    }

    /// A pipeline up to a closing parenthesis or the end.
    fn pipeline_in(&mut self, rest: &mut &[Token]) -> Result<Pipeline, TemplateError> {
        let mut commands = Vec::new();
        loop {
            let command = self.command(rest, !commands.is_empty())?;
            commands.push(command);
            match rest.split_first() {
                Some((Token { word: Word::Pipe, .. }, after)) => *rest = after,
                _ => return Ok(Pipeline(commands)),
            }
        }
    }

    /// A function with its arguments, or a value. `is_given_one` says whether something is piped into it.
    fn command(&mut self, rest: &mut &[Token], is_given_one: bool) -> Result<Command, TemplateError> {
        let function = match rest.split_first() {
            Some((Token { word: Word::Name(name), .. }, after)) if !is_literal(name) => {
                *rest = after;
                let unknown =
                    || self.wrong(format!("there is no function {name}: there are {}", Function::names()));
                Some(Function::of(name).ok_or_else(unknown)?)
            }
            _ => None,
        };
        let mut operands = Vec::new();
        while let Some(token) = rest.first() {
            if matches!(token.word, Word::Pipe | Word::Close) {
                break;
            }
            operands.push(self.operand(rest)?);
        }
        match function {
            Some(function) => {
                let count = operands.len() + usize::from(is_given_one);
                if function.takes(count) {
                    Ok(Command::Apply(function, operands))
                } else {
                    Err(self.wrong(format!("{} does not take {count} arguments", function.name())))
                }
            }
            None if is_given_one => Err(self.wrong("| leads to a function")),
            None => match <[Operand; 1]>::try_from(operands) {
                Ok([operand]) => Ok(Command::Value(operand)),
                Err(none) if none.is_empty() => Err(self.wrong("a value is missing")),
                Err(_) => Err(self.wrong("a value takes no arguments: begin with the name of a function")),
            },
        }
    }

    fn operand(&mut self, rest: &mut &[Token]) -> Result<Operand, TemplateError> {
        let Some((token, after)) = rest.split_first() else { return Err(self.wrong("a value is missing")) };
        *rest = after;
        Ok(match &token.word {
            Word::Text(text) => Operand::Literal(text.as_str().into()),
            Word::Number(number) => Operand::Literal(Value::Number(number.clone())),
            Word::Name(name) => Operand::Literal(match name.as_str() {
                "true" => true.into(),
                "false" => false.into(),
                "nil" => Value::Null,
                _ => return Err(self.wrong(format!("put {name} and its arguments into parentheses"))),
            }),
            Word::Dot => Operand::Dot(Vec::new()),
            Word::Field(first) => {
                let mut path = vec![first.clone()];
                path.extend(fields(rest));
                if self.others == 0 {
                    self.check(first)?;
                }
                Operand::Dot(path)
            }
            Word::Root => {
                let path = fields(rest);
                // What is called has the data that it was given as its whole.
                if let Some(first) = path.first().filter(|_| !self.is_defining) {
                    self.check(first)?;
                }
                Operand::Root(path)
            }
            Word::Open => {
                self.deeper()?;
                let pipeline = self.pipeline_in(rest)?;
                let Some((Token { word: Word::Close, .. }, after)) = rest.split_first() else {
                    return Err(self.wrong("( has no )"));
                };
                *rest = after;
                self.depth -= 1;
                Operand::Nested(pipeline, fields(rest))
            }
            Word::Pipe | Word::Close => return Err(self.wrong("a value is missing")),
        })
    }

    /// Refuses a member that the data has not.
    fn check(&self, name: &str) -> Result<(), TemplateError> {
        match self.fields {
            Some(fields) if !fields.contains(&name) => {
                let known = fields.iter().map(|field| format!(".{field}")).collect::<Vec<_>>().join(", ");
                Err(self.wrong(format!("this message has no .{name}: it has {known}")))
            }
            _ => Ok(()),
        }
    }
}

fn is_literal(name: &str) -> bool {
    matches!(name, "true" | "false" | "nil")
}

/// The fields that follow a value without a blank.
fn fields(rest: &mut &[Token]) -> Vec<String> {
    let mut path = Vec::new();
    while let Some((Token { word: Word::Field(name), is_joined: true }, after)) = rest.split_first() {
        path.push(name.clone());
        *rest = after;
    }
    path
}
