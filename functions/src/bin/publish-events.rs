//! The Lambda function `publish-events`: see `muster_functions::delivery::publish_events`.

use muster_functions::{delivery, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(delivery::publish_events::start)
}
