//! The Lambda function `list-teams`: see `muster_functions::teams::list`.

use muster_functions::{runtime, teams};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(teams::list::handle)
}
