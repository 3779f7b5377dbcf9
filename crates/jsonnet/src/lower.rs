//! Lowering the tree to the form that is evaluated. Names become slots, and object fields are sorted once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{self, BinaryOperator, Expr, ExprKind, FieldName, Name, Span, Visibility};
use crate::code::{
    ArrayComprehension, Call, Clause, Code, Function, LiteralField, LiteralName, NONE, Node, NodeId,
    OBJECT_SLOTS, ObjectComprehension, ObjectLiteral, Parameter, SLOT_SELF, Shape, ShapeField, Symbol, Text,
};
use crate::library;
use crate::parser::ParseError;

type Lowered<T> = Result<T, ParseError>;

/// Lowers a whole program.
pub(crate) fn lower(name: &str, source: &str, root: Expr) -> Lowered<Code> {
    let mut lowering = Lowering {
        code: Code {
            name: name.into(),
            source: source.into(),
            nodes: Vec::new(),
            spans: Vec::new(),
            lists: Vec::new(),
            calls: Vec::new(),
            functions: Vec::new(),
            array_comprehensions: Vec::new(),
            objects: Vec::new(),
            object_comprehensions: Vec::new(),
            symbols: Vec::new(),
            symbol_ids: HashMap::new(),
            root: 0,
        },
        frames: Vec::new(),
    };
    lowering.code.root = lowering.expr(root)?;
    Ok(lowering.code)
}

struct Lowering {
    code: Code,
    frames: Vec<Frame>,
}

/// A frame that will exist at run time, with the names of its slots.
struct Frame {
    names: HashMap<Name, u16>,
    /// Whether it is the frame of an object, with `self` in its first slot.
    object: bool,
}

impl Lowering {
    fn symbol(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.code.symbol_ids.get(name) {
            return *symbol;
        }
        let symbol = to_u32(self.code.symbols.len());
        let text = Text::new(name);
        self.code.symbol_ids.insert(text.text.clone(), symbol);
        self.code.symbols.push(text);
        symbol
    }

    fn push(&mut self, node: Node, span: Span) -> NodeId {
        self.code.nodes.push(node);
        self.code.spans.push(span);
        to_u32(self.code.nodes.len() - 1)
    }

    fn list(&mut self, nodes: &[NodeId]) -> u32 {
        let first = to_u32(self.code.lists.len());
        self.code.lists.extend_from_slice(nodes);
        first
    }

    fn exprs(&mut self, exprs: Vec<Expr>) -> Lowered<Vec<NodeId>> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn optional(&mut self, expr: Option<Expr>) -> Lowered<NodeId> {
        expr.map_or(Ok(NONE), |expr| self.expr(expr))
    }

    /// Lowers something inside a new frame.
    fn within<T>(&mut self, frame: Frame, lower: impl FnOnce(&mut Self) -> Lowered<T>) -> Lowered<T> {
        self.frames.push(frame);
        let lowered = lower(self);
        self.frames.pop();
        lowered
    }

    fn frame(names: impl Iterator<Item = Name>, object: bool, span: Span) -> Lowered<Frame> {
        let first = if object { OBJECT_SLOTS } else { 0 };
        let mut slots = HashMap::new();
        for (at, name) in names.enumerate() {
            let slot = u16::try_from(at).ok().and_then(|at| at.checked_add(first));
            let slot =
                slot.ok_or_else(|| ParseError { message: "too many names at one place".into(), span })?;
            slots.insert(name, slot);
        }
        Ok(Frame { names: slots, object })
    }

    /// How many frames out the first object (or the outermost one) lies.
    fn object_depth(&self, outermost: bool, word: &str, span: Span) -> Lowered<u16> {
        let mut frames = self.frames.iter().rev().enumerate().filter(|(_, frame)| frame.object);
        let found = if outermost { frames.next_back() } else { frames.next() };
        found
            .and_then(|(depth, _)| u16::try_from(depth).ok())
            .ok_or_else(|| ParseError { message: format!("{word} can be used inside an object only"), span })
    }

    fn variable(&mut self, name: &Name, span: Span) -> Lowered<Node> {
        for (depth, frame) in self.frames.iter().rev().enumerate() {
            if let (Some(index), Ok(depth)) = (frame.names.get(name), u16::try_from(depth)) {
                return Ok(Node::Variable { depth, index: *index });
            }
        }
        if &**name == "std" {
            return Ok(Node::Std);
        }
        Err(ParseError { message: format!("unknown variable '{name}'"), span })
    }

    fn expr(&mut self, expr: Expr) -> Lowered<NodeId> {
        let span = expr.span;
        let node = match *expr.kind {
            ExprKind::Null => Node::Null,
            ExprKind::True => Node::Bool(true),
            ExprKind::False => Node::Bool(false),
            ExprKind::Number(number) => Node::Number(number),
            ExprKind::String(text) => Node::String(self.symbol(&text)),
            ExprKind::Variable(name) => self.variable(&name, span)?,
            ExprKind::SelfRef => {
                Node::Variable { depth: self.object_depth(false, "self", span)?, index: SLOT_SELF }
            }
            ExprKind::Dollar => {
                Node::Variable { depth: self.object_depth(true, "$", span)?, index: SLOT_SELF }
            }
            ExprKind::Field(target, name) => self.field(target, &name)?,
            ExprKind::Index(target, index) => {
                Node::Index { target: self.expr(target)?, index: self.expr(index)? }
            }
            ExprKind::Slice { target, from, to, step } => {
                let target = self.expr(target)?;
                let parts = [self.optional(from)?, self.optional(to)?, self.optional(step)?];
                Node::Slice { target, parts: self.list(&parts) }
            }
            ExprKind::SuperField(name) => {
                let depth = self.object_depth(false, "super", span)?;
                Node::SuperField { depth, name: self.symbol(&name) }
            }
            ExprKind::SuperIndex(index) => {
                let depth = self.object_depth(false, "super", span)?;
                Node::SuperIndex { depth, index: self.expr(index)? }
            }
            ExprKind::InSuper(name) => {
                let depth = self.object_depth(false, "super", span)?;
                Node::InSuper { depth, name: self.expr(name)? }
            }
            ExprKind::Apply { target, positional, named, tailstrict } => {
                self.apply(target, positional, named, tailstrict)?
            }
            ExprKind::Extend(target, extension) => {
                Node::Binary(BinaryOperator::Add, self.expr(target)?, self.expr(extension)?)
            }
            ExprKind::Unary(operator, operand) => Node::Unary(operator, self.expr(operand)?),
            ExprKind::Binary(operator, left, right) => {
                Node::Binary(operator, self.expr(left)?, self.expr(right)?)
            }
            ExprKind::If { condition, then, otherwise } => {
                let condition = self.expr(condition)?;
                let branches = [self.expr(then)?, self.optional(otherwise)?];
                Node::If { condition, branches: self.list(&branches) }
            }
            ExprKind::Local(bindings, body) => self.local(bindings, body, span)?,
            ExprKind::Function(parameters, body) => self.function(parameters, body, span)?,
            ExprKind::Array(items) => {
                let items = self.exprs(items)?;
                Node::Array { first: self.list(&items), len: to_u32(items.len()) }
            }
            ExprKind::ArrayComprehension(item, clauses) => self.array_comprehension(item, clauses, span)?,
            ExprKind::Object(body) => self.object(body, span)?,
            ExprKind::ObjectComprehension(body) => self.object_comprehension(*body, span)?,
            ExprKind::Assert { condition, message, rest } => {
                let parts = [self.expr(condition)?, self.optional(message)?, self.expr(rest)?];
                Node::Assert(self.list(&parts))
            }
            ExprKind::Error(message) => Node::Error(self.expr(message)?),
        };
        Ok(self.push(node, span))
    }

    fn field(&mut self, target: Expr, name: &Name) -> Lowered<Node> {
        let target = self.expr(target)?;
        if matches!(self.code.nodes[target as usize], Node::Std)
            && let Some(builtin) = library::find(name)
        {
            return Ok(Node::Builtin(builtin));
        }
        Ok(Node::Field { target, name: self.symbol(name) })
    }

    fn apply(
        &mut self,
        target: Expr,
        positional: Vec<Expr>,
        named: Vec<(Name, Expr, Span)>,
        tailstrict: bool,
    ) -> Lowered<Node> {
        let target = self.expr(target)?;
        let positional = self.exprs(positional)?;
        let named = named
            .into_iter()
            .map(|(name, value, _)| Ok((Arc::from(&*name), self.expr(value)?)))
            .collect::<Lowered<Vec<_>>>()?;
        let direct = named.is_empty();
        self.code.calls.push(Call { positional, named, tailstrict });
        let call = to_u32(self.code.calls.len() - 1);
        Ok(match self.code.nodes[target as usize] {
            Node::Builtin(builtin) if direct => Node::ApplyBuiltin { builtin, call },
            _ => Node::Apply { target, call },
        })
    }

    fn local(&mut self, bindings: Vec<ast::Binding>, body: Expr, span: Span) -> Lowered<Node> {
        let frame = Self::frame(bindings.iter().map(|binding| binding.name.clone()), false, span)?;
        let nodes = self.within(frame, |lowering| {
            let mut nodes = lowering.bindings(bindings)?;
            nodes.push(lowering.expr(body)?);
            Ok(nodes)
        })?;
        let len = u16::try_from(nodes.len() - 1).unwrap_or(u16::MAX);
        Ok(Node::Local { first: self.list(&nodes), len })
    }

    fn bindings(&mut self, bindings: Vec<ast::Binding>) -> Lowered<Vec<NodeId>> {
        bindings.into_iter().map(|binding| self.expr(binding.value)).collect()
    }

    fn function(&mut self, parameters: Vec<ast::Parameter>, body: Expr, span: Span) -> Lowered<Node> {
        let frame = Self::frame(parameters.iter().map(|parameter| parameter.name.clone()), false, span)?;
        let function = self.within(frame, |lowering| {
            let parameters = parameters
                .into_iter()
                .map(|parameter| {
                    Ok(Parameter {
                        name: Arc::from(&*parameter.name),
                        default: lowering.optional(parameter.default)?,
                    })
                })
                .collect::<Lowered<Vec<_>>>()?;
            Ok(Function { parameters, body: lowering.expr(body)? })
        })?;
        self.code.functions.push(function);
        Ok(Node::Function(to_u32(self.code.functions.len() - 1)))
    }

    /// Lowers clauses and, inside the frames that they open, something else.
    fn clauses<T>(
        &mut self,
        clauses: Vec<ast::Clause>,
        span: Span,
        inside: impl FnOnce(&mut Self) -> Lowered<T>,
    ) -> Lowered<(Vec<Clause>, T)> {
        let outer = self.frames.len();
        let mut lowered = Vec::with_capacity(clauses.len());
        let result = (|| {
            for clause in clauses {
                match clause {
                    ast::Clause::For(name, array) => {
                        lowered.push(Clause::For(self.expr(array)?));
                        self.frames.push(Self::frame(std::iter::once(name), false, span)?);
                    }
                    ast::Clause::If(condition) => lowered.push(Clause::If(self.expr(condition)?)),
                }
            }
            inside(self)
        })();
        self.frames.truncate(outer);
        Ok((lowered, result?))
    }

    fn array_comprehension(&mut self, item: Expr, clauses: Vec<ast::Clause>, span: Span) -> Lowered<Node> {
        let (clauses, item) = self.clauses(clauses, span, |lowering| lowering.expr(item))?;
        self.code.array_comprehensions.push(ArrayComprehension { item, clauses });
        Ok(Node::ArrayComprehension(to_u32(self.code.array_comprehensions.len() - 1)))
    }

    fn object(&mut self, body: ast::ObjectBody, span: Span) -> Lowered<Node> {
        // Computed names are evaluated outside of the object, so they cannot see its self or its locals.
        let mut names = Vec::with_capacity(body.fields.len());
        let mut values = Vec::with_capacity(body.fields.len());
        for field in body.fields {
            names.push(match field.name {
                FieldName::Fixed(name) => LiteralName::Fixed(self.symbol(&name)),
                FieldName::Computed(name) => LiteralName::Computed(self.expr(name)?),
            });
            values.push((field.plus, field.visibility, field.value));
        }
        let frame = Self::frame(body.locals.iter().map(|binding| binding.name.clone()), true, span)?;
        let (locals, asserts, asserts_and_values) = (body.locals, body.asserts, values);
        let (locals, asserts, values) = self.within(frame, |lowering| {
            let locals = lowering.bindings(locals)?;
            let asserts = asserts
                .into_iter()
                .map(|(condition, message, _)| Ok((lowering.expr(condition)?, lowering.optional(message)?)))
                .collect::<Lowered<Vec<_>>>()?;
            let values = asserts_and_values
                .into_iter()
                .map(|(plus, visibility, value)| Ok((plus, visibility, lowering.expr(value)?)))
                .collect::<Lowered<Vec<_>>>()?;
            Ok((locals, asserts, values))
        })?;
        let fields: Vec<LiteralField> = names
            .into_iter()
            .zip(values)
            .map(|(name, (plus, visibility, value))| LiteralField { name, plus, visibility, value })
            .collect();
        let shape = self.shape(&fields);
        self.code.objects.push(ObjectLiteral { fields, locals, asserts, shape });
        Ok(Node::Object(to_u32(self.code.objects.len() - 1)))
    }

    /// The shape of an object whose names are all fixed.
    fn shape(&self, fields: &[LiteralField]) -> Option<Shape> {
        let mut shape = Vec::with_capacity(fields.len());
        for (field, at) in fields.iter().zip(0..) {
            let LiteralName::Fixed(name) = field.name else { return None };
            shape.push(ShapeField {
                name,
                layer: 0,
                field: at,
                hidden: field.visibility == Visibility::Hidden,
            });
        }
        let text = |field: &ShapeField| &*self.code.symbols[field.name as usize].text;
        shape.sort_by(|a, b| text(a).cmp(text(b)));
        Some(Shape::new(shape))
    }

    fn object_comprehension(&mut self, body: ast::ObjectComprehension, span: Span) -> Lowered<Node> {
        let ast::ObjectComprehension { locals, name, plus, value, clauses } = body;
        let (clauses, (name, locals, value)) = self.clauses(clauses, span, |lowering| {
            let name = lowering.expr(name)?;
            let frame = Self::frame(locals.iter().map(|binding| binding.name.clone()), true, span)?;
            let (locals, value) =
                lowering.within(frame, |lowering| Ok((lowering.bindings(locals)?, lowering.expr(value)?)))?;
            Ok((name, locals, value))
        })?;
        self.code.object_comprehensions.push(ObjectComprehension { locals, name, plus, value, clauses });
        Ok(Node::ObjectComprehension(to_u32(self.code.object_comprehensions.len() - 1)))
    }
}

/// Converts a place to 32 bits, which suffice because sources are bounded far below that.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
