//! `describe`: the declared metrics, in the format of a lock file.

use std::io;

use clap::Args;

use crate::schema::Declared;
use crate::source::Source;

/// List the metrics that are exported: names, kinds, units, labels, buckets and help texts.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The output is a lock file. It is sorted, contains no values, and depends only on the metrics and the prefix.")]
pub struct Describe {
    #[command(flatten)]
    pub(crate) declared: Declared,
}

impl Describe {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        self.declared.print(source, |schema| Ok(schema.to_string()))
    }
}
