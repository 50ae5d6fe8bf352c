//! Added to the domain for mutation testing: chooses a mutant, and records which ones are reached.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

/// The number of the chosen mutant, in the environment.
const CHOSEN: &str = "MUSTER_MUTANT";
/// The file for the numbers of the mutants that are reached, in the environment.
const REACHED: &str = "MUSTER_MUTANTS_REACHED";

/// Returns whether this mutant is chosen.
#[must_use]
pub fn is_chosen(mutant: usize) -> bool {
    static CHOSEN_ONE: LazyLock<Option<usize>> =
        LazyLock::new(|| std::env::var(CHOSEN).ok()?.parse().ok());
    static REACHED_ONES: LazyLock<Option<Mutex<(HashSet<usize>, File)>>> = LazyLock::new(|| {
        let path = std::env::var_os(REACHED)?;
        let file = File::options().append(true).create(true).open(path).ok()?;
        Some(Mutex::new((HashSet::new(), file)))
    });
    if let Some(reached) = &*REACHED_ONES {
        let mut reached = reached.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, file) = &mut *reached;
        if known.insert(mutant) {
            let _ = writeln!(file, "{mutant}");
        }
    }
    *CHOSEN_ONE == Some(mutant)
}
