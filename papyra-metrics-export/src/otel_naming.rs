//! Chooses the names and units of metrics in OpenTelemetry.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::family::Family;
use crate::registry::{Problem, ProblemReport};

/// The maximum length of a name, <https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument>.
const MAX_NAME_LEN: usize = 255;

/// The names that are in use, by their spelling in lower case. The SDK ignores case, so two names must not differ only
/// in case.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, Claimed>);

/// A name that is in use.
struct Claimed {
    name: String,
    /// The exported name of the family that uses this name in OpenTelemetry.
    family: String,
}

impl Names {
    /// Claims the first of these names that is neither taken nor too long: the name without the unit, the name with the
    /// unit, each of them with the kind, and each of them shortened. A name with the kind and a shortened name are
    /// reported, because the backend did not choose them. If no name is left, reports the family and returns `None`.
    pub(crate) fn claim(&mut self, family: &Family, report: &ProblemReport) -> Option<String> {
        let own = [family.name_without_unit(), family.own_name()];
        let names = own.map(|name| family.dotted(name));
        // A name must begin with a letter. Leading underscores are removed, and an `n` is put before the rest if the
        // rest does not begin with a letter. If the resulting names are taken, the underscores are kept after an `n`.
        let stripped = names.clone().map(|name| match name.trim_start_matches('_') {
            rest if rest.starts_with(|first: char| first.is_ascii_alphabetic()) => rest.to_owned(),
            rest => format!("n{rest}"),
        });
        let kept = names.map(|name| if name.starts_with('_') { format!("n{name}") } else { name });
        let with_kind = stripped.clone().map(|name| format!("{name}_{}", family.kind));
        let shortened = stripped.clone().map(|mut name| {
            // Exported names are ASCII.
            name.truncate(MAX_NAME_LEN);
            name
        });
        let is_free =
            |name: &&String| name.len() <= MAX_NAME_LEN && self.claimed_by(name).is_none();
        let names = || stripped.iter().chain(&kept);
        let taken = names().chain(&shortened).find_map(|name| Some((name, self.claimed_by(name)?)));
        let chosen = names().find(is_free);
        let name = chosen.or_else(|| with_kind.iter().chain(&shortened).find(is_free));
        if chosen.is_none() {
            report.add(Problem::new(String::new(), problem(family, name, taken)));
        }
        let name = name?.clone();
        let claimed = Claimed { name: name.clone(), family: family.name().to_owned() };
        self.0.insert(name.to_ascii_lowercase(), claimed);
        Some(name)
    }

    fn claimed_by(&self, name: &str) -> Option<&Claimed> {
        self.0.get(&name.to_ascii_lowercase())
    }
}

/// Describes why a family is exported as `name` or, if `name` is `None`, why it is not exported. `taken` is a name that
/// the family should have had, and the claim of another family to this name. If no name of the family is taken, but all
/// are too long, `taken` is `None`.
fn problem(family: &Family, name: Option<&String>, taken: Option<(&String, &Claimed)>) -> String {
    let family = family.name();
    let exported = match name {
        Some(name) => format!("exported to OpenTelemetry as `{name}`"),
        None => "not exported to OpenTelemetry".to_owned(),
    };
    let Some((wanted, Claimed { name: taken, family: other })) = taken else {
        return format!(
            "`{family}` is {exported}, because its name exceeds {MAX_NAME_LEN} characters; shorten it"
        );
    };
    let ignored = if wanted == taken { "" } else { ", and case is ignored" };
    format!(
        "`{family}` is {exported}, because `{other}` already has the name `{taken}` there{ignored}; rename one of them"
    )
}

/// Returns the unit of a family in UCUM notation (<https://ucum.org/ucum>), as the semantic conventions of
/// OpenTelemetry require. Counted things are written in the singular and in braces, such as `{record}`.
pub(crate) fn unit(family: &Family) -> Cow<'static, str> {
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

/// Returns the singular of a word that looks like a plural, or `None` for other words. The result is only used inside
/// braces, so an occasional wrong singular does no harm.
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
    fn only_words_that_look_like_plurals_have_a_singular() {
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
