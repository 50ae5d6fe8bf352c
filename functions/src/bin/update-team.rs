//! The Lambda function `update-team`: see `muster_functions::teams::update`.

use muster_functions::{runtime, teams};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(teams::update::handle)
}
