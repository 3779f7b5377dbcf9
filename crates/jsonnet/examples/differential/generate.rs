//! Random programs.

use crate::calls::{self, Call};
use crate::kind::Kind;
use crate::random::Random;
use crate::texts;

const PLAIN: &[Kind] = &[
    Kind::Number,
    Kind::String,
    Kind::Boolean,
    Kind::Array,
    Kind::Numbers,
    Kind::Strings,
    Kind::Object,
    Kind::Number,
    Kind::String,
];

const NAMES: &[&str] = &["a", "b", "c", "d"];

pub(crate) struct Generator {
    random: Random,
    calls: Vec<Call>,
    /// Variables in scope.
    variables: Vec<(String, Kind)>,
    /// How many objects are around, and whether the innermost one has something to inherit from.
    objects: usize,
    inherits: bool,
    next: usize,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            calls: calls::all(),
            variables: Vec::new(),
            objects: 0,
            inherits: false,
            next: 0,
        }
    }

    /// A whole program.
    pub(crate) fn program(&mut self) -> String {
        let depth = 1 + self.random.below(4);
        let mut program = match self.random.below(10) {
            0..=3 => {
                let call = self.random.below(self.calls.len());
                self.call(call, depth)
            }
            4..=5 => self.expression(Kind::Object, depth),
            _ => self.expression(Kind::Any, depth),
        };
        if self.random.chance(4) {
            texts::damage(&mut self.random, &mut program);
        }
        program
    }

    fn expression(&mut self, kind: Kind, depth: usize) -> String {
        if kind == Kind::Index {
            return if self.random.chance(3) { "'1'".to_owned() } else { texts::index(&mut self.random) };
        }
        let kind = if self.random.chance(3) { Kind::Any } else { kind };
        let kind = if kind == Kind::Any { PLAIN[self.random.below(PLAIN.len())] } else { kind };
        if depth == 0 {
            return self.atom(kind);
        }
        match self.random.below(20) {
            0..=3 => self.atom(kind),
            4..=5 => self.variable(kind).unwrap_or_else(|| self.composed(kind, depth)),
            6 => {
                let condition = self.expression(Kind::Boolean, depth - 1);
                let (yes, no) = (self.expression(kind, depth - 1), self.expression(kind, depth - 1));
                if self.random.chance(10) {
                    format!("(if {condition} then {yes})")
                } else {
                    format!("(if {condition} then {yes} else {no})")
                }
            }
            7 => self.with_local(kind, depth),
            8 => self.function_call(kind, depth),
            9..=11 => self.library_call(kind, depth),
            12 => {
                let value = self.expression(kind, depth - 1);
                let index = self.random.pick(&["0", "1", "-1", "0.5"]);
                format!("[{value}, {}][{index}]", self.expression(kind, depth - 1))
            }
            13 => self.field_of(kind, depth),
            14 if self.objects > 0 => {
                let name = self.random.pick(NAMES);
                let root = self.random.pick(&["self", "self", "$"]);
                if self.inherits && self.random.chance(40) {
                    format!("super.{name}")
                } else {
                    format!("{root}.{name}")
                }
            }
            15 if self.random.chance(25) => {
                let kind = if self.random.chance(70) { Kind::String } else { Kind::Any };
                format!("(error {})", self.expression(kind, depth - 1))
            }
            16 if self.random.chance(40) => {
                let condition = self.expression(Kind::Boolean, depth - 1);
                format!("(assert {condition} : 'no'; {})", self.expression(kind, depth - 1))
            }
            _ => self.composed(kind, depth),
        }
    }

    fn new_name(&mut self) -> String {
        self.next += 1;
        format!("v{}", self.next)
    }

    fn variable(&mut self, kind: Kind) -> Option<String> {
        let fitting: Vec<&str> = self
            .variables
            .iter()
            .filter(|(_, known)| *known == kind || *known == Kind::Any)
            .map(|(name, _)| name.as_str())
            .collect();
        if fitting.is_empty() { None } else { Some(self.random.pick(&fitting).to_owned()) }
    }

    /// `local`, whose values may be wrong where nobody looks.
    fn with_local(&mut self, kind: Kind, depth: usize) -> String {
        let value_kind = PLAIN[self.random.below(PLAIN.len())];
        let value = self.expression(value_kind, depth - 1);
        let name = self.new_name();
        self.variables.push((name.clone(), value_kind));
        let body = self.expression(kind, depth - 1);
        self.variables.pop();
        format!("(local {name} = {value}; {body})")
    }

    /// A function that is called at once, with defaults and named arguments.
    fn function_call(&mut self, kind: Kind, depth: usize) -> String {
        let count = 1 + self.random.below(3);
        let mut parameters = Vec::new();
        let mut arguments = Vec::new();
        let around = self.variables.len();
        let mut named = false;
        for at in 0..count {
            let parameter_kind = PLAIN[self.random.below(PLAIN.len())];
            let name = self.new_name();
            let argument = self.expression(parameter_kind, depth - 1);
            if self.random.chance(25) {
                parameters.push(format!("{name} = {argument}"));
                if self.random.chance(50) {
                    named = true;
                } else if at + 1 < count || !named {
                    named = true;
                    arguments.push(format!("{name} = {argument}"));
                }
            } else {
                parameters.push(name.clone());
                named = named || self.random.chance(20);
                arguments.push(if named { format!("{name} = {argument}") } else { argument });
            }
            self.variables.push((name, parameter_kind));
        }
        let body = self.expression(kind, depth - 1);
        self.variables.truncate(around);
        if self.random.chance(4) {
            arguments.push(self.atom(Kind::Number));
        }
        let tail = if self.random.chance(10) { " tailstrict" } else { "" };
        let (parameters, arguments) = (parameters.join(", "), arguments.join(", "));
        if self.random.chance(30) {
            let name = self.new_name();
            return format!("(local {name}({parameters}) = {body}; {name}({arguments}){tail})");
        }
        format!("(function({parameters}) {body})({arguments}){tail}")
    }

    fn library_call(&mut self, kind: Kind, depth: usize) -> String {
        let fitting: Vec<usize> = (0..self.calls.len()).filter(|at| self.calls[*at].result == kind).collect();
        if fitting.is_empty() {
            return self.composed(kind, depth);
        }
        let call = fitting[self.random.below(fitting.len())];
        self.call(call, depth)
    }

    fn call(&mut self, at: usize, depth: usize) -> String {
        let kinds = self.calls[at].arguments.clone();
        let name = self.calls[at].name;
        let arguments: Vec<String> =
            kinds.into_iter().map(|kind| self.expression(kind, depth.saturating_sub(1))).collect();
        format!("std.{name}({})", arguments.join(", "))
    }

    fn field_of(&mut self, kind: Kind, depth: usize) -> String {
        let name = self.random.pick(NAMES);
        let value = self.expression(kind, depth - 1);
        let other = self.expression(Kind::Object, depth - 1);
        match self.random.below(4) {
            0 => format!("{{{name}: {value}}}.{name}"),
            1 => format!("({other} + {{{name}:: {value}}}).{name}"),
            2 => format!("({{{name}: {value}}} + {other})['{name}']"),
            _ => format!("{{local x = {value}, {name}: x}}.{name}"),
        }
    }

    fn atom(&mut self, kind: Kind) -> String {
        if self.random.chance(30)
            && let Some(variable) = self.variable(kind)
        {
            return variable;
        }
        let r = &mut self.random;
        match kind {
            Kind::Any => r.pick(&["null", "true", "1", "'s'", "[]", "{}"]).to_owned(),
            Kind::Number => texts::number(r),
            Kind::Index => texts::index(r),
            Kind::String => texts::string(r),
            Kind::Character => {
                r.pick(&["'a'", "','", "'b'", "' '", "'é'", "'aa'", "'\\n'", "'l'", "''", "'.'"]).to_owned()
            }
            Kind::Digits => {
                let pool = [
                    "'12'",
                    "'-3'",
                    "'077'",
                    "'7f'",
                    "'FF'",
                    "'0'",
                    "''",
                    "'-'",
                    "'+1'",
                    "'8'",
                    "'1 '",
                    "'fg'",
                    "'123456789012345678901234567890'",
                    "'00'",
                    "'-0'",
                    "'1.5'",
                    "'0x1F'",
                    "'-ff'",
                    "'é'",
                ];
                r.pick(&pool).to_owned()
            }
            Kind::Name => format!("'{}'", r.pick(NAMES)),
            Kind::Boolean => r.pick(&["true", "false", "true", "false", "null"]).to_owned(),
            Kind::Array | Kind::Numbers | Kind::Bytes | Kind::Booleans | Kind::Strings | Kind::Arrays => {
                self.array(kind, 0)
            }
            Kind::Object => self
                .random
                .pick(&[
                    "{}",
                    "{a: 1}",
                    "{a: 1, b: 'x'}",
                    "{a:: 1, b: 2}",
                    "{b: null, a: [1, {}]}",
                    "{c: {d: 1}, a: true}",
                    "{a: {a: {}}, b: []}",
                    "{d: 1.5, c: 'é'}",
                    "{a: null, b:: null, c::: null}",
                    "{'x y': 1, \"é\": 2}",
                ])
                .to_owned(),
            Kind::OddNames => {
                let name = texts::string(&mut self.random);
                format!("{{[{name}]: 1, [{}]: 2}}", texts::string(&mut self.random))
            }
            Kind::Function => self.function(1, Kind::Any, 0),
            Kind::Function2 => self.function(2, Kind::Any, 0),
            Kind::NumberFunction2 => r
                .pick(&["function(x, y) x + y", "function(x, y) x - y", "function(x, y) x * y", "std.max"])
                .to_owned(),
            Kind::KeyFunction => r
                .pick(&[
                    "function(x) x",
                    "std.toString",
                    "std.type",
                    "function(x) std.length(x)",
                    "function(x) -x",
                    "function(x) 1",
                    "std.length",
                    "function(x) [std.type(x)]",
                ])
                .to_owned(),
            Kind::ArrayFunction => r
                .pick(&[
                    "function(x) [x, x]",
                    "function(x) []",
                    "function(x) [[x]]",
                    "function(x) x",
                    "function(x) null",
                ])
                .to_owned(),
            Kind::StringFunction => r
                .pick(&[
                    "function(x) x + x",
                    "function(x) ''",
                    "function(x) '<' + x + '>'",
                    "function(x) null",
                    "std.asciiUpper",
                ])
                .to_owned(),
            Kind::Predicate => self.function(1, Kind::Boolean, 0),
            Kind::Indent => r.pick(&["''", "' '", "'  '", "'\\t'", "'--'", "'\\n'", "': '"]).to_owned(),
            Kind::Base64 => r
                .pick(&[
                    "'YWJj'",
                    "'YQ=='",
                    "''",
                    "'YQ'",
                    "'YW=='",
                    "'w6k='",
                    "'/+8='",
                    "'Y Q='",
                    "'YQ==YQ=='",
                    "'YWI='",
                    "'====' ",
                    "'YWJj\\n'",
                    "'YR=='",
                    "'YW\\nJj'",
                ])
                .to_owned(),
            Kind::Format => texts::format(r),
            Kind::Ini => {
                let main = r.pick(&[
                    "",
                    "main: {a: 1}, ",
                    "main: {a: [1, 'x'], b:: 2}, ",
                    "main: {}, ",
                    "main: 1, ",
                ]);
                let section =
                    r.pick(&["{x: [1, 'y'], z: true}", "{}", "{a: null, b: {c: 1}}", "{a: []}", "1"]);
                format!("{{{main}sections: {{s: {section}, 'x y': {{d: {}}}}}}}", texts::string(r))
            }
            Kind::Xml => self.xml(2),
            Kind::Json => {
                let text = texts::json(r, 3);
                texts::quoted(r, &text)
            }
            Kind::Yaml => {
                let text = texts::yaml(r, 3);
                texts::quoted(r, &text)
            }
        }
    }

    fn composed(&mut self, kind: Kind, depth: usize) -> String {
        let depth = depth - 1;
        let kinds = self.random.below(10);
        match kind {
            Kind::Number => match kinds {
                0 => format!("-{}", self.expression(Kind::Number, depth)),
                1 => format!("~{}", self.expression(Kind::Number, depth)),
                2 => format!("+{}", self.expression(Kind::Number, depth)),
                _ => {
                    let operators = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "+", "-", "*", "+"];
                    self.binary(Kind::Number, &operators, depth)
                }
            },
            Kind::String => match kinds {
                0..=3 => self.binary(Kind::String, &["+"], depth),
                4 => {
                    let other = self.expression(Kind::Any, depth);
                    format!("({} + {other})", self.expression(Kind::String, depth))
                }
                5 | 6 => {
                    let values = self.random.below(4);
                    let values = match values {
                        0 => self.expression(Kind::Object, depth),
                        1 => self.expression(Kind::Number, depth),
                        _ => self.array(Kind::Array, depth),
                    };
                    format!("({} % {values})", texts::format(&mut self.random))
                }
                7 => self.slice(Kind::String, depth),
                8 => format!("{}[{}]", self.expression(Kind::String, depth), texts::index(&mut self.random)),
                _ => texts::string(&mut self.random),
            },
            Kind::Boolean => match kinds {
                0 => format!("!{}", self.expression(Kind::Boolean, depth)),
                1 | 2 => self.binary(Kind::Boolean, &["&&", "||"], depth),
                3 | 4 => {
                    let kind = PLAIN[self.random.below(PLAIN.len())];
                    self.binary(kind, &["==", "!=", "<", ">", "<=", ">="], depth)
                }
                5 => format!("('{}' in {})", self.random.pick(NAMES), self.expression(Kind::Object, depth)),
                6 if self.inherits => format!("('{}' in super)", self.random.pick(NAMES)),
                _ => self.binary(Kind::Any, &["==", "!="], depth),
            },
            Kind::Array | Kind::Numbers | Kind::Strings | Kind::Arrays | Kind::Booleans | Kind::Bytes => {
                match kinds {
                    0 | 1 => self.binary(kind, &["+"], depth),
                    2 | 3 => self.comprehension(kind, depth),
                    4 => self.slice(kind, depth),
                    _ => self.array(kind, depth),
                }
            }
            Kind::Object | Kind::Any | Kind::Ini => match kinds {
                0 | 1 => {
                    let left = self.expression(Kind::Object, depth);
                    let right = self.object(depth, true);
                    let plus = self.random.pick(&[" + ", " "]);
                    format!("({left}{plus}{right})")
                }
                2 => self.object_comprehension(depth),
                _ => self.object(depth, false),
            },
            Kind::Function => self.function(1, Kind::Any, depth),
            Kind::Function2 => self.function(2, Kind::Any, depth),
            Kind::Predicate => self.function(1, Kind::Boolean, depth),
            other => self.atom(other),
        }
    }

    fn binary(&mut self, kind: Kind, operators: &[&str], depth: usize) -> String {
        let (left, right) = (self.expression(kind, depth), self.expression(kind, depth));
        let operator = self.random.pick(operators);
        if self.random.chance(70) {
            format!("({left} {operator} {right})")
        } else {
            format!("{left} {operator} {right}")
        }
    }

    fn slice(&mut self, kind: Kind, depth: usize) -> String {
        let value = self.expression(kind, depth);
        let mut parts = Vec::new();
        for _ in 0..2 + self.random.below(2) {
            let part = if self.random.chance(30) { String::new() } else { texts::index(&mut self.random) };
            parts.push(part);
        }
        format!("({value})[{}]", parts.join(":"))
    }

    fn element_kind(&mut self, kind: Kind) -> Kind {
        match kind {
            Kind::Numbers => Kind::Number,
            Kind::Strings => Kind::String,
            Kind::Arrays => Kind::Array,
            Kind::Booleans => Kind::Boolean,
            Kind::Array if self.random.chance(50) => Kind::Number,
            _ => Kind::Any,
        }
    }

    fn array(&mut self, kind: Kind, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        let items: Vec<String> = (0..self.random.below(5))
            .map(|_| {
                if kind == Kind::Bytes {
                    return self
                        .random
                        .pick(&["65", "195", "169", "240", "159", "152", "128", "0", "255", "256", "-1"])
                        .to_owned();
                }
                let kind = self.element_kind(kind);
                self.expression(kind, depth)
            })
            .collect();
        let end = if self.random.chance(5) && !items.is_empty() { "," } else { "" };
        format!("[{}{end}]", items.join(", "))
    }

    /// `for` and `if` clauses; their variable is in scope afterwards.
    fn clauses(&mut self, depth: usize) -> (String, usize) {
        let around = self.variables.len();
        let mut text = String::new();
        for _ in 0..=self.random.below(2) {
            let name = self.new_name();
            let (kind, inner) = match self.random.below(3) {
                0 => (Kind::Strings, Kind::String),
                1 => (Kind::Numbers, Kind::Number),
                _ => (Kind::Array, Kind::Any),
            };
            text.push_str(&format!(" for {name} in {}", self.expression(kind, depth)));
            self.variables.push((name, inner));
            if self.random.chance(20) {
                text.push_str(&format!(" if {}", self.expression(Kind::Boolean, depth)));
            }
        }
        (text, around)
    }

    fn comprehension(&mut self, kind: Kind, depth: usize) -> String {
        let (clauses, around) = self.clauses(depth);
        let kind = self.element_kind(kind);
        let element = self.expression(kind, depth);
        self.variables.truncate(around);
        format!("[{element}{clauses}]")
    }

    fn object_comprehension(&mut self, depth: usize) -> String {
        let (clauses, around) = self.clauses(depth);
        let name = self.variable(Kind::String).unwrap_or_else(|| "'a'".to_owned());
        let (inherits, objects) = (self.inherits, self.objects);
        self.objects += 1;
        let value = self.expression(Kind::Any, depth);
        (self.inherits, self.objects) = (inherits, objects);
        self.variables.truncate(around);
        let name = if self.random.chance(50) { format!("'' + {name}") } else { name };
        let plus = if self.random.chance(5) { "+" } else { "" };
        let local = self.random.pick(&["", "", "", "local w = self, ", "local w = $, "]);
        format!("{{{local}[{name}]{plus}: {value}{clauses}}}")
    }

    fn object(&mut self, depth: usize, inherits: bool) -> String {
        let around = (self.inherits, self.objects, self.variables.len());
        (self.inherits, self.objects) = (inherits, self.objects + 1);
        let mut members = Vec::new();
        if self.random.chance(20) {
            let name = self.new_name();
            let value = self.expression(Kind::Number, depth);
            self.variables.push((name.clone(), Kind::Number));
            members.push(format!("local {name} = {value}"));
        }
        let mut names = NAMES.to_vec();
        if self.random.chance(2) {
            names.push("a");
        }
        for _ in 0..self.random.below(5) {
            let name = names.remove(self.random.below(names.len()));
            if names.is_empty() {
                names.push("e");
            }
            let colon = self.random.pick(&[":", ":", ":", ":", "::", ":::"]);
            let plus = if self.random.chance(if inherits { 20 } else { 4 }) { "+" } else { "" };
            let value = self.expression(Kind::Any, depth);
            members.push(match self.random.below(12) {
                0 => format!("'{name}'{plus}{colon} {value}"),
                1 => format!("['{name}']{plus}{colon} {value}"),
                2 => format!("[if {} then '{name}']{colon} {value}", self.expression(Kind::Boolean, depth)),
                3 => format!("{name}(x, y = 2):: {value}"),
                _ => format!("{name}{plus}{colon} {value}"),
            });
        }
        if self.random.chance(8) {
            let condition = self.expression(Kind::Boolean, depth);
            let message = if self.random.chance(50) { " : 'broken'" } else { "" };
            members.push(format!("assert {condition}{message}"));
        }
        self.variables.truncate(around.2);
        (self.inherits, self.objects) = (around.0, around.1);
        format!("{{{}}}", members.join(", "))
    }

    fn function(&mut self, parameters: usize, result: Kind, depth: usize) -> String {
        if depth == 0 && self.random.chance(30) {
            let one = ["std.toString", "std.type", "std.length", "std.isNumber", "std.abs"];
            let two = ["std.equals", "std.max", "std.member", "std.startsWith"];
            return self.random.pick(if parameters == 1 { &one } else { &two }).to_owned();
        }
        let around = self.variables.len();
        let names: Vec<String> = (0..parameters).map(|_| self.new_name()).collect();
        self.variables.extend(names.iter().map(|name| (name.clone(), Kind::Any)));
        let body = self.expression(result, depth);
        self.variables.truncate(around);
        format!("function({}) {body}", names.join(", "))
    }

    fn xml(&mut self, depth: usize) -> String {
        let mut parts = vec![self.random.pick(&["'a'", "'b-c'", "'x:y'", "'é'"]).to_owned()];
        if self.random.chance(50) {
            parts.push(
                self.random.pick(&["{}", "{k: 'v'}", "{k: '<\"&>', a: 1}", "{t: true, n: null}"]).to_owned(),
            );
        }
        for _ in 0..self.random.below(3) {
            if depth > 0 && self.random.chance(50) {
                parts.push(self.xml(depth - 1));
            } else {
                let text = texts::string(&mut self.random);
                parts.push(if self.random.chance(10) { "1".to_owned() } else { text });
            }
        }
        format!("[{}]", parts.join(", "))
    }
}
