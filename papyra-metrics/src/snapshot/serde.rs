//! Snapshots and values in serde's data model: a flat map of names to numbers and histograms.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{EnumAccess, Error, MapAccess, VariantAccess, Visitor},
};

use super::Snapshot;
use crate::{Value, histogram};

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    /// If a name occurs twice, the later value is kept.
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

/// In formats that are not human-readable, a value is an enum with these variants, which are numbered in this order.
/// New variants must be added at the end.
const VARIANTS: &[&str] = &["Counter", "Gauge", "Float", "Histogram"];

impl Serialize for Value {
    /// In human-readable formats, writes a number, an object for a histogram, or null for a float that is not finite.
    /// In other formats, writes an enum.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return match self {
                Self::Counter(n) => serializer.serialize_u64(*n),
                Self::Gauge(n) => serializer.serialize_i64(*n),
                Self::Float(n) => Some(n).filter(|n| n.is_finite()).serialize(serializer),
                Self::Histogram(distribution) => distribution.serialize(serializer),
            };
        }
        match self {
            Self::Counter(n) => serializer.serialize_newtype_variant("Value", 0, VARIANTS[0], n),
            Self::Gauge(n) => serializer.serialize_newtype_variant("Value", 1, VARIANTS[1], n),
            Self::Float(n) => serializer.serialize_newtype_variant("Value", 2, VARIANTS[2], n),
            Self::Histogram(distribution) => {
                serializer.serialize_newtype_variant("Value", 3, VARIANTS[3], &**distribution)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// A number in a human-readable format has no kind: a negative integer becomes a gauge, any other integer a counter,
    /// and any other number a float. Values compare by number, so the result equals the serialized value. The exception is
    /// a float that is not finite: it was serialized as null and becomes NaN.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NumberOrObject)
        } else {
            deserializer.deserialize_enum("Value", VARIANTS, Tagged)
        }
    }
}

struct NumberOrObject;

impl<'de> Visitor<'de> for NumberOrObject {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, null, or the object of a histogram")
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Value, E> {
        Ok(Value::Counter(n))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Value, E> {
        Ok(u64::try_from(n).map_or(Value::Gauge(n), Value::Counter))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Float(n))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Float(f64::NAN))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let distribution = histogram::serde::visit_distribution(map)?;
        Ok(Value::Histogram(Box::new(distribution)))
    }
}

struct Tagged;

impl<'de> Visitor<'de> for Tagged {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a counter, a gauge, a float or a histogram")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (variant, content) = data.variant::<Variant>()?;
        match variant {
            Variant::Counter => content.newtype_variant().map(Value::Counter),
            Variant::Gauge => content.newtype_variant().map(Value::Gauge),
            Variant::Float => content.newtype_variant().map(Value::Float),
            Variant::Histogram => content.newtype_variant().map(Value::Histogram),
        }
    }
}

/// The variant of a serialized value. The variant is deserialized from its index in [`VARIANTS`] or from its name.
enum Variant {
    Counter,
    Gauge,
    Float,
    Histogram,
}

impl<'de> Deserialize<'de> for Variant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Identifier;

        impl Visitor<'_> for Identifier {
            type Value = Variant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number or the name of a kind of value")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Variant, E> {
                let index = usize::try_from(number).ok();
                let name = index.and_then(|index| VARIANTS.get(index));
                let name = name.ok_or_else(|| {
                    E::custom(format_args!("there is no kind of value with number {number}"))
                })?;
                self.visit_str(name)
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Variant, E> {
                match name {
                    "Counter" => Ok(Variant::Counter),
                    "Gauge" => Ok(Variant::Gauge),
                    "Float" => Ok(Variant::Float),
                    "Histogram" => Ok(Variant::Histogram),
                    _ => Err(E::unknown_variant(name, VARIANTS)),
                }
            }
        }

        deserializer.deserialize_identifier(Identifier)
    }
}
