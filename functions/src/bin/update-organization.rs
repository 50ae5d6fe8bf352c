//! The Lambda function `update-organization`: see `muster_functions::organizations::update`.

use muster_functions::{organizations, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(organizations::update::handle)
}
