//! Sibling modules do not import each other in a circle: of the modules of one folder, each stands above those that it
//! imports. A module is a file or a folder, with all that is in it. A module may import from those above it in the tree,
//! and those from it.

mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::imports::{absolute, code, expand, paths, paths_from, sources};

/// Folders of sources that are crates of their own, beside `src` of each package.
const MORE: [&str; 4] = [
    "shared/tests/layers",
    "tests/histories",
    "tests/support",
    "xtask/tests/template",
];

/// The name of a module from its crate on: `crate::store::users`.
type Module = String;

/// A source of a crate.
struct Source {
    file: String,
    module: Module,
    code: String,
}

impl Source {
    /// A source of this text, at this place in the folder of its crate.
    fn new(file: &str, place: &str, text: &str) -> Self {
        let place = place.trim_end_matches(".rs");
        let inside = match place.rsplit_once('/') {
            Some((folder, "mod")) => folder,
            None if ["lib", "main"].contains(&place) => "",
            _ => place,
        };
        let module = match inside {
            "" => "crate".to_owned(),
            inside => format!("crate::{}", inside.replace('/', "::")),
        };
        Self {
            file: file.to_owned(),
            module,
            code: code(text),
        }
    }
}

/// The modules of a crate, and the names that each of them imports or exports again.
struct Crate {
    modules: BTreeSet<Module>,
    names: BTreeMap<Module, BTreeMap<String, String>>,
}

impl Crate {
    fn new(sources: &[Source]) -> Self {
        let modules = sources.iter().map(|it| it.module.clone());
        let modules: BTreeSet<_> = modules.chain(["crate".to_owned()]).collect();
        let mut names: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for source in sources {
            let own = names.entry(source.module.clone()).or_default();
            for (name, path) in imported_names(&source.code) {
                let first = path.split("::").next().unwrap();
                let child = format!("{}::{first}", source.module);
                let path = if modules.contains(&child) {
                    format!("{}::{path}", source.module)
                } else {
                    from_crate(&path, &source.module)
                };
                own.insert(name, path);
            }
        }
        Self { modules, names }
    }

    /// Returns the module that declares what a path names. Follows names that a module exports again.
    fn declared_in(&self, path: &str) -> Option<Module> {
        let mut path = path.to_owned();
        // More exports of one name in a row than any crate has.
        for _ in 0..10 {
            let mut module = String::new();
            let mut rest = path.split("::");
            let next = loop {
                let Some(part) = rest.next() else {
                    return Some(module);
                };
                let inner = if module.is_empty() {
                    part.to_owned()
                } else {
                    format!("{module}::{part}")
                };
                if !self.modules.contains(&inner) {
                    if module.is_empty() {
                        return None;
                    }
                    break part;
                }
                module = inner;
            };
            let Some(imported) = self.names.get(&module).and_then(|names| names.get(next)) else {
                return Some(module);
            };
            path = rest.fold(imported.clone(), |path, part| format!("{path}::{part}"));
        }
        None
    }
}

/// The names that the `use` declarations of a source bring into it, each with its path.
fn imported_names(code: &str) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let line = code[..at].rsplit('\n').next().unwrap().trim();
        if !(line.is_empty() || line.starts_with("pub")) {
            continue;
        }
        let mut found = Vec::new();
        expand("", &code[at + "use ".len()..], &mut found);
        names.extend(found.into_iter().filter_map(|path| {
            let (path, alias) = match path.split_once(" as ") {
                Some((path, alias)) => (path, Some(alias)),
                None => (path.as_str(), None),
            };
            let path = path.trim_end_matches("::self");
            let name = alias.or(path.rsplit("::").next())?;
            Some((name.to_owned(), path.to_owned()))
        }));
    }
    names
}

/// A path from its crate on. Paths of other crates stay as they are.
fn from_crate(path: &str, module: &str) -> String {
    match path.strip_prefix("self::") {
        Some(rest) => format!("{module}::{rest}"),
        None => absolute(path, module),
    }
}

/// One module imports from a sibling.
#[derive(Clone, Debug, PartialEq)]
struct Import {
    from: Module,
    to: Module,
    file: String,
    path: String,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |module: &str| module.rsplit("::").next().unwrap().to_owned();
        let (from, to) = (name(&self.from), name(&self.to));
        write!(f, "{from} -> {to}: {} imports {}", self.file, self.path)
    }
}

/// The imports between siblings, by the module that both are in.
fn imports(sources: &[Source]) -> BTreeMap<Module, Vec<Import>> {
    let tree = Crate::new(sources);
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for source in sources {
        let own = tree.names.get(&source.module).into_iter().flatten();
        let inline = own.flat_map(|(name, path)| {
            let inside = paths_from(&[&format!("{name}::")], &source.code).into_iter();
            inside.map(move |found| found.replacen(name, path, 1))
        });
        let all: BTreeSet<_> = paths(&source.code).into_iter().chain(inline).collect();
        for path in &all {
            let path = path.trim_end_matches("::self");
            let Some(target) = tree.declared_in(&from_crate(path, &source.module)) else {
                continue;
            };
            let Some((parent, from, to)) = siblings(&source.module, &target) else {
                continue;
            };
            found.entry(parent).or_default().push(Import {
                from,
                to,
                file: source.file.clone(),
                path: path.to_owned(),
            });
        }
    }
    found
}

/// Returns the module that two modules are in, and its modules that they are or are in; `None` if one is in the other.
fn siblings(one: &str, other: &str) -> Option<(Module, Module, Module)> {
    let parts = one.split("::").zip(other.split("::"));
    let shared = parts.take_while(|(a, b)| a == b).count();
    let first = |module: &str, count| {
        let parts: Vec<_> = module.split("::").take(count).collect();
        (parts.len() == count).then(|| parts.join("::"))
    };
    let (from, to) = (first(one, shared + 1)?, first(other, shared + 1)?);
    Some((first(one, shared)?, from, to))
}

/// Returns the shortest circle.
fn shortest_circle(imports: &[Import]) -> Option<Vec<Import>> {
    let starts: BTreeSet<_> = imports.iter().map(|import| &import.from).collect();
    let circles = starts
        .into_iter()
        .filter_map(|start| circle_through(start, imports));
    circles.min_by_key(Vec::len)
}

/// Returns the shortest circle through a module.
fn circle_through(start: &str, imports: &[Import]) -> Option<Vec<Import>> {
    let mut reached = BTreeSet::new();
    let mut ways = VecDeque::from([(start, Vec::new())]);
    while let Some((module, way)) = ways.pop_front() {
        for import in imports.iter().filter(|import| import.from == module) {
            let way: Vec<_> = way.iter().cloned().chain([import.clone()]).collect();
            if import.to == start {
                return Some(way);
            }
            if reached.insert(&import.to) {
                ways.push_back((&import.to, way));
            }
        }
    }
    None
}

/// Returns circles of a crate until no other remains without their imports.
fn circles(sources: &[Source]) -> Vec<Vec<Import>> {
    let mut found = Vec::new();
    for mut imports in imports(sources).into_values() {
        while let Some(circle) = shortest_circle(&imports) {
            imports.retain(|import| {
                !circle
                    .iter()
                    .any(|it| it.from == import.from && it.to == import.to)
            });
            found.push(circle);
        }
    }
    found
}

/// The folders of sources of the workspace.
fn folders(root: &Path) -> Vec<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = manifest.lines().find(|line| line.starts_with("members = "));
    let members = members.unwrap().split('"').skip(1).step_by(2);
    let of_packages = members.map(|member| format!("{member}/src"));
    let of_packages = of_packages.filter(|folder| root.join(folder).is_dir());
    of_packages.chain(MORE.map(str::to_owned)).collect()
}

fn crate_sources(root: &Path, folder: &str) -> Vec<Source> {
    let folder = root.join(folder);
    let mut files: Vec<PathBuf> = Vec::new();
    sources(&folder, &mut files);
    files.sort();
    let read = |file: PathBuf| {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let place = text(file.strip_prefix(&folder).unwrap());
        // Each binary is a crate of its own.
        if place.starts_with("bin/") {
            return None;
        }
        let name = text(file.strip_prefix(root).unwrap());
        Some(Source::new(
            &name,
            &place,
            &fs::read_to_string(&file).unwrap(),
        ))
    };
    files.into_iter().filter_map(read).collect()
}

#[test]
fn siblings_have_no_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut report = Vec::new();
    let folders = folders(root);
    assert!(folders.len() > 15, "the packages are found");
    for folder in folders {
        let sources = crate_sources(root, &folder);
        for circle in circles(&sources) {
            let imports: Vec<_> = circle.iter().map(ToString::to_string).collect();
            report.push(format!("A circle in {folder}:\n  {}", imports.join("\n  ")));
        }
    }
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}
