//! One reading of a set of metrics: an owned, ordered map of names to values, with no atomics in it.

use alloc::{
    borrow::Cow,
    collections::BTreeMap,
    string::String,
    vec::{self, Vec},
};
use core::{fmt, iter, ops::Index, slice};

use crate::{__private::Plain, Descriptor, Value};

/// What a set of metrics read at one moment: a plain map of names to values in declaration order.
///
/// ```
/// use papyra_metrics::{Counter, Metrics};
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics { records_written: Counter, write_errors: Counter }
///
/// let metrics = LogMetrics::default();
/// metrics.records_written.add(2);
/// let snapshot = metrics.snapshot();
///
/// assert_eq!(snapshot["records_written"], 2);
/// assert_eq!(snapshot.get("no_such_metric"), None);
/// assert_eq!(snapshot.to_string(), "records_written: 2\nwrite_errors: 0");
/// ```
///
/// Under the feature `serde` it is serialized as a flat map of names to integers, in order, and comes back
/// equal.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// No name is there twice.
    entries: Vec<(Cow<'static, str>, Value)>,
}

impl Snapshot {
    /// Collects what `visit` shows, in one allocation where it shows at most `len` metrics.
    pub(crate) fn collect(
        len: usize,
        visit: impl FnOnce(&mut dyn FnMut(&Descriptor, Value)),
    ) -> Self {
        let mut entries = Vec::with_capacity(len);
        visit(&mut |metric, value| entries.push((Cow::Borrowed(metric.name), value)));
        Self { entries }
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Names and values, in declaration order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { entries: self.entries.iter() }
    }

    /// How many metrics there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How much each counter has grown since `earlier`, and gauges as they are now.
    ///
    /// So each reader measures its own interval without resetting anybody else's. A counter below its
    /// earlier value was reset in between, so its whole value counts; so does one that `earlier` lacks. What
    /// only `earlier` has is absent.
    ///
    /// ```
    /// use papyra_metrics::{Snapshot, Value};
    ///
    /// let snapshot = |writes, open| {
    ///     Snapshot::from_iter([("writes", Value::Counter(writes)), ("open", Value::Gauge(open))])
    /// };
    /// assert_eq!(snapshot(12, 4).since(&snapshot(10, 7)), snapshot(2, 4));
    /// assert_eq!(snapshot(3, 4).since(&snapshot(10, 7)), snapshot(3, 4)); // reset in between
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut before = Lookup::new(earlier);
        let entries = self.entries.iter().enumerate().map(|(place, (name, value))| {
            let grown = match (value, before.find(place, name).and_then(Value::as_u64)) {
                (&Value::Counter(now), Some(before)) if now >= before => {
                    Value::Counter(now - before)
                }
                _ => value.clone(),
            };
            (name.clone(), grown)
        });
        Self { entries: entries.collect() }
    }
}

/// Finds names in another snapshot, which most often has the same ones in the same places.
struct Lookup<'a> {
    entries: &'a [(Cow<'static, str>, Value)],
    by_name: Option<BTreeMap<&'a str, &'a Value>>,
}

impl<'a> Lookup<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self { entries: &snapshot.entries, by_name: None }
    }

    fn find(&mut self, place: usize, name: &str) -> Option<&'a Value> {
        let same_place = self.entries.get(place).filter(|(known, _)| known == name);
        if let Some((_, value)) = same_place {
            return Some(value);
        }
        let entries = self.entries;
        self.by_name
            .get_or_insert_with(|| entries.iter().map(|(name, value)| (&**name, value)).collect())
            .get(name)
            .copied()
    }
}

impl Index<&str> for Snapshot {
    type Output = Value;

    /// The value of that name.
    ///
    /// # Panics
    ///
    /// Where there is none; the message lists the names that exist.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or_else(|| {
            let names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
            panic!("no metric is named `{name}`; the snapshot has: {}", names.join(", "))
        })
    }
}

impl fmt::Display for Snapshot {
    /// A line `name: value` for each metric, with no newline after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            write!(f, "{newline}{name}: {value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Snapshot {
    /// A map of names to values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// Names and values of a snapshot, in declaration order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    entries: slice::Iter<'a, (Cow<'static, str>, Value)>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(|(name, value)| (&**name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.next_back().map(|(name, value)| (&**name, value))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl iter::FusedIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Snapshot {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Owned names and values of a snapshot, in declaration order.
#[derive(Clone, Debug)]
pub struct IntoIter {
    entries: vec::IntoIter<(Cow<'static, str>, Value)>,
}

impl Iterator for IntoIter {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(|(name, value)| (name.into_owned(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl DoubleEndedIterator for IntoIter {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.next_back().map(|(name, value)| (name.into_owned(), value))
    }
}

impl ExactSizeIterator for IntoIter {}
impl iter::FusedIterator for IntoIter {}

impl IntoIterator for Snapshot {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { entries: self.entries.into_iter() }
    }
}

impl<N: Into<String>> FromIterator<(N, Value)> for Snapshot {
    /// In the order of the iterator; of two values with one name the later counts, at the place of the first.
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(pairs: I) -> Self {
        let mut entries: Vec<(Cow<'static, str>, Value)> = Vec::new();
        let mut places = BTreeMap::new();
        for (name, value) in pairs {
            let name = name.into();
            if let Some(&place) = places.get(&name) {
                let (_, earlier): &mut (_, Value) = &mut entries[place];
                *earlier = value;
            } else {
                places.insert(name.clone(), entries.len());
                entries.push((Cow::Owned(name), value));
            }
        }
        Self { entries }
    }
}

impl From<Snapshot> for BTreeMap<String, Value> {
    fn from(snapshot: Snapshot) -> Self {
        snapshot.into_iter().collect()
    }
}

#[cfg(feature = "std")]
impl<S: std::hash::BuildHasher + Default> From<Snapshot>
    for std::collections::HashMap<String, Value, S>
{
    fn from(snapshot: Snapshot) -> Self {
        snapshot.into_iter().collect()
    }
}

/// A plain struct of counts (`#[metrics(storage = …)]`) as a map.
impl<P: Plain> From<&P> for Snapshot {
    fn from(plain: &P) -> Self {
        let metrics = <P::Storage as crate::__private::Table>::METRICS;
        let mut entries = Vec::with_capacity(metrics.len());
        let mut metrics = metrics.iter();
        plain.values(&mut |value| {
            entries.extend(metrics.next().map(|metric| (Cow::Borrowed(metric.name), value)));
        });
        Self { entries }
    }
}

#[cfg(feature = "serde")]
mod serde {
    //! A flat map of names to integers.

    use super::{Snapshot, String, Value, Vec, fmt};
    use ::serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{Error, MapAccess, Visitor},
    };

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
                    f.write_str("a flat map of metric names to integers")
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
            match *self {
                Self::Counter(n) => serializer.serialize_u64(n),
                Self::Gauge(n) => serializer.serialize_i64(n),
            }
        }
    }

    impl<'de> Deserialize<'de> for Value {
        /// A number does not tell its kind: a negative one is a gauge, any other a counter. Values compare
        /// by number, so they come back equal.
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Number;

            impl Visitor<'_> for Number {
                type Value = Value;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an integer")
                }

                fn visit_u64<E: Error>(self, n: u64) -> Result<Value, E> {
                    Ok(Value::Counter(n))
                }

                fn visit_i64<E: Error>(self, n: i64) -> Result<Value, E> {
                    Ok(u64::try_from(n).map_or(Value::Gauge(n), Value::Counter))
                }
            }

            deserializer.deserialize_any(Number)
        }
    }
}
