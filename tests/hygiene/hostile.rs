//! Every form of the derive and the attribute, without a prelude, among items and macros with the names that generated code
//! might use. The paths to papyra-metrics lead through a re-export of another crate, through a re-export of this crate, and
//! through a renamed crate.

#![no_std]
#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings)]
#![allow(non_camel_case_types, dead_code, unused_macros)]

pub use ::papyra_metrics_hygiene::telemetry::metrics as counters;

extern crate papyra_metrics_hygiene as renamed;
// Makes `::papyra_metrics` this crate, which has nothing that generated code needs.
extern crate self as papyra_metrics;

mod core {}
mod std {}
mod alloc {}
struct Result;
struct Option;
struct Some;
struct None;
struct Ok;
struct Err;
struct Box;
struct Pin;
struct Future;
struct String;
struct Counter;
struct Gauge;
struct CachePadded;
struct ShardedCounter;
struct Histogram;
struct Distribution;
struct Family;
struct Label;
struct LabelValues;
struct Member;
struct Zero;
struct Value;
struct Descriptor;
struct Metrics;
struct Default;
struct Debug;
struct PhantomData;
type bool = ();
type i64 = ();
type str = ();
type u64 = ();
type usize = ();
// A pattern with one of these names refers to the struct instead of binding a variable.
struct f;
struct metrics;
struct result;
struct future;
struct error;
struct family;
struct gauge;
struct guard;
struct index;
struct label;
struct r;
struct step;
struct storage;
struct this;
struct visitor;
struct walker;
struct place;
trait Clone {}
trait CountError {}
trait CountLabel {}
trait Copy {}
trait ErrorCounter {}
trait ErrorFamily {}
trait Inc {}
trait Index {}
trait LabelOf {}
trait Deref {}
trait Drop {}
trait Fn {}
trait FnMut {}
trait FnOnce {}
trait From {}
trait Instrument {}
trait Into {}
trait Outcome_ {}
trait Send {}
trait Sized {}
trait IncDec {}

// Every value has methods with names that generated code might call.
trait Everything {
    fn count(&self) {}
    fn count_error(&self) {}
    fn count_label(&self) {}
    fn from(&self) {}
    fn from_index() {}
    fn index(&self) {}
    fn label_of(&self) {}
    fn failed(&self) {}
    fn succeeded(&self) {}
    fn verdict(&self) {}
    fn map(&self) {}
    fn see(&self) {}
    fn make(&self) {}
    fn get(&self) {}
    fn up(&self) {}
    fn down(&self) {}
    fn walk(&self) {}
    fn read(&self) {}
    fn present(&self) {}
    fn share(&self) {}
    fn when(&self) {}
    fn finish(&self) {}
    fn clone(&self) {}
    fn as_ref(&self) {}
}
impl<T: ?::core::marker::Sized> Everything for T {}

macro_rules! matches {
    () => {};
}
macro_rules! panic {
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
