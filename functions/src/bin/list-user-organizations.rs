//! The Lambda function `list-user-organizations`: see `muster_functions::users::list_organizations`.

use muster_functions::{runtime, users};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(users::list_organizations::handle)
}
