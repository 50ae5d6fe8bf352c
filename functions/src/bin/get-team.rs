//! The Lambda function `get-team`: see `muster_functions::teams::get`.

use muster_functions::{runtime, teams};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(teams::get::handle)
}
