//! The checked declaration: every rule holds, and each remaining `Option` is really optional.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Attribute, Generics, Type, Visibility};

use crate::krate::CratePath;
use crate::types;

/// A struct of metrics, or a plain struct whose struct of metrics the derive writes.
pub(crate) struct Model<'a> {
    pub(crate) krate: CratePath,
    pub(crate) vis: &'a Visibility,
    pub(crate) ident: &'a Ident,
    /// Whether it has `#[deprecated]`.
    pub(crate) is_deprecated: bool,
    pub(crate) generics: &'a Generics,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) storage: Option<Storage<'a>>,
    /// `#[allow(…)]` for the lints that the user allows on the struct or a field: generated code repeats what they find.
    pub(crate) allowed_lints: Vec<TokenStream>,
    /// The struct's own metrics, by index, that the compiler compares with earlier ones: whether they collide depends on
    /// kinds and labels that only it knows.
    pub(crate) suspects: Vec<usize>,
}

/// The struct of atomics that is to be written for a plain one.
pub(crate) struct Storage<'a> {
    pub(crate) ident: Ident,
    /// Attributes that are copied from the plain struct.
    pub(crate) attrs: Vec<&'a Attribute>,
}

/// A field. Skipped fields are kept only in a plain struct.
pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) vis: &'a Visibility,
    pub(crate) ty: &'a Type,
    /// Attributes that are copied to the field of the storage.
    pub(crate) attrs: Vec<&'a Attribute>,
    /// Whether the type depends on a parameter of the struct.
    pub(crate) generic: bool,
    /// Whether it has `#[deprecated]`.
    pub(crate) is_deprecated: bool,
    pub(crate) role: Role<'a>,
    /// Whether the keys are free of errors. If not, the role is a guess.
    pub(crate) has_valid_keys: bool,
}

impl Field<'_> {
    /// Whether the metric may be a histogram, whose buckets determine its unit. Only the compiler knows.
    pub(crate) fn may_be_histogram(&self) -> bool {
        const OTHERS: [&str; 7] =
            ["AtomicI64", "AtomicU64", "Counter", "FloatGauge", "Gauge", "Peak", "ShardedCounter"];
        let Role::Metric(metric) = &self.role else { return false };
        match &metric.source {
            Source::Field => {
                !metric.errors
                    && types::last_word(types::instrument(self.ty))
                        .is_none_or(|word| !OTHERS.contains(&word.as_str()))
            }
            Source::Computed(_) => false,
            Source::Written(written) => {
                matches!(written.instrument, StorageInstrument::Histogram(_))
            }
        }
    }

    /// Whether the metric may be a family of several series. Only the compiler knows.
    pub(crate) fn may_be_family(&self) -> bool {
        const OTHERS: [&str; 9] = [
            "AtomicI64",
            "AtomicU64",
            "Counter",
            "FloatGauge",
            "Gauge",
            "Histogram",
            "Peak",
            "ShardedCounter",
            "ShardedHistogram",
        ];
        let Role::Metric(metric) = &self.role else { return false };
        match &metric.source {
            Source::Field => types::last_word(types::instrument(self.ty))
                .is_none_or(|word| !OTHERS.contains(&word.as_str())),
            Source::Computed(_) => false,
            Source::Written(_) => self.is_written_family(),
        }
    }

    /// Whether a family of instruments is written for the field of a plain struct.
    pub(crate) fn is_written_family(&self) -> bool {
        let Role::Metric(metric) = &self.role else { return false };
        matches!(&metric.source, Source::Written(written) if written.label.is_some())
    }
}

pub(crate) enum Role<'a> {
    Metric(Metric<'a>),
    Flatten {
        /// The prefix that goes before each name, the struct's own included.
        prefix: String,
        /// The labels that go before those of each metric, the struct's own included.
        labels: Vec<(String, String)>,
    },
    /// No metric.
    Skip,
}

pub(crate) struct Metric<'a> {
    /// The full name.
    pub(crate) name: String,
    /// How many bytes of it are the struct's prefix.
    pub(crate) prefix_len: usize,
    /// Empty where there is none.
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    /// Fixed labels, those of the struct first.
    pub(crate) labels: Vec<(String, String)>,
    /// Whether this is the struct's error counter.
    pub(crate) errors: bool,
    /// The objective of a histogram.
    pub(crate) objective: Option<Objective>,
    pub(crate) source: Source<'a>,
}

/// The share of a histogram's values that should be within a bound. The compiler knows the bounds.
pub(crate) struct Objective {
    /// The threshold as it is written, and where.
    pub(crate) within: String,
    pub(crate) span: Span,
    /// The share of the values, in billionths.
    pub(crate) billionths: u32,
}

/// Where the value of a metric is.
pub(crate) enum Source<'a> {
    /// In the field, which is an instrument or a family of them.
    Field,
    /// Computed from the field when it is read.
    Computed(Computed),
    /// In the instrument that is written for the field of a plain struct.
    Written(Written<'a>),
}

/// A value that is computed when it is read.
pub(crate) struct Computed {
    pub(crate) kind: ComputedKind,
    /// A path or closure that takes a reference to the field.
    pub(crate) value: TokenStream,
}

#[derive(Clone, Copy)]
pub(crate) enum ComputedKind {
    Counter,
    Gauge,
}

/// The instrument that a field of a plain struct becomes.
pub(crate) struct Written<'a> {
    pub(crate) instrument: StorageInstrument<'a>,
    /// The label, if it is a family of these instruments.
    pub(crate) label: Option<&'a Type>,
    /// Whether it is on cache lines of its own.
    pub(crate) padded: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum StorageInstrument<'a> {
    Counter,
    ShardedCounter,
    Gauge,
    FloatGauge,
    /// With these buckets.
    Histogram(&'a Type),
    ShardedHistogram(&'a Type),
}

impl Model<'_> {
    /// The name of the struct, for generated impls.
    pub(crate) fn ident_in_impl(&self) -> Ident {
        if self.is_deprecated { in_derive(self.ident) } else { self.ident.clone() }
    }

    /// The name of the struct that holds the instruments, for generated impls.
    pub(crate) fn instruments_ident(&self) -> Ident {
        match &self.storage {
            Some(storage) if self.is_deprecated => in_derive(&storage.ident),
            Some(storage) => storage.ident.clone(),
            None => self.ident_in_impl(),
        }
    }

    /// The where clause of the struct with these bounds added; `None` if both are empty.
    pub(crate) fn where_clause_with(&self, bounds: &[TokenStream]) -> Option<TokenStream> {
        let own: Vec<_> =
            self.generics.where_clause.iter().flat_map(|clause| &clause.predicates).collect();
        (!own.is_empty() || !bounds.is_empty()).then(|| quote!(where #(#own,)* #(#bounds,)*))
    }

    /// The struct's own metrics with their fields, in declaration order.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = (&Field<'_>, &Metric<'_>)> {
        self.fields.iter().filter_map(|field| match &field.role {
            Role::Metric(metric) => Some((field, metric)),
            _ => None,
        })
    }

    /// Whether the metrics have to be composed at compile time, or may have to be.
    pub(crate) fn is_composed(&self) -> bool {
        self.fields.iter().any(|field| match &field.role {
            Role::Metric(metric) => field.may_be_family() || !metric.labels.is_empty(),
            Role::Flatten { .. } => true,
            Role::Skip => false,
        })
    }

    /// The fields that are structs of metrics themselves.
    pub(crate) fn flattened(&self) -> impl Iterator<Item = &Field<'_>> {
        self.fields.iter().filter(|field| matches!(field.role, Role::Flatten { .. }))
    }
}

impl Field<'_> {
    /// The name of the field, for generated impls.
    pub(crate) fn ident_in_impl(&self) -> Ident {
        if self.is_deprecated { in_derive(self.ident) } else { self.ident.clone() }
    }
}

/// The user's identifier as a token of the derive, at the same location. The compiler reports no use of a deprecated item
/// in what a derive writes, so no `allow` is needed, which a `forbid` in the user's crate would refuse.
fn in_derive(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(Span::call_site().located_at(ident.span()));
    ident
}
