//! The Lambda function `list-organizations`: see `muster_functions::organizations::list`.

use muster_functions::{organizations, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(organizations::list::handle)
}
