//! A flat map of names to numbers and histograms.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

use super::Snapshot;
use crate::Value;

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Snapshot;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat map of metric names to numbers and histograms")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Snapshot, A::Error> {
                let mut entries = Vec::<(String, Value)>::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries.into_iter().collect())
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Counter(n) => serializer.serialize_u64(*n),
            Self::Gauge(n) => serializer.serialize_i64(*n),
            Self::Float(n) => Some(n).filter(|n| n.is_finite()).serialize(serializer),
            Self::Histogram(distribution) => distribution.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// A number does not tell its kind: a negative integer is a gauge, any other a counter. Values compare by number,
    /// so they come back equal, but for a float that is not finite: it is null, and comes back as NaN.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl<'de> Visitor<'de> for Number {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, null, or the object of a histogram")
            }

            fn visit_u64<E: Error>(self, n: u64) -> Result<Value, E> {
                Ok(Value::Counter(n))
            }

            fn visit_f64<E: Error>(self, n: f64) -> Result<Value, E> {
                Ok(Value::Float(n))
            }

            fn visit_unit<E: Error>(self) -> Result<Value, E> {
                Ok(Value::Float(f64::NAN))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                let distribution = crate::histogram::serde::visit_distribution(map)?;
                Ok(Value::Histogram(Box::new(distribution)))
            }

            fn visit_i64<E: Error>(self, n: i64) -> Result<Value, E> {
                Ok(u64::try_from(n).map_or(Value::Gauge(n), Value::Counter))
            }
        }

        deserializer.deserialize_any(Number)
    }
}
