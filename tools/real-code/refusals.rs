//! Functions that the attribute is known to refuse, each with the reason. It is a fault if any other function does
//! not compile, or if one of these compiles.

use crate::compile::Round;

/// The compiler reports E0713; with the lifetime written, as in `IterMut<'_>`, these functions compile.
const HIDDEN: &str =
    "the return type hides a borrow of `&mut self`, which is held for what is in flight";
/// The compiler reports E0310; with a bound such as `U: 'static` on the impl, these functions compile.
const UNBOUND: &str = "nothing says that what a boxed future comes to lives as long as it may";

struct Refusals {
    why: &'static str,
    rounds: &'static [Round],
    package: &'static str,
    /// The location of the compiler's error.
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

/// The reason why the function at this location is refused.
pub(crate) fn why(round: Round, package: &str, place: &str) -> Option<&'static str> {
    of(round).find(|refused| refused.1 == package && refused.2 == place).map(|refused| refused.0)
}

/// Reason, package and location.
pub(crate) fn of(round: Round) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let refusals = ALL.iter().filter(move |refusals| refusals.rounds.contains(&round));
    refusals.flat_map(|refusals| {
        refusals.places.iter().map(|place| (refusals.why, refusals.package, *place))
    })
}
