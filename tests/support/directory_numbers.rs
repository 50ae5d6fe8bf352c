//! Compares the numbers of users and groups of directories of type `scim` with their names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The buckets and slots whose number is not that of their names.
pub(crate) fn violations(items: &[Map<String, Value>]) -> Vec<String> {
    let mut named = BTreeMap::<(String, String), u64>::new();
    let mut counted = BTreeMap::new();
    for item in items {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        let (pk, sk) = (text("pk"), text("sk"));
        let of_directory = pk.contains("#DIRECTORY#");
        if let Some(directory) = pk.strip_suffix("#NAMES")
            && of_directory
        {
            let mut parts = sk.split('#');
            let (Some(kind), Some(place)) = (parts.next(), parts.next()) else {
                continue;
            };
            let (bucket, slot) = place.split_at(2);
            for (item, place) in [(String::new(), bucket), (bucket.to_owned(), slot)] {
                let item = format!("{directory} {kind}#{item}");
                *named.entry((item, format!("n{place}"))).or_default() += 1;
            }
        } else if let Some(directory) = pk.strip_suffix("#NUMBERS")
            && of_directory
        {
            let numbers = item.iter().filter(|(_, number)| number.is_number());
            for (place, number) in numbers {
                let number = number.as_u64().unwrap_or(u64::MAX);
                counted.insert((format!("{directory} {sk}"), place.clone()), number);
            }
        }
    }
    counted.retain(|_, number| *number > 0);
    let differs = |one: &BTreeMap<_, _>, other: &BTreeMap<_, _>| {
        let missing = one
            .iter()
            .filter(|(place, number)| other.get(*place) != Some(*number));
        missing
            .map(|(place, number)| format!("{place:?}: {number}"))
            .collect::<Vec<_>>()
    };
    let wrong = [differs(&named, &counted), differs(&counted, &named)].concat();
    wrong
        .into_iter()
        .map(|it| format!("number of a directory: {it}"))
        .collect()
}
