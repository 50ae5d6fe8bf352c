//! The Lambda function `get-member`: see `muster_functions::members::get`.

use muster_functions::{members, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(members::get::handle)
}
