//! The Lambda function `restore-organization`: see `muster_functions::organizations::restore`.

use muster_functions::{organizations, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(organizations::restore::handle)
}
