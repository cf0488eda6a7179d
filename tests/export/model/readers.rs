//! Four kinds of readers, which compare their values with the model: readers of the registry, scrapes, StatsD
//! datagrams, and the `metrics` facade.

use std::collections::BTreeMap;
use std::net::UdpSocket;

use metrics_util::debugging::{DebugValue, Snapshotter};
use papyra_metrics::{Kind, Value};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::prometheus::{Format, Prometheus};
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, Progress, RegistryReader};

use crate::backends::{
    LABELS_IN_OTHERS, LABELS_IN_PROMETHEUS, LABELS_IN_STATSD, METRICS, Metric, Part, bucket_of,
    part_suffix,
};
use crate::model::{Key, Model, Received};

/// A reader of any kind. `check` reads, and compares the values with the model.
pub(crate) trait Reader {
    fn check(&mut self, model: &Model);
}

pub(crate) struct RegistryValues {
    pub(crate) reader: RegistryReader,
    /// The value of [`Model::closings`] at the previous reading.
    pub(crate) delivered: u64,
}

impl Reader for RegistryValues {
    fn check(&mut self, model: &Model) {
        let mut read = Vec::new();
        for sample in self.reader.read() {
            let labels = sample.labels().iter();
            let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={value}")).collect();
            let mut push = |suffix: &str, value: i128| {
                let name = format!("{}{suffix}", sample.name());
                let is_counter = sample.kind() != Kind::Gauge;
                read.push(((name, labels.join(","), is_counter), value));
            };
            match sample.value() {
                Value::Counter(total) => push("", i128::from(*total)),
                Value::Gauge(value) => push("", i128::from(*value)),
                Value::Histogram(distribution) => {
                    for (bucket, tally) in distribution.tallies().iter().enumerate() {
                        push(&part_suffix(Part::Bucket(bucket)), i128::from(tally.count));
                    }
                    let sum =
                        distribution.tallies().iter().map(|tally| i128::from(tally.sum)).sum();
                    push(&part_suffix(Part::Sum), sum);
                }
                _ => panic!("{sample:?}"),
            }
        }
        let expected: BTreeMap<_, _> = model
            .shown(self.delivered)
            .into_iter()
            .map(|((labels, metric), value)| {
                let Metric { prometheus, is_counter, .. } = METRICS[metric];
                let name = format!("{prometheus}{}", METRICS[metric].part_suffix());
                ((name, LABELS_IN_OTHERS[labels].to_owned(), is_counter), value)
            })
            .collect();
        assert_eq!(read.len(), expected.len(), "{read:?}");
        assert_eq!(read.into_iter().collect::<BTreeMap<_, _>>(), expected);
        self.delivered = model.closings;
    }
}

pub(crate) struct Scrape {
    pub(crate) prometheus: Prometheus,
    /// The formats that the scrapes use in turn.
    pub(crate) formats: Vec<Format>,
    pub(crate) delivered: u64,
}

impl Reader for Scrape {
    fn check(&mut self, model: &Model) {
        self.formats.rotate_left(1);
        let format = self.formats[0];
        let mut text = String::from("before\n");
        self.prometheus.encode(format, &mut text);
        let body = text.strip_prefix("before\n").unwrap();
        let body = if format == Format::OpenMetrics {
            body.strip_suffix("# EOF\n").unwrap()
        } else {
            body
        };
        // Each family must occur only once in the body, with all of its samples.
        let mut families: BTreeMap<&str, String> = BTreeMap::new();
        let mut lines = body.lines().peekable();
        while let Some(line) = lines.next() {
            let name = line.split(' ').nth(2).unwrap();
            let name = if format == Format::Text {
                name.strip_suffix("_total").unwrap_or(name)
            } else {
                name
            };
            let mut family = format!("{line}\n");
            let mut samples = Vec::new();
            let is_of_family =
                |line: &&str| line.split(' ').nth(2).unwrap().trim_end_matches("_total") == name;
            while let Some(line) = lines.next_if(|line| line.starts_with('#') && is_of_family(line))
            {
                family.extend([line, "\n"]);
            }
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                samples.push(format!("{line}\n"));
            }
            samples.sort();
            family.extend(samples);
            assert!(families.insert(name, family).is_none(), "{name} occurs twice:\n{body}");
        }
        let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let shown = model.shown(self.delivered);
        for (&(labels, metric), &value) in &shown {
            let Metric { prometheus, is_counter, part, .. } = METRICS[metric];
            if let Some(part) = part {
                let samples = expected.entry(prometheus).or_default();
                samples.extend(histogram_sample(&shown, (labels, metric), part));
                continue;
            }
            let (total, labels) =
                (if is_counter { "_total" } else { "" }, LABELS_IN_PROMETHEUS[labels]);
            let samples = expected.entry(prometheus).or_default();
            samples.push(format!("{prometheus}{total}{labels} {value}\n"));
        }
        let expected = expected.into_iter().map(|(name, mut samples)| {
            let metric = METRICS.iter().find(|metric| metric.prometheus == name).unwrap();
            let (kind, total) = match metric {
                Metric { part: Some(_), .. } => ("histogram", ""),
                Metric { is_counter: true, .. } => ("counter", "_total"),
                _ => ("gauge", ""),
            };
            let help = metric.help;
            samples.sort();
            let head = match format {
                Format::Text => {
                    format!("# HELP {name}{total} {help}\n# TYPE {name}{total} {kind}\n")
                }
                _ if name.ends_with("_bytes") => {
                    format!("# TYPE {name} {kind}\n# UNIT {name} bytes\n# HELP {name} {help}\n")
                }
                _ => format!("# TYPE {name} {kind}\n# HELP {name} {help}\n"),
            };
            (name, head + &samples.concat())
        });
        assert_eq!(families, expected.collect());
        self.delivered = model.closings;
    }
}

/// Returns the samples of one part of a histogram. In Prometheus, the count of a bucket includes the counts of all
/// lower buckets.
fn histogram_sample(shown: &BTreeMap<Key, i128>, (labels, metric): Key, part: Part) -> Vec<String> {
    let name = METRICS[metric].prometheus;
    let suffix = LABELS_IN_PROMETHEUS[labels];
    let Part::Bucket(bucket) = part else {
        return vec![format!("{name}_sum{suffix} {}\n", shown[&(labels, metric)])];
    };
    let count: i128 = (0..=bucket).map(|below| shown[&(labels, metric - below)]).sum();
    let le = ["10.0", "100.0", "+Inf"][bucket];
    let others = suffix.strip_suffix('}').map_or_else(|| "{".to_owned(), |it| format!("{it},"));
    let mut samples = vec![format!("{name}_bucket{others}le=\"{le}\"}} {count}\n")];
    if bucket == 2 {
        samples.push(format!("{name}_count{suffix} {count}\n"));
    }
    samples
}

pub(crate) struct Datagrams {
    pub(crate) daemon: UdpSocket,
    pub(crate) statsd: StatsD,
    pub(crate) totals: BTreeMap<String, i128>,
    pub(crate) expected: Received,
    pub(crate) delivered: u64,
}

impl Datagrams {
    /// Adds the values of one line of a distribution. A line with a sample rate represents several equal values.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // the numbers are small
    fn add_values(&mut self, name: &str, value: f64, rest: &str) {
        let (rate, tags) = match rest.strip_prefix("|@") {
            Some(rest) => rest.split_at(rest.find('|').unwrap_or(rest.len())),
            None => ("1", rest),
        };
        let count = (1.0 / rate.parse::<f64>().unwrap()) as i128;
        let sum = (value * count as f64).round() as i128;
        for (part, grown) in [(Part::Bucket(bucket_of(value)), count), (Part::Sum, sum)] {
            *self.totals.entry(format!("{name}{tags}{}", part_suffix(part))).or_default() += grown;
        }
    }
}

impl Reader for Datagrams {
    fn check(&mut self, model: &Model) {
        while self.statsd.export().unwrap() == Progress::More {}
        let mut gauges = BTreeMap::new();
        let mut datagram = [0; 2000];
        while let Ok(len) = self.daemon.recv(&mut datagram) {
            for line in std::str::from_utf8(&datagram[..len]).unwrap().lines() {
                let (name, value) = line.split_once(':').unwrap();
                let (value, rest) = value.split_once('|').unwrap();
                if let Some(rest) = rest.strip_prefix('d') {
                    self.add_values(name, value.parse().unwrap(), rest);
                    continue;
                }
                let name = format!("{name}{}", &rest[1..]);
                let value: i128 = value.parse().unwrap();
                if rest.starts_with('c') {
                    *self.totals.entry(name).or_default() += value;
                } else if value < 0 {
                    // In StatsD, a negative value is added to the gauge. So a line that sets the gauge to zero must
                    // come before it.
                    let before = gauges.insert(name, value);
                    assert_eq!(before, Some(0), "{line}");
                } else {
                    gauges.insert(name, value);
                }
            }
        }
        let name = |(labels, metric): Key| {
            let metric: &Metric = &METRICS[metric];
            format!("{}{}{}", metric.statsd, LABELS_IN_STATSD[labels], metric.part_suffix())
        };
        let totals = self.expected.totals(model).into_iter().filter(|&(_, total)| total > 0);
        assert_eq!(self.totals, totals.map(|(key, total)| (name(key), total)).collect());
        let shown = model.shown(self.delivered).into_iter();
        let shown = shown.filter(|((_, metric), _)| !METRICS[*metric].is_counter);
        assert_eq!(gauges, shown.map(|(key, value)| (name(key), value)).collect());
        self.delivered = model.closings;
    }
}

pub(crate) struct Recorded {
    pub(crate) facade: Facade,
    pub(crate) snapshotter: Snapshotter,
    pub(crate) totals: BTreeMap<(String, String), i128>,
    pub(crate) expected: Received,
    pub(crate) delivered: u64,
}

impl Reader for Recorded {
    fn check(&mut self, model: &Model) {
        self.facade.export().unwrap();
        let mut gauges = BTreeMap::new();
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let key = key.key();
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let name = (key.name().to_owned(), labels.join(","));
            match value {
                DebugValue::Counter(grown) => {
                    *self.totals.entry(name).or_default() += i128::from(grown);
                }
                DebugValue::Gauge(value) => drop(gauges.insert(name, value.0)),
                DebugValue::Histogram(values) => {
                    for value in values {
                        let mut add = |part, grown| {
                            let name = (format!("{}{}", name.0, part_suffix(part)), name.1.clone());
                            *self.totals.entry(name).or_default() += grown;
                        };
                        add(Part::Bucket(bucket_of(value.0)), 1);
                        #[allow(clippy::cast_possible_truncation)] // a small number
                        add(Part::Sum, value.0.round() as i128);
                    }
                }
            }
        }
        let name = |(labels, metric): Key| {
            let Metric { prometheus, is_counter, .. } = METRICS[metric];
            let part = METRICS[metric].part_suffix();
            let total = if is_counter && part.is_empty() { "_total" } else { "" };
            (format!("{prometheus}{total}{part}"), LABELS_IN_OTHERS[labels].to_owned())
        };
        // The facade records nothing for a bucket without values.
        let totals = self.expected.totals(model).into_iter();
        let totals = totals.filter(|&((_, it), total)| METRICS[it].part.is_none() || total > 0);
        assert_eq!(self.totals, totals.map(|(key, total)| (name(key), total)).collect());
        // The recorder shows zero for gauges that were not set since the last snapshot, so zeros are not compared.
        gauges.retain(|_, value| *value != 0.0);
        let shown = model.shown(self.delivered).into_iter();
        let shown = shown.filter(|&((_, metric), value)| !METRICS[metric].is_counter && value != 0);
        #[allow(clippy::cast_precision_loss)] // the facade's gauges are floats
        let expected = shown.map(|(key, value)| (name(key), value as f64)).collect();
        assert_eq!(gauges, expected);
        self.delivered = model.closings;
    }
}
