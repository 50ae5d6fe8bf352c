//! The same function with a client of SQS: a message for each request.

use lambda_http::Error;
use muster_bare::queue::Queue;
use muster_bare::serve::serve;

fn main() -> Result<(), Error> {
    serve::<Queue>()
}
