//! The model of a struct with `#[derive(Metrics)]`, as built by the checks. A value is an `Option` only if the user may
//! leave it out.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Generics, Type, Visibility};

use super::generated::GeneratedInstrument;
use crate::krate::CratePath;
use crate::template::quote;

/// A struct with `#[derive(Metrics)]`, after its checks.
pub(crate) enum Model<'a> {
    Instruments(InstrumentStruct<'a>),
    Plain(PlainStruct<'a>),
}

/// A struct whose fields are instruments: the user's struct, or the one that is generated for a struct with `storage`.
pub(crate) struct InstrumentStruct<'a> {
    pub(crate) krate: CratePath,
    pub(crate) name: Name<'a>,
    pub(crate) generics: &'a Generics,
    /// Further bounds of the impls. They are needed only by a struct that is generated for a struct with `storage`.
    pub(crate) type_bounds: Vec<TokenStream>,
    pub(crate) fields: Vec<Field<'a>>,
    /// An `#[allow(…)]` for each lint that the user allows or expects on the struct or a field, because generated code
    /// repeats the user's tokens.
    pub(crate) allowed_lints: TokenStream,
    /// The indices of the metrics whose names may collide with those of earlier metrics, or that may have the same
    /// label twice. Generated code checks them at compile time, when their kinds and labels are known.
    pub(crate) suspects: Vec<usize>,
}

/// A struct of plain values with `#[metrics(storage = …)]`, for which a struct of instruments is generated.
pub(crate) struct PlainStruct<'a> {
    pub(crate) vis: &'a Visibility,
    pub(crate) name: Name<'a>,
    /// The attributes that are copied to the generated struct.
    pub(crate) attrs: Vec<&'a Attribute>,
    /// The fields of the user's struct, in the same order as those of the generated struct.
    pub(crate) fields: Vec<PlainField<'a>>,
    /// The generated struct of instruments.
    pub(crate) storage: InstrumentStruct<'a>,
}

/// The name of a struct or field, and whether that item is deprecated.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    /// The name as the user wrote it.
    pub(crate) ident: &'a Ident,
    pub(crate) is_deprecated: bool,
}

impl Name<'_> {
    /// Returns the name for use in generated impls. If the item is deprecated, the name has a call-site span at the
    /// same location: the compiler does not report such a token as a use of a deprecated item. An
    /// `#[allow(deprecated)]` would conflict with a `forbid` in the user's crate.
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
    /// Whether the type must be in parentheses before the `:` of a bound.
    pub(crate) is_parenthesized_in_bounds: bool,
    /// Whether the type depends on a type or const parameter of the struct. If the field is an instrument or flattened,
    /// the impls then need a bound on its type. In a generated struct, only an instrument has this flag: the bounds of
    /// flattened fields are in `type_bounds`.
    pub(crate) has_bound: bool,
    pub(crate) role: Role,
    /// Whether the keys of the field and the keys of the struct are valid. If they are not, `role` is a guess.
    pub(crate) has_valid_keys: bool,
}

impl Field<'_> {
    /// Returns whether the metric may be a histogram, whose buckets determine its unit. The type may be an alias, so
    /// only the compiler knows its kind.
    pub(crate) fn may_be_histogram(&self) -> bool {
        self.instrument().is_some_and(|instrument| instrument.may_be_histogram)
    }

    /// Returns whether the metric may be a family of several series. The type may be an alias, so only the compiler
    /// knows its kind.
    pub(crate) fn may_be_family(&self) -> bool {
        self.instrument().is_some_and(|instrument| instrument.may_be_family)
    }

    /// Returns whether the field is an error counter of a known type, see `Instrument::is_known_error_counter`.
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
        /// The prefix of the names of the flattened metrics, including the prefix of the struct.
        prefix: String,
        /// The labels that are added to each flattened metric, before its other labels. The first of them are the
        /// labels of the struct.
        labels: Vec<(String, String)>,
    },
    /// A field with the key `skip`, which is not a metric.
    Skip {
        is_phantom_data: bool,
    },
}

pub(crate) struct Metric {
    /// The full name, including the prefix of the struct.
    pub(crate) name: String,
    /// The length in bytes of the struct's prefix, with which the name begins.
    pub(crate) prefix_len: usize,
    /// The help text; empty if there is none.
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    /// Fixed labels, beginning with those of the struct.
    pub(crate) labels: Vec<(String, String)>,
    /// Whether this is the struct's error counter.
    pub(crate) is_error_counter: bool,
    /// The objective, if the metric is a histogram with the key `objective`.
    pub(crate) objective: Option<Objective>,
    pub(crate) source: Source,
}

/// The share of a histogram's values that should be within a bucket bound, such as
/// `objective(within = "100ms", of = 99.9)`. The compiler checks that the bound exists.
pub(crate) struct Objective {
    /// The text of the threshold; `span` is its location.
    pub(crate) within: String,
    pub(crate) span: Span,
    /// The share of the values, in billionths.
    pub(crate) billionths: u32,
}

/// The source of the value of a metric.
pub(crate) enum Source {
    /// The field is an instrument or a family of instruments.
    Field(Instrument),
    /// The value is computed from the field when the metric is read.
    Computed(Computed),
}

/// The properties of an instrument that its tokens and the keys of its field show.
#[derive(Clone, Copy)]
pub(crate) struct Instrument {
    pub(crate) may_be_histogram: bool,
    pub(crate) may_be_family: bool,
    /// Whether the field is the error counter, and its type is neither generated by `storage` nor dependent on a
    /// parameter of the struct. Generated code then uses the field through a single trait, so that a wrong type causes
    /// only one error.
    pub(crate) is_known_error_counter: bool,
}

/// A value of `counter = …` or `gauge = …`, which is computed when the metric is read.
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

/// A field of a struct with `storage`.
pub(crate) struct PlainField<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) vis: &'a Visibility,
    pub(crate) ty: &'a Type,
    /// The attributes that are copied to the field of the generated struct.
    pub(crate) attrs: Vec<&'a Attribute>,
    pub(crate) role: PlainRole<'a>,
    /// Whether the keys of the field and the keys of the struct are valid. If they are not, `role` is a guess.
    pub(crate) has_valid_keys: bool,
}

pub(crate) enum PlainRole<'a> {
    /// A plain value, and the instrument that is generated for it.
    Value(GeneratedInstrument<'a>),
    /// A nested struct with `storage`, whose metrics are flattened.
    Nested {
        /// Whether the type depends on a parameter of the struct, lifetimes included.
        depends_on_parameters: bool,
    },
    /// A field of type `PhantomData`, which is not a metric.
    Phantom,
}

impl InstrumentStruct<'_> {
    /// Returns the where clause of the struct with `bounds` added, or `None` if there are no predicates.
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

    /// Returns the metrics of the struct itself with their fields, in declaration order. Flattened metrics are not
    /// included.
    pub(crate) fn metrics(&self) -> Vec<(&Field<'_>, &Metric)> {
        let mut metrics = Vec::new();
        for field in &self.fields {
            if let Role::Metric(metric) = &field.role {
                metrics.push((field, metric));
            }
        }
        metrics
    }

    /// Returns whether the descriptors are composed at compile time. This is necessary if a field is flattened, has
    /// labels, or may be a family.
    pub(crate) fn is_composed(&self) -> bool {
        self.fields.iter().any(|field| match &field.role {
            Role::Metric(metric) => field.may_be_family() || !metric.labels.is_empty(),
            Role::Flatten { .. } => true,
            Role::Skip { .. } => false,
        })
    }
}
