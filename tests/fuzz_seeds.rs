//! The seeds of `fuzz/macro`, and inputs that are made up from a fixed beginning, expanded on any compiler. The
//! fuzzer itself needs a nightly one: see CONTRIBUTING.md.

use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

#[path = "../fuzz/macro/probe.rs"]
mod probe;

#[test]
fn the_derive_takes_the_seeds_and_what_is_made_up() {
    try_all("derive", probe::derive);
}

#[test]
fn the_attribute_takes_the_seeds_and_what_is_made_up() {
    try_all("attribute", probe::attribute);
}

#[test]
fn strings_say_what_syn_has_them_say() {
    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "a", "größe", "\u{1F600}", " ", "\n", "\r\n", "\t", "'", "#", "{", "_", "7f", r"\n", r"\r", r"\t", r"\0", r"\'", r#"\""#, r"\\",
        r"\x41", r"\x7F", r"\u{e9}", r"\u{1_F600}", "\\\n  \t\n ", "\\\r\n ",
    ];
    const WRONG_PIECES: &[&str] = &[r"\u{}", r"\u{D800}", r"\u{110000}", r"\x", r"\q", "\"", "\""];
    const BEFORE: &[&str] =
        &["\"", "\"", "\"", "\"", "r\"", "r#\"", "r##\"", "b\"", "c\"", "br#\""];
    const AFTER: &[&str] = &["\"", "\"", "\"", "\"#", "\"##", "\"x"];
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut seen = 0;
    for _ in 0..20_000 {
        let mut literal = random.pick(BEFORE).to_owned();
        for _ in 0..random.byte() % 8 {
            let pieces = if random.byte() < 250 { PIECES } else { WRONG_PIECES };
            literal.push_str(random.pick(pieces));
        }
        literal.push_str(random.pick(AFTER));
        let tokens: Vec<TokenTree> = literal.parse::<TokenStream>().into_iter().flatten().collect();
        // What is no token reaches no macro.
        if let [TokenTree::Literal(token)] = tokens.as_slice() {
            seen += 1;
            probe::string(&token.to_string());
        }
    }
    assert!(seen > 5000, "enough are literals: {seen}");
}

fn try_all(target: &str, probe: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/macro/seeds").join(target);
    let mut seen = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        let data = fs::read(seed.unwrap().path()).unwrap();
        probe(&data);
        // Cut short at each place.
        (0..data.len()).for_each(|end| probe(&data[..end]));
        seen += 1;
    }
    assert!(seen > 0, "there are seeds");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for i in 0..2000_u32 {
        let kind = if i % 4 == 0 { 0x01 } else { 0x80 };
        let data: Vec<u8> = std::iter::once(kind).chain((0..80).map(|_| random.byte())).collect();
        probe(&data);
    }
}

/// Numbers that are the same in every run (xorshift64, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.to_be_bytes()[0]
    }

    fn pick<'w>(&mut self, of: &[&'w str]) -> &'w str {
        of[usize::from(self.byte()) % of.len()]
    }
}
