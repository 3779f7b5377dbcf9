//! Parsing objects and object comprehensions.

use std::rc::Rc;

use super::{ParseError, Parsed, Parser, push_unique};
use crate::ast::{Expr, ExprKind, FieldExpr, FieldName, ObjectBody, ObjectComprehension, Visibility};
use crate::lexer::{Keyword, TokenKind};

impl Parser<'_> {
    /// Parses what stands behind `{` up to its `}`: fields, locals, asserts, or a comprehension.
    pub(super) fn object(&mut self, start: u32) -> Parsed<Expr> {
        self.advance();
        let mut body = ObjectBody::default();
        while !self.take(b'}') {
            self.member(&mut body)?;
            let comma = self.take(b',');
            if self.is_keyword(Keyword::For) {
                return self.object_comprehension(body, start);
            }
            if !comma && !self.is(b'}') {
                return self.unexpected("',' or '}'");
            }
        }
        Ok(self.boxed(ExprKind::Object(body), start))
    }

    fn member(&mut self, body: &mut ObjectBody) -> Parsed<()> {
        let span = self.span();
        if self.take_keyword(Keyword::Local) {
            let binding = self.binding()?;
            return push_unique(&mut body.locals, &mut body.local_names, binding);
        }
        if self.take_keyword(Keyword::Assert) {
            let (condition, message) = self.assert_body()?;
            body.asserts.push((condition, message, self.since(span.0)));
            return Ok(());
        }
        let name = match self.peek().clone() {
            TokenKind::Identifier(name) => {
                self.advance();
                FieldName::Fixed(Rc::from(&*name))
            }
            TokenKind::String(name) => {
                self.advance();
                FieldName::Fixed(Rc::from(&*name))
            }
            TokenKind::Punctuation(b'[') => {
                self.advance();
                let name = self.expr()?;
                self.expect(b']')?;
                FieldName::Computed(name)
            }
            _ => return self.unexpected("a field"),
        };
        let parameters = if self.take(b'(') { Some(self.parameters()?) } else { None };
        let Some((plus, visibility)) = self.field_operator() else {
            return self.unexpected("':', '::' or ':::'");
        };
        if plus && parameters.is_some() {
            return Err(ParseError { message: "a method cannot be added to with '+:'".into(), span });
        }
        let mut value = self.expr()?;
        if let Some(parameters) = parameters {
            value = self.boxed(ExprKind::Function(parameters, value), span.0);
        }
        if let FieldName::Fixed(name) = &name
            && !body.names.insert(name.clone())
        {
            return Err(ParseError { message: format!("the field '{name}' stands twice"), span });
        }
        body.fields.push(FieldExpr { name, plus, visibility, value });
        Ok(())
    }

    fn field_operator(&mut self) -> Option<(bool, Visibility)> {
        let TokenKind::Operator(text) = self.peek() else { return None };
        let (plus, colons) = match text.strip_prefix('+') {
            Some(colons) => (true, colons),
            None => (false, *text),
        };
        let visibility = match colons {
            ":" => Visibility::Default,
            "::" => Visibility::Hidden,
            ":::" => Visibility::Visible,
            _ => return None,
        };
        self.advance();
        Some((plus, visibility))
    }

    fn object_comprehension(&mut self, body: ObjectBody, start: u32) -> Parsed<Expr> {
        let span = self.since(start);
        let fail = |message: &str| Err(ParseError { message: message.to_owned(), span });
        if !body.asserts.is_empty() {
            return fail("an object comprehension cannot have asserts");
        }
        let mut fields = body.fields.into_iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return fail("an object comprehension has exactly one field, [name]: value");
        };
        let FieldName::Computed(name) = field.name else {
            return fail("the field of an object comprehension must be computed: [name]: value");
        };
        if field.visibility != Visibility::Default {
            return fail("the field of an object comprehension cannot be hidden or forced visible");
        }
        let clauses = self.clauses()?;
        self.expect(b'}')?;
        let comprehension =
            ObjectComprehension { locals: body.locals, name, plus: field.plus, value: field.value, clauses };
        Ok(self.boxed(ExprKind::ObjectComprehension(Box::new(comprehension)), start))
    }
}
