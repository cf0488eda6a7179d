//! Distributions in serde's data model.
//!
//! In human-readable formats, a distribution is an object in the exported unit: `count`, `sum`, and `buckets`, each
//! with its bound `le`, its `count` and its `sum`. In other formats, a distribution consists of integers: a factor, which is
//! 10⁹ for durations and 1 for other values; the bounds; and the count and the sum of each bucket. The bounds and the sums
//! are the exported values times the factor, so durations are in nanoseconds. Such integers are in base units.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use ::serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use ::serde::ser::SerializeStruct;
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::amount::{Amount, MAX_BASE_UNITS};
use super::bucket_set::{BucketSet, MAX_BUCKETS};
use super::buckets::Buckets;
use super::cells::Tally;
use super::distribution::Distribution;
use super::scale::OwnedScale;

impl<B: BucketSet> Serialize for Distribution<B> {
    /// In human-readable formats, writes an object with `count`, `sum` and `buckets` in the exported unit. In other formats,
    /// writes integers in base units.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (bounds, per_unit) = (self.bounds(), self.base_units_per_unit());
        if !serializer.is_human_readable() {
            let tallies = self.tallies().iter().map(|tally| (tally.count, tally.sum));
            return (per_unit, bounds, Sequence(tallies)).serialize(serializer);
        }
        let exported = |base_units| exported(base_units, per_unit);
        let buckets = self.tallies().iter().enumerate().map(|(bucket, tally)| BucketEntry {
            bound: bounds.get(bucket).map(|bound| exported(*bound)),
            count: tally.count,
            sum: exported(tally.sum),
        });
        let sum = self.tallies().iter().fold(0_u64, |sum, tally| sum.wrapping_add(tally.sum));
        let mut object = serializer.serialize_struct("Distribution", 3)?;
        object.serialize_field("count", &self.count())?;
        object.serialize_field("sum", &exported(sum))?;
        object.serialize_field("buckets", &Sequence(buckets))?;
        object.end()
    }
}

/// Serializes the items of an iterator as a sequence.
struct Sequence<I>(I);

impl<I: Clone + Iterator<Item: Serialize>> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

impl<'de> Deserialize<'de> for Distribution {
    /// Serialized data do not contain the name of the unit, so [`Distribution::unit`] of the result is `None`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = if deserializer.is_human_readable() {
            deserializer.deserialize_map(Object)?.into_parts(None)
        } else {
            Parts::deserialize(deserializer)?.checked()
        };
        parts.map(Parts::into_distribution).map_err(Error::custom)
    }
}

impl<'de, B: Buckets> Deserialize<'de> for Distribution<B> {
    /// Fails if the bounds differ from the bounds of `B`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let per_unit = B::Value::PER_UNIT;
        let parts = if deserializer.is_human_readable() {
            deserializer.deserialize_map(Object)?.into_parts(Some(per_unit))
        } else {
            Parts::deserialize(deserializer)?.checked()
        };
        let parts = parts.map_err(Error::custom)?;
        if parts.per_unit != per_unit || parts.bounds != B::BOUNDS {
            return Err(Error::custom("the histogram has other bounds than its type"));
        }
        let mut distribution = Self::new();
        distribution.tallies_mut().copy_from_slice(&parts.tallies);
        Ok(distribution)
    }
}

/// Reads a distribution from a map that the deserializer has already opened.
pub(crate) fn visit_distribution<'de, A: MapAccess<'de>>(map: A) -> Result<Distribution, A::Error> {
    let parts = Object.visit_map(map)?.into_parts(None);
    parts.map(Parts::into_distribution).map_err(Error::custom)
}

/// A distribution in base units.
struct Parts {
    per_unit: u64,
    bounds: Vec<u64>,
    tallies: Vec<Tally>,
}

impl Parts {
    /// Returns an error if the base unit, the number of buckets, a bound or the total count is not possible in a histogram.
    fn checked(self) -> Result<Self, &'static str> {
        if self.per_unit != u64::PER_UNIT && self.per_unit != core::time::Duration::PER_UNIT {
            return Err("the base units of a histogram are neither nanoseconds nor plain numbers");
        }
        if self.tallies.is_empty() || self.tallies.len() > MAX_BUCKETS {
            return Err("a histogram must have from 1 to 128 buckets");
        }
        if self.bounds.len() + 1 != self.tallies.len() {
            return Err("a histogram must have one bucket more than bounds");
        }
        if self.bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err("the bounds of a histogram do not rise");
        }
        if self.bounds.last().is_some_and(|bound| *bound > MAX_BASE_UNITS) {
            return Err("a bound of a histogram is out of range");
        }
        let mut counts = self.tallies.iter().map(|tally| tally.count);
        if counts.try_fold(0_u64, u64::checked_add).is_none() {
            return Err("the total count of a histogram is out of range");
        }
        Ok(self)
    }

    fn into_distribution(self) -> Distribution {
        let scale = OwnedScale::new(Arc::from(self.bounds), None, self.per_unit);
        Distribution::from_parts(scale, self.tallies)
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (per_unit, bounds, tallies) =
            <(u64, AtMost<u64>, AtMost<(u64, u64)>)>::deserialize(deserializer)?;
        let tallies = tallies.0.into_iter().map(|(count, sum)| Tally { count, sum }).collect();
        Ok(Self { per_unit, bounds: bounds.0, tallies })
    }
}

/// A sequence of at most [`MAX_BUCKETS`] elements. Deserializing fails at the first element beyond this limit.
struct AtMost<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AtMost<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = AtMost<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a sequence of at most {MAX_BUCKETS} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<AtMost<T>, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = sequence.next_element()? {
                    if elements.len() == MAX_BUCKETS {
                        return Err(Error::custom("a histogram must have from 1 to 128 buckets"));
                    }
                    elements.push(element);
                }
                Ok(AtMost(elements))
            }
        }

        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

/// Reads the object of a human-readable format.
struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = ObjectParts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object of a histogram")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ObjectParts, A::Error> {
        let mut buckets: Option<AtMost<BucketEntry>> = None;
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Buckets => buckets = Some(map.next_value()?),
                // The count and the sum of the object are ignored: they are computed from the buckets.
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let buckets = buckets.ok_or_else(|| Error::missing_field("buckets"))?;
        Ok(ObjectParts(buckets.0))
    }
}

/// The buckets of an object, in the exported unit.
struct ObjectParts(Vec<BucketEntry>);

impl ObjectParts {
    /// Converts the bounds and sums to base units. `per_unit` is the factor, 10⁹ for durations and 1 for other values. If it is
    /// `None`, the factor is guessed from the numbers.
    fn into_parts(self, per_unit: Option<u64>) -> Result<Parts, &'static str> {
        let buckets = self.0;
        let Some((last, bounded)) = buckets.split_last() else {
            return Err("a histogram must have from 1 to 128 buckets");
        };
        if last.bound.is_some() || bounded.iter().any(|bucket| bucket.bound.is_none()) {
            return Err(
                "each bucket of a histogram must have a bound, except the last, which must have none",
            );
        }
        // If every number is an integer, the factor 1 represents each number exactly. Otherwise the numbers are treated as
        // seconds, and are converted to nanoseconds.
        let mut numbers =
            buckets.iter().flat_map(|bucket| [bucket.bound.unwrap_or(0.0), bucket.sum]);
        let per_unit = per_unit.unwrap_or_else(|| {
            if numbers.all(|number| number % 1.0 == 0.0) { 1 } else { 1_000_000_000 }
        });
        let bounds: Option<Vec<u64>> =
            bounded.iter().map(|bucket| base_units(bucket.bound?, per_unit)).collect();
        let tally = |bucket: &BucketEntry| {
            Some(Tally { count: bucket.count, sum: base_units(bucket.sum, per_unit)? })
        };
        let tallies: Option<Vec<Tally>> = buckets.iter().map(tally).collect();
        let (Some(bounds), Some(tallies)) = (bounds, tallies) else {
            return Err("a bound or a sum of a histogram is out of range");
        };
        Parts { per_unit, bounds, tallies }.checked()
    }
}

#[allow(clippy::cast_precision_loss)] // same precision as in a `Distribution<AnyBuckets>`
fn exported(base_units: u64, per_unit: u64) -> f64 {
    base_units as f64 / per_unit as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // in range
fn base_units(number: f64, per_unit: u64) -> Option<u64> {
    let base_units = number * per_unit as f64;
    (0.0..u64::MAX as f64).contains(&base_units).then_some((base_units + 0.5) as u64)
}

/// One bucket of an object. The bucket above the last bound has no bound.
struct BucketEntry {
    bound: Option<f64>,
    count: u64,
    sum: f64,
}

impl Serialize for BucketEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Bucket", 3)?;
        object.serialize_field("le", &self.bound)?;
        object.serialize_field("count", &self.count)?;
        object.serialize_field("sum", &self.sum)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for BucketEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = BucketEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bucket with `le`, `count` and `sum`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BucketEntry, A::Error> {
                let mut entry = BucketEntry { bound: None, count: 0, sum: 0.0 };
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        Key::Bound => entry.bound = map.next_value()?,
                        Key::Count => entry.count = map.next_value()?,
                        Key::Sum => entry.sum = map.next_value()?,
                        Key::Buckets | Key::Unknown => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(entry)
            }
        }

        deserializer.deserialize_map(Entry)
    }
}

/// The keys of the object of a histogram and of the objects of its buckets.
enum Key {
    Bound,
    Count,
    Sum,
    Buckets,
    Unknown,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    "le" => Key::Bound,
                    "count" => Key::Count,
                    "sum" => Key::Sum,
                    "buckets" => Key::Buckets,
                    _ => Key::Unknown,
                })
            }
        }

        deserializer.deserialize_identifier(Name)
    }
}
