// Runs the forms. Included below `forms.rs` and `timed_forms.rs`, by tests.

/// Uses every form once and checks what was counted.
fn check() {
    ::core::assert_eq!(count(), (16, 8, 12, 0));
    let expected = [
        "log_write_errors", "log_records_written", "log_runs", "log_cancelled", "log_in_flight", "log_cache_hits",
        "log_cache_level", "log_cache_type", "hits", "level", "type", "writes", "open", "nested_reads",
    ];
    let mut len = 0;
    for name in expected {
        len += name.len();
    }
    ::core::assert_eq!(names(), len);
    ::core::assert_eq!(time(), 12);
}
