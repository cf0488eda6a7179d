//! Counts what `#[metrics(…)]` adds to a function: the instructions of a call that returns `Ok`, and the bytes of a future.
//!
//! For each function, the process starts a copy of itself and executes it one instruction at a time, so the counts are exact and
//! reproducible.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {
    println!("function_costs runs only on x86-64 Linux");
    std::process::exit(1);
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() {
    match std::env::var(steps::CASE) {
        Ok(case) => steps::run_case(case.parse().expect("a number")),
        Err(_) => std::process::exit(i32::from(!steps::report())),
    }
}

/// Functions, each with and without the attribute.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod functions {
    use std::future::Future;
    use std::hint::black_box;
    use std::pin::{Pin, pin};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll, Waker};
    use std::time::{Duration, Instant};

    use async_trait::async_trait;
    use papyra_metrics::{Counter, Gauge, Histogram, Metrics, metrics};

    #[derive(Debug, Default, Metrics)]
    pub(crate) struct LogMetrics {
        #[metrics(errors)]
        errors: Counter,
        ok: Counter,
        calls: Counter,
        cancelled: Counter,
        in_flight: Gauge,
        time: Histogram,
    }

    #[derive(Debug)]
    pub(crate) struct Log {
        len: u64,
        slots: [AtomicU64; 8],
        metrics: LogMetrics,
        shared: Arc<LogMetrics>,
    }

    /// An alias of `Result`, as many backends define it.
    type Put = Result<u64, Full>;

    #[derive(Debug)]
    pub(crate) struct Full;

    /// Builds an error in a cold function, as real code does.
    #[cold]
    #[inline(never)]
    fn full() -> Full {
        black_box(Full)
    }

    /// The work of the measured functions. It can fail, and it writes to memory, so that the compiler does not remove
    /// it.
    #[inline]
    fn put(slots: &[AtomicU64], at: usize) -> Result<u64, Full> {
        let Some(slot) = slots.get(at) else { return Err(full()) };
        slot.store(1, Ordering::Relaxed);
        Ok(at as u64)
    }

    /// The work of `put` in an `async fn` whose future is ready immediately.
    #[allow(clippy::unused_async)] // callers await it
    async fn put_now(slots: &[AtomicU64], at: usize) -> Result<u64, Full> {
        put(slots, at)
    }

    /// The work of `put` in an `async fn`. The compiler cannot see that the future is ready immediately.
    async fn put_later(slots: &[AtomicU64], at: usize) -> Result<u64, Full> {
        if black_box(false) {
            std::future::pending::<()>().await;
        }
        put(slots, at)
    }

    /// Declares each function twice, with and without the attribute.
    macro_rules! twice {
        ($($(#[$attribute:meta])* $bare:ident, $measured:ident = { $($function:tt)* })*) => {
            impl Log {$(
                twice!(@one [#[inline(never)]] $bare $($function)*);
                twice!(@one [#[inline(never)] $(#[$attribute])*] $measured $($function)*);
            )*}
        };
        (@one [$(#[$attribute:meta])*] $name:ident $(async $(@$async:tt)?)? fn $($rest:tt)*) => {
            $(#[$attribute])* pub(crate) fn $name $($rest)*
        };
    }

    twice! {
        #[metrics(errors)]
        tail, tail_measured = { fn (&self, at: usize) -> Result<u64, Full> { put(&self.slots, at) } }

        #[metrics(errors)]
        question, question_measured = { fn (&self, at: usize) -> Result<u64, Full> {
            let put = put(&self.slots, at)?;
            Ok(put + 1)
        } }

        #[metrics(errors = self.shared.errors)]
        alias, alias_measured = { fn (&self, at: usize) -> Put {
            let put = put(&self.slots, at)?;
            Ok(put + 1)
        } }

        #[metrics(errors)]
        unit, unit_measured = { fn (&self, at: usize) -> Result<(), Full> {
            put(&self.slots, at)?;
            self.slots[7].store(2, Ordering::Relaxed);
            Ok(())
        } }

        #[metrics(errors)]
        boxed_error, boxed_error_measured = { fn (&self, at: usize) -> Result<u64, Box<u64>> {
            if at == 7 {
                return Err(Box::new(7));
            }
            let put = put(&self.slots, at).map_err(|_| Box::new(8))?;
            Ok(put)
        } }

        #[metrics(errors)]
        mutable, mutable_measured = { fn (&mut self, at: usize) -> Result<u64, Full> {
            let put = put(&self.slots, at)?;
            self.len += 1;
            Ok(put)
        } }

        #[metrics(errors)]
        mutable_whole, mutable_whole_measured = { fn (&mut self, at: usize) -> Result<u64, Full> {
            let this = self;
            let put = put(&this.slots, at)?;
            this.len += 1;
            Ok(put)
        } }

        #[metrics(errors, ok = ok, calls = calls)]
        counted, counted_measured = { fn (&self, at: usize) -> Result<u64, Full> {
            let put = put(&self.slots, at)?;
            Ok(put + 1)
        } }

        #[metrics(time = time)]
        timed, timed_measured = { fn (&self, at: usize) -> Result<u64, Full> {
            let put = put(&self.slots, at)?;
            Ok(put + 1)
        } }

        #[metrics(time = time, sample = 1_000_000_000_000)]
        sampled, sampled_measured = { fn (&self, at: usize) -> Result<u64, Full> {
            let put = put(&self.slots, at)?;
            Ok(put + 1)
        } }

        #[metrics(errors, in_flight = in_flight)]
        in_flight, in_flight_measured = { fn (&mut self, at: usize) -> Result<u64, Full> {
            let put = put(&self.slots, at)?;
            self.len += 1;
            Ok(put)
        } }
    }

    /// Declares each `async fn` twice, with and without the attribute. `twice` cannot declare an `async fn`.
    macro_rules! twice_async {
        ($(#[$attribute:meta])* $bare:ident, $measured:ident ($($arguments:tt)*) $body:block) => {
            impl Log {
                pub(crate) async fn $bare($($arguments)*) -> Result<u64, Full> $body
                $(#[$attribute])*
                pub(crate) async fn $measured($($arguments)*) -> Result<u64, Full> $body
            }
        };
    }

    twice_async! {
        #[metrics(errors)]
        now, now_measured(&self, at: usize) {
            let put = put_now(&self.slots, at).await?;
            Ok(put + 1)
        }
    }

    twice_async! {
        #[metrics(errors)]
        now_tail, now_tail_measured(&self, at: usize) {
            put_now(&self.slots, at).await
        }
    }

    twice_async! {
        #[metrics(errors)]
        now_mutable, now_mutable_measured(&mut self, at: usize) {
            let put = put_now(&self.slots, at).await?;
            self.len += 1;
            Ok(put)
        }
    }

    twice_async! {
        #[metrics(errors)]
        later, later_measured(&self, at: usize) {
            let put = put_later(&self.slots, at).await?;
            Ok(put + 1)
        }
    }

    twice_async! {
        #[metrics(errors)]
        later_mutable, later_mutable_measured(&mut self, at: usize) {
            let put = put_later(&self.slots, at).await?;
            self.len += 1;
            Ok(put)
        }
    }

    twice_async! {
        #[metrics(errors, cancelled = cancelled)]
        cancelled, cancelled_measured(&self, at: usize) {
            let put = put_later(&self.slots, at).await?;
            Ok(put + 1)
        }
    }

    twice_async! {
        #[metrics(time = time, sample = 1_000_000_000_000)]
        sampled_later, sampled_later_measured(&self, at: usize) {
            let put = put_now(&self.slots, at).await?;
            Ok(put + 1)
        }
    }

    twice_async! {
        #[metrics(errors)]
        large, large_measured(&self, name: &str, block: [u8; 256]) {
            let put = put_later(&self.slots, name.len()).await?;
            put_later(&self.slots, usize::from(block[0])).await?;
            Ok(put + u64::from(block[255]))
        }
    }

    #[allow(clippy::manual_async_fn)] // this form is measured
    impl Log {
        pub(crate) fn opaque(&self, at: usize) -> impl Future<Output = Result<u64, Full>> {
            async move {
                let put = put_now(&self.slots, at).await?;
                Ok(put + 1)
            }
        }

        #[metrics(errors)]
        pub(crate) fn opaque_measured(&self, at: usize) -> impl Future<Output = Result<u64, Full>> {
            async move {
                let put = put_now(&self.slots, at).await?;
                Ok(put + 1)
            }
        }
    }

    #[async_trait]
    pub(crate) trait Store {
        async fn boxed(&self, at: usize) -> Result<u64, Full>;
        async fn boxed_measured(&self, at: usize) -> Result<u64, Full>;
    }

    #[async_trait]
    impl Store for Log {
        async fn boxed(&self, at: usize) -> Result<u64, Full> {
            let put = put_later(&self.slots, at).await?;
            Ok(put + 1)
        }

        #[metrics(errors)]
        async fn boxed_measured(&self, at: usize) -> Result<u64, Full> {
            let put = put_later(&self.slots, at).await?;
            Ok(put + 1)
        }
    }

    /// Prepared work whose instructions are counted. The closure returns whether the work succeeded.
    pub(crate) type Work = Box<dyn FnMut() -> bool>;

    /// Returns a log that is never dropped.
    fn log() -> &'static mut Log {
        Box::leak(Box::new(Log {
            len: 0,
            slots: Default::default(),
            metrics: LogMetrics::default(),
            shared: Arc::default(),
        }))
    }

    /// Returns work that calls a function through a pointer, with an argument that is opaque to the compiler.
    fn sync<T: 'static, E: 'static>(function: fn(&mut Log, usize) -> Result<T, E>) -> Work {
        let log = log();
        Box::new(move || black_box(function)(log, black_box(3)).is_ok())
    }

    /// Like [`sync`], but first measures durations for a second. After that, the clock reads the time stamp counter.
    fn calibrated<T: 'static, E: 'static>(function: fn(&mut Log, usize) -> Result<T, E>) -> Work {
        let log = log();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(1) {
            log.metrics.time.start().discard();
        }
        sync(function)
    }

    /// Returns work that polls a future of a known type once. The work can run twice, each time with another log.
    fn polls<F>(make: impl Fn(&'static mut Log, usize) -> F + 'static) -> Work
    where
        F: Future<Output = Result<u64, Full>> + 'static,
    {
        let mut logs = [log(), log()].into_iter();
        Box::new(move || {
            let Some(log) = logs.next() else { return false };
            let future = pin!(make(log, black_box(3)));
            let ready = future.poll(&mut Context::from_waker(Waker::noop()));
            matches!(ready, Poll::Ready(Ok(_)))
        })
    }

    /// Like [`polls`], but polls the future through `dyn Future`, as runtimes poll spawned tasks.
    fn spawned<F>(make: impl Fn(&'static mut Log, usize) -> F + 'static) -> Work
    where
        F: Future<Output = Result<u64, Full>> + 'static,
    {
        let mut logs = [log(), log()].into_iter();
        Box::new(move || {
            let Some(log) = logs.next() else { return false };
            let future = pin!(make(log, black_box(3)));
            let future: Pin<&mut dyn Future<Output = _>> = black_box(future);
            let ready = future.poll(&mut Context::from_waker(Waker::noop()));
            matches!(ready, Poll::Ready(Ok(_)))
        })
    }

    /// A function to measure, with and without the attribute.
    pub(crate) struct Case {
        pub(crate) name: &'static str,
        /// The most instructions that may be added; `None` for no limit.
        pub(crate) limit: Option<i64>,
        pub(crate) bare: fn() -> Work,
        pub(crate) measured: fn() -> Work,
    }

    macro_rules! cases {
        ($($name:literal, $limit:expr, $how:ident, |$log:ident| $bare:expr, $measured:expr;)*) => {
            &[$(Case {
                name: $name,
                limit: $limit,
                bare: || cases!(@$how $log $bare),
                measured: || cases!(@$how $log $measured),
            },)*]
        };
        (@sync $log:ident $function:expr) => { sync(|$log, at| $function($log, at)) };
        (@calibrated $log:ident $function:expr) => { calibrated(|$log, at| $function($log, at)) };
        (@polls $log:ident $function:expr) => { polls(|$log, at| $function($log, at)) };
        (@spawned $log:ident $function:expr) => { spawned(|$log, at| $function($log, at)) };
    }

    pub(crate) const CASES: &[Case] = cases! {
        "sync `&self`, errors, a call in tail position", Some(0), sync, |log| Log::tail, Log::tail_measured;
        "sync `&self`, errors, `?`", Some(0), sync, |log| Log::question, Log::question_measured;
        "sync `&self`, errors, an alias, an `Arc`", Some(0), sync, |log| Log::alias, Log::alias_measured;
        "sync `&self`, errors, `Result<(), _>`", Some(0), sync, |log| Log::unit, Log::unit_measured;
        // One more instruction moves `self` to a callee-saved register, because the calls that build the error would
        // overwrite its own register.
        "sync `&self`, errors, an error made by calls", Some(1), sync, |log| Log::boxed_error, Log::boxed_error_measured;
        "sync `&mut self`, errors", Some(3), sync, |log| Log::mutable, Log::mutable_measured;
        "sync `&mut self`, errors, `let this = self`", Some(3), sync, |log| Log::mutable_whole, Log::mutable_whole_measured;
        "sync `&self`, errors + ok + calls", None, sync, |log| Log::counted, Log::counted_measured;
        "sync `&mut self`, errors + in_flight", None, sync, |log| Log::in_flight, Log::in_flight_measured;
        "sync `&self`, time", None, calibrated, |log| Log::timed, Log::timed_measured;
        "sync `&self`, time, not sampled", Some(24), sync, |log| Log::sampled, Log::sampled_measured;
        "async `&self`, errors, `?`", Some(2), polls, |log| Log::now, Log::now_measured;
        "async `&self`, errors, a future in tail position", Some(2), polls, |log| Log::now_tail, Log::now_tail_measured;
        "async `&mut self`, errors", Some(2), polls, |log| Log::now_mutable, Log::now_mutable_measured;
        "`-> impl Future`, errors", Some(2), polls, |log| Log::opaque, Log::opaque_measured;
        "async `&self`, errors, spawned, may wait", None, spawned, |log| Log::later, Log::later_measured;
        "async `&mut self`, errors, spawned, may wait", None, spawned, |log| Log::later_mutable, Log::later_mutable_measured;
        "async `&self`, time, not sampled", Some(24), polls, |log| Log::sampled_later, Log::sampled_later_measured;
        "async `&self`, errors + cancelled, spawned, may wait", None, spawned, |log| Log::cancelled, Log::cancelled_measured;
        "`#[async_trait]`, errors, spawned, may wait", None, spawned, |log| Log::boxed, Log::boxed_measured;
    };

    /// The maximum number of bytes that the attribute may add to a future.
    const MAX_ADDED_BYTES: usize = 40;
    /// The maximum number of bytes that the attribute may add to a future whose cancellation is counted.
    const MAX_ADDED_BYTES_CANCELLED: usize = 80;

    /// Returns the sizes of futures, without and with the attribute, and the number of bytes by which each may grow.
    pub(crate) fn sizes() -> [(&'static str, usize, usize, usize); 5] {
        let log = log();
        let shared = (size_of_val(&log.later(3)), size_of_val(&log.later_measured(3)));
        let bare = size_of_val(&log.later_mutable(3));
        let mutable = (bare, size_of_val(&log.later_mutable_measured(3)));
        let bare = size_of_val(&log.large("", [0; 256]));
        let large = (bare, size_of_val(&log.large_measured("", [0; 256])));
        let opaque = (size_of_val(&log.opaque(3)), size_of_val(&log.opaque_measured(3)));
        let cancelled = (size_of_val(&log.cancelled(3)), size_of_val(&log.cancelled_measured(3)));
        [
            ("async `&self`", shared.0, shared.1, MAX_ADDED_BYTES),
            ("async `&mut self`", mutable.0, mutable.1, MAX_ADDED_BYTES),
            ("async `&self`, `&str`, `[u8; 256]`", large.0, large.1, MAX_ADDED_BYTES),
            ("`-> impl Future`", opaque.0, opaque.1, MAX_ADDED_BYTES),
            ("async `&self`, `cancelled`", cancelled.0, cancelled.1, MAX_ADDED_BYTES_CANCELLED),
        ]
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[allow(unsafe_code)] // tracing a process needs system calls
mod steps {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::functions::{CASES, Case, sizes};

    /// The environment variable that tells the copy of this process which function to run. It contains the argument of
    /// [`run_case`].
    pub(crate) const CASE: &str = "PAPYRA_METRICS_CASE";

    /// Runs the function with this number between two signals. Functions with even numbers do not have the
    /// attribute, and functions with odd numbers have it.
    pub(crate) fn run_case(number: usize) {
        let Case { bare, measured, .. } = &CASES[number / 2];
        let mut work = if number % 2 == 0 { bare() } else { measured() };
        // The first call is not measured, because the dynamic linker may resolve symbols in it.
        assert!(work());
        signal();
        let ok = work();
        signal();
        assert!(ok);
    }

    fn signal() {
        // SAFETY: raising a signal touches no memory; the tracer intercepts it.
        unsafe { libc::raise(libc::SIGUSR1) };
    }

    /// Prints the tables. Returns whether all cases are within their limits.
    pub(crate) fn report() -> bool {
        let mut is_within_limits = true;
        println!("instructions of a call that returns `Ok`            bare  measured  added");
        for (index, case) in CASES.iter().enumerate() {
            let [bare, measured] = [count(2 * index), count(2 * index + 1)];
            let added = measured - bare;
            let is_exceeded = case.limit.is_some_and(|limit| added > limit);
            is_within_limits &= !is_exceeded;
            let verdict = match case.limit {
                Some(limit) if is_exceeded => format!("  more than {limit}"),
                Some(limit) => format!("  of at most {limit}"),
                None => String::new(),
            };
            println!("{:<50} {bare:>5} {measured:>9} {added:>+6}{verdict}", case.name);
        }
        println!("\nbytes of a future                                   bare  measured  added");
        for (name, bare, measured, most) in sizes() {
            let added = measured.saturating_sub(bare);
            is_within_limits &= added <= most;
            println!("{name:<50} {bare:>5} {measured:>9} {added:>+6}  of at most {most}");
        }
        is_within_limits
    }

    /// Counts the instructions between the two signals of the function with this number.
    fn count(case: usize) -> i64 {
        let mut command =
            Command::new(std::env::current_exe().expect("the path of this program is known"));
        command.env(CASE, case.to_string());
        // SAFETY: the closure makes one system call, which does not allocate.
        unsafe {
            command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            });
        }
        #[allow(clippy::zombie_processes)] // the loop below waits for the child
        let child = command.spawn().expect("tracing a child process is allowed");
        let pid = libc::pid_t::try_from(child.id()).expect("a process id fits");
        let mut counted = 0;
        let mut stepping = false;
        loop {
            let mut status = 0;
            // SAFETY: `pid` is a child of this process, and `status` is valid for writes.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            if libc::WIFEXITED(status) {
                assert_eq!(libc::WEXITSTATUS(status), 0, "the case failed");
                return counted;
            }
            assert!(libc::WIFSTOPPED(status), "the case was killed");
            if libc::WSTOPSIG(status) == libc::SIGUSR1 {
                stepping = !stepping;
            }
            counted += i64::from(stepping);
            let request = if stepping { libc::PTRACE_SINGLESTEP } else { libc::PTRACE_CONT };
            // SAFETY: the child is stopped, and continues without the signal.
            assert_eq!(unsafe { libc::ptrace(request, pid, 0, 0) }, 0);
        }
    }
}
