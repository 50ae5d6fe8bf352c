//! The Lambda function `list-user-teams`: see `muster_functions::users::list_teams`.

use muster_functions::{runtime, users};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(users::list_teams::handle)
}
