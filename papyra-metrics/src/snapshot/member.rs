//! Typed access to the members of families.

use super::Snapshot;
use crate::{Label, Value, label};

impl Snapshot {
    /// Returns the value of a member of a family: the series `family{label=value}`. Returns `None` if there is no such
    /// series. Does not allocate.
    ///
    /// If the field or an enclosing struct adds labels, `family` must include these labels, as in `reads{tier=cold}`. They
    /// precede the label of the family.
    ///
    /// ```
    /// use papyra_metrics::{Counter, Family, Label, Metrics};
    ///
    /// #[derive(Clone, Copy, Label)]
    /// enum Op { Get, Put }
    ///
    /// #[derive(Default, Metrics)]
    /// struct StoreMetrics {
    ///     requests: Family<Op, Counter>,
    ///     #[metrics(labels(tier = "cold"))]
    ///     reads: Family<Op, Counter>,
    /// }
    ///
    /// let metrics = StoreMetrics::default();
    /// metrics.requests[Op::Put].inc();
    /// let snapshot = metrics.snapshot();
    /// assert_eq!(snapshot.member("requests", Op::Put).unwrap(), &1);
    /// assert_eq!(snapshot.member("reads{tier=cold}", Op::Get).unwrap(), &0);
    /// assert_eq!(snapshot.member("writes", Op::Put), None);
    /// ```
    pub fn member<L: Label>(&self, family: &str, label: L) -> Option<&Value> {
        let index = label.index();
        let member = self.iter().find(|(key, _)| is_member::<L>(key, family, index).is_some());
        member.map(|(_, value)| value)
    }
}

/// Returns `Some` if `key` is the key of the member at `index`. The result is an `Option` instead of a `bool`, so that the
/// body can use `?`.
fn is_member<L: Label>(key: &str, family: &str, index: usize) -> Option<()> {
    let (outer, mut separator) = match family.strip_suffix('}') {
        Some(outer) => (outer, ","),
        None => (family, "{"),
    };
    let mut rest = key.strip_prefix(outer)?;
    for (name, value) in label::pairs(L::LABELS, index) {
        for text in [separator, name, "=", value] {
            rest = rest.strip_prefix(text)?;
        }
        separator = ",";
    }
    (rest == "}").then_some(())
}
