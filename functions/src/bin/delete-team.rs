//! The Lambda function `delete-team`: see `muster_functions::teams::delete`.

use muster_functions::{runtime, teams};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(teams::delete::handle)
}
