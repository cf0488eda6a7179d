//! Units in UCUM.

use std::borrow::Cow;

use crate::family::Family;

/// The unit in UCUM, <https://ucum.org/ucum>, as the semantic conventions of OpenTelemetry write it: the things that are
/// counted are in braces, in the singular.
pub(super) fn unit(family: &Family) -> Cow<'static, str> {
    let Some(unit) = family.unit() else {
        let thing = family.own_name().split('_').find_map(singular);
        return thing.map_or(Cow::Borrowed(""), |thing| format!("{{{thing}}}").into());
    };
    let known = match unit {
        "bytes" => "By",
        "bits" => "bit",
        "seconds" => "s",
        "milliseconds" => "ms",
        "microseconds" => "us",
        "nanoseconds" => "ns",
        "minutes" => "min",
        "hours" => "h",
        "days" => "d",
        "ratio" => "1",
        "percent" => "%",
        "celsius" => "Cel",
        "meters" => "m",
        "grams" => "g",
        "joules" => "J",
        "volts" => "V",
        "amperes" => "A",
        "watts" => "W",
        "hertz" => "Hz",
        _ => return format!("{{{}}}", singular(unit).unwrap_or_else(|| unit.to_owned())).into(),
    };
    Cow::Borrowed(known)
}

/// The singular of a word that looks like a plural. It is only used in annotations.
fn singular(word: &str) -> Option<String> {
    let end = |end: &str| word.strip_suffix(end).filter(|rest| rest.len() > 1);
    if let Some(rest) = end("ies") {
        return Some(format!("{rest}y"));
    }
    for hissing in ["sses", "shes", "tches", "xes"] {
        if let Some(rest) = end(hissing) {
            return Some(format!("{rest}{}", &hissing[..hissing.len() - 2]));
        }
    }
    if ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return None;
    }
    end("s").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::singular;

    #[test]
    fn what_looks_like_a_plural_has_a_singular() {
        for (word, expected) in [
            ("records", Some("record")),
            ("recoveries", Some("recovery")),
            ("misses", Some("miss")),
            ("flushes", Some("flush")),
            ("batches", Some("batch")),
            ("caches", Some("cache")),
            ("indexes", Some("index")),
            ("bytes", Some("byte")),
            ("written", None),
            ("progress", None),
            ("status", None),
            ("analysis", None),
            ("s", None),
            ("", None),
        ] {
            assert_eq!(singular(word).as_deref(), expected, "{word}");
        }
    }
}
