//! Handlers: async functions that take a [`Call`] and the parts of the request that they need, or a [`PublicCall`] and the request.

use std::sync::Arc;

use muster::config::SettingError;
use muster::domain::Caller;
use muster::http::{Answer, ApiRequest, Problem};

use super::parts::RequestPart;
use super::{Call, PublicCall, camel_case};
use crate::openapi::Operation;
use crate::runtime::HttpHandler;
use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

/// A handler with these parameters.
pub(crate) trait Handler<Parameters>: Copy + Send + Sync + 'static {
    /// What it uses besides the table.
    type Services: Services;

    /// Whether it is called without a token of a user.
    const IS_PUBLIC: bool;

    /// Reads the parameters in order, and responds.
    fn call(
        self,
        context: FunctionContext<Self::Services>,
        caller: Result<Caller, Problem>,
        request: ApiRequest,
    ) -> impl Future<Output = Result<Answer, Problem>> + Send + 'static;

    /// Adds the parameters to the operation.
    fn describe(&self, operation: Operation) -> Operation;
}

/// The context of an HTTP function.
pub(crate) struct FunctionContext<S> {
    /// The name of the handler.
    name: &'static str,
    app: Arc<App>,
    services: Arc<S>,
}

impl<S> FunctionContext<S> {
    /// Begins a call by a caller.
    fn call(self, caller: Caller, request: &ApiRequest) -> Call<S> {
        let Self {
            name,
            app,
            services,
        } = self;
        let keeps_client = app.settings.audit_client_details;
        Call {
            now: app.clock.now(),
            origin: request.origin(&caller, camel_case(name), keeps_client),
            app,
            services,
            caller,
        }
    }
}

macro_rules! handler {
    ($($Part:ident $part:ident),*) => {
        impl<F, S, Answering, $($Part),*> Handler<(Call<S>, $($Part,)*)> for F
        where
            F: FnOnce(Call<S>, $($Part),*) -> Answering + Copy + Send + Sync + 'static,
            S: Services,
            Answering: Future<Output = Result<Answer, Problem>> + Send + 'static,
            $($Part: RequestPart,)*
        {
            type Services = S;

            const IS_PUBLIC: bool = false;

            async fn call(
                self,
                context: FunctionContext<S>,
                caller: Result<Caller, Problem>,
                request: ApiRequest,
            ) -> Result<Answer, Problem> {
                let call = context.call(caller?, &request);
                if !(false $(|| $Part::READS_QUERY)*) {
                    request.query().finish()?;
                }
                $(let $part = $Part::read(&call.caller, &request)?;)*
                drop(request);
                self(call, $($part),*).await
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

/// A handler that is called without a token of a user takes the whole request, and authorizes it itself.
impl<F, S, Answering> Handler<(PublicCall<S>, ApiRequest)> for F
where
    F: FnOnce(PublicCall<S>, ApiRequest) -> Answering + Copy + Send + Sync + 'static,
    S: Services,
    Answering: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    type Services = S;

    const IS_PUBLIC: bool = true;

    async fn call(
        self,
        context: FunctionContext<S>,
        _: Result<Caller, Problem>,
        request: ApiRequest,
    ) -> Result<Answer, Problem> {
        let FunctionContext { app, services, .. } = context;
        self(PublicCall { app, services }, request).await
    }

    fn describe(&self, operation: Operation) -> Operation {
        operation.without_token()
    }
}

/// Creates what the handler uses, and returns what answers its requests.
pub(crate) fn start<Parameters, H: Handler<Parameters>>(
    handler: H,
    name: &'static str,
    app: &Arc<App>,
    variables: Variables<'_>,
) -> Result<HttpHandler, SettingError> {
    let services = Arc::new(H::Services::read(app, variables)?);
    let app = Arc::clone(app);
    Ok(Arc::new(move |caller, request| {
        let context = FunctionContext {
            name,
            app: Arc::clone(&app),
            services: Arc::clone(&services),
        };
        Box::pin(handler.call(context, caller, request))
    }))
}

/// Returns the rights for what a handler uses.
pub(crate) const fn rights<Parameters, H: Handler<Parameters>>(_: &H) -> &'static [ServiceRight] {
    H::Services::RIGHTS
}

/// Returns whether a handler is called without a token of a user.
pub(crate) const fn is_public<Parameters, H: Handler<Parameters>>(_: &H) -> bool {
    H::IS_PUBLIC
}

/// Adds the parameters of a handler to its operation.
pub(crate) fn describe<Parameters>(
    handler: &impl Handler<Parameters>,
    operation: Operation,
) -> Operation {
    handler.describe(operation)
}
