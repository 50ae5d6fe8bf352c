//! Handlers: async functions that take a [`Call`] and the parts of the request that they need.

use std::sync::Arc;

use muster::config::SettingError;
use muster::domain::Caller;
use muster::http::{Answer, ApiRequest, Problem};

use super::parts::RequestPart;
use super::services::ServiceRight;
use super::{Call, camel_case};
use crate::openapi::Operation;
use crate::{App, Variables};

/// A handler with these parts.
pub(crate) trait Handler<Parts> {
    /// The rights for the services among the parts.
    const RIGHTS: &'static [Option<ServiceRight>];

    /// Reads the parts in order, and responds.
    fn call(
        self,
        call: Call,
        request: ApiRequest,
    ) -> impl Future<Output = Result<Answer, Problem>> + Send;

    /// Makes the services among the parts.
    fn start(&self, app: &mut App, variables: Variables<'_>) -> Result<(), SettingError>;

    /// Adds the parts to the operation.
    fn describe(&self, operation: Operation) -> Operation;
}

macro_rules! handler {
    ($($Part:ident $part:ident),*) => {
        impl<F, Handling, $($Part),*> Handler<($($Part,)*)> for F
        where
            F: FnOnce(Call, $($Part),*) -> Handling + Send,
            Handling: Future<Output = Result<Answer, Problem>> + Send,
            $($Part: RequestPart,)*
        {
            const RIGHTS: &'static [Option<ServiceRight>] = &[$($Part::RIGHT),*];

            async fn call(self, call: Call, request: ApiRequest) -> Result<Answer, Problem> {
                if !(false $(|| $Part::READS_QUERY)*) {
                    request.query().finish()?;
                }
                $(let $part = $Part::read(&call, &request)?;)*
                drop(request);
                self(call, $($part),*).await
            }

            fn start(
                &self,
                app: &mut App,
                variables: Variables<'_>,
            ) -> Result<(), SettingError> {
                $($Part::start(app, variables)?;)*
                let _ = (app, variables);
                Ok(())
            }

            fn describe(&self, operation: Operation) -> Operation {
                $(let operation = $Part::describe(operation);)*
                operation
            }
        }
    };
}

handler!();
handler!(A a);
handler!(A a, B b);
handler!(A a, B b, C c);
handler!(A a, B b, C c, D d);
handler!(A a, B b, C c, D d, E e);

/// Handles a request: the caller, the parts in order, the response.
pub(crate) async fn run<Parts>(
    handler: impl Handler<Parts>,
    name: &str,
    app: Arc<App>,
    caller: Result<Caller, Problem>,
    request: ApiRequest,
) -> Result<Answer, Problem> {
    let caller = caller?;
    let call = Call {
        now: app.clock.now(),
        origin: request.origin(&caller, camel_case(name), app.settings.audit_client_details),
        app,
        caller,
    };
    handler.call(call, request).await
}

/// Makes the services of a handler.
pub(crate) fn start<Parts>(
    handler: &impl Handler<Parts>,
    app: &mut App,
    variables: Variables<'_>,
) -> Result<(), SettingError> {
    handler.start(app, variables)
}

/// Returns the rights for the services of a handler.
pub(crate) const fn rights<Parts, H: Handler<Parts>>(_: &H) -> &'static [Option<ServiceRight>] {
    H::RIGHTS
}

/// Adds the parameters of a handler to its operation.
pub(crate) fn describe<Parts>(handler: &impl Handler<Parts>, operation: Operation) -> Operation {
    handler.describe(operation)
}
