//! A set of strings.

/// A sorted list of strings, without repetitions. Compiling a `HashSet` would take more time than the set would save.
#[derive(Default)]
pub(crate) struct StringSet(Vec<String>);

impl StringSet {
    /// Adds a string. Returns whether the set did not contain it.
    pub(crate) fn insert(&mut self, string: String) -> bool {
        let at = self.0.binary_search(&string);
        if let Err(at) = at {
            self.0.insert(at, string);
        }
        at.is_err()
    }

    pub(crate) fn contains(&self, string: &str) -> bool {
        self.0.binary_search_by(|known| known.as_str().cmp(string)).is_ok()
    }
}
