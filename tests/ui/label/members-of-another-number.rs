// Expected: two errors, one on each family: each label has three values, but its `Members` has two or four elements.

use papyra_metrics::{Counter, Family, Label, LabelValues, Metrics};

const LEVELS: &[LabelValues] = &[LabelValues::new("level", &["0", "1", "2"])];

#[derive(Clone, Copy)]
struct Short(usize);

impl Label for Short {
    const LABELS: &'static [LabelValues] = LEVELS;
    type Members<T> = [T; 2];

    fn index(self) -> usize {
        self.0
    }

    fn from_index(index: usize) -> Option<Self> {
        (index < 3).then_some(Self(index))
    }
}

#[derive(Clone, Copy)]
struct Long(usize);

impl Label for Long {
    const LABELS: &'static [LabelValues] = LEVELS;
    type Members<T> = [T; 4];

    fn index(self) -> usize {
        self.0
    }

    fn from_index(index: usize) -> Option<Self> {
        (index < 3).then_some(Self(index))
    }
}

#[derive(Metrics)]
struct TreeMetrics {
    flushes: Family<Short, Counter>,
}

#[derive(Metrics)]
struct OtherMetrics {
    #[metrics(errors)]
    flush_errors: Family<Long, Counter>,
}

fn main() {}
