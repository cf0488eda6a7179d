//! Tests the crate `papyra-metrics-export` as an application uses it, with the real servers.

mod allocations;
mod dashboard;
mod examples;
mod facade;
mod families;
mod handles;
mod histograms;
mod labels;
mod locks;
mod log;
mod opentelemetry;
mod otlp;
mod otlp_collector;
mod panics;
mod periodic;
mod prometheus;
mod prometheus_histograms;
mod registry;
mod rules;
mod schema;
mod sdk;
mod server;
mod server_load;
mod starvation;
mod statsd;
mod tree;
