//! The objectives of derived structs.

use super::metric::Metric;
use super::text::Message;
use crate::Objective;

/// Returns the objective of the metric `name`, whose field has the type `M`: `billionths` parts per billion of the
/// values are at most `within`. Panics if the metric is not a histogram.
#[track_caller]
pub const fn objective<M: Metric>(name: &str, within: &str, billionths: u32) -> Objective {
    if let Some(scale) = &M::SCALE {
        return Objective::of_scale(scale, within, billionths);
    }
    let mut message = Message::new();
    message.push("`objective` requires a histogram, and `").push(name).push("` is a ");
    message.push(M::KIND.as_str()).push("; remove `objective`, or make the field a `Histogram`");
    panic!("{}", message.as_str())
}
