//! The Lambda function `restore-team`: see `muster_functions::teams::restore`.

use muster_functions::{runtime, teams};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(teams::restore::handle)
}
