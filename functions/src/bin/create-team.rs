//! The Lambda function `create-team`: see `muster_functions::teams::create`.

use muster_functions::{runtime, teams};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(teams::create::handle)
}
