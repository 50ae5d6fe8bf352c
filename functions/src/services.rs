//! The services of a function.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The services of a function, each of a type of its own.
#[derive(Clone, Default)]
pub struct Services(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Services {
    /// Adds a service.
    pub(crate) fn insert<S: Any + Send + Sync>(&mut self, service: S) {
        self.0.insert(TypeId::of::<S>(), Arc::new(service));
    }

    /// Returns the service of this type, if it was added.
    pub(crate) fn get<S: Any + Send + Sync>(&self) -> Option<Arc<S>> {
        let service = self.0.get(&TypeId::of::<S>())?;
        Arc::clone(service).downcast().ok()
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Services")
    }
}
