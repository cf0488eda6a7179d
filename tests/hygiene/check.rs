// Checks what the code in `forms.rs`, `timed_forms.rs` and `label_forms.rs` counts. Tests include this file after those files.

/// Uses every form of the derive and the attribute, and checks the counts.
fn check() {
    ::core::assert_eq!(count(), (16, 8, 12, 0));
    let expected = [
        "log_write_errors", "log_records_written", "log_runs", "log_cancelled", "log_in_flight", "log_cache_hits",
        "log_cache_level", "log_cache_type", "hits", "level", "type", "writes", "open", "nested_reads",
        "reads", "others_writes",
    ];
    let mut len = 0;
    for name in expected {
        len += name.len();
    }
    ::core::assert_eq!(names(), len);
    ::core::assert_eq!(time(), 12);
    ::core::assert_eq!(count_by_kind(), ([5, 4], [2, 1, 2], 0, [1, 1], 1));
    check_labels();
}

/// Checks names, values and order of all labels.
fn check_labels() {
    let expected = [
        ("in", "macro"), ("cause", "hw"),
        ("in", "macro"), ("cause", "sw"),
        ("component", "store"), ("error_kind", "log_broken"),
        ("component", "store"), ("error_kind", "others"),
        ("component", "store"), ("type", "inmemory"), ("level", "last"), ("shard", "0"),
        ("component", "store"), ("type", "inmemory"), ("level", "first"), ("shard", "0"),
        ("component", "store"), ("type", "ondisk"), ("level", "last"), ("shard", "0"),
        ("component", "store"), ("type", "ondisk"), ("level", "first"), ("shard", "0"),
        ("component", "store"), ("type", "inmemory"),
        ("component", "store"), ("type", "ondisk"),
        ("component", "store"), ("type", "inmemory"),
        ("component", "store"), ("type", "ondisk"),
        ("component", "store"), ("type", "hit"),
        ("component", "store"), ("type", "miss"),
        ("component", "store"), ("cause", "hw"),
        ("component", "store"), ("cause", "sw"),
        ("component", "store"), ("file", "wal"), ("shard", "0"),
        ("component", "store"), ("file", "wal"), ("of", "any"), ("shard", "0"),
        ("component", "counts"), ("error_kind", "log_broken"),
        ("component", "counts"), ("error_kind", "others"),
        ("component", "counts"), ("type", "inmemory"),
        ("component", "counts"), ("type", "ondisk"),
        ("component", "counts"), ("of", "any"), ("shard", "0"),
        ("component", "counts"), ("level", "last"),
        ("component", "counts"), ("level", "first"),
    ];
    let mut position = 0;
    visit_labels(&mut |name, value| {
        ::core::assert_eq!((name, value), expected[position]);
        position += 1;
    });
    ::core::assert_eq!(position, expected.len());
}
