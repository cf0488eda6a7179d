//! The declared metrics of a struct: its own metrics, each of which may be a family, and the metrics of the structs
//! that are flattened into it.

use crate::{Descriptor, LabelValues};

/// The declarations of a struct.
#[derive(Clone, Copy)]
pub struct Declarations {
    /// The struct's own metrics, in declaration order.
    pub own: &'static [Descriptor],
    /// For each own metric, the labels of its family, or an empty list if the metric is not a family. If no own metric is
    /// a family, the outer list is empty.
    pub families: &'static [&'static [LabelValues]],
    /// The flattened fields, in declaration order.
    pub flattened: &'static [Flattened],
    /// The number of levels of flattened structs in this struct.
    depth: usize,
}

impl Declarations {
    const NONE: Self = Self { own: &[], families: &[], flattened: &[], depth: 0 };

    pub(super) const fn new(
        own: &'static [Descriptor],
        families: &'static [&'static [LabelValues]],
        flattened: &'static [Flattened],
    ) -> Self {
        let mut depth = 0;
        let mut i = 0;
        while i < flattened.len() {
            if flattened[i].metrics.depth >= depth {
                depth = flattened[i].metrics.depth + 1;
            }
            i += 1;
        }
        Self { own, families, flattened, depth }
    }
}

/// Returns the metrics of a flattened field. Panics if their structs are nested too deeply. The derive generates one call for
/// each flattened field, so that the compile error is located at the field.
#[track_caller]
pub const fn flattened_metrics(metrics: Declarations) -> Declarations {
    assert!(
        metrics.depth + 1 < MAX_DEPTH,
        "structs are flattened more than 31 levels deep; move the metrics of some levels into the structs that contain them"
    );
    metrics
}

/// One flattened field.
pub struct Flattened {
    /// The number of the struct's own metrics that are declared before the field.
    pub at: usize,
    /// The field's name, for error messages.
    pub field: &'static str,
    /// The prefix that the field adds to the name of each of its metrics.
    pub prefix: &'static str,
    /// The labels that the field adds before each metric's own labels.
    pub labels: Labels,
    /// The metrics of the field's type.
    pub metrics: Declarations,
}

/// Names and values of labels.
pub type Labels = &'static [(&'static str, &'static str)];

/// The field that a metric of a struct comes from.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// A metric of the struct itself, by its index.
    Own(usize),
    /// A flattened field, by its index.
    Flattened(usize),
}

impl Owner {
    /// Returns whether `self` and `other` are the same field.
    pub(super) const fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Own(a), Self::Own(b)) | (Self::Flattened(a), Self::Flattened(b)) => a == b,
            _ => false,
        }
    }
}

/// Iterates over all metrics of a struct in declaration order, including the metrics of flattened structs. A family with
/// many series is one step.
///
/// The compiler interprets this code at compile time, where a call takes as long as dozens of other steps. Therefore
/// intermediate results are kept in fields, and slices are matched instead of indexed.
pub(super) struct DeclaredMetrics {
    /// The path from the outermost struct to the flattened struct that contains the current metric.
    levels: [Level; MAX_DEPTH],
    /// The index of the current struct in `levels`. Levels after it are not in use.
    depth: usize,
    /// The number of labels in the [`OuterLabels::Joined`] of all flattened fields so far.
    joined_len: usize,
    /// The current metric, as its struct declares it.
    pub(super) metric: &'static Descriptor,
    /// The labels that distinguish the series of the current metric; empty if the metric is not a family.
    pub(super) family: &'static [LabelValues],
    /// The number of series of the current metric.
    pub(super) members: usize,
    /// The length of all prefixes of the current metric.
    pub(super) prefix_len: usize,
    /// The labels that flattened fields add to the current metric.
    pub(super) outer_labels: OuterLabels,
    /// Whether the series of the current metric have labels.
    pub(super) has_labels: bool,
}

/// The largest number of structs that can be nested in each other, including the outermost struct.
const MAX_DEPTH: usize = 32;

/// The state of the iteration over one struct.
#[derive(Clone, Copy)]
struct Level {
    /// The own metrics and the flattened fields that have not been visited.
    rest: Declarations,
    /// The number of own metrics that have been visited.
    own: usize,
    /// The number of flattened fields that have been visited.
    flattened: usize,
    /// The prefix and the labels of the flattened field that contains this struct; empty for the outermost struct.
    prefix: &'static str,
    labels: Labels,
    /// The length of all prefixes down to this level.
    prefix_len: usize,
    outer_labels: OuterLabels,
}

/// The labels that flattened fields add to a metric: the labels of all levels down to the level of the metric.
#[derive(Clone, Copy)]
pub(super) enum OuterLabels {
    /// At most one level adds labels.
    One(Labels),
    /// Several levels add labels. These labels are adjacent in the list that
    /// [`joined_labels`](super::compose::joined_labels) returns: `len` labels from the position `at` on.
    Joined { at: usize, len: usize },
}

impl OuterLabels {
    const fn len(self) -> usize {
        match self {
            Self::One(labels) => labels.len(),
            Self::Joined { len, .. } => len,
        }
    }
}

const NO_METRIC: Descriptor = Descriptor::gauge("none");

impl DeclaredMetrics {
    /// Creates an iterator without a current metric. [`advance`](Self::advance) moves it to the first metric.
    pub(super) const fn new(declarations: Declarations) -> Self {
        let mut first = Level {
            rest: Declarations::NONE,
            own: 0,
            flattened: 0,
            prefix: "",
            labels: &[],
            prefix_len: 0,
            outer_labels: OuterLabels::One(&[]),
        };
        let mut levels = [first; MAX_DEPTH];
        first.rest = declarations;
        levels[0] = first;
        Self {
            levels,
            depth: 0,
            joined_len: 0,
            metric: &NO_METRIC,
            family: &[],
            members: 0,
            prefix_len: 0,
            outer_labels: first.outer_labels,
            has_labels: false,
        }
    }

    /// Advances to the next metric. Returns whether there is one.
    pub(super) const fn advance(&mut self) -> bool {
        loop {
            let level = &mut self.levels[self.depth];
            match level.rest.flattened {
                [field, ..] if field.at == level.own => {
                    self.enter(field);
                    continue;
                }
                _ => {}
            }
            match level.rest.own {
                [metric, rest @ ..] => {
                    level.rest.own = rest;
                    level.own += 1;
                    self.metric = metric;
                    self.family = &[];
                    self.members = 1;
                    self.prefix_len = level.prefix_len;
                    self.outer_labels = level.outer_labels;
                    self.has_labels = !matches!(
                        (self.outer_labels, metric.labels.own),
                        (OuterLabels::One([]), [])
                    );
                    if let [family, rest @ ..] = level.rest.families {
                        level.rest.families = rest;
                        self.set_family(family);
                    }
                    return true;
                }
                [] if self.depth == 0 => return false,
                [] => {
                    self.depth -= 1;
                    let around = &mut self.levels[self.depth];
                    around.flattened += 1;
                    if let [_, rest @ ..] = around.rest.flattened {
                        around.rest.flattened = rest;
                    }
                }
            }
        }
    }

    const fn set_family(&mut self, family: &'static [LabelValues]) {
        self.family = family;
        let mut labels = family;
        while let [label, rest @ ..] = labels {
            self.members *= label.values.len();
            self.has_labels = true;
            labels = rest;
        }
    }

    const fn enter(&mut self, field: &Flattened) {
        let around = self.levels[self.depth];
        let outer_labels = match around.outer_labels {
            same if field.labels.is_empty() => same,
            OuterLabels::One([]) => OuterLabels::One(field.labels),
            several => {
                let (at, len) = (self.joined_len, several.len() + field.labels.len());
                self.joined_len += len;
                OuterLabels::Joined { at, len }
            }
        };
        // The index is in range, because `flattened_metrics` rejects deeper structs.
        self.depth += 1;
        self.levels[self.depth] = Level {
            rest: field.metrics,
            own: 0,
            flattened: 0,
            prefix: field.prefix,
            labels: field.labels,
            prefix_len: around.prefix_len + field.prefix.len(),
            outer_labels,
        };
    }

    /// Returns the number of labels in the [`OuterLabels::Joined`] of all flattened fields so far.
    pub(super) const fn joined_len(&self) -> usize {
        self.joined_len
    }

    /// Returns the field of the outermost struct that the current metric comes from.
    pub(super) const fn owner(&self) -> Owner {
        let Level { own, flattened, .. } = self.levels[0];
        if self.depth == 0 { Owner::Own(own - 1) } else { Owner::Flattened(flattened) }
    }

    /// Returns the prefix and the labels that the flattened field at a position adds to the current metric. The outermost
    /// flattened field has the position 1. Returns `None` if the metric is in fewer flattened fields.
    pub(super) const fn outer(&self, position: usize) -> Option<(&'static str, Labels)> {
        if position > self.depth {
            return None;
        }
        let Level { prefix, labels, .. } = self.levels[position];
        Some((prefix, labels))
    }
}
