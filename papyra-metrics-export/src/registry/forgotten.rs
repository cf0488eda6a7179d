//! Remembers what unregistered metrics have counted into series that the registry has forgotten.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::closed::{ClosedSeries, Departed, SourceTotal};
use crate::Labels;
use crate::family::Family;

/// The largest number of forgotten series for which the total of one source is remembered. Metrics that are registered
/// under new labels again and again would otherwise take more and more memory.
const MAX_TOTALS: usize = 10_000;

/// The totals of unregistered metrics whose series the registry has forgotten. If these metrics are registered again,
/// these totals are not exported a second time, because receivers already have them.
#[derive(Default)]
pub(super) struct ForgottenSources {
    by_address: FxHashMap<usize, ForgottenSource>,
    /// The number of sources above which [`add`](Self::add) removes the sources whose metrics no longer exist.
    prune_at: usize,
}

struct ForgottenSource {
    /// The unregistered metrics. As long as this value exists, no other metrics can have the same address.
    source: Arc<Departed>,
    /// The total of each series, and the number under which it is in `order`. Label values may come from users of the
    /// application, so the hash function has to resist chosen keys.
    totals: HashMap<SeriesKey, (u64, SourceTotal)>,
    /// The series in the order in which they were forgotten.
    order: BTreeMap<u64, SeriesKey>,
    next: u64,
}

/// The address of the family, and the labels.
type SeriesKey = (usize, Arc<Labels>);

impl ForgottenSources {
    /// Remembers what each source of a forgotten backend has counted into `series`, in case the source is registered
    /// again. Sources whose metrics no longer exist are not added.
    pub(super) fn add(&mut self, sources: Vec<Arc<Departed>>, series: &[ClosedSeries]) {
        for source in sources.into_iter().filter(|source| source.identity.is_alive()) {
            for ClosedSeries { id, serial, .. } in series {
                let Some(total) = source.total_of(*serial) else { continue };
                let forgotten = self.by_address.entry(source.address);
                let forgotten = forgotten.or_insert_with(|| ForgottenSource::new(&source));
                forgotten.insert((id.family.address(), Arc::clone(&id.labels)), total.clone());
            }
        }
        if self.by_address.len() > self.prune_at {
            self.by_address.retain(|_, it| it.source.identity.is_alive());
            self.prune_at = 2 * self.by_address.len();
        }
    }

    /// Removes and returns the total that the source at this address had counted into a forgotten series.
    pub(super) fn take(
        &mut self,
        address: usize,
        family: &Family,
        labels: &Arc<Labels>,
    ) -> Option<SourceTotal> {
        let forgotten = self.by_address.get_mut(&address)?;
        let total = forgotten.remove(&(family.address(), Arc::clone(labels)))?;
        if forgotten.totals.is_empty() {
            self.by_address.remove(&address);
        }
        Some(total)
    }
}

impl ForgottenSource {
    fn new(source: &Arc<Departed>) -> Self {
        let (totals, order, next) = Default::default();
        Self { source: Arc::clone(source), totals, order, next }
    }

    fn insert(&mut self, series: SeriesKey, total: SourceTotal) {
        self.remove(&series);
        self.order.insert(self.next, series.clone());
        self.totals.insert(series, (self.next, total));
        self.next += 1;
        if self.totals.len() > MAX_TOTALS {
            self.order.pop_first().inspect(|(_, oldest)| drop(self.totals.remove(oldest)));
        }
    }

    fn remove(&mut self, series: &SeriesKey) -> Option<SourceTotal> {
        let (number, total) = self.totals.remove(series)?;
        self.order.remove(&number);
        Some(total)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};

    use papyra_metrics::{Counter, Metrics};

    use super::{ForgottenSource, MAX_TOTALS};
    use crate::Labels;
    use crate::registry::closed::{Departed, SourceTotal};
    use crate::series::source::Identity;

    #[derive(Default, Metrics)]
    struct LogMetrics {
        writes: Counter,
    }

    struct Alive;

    impl Identity for Alive {
        fn is_alive(&self) -> bool {
            true
        }
    }

    fn series(number: usize) -> (usize, Arc<Labels>) {
        let worker = number.to_string();
        let labels = [("worker", &*worker)].into_iter();
        (1, Arc::new(Labels::new(labels).unwrap()))
    }

    #[test]
    fn of_each_source_the_totals_of_the_series_that_were_forgotten_last_are_remembered() {
        let source: Weak<Arc<LogMetrics>> = Weak::new();
        let identity = Box::new(Alive);
        let source = Departed { closing: 1, address: 1, identity, source, totals: Vec::new() };
        let mut forgotten = ForgottenSource::new(&Arc::new(source));
        for number in 0..MAX_TOTALS + 2 {
            forgotten.insert(series(number), SourceTotal::Counter(number as u64));
            // A series that is forgotten repeatedly counts only once toward the limit.
            forgotten.insert(series(0), SourceTotal::Counter(7));
        }
        let is_remembered = |number| forgotten.totals.contains_key(&series(number));
        assert!(is_remembered(0));
        assert!(!is_remembered(1));
        assert!(!is_remembered(2));
        assert!(is_remembered(3));
        assert!(is_remembered(MAX_TOTALS + 1));
        assert_eq!((forgotten.totals.len(), forgotten.order.len()), (MAX_TOTALS, MAX_TOTALS));
    }
}
