//! Finds where in a file its mutants belong.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use anyhow::{Context as _, Result};
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, ExprBinary, ExprStruct, ExprUnary, Member, Pat, Signature};

use super::Id;
use crate::mutants::list::{Genre, Listed};

/// A replacement for a part of the source.
#[derive(Debug)]
pub(super) enum Edit {
    /// A body: at its start, it returns other values.
    Returns(Vec<(Id, String)>),
    /// The parts of a binary expression, and the other operators.
    Operator {
        left: Range<usize>,
        operator: Range<usize>,
        right: Range<usize>,
        others: Vec<(Id, String)>,
    },
    /// An operand without its operator.
    Operand {
        operand: Range<usize>,
        mutant: Id,
    },
    /// After the pattern of an arm without a guard.
    NoArm(Id),
    /// A guard, which can also be always true, always false, or of an arm that is gone.
    Guard {
        always: Vec<(Id, bool)>,
        no_arm: Vec<Id>,
    },
    /// A field, which can also come from the base.
    Field {
        name: String,
        value: Range<usize>,
        base: String,
        mutant: Id,
    },
    /// A struct with such fields: its base may not be usable twice.
    Struct(Vec<Id>),
    NoConst,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) range: Range<usize>,
    pub(super) edit: Edit,
}

/// The places of the mutants of a file.
pub(super) struct Places {
    /// By their start; of those with the same start the longest first.
    pub(super) nodes: Vec<Node>,
    /// Functions that are no longer `const`, and the mutants in them.
    pub(super) no_longer_const: Vec<(String, Vec<Id>)>,
    /// The mutants that have no place in the syntax.
    pub(super) without_place: Vec<Id>,
}

/// Finds the places of these mutants.
pub(super) fn places(source: &str, mutants: &[(Id, &Listed)]) -> Result<Places> {
    let file = syn::parse_file(source).context("not Rust")?;
    let mut finder = Finder::new(source, mutants);
    finder.visit_file(&file);
    let Finder {
        mut nodes,
        no_longer_const,
        found,
        ..
    } = finder;
    nodes.sort_by_key(|node| (node.range.start, usize::MAX - node.range.end));
    let without_place = mutants.iter().map(|(id, _)| *id);
    let without_place = without_place.filter(|id| !found.contains(id)).collect();
    Ok(Places {
        nodes,
        no_longer_const,
        without_place,
    })
}

/// Finds the places of the mutants.
struct Finder<'a> {
    source: &'a str,
    /// Mutants by what they change and the byte where that starts.
    sites: HashMap<(Genre, usize), Vec<(Id, &'a Listed)>>,
    /// The first bytes of the bodies and arms that mutants replace.
    starts: Vec<(usize, Id, &'a Listed)>,
    nodes: Vec<Node>,
    no_longer_const: Vec<(String, Vec<Id>)>,
    found: BTreeSet<Id>,
}

impl<'a> Finder<'a> {
    fn new(source: &'a str, mutants: &[(Id, &'a Listed)]) -> Self {
        let lines: Vec<usize> = std::iter::once(0)
            .chain(source.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let mut sites: HashMap<_, Vec<_>> = HashMap::new();
        let mut starts = Vec::new();
        for (id, mutant) in mutants.iter().copied() {
            let place = mutant.span.start;
            let line = lines.get(place.line - 1).copied().unwrap_or_default();
            let before: usize = source[line..]
                .chars()
                .take(place.column - 1)
                .map(char::len_utf8)
                .sum();
            let start = line + before;
            sites
                .entry((mutant.genre, start))
                .or_default()
                .push((id, mutant));
            starts.push((start, id, mutant));
        }
        Self {
            source,
            sites,
            starts,
            nodes: Vec::new(),
            no_longer_const: Vec::new(),
            found: BTreeSet::new(),
        }
    }

    /// The mutants of this kind that start here.
    fn take(&mut self, genre: Genre, start: usize) -> Vec<(Id, &'a Listed)> {
        let taken = self.sites.remove(&(genre, start)).unwrap_or_default();
        self.found.extend(taken.iter().map(|(id, _)| *id));
        taken
    }

    fn text(&self, of: &impl Spanned) -> &'a str {
        &self.source[bytes(of.span())]
    }

    fn push(&mut self, range: Range<usize>, edit: Edit) {
        self.nodes.push(Node { range, edit });
    }

    /// A function: its body can return another value, and with mutants in it, it is no longer `const`.
    fn function(&mut self, signature: &Signature, block: &Block) {
        let body = bytes(block.span());
        let inside = self.starts.iter().filter(|(at, ..)| body.contains(at));
        let inside: Vec<_> = inside.map(|(_, id, _)| *id).collect();
        if inside.is_empty() {
            return;
        }
        if let Some(constness) = &signature.constness {
            self.push(bytes(constness.span()), Edit::NoConst);
            self.no_longer_const
                .push((signature.ident.to_string(), inside));
        }
        // The body of the function, not of one in it: a mutant of the body starts where its first statement does.
        let Some(first) = block.stmts.first() else {
            return;
        };
        let returns = self.take(Genre::FnValue, bytes(first.span()).start);
        if !returns.is_empty() {
            let returns = returns.into_iter();
            let returns = returns.map(|(id, it)| (id, it.replacement.clone()));
            let inner = body.start + 1..body.end - 1;
            self.push(inner, Edit::Returns(returns.collect()));
        }
    }
}

fn bytes(span: Span) -> Range<usize> {
    span.byte_range()
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.function(&it.sig, &it.block);
        visit::visit_item_fn(self, it);
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.function(&it.sig, &it.block);
        visit::visit_impl_item_fn(self, it);
    }

    fn visit_trait_item_fn(&mut self, it: &'ast syn::TraitItemFn) {
        if let Some(block) = &it.default {
            self.function(&it.sig, block);
        }
        visit::visit_trait_item_fn(self, it);
    }

    fn visit_expr_binary(&mut self, it: &'ast ExprBinary) {
        let operator = bytes(it.op.span());
        let others = self.take(Genre::BinaryOperator, operator.start);
        if !others.is_empty() {
            let others = others.into_iter();
            let others = others.map(|(id, it)| (id, it.replacement.clone()));
            let edit = Edit::Operator {
                left: bytes(it.left.span()),
                operator,
                right: bytes(it.right.span()),
                others: others.collect(),
            };
            self.push(bytes(it.span()), edit);
        }
        visit::visit_expr_binary(self, it);
    }

    fn visit_expr_unary(&mut self, it: &'ast ExprUnary) {
        let start = bytes(it.op.span()).start;
        for (mutant, _) in self.take(Genre::UnaryOperator, start) {
            let operand = bytes(it.expr.span());
            self.push(bytes(it.span()), Edit::Operand { operand, mutant });
        }
        visit::visit_expr_unary(self, it);
    }

    fn visit_arm(&mut self, it: &'ast Arm) {
        let no_arm = self.take(Genre::MatchArm, bytes(it.span()).start);
        let no_arm: Vec<_> = no_arm.into_iter().map(|(id, _)| id).collect();
        if let Pat::Guard(pattern) = &it.pat {
            let guard = bytes(pattern.guard.span());
            let always = self.take(Genre::MatchArmGuard, guard.start).into_iter();
            let always = always.map(|(id, it)| (id, it.replacement == "true"));
            let mut always: Vec<_> = always.collect();
            // `true || !false && (guard)`: in the other order the first would decide.
            always.sort_by_key(|(_, value)| !value);
            if !always.is_empty() || !no_arm.is_empty() {
                self.push(guard, Edit::Guard { always, no_arm });
            }
        } else if let [mutant] = no_arm[..] {
            let end = bytes(it.pat.span()).end;
            self.push(end..end, Edit::NoArm(mutant));
        }
        visit::visit_arm(self, it);
    }

    fn visit_expr_struct(&mut self, it: &'ast ExprStruct) {
        let base = it.rest.as_deref();
        let mut fields = Vec::new();
        for field in &it.fields {
            let range = bytes(field.span());
            let (Some(base), Member::Named(name)) = (base, &field.member) else {
                continue;
            };
            for (mutant, _) in self.take(Genre::StructField, range.start) {
                let base = match base {
                    // Without the struct around it, nothing says of what type.
                    Expr::Call(call) if self.text(&call.func) == "Default::default" => {
                        format!("<{} as Default>::default()", self.text(&it.path))
                    }
                    base => self.text(base).to_owned(),
                };
                let edit = Edit::Field {
                    name: name.to_string(),
                    value: bytes(field.expr.span()),
                    base,
                    mutant,
                };
                self.push(range.clone(), edit);
                fields.push(mutant);
            }
        }
        if !fields.is_empty() {
            self.push(bytes(it.span()), Edit::Struct(fields));
        }
        visit::visit_expr_struct(self, it);
    }
}
