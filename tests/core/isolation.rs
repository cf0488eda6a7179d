//! Backends do not share counts, neither two of one type nor those of two tests in one process.

use papyra_metrics::{Metrics, persistence::PersistenceMetrics};

fn counts_only_its_own(n: u64) {
    let one = PersistenceMetrics::default();
    let other = PersistenceMetrics::default();
    for i in 1..=n {
        one.records_written.inc();
        assert_eq!(one.snapshot()["records_written"], i);
    }
    assert_eq!(other.snapshot()["records_written"], 0);
    other.records_read.inc();
    one.reset();
    assert_eq!(one.totals()["records_written"], n);
    assert_eq!(other.snapshot()["records_read"], 1);
}

#[test]
fn two_backends_in_one_test_do_not_share_counts() {
    counts_only_its_own(10_000);
}

#[test]
fn two_tests_in_one_process_do_not_share_counts() {
    counts_only_its_own(10_001);
}
