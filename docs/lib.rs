//! Compiles and runs the code of the README and of every chapter of the guide, as this crate's doc tests.
#![cfg(doctest)]

#[doc = include_str!("../README.md")]
mod readme {}

/// A module for each chapter: the name of a doc test then names its chapter.
macro_rules! chapters {
    ($($chapter:ident = $file:literal,)*) => {$(
        #[doc = include_str!(concat!("guide/", $file))]
        mod $chapter {}
    )*};
}

chapters! {
    index = "README.md",
    optional = "optional.md",
    model = "model.md",
    snapshots = "snapshots.md",
    reset = "reset.md",
    backends = "backends.md",
    errors = "errors.md",
    command_line = "command-line.md",
    exporting = "exporting.md",
    testing = "testing.md",
    guarantees = "guarantees.md",
    functions = "functions.md",
    histograms = "histograms.md",
    labels = "labels.md",
    plain_structs = "plain-structs.md",
    choosing = "choosing.md",
    many_cores = "many-cores.md",
    shared_backends = "shared-backends.md",
    schema = "schema.md",
    dashboards = "dashboards.md",
    alerts = "alerts.md",
    publishing = "publishing.md",
    optional_publishing = "optional-publishing.md",
    prometheus = "prometheus.md",
    opentelemetry = "opentelemetry.md",
    otlp = "otlp.md",
    statsd = "statsd.md",
    metrics_facade = "metrics-facade.md",
    from_prometheus = "from-prometheus.md",
    from_prometheus_client = "from-prometheus-client.md",
    from_metrics = "from-metrics.md",
    from_iroh_metrics = "from-iroh-metrics.md",
    from_fast_telemetry = "from-fast-telemetry.md",
}
