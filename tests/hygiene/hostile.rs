//! Compiles every form of the derive and the attribute without a prelude, among items and macros with the names that generated
//! code might use. Each included file refers to papyra-metrics by a different path: `forms.rs` by a re-export in another crate,
//! `timed_forms.rs` by a re-export in this crate, and `label_forms.rs` by a renamed crate.

#![no_std]
#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings)]
#![allow(non_camel_case_types, dead_code, unused_macros)]
#![allow(clippy::new_ret_no_self, clippy::wrong_self_convention)] // for methods with the names that generated code calls

pub use ::papyra_metrics_hygiene::telemetry::metrics as counters;

extern crate papyra_metrics_hygiene as renamed;
// Makes `::papyra_metrics` refer to this crate, which has nothing that generated code needs.
extern crate self as papyra_metrics;

mod core {}
mod std {}
mod alloc {}

// Types with the same names as the types that generated code uses.
struct CachePadded;
struct CallTimer;
struct Cancellation;
struct ComputedValue;
struct Counter;
struct Descriptor;
struct Distribution;
struct Err;
struct Exact;
struct Family;
struct Flattened;
struct FloatGauge;
struct Formatter;
struct Gauge;
struct Histogram;
struct InFlight;
struct Label;
struct LabelValues;
struct Metrics;
struct None;
struct Ok;
struct OnEnd;
struct Option;
struct Owned;
struct PhantomData;
struct Pin;
struct PlainSnapshot;
struct Result;
struct ReturnType;
struct ShardedCounter;
struct ShardedHistogram;
struct SizeClasses;
struct SkippedField;
struct Some;
struct SystemClock;
struct Value;
struct WithCancellation;
type bool = ();
type str = ();
type usize = ();

// Structs with the same names as the variables of generated code, but without the leading `__` or with only one `_`. A pattern
// with such a name refers to the struct instead of binding a variable.
struct cancelled;
struct counter;
struct delta;
struct elapsed;
struct error;
struct f;
struct future;
struct gauge;
struct histogram;
struct in_flight;
struct in_flight_guard;
struct index;
struct label;
struct metrics;
struct outcome;
struct pin;
struct plain;
struct result;
struct root;
struct started;
struct storage;
struct this;
struct timer;
struct visitor;
struct walker;
struct when;
struct _in_flight;
struct _timer;
struct _unused;

// Traits with the same names as the traits that generated code uses.
trait Clone {}
trait CountError {}
trait CountLabel {}
trait Debug {}
trait Default {}
trait DescriptorTable {}
trait ErrorCounter {}
trait ErrorFamily {}
trait ErrorInstrument {}
trait Fallible {}
trait FnMut {}
trait From {}
trait HasStorage {}
trait Inc {}
trait Metric {}
trait PlainValue {}
trait RecordDuration {}
trait RecordReturn {}
trait ReturnsErrors {}
trait SharedMemorySafe {}
trait ShowPlain {}
trait Sized {}
trait Walker {}
trait Zero {}

// Gives every value methods with the names that generated code calls, except names that begin with `__`.
trait Everything {
    fn and_then(&self) {}
    fn apply(&self) {}
    fn as_mut(&self) {}
    fn clone(&self) {}
    fn count_error(&self) {}
    fn count_label(&self) {}
    fn counter(&self) {}
    fn elapsed(&self) {}
    fn from(&self) {}
    fn from_index(&self) {}
    fn gauge(&self) {}
    fn inc(&self) {}
    fn index(&self) {}
    fn into_error_counter(&self) {}
    fn is_immediate(&self) {}
    fn map(&self) {}
    fn new() {}
    fn of(&self) {}
    fn outcome(&self) {}
    fn read(&self) {}
    fn record_duration(&self) {}
    fn record_return(&self) {}
    fn show(&self) {}
    fn values(&self) {}
    fn walk(&self) {}
    fn walk_flattened(&self) {}
    fn with_help(&self) {}
    fn with_labels(&self) {}
    fn with_objective(&self) {}
    fn with_unit(&self) {}
}
impl<T: ?::core::marker::Sized> Everything for T {}

macro_rules! pin {
    () => {};
}

include!(concat!(env!("OUT_DIR"), "/forms.rs"));
include!(concat!(env!("OUT_DIR"), "/timed_forms.rs"));
include!(concat!(env!("OUT_DIR"), "/label_forms.rs"));
include!("check.rs");

#[test]
fn every_form_works_among_other_items_of_the_same_names_and_through_re_exports() {
    check();
}
