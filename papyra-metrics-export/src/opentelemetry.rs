//! OpenTelemetry: observable instruments on a meter of the application's.
//!
//! Built on the API crate alone, of which this crate supports one version; see the README for how an application
//! that has another one stays free.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::{AsyncInstrument, Meter};
use papyra_metrics::Kind;

use crate::cell::Number;
use crate::family::Family;
use crate::registry::Watcher;
use crate::{Registry, RegistryReader};

/// Has every reader of a meter's provider see the metrics of a registry, those that are registered later too,
/// for as long as this value is kept.
///
/// ```
/// use opentelemetry::metrics::{MeterProvider, noop::NoopMeterProvider};
/// use papyra_metrics_export::{Registry, opentelemetry::OpenTelemetry};
///
/// # let provider = NoopMeterProvider::new();
/// let registry = Registry::with_prefix("papyra")?;
/// let exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
/// // … the application runs, and at its end:
/// drop(exported);
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
///
/// Counters become observable counters of `u64`, gauges observable gauges of `i64`. Names keep the dots of the
/// registry's prefix and leave the unit out, which is given in UCUM (`By`, `s`); of a metric without a unit, it
/// is what the name counts (`{record}`). Where two metrics differ in their unit alone, the later one keeps it in
/// its name. Labels become attributes, help the description.
///
/// What is observed is a total that never falls, over resets and over backends that are closed and opened again
/// under the same labels; so what a reader adds up is what was counted, whether it asks for cumulative values or
/// for deltas, and however many readers there are. To that end the totals of a closed backend are observed on,
/// while its gauges are not. The SDK keeps 2000 sets of attributes for an instrument, unless a view says
/// otherwise, and calculates in `i64` on the wire.
///
/// OpenTelemetry has no way to take an instrument back: the instruments stay, and observe nothing once this value
/// is dropped. Flush the provider before. A meter taken from `opentelemetry::global` before the provider was set
/// reports nothing, ever.
#[must_use = "nothing is observed any more when this is dropped"]
pub struct OpenTelemetry {
    _adapter: Arc<Adapter>,
}

impl OpenTelemetry {
    /// Builds an instrument on this meter for each name in the registry, now and whenever there are more.
    ///
    /// One for each provider is enough; a second one would observe the same values twice over.
    pub fn new(registry: &Registry, meter: &Meter) -> Self {
        let cache = Cache { reader: RegistryReader::new(registry), observed: HashMap::new() };
        let adapter = Arc::new(Adapter {
            meter: meter.clone(),
            built: Mutex::default(),
            names: Mutex::default(),
            cache: Mutex::new(cache),
        });
        let watcher: Weak<Adapter> = Arc::downgrade(&adapter);
        registry.watch(watcher);
        Self { _adapter: adapter }
    }
}

impl fmt::Debug for OpenTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetry").finish_non_exhaustive()
    }
}

struct Adapter {
    meter: Meter,
    /// The families that have an instrument, by address.
    built: Mutex<HashSet<usize>>,
    /// The names of the instruments, in lower case, as the SDK compares them.
    names: Mutex<HashSet<String>>,
    /// For callbacks alone: the SDK holds a lock of its own around them.
    cache: Mutex<Cache>,
}

/// The last reading, from which all instruments are observed. Each instrument has its callback, and the SDK runs
/// them all for each collection of each reader.
struct Cache {
    reader: RegistryReader,
    /// By the address of the family, which stays, for the registry's slots have it.
    observed: HashMap<usize, Observed>,
}

#[derive(Default)]
struct Observed {
    /// Whether it was observed since the last reading. If it is to be again, a new collection has begun.
    done: bool,
    /// The place of each series' value, and its attributes.
    series: Vec<(usize, Vec<KeyValue>)>,
}

impl Watcher for Adapter {
    fn look(self: Arc<Self>, families: &[Arc<Family>]) {
        for family in families {
            if self.is_new(family) {
                self.build(family);
            }
        }
    }
}

impl Adapter {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is no instrument for this family, as there will be.
    fn is_new(&self, family: &Arc<Family>) -> bool {
        self.built.lock().unwrap_or_else(PoisonError::into_inner).insert(address(family))
    }

    fn build(self: &Arc<Self>, family: &Arc<Family>) {
        let name = self.name(family);
        let unit = unit(family);
        let help = family.help.clone();
        let (adapter, of) = (Arc::downgrade(self), Arc::clone(family));
        // The handles do nothing; the callbacks stay with the provider.
        match family.kind {
            Kind::Counter => {
                let builder = self.meter.u64_observable_counter(name);
                let builder = builder.with_description(help).with_unit(unit);
                builder.with_callback(move |instrument| observe(&adapter, &of, instrument)).build();
            }
            Kind::Gauge => {
                let builder = self.meter.i64_observable_gauge(name);
                let builder = builder.with_description(help).with_unit(unit);
                builder.with_callback(move |instrument| observe(&adapter, &of, instrument)).build();
            }
            // Such a kind makes no family yet.
            _ => {}
        }
    }

    /// The name without the unit, unless another instrument has it.
    fn name(&self, family: &Family) -> String {
        let (prefix, with_unit) =
            (&family.dotted[..family.prefix_len], &family.name[family.prefix_len..]);
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = [family.dotted.clone(), format!("{prefix}{with_unit}")];
        // An instrument whose name does not begin with a letter would do nothing.
        let mut candidates = candidates.map(|name| match name.trim_start_matches('_') {
            rest if rest.starts_with(|first: char| first.is_ascii_alphabetic()) => rest.to_owned(),
            rest => format!("n{rest}"),
        });
        let free = candidates.iter().position(|name| !names.contains(&name.to_ascii_lowercase()));
        let name = std::mem::take(&mut candidates[free.unwrap_or(1)]);
        names.insert(name.to_ascii_lowercase());
        name
    }
}

/// What an instrument takes of a number.
trait Observable: Sized {
    fn of(number: Number) -> Self;
}

impl Observable for u64 {
    fn of(number: Number) -> Self {
        number.total()
    }
}

impl Observable for i64 {
    fn of(number: Number) -> Self {
        number.level()
    }
}

/// A callback: what panics here would end the SDK's reader for good, and what is not observed once would be
/// counted again by the next delta.
fn observe<N: Observable>(
    adapter: &Weak<Adapter>,
    family: &Arc<Family>,
    instrument: &dyn AsyncInstrument<N>,
) {
    let Some(adapter) = adapter.upgrade() else { return };
    let mut cache = adapter.cache();
    cache.read_for(address(family));
    let Cache { reader, observed } = &mut *cache;
    let Some(Observed { series, .. }) = observed.get(&address(family)) else { return };
    for (place, attributes) in series {
        if let Some(&number) = reader.numbers().get(*place) {
            instrument.observe(N::of(number), attributes);
        }
    }
}

impl Cache {
    /// Reads anew where this family was observed since the last reading: a new collection has begun. So one
    /// reading serves all instruments of a collection, and where two readers collect at once, each gets at least
    /// its own.
    fn read_for(&mut self, family: usize) {
        let Self { reader, observed } = self;
        let done = observed.get(&family).is_some_and(|family| family.done);
        let never = reader.numbers().is_empty();
        if done || never {
            if reader.refresh() {
                for family in observed.values_mut() {
                    family.series.clear();
                }
                for known in reader.series() {
                    // A level that nothing holds any more is none; a total stays.
                    if known.is_read && (known.is_open || known.meta.family.kind == Kind::Counter) {
                        let labels = known.meta.labels.iter();
                        let attributes = labels
                            .map(|(name, value)| KeyValue::new(name.to_owned(), value.to_owned()));
                        let family = observed.entry(address(&known.meta.family)).or_default();
                        family.series.push((known.place, attributes.collect()));
                    }
                }
            }
            for family in observed.values_mut() {
                family.done = false;
            }
        }
        if let Some(family) = observed.get_mut(&family) {
            family.done = true;
        }
    }
}

fn address(family: &Arc<Family>) -> usize {
    Arc::as_ptr(family).addr()
}

/// The unit in UCUM, <https://ucum.org/ucum>, as the semantic conventions of OpenTelemetry have it: what is
/// counted stands in braces, in the singular.
fn unit(family: &Family) -> Cow<'static, str> {
    let Some(unit) = &family.unit else {
        let name = &family.name[family.prefix_len..];
        let thing = name.split('_').find_map(singular);
        return thing.map_or(Cow::Borrowed(""), |thing| format!("{{{thing}}}").into());
    };
    let known = match unit.as_str() {
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
        _ => return format!("{{{}}}", singular(unit).unwrap_or_else(|| unit.clone())).into(),
    };
    Cow::Borrowed(known)
}

/// The singular of a word that looks like a plural. It only ever annotates.
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
