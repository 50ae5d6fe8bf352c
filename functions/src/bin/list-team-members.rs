//! The Lambda function `list-team-members`: see `muster_functions::team_members::list`.

use muster_functions::{runtime, team_members};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(team_members::list::handle)
}
