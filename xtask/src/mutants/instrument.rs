//! Puts mutants into a file: each beside the code it replaces, chosen by its number while the tests run.

mod places;

use std::ops::Range;

use anyhow::Result;

use self::places::{Edit, Node, Places, places};
use super::list::Listed;

/// A mutant by its place in the list.
pub(super) type Id = usize;

/// A file with mutants.
#[derive(Debug, Default)]
pub(super) struct Instrumented {
    pub(super) text: String,
    /// Parts of the text, and the mutants that put them there. A part that holds others comes with all of theirs.
    pub(super) parts: Vec<(Range<usize>, Vec<Id>)>,
    /// Functions that are no longer `const`, and the mutants in them.
    pub(super) no_longer_const: Vec<(String, Vec<Id>)>,
    /// The mutants that have no place in the syntax.
    pub(super) without_place: Vec<Id>,
}

impl Instrumented {
    /// The mutants in the smallest part that contains this byte.
    pub(super) fn at(&self, byte: usize) -> &[Id] {
        let parts = self.parts.iter();
        let around = parts.filter(|(part, _)| part.contains(&byte));
        let smallest = around.min_by_key(|(part, _)| part.len());
        smallest.map_or(&[], |(_, mutants)| mutants.as_slice())
    }
}

/// Puts these mutants into the text of their file. `on` is the path of the function that returns whether a
/// mutant is chosen.
pub(super) fn instrument(
    source: &str,
    mutants: &[(Id, &Listed)],
    on: &str,
) -> Result<Instrumented> {
    let Places {
        nodes,
        no_longer_const,
        without_place,
    } = places(source, mutants)?;
    let mut writer = Writer {
        source,
        nodes: &nodes,
        on,
        into: Instrumented {
            no_longer_const,
            without_place,
            ..Instrumented::default()
        },
    };
    writer.put(0..source.len(), 0);
    Ok(writer.into)
}

/// Writes the text with its mutants.
struct Writer<'a> {
    source: &'a str,
    /// As [`Places`] has them.
    nodes: &'a [Node],
    on: &'a str,
    into: Instrumented,
}

impl Writer<'_> {
    /// Writes this part of the source with the nodes in it, from this one on.
    fn put(&mut self, range: Range<usize>, from: usize) {
        let mut at = range.start;
        for (index, node) in self.nodes.iter().enumerate().skip(from) {
            if node.range.start >= range.end {
                break;
            }
            if node.range.start >= at && node.range.end <= range.end {
                self.raw(&self.source[at..node.range.start]);
                self.node(index, node);
                at = node.range.end;
            }
        }
        self.raw(&self.source[at..range.end]);
    }

    fn raw(&mut self, text: &str) {
        self.into.text.push_str(text);
    }

    /// Writes a part and remembers of which mutants it is.
    fn part(&mut self, mutants: Vec<Id>, write: impl FnOnce(&mut Self)) {
        let start = self.into.text.len();
        write(self);
        let end = self.into.text.len();
        self.into.parts.push((start..end, mutants));
    }

    /// Whether this mutant is chosen, as an expression.
    fn chosen(&self, mutant: Id) -> String {
        format!("{}({mutant})", self.on)
    }

    fn node(&mut self, index: usize, node: &Node) {
        match &node.edit {
            Edit::NoConst => {}
            Edit::Struct(fields) => self.part(fields.clone(), |it| {
                it.put(node.range.clone(), index + 1);
            }),
            Edit::Returns(others) => {
                let all = others.iter().map(|(id, _)| *id).collect();
                self.part(all, |it| {
                    for (id, value) in others {
                        let chosen = it.chosen(*id);
                        it.part(vec![*id], |it| {
                            it.raw(&format!(" if {chosen} {{ return {value}; }}"));
                        });
                    }
                    it.put(node.range.clone(), index + 1);
                });
            }
            Edit::Operator {
                left,
                operator,
                right,
                others,
            } => {
                let all = others.iter().map(|(id, _)| *id).collect();
                self.part(all, |it| {
                    it.raw("(");
                    for (id, other) in others {
                        let chosen = it.chosen(*id);
                        it.part(vec![*id], |it| {
                            it.raw(&format!("if {chosen} {{ "));
                            it.put(left.clone(), index + 1);
                            it.raw(&format!(" {other} "));
                            it.put(right.clone(), index + 1);
                            it.raw(" } else ");
                        });
                    }
                    it.raw("{ ");
                    it.put(left.clone(), index + 1);
                    let operator = &it.source[operator.clone()];
                    it.raw(&format!(" {operator} "));
                    it.put(right.clone(), index + 1);
                    it.raw(" })");
                });
            }
            Edit::Operand { operand, mutant } => {
                let chosen = self.chosen(*mutant);
                self.part(vec![*mutant], |it| {
                    it.raw(&format!("(if {chosen} {{ "));
                    it.put(operand.clone(), index + 1);
                    it.raw(" } else { ");
                    it.put(node.range.clone(), index + 1);
                    it.raw(" })");
                });
            }
            Edit::NoArm(mutant) => {
                let chosen = self.chosen(*mutant);
                self.part(vec![*mutant], |it| it.raw(&format!(" if !{chosen}")));
            }
            Edit::Guard { always, no_arm } => {
                let all = always.iter().map(|(id, _)| *id);
                let all = all.chain(no_arm.iter().copied()).collect();
                self.part(all, |it| {
                    for id in no_arm {
                        it.raw(&format!("!{} && ", it.chosen(*id)));
                    }
                    it.raw("(");
                    for (id, value) in always {
                        let chosen = it.chosen(*id);
                        it.raw(&if *value {
                            format!("{chosen} || ")
                        } else {
                            format!("!{chosen} && ")
                        });
                    }
                    it.raw("(");
                    it.put(node.range.clone(), index + 1);
                    it.raw("))");
                });
            }
            Edit::Field {
                name,
                value,
                base,
                mutant,
            } => {
                let chosen = self.chosen(*mutant);
                self.part(vec![*mutant], |it| {
                    it.raw(&format!(
                        "{name}: if {chosen} {{ ({base}).{name} }} else {{ "
                    ));
                    it.put(value.clone(), index + 1);
                    it.raw(" }");
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
