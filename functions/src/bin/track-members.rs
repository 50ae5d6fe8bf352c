//! The Lambda function `track-members`: see `muster_functions::members::track`.

use muster_functions::{members, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(members::track::start)
}
