//! Distributions whose buckets are not known at compile time.

use core::fmt;

use super::Distribution;
use crate::histogram::amount::Amount;
use crate::histogram::bucket_set::MAX_BUCKETS;
use crate::histogram::buckets::Buckets;
use crate::histogram::cells::Tally;
use crate::histogram::scale::{OwnedScale, Shared};

impl Distribution {
    /// Creates a distribution from deserialized data or from a published file. Tallies beyond the last bucket are ignored.
    #[cfg(any(feature = "serde", feature = "publish"))]
    pub(crate) fn from_parts(scale: OwnedScale, buckets: impl IntoIterator<Item = Tally>) -> Self {
        let mut tallies = [Tally::ZERO; MAX_BUCKETS];
        let used = tallies.iter_mut().take(scale.bounds.len() + 1);
        used.zip(buckets).for_each(|(tally, bucket)| *tally = bucket);
        Self { scale, tallies }
    }

    /// Overwrites this distribution, without allocating, with a distribution whose buckets are known at compile time.
    pub(in crate::histogram) fn assign<B: Buckets>(&mut self, typed: &Distribution<B>) {
        let (before, len) = (self.tallies().len(), typed.tallies().len());
        self.scale = OwnedScale {
            bounds: Shared::Static(B::BOUNDS),
            unit: B::UNIT.map(Shared::Static),
            per_unit: B::Value::PER_UNIT,
        };
        self.tallies[..len].copy_from_slice(typed.tallies());
        // Only the first `before` tallies can be nonzero: they were the tallies of the previous distribution.
        if let Some(unused) = self.tallies.get_mut(len..before) {
            unused.fill(Tally::ZERO);
        }
    }

    /// Adds the values of another distribution, for example of the same metric in another backend. If one distribution is
    /// kept in seconds and the other in nanoseconds, the result is in nanoseconds.
    ///
    /// # Errors
    ///
    /// Returns an error if the bounds differ. This distribution is then unchanged.
    pub fn merge(&mut self, other: &Self) -> Result<(), BoundsMismatch> {
        self.add(other).ok_or(BoundsMismatch(()))
    }
}

/// The error of [`Distribution::merge`] if the two distributions have different bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundsMismatch(());

impl fmt::Display for BoundsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the distributions have different bounds; only those of the same buckets can be merged",
        )
    }
}

impl core::error::Error for BoundsMismatch {}

impl<B: Buckets> From<Distribution<B>> for Distribution {
    fn from(typed: Distribution<B>) -> Self {
        Self::from(&typed)
    }
}

impl<B: Buckets> From<&Distribution<B>> for Distribution {
    fn from(typed: &Distribution<B>) -> Self {
        let mut erased = Self::default();
        erased.assign(typed);
        erased
    }
}

impl Default for Distribution {
    /// Creates an empty distribution without bounds.
    fn default() -> Self {
        let scale = OwnedScale { bounds: Shared::Static(&[]), unit: None, per_unit: 1 };
        Self { scale, tallies: [Tally::ZERO; MAX_BUCKETS] }
    }
}
