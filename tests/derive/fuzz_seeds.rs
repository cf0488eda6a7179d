//! Expands the seed inputs of `fuzz/`, and pseudo-random inputs. These tests run with any compiler, unlike the fuzzer, which
//! needs a nightly compiler: see CONTRIBUTING.md.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/probe.rs"]
mod probe;

#[test]
fn the_derive_does_not_panic_on_seed_inputs_and_random_ones() {
    probe_all("derive", probe::derive);
}

#[test]
fn the_attribute_does_not_panic_on_seed_inputs_and_random_ones() {
    probe_all("attribute", probe::attribute);
}

fn probe_all(target: &str, probe: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut seen = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        let data = fs::read(seed.unwrap().path()).unwrap();
        probe(&data);
        // Expands every prefix of the seed.
        (0..data.len()).for_each(|end| probe(&data[..end]));
        seen += 1;
    }
    assert!(seen > 0, "there are seeds");
    let mut random = fastrand::Rng::with_seed(7);
    for i in 0..2000_u32 {
        // The first byte selects the form of the input: random words, or an item that is generated from a grammar.
        let kind = if i % 4 == 0 { 0x01 } else { 0x80 };
        let data: Vec<u8> = std::iter::once(kind).chain((0..80).map(|_| random.u8(..))).collect();
        probe(&data);
    }
}
