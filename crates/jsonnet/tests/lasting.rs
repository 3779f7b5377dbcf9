//! Results that do not depend on what is changing are told from those that do.

use std::sync::Arc;

use proptest::prelude::*;
use sessera_jsonnet::{Document, Limits, Program, Scalar, Variables};

/// The claims `exp` and `jti` are changing, the others are not.
fn variables(exp: i64, jti: &str) -> Variables {
    let claims = Document::flat(&[
        ("exp", Scalar::Integer(exp)),
        ("iss", Scalar::Text("https://id.example.org")),
        ("jti", Scalar::Text(jti)),
        ("sub", Scalar::Text("ada")),
    ]);
    let session = Document::shared(br#"{"id":"s","list":[1,2,3],"traits":{"exp":1,"name":"Ada"}}"#).unwrap();
    Variables::new()
        .with("claims", Arc::new(claims.with_changing(|name| name == "exp" || name == "jti")))
        .with("session", session)
}

/// The members of a result.
type Claims = Vec<(String, Vec<u8>)>;

/// The members with one value in the changing fields, or the failure, and whether it is lasting.
fn outcome(program: &Program, variables: &Variables) -> Option<(Claims, bool)> {
    let members = program.evaluate_member("claims", variables, &Limits::default()).ok()?;
    let list = members.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    Some((list, members.is_lasting()))
}

fn is_lasting(value: &str) -> bool {
    let source = format!(
        "local claims = std.extVar('claims'); local session = std.extVar('session'); {{ claims: {{ x: {value} }} }}"
    );
    outcome(&Program::parse("m", &source).unwrap(), &variables(1, "a")).unwrap().1
}

#[test]
fn what_was_not_read_does_not_count() {
    for value in [
        "1",
        "claims.iss + '/more'",
        "claims['sub']",
        "session",
        "session.traits { sub: claims.sub }",
        "std.objectFields(claims)",
        "std.length(claims)",
        "std.objectHas(claims, 'exp') && 'jti' in claims",
        "local unused = claims.exp; claims.sub",
        "{ hidden:: claims.exp, shown: claims.sub }",
        "if true then claims.sub else claims.exp",
        "(claims { exp: 1, jti: 'b' }).sub",
        "(claims { exp: 1, jti: 'b' }).exp",
        "session.traits.exp",
        "[name for name in std.objectFields(claims)]",
    ] {
        assert!(is_lasting(value), "{value}");
    }
}

#[test]
fn whatever_reads_a_changing_field_counts() {
    for value in [
        "claims",
        "claims.exp",
        "claims['j' + 'ti']",
        "claims.exp > 0",
        "claims { sub: 1 }",
        "(claims { sub: 1 }).exp",
        "{ exp: super.exp } + claims",
        "(claims { exp: super.exp + 1 }).exp",
        "[claims]",
        "[claims][0]",
        "[claims[name] for name in std.objectFields(claims)]",
        "{ [name]: claims[name] for name in std.objectFields(claims) }",
        "std.objectValues(claims)",
        "std.objectKeysValues(claims)",
        "std.mapWithKey(function(key, value) value, claims)",
        "std.mapWithKey(function(key, value) value, claims).exp",
        "std.get(claims, 'exp')",
        "std.toString(claims)",
        "'' + claims",
        "'%s' % claims.exp",
        "'%(jti)s' % claims",
        "std.manifestJson(claims)",
        "std.manifestJsonMinified(claims)",
        "std.manifestYamlDoc(claims)",
        "std.manifestPython(claims)",
        "std.manifestToml(claims)",
        "std.parseJson(std.manifestJson(claims)).exp",
        "std.mergePatch({}, claims)",
        "std.mergePatch(claims, { sub: null })",
        "std.prune(claims)",
        "claims == { exp: 1, iss: 'https://id.example.org', jti: 'a', sub: 'ada' }",
        "{ exp: 1, iss: 'https://id.example.org', jti: 'b', sub: 'ada' } == claims",
        "std.type(claims.exp)",
        "std.isNumber(claims.exp)",
        "std.length(claims.jti)",
        "std.md5(claims.jti)",
        "std.sort([claims], function(x) x.exp)",
        "std.assertEqual(claims.exp, claims.exp)",
        "assert claims.exp > 0; 1",
        "{ assert claims.exp > 0, y: 1 }",
        "std.foldl(function(sum, name) sum + std.length(claims[name] + ''), std.objectFields(claims), 0)",
        "std.filter(function(name) claims[name] == 1, std.objectFields(claims))",
        "std.count(std.objectValues(claims), 1)",
        "std.objectRemoveKey(claims, 'sub')",
    ] {
        assert!(!is_lasting(value), "{value}");
    }
}

#[test]
fn fields_of_which_there_are_too_many_to_tell_apart_all_count() {
    let fields: Vec<String> = (0..100).map(|at| format!("f{at:03}")).collect();
    let members: Vec<(&str, Scalar<'_>)> = fields.iter().map(|name| (&**name, Scalar::Integer(1))).collect();
    let wide = Arc::new(Document::flat(&members).with_changing(|name| name == "f002" || name == "f090"));
    let variables = Variables::new().with("wide", wide);
    for (field, lasting) in
        [("f001", true), ("f002", false), ("f061", true), ("f080", false), ("f090", false)]
    {
        let source = format!("{{ claims: {{ x: std.extVar('wide').{field} }} }}");
        assert_eq!(
            outcome(&Program::parse("m", &source).unwrap(), &variables).unwrap().1,
            lasting,
            "{field}"
        );
    }
}

#[test]
fn a_changing_object_counts_as_a_whole() {
    let nested = Document::parse(br#"{"now":{"second":1,"list":[[2]]},"name":"x"}"#)
        .unwrap()
        .with_changing(|name| name == "now");
    let variables = Variables::new().with("v", Arc::new(nested));
    for (value, lasting) in [
        ("std.extVar('v').name", true),
        ("std.extVar('v')", false),
        ("std.extVar('v').now", false),
        ("std.extVar('v').now.second", false),
        ("std.extVar('v').now.list[0]", false),
        ("std.extVar('v').now.list[0][0]", false),
    ] {
        let program = Program::parse("m", &format!("{{ claims: {{ x: {value} }} }}")).unwrap();
        assert_eq!(outcome(&program, &variables).unwrap().1, lasting, "{value}");
    }
}

/// Expressions that take the claims apart and put them together.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "claims",
        "session",
        "claims.exp",
        "claims.jti",
        "claims.iss",
        "claims.sub",
        "session.list",
        "1",
        "'a'",
        "{}",
        "[]",
        "null",
        "true",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 24, 3, |inner| {
        let name = prop::sample::select(vec!["exp", "jti", "iss", "sub", "id", "new"]);
        let of_one = prop::sample::select(vec![
            "std.length",
            "std.type",
            "std.toString",
            "std.objectFields",
            "std.objectValues",
            "std.prune",
            "std.isString",
            "std.manifestJson",
            "std.objectKeysValues",
            "std.isObject",
            "std.md5",
            "std.sort",
            "std.flattenArrays",
        ]);
        prop_oneof![
            (inner.clone(), name.clone()).prop_map(|(a, name)| format!("({a}).{name}")),
            (inner.clone(), name.clone()).prop_map(|(a, name)| format!("std.get({a}, '{name}', 0)")),
            (inner.clone(), name.clone()).prop_map(|(a, name)| format!("std.objectHas({a}, '{name}')")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) + ({b}))")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) == ({b}))")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("std.mergePatch({a}, {b})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("(if ({a}) == ({b}) then ({c}) else ({a}))")),
            (inner.clone(), inner.clone(), name.clone())
                .prop_map(|(a, b, name)| format!("(({a}) {{ {name}: ({b}) }})")),
            (inner.clone(), inner.clone(), name.clone())
                .prop_map(|(a, b, name)| format!("{{ {name}:: ({a}), {name}2: ({b}) }}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(local y = ({a}); [({b})])")),
            (inner.clone(), name)
                .prop_map(|(a, name)| format!("std.mapWithKey(function(k, v) v, {a}).{name}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[x for x in ({a}) if x != ({b})]")),
            (inner, of_one).prop_map(|(a, function)| format!("{function}({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_lasting_is_the_same_whatever_the_changing_fields_hold(value in expressions()) {
        let source = format!(
            "local claims = std.extVar('claims'); local session = std.extVar('session'); {{ claims: {{ x: {value} }} }}"
        );
        let program = Program::parse("m", &source).unwrap();
        if let Some((members, true)) = outcome(&program, &variables(1, "a")) {
            prop_assert_eq!(Some((members, true)), outcome(&program, &variables(2, "bb")));
        }
    }
}
