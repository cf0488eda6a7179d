// Expected: one error, on the family, which has 20 × 20 members. At most 256 members are allowed.

use papyra_metrics::{Counter, Family, Label, LabelValues, Metrics};

#[derive(Clone, Copy)]
struct Number(u8);

const VALUES: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
    "17", "18", "19",
];

impl Label for Number {
    const LABELS: &'static [LabelValues] = &[LabelValues::new("number", VALUES)];
    type Members<T> = [T; 20];

    fn index(self) -> usize {
        self.0.into()
    }

    fn from_index(index: usize) -> Option<Self> {
        u8::try_from(index).ok().map(Self)
    }
}

#[derive(Clone, Copy)]
struct Other(Number);

impl Label for Other {
    const LABELS: &'static [LabelValues] = &[LabelValues::new("other", VALUES)];
    type Members<T> = [T; 20];

    fn index(self) -> usize {
        self.0.index()
    }

    fn from_index(index: usize) -> Option<Self> {
        Number::from_index(index).map(Self)
    }
}

#[derive(Metrics)]
struct LogMetrics {
    errors: Family<(Number, Other), Counter>,
}

fn main() {}
