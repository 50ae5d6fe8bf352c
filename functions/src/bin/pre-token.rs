//! The Lambda function `pre-token`: see `muster_functions::triggers::pre_token`.

use muster_functions::{runtime, triggers};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(triggers::pre_token::start)
}
