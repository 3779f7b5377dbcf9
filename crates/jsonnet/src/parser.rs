//! Parsing tokens into a tree. Nesting is bounded, so neither this nor what follows can run out of stack.

mod objects;

use std::collections::HashSet;
use std::rc::Rc;

use crate::ast::{BinaryOperator, Binding, Clause, Expr, ExprKind, Name, Parameter, Span, UnaryOperator};
use crate::lexer::{Keyword, Token, TokenKind};
use crate::limits::MAX_NESTING;

/// An error at bytes of the source.
#[derive(Debug)]
pub(crate) struct ParseError {
    pub message: String,
    pub span: Span,
}

type Parsed<T> = Result<T, ParseError>;

/// Parses a whole program.
pub(crate) fn parse(tokens: &[Token]) -> Parsed<Expr> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let expr = parser.expr()?;
    match parser.peek() {
        TokenKind::End => Ok(expr),
        _ => parser.unexpected("the end of the program"),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.at].kind
    }

    fn span(&self) -> Span {
        let token = &self.tokens[self.at];
        (token.start, token.end)
    }

    /// The span from `start` to the token before the current one.
    fn since(&self, start: u32) -> Span {
        (start, self.tokens[self.at.saturating_sub(1)].end.max(start))
    }

    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn is(&self, punctuation: u8) -> bool {
        *self.peek() == TokenKind::Punctuation(punctuation)
    }

    fn is_operator(&self, operator: &str) -> bool {
        matches!(self.peek(), TokenKind::Operator(found) if *found == operator)
    }

    fn is_keyword(&self, keyword: Keyword) -> bool {
        *self.peek() == TokenKind::Keyword(keyword)
    }

    fn take(&mut self, punctuation: u8) -> bool {
        let found = self.is(punctuation);
        if found {
            self.advance();
        }
        found
    }

    fn take_operator(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        if found {
            self.advance();
        }
        found
    }

    fn take_keyword(&mut self, keyword: Keyword) -> bool {
        let found = self.is_keyword(keyword);
        if found {
            self.advance();
        }
        found
    }

    fn unexpected<T>(&self, wanted: &str) -> Parsed<T> {
        let found = match self.peek() {
            TokenKind::Identifier(name) => format!("'{name}'"),
            TokenKind::Keyword(keyword) => {
                format!("'{}'", format!("{keyword:?}").trim_end_matches('_').to_ascii_lowercase())
            }
            TokenKind::Number(_) => "a number".to_owned(),
            TokenKind::String(_) => "a string".to_owned(),
            TokenKind::Punctuation(byte) => format!("'{}'", char::from(*byte)),
            TokenKind::Operator(text) => format!("'{text}'"),
            TokenKind::End => "the end of the program".to_owned(),
        };
        Err(ParseError { message: format!("expected {wanted}, found {found}"), span: self.span() })
    }

    fn expect(&mut self, punctuation: u8) -> Parsed<()> {
        if self.take(punctuation) {
            Ok(())
        } else {
            self.unexpected(&format!("'{}'", char::from(punctuation)))
        }
    }

    fn expect_operator(&mut self, operator: &str) -> Parsed<()> {
        if self.take_operator(operator) { Ok(()) } else { self.unexpected(&format!("'{operator}'")) }
    }

    fn name(&mut self) -> Parsed<Name> {
        match self.peek() {
            TokenKind::Identifier(name) => {
                let name = Rc::from(&**name);
                self.advance();
                Ok(name)
            }
            _ => self.unexpected("a name"),
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_NESTING {
            return Err(ParseError {
                message: format!("the program nests deeper than {MAX_NESTING} levels; split it with local"),
                span: self.span(),
            });
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn boxed(&self, kind: ExprKind, start: u32) -> Expr {
        Expr { kind: Box::new(kind), span: self.since(start) }
    }

    /// Parses any expression. The forms that begin with a word reach as far right as they can.
    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| parser.binary(1))
    }

    /// Parses binary operators that bind at least as tightly as `minimum`.
    fn binary(&mut self, minimum: u8) -> Parsed<Expr> {
        let start = self.span().0;
        let mut left = self.unary()?;
        let mut links = 0;
        let outer = self.depth;
        loop {
            let text = match self.peek() {
                TokenKind::Operator(text) => *text,
                TokenKind::Keyword(Keyword::In) => "in",
                _ => break,
            };
            let Some((operator, binding)) = BinaryOperator::parse(text) else { break };
            if binding < minimum {
                break;
            }
            self.advance();
            // A chain of operators makes a tree as deep as it is long.
            links += 1;
            self.depth = outer + links / 4;
            if operator == BinaryOperator::In && self.is_keyword(Keyword::Super) {
                self.advance();
                left = self.boxed(ExprKind::InSuper(left), start);
                continue;
            }
            let right = self.deeper(|parser| parser.binary(binding + 1))?;
            left = self.boxed(ExprKind::Binary(operator, left, right), start);
        }
        self.depth = outer;
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.span().0;
        let operator = match self.peek() {
            TokenKind::Operator("!") => UnaryOperator::Not,
            TokenKind::Operator("~") => UnaryOperator::BitNot,
            TokenKind::Operator("-") => UnaryOperator::Minus,
            TokenKind::Operator("+") => UnaryOperator::Plus,
            _ => return self.postfix(),
        };
        self.advance();
        let operand = self.deeper(Self::unary)?;
        Ok(self.boxed(ExprKind::Unary(operator, operand), start))
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let start = self.span().0;
        let mut expr = self.primary()?;
        let outer = self.depth;
        let mut links = 0;
        loop {
            links += 1;
            self.depth = outer + links / 4;
            if self.depth > MAX_NESTING {
                return self.deeper(|_| Ok(expr));
            }
            if self.take(b'.') {
                let name = self.name()?;
                expr = self.boxed(ExprKind::Field(expr, name), start);
            } else if self.take(b'[') {
                expr = self.index(expr, start)?;
            } else if self.take(b'(') {
                let (positional, named) = self.arguments()?;
                let tailstrict = self.take_keyword(Keyword::Tailstrict);
                expr = self.boxed(ExprKind::Apply { target: expr, positional, named, tailstrict }, start);
            } else if self.is(b'{') {
                let extension = self.deeper(Self::primary)?;
                expr = self.boxed(ExprKind::Extend(expr, extension), start);
            } else {
                self.depth = outer;
                return Ok(expr);
            }
        }
    }

    /// Parses what stands in brackets behind a value, which is an index or a slice.
    fn index(&mut self, target: Expr, start: u32) -> Parsed<Expr> {
        let mut parts: [Option<Expr>; 3] = [None, None, None];
        let mut colons = 0;
        loop {
            if self.take(b']') {
                break;
            }
            if self.take_operator("::") {
                colons += 2;
            } else if self.take_operator(":") {
                colons += 1;
            } else if parts.get(colons).is_some_and(Option::is_none) {
                parts[colons] = Some(self.expr()?);
                continue;
            } else {
                return self.unexpected("']'");
            }
            if colons > 2 {
                return self.unexpected("']'");
            }
        }
        let [from, to, step] = parts;
        let kind = match (colons, from) {
            (0, Some(index)) => ExprKind::Index(target, index),
            (0, None) => {
                return Err(ParseError {
                    message: "expected an index between '[' and ']'".into(),
                    span: self.since(start),
                });
            }
            (_, from) => ExprKind::Slice { target, from, to, step },
        };
        Ok(self.boxed(kind, start))
    }

    #[expect(clippy::type_complexity, reason = "the two lists are taken apart at once")]
    fn arguments(&mut self) -> Parsed<(Vec<Expr>, Vec<(Name, Expr, Span)>)> {
        let (mut positional, mut named) = (Vec::new(), Vec::<(Name, Expr, Span)>::new());
        let mut names = HashSet::new();
        while !self.take(b')') {
            let span = self.span();
            let is_named = matches!(self.peek(), TokenKind::Identifier(_))
                && matches!(self.tokens.get(self.at + 1).map(|t| &t.kind), Some(TokenKind::Operator("=")));
            if is_named {
                let name = self.name()?;
                self.advance();
                if !names.insert(name.clone()) {
                    return Err(ParseError {
                        message: format!("the argument '{name}' is given twice"),
                        span,
                    });
                }
                let value = self.expr()?;
                named.push((name, value, span));
            } else if named.is_empty() {
                positional.push(self.expr()?);
            } else {
                return Err(ParseError {
                    message: "a positional argument must stand before the named ones".into(),
                    span,
                });
            }
            if !self.take(b',') && !self.is(b')') {
                return self.unexpected("',' or ')'");
            }
        }
        Ok((positional, named))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.span().0;
        let token = self.peek().clone();
        let kind = match token {
            TokenKind::Number(number) if number.is_finite() => ExprKind::Number(number),
            // The number is too large, which is an error only where it is needed. A product that is too large
            // stands for it.
            TokenKind::Number(_) => {
                let largest = || Expr { kind: Box::new(ExprKind::Number(f64::MAX)), span: self.span() };
                ExprKind::Binary(BinaryOperator::Multiply, largest(), largest())
            }
            TokenKind::String(text) => ExprKind::String(text),
            TokenKind::Identifier(name) => ExprKind::Variable(Rc::from(&*name)),
            TokenKind::Operator("$") => ExprKind::Dollar,
            TokenKind::Keyword(Keyword::Null) => ExprKind::Null,
            TokenKind::Keyword(Keyword::True) => ExprKind::True,
            TokenKind::Keyword(Keyword::False) => ExprKind::False,
            TokenKind::Keyword(Keyword::Self_) => ExprKind::SelfRef,
            TokenKind::Punctuation(b'(') => {
                self.advance();
                let inner = self.expr()?;
                self.expect(b')')?;
                return Ok(inner);
            }
            TokenKind::Punctuation(b'[') => return self.array(start),
            TokenKind::Punctuation(b'{') => return self.deeper(|parser| parser.object(start)),
            TokenKind::Keyword(keyword) => return self.word_form(keyword, start),
            _ => return self.unexpected("an expression"),
        };
        self.advance();
        Ok(self.boxed(kind, start))
    }

    /// Parses the forms that begin with a keyword.
    fn word_form(&mut self, keyword: Keyword, start: u32) -> Parsed<Expr> {
        let span = self.span();
        match keyword {
            Keyword::Super => {
                self.advance();
                let kind = if self.take(b'.') {
                    ExprKind::SuperField(self.name()?)
                } else if self.take(b'[') {
                    let index = self.expr()?;
                    self.expect(b']')?;
                    ExprKind::SuperIndex(index)
                } else {
                    return self.unexpected("'.' or '[' behind super");
                };
                Ok(self.boxed(kind, start))
            }
            Keyword::If => self.if_form(start),
            Keyword::Local => self.local(start),
            Keyword::Function => {
                self.advance();
                self.expect(b'(')?;
                let parameters = self.parameters()?;
                let body = self.expr()?;
                Ok(self.boxed(ExprKind::Function(parameters, body), start))
            }
            Keyword::Error => {
                self.advance();
                let message = self.expr()?;
                Ok(self.boxed(ExprKind::Error(message), start))
            }
            Keyword::Assert => {
                self.advance();
                let (condition, message) = self.assert_body()?;
                self.expect(b';')?;
                let rest = self.expr()?;
                Ok(self.boxed(ExprKind::Assert { condition, message, rest }, start))
            }
            Keyword::Import | Keyword::Importstr | Keyword::Importbin => Err(ParseError {
                message:
                    "import is not available here: a program cannot read files; paste the imported text in"
                        .into(),
                span,
            }),
            _ => self.unexpected("an expression"),
        }
    }

    fn if_form(&mut self, start: u32) -> Parsed<Expr> {
        self.advance();
        let condition = self.expr()?;
        if !self.take_keyword(Keyword::Then) {
            return self.unexpected("'then'");
        }
        let then = self.expr()?;
        let otherwise = if self.take_keyword(Keyword::Else) { Some(self.expr()?) } else { None };
        Ok(self.boxed(ExprKind::If { condition, then, otherwise }, start))
    }

    fn local(&mut self, start: u32) -> Parsed<Expr> {
        self.advance();
        let (mut bindings, mut names) = (Vec::new(), HashSet::new());
        loop {
            let binding = self.binding()?;
            push_unique(&mut bindings, &mut names, binding)?;
            if self.take(b';') {
                break;
            }
            if !self.take(b',') {
                return self.unexpected("',' or ';'");
            }
        }
        let body = self.expr()?;
        Ok(self.boxed(ExprKind::Local(bindings, body), start))
    }

    /// Parses `name = value` or `name(parameters) = value`.
    fn binding(&mut self) -> Parsed<Binding> {
        let span = self.span();
        let name = self.name()?;
        let value = if self.take(b'(') {
            let parameters = self.parameters()?;
            self.expect_operator("=")?;
            let body = self.expr()?;
            self.boxed(ExprKind::Function(parameters, body), span.0)
        } else {
            self.expect_operator("=")?;
            self.expr()?
        };
        Ok(Binding { name, value, span })
    }

    /// Parses parameters, including the closing parenthesis.
    fn parameters(&mut self) -> Parsed<Vec<Parameter>> {
        let (mut parameters, mut names) = (Vec::new(), HashSet::new());
        while !self.take(b')') {
            let span = self.span();
            let name = self.name()?;
            if !names.insert(name.clone()) {
                return Err(ParseError { message: format!("the parameter '{name}' stands twice"), span });
            }
            let default = if self.take_operator("=") { Some(self.expr()?) } else { None };
            parameters.push(Parameter { name, default });
            if !self.take(b',') && !self.is(b')') {
                return self.unexpected("',' or ')'");
            }
        }
        Ok(parameters)
    }

    fn assert_body(&mut self) -> Parsed<(Expr, Option<Expr>)> {
        let condition = self.expr()?;
        let message = if self.take_operator(":") { Some(self.expr()?) } else { None };
        Ok((condition, message))
    }

    fn array(&mut self, start: u32) -> Parsed<Expr> {
        self.advance();
        let mut items = Vec::new();
        while !self.take(b']') {
            items.push(self.expr()?);
            let comma = self.take(b',');
            if items.len() == 1 && self.is_keyword(Keyword::For) {
                let clauses = self.clauses()?;
                self.expect(b']')?;
                let item = items.swap_remove(0);
                return Ok(self.boxed(ExprKind::ArrayComprehension(item, clauses), start));
            }
            if !comma && !self.is(b']') {
                return self.unexpected("',' or ']'");
            }
        }
        Ok(self.boxed(ExprKind::Array(items), start))
    }

    /// Parses `for x in y` and then any number of `for` and `if`.
    fn clauses(&mut self) -> Parsed<Vec<Clause>> {
        let mut clauses = Vec::new();
        let outer = self.depth;
        loop {
            if self.take_keyword(Keyword::For) {
                let name = self.name()?;
                if !self.take_keyword(Keyword::In) {
                    return self.unexpected("'in'");
                }
                clauses.push(Clause::For(name, self.expr()?));
            } else if self.take_keyword(Keyword::If) {
                clauses.push(Clause::If(self.expr()?));
            } else {
                self.depth = outer;
                return Ok(clauses);
            }
            // Each clause nests the ones behind it.
            self.deeper(|_| Ok(()))?;
            self.depth += 1;
        }
    }
}

fn push_unique(bindings: &mut Vec<Binding>, names: &mut HashSet<Name>, binding: Binding) -> Parsed<()> {
    if !names.insert(binding.name.clone()) {
        return Err(ParseError {
            message: format!("the local '{}' stands twice", binding.name),
            span: binding.span,
        });
    }
    bindings.push(binding);
    Ok(())
}
