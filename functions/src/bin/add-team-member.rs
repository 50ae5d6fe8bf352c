//! The Lambda function `add-team-member`: see `muster_functions::team_members::add`.

use muster_functions::{runtime, team_members};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(team_members::add::handle)
}
