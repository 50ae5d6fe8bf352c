//! The Lambda function `post-login`: see `muster_functions::triggers::post_login`.

use muster_functions::{runtime, triggers};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(triggers::post_login::start)
}
