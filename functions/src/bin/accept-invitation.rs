//! The Lambda function `accept-invitation`: see `muster_functions::members::accept`.

use muster_functions::{members, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(members::accept::handle)
}
