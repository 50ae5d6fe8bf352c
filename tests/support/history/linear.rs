//! Whether there is an order of what was done at once that explains every answer: each operation at some
//! moment between its beginning and its end, all of it at that moment. After Wing and Gong, with the
//! memory of Lowe: what was tried once from the same state is not tried again.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// What happens one after the other, by the book.
pub trait Sequential: Clone + Eq + Hash {
    /// What is asked.
    type Operation: Debug;
    /// What comes of it.
    type Answer: PartialEq + Debug;

    /// Does it.
    fn invoke(&mut self, operation: &Self::Operation) -> Self::Answer;
}

/// An operation as it was seen from outside.
#[derive(Clone, Debug)]
pub struct Seen<O, A> {
    /// What was asked.
    pub operation: O,
    /// What was answered; `None` when nothing was said of whether it was done.
    pub answer: Option<A>,
    /// When it began.
    pub begun: usize,
    /// When it was over, whoever was told.
    pub ended: usize,
}

/// The places of the operations in an order that explains all answers; or of as many as could be
/// explained.
///
/// An operation of which nothing is known was done in it, or was not.
pub fn explain<S: Sequential>(
    start: &S,
    history: &[Seen<S::Operation, S::Answer>],
) -> Result<Vec<usize>, Vec<usize>> {
    assert!(history.len() <= 128, "a history too long to be judged");
    let mut search = Search {
        history,
        tried: HashSet::new(),
        order: Vec::new(),
        longest: Vec::new(),
    };
    if search.go_on(start, 0) {
        Ok(search.order)
    } else {
        Err(search.longest)
    }
}

struct Search<'a, S: Sequential> {
    history: &'a [Seen<S::Operation, S::Answer>],
    /// What was placed, and the state then.
    tried: HashSet<(u128, S)>,
    order: Vec<usize>,
    longest: Vec<usize>,
}

impl<S: Sequential> Search<'_, S> {
    fn go_on(&mut self, state: &S, placed: u128) -> bool {
        if self.order.len() > self.longest.len() {
            self.longest.clone_from(&self.order);
        }
        let is_left = |place: &usize| placed & (1 << place) == 0;
        let left: Vec<usize> = (0..self.history.len()).filter(is_left).collect();
        // Whatever comes next must have begun before any that is left was over.
        let Some(first_end) = left.iter().map(|place| self.history[*place].ended).min() else {
            return true;
        };
        if !self.tried.insert((placed, state.clone())) {
            return false;
        }
        for place in left {
            let seen = &self.history[place];
            if seen.begun > first_end {
                continue;
            }
            let mut after = state.clone();
            let answer = after.invoke(&seen.operation);
            let placed = placed | 1 << place;
            self.order.push(place);
            let explained = match &seen.answer {
                Some(told) => *told == answer && self.go_on(&after, placed),
                None => self.go_on(&after, placed) || self.go_on(state, placed),
            };
            if explained {
                return true;
            }
            self.order.pop();
        }
        false
    }
}
