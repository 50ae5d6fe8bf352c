//! The Lambda function `remove-team-member`: see `muster_functions::team_members::remove`.

use muster_functions::{runtime, team_members};

fn main() -> Result<(), runtime::Error> {
    runtime::serve(team_members::remove::handle)
}
