//! The Lambda function `get-organization`: see `muster_functions::organizations::get`.

use muster_functions::{organizations, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(organizations::get::handle)
}
