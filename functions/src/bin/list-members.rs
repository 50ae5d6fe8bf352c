//! The Lambda function `list-members`: see `muster_functions::members::list`.

use muster_functions::{members, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(members::list::handle)
}
