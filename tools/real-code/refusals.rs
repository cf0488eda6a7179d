//! Functions that are known not to compile with `#[metrics(…)]`, with the reasons. It is a fault if another function
//! does not compile, or if a listed function compiles.

use crate::compile::Round;

/// The reason for functions for which the compiler reports E0713. They compile if the lifetime is written, as in
/// `IterMut<'_>`.
const HIDDEN: &str =
    "the return type hides a borrow of `&mut self`, so `self` is still borrowed when the call ends";
/// The reason for functions for which the compiler reports E0310. They compile if the impl has a bound such as `U:
/// 'static`.
const UNBOUND: &str = "the output of the boxed future has no lifetime bound";

struct Refusals {
    why: &'static str,
    rounds: &'static [Round],
    package: &'static str,
    /// The locations at which the compiler reports the errors.
    locations: &'static [&'static str],
}

const ALL: &[Refusals] = &[
    Refusals {
        why: HIDDEN,
        rounds: &[Round::ThroughSelf],
        package: "serde_json",
        locations: &["src/map.rs:284", "src/map.rs:321", "src/map.rs:345"],
    },
    Refusals {
        why: HIDDEN,
        rounds: &[Round::ThroughSelf],
        package: "syn",
        locations: &["src/data.rs:85", "src/punctuated.rs:133", "src/punctuated.rs:153"],
    },
    Refusals {
        why: UNBOUND,
        rounds: &[Round::All, Round::ThroughSelf],
        package: "tower",
        locations: &[
            "src/util/boxed/sync.rs:95",
            "src/util/boxed/unsync.rs:59",
            "src/util/boxed_clone.rs:100",
            "src/util/boxed_clone_sync.rs:60",
        ],
    },
];

/// Returns the reason why the function at this location does not compile, or `None` if it should compile.
pub(crate) fn why(round: Round, package: &str, location: &str) -> Option<&'static str> {
    of(round).find(|refused| refused.1 == package && refused.2 == location).map(|refused| refused.0)
}

/// Returns the reason, package and location of each listed function that does not compile in the round.
pub(crate) fn of(round: Round) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let refusals = ALL.iter().filter(move |refusals| refusals.rounds.contains(&round));
    refusals.flat_map(|refusals| {
        refusals.locations.iter().map(|location| (refusals.why, refusals.package, *location))
    })
}
