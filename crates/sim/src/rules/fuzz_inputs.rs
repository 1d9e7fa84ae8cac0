//! Every input that the fuzzers kept goes through the code of its target again: the corpus, and what once broke
//! something.

use std::{fs, panic::catch_unwind, path::Path};

use crate::fuzz;

/// Runs `target` with each file of its folders under `fuzz/`; says how many there were.
fn run_all(name: &str, target: fn(&[u8])) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let folders = ["corpus", "regressions"].map(|kind| root.join(kind).join(name));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let check = |path: &Path| {
        let bytes = fs::read(path).expect("the file can be read");
        assert!(catch_unwind(|| target(&bytes)).is_ok(), "it was {}", path.display());
    };
    files.map(|file| check(&file.expect("the folder can be read").path())).count()
}

#[test]
fn the_splitter_reads_what_its_fuzzer_kept_as_serde_json_does() {
    assert!(run_all("envelope", fuzz::envelope) > 100, "the corpus is missing");
}

#[test]
fn every_promise_is_kept_in_the_histories_that_the_fuzzer_kept() {
    assert!(run_all("session", fuzz::session) > 100, "the corpus is missing");
}

#[test]
fn whatever_is_replayed_nothing_panics() {
    assert!(run_all("replay", fuzz::replay) > 10, "the corpus is missing");
}
