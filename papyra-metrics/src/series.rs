//! The key of a series: the name of a metric with its labels.

use core::fmt;

/// The key of one series: `name`, or `name{label=value,…}` with the labels in declaration order.
///
/// Snapshots, serialized snapshots and the command line use this key. [`Display`](fmt::Display) formats the key.
///
/// ```
/// use papyra_metrics::{Descriptor, Series};
///
/// const GETS: Descriptor = Descriptor::counter("requests").with_labels(&[("op", "get"), ("outcome", "ok")]);
/// assert_eq!(GETS.series().to_string(), "requests{op=get,outcome=ok}");
///
/// // For a metric without a descriptor, such as one read from a file.
/// let labels = vec![("level".to_owned(), "0".to_owned())];
/// let labels = labels.iter().map(|(name, value)| (&**name, &**value));
/// assert_eq!(Series::new("compactions", labels).to_string(), "compactions{level=0}");
/// ```
#[derive(Clone, Copy)]
pub struct Series<'a, L> {
    name: &'a str,
    labels: L,
}

impl<'a, L> Series<'a, L>
where
    L: IntoIterator<Item = (&'a str, &'a str)> + Clone,
{
    /// Creates the key of the metric with this name and these labels.
    pub fn new(name: &'a str, labels: L) -> Self {
        Self { name, labels }
    }
}

impl<'a, L> fmt::Display for Series<'a, L>
where
    L: IntoIterator<Item = (&'a str, &'a str)> + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        let mut separator = "{";
        for (name, value) in self.labels.clone() {
            for text in [separator, name, "=", value] {
                f.write_str(text)?;
            }
            separator = ",";
        }
        if separator == "," { f.write_str("}") } else { Ok(()) }
    }
}

impl<'a, L> fmt::Debug for Series<'a, L>
where
    L: IntoIterator<Item = (&'a str, &'a str)> + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Series({self})")
    }
}
