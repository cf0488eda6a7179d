//! Computes medians and their confidence intervals.

/// A median, and half the width of its confidence interval, which contains the true median with a probability of 95 %.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Median {
    pub(crate) value: f64,
    pub(crate) margin: f64,
}

impl Median {
    /// Computes the median and its interval by ranks. This assumes nothing about the distribution of the values, because the
    /// number of values below the true median is always binomially distributed.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // lengths are small
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        // 1.96 standard deviations of the number of values below the true median. The standard deviation is half the square
        // root of the number of all values.
        let ranks = (0.98 * (values.len() as f64).sqrt()).ceil() as usize;
        let low = values[middle.saturating_sub(ranks)];
        let high = values[(middle + ranks).min(values.len() - 1)];
        Self { value: values[middle], margin: (high - low) / 2.0 }
    }
}
