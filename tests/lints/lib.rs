//! Functions for which the compiler or clippy reports warnings. A test builds them with and without the attribute `metrics`, and
//! compares the warnings.
#![warn(
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
    missing_docs,
    unused,
    unreachable_pub,
    single_use_lifetimes
)]
#![warn(
    unused_qualifications,
    unused_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    elided_lifetimes_in_paths,
    let_underscore_drop,
    unused_results,
    missing_debug_implementations,
    redundant_lifetimes,
    explicit_outlives_requirements,
    unsafe_op_in_unsafe_fn
)]
#![cfg_attr(not(measured), allow(unused_imports, reason = "only measured functions use them"))]
use papyra_metrics::{Counter, Gauge, Metrics, metrics};

#[derive(Default, Metrics, Debug)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
    written: Counter,
    calls: Counter,
    open: Gauge,
}

/// A log whose functions have the attribute if `cfg(measured)`.
#[derive(Debug)]
pub struct Log {
    metrics: LogMetrics,
    records: Vec<String>,
}

/// The result of functions that parse a number.
pub type Fallible<T> = Result<T, std::num::ParseIntError>;

mod counters {
    pub static ERRORS: super::Counter = super::Counter::new();
}

impl Log {
    #[cfg_attr(measured, metrics(errors))]
    fn dead(&self, text: &str) -> Fallible<u32> {
        let parsed = text.parse()?;
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn unused_variable(&self, text: &str, unused: u8) -> Fallible<u32> {
        let local = 1;
        let parsed = text.parse()?;
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors, ok = written, calls = calls, in_flight = open))]
    pub fn unused_mut(&mut self, mut text: &str, (mut a, b): (u8, u8)) -> Fallible<u32> {
        let mut parsed: u32 = text.parse()?;
        self.records.clear();
        Ok(parsed + u32::from(a))
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn unreachable(&self, text: &str) -> Fallible<u32> {
        let parsed: u32 = text.parse()?;
        return Ok(parsed);
        println!("never");
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn items_first(&self, text: String) -> Fallible<u32> {
        use std::str::FromStr;
        const fn double(n: u32) -> u32 {
            n * 2
        }
        let parsed = u32::from_str(&text)?;
        drop(text);
        Ok(double(parsed))
    }

    #[cfg_attr(measured, metrics(calls = calls, in_flight = open))]
    pub fn items_first_in_flight(&self) -> usize {
        use std::ops::Add;
        self.records.len().add(1)
    }

    #[cfg_attr(measured, metrics(calls = calls))]
    pub fn items_first_and_counted(&self) -> usize {
        use std::ops::Add;
        self.records.len().add(1)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub async fn items_first_in_a_future(&self, text: &str) -> Fallible<u32> {
        use std::str::FromStr;
        std::future::ready(()).await;
        let parsed = u32::from_str(text)?;
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn needless_return(&self, text: &str) -> Fallible<u32> {
        return text.parse();
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn needless_return_and_question(&self, text: &str) -> Fallible<u32> {
        let parsed: u32 = text.parse()?;
        return Ok(parsed);
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn needless_question_mark(&self, text: &str) -> Fallible<u32> {
        Ok(text.parse()?)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn tail_binding(&self, text: &str) -> Fallible<u32> {
        let result = text.parse();
        result
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn unused_must_use(&self, text: &str) -> Fallible<u32> {
        text.parse::<u8>();
        let _ = text.parse::<u8>()?;
        text.len() == 3;
        text.parse()
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn question_mark(&self, text: &str) -> Fallible<u32> {
        let parsed = match text.parse() {
            Ok(parsed) => parsed,
            Err(error) => return Err(error),
        };
        let x = if parsed == 1u32 { 7 } else { 7 };
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn by_mut_not_needed(&mut self, text: &mut String) -> Fallible<u32> {
        let parsed = text.parse()?;
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn by_value_not_needed(&self, text: String, more: Vec<u8>) -> Fallible<u32> {
        let parsed = text.parse()?;
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors = counters::ERRORS))]
    pub fn unused_self(&self, text: &str) -> Fallible<u32> {
        let parsed = text.parse()?;
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn unnecessary_wraps(&self) -> Fallible<u32> {
        Ok(1)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub async fn unused_async(&self, text: &str) -> Fallible<u32> {
        let parsed = text.parse()?;
        Ok(parsed)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub async fn async_lints(&mut self, mut text: String, unused: u8) -> Fallible<u32> {
        std::future::ready(1).await;
        let mut parsed = text.parse::<u32>()?;
        let x = 3;
        return Ok(parsed);
    }

    #[cfg_attr(measured, metrics(errors, in_flight = open, ok = written, calls = calls))]
    pub async fn async_all(&mut self, text: String, _ignored: u8) -> Fallible<u32> {
        let parsed = std::future::ready(text.parse::<u32>()).await?;
        let s = text.clone();
        Ok(parsed as u32)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn holds<'a>(&'a self, text: &'a str) -> Fallible<&'a str> {
        let _ = text.parse::<u8>()?;
        let n = std::vec::Vec::<u8>::new();
        Ok(&text)
    }

    #[cfg_attr(measured, metrics(calls = calls, in_flight = open))]
    pub fn no_result(&self, x: u8) -> usize {
        let y = 7;
        return self.records.len();
    }

    #[cfg_attr(measured, metrics(calls = calls, in_flight = open))]
    pub fn no_result_mut(&mut self, x: u8) -> usize {
        self.records.len()
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn shadows(&self, text: &str) -> Fallible<u32> {
        let text = text.trim();
        let text = text.trim().to_string();
        let parsed: u32 = text.parse()?;
        let r = &parsed;
        let result = *r as u32 as u64;
        if result > 3 {
            Ok(1)
        } else {
            return Ok(2);
        }
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn diverges(&self) -> Fallible<u32> {
        todo!()
    }

    #[cfg_attr(measured, metrics(errors))]
    pub unsafe fn dangerous(&self, p: *const u32) -> Fallible<u32> {
        let x: u32 = "1".parse()?;
        Ok(x + *p)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn long(&self, text: &str) -> Fallible<u32> {
        let a: u32 = text.parse()?;
        let b: u32 = text.parse()?;
        let c: u32 = text.parse()?;
        for x in 0..a {
            for y in 0..b {
                if x == y {
                    for z in 0..c {
                        if z == x {
                            if y == z {
                                if a == z {
                                    while b < c {
                                        if a > 2 {
                                            continue;
                                        } else if b > 3 {
                                            break;
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        Ok(a)
    }

    #[cfg_attr(measured, metrics(errors))]
    pub fn boxed(
        &self,
        text: String,
    ) -> std::pin::Pin<Box<dyn Future<Output = Fallible<u32>> + Send + '_>> {
        let n = 1;
        Box::pin(async move {
            let y = 2;
            let parsed = text.parse()?;
            return Ok(parsed);
        })
    }
}

#[cfg_attr(measured, metrics(errors = counters::ERRORS))]
fn dead_function(text: &str) -> Fallible<u32> {
    let parsed = text.parse()?;
    Ok(parsed)
}

#[deprecated]
#[cfg_attr(measured, metrics(errors = counters::ERRORS))]
pub fn deprecated_function(text: &str) -> Fallible<u32> {
    let parsed = text.parse()?;
    Ok(parsed)
}

#[cfg_attr(measured, metrics(errors = counters::ERRORS))]
pub fn calls_deprecated(Text: &str) -> Fallible<u32> {
    let parsed = deprecated_function(Text)?;
    Ok(parsed)
}

#[rustfmt::skip]
impl Log {
    #[cfg_attr(measured, metrics(calls = calls))]
    pub fn one_line(&self) -> usize { self.records.len() }

    #[cfg_attr(measured, metrics(in_flight = open))]
    pub fn one_line_in_flight(&self) -> usize { self.records.len() }

    #[cfg_attr(measured, metrics(in_flight = open))]
    pub fn one_line_without_result(&mut self) { self.records.clear() }

    #[cfg_attr(measured, metrics(errors))]
    pub fn one_line_of_a_result(&self, text: &str) -> Fallible<u32> { text.parse() }

    #[cfg_attr(measured, metrics(errors))]
    pub async fn one_line_and_async(&self, text: &str) -> Fallible<u32> { std::future::ready(text.parse()).await }

    #[cfg_attr(measured, metrics(in_flight = open, errors))]
    pub async fn needless_braces(&self, text: &str) -> Fallible<u32> { { text.parse() } }

    #[cfg_attr(measured, metrics(in_flight = open))]
    pub fn needless_parentheses(&self) -> usize { (self.records.len()) }

    #[cfg_attr(measured, metrics(in_flight = open))]
    pub fn returns(&self) -> usize { return self.records.len() }

    #[cfg_attr(measured, metrics(in_flight = open, calls = calls))]
    pub fn never(&self) -> ! { todo!() }

    #[cfg_attr(measured, metrics(in_flight = open, calls = calls))]
    pub fn to_do(&self) -> usize { todo!() }

    #[cfg_attr(measured, metrics(errors, ok = written))]
    pub fn to_do_with_an_alias(&self) -> Fallible<u32> { todo!() }

    #[cfg_attr(measured, metrics(errors, ok = written, calls = calls))]
    pub fn to_do_with_a_result(&self) -> Result<u32, u8> { todo!() }

    #[cfg_attr(measured, metrics(errors, in_flight = open))]
    pub fn to_do_with_self(&mut self) -> Result<u32, u8> { self.records.clear(); std::process::exit(1) }

    #[cfg_attr(measured, metrics(errors, calls = calls, in_flight = open))]
    pub async fn to_do_later(&self) -> Result<u32, u8> { unreachable!("{}", self.records.len()) }
}

/// A struct whose skipped field has a private type. The derive must not cause a warning about that type.
mod private {
    #[cfg_attr(measured, derive(papyra_metrics::Metrics))]
    #[allow(missing_debug_implementations)]
    pub struct Skipping<I> {
        #[cfg_attr(measured, metrics(skip))]
        iter: Option<Box<dyn Fn(Hidden<I>) -> bool>>,
    }

    pub struct Hidden<I>(I);
}
pub use private::Skipping;
