//! One program for each library: a struct of counters, and functions that count their errors in it.

use std::fmt::Write as _;

/// A library, its dependencies, and the program that uses it.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) dependencies: &'static str,
    write: fn(&mut Program),
}

pub(crate) const PEERS: &[Peer] = &[
    Peer { name: "by hand", dependencies: "", write: by_hand },
    Peer { name: "papyra-metrics", dependencies: PAPYRA, write: papyra },
    Peer {
        name: "metrics-derive",
        dependencies: "metrics = \"=0.24.6\"\nmetrics-derive = \"=0.1.2\"",
        write: metrics_derive,
    },
    Peer { name: "vise", dependencies: "vise = \"=0.3.2\"", write: vise },
    Peer { name: "measured", dependencies: "measured = \"=0.0.25\"", write: measured },
    Peer {
        name: "prometheus-client",
        dependencies: "prometheus-client = \"=0.26.0\"",
        write: prometheus_client,
    },
    Peer {
        name: "metered",
        // The macro of `metered` generates paths to serde.
        dependencies: "metered = \"=0.9.0\"\nserde = { version = \"1\", features = [\"derive\"] }",
        write: metered,
    },
    Peer { name: "iroh-metrics", dependencies: "iroh-metrics = \"=1.0.2\"", write: iroh_metrics },
    Peer {
        name: "fast-telemetry",
        dependencies: "fast-telemetry = \"=0.10.0\"",
        write: fast_telemetry,
    },
    Peer { name: "metriken", dependencies: "metriken = \"=0.11.5\"", write: metriken },
];

const PAPYRA: &str = concat!(
    "papyra-metrics = { path = \"",
    env!("CARGO_MANIFEST_DIR"),
    "/../../papyra-metrics\" }"
);

/// A part of a composed program: items, and their dependencies.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) dependencies: &'static str,
    pub(crate) items: &'static str,
}

/// Derives that most backends already use.
pub(crate) const DERIVES: Part = Part {
    dependencies: "serde = { version = \"1\", features = [\"derive\"] }\nthiserror = \"2\"",
    items: "#[derive(serde::Serialize)]\nstruct Settings { sync: bool }\n\
            #[derive(Debug, thiserror::Error)]\n#[error(\"full\")]\nstruct Full;\n",
};

pub(crate) const OURS: Part = Part {
    dependencies: PAPYRA,
    items: "#[derive(Default, papyra_metrics::Metrics)]\n\
            struct LogMetrics { writes: papyra_metrics::Counter }\n",
};

impl Peer {
    /// Returns a program with these numbers of counters and functions.
    pub(crate) fn program(&self, counters: usize, functions: usize) -> String {
        let mut program = Program { text: String::new(), counters, functions };
        (self.write)(&mut program);
        program.text
    }
}

/// Returns a program with a struct of this number of counters, which is flattened twice into another struct. There is no
/// such program for the peers, because none of them composes names at compile time.
pub(crate) fn flattened_twice(counters: usize) -> String {
    let mut program = Program { text: String::new(), counters, functions: 0 };
    program.add("use papyra_metrics::Metrics;");
    program.add_struct("#[derive(Default, Metrics)]", "papyra_metrics::Counter");
    program.add(
        "#[derive(Default, Metrics)]
struct Twice {
    #[metrics(flatten, prefix = \"left_\")]
    left: LogMetrics,
    #[metrics(flatten, prefix = \"right_\")]
    right: LogMetrics,
}",
    );
    program.add_main(
        "    let metrics = Twice::default();",
        "    println!(\"{}\", metrics.snapshot());",
    );
    program.text
}

/// Returns a program that prints a struct of `families` families. Their label has `values` values.
pub(crate) fn families(families: usize, values: usize) -> String {
    let mut program = Program::of_families(families, values);
    program.add_main(
        "    let metrics = LogMetrics::default();",
        "    println!(\"{}\", metrics.snapshot());",
    );
    program.text
}

/// Returns the program that [`families`] returns, but with the struct flattened twice into a generic struct.
pub(crate) fn families_flattened_twice(families: usize, values: usize) -> String {
    let mut program = Program::of_families(families, values);
    program.add(
        "#[derive(Default, Metrics)]
struct Twice<C> {
    own: C,
    #[metrics(flatten, prefix = \"left_\")]
    left: LogMetrics,
    #[metrics(flatten, prefix = \"right_\")]
    right: LogMetrics,
}",
    );
    program.add_main(
        "    let metrics = Twice::<Counter>::default();",
        "    println!(\"{}\", metrics.snapshot());",
    );
    program.text
}

struct Program {
    text: String,
    counters: usize,
    functions: usize,
}

impl Program {
    /// Declares a struct of `families` families. Their label has `values` values.
    fn of_families(families: usize, values: usize) -> Self {
        let mut program = Self { text: String::new(), counters: families, functions: 0 };
        program.add("use papyra_metrics::{Counter, Family, Label, Metrics};");
        program.add("#[derive(Clone, Copy, Label)]\nenum Op {");
        for i in 0..values {
            program.add(&format!("    Kind{i},"));
        }
        program.add("}");
        program.add_struct("#[derive(Default, Metrics)]", "Family<Op, Counter>");
        program
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds the struct, with fields of this type.
    fn add_struct(&mut self, attributes: &str, ty: &str) {
        self.add(attributes);
        self.add("struct LogMetrics {");
        for i in 0..self.counters {
            let _ = writeln!(self.text, "    /// Events of kind {i}.\n    counter_{i}: {ty},");
        }
        self.add("}");
    }

    /// Adds a backend whose functions have an attribute or count by hand. Adds nothing if there are no functions.
    fn add_functions(&mut self, on_impl: &str, metrics: &str, measure: &dyn Fn(usize) -> Measure) {
        if self.functions == 0 {
            return;
        }
        self.add(&format!("struct Log {{ metrics: {metrics} }}\n{on_impl}\nimpl Log {{"));
        for i in 0..self.functions {
            let body = format!(
                "let size = text.parse::<u64>()?;
        if size > {i} {{
            return Ok(size);
        }}
        Ok(text.len() as u64 + {i})"
            );
            let signature =
                format!("fn step_{i}(&self, text: &str) -> Result<u64, std::num::ParseIntError>");
            let function = match measure(i) {
                Measure::Attribute(attribute) => {
                    format!("    {attribute}\n    {signature} {{\n        {body}\n    }}")
                }
                Measure::ByHand(inc) => format!(
                    "    {signature} {{
        let result = (|| {{\n        {body}\n        }})();
        if result.is_err() {{
            {inc};
        }}
        result
    }}"
                ),
            };
            self.add(&function);
        }
        self.add("}");
    }

    fn add_main(&mut self, make: &str, show: &str) {
        self.add("fn main() {");
        self.add(make);
        if self.functions > 0 {
            self.add("    let log = Log { metrics };");
            for i in 0..self.functions {
                let _ = writeln!(self.text, "    let _ = log.step_{i}(\"1\");");
            }
            self.add("    let metrics = &log.metrics;");
        }
        self.add(show);
        self.add("}");
    }
}

enum Measure {
    Attribute(String),
    ByHand(String),
}

fn by_hand(program: &mut Program) {
    program.add("use std::sync::atomic::{AtomicU64, Ordering};");
    program.add_struct("#[derive(Default)]", "AtomicU64");
    program.add_functions("", "LogMetrics", &|i| {
        Measure::ByHand(format!("self.metrics.counter_{i}.fetch_add(1, Ordering::Relaxed)"))
    });
    program.add_main(
        "    let metrics = LogMetrics::default();",
        "    println!(\"{}\", metrics.counter_0.load(Ordering::Relaxed));",
    );
}

fn papyra(program: &mut Program) {
    program.add("use papyra_metrics::Metrics;");
    program.add_struct("#[derive(Default, Metrics)]", "papyra_metrics::Counter");
    program.add_functions("", "LogMetrics", &|i| {
        Measure::Attribute(format!("#[papyra_metrics::metrics(errors = counter_{i})]"))
    });
    program.add_main(
        "    let metrics = LogMetrics::default();",
        "    println!(\"{}\", metrics.snapshot());",
    );
}

fn metrics_derive(program: &mut Program) {
    program.add_struct(
        "#[derive(metrics_derive::Metrics)]\n#[metrics(scope = \"log\")]",
        "metrics::Counter",
    );
    program.add_functions("", "LogMetrics", &|i| {
        Measure::ByHand(format!("self.metrics.counter_{i}.increment(1)"))
    });
    program.add_main(
        "    let metrics = LogMetrics::default();",
        "    metrics.counter_0.increment(1);",
    );
}

fn vise(program: &mut Program) {
    program.add_struct(
        "#[derive(Debug, vise::Metrics)]\n#[metrics(prefix = \"log\")]",
        "vise::Counter",
    );
    program
        .add("#[vise::register]\nstatic METRICS: vise::Global<LogMetrics> = vise::Global::new();");
    program.add_functions("", "&'static LogMetrics", &|i| {
        Measure::ByHand(format!("self.metrics.counter_{i}.inc()"))
    });
    program.add_main(
        "    let metrics: &LogMetrics = &METRICS;",
        "    println!(\"{}\", metrics.counter_0.get());",
    );
}

fn measured(program: &mut Program) {
    program.add_struct("#[derive(measured::MetricGroup)]\n#[metric(new())]", "measured::Counter");
    program.add_functions("", "LogMetrics", &|i| {
        Measure::ByHand(format!("self.metrics.counter_{i}.inc()"))
    });
    program.add_main("    let metrics = LogMetrics::new();", "    metrics.counter_0.inc();");
}

/// Registers the counters by hand, because the derive of prometheus-client is only for labels.
fn prometheus_client(program: &mut Program) {
    program.add(
        "use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Eq, Hash, PartialEq, EncodeLabelSet)]
struct Labels { backend: String }",
    );
    program.add_struct("#[derive(Default)]", "Family<Labels, Counter>");
    program.add("impl LogMetrics {\n    fn register(&self, registry: &mut Registry) {");
    for i in 0..program.counters {
        program.add(&format!(
            "        registry.register(\"counter_{i}\", \"Events of kind {i}.\", self.counter_{i}.clone());"
        ));
    }
    program.add("    }\n}\nfn labels() -> Labels { Labels { backend: \"orders\".to_owned() } }");
    program.add_functions("", "LogMetrics", &|i| {
        Measure::ByHand(format!("self.metrics.counter_{i}.get_or_create(&labels()).inc()"))
    });
    program.add_main(
        "    let metrics = LogMetrics::default();\n    metrics.register(&mut Registry::default());",
        "    metrics.counter_0.get_or_create(&labels()).inc();",
    );
}

/// Declares at least three functions, or one for each counter if there are fewer counters, because `metered` generates
/// the struct of counters from the functions.
fn metered(program: &mut Program) {
    program.functions = program.functions.max(program.counters.min(3));
    program.add("use metered::{ErrorCount, metered};");
    program.add_functions(
        "#[metered(registry = LogMetrics, registry_expr = self.metrics)]",
        "LogMetrics",
        &|_| Measure::Attribute("#[measure([ErrorCount])]".to_owned()),
    );
    program.add_main(
        "    let metrics = LogMetrics::default();",
        "    println!(\"{:?}\", metrics.step_0);",
    );
}

fn iroh_metrics(program: &mut Program) {
    program.add_struct(
        "#[derive(Debug, Default, iroh_metrics::MetricsGroup)]\n#[metrics(name = \"log\")]",
        "iroh_metrics::Counter",
    );
    program.add_functions("", "LogMetrics", &|i| {
        Measure::ByHand(format!("self.metrics.counter_{i}.inc()"))
    });
    program.add_main(
        "    let metrics = LogMetrics::default();",
        "    println!(\"{}\", metrics.counter_0.get());",
    );
}

/// Lists all counters in a constructor, because counters of fast-telemetry do not implement `Default`.
fn fast_telemetry(program: &mut Program) {
    program.add_struct(
        "#[derive(fast_telemetry::ExportMetrics)]\n#[metric_prefix = \"log\"]",
        "fast_telemetry::Counter",
    );
    program.add("impl LogMetrics {\n    fn new() -> Self {\n        Self {");
    for i in 0..program.counters {
        program.add(&format!("            counter_{i}: fast_telemetry::Counter::new(2),"));
    }
    program.add("        }\n    }\n}");
    program.add_functions("", "LogMetrics", &|i| {
        Measure::ByHand(format!("self.metrics.counter_{i}.inc()"))
    });
    program.add_main(
        "    let metrics = LogMetrics::new();",
        "    let mut text = String::new();
    metrics.export_prometheus(&mut text);
    println!(\"{text}\");",
    );
}

/// Declares the counters as statics, as metriken requires.
fn metriken(program: &mut Program) {
    for i in 0..program.counters {
        program.add(&format!(
            "#[metriken::metric(name = \"counter_{i}\", description = \"Events of kind {i}.\")]
static COUNTER_{i}: metriken::Counter = metriken::Counter::new();"
        ));
    }
    program.add("struct LogMetrics;");
    program
        .add_functions("", "LogMetrics", &|i| Measure::ByHand(format!("COUNTER_{i}.increment()")));
    program.add_main("    let metrics = LogMetrics;", "    println!(\"{}\", COUNTER_0.value());");
}
