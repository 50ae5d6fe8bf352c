//! Tests of the text of a file with mutants.

use super::*;
use crate::mutants::list::{Genre, MutatedSpan, Position};

/// A mutant of what follows `before` in the source.
fn mutant(source: &str, before: &str, genre: Genre, replacement: &str) -> Listed {
    let end = source.find(before).unwrap() + before.len();
    let lines: Vec<_> = source[..end].split('\n').collect();
    let start = Position {
        line: lines.len(),
        column: lines.last().unwrap().chars().count() + 1,
    };
    Listed {
        name: format!("{genre:?}"),
        file: "a.rs".to_owned(),
        function: None,
        genre,
        replacement: replacement.to_owned(),
        span: MutatedSpan { start },
    }
}

fn with(source: &str, mutants: &[Listed]) -> Instrumented {
    let mutants: Vec<_> = mutants.iter().enumerate().collect();
    instrument(source, &mutants, "on").unwrap()
}

#[test]
fn a_body_returns_each_other_value() {
    let source = "fn f() -> u8 {\n    1\n}";
    let values = ["0", "2"].map(|it| mutant(source, "    ", Genre::FnValue, it));
    let text = with(source, &values).text;
    assert_eq!(
        text,
        "fn f() -> u8 { if on(0) { return 0; } if on(1) { return 2; }\n    1\n}"
    );
}

#[test]
fn a_function_with_a_mutant_is_not_const() {
    let source = "const fn f() -> u8 { 1 }\nconst fn g() -> u8 { 2 }";
    let made = with(
        source,
        &[mutant(source, "f() -> u8 { ", Genre::FnValue, "0")],
    );
    assert_eq!(
        made.text,
        " fn f() -> u8 { if on(0) { return 0; } 1 }\nconst fn g() -> u8 { 2 }"
    );
    assert_eq!(made.no_longer_const, [("f".to_owned(), vec![0])]);
}

#[test]
fn operators_in_operands_are_replaced_as_well() {
    let source = "fn f() { let ä = !a && b < 1; }";
    let mutants = [
        mutant(source, "!a ", Genre::BinaryOperator, "||"),
        mutant(source, "b ", Genre::BinaryOperator, ">"),
        mutant(source, "= ", Genre::UnaryOperator, ""),
    ];
    let a = "(if on(2) { a } else { !a })";
    let b = "(if on(1) { b > 1 } else { b < 1 })";
    let made = with(source, &mutants);
    assert_eq!(
        made.text,
        format!("fn f() {{ let ä = (if on(0) {{ {a} || {b} }} else {{ {a} && {b} }}); }}")
    );
    // The compiler complains of one of them.
    assert_eq!(made.at(made.text.find("||").unwrap()), [0]);
    assert_eq!(made.at(made.text.find('>').unwrap()), [1]);
    assert_eq!(made.at(0), [] as [usize; 0]);
}

#[test]
fn match_arms_and_guards_are_mutated() {
    let source = "fn f() { match a { 1 => b, n if c => d, _ => e } }";
    let mutants = [
        mutant(source, "{ match a { ", Genre::MatchArm, ""),
        mutant(source, "if ", Genre::MatchArmGuard, "false"),
        mutant(source, "if ", Genre::MatchArmGuard, "true"),
    ];
    assert_eq!(
        with(source, &mutants).text,
        "fn f() { match a { 1 if !on(0) => b, n if (on(2) || !on(1) && (c)) => d, _ => e } }"
    );
}

#[test]
fn fields_come_from_the_base() {
    let source = "fn f() { A { b: 1, ..a } }\nfn g() { A { b, ..Default::default() } }";
    let mutants = [
        mutant(source, "f() { A { ", Genre::StructField, ""),
        mutant(source, "g() { A { ", Genre::StructField, ""),
    ];
    assert_eq!(
        with(source, &mutants).text,
        "fn f() { A { b: if on(0) { (a).b } else { 1 }, ..a } }\n\
         fn g() { A { b: if on(1) { (<A as Default>::default()).b } else { b }, \
         ..Default::default() } }"
    );
}

#[test]
fn a_mutant_without_a_place_is_reported() {
    let source = "fn f() { a == b }";
    let elsewhere = mutant(source, "fn ", Genre::BinaryOperator, "!=");
    let made = with(source, &[elsewhere]);
    assert_eq!((made.text.as_str(), made.without_place), (source, vec![0]));
}
