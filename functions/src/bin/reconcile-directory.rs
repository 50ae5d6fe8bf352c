//! The Lambda function `reconcile-directory`: see `muster_functions::directories::reconcile`.

use muster_functions::{directories, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(directories::reconcile::start)
}
