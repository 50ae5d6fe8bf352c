//! The same function with a client of SQS and an HTTP client: a message and a fetch for each request.

#[path = "../client.rs"]
mod client;
#[path = "../fetch.rs"]
mod fetch;
#[path = "../queue.rs"]
mod queue;
#[path = "../serve.rs"]
mod serve;

use fetch::Fetch;
use lambda_http::Error;
use queue::Queue;
use serve::serve;

fn main() -> Result<(), Error> {
    serve::<(Queue, Fetch)>()
}
