//! Distributions as objects: `count`, `sum`, and `buckets` with their bound `le`, `count` and `sum`, in the exported unit.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ::serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use ::serde::ser::{SerializeSeq, SerializeStruct};
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::amount::MAX_BASE_UNITS;
use super::cells::Tally;
use super::distribution::{Distribution, MAX_BUCKETS};

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Buckets<'a>(&'a Distribution);

        impl Serialize for Buckets<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let buckets = self.0.buckets();
                let mut sequence = serializer.serialize_seq(Some(buckets.len()))?;
                for (bucket, sum) in buckets.zip(self.0.bucket_sums()) {
                    let bound = Some(bucket.upper()).filter(|upper| upper.is_finite());
                    let count = bucket.count();
                    sequence.serialize_element(&BucketEntry { bound, count, sum })?;
                }
                sequence.end()
            }
        }

        let mut object = serializer.serialize_struct("Distribution", 3)?;
        object.serialize_field("count", &self.count())?;
        object.serialize_field("sum", &self.sum())?;
        object.serialize_field("buckets", &Buckets(self))?;
        object.end()
    }
}

/// One bucket. The one above the last bound has none.
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

/// Reads the object of a distribution. Its unit is not part of it.
pub(crate) fn visit_distribution<'de, A: MapAccess<'de>>(
    mut map: A,
) -> Result<Distribution, A::Error> {
    let mut buckets: Option<Vec<BucketEntry>> = None;
    while let Some(key) = map.next_key::<Key>()? {
        match key {
            Key::Buckets => buckets = Some(map.next_value()?),
            // The count and the sum are those of the buckets.
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
    }
    let buckets = buckets.ok_or_else(|| Error::missing_field("buckets"))?;
    distribution(&buckets).map_err(Error::custom)
}

fn distribution(buckets: &[BucketEntry]) -> Result<Distribution, &'static str> {
    let Some((last, bounded)) = buckets.split_last().filter(|_| buckets.len() <= MAX_BUCKETS)
    else {
        return Err("a histogram has from 1 to 128 buckets");
    };
    if last.bound.is_some() || bounded.iter().any(|bucket| bucket.bound.is_none()) {
        return Err("the last bucket of a histogram, and no other, has no bound");
    }
    // Durations are in nanoseconds. If every number is an integer, nothing is lost either way.
    let numbers = buckets.iter().flat_map(|bucket| [bucket.bound.unwrap_or(0.0), bucket.sum]);
    let per_unit =
        if numbers.clone().all(|number| number % 1.0 == 0.0) { 1 } else { 1_000_000_000 };
    let bounds: Option<Vec<u64>> =
        bounded.iter().map(|bucket| base_units(bucket.bound?, per_unit)).collect();
    let tallies: Option<Vec<Tally>> = buckets
        .iter()
        .map(|bucket| Some(Tally { count: bucket.count, sum: base_units(bucket.sum, per_unit)? }))
        .collect();
    let (Some(bounds), Some(tallies)) = (bounds, tallies) else {
        return Err("a bound or a sum of a histogram is out of range");
    };
    if bounds.windows(2).any(|pair| pair[0] >= pair[1])
        || bounds.last().is_some_and(|bound| *bound > MAX_BASE_UNITS)
    {
        return Err("the bounds of a histogram do not rise");
    }
    Ok(Distribution::from_parts(Arc::from(bounds), per_unit, &tallies))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // checked
fn base_units(number: f64, per_unit: u64) -> Option<u64> {
    let base_units = number * per_unit as f64;
    (0.0..u64::MAX as f64).contains(&base_units).then_some((base_units + 0.5) as u64)
}

/// The keys of both objects.
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
