//! What a scrape allocates, seen by a counting allocator.

#![allow(unsafe_code)] // an allocator cannot be written otherwise

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use papyra_metrics::persistence::PersistenceMetrics;
use papyra_metrics_export::prometheus::{Format, Prometheus};
use papyra_metrics_export::{Registry, RegistryReader};

struct Counting;

thread_local! {
    // Per thread, so that the harness and other tests do not count.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from the system's allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: `pointer` came from the system's allocator, with this layout.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let before = ALLOCATIONS.get();
    let result = work();
    let after = ALLOCATIONS.get();
    drop(result);
    after - before
}

fn registry(backends: usize) -> (Registry, Vec<Arc<PersistenceMetrics>>) {
    let registry = Registry::with_prefix("papyra").unwrap();
    let metrics: Vec<_> = (0..backends).map(|_| Arc::new(PersistenceMetrics::default())).collect();
    for (i, metrics) in metrics.iter().enumerate() {
        let name = if i % 2 == 0 { format!("{i}") } else { format!("ü{i}") };
        registry.register(metrics.clone(), &[("backend", &name)]).unwrap();
    }
    (registry, metrics)
}

#[test]
fn a_scrape_into_a_warm_buffer_allocates_nothing() {
    let (registry, backends) = registry(100);
    let prometheus = Prometheus::new(&registry);
    let mut text = String::new();
    for format in [Format::Text, Format::OpenMetrics] {
        prometheus.encode(format, &mut text);
    }
    for format in [Format::Text, Format::OpenMetrics, Format::Text] {
        text.clear();
        text.reserve(1 << 20);
        backends[7].records_written.add(1_000_000);
        let allocated = allocations(|| prometheus.encode(format, &mut text));
        assert_eq!(allocated, 0, "{format:?}");
    }
    assert!(text.contains("{backend=\"ü7\"} 3000000\n"));
}

#[test]
fn numbers_that_grow_to_their_full_length_allocate_nothing() {
    // Of some sizes, what is prepared happens to leave enough room, and of others it does not.
    for backends in 1..20 {
        let (registry, backends) = registry(backends);
        let prometheus = Prometheus::new(&registry);
        let mut text = String::with_capacity(1 << 20);
        prometheus.encode(Format::Text, &mut text);
        for bit in 0..64 {
            text.clear();
            for metrics in &backends {
                metrics.records_written.add(1 << bit);
                metrics.records_read.add(1 << bit);
                metrics.bytes_written.add(1 << bit);
                metrics.scan_runs.add(1 << bit);
                metrics.write_errors.add(1 << bit);
            }
            let allocated = allocations(|| prometheus.encode(Format::Text, &mut text));
            assert_eq!(allocated, 0, "{text}");
        }
        assert!(text.contains("{backend=\"0\"} 18446744073709551615\n"));
    }
}

#[test]
fn a_scrape_into_a_body_of_its_own_allocates_the_body_once() {
    let (registry, _backends) = registry(100);
    let prometheus = Prometheus::new(&registry);
    prometheus.scrape(None);
    assert_eq!(allocations(|| prometheus.scrape(None)), 1);
}

#[test]
fn a_warm_reader_allocates_nothing() {
    let (registry, _backends) = registry(100);
    let mut reader = RegistryReader::new(&registry);
    assert_eq!(reader.read().count(), 1200);
    assert_eq!(allocations(|| reader.read().count()), 0);
}
