//! A checked struct. An `Option` in it is optional in the input too.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Generics, Type, Visibility};

use super::written::Written;
use crate::krate::CratePath;
use crate::template::quote;

/// The struct that has the derive.
pub(crate) enum Model<'a> {
    Instruments(InstrumentStruct<'a>),
    Plain(PlainStruct<'a>),
}

/// A struct of instruments: the struct with the derive, or the storage that is generated for a plain struct.
pub(crate) struct InstrumentStruct<'a> {
    pub(crate) krate: CratePath,
    pub(crate) name: Name<'a>,
    pub(crate) generics: &'a Generics,
    /// The bounds that the storage of a plain struct needs in addition.
    pub(crate) type_bounds: Vec<TokenStream>,
    pub(crate) fields: Vec<Field<'a>>,
    /// `#[allow(…)]` for the lints that the user allows on the struct or a field, because generated code repeats their tokens.
    pub(crate) allowed_lints: TokenStream,
    /// The indices of the struct's own metrics that the compiler compares with earlier ones, because it knows their kinds
    /// and labels.
    pub(crate) suspects: Vec<usize>,
}

/// A struct of plain values.
pub(crate) struct PlainStruct<'a> {
    pub(crate) vis: &'a Visibility,
    pub(crate) name: Name<'a>,
    /// Attributes that are copied to the storage.
    pub(crate) attrs: Vec<&'a Attribute>,
    /// Its fields, in the order of the fields of the storage.
    pub(crate) fields: Vec<PlainField<'a>>,
    /// The generated struct of instruments.
    pub(crate) storage: InstrumentStruct<'a>,
}

/// The name of a struct or field.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    /// The name as it is written.
    pub(crate) ident: &'a Ident,
    pub(crate) is_deprecated: bool,
}

impl Name<'_> {
    /// The name in generated impls. If the item is deprecated, the name is a token of the derive at the same location: the
    /// compiler reports no use of deprecated items in such tokens. An `allow` would conflict with a `forbid` in the user's
    /// crate.
    pub(crate) fn in_impl(self) -> Ident {
        let mut ident = self.ident.clone();
        if self.is_deprecated {
            ident.set_span(Span::call_site().located_at(ident.span()));
        }
        ident
    }
}

/// A field of a struct of instruments.
pub(crate) struct Field<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) ty: TokenStream,
    /// Whether the type has to be in parentheses before a bound.
    pub(crate) is_parenthesized_in_bounds: bool,
    /// Whether the impls need a bound on the type, because it depends on a parameter of the struct.
    pub(crate) has_bound: bool,
    pub(crate) role: Role,
    /// Whether the keys had no errors. If they had, the role is a guess.
    pub(crate) has_valid_keys: bool,
}

impl Field<'_> {
    /// Whether the metric may be a histogram, whose buckets determine its unit. Only the compiler knows.
    pub(crate) fn may_be_histogram(&self) -> bool {
        self.instrument().is_some_and(|instrument| instrument.may_be_histogram)
    }

    /// Whether the metric may be a family of several series. Only the compiler knows.
    pub(crate) fn may_be_family(&self) -> bool {
        self.instrument().is_some_and(|instrument| instrument.may_be_family)
    }

    /// Whether this is an error counter of a known type, for which the compiler then reports a wrong type as one error.
    pub(crate) fn is_known_error_counter(&self) -> bool {
        self.instrument().is_some_and(|instrument| instrument.is_known_error_counter)
    }

    fn instrument(&self) -> Option<&Instrument> {
        match &self.role {
            Role::Metric(Metric { source: Source::Field(instrument), .. }) => Some(instrument),
            _ => None,
        }
    }
}

pub(crate) enum Role {
    Metric(Metric),
    Flatten {
        /// The prefix of each name, including that of the struct.
        prefix: String,
        /// The labels before those of each metric, including those of the struct.
        labels: Vec<(String, String)>,
    },
    /// No metric.
    Skip {
        is_phantom_data: bool,
    },
}

pub(crate) struct Metric {
    /// The full name.
    pub(crate) name: String,
    /// The length of the prefix of the struct in bytes, with which the name begins.
    pub(crate) prefix_len: usize,
    /// The help text; empty if there is none.
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    /// Fixed labels, beginning with those of the struct.
    pub(crate) labels: Vec<(String, String)>,
    /// Whether this is the struct's error counter.
    pub(crate) errors: bool,
    /// The objective of a histogram.
    pub(crate) objective: Option<Objective>,
    pub(crate) source: Source,
}

/// The share of a histogram's values that should be within a bucket bound. The compiler checks the bound.
pub(crate) struct Objective {
    /// The text of the threshold; `span` is its location.
    pub(crate) within: String,
    pub(crate) span: Span,
    /// The share of the values, in billionths.
    pub(crate) billionths: u32,
}

/// The source of the value of a metric.
pub(crate) enum Source {
    /// In the field, which is an instrument or a family of them.
    Field(Instrument),
    /// Computed from the field when it is read.
    Computed(Computed),
}

/// The properties of an instrument that its spelling shows.
#[derive(Clone, Copy)]
pub(crate) struct Instrument {
    pub(crate) may_be_histogram: bool,
    pub(crate) may_be_family: bool,
    /// Whether this is an error counter of a known type, for which the compiler then reports a wrong type as one error.
    pub(crate) is_known_error_counter: bool,
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

/// A field of a plain struct.
pub(crate) struct PlainField<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) vis: &'a Visibility,
    pub(crate) ty: &'a Type,
    /// Attributes that are copied to the field of the storage.
    pub(crate) attrs: Vec<&'a Attribute>,
    pub(crate) role: PlainRole<'a>,
    /// Whether the keys had no errors. If they had, the role is a guess.
    pub(crate) has_valid_keys: bool,
}

pub(crate) enum PlainRole<'a> {
    /// A value, and the instrument that is generated for it.
    Value(Written<'a>),
    /// A plain struct, whose storage is flattened.
    Nested {
        /// Whether the type depends on a parameter of the struct, lifetimes included.
        depends_on_parameters: bool,
    },
    /// A `PhantomData`.
    Phantom,
}

impl InstrumentStruct<'_> {
    /// The where clause of the struct with these bounds added; `None` if both are empty.
    pub(crate) fn where_clause_with(&self, bounds: &[TokenStream]) -> Option<TokenStream> {
        let mut predicates = TokenStream::new();
        if let Some(clause) = &self.generics.where_clause {
            for predicate in &clause.predicates {
                predicates.extend(quote!(#predicate,));
            }
        }
        for bound in bounds {
            predicates.extend(quote!(#bound,));
        }
        (!predicates.is_empty()).then(|| quote!(where #predicates))
    }

    /// The metrics of the struct itself and their fields, in declaration order.
    pub(crate) fn metrics(&self) -> Vec<(&Field<'_>, &Metric)> {
        let mut metrics = Vec::new();
        for field in &self.fields {
            if let Role::Metric(metric) = &field.role {
                metrics.push((field, metric));
            }
        }
        metrics
    }

    /// Whether the metrics are composed at compile time: if a field is flattened, has labels, or may be a family.
    pub(crate) fn is_composed(&self) -> bool {
        self.fields.iter().any(|field| match &field.role {
            Role::Metric(metric) => field.may_be_family() || !metric.labels.is_empty(),
            Role::Flatten { .. } => true,
            Role::Skip { .. } => false,
        })
    }
}
