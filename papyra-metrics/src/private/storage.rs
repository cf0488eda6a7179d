//! Plain structs and the structs of instruments that the derive writes for them (`#[metrics(storage = …)]`).

use core::{fmt, marker::PhantomData};

use super::table::DescriptorTable;
use crate::shared_memory::SharedMemorySafe;
use crate::{Descriptor, Metrics, Value, Walker};

/// A plain struct with storage. `HasStorage<false>` is implemented for every type. Generated code uses `HasStorage<false>` for
/// a flattened type without storage. So such a type causes one error, at its field, and no further errors where generated code
/// names its storage.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no storage",
    label = "this type has no `#[metrics(storage = …)]`",
    note = "in a struct with `storage`, a flattened field is itself a struct that derives `Metrics` with `storage = Name`"
)]
#[doc(hidden)]
pub trait HasStorage<const PRESENT: bool = true>: Sized {
    /// Generated code evaluates this constant to check that the type implements the trait.
    const ASSERTED: () = ();
    /// The struct of instruments that the derive writes.
    type Storage: DescriptorTable + fmt::Debug;
    /// The storage in which every value is zero.
    const NEW: Self::Storage;

    /// Reads the values since the last reset.
    fn read(storage: &Self::Storage) -> Self;

    /// Calls the visitor with the value of each field. The derived implementation reads every field, so rustc reports no field
    /// as dead code.
    fn values(&self, visitor: &mut dyn FnMut(Value));
}

/// The type that a reference to a plain struct converts into. With the feature `alloc`, it is a snapshot.
#[cfg(feature = "alloc")]
pub use crate::Snapshot as PlainSnapshot;

/// The type that a reference to a plain struct converts into without the feature `alloc`.
#[cfg(not(feature = "alloc"))]
#[derive(Debug)]
pub struct PlainSnapshot;

/// Converts a plain struct into a snapshot.
#[cfg(feature = "alloc")]
pub fn plain_snapshot<P: HasStorage>(plain: &P) -> PlainSnapshot {
    let metrics = <P::Storage as DescriptorTable>::METRICS;
    let mut values = alloc::vec::Vec::with_capacity(metrics.len());
    plain.values(&mut |value| values.push(value));
    PlainSnapshot::of_table(metrics, values)
}

/// Reads the fields of the plain struct, so that rustc does not report them as dead code without the feature `alloc`.
#[cfg(not(feature = "alloc"))]
pub fn plain_snapshot<P: HasStorage>(plain: &P) -> PlainSnapshot {
    plain.values(&mut |_| {});
    PlainSnapshot
}

/// Determines at compile time whether a type without type parameters has storage. If the type has storage, the inherent
/// constant `PLAIN` takes precedence over the constant of [`NotPlain`].
pub struct StorageProbe<T>(PhantomData<T>);

impl<T: HasStorage> StorageProbe<T> {
    pub const PLAIN: bool = true;
}

/// Provides the constant `PLAIN` of [`StorageProbe`] for a type without storage.
pub trait NotPlain {
    const PLAIN: bool = false;
}

impl<T> NotPlain for StorageProbe<T> {}

#[diagnostic::do_not_recommend]
impl<T> HasStorage<false> for T {
    type Storage = NoStorage;
    const NEW: NoStorage = NoStorage;

    fn read(_: &NoStorage) -> Self {
        unreachable!("a program with such a field does not compile")
    }

    fn values(&self, _: &mut dyn FnMut(Value)) {}
}

/// A placeholder for the storage of a type that has no storage.
#[derive(Debug)]
pub struct NoStorage;

impl SharedMemorySafe for NoStorage {
    fn __metrics() -> &'static [Descriptor] {
        &[]
    }
}

impl Metrics for NoStorage {
    fn descriptors(&self) -> &[Descriptor] {
        &[]
    }

    fn walk(&self, _: &mut dyn Walker) {}
}

impl DescriptorTable for NoStorage {
    const OWN: &'static [Descriptor] = &[];
}

/// Formats a struct in the same way as a derived `Debug`.
pub fn debug(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    fields: &[(&str, &dyn fmt::Debug)],
) -> fmt::Result {
    let mut debug = f.debug_struct(name);
    for (name, field) in fields {
        debug.field(name, field);
    }
    debug.finish()
}
