//! The items that generated code uses. They may change in any release: each version of the derive works only with the same
//! version of this crate.

mod arrays;
mod collisions;
mod compose;
mod computed;
mod conflict;
mod declarations;
#[cfg(feature = "alloc")]
mod delta;
mod function;
mod metric;
mod names;
mod objective;
mod plain;
mod storage;
mod table;
mod text;

pub use self::arrays::{Exact, SizeClasses};
pub use self::collisions::{assert_distinct, assert_flattens};
pub use self::compose::Sizes;
pub use self::computed::{CounterNumber, GaugeNumber, show_counter, show_gauge};
pub use self::declarations::{Declarations, Flattened, Labels, flattened_metrics};
#[cfg(feature = "alloc")]
pub use self::delta::{Change, assert_changes, expected_change, totals_with};
pub use self::function::*;
pub use self::metric::{Metric, descriptor};
pub use self::objective::objective;
pub use self::plain::{PlainValue, ShowPlain};
pub use self::storage::{
    HasStorage, NoStorage, NotPlain, PlainSnapshot, StorageProbe, debug, plain_snapshot,
};
pub use self::table::{DescriptorTable, ErrorInstrument, prefixed};
pub(crate) use self::text::Message;
pub use crate::descriptor::StaticTable;
pub use crate::family::Cross;
pub use crate::histogram::amount::Notation;
pub use crate::histogram::bounds::{BoundLiteral, Bounds, exported_unit, first};
pub use crate::histogram::cells::{BucketCells, CellIndex};
pub use crate::histogram::table::{BucketTable, most_per_octave};
pub use crate::label::family_labels;
pub use crate::shared_memory::{ComputedValue, Publishable, SharedMemorySafe, SkippedField};
// These items are also public at the crate root. Generated code names all items through this module. So if a `crate = …` path
// names a module that re-exports only a part of this crate, there is one compile error, not one for each missing item.
pub use crate::{
    CachePadded, Counter, Descriptor, Family, FloatGauge, Gauge, Histogram, Inc, Instrument, Label,
    LabelValues, MemberArray, Metrics, RecordDuration, ShardedCounter, ShardedHistogram, Value,
    Walker, Zero,
};
