//! Registration of a library's metrics by the application, without a dependency on an exporter.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;
use core::error::Error;

use crate::Metrics;

/// A registry of metrics, which exports the metrics of each component until the component drops them.
///
/// A library whose components appear at run time, such as the tables of a store, takes a `&dyn Register` or an
/// `Arc<dyn Register>`, and registers the metrics of each component when the component is opened. The application decides
/// where the metrics are exported: `papyra_metrics_export::Registry` implements this trait. Its method `with_labels` returns
/// a handle that adds labels to all metrics that are registered through the handle. The application can give each instance
/// of the library such a handle.
///
/// ```
/// use papyra_metrics::{Counter, Metrics, Register};
/// use std::error::Error;
/// use std::sync::Arc;
///
/// #[derive(Default, Metrics)]
/// struct TableMetrics { rows_written: Counter }
///
/// pub struct Table { metrics: Arc<TableMetrics> }
///
/// impl Table {
///     pub fn open(name: &str, register: &dyn Register) -> Result<Self, Box<dyn Error + Send + Sync>> {
///         let metrics = Arc::new(TableMetrics::default());
///         register.register(metrics.clone(), &[("table", name)])?;
///         Ok(Self { metrics })
///     }
/// }
///
/// /// A registry for tests and tools that have no exporter.
/// struct Nowhere;
///
/// impl Register for Nowhere {
///     fn register(&self, _: Arc<dyn Metrics + Send + Sync>, _: &[(&str, &str)]) -> Result<(), Box<dyn Error + Send + Sync>> {
///         Ok(())
///     }
/// }
///
/// let table = Table::open("orders", &Nowhere)?;
/// table.metrics.rows_written.inc();
/// # Ok::<(), Box<dyn Error + Send + Sync>>(())
/// ```
pub trait Register {
    /// Adds the metrics of a component, with labels that distinguish the component from others of its type.
    ///
    /// The component keeps a clone of the `Arc`. The metrics are removed after the component has dropped its last clone.
    ///
    /// # Errors
    ///
    /// Returns an error, and registers nothing, if the metrics cannot be exported under these labels. The component decides
    /// whether to fail or to run without exported metrics.
    fn register(
        &self,
        metrics: Arc<dyn Metrics + Send + Sync>,
        labels: &[(&str, &str)],
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

macro_rules! register_through {
    ($pointer:ty) => {
        impl<R: Register + ?Sized> Register for $pointer {
            fn register(
                &self,
                metrics: Arc<dyn Metrics + Send + Sync>,
                labels: &[(&str, &str)],
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                R::register(self, metrics, labels)
            }
        }
    };
}

register_through!(&R);
register_through!(Box<R>);
register_through!(Rc<R>);
register_through!(Arc<R>);

/// `None` registers nothing and returns `Ok`.
impl<R: Register> Register for Option<R> {
    fn register(
        &self,
        metrics: Arc<dyn Metrics + Send + Sync>,
        labels: &[(&str, &str)],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.as_ref().map_or(Ok(()), |register| register.register(metrics, labels))
    }
}
