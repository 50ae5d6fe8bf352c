//! The Lambda function `register-user`: see `muster_functions::users::register`.

use muster_functions::{runtime, users};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(users::register::handle)
}
