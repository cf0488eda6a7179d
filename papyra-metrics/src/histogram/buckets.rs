//! The buckets of a histogram, as a type.

use core::time::Duration;

use super::amount::Amount;
use super::cells::{CellArray, CellIndex};

/// The buckets of a histogram: strictly increasing, inclusive upper bounds, and the type and unit of the values.
///
/// [`Latency`], [`FineLatency`] and [`Sizes`] are ready-made; [`buckets!`](crate::buckets) declares others and is the only
/// way to implement this trait.
///
/// The bucket after the last bound holds all larger values, so every value can be recorded.
pub trait Buckets: 'static {
    /// The type of value that is recorded: [`Duration`] or `u64`.
    type Value: Amount;

    /// The inclusive upper bounds, strictly increasing, in base units: nanoseconds for a [`Duration`], otherwise the
    /// numbers themselves.
    const BOUNDS: &'static [u64];

    /// The unit in which values are exported: `seconds` for a [`Duration`], otherwise the `unit` given in
    /// [`buckets!`](crate::buckets), or `None` if no unit is given.
    const UNIT: Option<&'static str>;

    /// The atomics of the buckets.
    #[doc(hidden)]
    type __Cells: CellArray;

    /// Returns the index of the bucket that holds a value in base units. `leading_zeros` is the number of leading zeros
    /// of the value. For the value zero, it may be 64 or 63.
    #[doc(hidden)]
    fn __find(base_units: u64, leading_zeros: u32) -> CellIndex<Self::__Cells>;
}

/// Declares [`Buckets`] for a [`Histogram`](crate::Histogram): a type and its bounds.
///
/// ```
/// use papyra_metrics::{Histogram, buckets};
/// use std::time::Duration;
///
/// buckets!(
///     /// 1 ms, 2 ms, 5 ms, 10 ms and so on, up to 1,000 s.
///     pub CompactionTime: Duration = one_two_five(1ms, 1000s)
/// );
/// buckets!(pub FlushTime: Duration = [500us, 1ms, 20ms, 1s, 1min]);
/// buckets!(pub RecordSize: u64 = powers(4, 64, 1MiB), unit = "bytes");
/// buckets!(PagesPerScan: u64 = [1, 8, 64, 512], unit = "pages");
///
/// static COMPACTION: Histogram<CompactionTime> = Histogram::new();
/// COMPACTION.record(Duration::from_secs(3));
/// assert_eq!(COMPACTION.get().max_bound(), Some(Duration::from_secs(5)));
/// ```
///
/// # Bounds
///
/// | | bounds |
/// |---|---|
/// | `[1ms, 20ms, 1s]` | the listed bounds |
/// | `one_two_five(first, last)` | 1, 2 and 5 times each power of ten, from `first` to `last`: three bounds in each decade |
/// | `powers(base, first, last)` | `first` times each power of `base`, up to `last` |
///
/// Bounds are inclusive: a value that equals a bound is in the bucket that ends there. A bound of a `Duration` is a
/// number with `ns`, `us` (or `µs`), `ms`, `s`, `min` or `h`, such as `1.5ms`; durations are exported in seconds. A
/// bound of a `u64` is a number, which may have `KiB`, `MiB`, `GiB` or `TiB`; `unit = "…"` sets the exported unit of
/// the numbers.
///
/// An SLO such as "99.9 % within 100 ms" can be computed exactly if 100 ms is a bound. Otherwise three buckets per
/// decade are a good default: see the table of errors at [`Distribution::quantile`](crate::Distribution::quantile).
///
/// # Compile errors
///
/// Bounds must be strictly increasing, there must be from 1 to 127 of them, and durations must not have a `unit`:
///
/// ```compile_fail
/// papyra_metrics::buckets!(Falling: core::time::Duration = [20ms, 1ms]);
/// ```
#[macro_export]
macro_rules! buckets {
    ($(#[$meta:meta])* $vis:vis $name:ident : $value:ty = [$($bound:tt),* $(,)?] $(, unit = $unit:literal)? $(,)?) => {
        $crate::__declare_buckets! {
            $(#[$meta])* $vis $name, $value, [$($unit)?],
            list(&[$($crate::__declare_buckets!(@ $bound)),*])
        }
    };
    ($(#[$meta:meta])* $vis:vis $name:ident : $value:ty = one_two_five($first:tt, $last:tt $(,)?) $(, unit = $unit:literal)? $(,)?) => {
        $crate::__declare_buckets! {
            $(#[$meta])* $vis $name, $value, [$($unit)?],
            one_two_five($crate::__declare_buckets!(@ $first), $crate::__declare_buckets!(@ $last))
        }
    };
    ($(#[$meta:meta])* $vis:vis $name:ident : $value:ty = powers($base:tt, $first:tt, $last:tt $(,)?) $(, unit = $unit:literal)? $(,)?) => {
        $crate::__declare_buckets! {
            $(#[$meta])* $vis $name, $value, [$($unit)?],
            powers(
                $crate::__declare_buckets!(@ $base),
                $crate::__declare_buckets!(@ $first),
                $crate::__declare_buckets!(@ $last)
            )
        }
    };
    ($(#[$meta:meta])* $vis:vis $name:ident : $value:ty = $($unknown:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unknown bounds of `", ::core::stringify!($name), "`; expected `[1ms, 20ms]`, `one_two_five(first, last)` or ",
            "`powers(base, first, last)`, optionally followed by `, unit = \"…\"`"
        ));
    };
    ($($unknown:tt)*) => {
        ::core::compile_error!("expected `pub Name: Duration = …` or `pub Name: u64 = …`");
    };
}

/// The expansion of [`buckets!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __declare_buckets {
    (@ $bound:tt) => {
        $crate::__private::BoundLiteral {
            text: ::core::stringify!($bound),
            malformed: ::core::concat!(
                "`", ::core::stringify!($bound), "` is not a bound; write a duration as `20ms` (`ns`, `us`, `ms`, `s`, ",
                "`min` or `h`, at most 292 years) and a number as `4096` or `4KiB` (`KiB`, `MiB`, `GiB` or `TiB`)"
            ),
            not_rising: ::core::concat!(
                "`", ::core::stringify!($bound), "` is not above the bound before it; bounds must increase"
            ),
        }
    };
    ($(#[$meta:meta])* $vis:vis $name:ident, $value:ty, [$($unit:literal)?], $constructor:ident($($argument:expr),*)) => {
        $(#[$meta])*
        // Lets structs that are generic over their buckets derive these traits.
        #[derive(
            ::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug, ::core::default::Default
        )]
        $vis struct $name;

        const _: () = {
            use $crate::__private as private;

            // Constructs a value. Otherwise `dead_code` would warn if the type is used only as a type parameter.
            const _: $name = $name;

            const NOTATION: private::Notation = <$value as $crate::Amount>::NOTATION;
            const ALL: private::Bounds = private::Bounds::$constructor($($argument,)* NOTATION);
            const LEN: ::core::primitive::usize = ALL.count();
            const BOUNDS: [::core::primitive::u64; LEN] = ALL.to_array();
            const UNIT: ::core::option::Option<&'static ::core::primitive::str> =
                private::exported_unit(NOTATION, private::first(&[$($unit)?]));

            impl $crate::Buckets for $name {
                type Value = $value;
                const BOUNDS: &'static [::core::primitive::u64] = &BOUNDS;
                const UNIT: ::core::option::Option<&'static ::core::primitive::str> = UNIT;
                type __Cells = private::BucketCells<{ LEN + 1 }>;

                #[inline]
                fn __find(
                    base_units: ::core::primitive::u64,
                    leading_zeros: ::core::primitive::u32,
                ) -> private::CellIndex<Self::__Cells> {
                    const PER_OCTAVE: ::core::primitive::usize = private::most_per_octave(&BOUNDS);
                    // A constant, because the address of a static may have to be loaded from the global offset table.
                    const TABLE: &private::BucketTable<PER_OCTAVE, { LEN + 1 }> =
                        &private::BucketTable::new(&BOUNDS);
                    TABLE.find(base_units, leading_zeros)
                }
            }
        };
    };
}

buckets!(
    /// Durations from 100 ns to 100 s: 1, 2 and 5 of each decade, 28 bounds. The default of a
    /// [`Histogram`](crate::Histogram).
    pub Latency: Duration = one_two_five(100ns, 100s)
);

__declare_buckets!(
    /// Durations from 100 ns to 70 s, about twice as fine as [`Latency`]: 1, 1.5, 2, 3, 5 and 7 of each decade, 54
    /// bounds.
    pub FineLatency, Duration, [],
    fine(__declare_buckets!(@ 100ns), __declare_buckets!(@ 70s))
);

buckets!(
    /// Sizes in bytes from 64 bytes to 64 GiB: powers of 4, 16 bounds.
    pub Sizes: u64 = powers(4, 64, 64GiB), unit = "bytes"
);
