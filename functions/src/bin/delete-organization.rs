//! The Lambda function `delete-organization`: see `muster_functions::organizations::delete`.

use muster_functions::{organizations, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(organizations::delete::handle)
}
