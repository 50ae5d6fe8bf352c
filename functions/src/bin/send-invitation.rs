//! The Lambda function `send-invitation`: see `muster_functions::delivery::send_invitation`.

use muster_functions::{delivery, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(delivery::send_invitation::start)
}
