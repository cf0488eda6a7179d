//! Translates units to the ids that Grafana uses.

/// Returns the id that Grafana uses for the unit of a value.
pub(super) fn of_value(unit: Option<&str>) -> String {
    let Some(unit) = unit else { return "short".to_owned() };
    let known = match unit {
        "amperes" => "amp",
        "bits" => "bits",
        "bytes" => "bytes",
        "celsius" => "celsius",
        "days" => "d",
        "grams" => "massg",
        "hertz" => "hertz",
        "hours" => "h",
        "joules" => "joule",
        "meters" => "lengthm",
        "microseconds" => "µs",
        "milliseconds" => "ms",
        "minutes" => "m",
        "nanoseconds" => "ns",
        "percent" => "percent",
        "ratio" => "percentunit",
        "seconds" => "s",
        "volts" => "volt",
        "watts" => "watt",
        other => return format!("count:{}", words(other)),
    };
    known.to_owned()
}

/// Returns the id that Grafana uses for the unit of a per-second rate. `unit` is the unit of the metric itself, such as
/// `bytes` for a rate in bytes per second.
pub(super) fn of_rate(unit: Option<&str>) -> String {
    let Some(unit) = unit else { return "ops".to_owned() };
    let known = match unit {
        "bits" => "bps",
        "bytes" => "binBps",
        "joules" => "watt",
        // Seconds per second are a ratio: the share of time that one thread is busy.
        "seconds" => "percentunit",
        other => return format!("count:{}/s", words(other)),
    };
    known.to_owned()
}

fn words(unit: &str) -> String {
    unit.replace('_', " ")
}
