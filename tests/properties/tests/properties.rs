//! Checks the properties on the fuzzer's corpus, on typical inputs, and on random inputs.

// All of this file is tests.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use muster_properties::ALL;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Largest total size of all corpora, in bytes.
const MAX_CORPUS: u64 = 200 * 1024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|_| panic!("no {}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_fuzzer_corpus_satisfies_the_properties() {
    for property in &ALL {
        let corpus = files(&fuzz().join("corpus").join(property.name));
        assert!(!corpus.is_empty(), "{} has no corpus", property.name);
        for file in corpus {
            let data = fs::read(&file).unwrap();
            // Named in case of a failure.
            println!("{}", file.display());
            (property.check)(&data);
        }
    }
}

#[test]
fn typical_inputs_satisfy_the_properties() {
    for property in &ALL {
        for seed in property.seeds {
            println!("{}: {}", property.name, String::from_utf8_lossy(seed));
            (property.check)(seed);
        }
    }
}

#[test]
fn every_property_has_a_target_and_a_small_corpus() {
    let names: Vec<_> = ALL.iter().map(|property| property.name).collect();
    let targets: Vec<_> = files(&fuzz().join("fuzz_targets"))
        .iter()
        .map(|path| name(path))
        .collect();
    assert_eq!(targets, names);
    let corpora = files(&fuzz().join("corpus"));
    let of: Vec<_> = corpora.iter().map(|path| name(path)).collect();
    assert_eq!(of, names);
    let sizes = corpora.iter().flat_map(|corpus| files(corpus));
    let size: u64 = sizes.map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(
        size <= MAX_CORPUS,
        "{size} bytes: keep an input of each kind"
    );
}

/// Mutated seeds of all properties: parts are removed, repeated or replaced.
fn mangled() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let seeds: Vec<Vec<u8>> = ALL
        .iter()
        .flat_map(|property| property.seeds.iter().map(|seed| seed.to_vec()))
        .collect();
    let noise = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..8),
        "\\PC{0,8}".prop_map(String::into_bytes),
        select(seeds.clone()),
        select(vec![
            &b"\xff"[..],
            b"null",
            b"{}",
            b"[",
            b"\\u0000",
            b"%00",
            b"#",
            b"1e999",
            b"\""
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    let changes = proptest::collection::vec((any::<Index>(), any::<Index>(), noise), 0..4);
    (0..ALL.len(), select(seeds), any::<bool>(), changes).prop_flat_map(
        |(which, any_seed, own, changes)| {
            let own_seeds: Vec<_> = ALL[which].seeds.iter().map(|seed| seed.to_vec()).collect();
            let seed = if own {
                select(own_seeds).boxed()
            } else {
                Just(any_seed).boxed()
            };
            seed.prop_map(move |mut data| {
                for (from, length, with) in &changes {
                    let from = from.index(data.len() + 1);
                    let to = from + length.index(data.len() - from + 1).min(12);
                    data.splice(from..to, with.iter().copied());
                }
                (which, data)
            })
        },
    )
}

proptest! {
    // A finding becomes a test or part of a corpus: no file of failures.
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_inputs_satisfy_the_properties((which, data) in mangled()) {
        (ALL[which].check)(&data);
    }

    #[test]
    fn random_bytes_satisfy_the_properties(which in 0..ALL.len(), data in proptest::collection::vec(any::<u8>(), 0..300)) {
        (ALL[which].check)(&data);
    }

    #[test]
    fn random_texts_satisfy_the_properties(which in 0..ALL.len(), first in any::<u8>(), text in "\\PC{0,80}") {
        let mut data = vec![first];
        data.extend(text.as_bytes());
        (ALL[which].check)(text.as_bytes());
        (ALL[which].check)(&data);
    }
}
