//! The same function with a client of SQS: a message for each request.

#[path = "../client.rs"]
mod client;
#[path = "../queue.rs"]
mod queue;
#[path = "../serve.rs"]
mod serve;

use lambda_http::Error;
use queue::Queue;
use serve::serve;

fn main() -> Result<(), Error> {
    serve::<Queue>()
}
