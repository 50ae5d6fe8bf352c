//! The Lambda function `remove-member`: see `muster_functions::members::remove`.

use muster_functions::{members, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(members::remove::handle)
}
