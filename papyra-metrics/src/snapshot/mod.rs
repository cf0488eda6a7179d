//! One reading of a set of metrics: an owned, ordered map of names to values, with no atomics in it.

use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec::Vec};
use core::{
    fmt, mem,
    ops::{Index, Range},
};

use crate::walk::{ReadMode, Visit};
use crate::{Descriptor, Metrics, Value};

mod iter;
mod member;
#[cfg(feature = "serde")]
mod serde;
mod table;

pub use iter::{IntoIter, Iter};
use table::{Collect, Values};

/// One reading of a set of metrics: a map of names to values, in declaration order.
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
/// With the feature `serde`, a snapshot is serialized as a flat map, in order. Deserializing this map returns an equal
/// snapshot, apart from floats that are not finite. In human-readable formats such as JSON, values are numbers, a
/// histogram is an object with `count`, `sum` and `buckets`, and a float that is not finite is null, which is
/// deserialized as NaN. Other formats, such as postcard and bincode, contain the kind of each value and lose only the
/// units of histograms.
///
/// A reference to a [plain struct](derive@crate::Metrics#plain-structs) converts `into` a snapshot.
#[derive(Clone)]
pub struct Snapshot {
    entries: Entries,
    /// The number of metrics that are not absent.
    len: usize,
}

/// The names and values. Each name occurs once.
#[derive(Clone)]
enum Entries {
    /// The values of metrics whose descriptors and keys are static.
    Table {
        metrics: &'static [Descriptor],
        values: Values,
    },
    Named(Vec<(Cow<'static, str>, Value)>),
}

impl Snapshot {
    /// Reads `metrics`. If the descriptors and their keys are static, only the values are stored.
    pub(crate) fn read<R: ReadMode, M: Metrics + ?Sized>(metrics: &M) -> Self {
        // A hand-written descriptor with labels has no static key, so its key is built below.
        let table = metrics.__static_table();
        let table = table.with_keys_or_else(|| metrics.static_descriptors());
        if let Some(table) = table {
            return Self::read_table::<R, M>(metrics, table);
        }
        let descriptors = metrics.descriptors();
        let mut entries = Vec::with_capacity(descriptors.len());
        let mut push = |metric: &Descriptor, value| entries.push((metric.key(), value));
        metrics.walk(&mut Visit::<R>::new(descriptors, &mut push));
        Self::named(entries)
    }

    /// Reads the values directly into the snapshot that is returned. Moving them after the walk would take a tenth of the
    /// time of a small snapshot.
    fn read_table<R: ReadMode, M: Metrics + ?Sized>(
        metrics: &M,
        table: &'static [Descriptor],
    ) -> Self {
        let values = Values::with_capacity(table.len());
        let mut snapshot = Self { entries: Entries::Table { metrics: table, values }, len: 0 };
        if let Entries::Table { values, .. } = &mut snapshot.entries {
            let mut collect = Collect::<R>::new(values, table.len());
            metrics.walk(&mut collect);
            snapshot.len = collect.present();
        }
        snapshot
    }

    /// Creates a snapshot of a derived struct from its descriptors and its values, which are in the same order.
    pub(crate) fn of_table(metrics: &'static [Descriptor], values: Vec<Value>) -> Self {
        Self { len: values.len(), entries: Entries::Table { metrics, values: values.into() } }
    }

    fn named(entries: Vec<(Cow<'static, str>, Value)>) -> Self {
        Self { len: entries.len(), entries: Entries::Named(entries) }
    }

    /// Returns the value with this key: `name`, or `name{label=value,…}` for a metric with labels.
    ///
    /// ```
    /// use papyra_metrics::{Snapshot, Value};
    ///
    /// let snapshot = Snapshot::from_iter([("requests{op=get}", Value::Counter(3))]);
    /// assert_eq!(snapshot["requests{op=get}"], 3);
    /// assert_eq!(snapshot.get("requests"), None);
    /// ```
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Returns an iterator over the names and values, in declaration order.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self)
    }

    /// Returns the number of metrics in the snapshot.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the snapshot contains no metrics.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the indices of all metrics, including absent ones.
    fn indices(&self) -> Range<usize> {
        0..match &self.entries {
            Entries::Table { values, .. } => values.len(),
            Entries::Named(entries) => entries.len(),
        }
    }

    /// Returns the metric at `index`, or `None` if it was absent.
    fn entry(&self, index: usize) -> Option<(&str, &Value)> {
        match &self.entries {
            Entries::Table { metrics, values } => {
                let value = values.get(index)?;
                Some((metrics.get(index)?.key?, value))
            }
            Entries::Named(entries) => entries.get(index).map(|(name, value)| (&**name, value)),
        }
    }

    /// Removes the metric at `index` and returns it, or `None` if it was absent.
    fn take_entry(&mut self, index: usize) -> Option<(String, Value)> {
        match &mut self.entries {
            Entries::Table { metrics, values } => {
                let value = values.take(index)?;
                Some((metrics.get(index)?.key?.into(), value))
            }
            Entries::Named(entries) => {
                let (name, value) = entries.get_mut(index)?;
                Some((mem::take(name).into_owned(), mem::replace(value, Value::Counter(0))))
            }
        }
    }

    /// Returns the increase of each counter and the values recorded in each histogram since `earlier`. Gauges keep
    /// their values.
    ///
    /// Each reader can thus measure its own interval without resetting the metrics for other readers. A counter that is
    /// lower than in `earlier` was reset in between, so its increase is its whole value. If `earlier` does not contain a
    /// counter or a histogram of this snapshot, the result contains its whole value too. Metrics that only `earlier`
    /// contains are left out.
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
    #[inline] // keeps the code of B-tree maps out of programs that do not call this
    pub fn since(&self, earlier: &Self) -> Self {
        let mut before = Lookup { snapshot: earlier, by_name: None };
        let mut grown = self.clone();
        grown.for_each_value(|index, name, value| {
            match (value, before.find(index, name)) {
                (Value::Counter(now), Some(earlier)) => {
                    // A counter that has fallen was reset, and its whole value counts.
                    *now = earlier
                        .as_u64()
                        .and_then(|earlier| now.checked_sub(earlier))
                        .unwrap_or(*now);
                }
                (Value::Histogram(now), Some(Value::Histogram(earlier))) => {
                    **now = now.since(earlier);
                }
                _ => {}
            }
        });
        grown
    }

    /// Calls the function with the index, the name and the value of each metric that is not absent.
    fn for_each_value(&mut self, mut each: impl FnMut(usize, &str, &mut Value)) {
        match &mut self.entries {
            Entries::Table { metrics, values } => {
                for (index, (metric, value)) in metrics.iter().zip(values.iter_mut()).enumerate() {
                    if let (Some(key), Some(value)) = (metric.key, value) {
                        each(index, key, value);
                    }
                }
            }
            Entries::Named(entries) => {
                for (index, (name, value)) in entries.iter_mut().enumerate() {
                    each(index, name, value);
                }
            }
        }
    }
}

/// Looks up names in another snapshot, which usually has the same names at the same indices.
struct Lookup<'a> {
    snapshot: &'a Snapshot,
    by_name: Option<BTreeMap<&'a str, &'a Value>>,
}

impl<'a> Lookup<'a> {
    #[inline]
    fn find(&mut self, index: usize, name: &str) -> Option<&'a Value> {
        let same_index = self.snapshot.entry(index).filter(|(known, _)| *known == name);
        if let Some((_, value)) = same_index {
            return Some(value);
        }
        let snapshot = self.snapshot;
        self.by_name.get_or_insert_with(|| snapshot.iter().collect()).get(name).copied()
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::named(Vec::new())
    }
}

impl PartialEq for Snapshot {
    /// Snapshots are equal if they have the same names with the same values in the same order.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Index<&str> for Snapshot {
    type Output = Value;

    /// Returns the value of the metric with this name.
    ///
    /// # Panics
    ///
    /// Panics if no metric has this name. The message lists the names that exist.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or_else(|| {
            let mut names = String::new();
            for (i, (name, _)) in self.iter().enumerate() {
                names.push_str(if i == 0 { "" } else { ", " });
                names.push_str(name);
            }
            panic!("no metric is named `{name}`; the snapshot has: {names}")
        })
    }
}

impl fmt::Display for Snapshot {
    /// Writes a line `name: value` for each metric, without a newline after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            write!(f, "{newline}{name}: {value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Snapshot {
    /// Writes a map of names to values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<N: Into<String>> FromIterator<(N, Value)> for Snapshot {
    /// Keeps the order of the iterator. If a name occurs twice, the later value replaces the earlier one.
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(pairs: I) -> Self {
        let mut entries: Vec<(Cow<'static, str>, Value)> = Vec::new();
        let mut indices = BTreeMap::new();
        for (name, value) in pairs {
            let name = name.into();
            if let Some(&index) = indices.get(&name) {
                let (_, earlier): &mut (_, Value) = &mut entries[index];
                *earlier = value;
            } else {
                indices.insert(name.clone(), entries.len());
                entries.push((Cow::Owned(name), value));
            }
        }
        Self::named(entries)
    }
}

impl From<Snapshot> for BTreeMap<String, Value> {
    #[inline] // as for `since`
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
