//! Checks linearizability: whether some sequential order of the concurrent operations explains
//! every response, with each operation at one moment between its start and its end. Uses the
//! algorithm of Wing and Gong with Lowe's memory of visited states.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// The sequential specification.
pub trait Sequential: Clone + Eq + Hash {
    /// A request.
    type Operation: Debug;
    /// A response.
    type Response: PartialEq + Debug;

    /// Applies a request.
    fn invoke(&mut self, operation: &Self::Operation) -> Self::Response;
}

/// An observed operation.
#[derive(Clone, Debug)]
pub struct Seen<O, A> {
    /// The request.
    pub operation: O,
    /// The response; `None` if unknown.
    pub answer: Option<A>,
    /// The time of its start.
    pub begun: usize,
    /// The time of its end, or of its response to any client.
    pub ended: usize,
}

/// The indexes of the operations in an order that explains all responses; or of the longest
/// explained prefix.
///
/// An operation without a response may or may not be part of it.
pub fn explain<S: Sequential>(
    start: &S,
    history: &[Seen<S::Operation, S::Response>],
) -> Result<Vec<usize>, Vec<usize>> {
    assert!(history.len() <= 128, "a history too long to be judged");
    let mut search = Search {
        history,
        tried: HashSet::new(),
        order: Vec::new(),
        longest: Vec::new(),
    };
    if search.advance(start, 0) {
        Ok(search.order)
    } else {
        Err(search.longest)
    }
}

struct Search<'a, S: Sequential> {
    history: &'a [Seen<S::Operation, S::Response>],
    /// The operations placed so far, and the state after them.
    tried: HashSet<(u128, S)>,
    order: Vec<usize>,
    longest: Vec<usize>,
}

impl<S: Sequential> Search<'_, S> {
    fn advance(&mut self, state: &S, placed: u128) -> bool {
        if self.order.len() > self.longest.len() {
            self.longest.clone_from(&self.order);
        }
        let is_left = |place: &usize| placed & (1 << place) == 0;
        let left: Vec<usize> = (0..self.history.len()).filter(is_left).collect();
        // The next operation must have started before any remaining one ended.
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
                Some(expected) => *expected == answer && self.advance(&after, placed),
                None => self.advance(&after, placed) || self.advance(state, placed),
            };
            if explained {
                return true;
            }
            self.order.pop();
        }
        false
    }
}
