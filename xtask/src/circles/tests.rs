//! Circles are found in small crates that are written for each test.

use std::fs;
use std::path::Path;

use super::{graph, picture, source};

/// The circles in a crate of these files, each as its modules in their order; and the pictures of all.
fn circles(files: &[(&str, &str)]) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let root = folder.path().join("lib.rs");
    let modules = source::read(&root).unwrap();
    let arrows = graph::arrows(&modules);
    let circles = graph::circles(&arrows);
    let pictures: String = circles.iter().map(|circle| picture(&modules, &arrows, circle)).collect();
    let names = |circle: &Vec<usize>| {
        circle.iter().map(|module| modules[*module].name.as_str()).collect::<Vec<_>>().join(" ")
    };
    (circles.iter().map(names).collect(), pictures.replace(&format!("{}/", folder.path().display()), ""))
}

#[track_caller]
fn has_none(files: &[(&str, &str)]) {
    assert_eq!(circles(files).0, [""; 0]);
}

#[track_caller]
fn has(circle: &str, files: &[(&str, &str)]) {
    assert_eq!(circles(files).0, [circle]);
}

const AB: (&str, &str) = ("lib.rs", "mod a; mod b;");

#[test]
fn a_circle_is_shown_as_arrows_with_a_use_for_each() {
    let (_, picture) = circles(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "\nuse crate::b::{X, Y};\npub struct A;"),
        ("b.rs", "use crate::c::C;\npub struct X; pub struct Y;"),
        ("c.rs", "\n\npub struct C(crate::a::A);"),
    ]);
    assert_eq!(
        picture,
        "\na -> b -> c -> a\n    a -> b: a.rs:2 and 1 more\n    b -> c: b.rs:1\n    c -> a: c.rs:3\n"
    );
}

#[test]
fn arrows_in_one_direction_are_no_circle() {
    has_none(&[
        ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("a.rs", "use crate::b::B; use crate::c::C;"),
        ("b.rs", "use super::c::C;"),
        ("c.rs", "use std::fmt; use serde::a; use ::b::B;"),
    ]);
}

#[test]
fn a_folder_and_its_own_files_may_know_each_other() {
    has_none(&[
        ("lib.rs", "mod a; pub struct Root; use a::A;"),
        ("a/mod.rs", "mod x; mod y; pub struct A; use x::X; use y::Y;"),
        ("a/x.rs", "use super::A; use crate::Root; pub struct X;"),
        ("a/y.rs", "use super::x::X; use crate::a::A; pub struct Y;"),
    ]);
}

#[test]
fn files_of_two_folders_make_a_circle_of_the_folders() {
    has(
        "a b",
        &[
            AB,
            ("a/mod.rs", "mod x; mod y;"),
            ("a/x.rs", "use crate::b::B;"),
            ("a/y.rs", "pub struct Y;"),
            ("b.rs", "use crate::a::y::Y; pub struct B;"),
        ],
    );
}

#[test]
fn circles_inside_of_a_folder_are_found() {
    has(
        "x y",
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod x; mod y;"),
            ("a/x.rs", "use super::y::Y; pub struct X;"),
            ("a/y.rs", "fn f() { let x = crate::a::x::X; } pub struct Y;"),
        ],
    );
}

#[test]
fn every_way_to_name_a_module_counts() {
    for way in [
        "use crate::a;",
        "use crate::a::A as _;",
        "use crate::{std::x, a::{self, A}};",
        "use super::a::*;",
        "use self::super::a::A;",
        "use crate::{a as other};",
        "fn f() -> Vec<crate::a::A> { vec![] }",
        "fn f() { let a = <crate::a::A as Clone>::clone(); }",
        "fn f() { println!(\"{}\", super::a::A); }",
        "#[serde(with = crate::a::A)] struct S;",
        "mod inner { use super::super::a::A; }",
        "use crate as root; fn f() { root::a::A; }",
        "macro_rules! m { () => { $crate::a::A } }",
        "pub(crate) use crate::a::A;",
    ] {
        let b = format!("{way}\npub struct B;");
        has("a b", &[AB, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", &b)]);
    }
}

#[test]
fn comments_texts_and_other_crates_do_not_count() {
    for text in [
        "// use crate::a::A;",
        "/// See [`crate::a::A`].\nfn f() {}",
        "fn f() { \"crate::a::A\"; r#\"crate::a::A\"#; }",
        "use ::a::A;",
        "use a::A;",
        "use other::crate_::a;",
        "fn f(a: Option<u8>) { a.map::<u8, _>(a).b::<u8>(); Vec::<u8>::a::b(); }",
    ] {
        let b = format!("{text}\npub struct B;");
        has_none(&[AB, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", &b)]);
    }
}

#[test]
fn re_exports_are_looked_through() {
    for root in [
        "mod a; mod b; pub use a::A;",
        "mod a; mod b; pub use crate::a::{A as Other, A};",
        "mod a; mod b; pub use a::*;",
        "mod a; mod b; pub use self::again::A; mod again { pub use super::a::A; }",
    ] {
        let files = [
            ("lib.rs", root),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::A; pub struct B;"),
        ];
        assert!(circles(&files).0.contains(&"a b".to_owned()), "{root}");
    }
    // What the root defines itself belongs to nobody else.
    has_none(&[
        ("lib.rs", "mod a; mod b; pub use a::*; pub struct Own;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::Own; pub struct B;"),
    ]);
}

#[test]
fn a_module_may_have_its_file_elsewhere() {
    has(
        "a b",
        &[
            ("lib.rs", "#[path = \"other/far.rs\"] mod a; mod b;"),
            ("other/far.rs", "use crate::b::B; pub struct A; mod inner;"),
            ("other/inner.rs", ""),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ],
    );
}

#[test]
fn a_module_that_was_imported_can_be_named_by_its_name_alone() {
    has(
        "x y",
        &[
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod x; mod y;"),
            ("a/x.rs", "use super::y::Y; pub struct X;"),
            ("a/y.rs", "use crate::a; fn f() { a::x::X; } pub struct Y;"),
        ],
    );
}

#[test]
fn test_code_does_not_count() {
    for text in [
        "#[cfg(test)] mod checks { use crate::a::A; }",
        "#[cfg(test)] use crate::a::{A};",
        "#[cfg(all(unix, test))] #[expect(dead_code)] pub(crate) fn f<T, U>(a: crate::a::A) {}",
        "struct S { #[cfg(test)] field: crate::a::A, other: u8 }",
        "fn f() { #[cfg(test)] crate::a::f(); }",
        "#[cfg(test)] const fn f() -> crate::a::A { A }",
        "#[cfg(test)] const A: crate::a::A = crate::a::A {};",
        "mod tests; mod testing; mod more_tests;",
    ] {
        let b = format!("{text}\npub struct B;");
        has_none(&[AB, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", &b)]);
        // What comes behind it counts.
        let b = format!("{text}\nuse crate::a::A; pub struct B;");
        has("a b", &[AB, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", &b)]);
    }
    for text in ["#[cfg(not(test))] use crate::a::A;", "#[cfg(any(test, unix))] use crate::a::A;"] {
        let b = format!("{text}\npub struct B;");
        has("a b", &[AB, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", &b)]);
    }
}

#[test]
fn each_circle_is_named_until_none_is_left() {
    let (found, _) = circles(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; use crate::c::C; pub struct A;"),
        ("b.rs", "use crate::a::A; use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::a::A; use crate::b::B; pub struct C;"),
    ]);
    assert_eq!(found, ["a b", "a c", "b c"]);
}

#[test]
fn a_file_that_is_missing_is_named() {
    let root = Path::new("/nowhere/lib.rs");
    assert!(source::read(root).unwrap_err().to_string().contains("/nowhere/lib.rs"));
}

#[test]
fn this_workspace_has_no_circles_and_its_walls_stand() {
    if let Err(error) = super::check(&[]) {
        panic!("{error}");
    }
}
