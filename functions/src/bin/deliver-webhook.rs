//! The Lambda function `deliver-webhook`: see `muster_functions::delivery::deliver_webhook`.

use muster_functions::{delivery, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(delivery::deliver_webhook::start)
}
