//! Every form of the derive and the attribute, among the user's own items under every name that generated code
//! might want, and macros too.

#![no_std]
#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings)]
#![allow(non_camel_case_types, dead_code, unused_macros)]

mod core {}
mod std {}
mod alloc {}
mod papyra_metrics {}
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
// A binding of the same name would be a pattern.
struct f;
struct metrics;
struct result;
struct future;
struct gauge;
struct guard;
struct r;
struct step;
struct storage;
struct this;
struct visitor;
struct walker;
struct place;
trait Clone {}
trait Inc {}
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

// Methods that every value has, under the names of those that are called.
trait Everything {
    fn count(&self) {}
    fn count_error(&self) {}
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

include!("../forms.rs");
include!("../timed_forms.rs");
