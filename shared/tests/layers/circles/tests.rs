use super::*;

/// A crate of these sources, each with its place.
fn crate_of(sources: &[(&str, &str)]) -> Vec<Source> {
    let sources = sources.iter();
    sources
        .map(|(place, text)| Source::new(place, place, text))
        .collect()
}

/// The circles, each as the names of its modules.
fn found_in(sources: &[(&str, &str)]) -> Vec<String> {
    let circles = circles(&crate_of(sources)).into_iter();
    let names = circles.map(|circle| {
        let modules = circle
            .iter()
            .map(|import| import.from.replace("crate::", ""));
        modules.collect::<Vec<_>>().join(" -> ")
    });
    names.collect()
}

#[test]
fn a_circle_of_siblings_is_found() {
    for (sources, circle) in [
        (
            &[("a.rs", "use crate::b::X;"), ("b.rs", "use super::a;")][..],
            "a -> b",
        ),
        // In groups, and from any depth.
        (
            &[
                ("a/mod.rs", "mod c;"),
                ("a/c.rs", "use crate::{\n    b::{self, X},\n};"),
                ("b/mod.rs", "mod d;"),
                ("b/d.rs", "use super::super::a::Y as Z;"),
            ],
            "a -> b",
        ),
        // Without a declaration.
        (
            &[
                ("a.rs", "fn f() -> super::b::X {}"),
                ("b.rs", "fn g() { crate::a::f() }"),
            ],
            "a -> b",
        ),
        // By a name that is declared for the module above.
        (
            &[
                ("s/mod.rs", ""),
                ("s/a.rs", "use crate::s;\n\nfn f() { s::b::g() }"),
                ("s/b.rs", "use super::a;"),
            ],
            "s::a -> s::b",
        ),
        // Through names that the module above both exports or imports.
        (
            &[
                (
                    "lib.rs",
                    "mod a;\nmod b;\n\nuse a::A as First;\npub use b::B;",
                ),
                ("a.rs", "use crate::B;"),
                ("b.rs", "use super::First;"),
            ],
            "a -> b",
        ),
        // In a folder.
        (
            &[
                ("s/mod.rs", ""),
                ("s/a.rs", "use super::b::X;"),
                ("s/b.rs", "use crate::s::a::Y;"),
            ],
            "s::a -> s::b",
        ),
        // The shortest is shown.
        (
            &[
                ("a.rs", "use crate::b::B;\nuse crate::c::C;"),
                ("b.rs", "use crate::c::C;"),
                ("c.rs", "use crate::a::A;"),
            ],
            "a -> c",
        ),
        (
            &[
                ("a.rs", "use crate::b::B;"),
                ("b.rs", "use crate::c::C;"),
                ("c.rs", "use crate::a::A;"),
            ],
            "a -> b -> c",
        ),
    ] {
        let found = found_in(sources);
        assert_eq!(
            found.first().map(String::as_str),
            Some(circle),
            "{sources:?}"
        );
    }
    let files = [("a.rs", "use crate::b::X;"), ("b.rs", "use super::a;")];
    let circle = circles(&crate_of(&files)).remove(0);
    let imports: Vec<_> = circle.iter().map(ToString::to_string).collect();
    assert_eq!(
        imports,
        [
            "a -> b: a.rs imports crate::b::X",
            "b -> a: b.rs imports super::a"
        ]
    );
}

#[test]
fn imports_that_make_no_circle_are_allowed() {
    for sources in [
        &[("a.rs", "use crate::b::X;"), ("b.rs", "// crate::a")][..],
        // From the module above, and from those in it.
        &[
            ("a/mod.rs", "mod b;\n\npub use b::B;\n\npub struct A;"),
            ("a/b.rs", "use super::A;"),
        ],
        &[("lib.rs", "mod a;\n\nuse a::A;"), ("a.rs", "use crate::X;")],
        // In tests.
        &[
            ("a.rs", "use crate::b::X;"),
            ("b.rs", "#[cfg(test)]\nmod tests {\n    use crate::a;\n}"),
        ],
        // Of other crates.
        &[
            ("a.rs", "use b::X;\nuse crate::b::Y;"),
            ("b.rs", "use a::X;"),
        ],
    ] {
        assert_eq!(found_in(sources), Vec::<String>::new(), "{sources:?}");
    }
}
