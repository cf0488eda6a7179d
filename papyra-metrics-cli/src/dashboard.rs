//! `dashboard`: a Grafana dashboard of the declared metrics.

use std::io;

use clap::Args;
use papyra_metrics_export::schema;

use crate::schema::Declared;
use crate::source::Source;

/// Write a Grafana dashboard of the metrics, for a Prometheus server that scrapes them.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The output is JSON, which Grafana can import or provision as a file. It depends only on the metrics and the options, so it can be \
committed and compared.")]
pub struct Dashboard {
    #[command(flatten)]
    pub(crate) declared: Declared,

    /// The title; by default, the first words that the names of all metrics have in common, or `Metrics`
    #[arg(long)]
    title: Option<String>,

    /// A label that the application's registry adds; becomes a variable of the dashboard; can be given several times
    #[arg(long = "label", value_name = "LABEL", value_parser = parse_label)]
    labels: Vec<String>,
}

fn parse_label(label: &str) -> Result<String, String> {
    schema::Dashboard::new(&schema::Schema::default())
        .with_label(label)
        .map(|_| label.to_owned())
        .map_err(|error| error.to_string())
}

impl Dashboard {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        self.declared.print(source, |schema| {
            let mut dashboard = schema::Dashboard::new(schema);
            if let Some(title) = &self.title {
                dashboard = dashboard.with_title(title);
            }
            for label in &self.labels {
                dashboard = dashboard.with_label(label).map_err(io::Error::other)?;
            }
            Ok(dashboard.to_string())
        })
    }
}
