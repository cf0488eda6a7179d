//! Functions that the attribute is known to refuse, and why it cannot be otherwise. Whatever else does not compile is a
//! fault, and so is one of these that does.

use crate::compile::Round;

/// The compiler says E0713 of these; with the lifetime written, as in `IterMut<'_>`, they compile.
const HIDDEN: &str =
    "the return type hides a borrow of `&mut self`, which is held for what is in flight";
/// The compiler says E0310 of these; with a bound such as `U: 'static` on the impl they compile.
const UNBOUND: &str = "nothing says that what a boxed future comes to lives as long as it may";

struct Refusals {
    why: &'static str,
    rounds: &'static [Round],
    package: &'static str,
    /// Where the compiler finds fault.
    places: &'static [&'static str],
}

const ALL: &[Refusals] = &[
    Refusals {
        why: HIDDEN,
        rounds: &[Round::ThroughSelf],
        package: "serde_json",
        places: &["src/map.rs:284", "src/map.rs:321", "src/map.rs:345"],
    },
    Refusals {
        why: HIDDEN,
        rounds: &[Round::ThroughSelf],
        package: "syn",
        places: &["src/data.rs:85", "src/punctuated.rs:133", "src/punctuated.rs:153"],
    },
    Refusals {
        why: UNBOUND,
        rounds: &[Round::All, Round::ThroughSelf],
        package: "tower",
        places: &[
            "src/util/boxed/sync.rs:95",
            "src/util/boxed/unsync.rs:59",
            "src/util/boxed_clone.rs:100",
            "src/util/boxed_clone_sync.rs:60",
        ],
    },
];

/// Why the function there is refused.
pub(crate) fn why(round: Round, package: &str, place: &str) -> Option<&'static str> {
    of(round).find(|refused| refused.1 == package && refused.2 == place).map(|refused| refused.0)
}

/// Why, which package, and where.
pub(crate) fn of(round: Round) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let refusals = ALL.iter().filter(move |refusals| refusals.rounds.contains(&round));
    refusals.flat_map(|refusals| {
        refusals.places.iter().map(|place| (refusals.why, refusals.package, *place))
    })
}
