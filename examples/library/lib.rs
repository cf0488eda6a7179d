//! A library with a store of tables that are opened at run time. The library depends on papyra-metrics alone: the application
//! decides whether and where the metrics are exported.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use papyra_metrics::{Counter, Gauge, Metrics, Register};

/// The metrics of one table.
#[derive(Debug, Default, Metrics)]
struct TableMetrics {
    /// Rows written.
    rows_written: Counter,
    /// Rows in the table.
    rows: Gauge,
}

/// A store of tables.
///
/// ```
/// use papyra_metrics_example_library::Store;
///
/// let store = Store::new(None);
/// store.table("orders").insert("1", "tea");
/// ```
pub struct Store {
    register: Option<Arc<dyn Register + Send + Sync>>,
    tables: Mutex<BTreeMap<String, Arc<Table>>>,
}

impl Store {
    /// Creates an empty store. `register` receives the metrics of each table that is opened.
    pub fn new(register: Option<Arc<dyn Register + Send + Sync>>) -> Self {
        Self { register, tables: Mutex::default() }
    }

    /// Returns a table, and opens the table if it is not open yet.
    pub fn table(&self, name: &str) -> Arc<Table> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || {
            let metrics = Arc::new(TableMetrics::default());
            // The table works even if its metrics are not exported.
            let _ = self.register.register(metrics.clone(), &[("table", name)]);
            Arc::new(Table { rows: Mutex::default(), metrics })
        };
        Arc::clone(tables.entry(name.to_owned()).or_insert_with(open))
    }

    /// Closes a table. The metrics of the table are unregistered when the last handle to the table is dropped.
    pub fn close(&self, name: &str) {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// A table of a [`Store`].
#[derive(Debug)]
pub struct Table {
    rows: Mutex<BTreeMap<String, String>>,
    metrics: Arc<TableMetrics>,
}

impl Table {
    /// Adds a row, or replaces the row that has this key.
    pub fn insert(&self, key: &str, value: &str) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        self.metrics.rows_written.inc();
        if rows.insert(key.to_owned(), value.to_owned()).is_none() {
            self.metrics.rows.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use papyra_metrics_export::schema::{self, SchemaError};

    #[test]
    fn the_metrics_of_a_table_are_those_of_the_lock_file() -> Result<(), SchemaError> {
        schema::check::<super::TableMetrics>("metrics.lock")?;
        Ok(())
    }
}
