//! Labels and families in a published file.

use std::{fs, time::Duration};

use crate::forgery::{description_len, set_checksum};
use crate::labelled::{Op, Outcome, StoreMetrics};
use papyra_metrics::{
    Metrics,
    publish::{Metric, Published, Reader},
};

#[test]
fn series_have_the_same_keys_as_in_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.metrics");
    let store = Published::<StoreMetrics>::create(&path).unwrap();
    store.requests[(Op::Get, Outcome::NotFound)].add(3);
    store.wal.syncs.add(2);
    store.data.syncs.add(5);
    store.latency[Op::Put].record(Duration::from_micros(80));
    store.hits[Op::Get].add(7);
    store.slow_lookups.inc();

    let reader = Reader::open(&path).unwrap();
    let snapshot = reader.snapshot().unwrap();
    assert_eq!(snapshot, store.snapshot());
    assert_eq!(reader.totals().unwrap(), store.totals());
    assert_eq!(snapshot["requests{op=get,outcome=not_found}"], 3);
    assert_eq!(snapshot["syncs{component=data}"], 5);
    assert_eq!(snapshot["hits{op=get}"], 7);
    assert_eq!(snapshot["latency{op=put}"].as_histogram().unwrap().count(), 1);
    assert_eq!(snapshot.member("hits", Op::Get).unwrap(), &7);

    // The metrics that a reader lists have the properties of the published descriptors.
    for (metric, descriptor) in reader.metrics().iter().zip(store.descriptors()) {
        assert_eq!(metric.name(), descriptor.name());
        assert_eq!(metric.series(), descriptor.series().to_string());
        assert!(metric.labels().eq(descriptor.labels()));
        assert_eq!((metric.help(), metric.unit()), (descriptor.help(), descriptor.unit()));
        assert_eq!(metric.kind(), descriptor.kind());
    }
    assert_eq!(reader.metrics().len(), store.descriptors().len());
}

#[test]
fn a_reset_from_outside_resets_every_member() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.metrics");
    let store = Published::<StoreMetrics>::create(&path).unwrap();
    store.requests[(Op::Put, Outcome::Ok)].add(3);
    store.hits[Op::Put].add(4);
    store.latency[Op::Get].record(Duration::from_micros(80));
    Reader::reset(&path).unwrap();
    assert_eq!(store.requests[(Op::Put, Outcome::Ok)].get(), 0);
    assert_eq!(store.hits[Op::Put].get(), 0);
    assert!(store.latency[Op::Get].get().is_empty());
    assert_eq!(store.totals()["hits{op=put}"], 4);
    assert_eq!(Reader::open(&path).unwrap().totals().unwrap(), store.totals());
}

#[test]
fn equal_series_are_rejected_whatever_the_order_of_their_labels() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.metrics");
    let store = Published::<StoreMetrics>::create(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let position = |series: &str| {
        let reader = Reader::open(&path).unwrap();
        let index = reader.metrics().iter().map(Metric::series).position(|key| key == series);
        64 + 88 * index.unwrap()
    };
    let get = position("requests{op=get,outcome=ok}");
    let put = position("requests{op=put,outcome=ok}");
    let number = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    let list = |entry: usize| usize::try_from(number(entry + 64)).unwrap();
    let open = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        let description = description_len(&bytes);
        set_checksum(&mut bytes[..description]);
        let forged = directory.path().join("forged");
        fs::write(&forged, bytes).unwrap();
        Reader::open(forged).map(|reader| reader.metrics().len()).map_err(|error| error.to_string())
    };
    assert_eq!(open(&|_| ()), Ok(store.descriptors().len()));
    // Two series of one name must differ in their labels, not only in the order of the labels.
    let (from, to) = (list(get), list(put));
    let same = "two metrics have the same name";
    let copy = |bytes: &mut Vec<u8>| bytes.copy_within(from..from + 32, to);
    assert!(open(&copy).unwrap_err().ends_with(same));
    let swapped = |bytes: &mut Vec<u8>| {
        bytes.copy_within(from..from + 16, to + 16);
        bytes.copy_within(from + 16..from + 32, to);
    };
    assert!(open(&swapped).unwrap_err().ends_with(same));
}
