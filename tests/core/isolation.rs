//! Each backend has its own counts, even if another backend has the same type, or another test runs in the same
//! process.

use papyra_metrics::{Metrics, persistence::PersistenceMetrics};

fn check_that_counts_are_separate(n: u64) {
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
    check_that_counts_are_separate(10_000);
}

#[test]
fn two_tests_in_one_process_do_not_share_counts() {
    check_that_counts_are_separate(10_001);
}
