//! Tests a process that temporarily cannot start a thread. The adapter builds its instruments on a separate thread.

#![allow(unsafe_code)] // the limits of a process have no safe interface

use std::env;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use opentelemetry::metrics::MeterProvider as _;
use papyra_metrics::{Counter, Metrics};
use papyra_metrics_export::Registry;
use papyra_metrics_export::opentelemetry::OpenTelemetry;

use crate::log::open;
use crate::sdk::{collect, provider};

const CHILD: &str = "PAPYRA_TEST_WITHOUT_THREADS";

#[derive(Default, Metrics)]
struct LaterMetrics {
    flushes: Counter,
}

/// Returns the maximum size of this process's address space.
fn address_space() -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writes.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) }, 0);
    limit
}

fn limit_address_space(limit: libc::rlimit) {
    // SAFETY: `limit` is valid for reads.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

/// The test below runs this test in a separate process, because this test limits the address space. Without the
/// environment variable [`CHILD`], this test does nothing.
#[test]
fn builds_instruments_once_a_thread_can_be_started() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let registry = Registry::new();
    let (provider, reader) = provider();
    let _observed = OpenTelemetry::new(&registry, &provider.meter("papyra"));
    let limit = address_space();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    // There is space for a registration, but not for the stack of a thread, which takes two mebibytes.
    limit_address_space(libc::rlimit { rlim_cur: (size + 1024) * 1024, ..limit });
    let orders = open(&registry, "orders");
    let problems = registry.problems();
    limit_address_space(limit);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].to_string().starts_with("no thread could be started"), "{problems:?}");
    let later = Arc::new(LaterMetrics::default());
    registry.register(later.clone(), &[]).unwrap();
    orders.records_written.add(3);
    later.flushes.add(5);
    let collected = collect(&reader);
    assert_eq!((collected["records_written"], collected["flushes"]), (3, 5));
    assert_eq!(registry.problems(), []);
}

#[test]
fn a_thread_that_cannot_be_started_is_a_problem_until_one_is_started() {
    let name = "opentelemetry::threads::builds_instruments_once_a_thread_can_be_started";
    let output = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
