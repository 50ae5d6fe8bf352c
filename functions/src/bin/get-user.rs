//! The Lambda function `get-user`: see `muster_functions::users::get`.

use muster_functions::{runtime, users};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(users::get::handle)
}
