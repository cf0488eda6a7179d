//! Content negotiation: selects the format of a scrape.

/// A text format that Prometheus scrapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// Returns the format that an `Accept` header prefers, by the weights of RFC 9110, section 12.5.1.
    ///
    /// Returns the text format if the header accepts neither format, or if it gives both formats the same weight
    /// without naming OpenMetrics.
    ///
    /// ```
    /// use papyra_metrics_export::prometheus::Format;
    ///
    /// let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    /// assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
    /// assert_eq!(Format::accepted("application/openmetrics-text;q=0, */*"), Format::Text);
    /// ```
    pub fn accepted(accept: &str) -> Self {
        let ranges: Vec<Range> = accept.split(',').filter_map(Range::parse).collect();
        let open_metrics = best(&ranges, "application", "openmetrics-text");
        let text = best(&ranges, "text", "plain");
        let prefers_open_metrics = open_metrics.weight > text.weight
            || open_metrics.weight == text.weight && open_metrics.precision == NAMED;
        if open_metrics.weight > 0 && prefers_open_metrics { Self::OpenMetrics } else { Self::Text }
    }

    /// Returns the value of the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The precision of a media range that names both `type` and `subtype`.
const NAMED: u8 = 2;

struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Whether the range requests a version other than 1.0.0, the version of OpenMetrics that this crate writes.
    is_other_version: bool,
    /// The weight in thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    /// Parses one media range of the header. Returns `None` if it is malformed.
    fn parse(range: &'a str) -> Option<Self> {
        let mut parts = range.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut parsed = Self { kind, subtype, is_other_version: false, weight: 1000 };
        for part in parts {
            let Some((name, value)) = part.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("q") {
                parsed.weight = weight(value)?;
            } else if name.trim().eq_ignore_ascii_case("version") {
                parsed.is_other_version = value != "1.0.0";
            }
        }
        Some(parsed)
    }

    fn precision(&self, kind: &str, subtype: &str) -> Option<u8> {
        let is = |range: &str, name: &str| range.eq_ignore_ascii_case(name);
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (range, "*") if is(range, kind) => Some(1),
            (range, sub) if is(range, kind) && is(sub, subtype) => {
                // The text format is accepted in any version.
                (kind == "text" || !self.is_other_version).then_some(NAMED)
            }
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
struct Preference {
    precision: u8,
    weight: u16,
}

/// Returns the precision and the weight of the most precise range that matches the media type `kind/subtype`. If
/// several ranges are equally precise, returns the highest of their weights. If no range matches, the weight is zero.
fn best(ranges: &[Range<'_>], kind: &str, subtype: &str) -> Preference {
    let matching = ranges.iter().filter_map(|range| {
        Some(Preference { precision: range.precision(kind, subtype)?, weight: range.weight })
    });
    let none = Preference { precision: 0, weight: 0 };
    matching.max_by_key(|range| (range.precision, range.weight)).unwrap_or(none)
}

/// Parses a weight. Returns the weight in thousandths, or `None` if it is not a number from 0 to 1.
fn weight(text: &str) -> Option<u16> {
    let weight: f32 = text.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // the value is from 0 to 1000
    (0.0..=1.0).contains(&weight).then(|| (weight * 1000.0).round() as u16)
}
