//! A set of names.

/// A sorted list of names, without repetitions. A `HashSet` would take longer to compile than it saves.
#[derive(Default)]
pub(crate) struct NameSet(Vec<String>);

impl NameSet {
    /// Adds a name. Returns whether the set did not contain it.
    pub(crate) fn insert(&mut self, name: String) -> bool {
        let at = self.0.binary_search(&name);
        if let Err(at) = at {
            self.0.insert(at, name);
        }
        at.is_err()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }
}
