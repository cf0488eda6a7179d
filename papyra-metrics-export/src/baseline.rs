//! The totals that a reader leaves out, because they were counted before the reader was to start.

use std::collections::HashMap;

use papyra_metrics::Tally;

use crate::registry::SeriesView;
use crate::series::exported::ExportedValues;
use crate::series::number::Form;

/// The totals of counters and histograms at one time, by the serial number of the series.
pub(crate) struct Baseline(HashMap<u64, Total>);

enum Total {
    Counter(u64),
    Histogram(Box<[Tally]>),
}

impl Baseline {
    /// Creates the baseline from a reading.
    pub(crate) fn new(series: &[SeriesView], values: &ExportedValues) -> Self {
        let totals = series.iter().filter_map(|series| {
            let total = match series.form {
                Form::Total => Total::Counter(values.numbers[series.value_index].total()),
                Form::Histogram => {
                    let reading = values.histogram(series.value_index, &series.id.family)?;
                    Total::Histogram(reading.tallies.into())
                }
                Form::Level | Form::Float => return None,
            };
            Some((series.serial, total))
        });
        Self(totals.collect())
    }

    /// Subtracts the baseline from the values of a later reading.
    pub(crate) fn subtract_from(&self, series: &[SeriesView], values: &mut ExportedValues) {
        for series in series {
            match self.0.get(&series.serial) {
                Some(Total::Counter(total)) => values.subtract_total(series.value_index, *total),
                Some(Total::Histogram(totals)) => {
                    values.subtract_tallies(series.value_index, totals);
                }
                None => {}
            }
        }
    }
}
