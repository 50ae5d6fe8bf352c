//! The same function with a client of SQS and an HTTP client: a message and a fetch for each request.

use lambda_http::Error;
use muster_bare::fetch::Fetch;
use muster_bare::queue::Queue;
use muster_bare::serve::serve;

fn main() -> Result<(), Error> {
    serve::<(Queue, Fetch)>()
}
