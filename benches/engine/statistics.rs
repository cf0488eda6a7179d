//! Medians, and how certain they are.

/// A median, and half the width of the interval that contains the true one with a probability of 95 %.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Median {
    pub(crate) value: f64,
    pub(crate) margin: f64,
}

impl Median {
    /// By ranks, which assumes nothing about the distribution: the number of values below the true median is binomial.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // of small lengths
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let reach = (0.98 * (values.len() as f64).sqrt()).ceil() as usize;
        let low = values[middle.saturating_sub(reach)];
        let high = values[(middle + reach).min(values.len() - 1)];
        Self { value: values[middle], margin: (high - low) / 2.0 }
    }
}
