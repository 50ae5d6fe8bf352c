//! The Lambda function `create-organization`: see `muster_functions::organizations::create`.

use muster_functions::{organizations, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(organizations::create::handle)
}
