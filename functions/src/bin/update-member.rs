//! The Lambda function `update-member`: see `muster_functions::members::update`.

use muster_functions::{members, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(members::update::handle)
}
