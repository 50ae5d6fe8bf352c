//! The Lambda function `update-team-member`: see `muster_functions::team_members::update`.

use muster_functions::{runtime, team_members};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(team_members::update::handle)
}
