//! The descriptors of all series of a struct, in arrays that are computed at compile time.

use core::marker::PhantomData;

use super::compose::{descriptors, joined_labels, keys};
use super::declarations::{DeclaredMetrics, Labels};
use super::table::DescriptorTable;
use super::text::Text;
use crate::Descriptor;

/// Computes the descriptors of `M` in arrays of exactly the required length. Only for structs that are not generic, because
/// the number of metrics of a generic struct cannot be a const argument.
pub struct Exact<
    M: ?Sized,
    const LEN: usize,
    const KEYS: usize,
    const KEY_LEN: usize,
    const JOINED_LABELS: usize,
>(PhantomData<M>);

impl<
    M: DescriptorTable + ?Sized,
    const LEN: usize,
    const KEYS: usize,
    const KEY_LEN: usize,
    const JOINED_LABELS: usize,
> Exact<M, LEN, KEYS, KEY_LEN, JOINED_LABELS>
{
    const JOINED_LABELS: Labels =
        &joined_labels::<JOINED_LABELS>(DeclaredMetrics::new(M::DECLARED));
    /// The descriptors of all series of `M`.
    pub const METRICS: &'static [Descriptor] = &descriptors::<LEN, KEY_LEN>(
        DeclaredMetrics::new(M::DECLARED),
        Self::JOINED_LABELS,
        &Keys::<M, KEYS, KEY_LEN>::LISTS,
    );
}

/// Evaluates the constant `$items` of `$class` for each size. Returns the array of the smallest size that fits: for all other
/// sizes, the constant is `None`.
macro_rules! first_fit {
    ($class:ident<$($size:literal)*>::$items:ident, $too_many:literal) => {
        $(if let Some(items) = &$class::<M, $size>::$items { items.as_slice() } else)*
        { panic!($too_many) }
    };
}

/// Computes the descriptors of a generic `M`. The number of descriptors cannot be the length of an array, so the length of the
/// array is the next power of two, and at least 8.
pub struct SizeClasses<M: ?Sized>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized> SizeClasses<M> {
    const JOINED_LABELS: Labels = first_fit!(
        SizeClass<8 16 32 64 128 256 512 1024>::JOINED_LABELS,
        "the nested structs in a generic struct have over 1,024 labels"
    );
    /// The descriptors of all series of `M`.
    pub const METRICS: &'static [Descriptor] = first_fit!(
        SizeClass<8 16 32 64 128 256 512 1024 2048 4096 8192 16384>::METRICS,
        "a generic struct with flattened fields or families has over 16,384 metrics"
    )
    .split_at(M::SIZES.series)
    .0;
}

/// Arrays of length `LEN`, as constants. A constant is `Some` only if `LEN` is the smallest size that fits its items. The
/// compiler evaluates the constants of all sizes, but constants that are `None` do not become part of the binary.
struct SizeClass<M: ?Sized, const LEN: usize>(PhantomData<M>);

impl<M: DescriptorTable + ?Sized, const LEN: usize> SizeClass<M, LEN> {
    const JOINED_LABELS: Option<[(&'static str, &'static str); LEN]> =
        if Self::fits(M::SIZES.joined_labels) {
            Some(joined_labels(DeclaredMetrics::new(M::DECLARED)))
        } else {
            None
        };
    const METRICS: Option<[Descriptor; LEN]> =
        if Self::fits(M::SIZES.series) { Some(Self::metrics()) } else { None };

    const fn fits(len: usize) -> bool {
        len <= LEN && (len > LEN / 2 || LEN == 8)
    }

    const fn metrics() -> [Descriptor; LEN] {
        match M::SIZES.key_len {
            0..=16 => Self::metrics_with_keys::<16>(),
            17..=32 => Self::metrics_with_keys::<32>(),
            33..=64 => Self::metrics_with_keys::<64>(),
            65..=128 => Self::metrics_with_keys::<128>(),
            129..=256 => Self::metrics_with_keys::<256>(),
            257..=1024 => Self::metrics_with_keys::<1024>(),
            _ => panic!(
                "a key of a generic struct with flattened fields or families has over 1,024 bytes"
            ),
        }
    }

    /// A separate function, so that the compiler evaluates only the keys of the length that is needed.
    const fn metrics_with_keys<const KEY_LEN: usize>() -> [Descriptor; LEN] {
        let joined_labels = SizeClasses::<M>::JOINED_LABELS;
        descriptors(
            DeclaredMetrics::new(M::DECLARED),
            joined_labels,
            &Keys::<M, LEN, KEY_LEN>::LISTS,
        )
    }
}

/// The keys of the series of `M`.
struct Keys<M: ?Sized, const LEN: usize, const KEY_LEN: usize>(PhantomData<M>);

/// The number of keys in one list of [`Keys::LISTS`].
const LIST_LEN: usize = 256;

macro_rules! lists {
    ($($index:literal)*) => { [$(Self::list::<$index>()),*] };
}

impl<M: DescriptorTable + ?Sized, const LEN: usize, const KEY_LEN: usize> Keys<M, LEN, KEY_LEN> {
    const ALL: &'static [Text<KEY_LEN>] = &keys::<LEN, KEY_LEN>(DeclaredMetrics::new(M::DECLARED));

    /// The keys of `ALL`, divided into lists of `LIST_LEN` keys. If all keys fit in one list, every element is `ALL`, and only
    /// the first element is used. The compiler emits a list again for each descriptor that points into the list. With one long
    /// list, this would take most of the time of a build.
    const LISTS: [&'static [Text<KEY_LEN>]; 64] = lists!(
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
    );

    const fn list<const INDEX: usize>() -> &'static [Text<KEY_LEN>] {
        if LEN <= LIST_LEN {
            Self::ALL
        } else if INDEX * LIST_LEN < LEN {
            KeyList::<M, LEN, KEY_LEN, INDEX>::get()
        } else {
            &[]
        }
    }
}

/// The list of keys at the position `INDEX` of [`Keys::LISTS`].
struct KeyList<M: ?Sized, const LEN: usize, const KEY_LEN: usize, const INDEX: usize>(
    PhantomData<M>,
);

impl<M: DescriptorTable + ?Sized, const LEN: usize, const KEY_LEN: usize, const INDEX: usize>
    KeyList<M, LEN, KEY_LEN, INDEX>
{
    const KEYS: [Text<KEY_LEN>; LIST_LEN] = {
        let mut list = [Text::EMPTY; LIST_LEN];
        let (_, mut rest) = Keys::<M, LEN, KEY_LEN>::ALL.split_at(INDEX * LIST_LEN);
        let mut i = 0;
        while let [key, after @ ..] = rest {
            if i == LIST_LEN {
                break;
            }
            list[i] = *key;
            i += 1;
            rest = after;
        }
        list
    };

    /// A function, so that the compiler does not evaluate the lists that are not needed.
    const fn get() -> &'static [Text<KEY_LEN>] {
        &Self::KEYS
    }
}
