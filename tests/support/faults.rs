//! Injects faults with a proxy in front of the embedded DynamoDB.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use muster::store::requests::TableRequest;
use muster_local::Options;
use tokio::sync::oneshot;

use crate::World;
use crate::table_response::TableResponse;

/// A fault of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// DynamoDB throttles.
    Throttle,
    /// A transaction is cancelled because of a conflict.
    Conflict,
    /// The write of one item is rejected because of a transaction.
    ItemConflict,
    /// A transaction is cancelled by throttling.
    CancelledByThrottling,
    /// A transaction is cancelled by a validation error.
    CancelledByValidation,
    /// A transaction is rejected because the same one is in progress.
    InProgress,
    /// A request is rejected as invalid.
    Validation,
    /// DynamoDB returns an internal error.
    Failure(u16),
    /// The connection closes before DynamoDB gets the request.
    CutBefore,
    /// The request is applied; the connection closes before the response.
    CutAfter,
    /// The request is applied; the connection closes within the response.
    CutWithin,
    /// The response is delayed by this time.
    Delay(Duration),
    /// A `BatchGetItem` leaves its last key unprocessed.
    LeaveOut,
}

/// The planned faults, in front of the embedded DynamoDB.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    upstream: String,
    next: VecDeque<(String, Fault)>,
    always: Option<(String, Fault)>,
    chance: Option<(u8, fastrand::Rng)>,
    /// How many requests are answered before all others are cut.
    left: Option<u64>,
    held: VecDeque<(String, oneshot::Sender<()>, oneshot::Receiver<()>)>,
    forgetful: bool,
    /// The table that replaces the indexes of the real one.
    lagging: Option<String>,
}

/// A held request, which DynamoDB gets after the release.
#[derive(Debug)]
pub struct Held {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the request is held.
    pub async fn arrived(&mut self) {
        (&mut self.arrived).await.unwrap();
    }

    /// Releases the request.
    pub fn release(self) {
        self.release.send(()).unwrap();
    }
}

impl Faults {
    /// A world whose functions reach DynamoDB through this proxy.
    pub async fn world(mut options: Options) -> (World, Self) {
        let faults = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = options.configure_client.take();
        options.configure_client = Some(Arc::new(move |config| {
            let config = config.endpoint_url(url.clone());
            inner.as_ref().map_or(config.clone(), |inner| inner(config))
        }));
        let world = World::with(options).await;
        world
            .stack
            .dynamodb_url()
            .clone_into(&mut faults.0.lock().unwrap().upstream);
        let proxy = Router::new()
            .fallback(forward)
            .with_state((faults.clone(), reqwest::Client::new()));
        tokio::spawn(async move { axum::serve(listener, proxy).await });
        (world, faults)
    }

    /// The next requests of this operation get these faults, one after the other. Words after the operation must be in
    /// the request: `TransactWriteItems organization.created`.
    pub fn next(&self, operation: &str, faults: &[Fault]) {
        let mut plan = self.0.lock().unwrap();
        plan.next
            .extend(faults.iter().map(|fault| (operation.to_owned(), *fault)));
    }

    /// All requests of this operation get this fault from now on.
    pub fn always(&self, operation: &str, fault: Fault) {
        self.0.lock().unwrap().always = Some((operation.to_owned(), fault));
    }

    /// This percentage of requests gets a random transient fault.
    pub fn at_random(&self, percent: u8, seed: u64) {
        let random = fastrand::Rng::with_seed(seed);
        self.0.lock().unwrap().chance = Some((percent, random));
    }

    /// After this number of requests, DynamoDB gets none: as if the functions had been killed.
    pub fn kill_after(&self, requests: u64) {
        self.0.lock().unwrap().left = Some(requests);
    }

    /// Holds the next request of this operation.
    pub fn hold(&self, operation: &str) -> Held {
        let (arrival, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let held = (operation.to_owned(), arrival, released);
        self.0.lock().unwrap().held.push_back(held);
        Held { arrived, release }
    }

    /// DynamoDB forgets each `ClientRequestToken`, as it does after ten minutes.
    pub fn forget_tokens(&self) {
        self.0.lock().unwrap().forgetful = true;
    }

    /// Freezes the indexes in their current state until they [catch up](Self::catch_up).
    pub async fn hold_indexes_back(&self, world: &World) {
        let (client, table) = (world.stack.client(), world.stack.table_name());
        let described = client.describe_table().table_name(table).send().await;
        let described = described.unwrap().table.unwrap();
        let name = format!("{table}-behind");
        let indexes = described.global_secondary_indexes().iter().map(|index| {
            GlobalSecondaryIndex::builder()
                .index_name(index.index_name().unwrap())
                .set_key_schema(index.key_schema.clone())
                .set_projection(index.projection.clone())
                .build()
                .unwrap()
        });
        let created = client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(described.key_schema.clone())
            .set_attribute_definitions(described.attribute_definitions.clone())
            .set_global_secondary_indexes(Some(indexes.collect()))
            .send();
        created.await.unwrap();
        let all = client.scan().table_name(table).send().await.unwrap();
        assert!(all.last_evaluated_key().is_none(), "a table for one page");
        for item in all.items.unwrap_or_default() {
            let put = client.put_item().table_name(&name);
            put.set_item(Some(item)).send().await.unwrap();
        }
        self.0.lock().unwrap().lagging = Some(name);
    }

    /// The indexes have the state of the table again.
    pub async fn catch_up(&self, world: &World) {
        let behind = self.0.lock().unwrap().lagging.take();
        let behind = behind.expect("indexes that are held back");
        let client = world.stack.client();
        client
            .delete_table()
            .table_name(behind)
            .send()
            .await
            .unwrap();
    }

    /// Stops all faults. Returns the number of unused planned faults.
    pub fn stop(&self) -> usize {
        let mut plan = self.0.lock().unwrap();
        plan.always = None;
        plan.chance = None;
        plan.left = None;
        std::mem::take(&mut plan.next).len() + std::mem::take(&mut plan.held).len()
    }

    fn take(&self, request: &TableRequest) -> Option<Fault> {
        let operation = request.operation.as_str();
        let mut plan = self.0.lock().unwrap();
        if let Some((always, fault)) = &plan.always
            && matches(always, request)
        {
            return Some(*fault);
        }
        if let Some(left) = &mut plan.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Some(Fault::CutBefore);
            }
        }
        if let Some((percent, random)) = &mut plan.chance
            && random.u8(..100) < *percent
        {
            return Some(passing(operation, random));
        }
        let place = plan
            .next
            .iter()
            .position(|(next, _)| matches(next, request))?;
        plan.next.remove(place).map(|(_, fault)| fault)
    }

    async fn wait_if_held(&self, request: &TableRequest) {
        let held = {
            let mut plan = self.0.lock().unwrap();
            let place = plan
                .held
                .iter()
                .position(|(held, ..)| matches(held, request));
            place.and_then(|place| plan.held.remove(place))
        };
        if let Some((_, arrived, released)) = held {
            arrived.send(()).unwrap();
            released.await.unwrap();
        }
    }

    fn upstream(&self) -> (String, bool, Option<String>) {
        let plan = self.0.lock().unwrap();
        (plan.upstream.clone(), plan.forgetful, plan.lagging.clone())
    }
}

impl Fault {
    /// The response in place of DynamoDB's, which does not get the request.
    pub(crate) fn response(self, request: &TableRequest) -> Option<TableResponse> {
        let error = |status, kind| Some(TableResponse::error(status, kind));
        match self {
            Self::Throttle => error(400, "ThrottlingException"),
            Self::Validation => error(400, "ValidationException"),
            Self::ItemConflict => error(400, "TransactionConflictException"),
            Self::InProgress => error(400, "TransactionInProgressException"),
            Self::Failure(status) => error(status, "InternalServerError"),
            Self::Conflict => Some(TableResponse::cancelled(request, "TransactionConflict")),
            Self::CancelledByThrottling => {
                Some(TableResponse::cancelled(request, "ThrottlingError"))
            }
            Self::CancelledByValidation => {
                Some(TableResponse::cancelled(request, "ValidationError"))
            }
            Self::CutBefore
            | Self::CutAfter
            | Self::CutWithin
            | Self::Delay(_)
            | Self::LeaveOut => None,
        }
    }
}

/// A fault that a retry overcomes.
pub(crate) fn passing(operation: &str, random: &mut fastrand::Rng) -> Fault {
    let of_all = [
        Fault::Failure(500),
        Fault::Failure(503),
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::CutWithin,
    ];
    let of_transactions = [Fault::Conflict, Fault::CancelledByThrottling];
    let mut faults = of_all.to_vec();
    if operation == "TransactWriteItems" {
        faults.extend(of_transactions);
    }
    *random.choice(&faults).unwrap()
}

/// Whether a plan for an operation, and for words in its input, includes the request.
fn matches(planned: &str, request: &TableRequest) -> bool {
    let mut words = planned.split(' ');
    let input = request.input.to_string();
    words.next() == Some(&request.operation) && words.all(|word| input.contains(word))
}

/// Reads that are not strongly consistent read this table instead.
fn read_behind(request: &mut TableRequest, behind: String) {
    match request.operation.as_str() {
        "Query" if request.input.get("IndexName").is_some() => {
            request.input["TableName"] = behind.into();
        }
        "BatchGetItem" => {
            let tables = request.input["RequestItems"].as_object_mut().unwrap();
            let (name, keys) = tables.iter().next().unwrap();
            if keys["ConsistentRead"] != true {
                let (name, keys) = (name.clone(), keys.clone());
                tables.remove(&name);
                tables.insert(behind, keys);
            }
        }
        _ => {}
    }
}

async fn forward(
    State((faults, http)): State<(Faults, reqwest::Client)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers["x-amz-target"].to_str().unwrap();
    let mut request = TableRequest::parse(target, &body).unwrap();
    let fault = faults.take(&request);
    if let Some(response) = fault.and_then(|fault| fault.response(&request)) {
        return Response::builder()
            .status(response.status)
            .header("content-type", TableResponse::CONTENT_TYPE)
            .body(Body::from(response.to_body()))
            .unwrap();
    }
    match fault {
        Some(Fault::CutBefore) => cut(),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    faults.wait_if_held(&request).await;
    let (upstream, is_forgetful, lagging) = faults.upstream();
    if is_forgetful {
        forget_token(&mut request);
    } else if let Some(behind) = lagging {
        read_behind(&mut request, behind);
    }
    let mut forwarded = http.post(upstream).body(request.to_body());
    for (name, value) in &headers {
        if name != "host" && name != "content-length" {
            forwarded = forwarded.header(name, value);
        }
    }
    let answer = forwarded.send().await.unwrap();
    match fault {
        Some(Fault::CutAfter) => cut(),
        Some(Fault::CutWithin) => return broken_off(),
        _ => {}
    }
    let status = answer.status();
    let mut response = Response::builder().status(status);
    for (name, value) in answer.headers() {
        if name != "content-length" && name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    let mut body = answer.bytes().await.unwrap();
    if fault == Some(Fault::LeaveOut) {
        let mut partial = TableResponse::parse(status.as_u16(), &body).unwrap();
        partial.leave_out_last_key(&request);
        body = partial.to_body().into();
    }
    response.body(Body::from(body)).unwrap()
}

/// Closes the connection: the task of the server ends, and no panic is printed.
fn cut() {
    resume_unwind(Box::new("cut"));
}

/// A response that breaks off after its head.
fn broken_off() -> Response<Body> {
    let broken = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    Response::new(Body::from_stream(broken))
}

/// A new request for DynamoDB, as after ten minutes.
pub(crate) fn forget_token(request: &mut TableRequest) {
    let input = request.input.as_object_mut().unwrap();
    input.remove("ClientRequestToken");
}
