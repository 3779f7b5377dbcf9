//! The tree that the parser makes of a source. It is lowered to a program form at once.

use std::collections::HashSet;
use std::rc::Rc;

/// Bytes `start..end` of the source.
pub(crate) type Span = (u32, u32);

pub(crate) type Name = Rc<str>;

#[derive(Debug)]
pub(crate) struct Expr {
    pub kind: Box<ExprKind>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Null,
    True,
    False,
    Number(f64),
    String(Box<str>),
    Variable(Name),
    SelfRef,
    Dollar,
    Field(Expr, Name),
    Index(Expr, Expr),
    Slice {
        target: Expr,
        from: Option<Expr>,
        to: Option<Expr>,
        step: Option<Expr>,
    },
    SuperField(Name),
    SuperIndex(Expr),
    InSuper(Expr),
    Apply {
        target: Expr,
        positional: Vec<Expr>,
        named: Vec<(Name, Expr, Span)>,
        tailstrict: bool,
    },
    /// `target { ... }`
    Extend(Expr, Expr),
    Unary(UnaryOperator, Expr),
    Binary(BinaryOperator, Expr, Expr),
    If {
        condition: Expr,
        then: Expr,
        otherwise: Option<Expr>,
    },
    Local(Vec<Binding>, Expr),
    Function(Vec<Parameter>, Expr),
    Array(Vec<Expr>),
    ArrayComprehension(Expr, Vec<Clause>),
    Object(ObjectBody),
    ObjectComprehension(Box<ObjectComprehension>),
    Assert {
        condition: Expr,
        message: Option<Expr>,
        rest: Expr,
    },
    Error(Expr),
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub name: Name,
    pub value: Expr,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub name: Name,
    pub default: Option<Expr>,
}

#[derive(Debug)]
pub(crate) enum Clause {
    For(Name, Expr),
    If(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// `:`, which keeps the visibility that the field had before.
    Default,
    /// `::`
    Hidden,
    /// `:::`
    Visible,
}

#[derive(Debug)]
pub(crate) enum FieldName {
    Fixed(Name),
    Computed(Expr),
}

#[derive(Debug)]
pub(crate) struct FieldExpr {
    pub name: FieldName,
    pub plus: bool,
    pub visibility: Visibility,
    pub value: Expr,
}

#[derive(Debug, Default)]
pub(crate) struct ObjectBody {
    pub locals: Vec<Binding>,
    /// The names of the locals and of the fixed fields, by which those that stand twice are found.
    pub local_names: HashSet<Name>,
    pub names: HashSet<Name>,
    pub asserts: Vec<(Expr, Option<Expr>, Span)>,
    pub fields: Vec<FieldExpr>,
}

#[derive(Debug)]
pub(crate) struct ObjectComprehension {
    pub locals: Vec<Binding>,
    pub name: Expr,
    pub plus: bool,
    pub value: Expr,
    pub clauses: Vec<Clause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Not,
    BitNot,
    Minus,
    Plus,
}

impl UnaryOperator {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::BitNot => "~",
            Self::Minus => "-",
            Self::Plus => "+",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Multiply,
    Divide,
    Modulo,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
}

impl BinaryOperator {
    /// The operator that a text stands for, and how tightly it binds (larger is tighter).
    pub(crate) fn parse(text: &str) -> Option<(Self, u8)> {
        Some(match text {
            "*" => (Self::Multiply, 10),
            "/" => (Self::Divide, 10),
            "%" => (Self::Modulo, 10),
            "+" => (Self::Add, 9),
            "-" => (Self::Subtract, 9),
            "<<" => (Self::ShiftLeft, 8),
            ">>" => (Self::ShiftRight, 8),
            "<" => (Self::Less, 7),
            "<=" => (Self::LessOrEqual, 7),
            ">" => (Self::Greater, 7),
            ">=" => (Self::GreaterOrEqual, 7),
            "in" => (Self::In, 7),
            "==" => (Self::Equal, 6),
            "!=" => (Self::NotEqual, 6),
            "&" => (Self::BitAnd, 5),
            "^" => (Self::BitXor, 4),
            "|" => (Self::BitOr, 3),
            "&&" => (Self::And, 2),
            "||" => (Self::Or, 1),
            _ => return None,
        })
    }

    /// The operator as it is written.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::BitAnd => "&",
            Self::BitXor => "^",
            Self::BitOr => "|",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}
