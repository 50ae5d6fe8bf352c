use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Reply, World};

/// Sends all requests at once and returns the responses in order.
pub async fn at_once<T, F>(work: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Counts the responses by status.
pub fn statuses(replies: &[Reply]) -> BTreeMap<u16, usize> {
    let mut counted = BTreeMap::new();
    for reply in replies {
        *counted.entry(reply.status).or_default() += 1;
    }
    counted
}

impl World {
    /// Every item of the table by its key, to compare with a later state.
    pub async fn table(&self) -> BTreeMap<(String, String), Map<String, Value>> {
        let key = |item: &Map<String, Value>, name: &str| item[name].as_str().unwrap().to_owned();
        let items = self.items().await;
        let table: BTreeMap<_, _> = items
            .into_iter()
            .map(|item| ((key(&item, "pk"), key(&item, "sk")), item))
            .collect();
        table
    }
}
