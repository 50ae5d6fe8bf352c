//! The Lambda function `add-member`: see `muster_functions::members::add`.

use muster_functions::{members, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(members::add::handle)
}
