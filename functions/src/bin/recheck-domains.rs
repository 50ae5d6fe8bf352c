//! The Lambda function `recheck-domains`: see `muster_functions::domains::recheck`.

use muster_functions::{domains, runtime};

fn main() -> Result<(), runtime::Error> {
    runtime::serve_trigger(domains::recheck::start)
}
