//! The Lambda function `schedule-reconciles`: see `muster_functions::directories::schedule`.

use muster_functions::{directories, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(directories::schedule::start)
}
