//! `ShardedCounter` loses no count when threads move between CPUs or are interrupted. `CachePadded` instruments share no
//! cache line.

#![allow(unsafe_code)] // moving threads, raising signals and sharing memory are system calls

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use papyra_metrics::{
    CachePadded, Counter, Family, Gauge, Label, LabelValues, Metrics, ShardedCounter,
    ShardedHistogram, Sizes, Value,
};

const THREADS: u64 = 4;
const EACH: u64 = 200_000;

#[test]
fn concurrent_takes_of_a_sharded_counter_return_each_increment_once() {
    let counter = ShardedCounter::new();
    let start = Barrier::new(8);
    let running = AtomicU64::new(THREADS);
    let taken: u64 = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..EACH / 2 {
                    counter.inc();
                    counter.add(2);
                }
                running.fetch_sub(1, Ordering::Release);
            });
        }
        let takers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let mut sum = 0;
                    while running.load(Ordering::Acquire) > 0 {
                        sum += counter.take();
                    }
                    sum
                })
            })
            .collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(taken + counter.take(), THREADS * EACH / 2 * 3);
    assert_eq!((counter.get(), counter.total()), (0, THREADS * EACH / 2 * 3));
}

#[test]
fn the_total_of_a_sharded_counter_never_falls_and_no_reading_exceeds_it() {
    let counter = ShardedCounter::new();
    let running = AtomicU64::new(3);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                (0..EACH).for_each(|_| counter.inc());
                running.fetch_sub(1, Ordering::Release);
            });
        }
        scope.spawn(|| {
            (0..EACH / 100).for_each(|_| counter.reset());
            running.fetch_sub(1, Ordering::Release);
        });
        let mut last = 0;
        while running.load(Ordering::Acquire) > 0 {
            let since_reset = counter.get();
            let total = counter.total();
            assert!(total >= last, "{total} after {last}");
            assert!(since_reset <= total, "{since_reset} of {total}");
            last = total;
        }
    });
    assert_eq!(counter.total(), 2 * EACH);
}

#[test]
fn the_counts_of_a_thread_remain_after_its_end() {
    let counter = ShardedCounter::new();
    for _ in 0..300 {
        thread::scope(|scope| {
            scope.spawn(|| counter.add(2));
        });
    }
    assert_eq!(counter.total(), 600);
}

#[test]
fn a_destructor_of_thread_local_storage_can_still_count() {
    static COUNTER: ShardedCounter = ShardedCounter::new();
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            COUNTER.inc();
        }
    }
    thread_local!(static LAST: Last = const { Last });
    // Thread-local values are dropped in an order that depends on the order of their creation. If the counter uses a
    // thread-local value itself, `LAST` is created before that value in one thread, and after that value in the other.
    for early in [true, false] {
        thread::spawn(move || {
            if early {
                LAST.with(|_| ());
            }
            COUNTER.inc();
            LAST.with(|_| ());
        })
        .join()
        .unwrap();
    }
    assert_eq!(COUNTER.total(), 4);
}

#[test]
fn padded_instruments_share_no_cache_line_and_are_used_like_others() {
    #[derive(Debug, Default, Metrics)]
    struct LogMetrics {
        #[metrics(errors)]
        errors: CachePadded<Counter>,
        level: CachePadded<Gauge>,
        inner: CachePadded<AtomicU64>,
    }
    let metrics = LogMetrics::default();
    let addresses = [
        std::ptr::from_ref(&metrics.errors).addr(),
        std::ptr::from_ref(&metrics.level).addr(),
        std::ptr::from_ref(&metrics.inner).addr(),
    ];
    for (i, a) in addresses.iter().enumerate() {
        assert_eq!(a % 128, 0);
        assert!(addresses[..i].iter().all(|b| a.abs_diff(*b) >= 128), "{addresses:?}");
    }
    assert!(metrics.errors.count_err(Err::<(), _>("full")).is_err());
    metrics.level.set(-3);
    metrics.inner.fetch_add(2, Ordering::Relaxed);
    assert_eq!(metrics.snapshot().to_string(), "errors: 1\nlevel: -3\ninner: 2");
    assert_eq!(metrics.drain()["errors"], 1);
    assert_eq!(metrics.totals()["errors"], 1);
    assert_eq!(
        format!("{:?} {:?}", metrics.errors, metrics.level),
        "Counter { value: 0, total: 1 } Gauge(-3)"
    );
    assert_eq!(CachePadded::from(Counter::new()).into_inner().get(), 0);
}

#[test]
fn functions_count_in_sharded_and_padded_instruments() {
    #[derive(Debug, Default, Metrics)]
    struct LogMetrics {
        #[metrics(errors)]
        write_errors: ShardedCounter,
        writes: CachePadded<Counter>,
        writing: CachePadded<Gauge>,
    }
    struct Log {
        metrics: LogMetrics,
    }
    impl Log {
        #[papyra_metrics::metrics(errors, ok = writes, in_flight = writing)]
        fn write(&self, full: bool) -> Result<i64, ()> {
            if full { Err(()) } else { Ok(self.metrics.writing.get()) }
        }
    }
    let log = Log { metrics: LogMetrics::default() };
    assert_eq!((log.write(true), log.write(false)), (Err(()), Ok(1)));
    assert_eq!(log.metrics.snapshot().to_string(), "write_errors: 1\nwrites: 1\nwriting: 0");
}

/// A label with so many values that a family needs several groups of counters. The counters of a group share cache
/// lines. The last group is not full.
#[derive(Clone, Copy)]
struct Slot(usize);

impl Label for Slot {
    const LABELS: &'static [LabelValues] = &[LabelValues::new(
        "slot",
        &[
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
            "16", "17", "18",
        ],
    )];
    type Members<T> = [T; 19];

    fn index(self) -> usize {
        self.0
    }

    fn from_index(index: usize) -> Option<Self> {
        (index < 19).then_some(Self(index))
    }
}

#[derive(Clone, Copy, Debug, Label, PartialEq)]
enum Only {
    One,
}

/// A family between two counters. The members of the family must not change these counters.
#[derive(Default, Metrics)]
struct Surrounded {
    before: Counter,
    members: Family<Slot, ShardedCounter>,
    after: Counter,
}

static SURROUNDED: Surrounded =
    Surrounded { before: Counter::new(), members: Family::new(), after: Counter::new() };

#[test]
fn members_of_a_sharded_family_count_and_reset_independently() {
    let metrics = &SURROUNDED;
    // Each member adds a different amount, so that a word shared by two members is detected.
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    for (slot, counter) in metrics.members.iter() {
                        counter.add(1 << slot.0);
                    }
                }
            });
        }
    });
    for (slot, counter) in metrics.members.iter() {
        assert_eq!(counter.get(), (THREADS * 1_000) << slot.0, "{}", slot.0);
        assert_eq!(format!("{counter:?}"), format!("{:?}", metrics.members[slot]));
    }
    metrics.members[Slot(8)].reset();
    assert_eq!(metrics.members[Slot(7)].take(), (THREADS * 1_000) << 7);
    for (slot, counter) in metrics.members.iter() {
        let expected = if [7, 8].contains(&slot.0) { 0 } else { (THREADS * 1_000) << slot.0 };
        assert_eq!((counter.get(), counter.total()), (expected, (THREADS * 1_000) << slot.0));
    }
    let drained = metrics.drain();
    assert_eq!(drained["members{slot=18}"], (THREADS * 1_000) << 18);
    assert_eq!(
        (&drained["members{slot=8}"], &drained["before"], &drained["after"]),
        (&Value::Counter(0), &Value::Counter(0), &Value::Counter(0))
    );
    assert_eq!(metrics.snapshot().iter().filter(|(_, value)| **value != 0).count(), 0);
}

#[test]
fn each_member_of_a_sharded_family_takes_a_word_of_each_line_of_its_group() {
    let alone = size_of::<ShardedCounter>();
    let (one, nineteen) =
        (size_of::<Family<Only, ShardedCounter>>(), size_of::<Family<Slot, ShardedCounter>>());
    assert!(one < alone + 128, "{one} and {alone}");
    // The family has nineteen members and some unused positions, but it takes less memory than four separate counters.
    assert!(nineteen < 4 * (alone + 128), "{nineteen} and {alone}");
    let family: Family<Slot, ShardedCounter> = Family::new();
    let line = if cfg!(target_arch = "x86_64") { 64 } else { 128 };
    let first = std::ptr::from_ref(&family[Slot(0)]).addr();
    assert_eq!((first, first % line), (std::ptr::from_ref(&family).addr(), 0));
    for (slot, counter) in family.iter() {
        let counter = std::ptr::from_ref(counter).addr();
        assert_eq!(counter % line, slot.0 % (line / 8) * 8);
        assert!(counter + alone <= first + nineteen);
    }
}

#[test]
fn a_sharded_family_keeps_the_counts_of_the_counters_it_is_made_from() {
    let family = Family::from_fn(|slot: Slot| {
        let counter = ShardedCounter::new();
        counter.add(3);
        counter.reset();
        counter.add(slot.0 as u64);
        counter
    });
    for (slot, counter) in family.iter() {
        assert_eq!((counter.get(), counter.total()), (slot.0 as u64, 3 + slot.0 as u64));
    }
    let tuple: Family<(Only, Slot), ShardedCounter> = Family::default();
    tuple[(Only::One, Slot(18))].inc();
    assert_eq!(tuple.values().map(ShardedCounter::get).sum::<u64>(), 1);
}

#[test]
#[should_panic(expected = "no member at this position")]
fn a_label_beyond_the_members_of_a_sharded_family_panics() {
    let family: Family<Slot, ShardedCounter> = Family::new();
    family[Slot(19)].inc();
}

/// Tests that move and interrupt threads with Linux system calls.
#[cfg(target_os = "linux")]
mod moved_and_interrupted {
    use super::{
        AtomicBool, AtomicU64, Barrier, Family, Ordering, ShardedCounter, ShardedHistogram, Sizes,
        Slot, thread,
    };

    /// Returns the CPUs on which this process may run.
    fn cpus() -> Vec<libc::cpu_set_t> {
        // SAFETY: a `cpu_set_t` of zeros is valid: it is the empty set. The calls access only the sets.
        unsafe {
            let mut all: libc::cpu_set_t = std::mem::zeroed();
            assert_eq!(libc::sched_getaffinity(0, size_of_val(&all), &raw mut all), 0);
            (0..usize::try_from(libc::CPU_SETSIZE).unwrap())
                .filter(|&cpu| libc::CPU_ISSET(cpu, &all))
                .map(|cpu| {
                    let mut one: libc::cpu_set_t = std::mem::zeroed();
                    libc::CPU_SET(cpu, &mut one);
                    one
                })
                .collect()
        }
    }

    /// Each CPU has its own cell. If an increment did not detect that its thread was moved to another CPU, it would race
    /// with increments on the old CPU, and counts would be lost.
    #[test]
    fn threads_that_are_moved_from_core_to_core_lose_no_increment() {
        let (counter, sizes) = (ShardedCounter::new(), Box::new(ShardedHistogram::<Sizes>::new()));
        let family: Box<Family<Slot, ShardedCounter>> = Box::default();
        let expected = moved_threads(|| {
            counter.inc();
            sizes.record(100);
            family[Slot(3)].inc();
            family[Slot(4)].add(2);
        });
        // Members 3 and 4 are neighbours in one cache line.
        assert_eq!((family[Slot(3)].total(), family[Slot(4)].total()), (expected, 2 * expected));
        let read = sizes.total();
        assert_eq!(
            (counter.total(), read.count(), read.sum()),
            (expected, expected, 100 * expected)
        );
    }

    #[test]
    fn the_counts_of_every_core_are_read() {
        let (counter, sizes) = (ShardedCounter::new(), Box::new(ShardedHistogram::<Sizes>::new()));
        let cpus = cpus();
        for cpu in &cpus {
            thread::scope(|scope| {
                scope.spawn(|| {
                    // SAFETY: the CPU set is valid for reads of its size.
                    assert_eq!(unsafe { libc::sched_setaffinity(0, size_of_val(cpu), cpu) }, 0);
                    counter.inc();
                    sizes.record(100);
                });
            });
        }
        let read = (counter.total(), sizes.total().count());
        assert_eq!(read, (cpus.len() as u64, cpus.len() as u64));
    }

    /// Calls `count` in threads that are moved between cores all the time. Returns the number of calls.
    fn moved_threads(count: impl Fn() + Sync) -> u64 {
        const WRITERS: usize = 3;
        const MOVES: usize = 60_000;
        let cpus = cpus();
        assert!(cpus.len() > 1, "this test moves threads between cores, and needs two of them");
        let count = &count;
        let (done, start) = (AtomicBool::new(false), Barrier::new(WRITERS + 1));
        let threads: [AtomicU64; WRITERS] = Default::default();
        thread::scope(|scope| {
            let writers: Vec<_> = threads
                .iter()
                .map(|id| {
                    let (done, start) = (&done, &start);
                    scope.spawn(move || {
                        // SAFETY: the call has no arguments.
                        id.store(unsafe { libc::gettid() }.try_into().unwrap(), Ordering::Relaxed);
                        start.wait();
                        let mut counted = 0;
                        while !done.load(Ordering::Relaxed) {
                            (0..1_000).for_each(|_| count());
                            counted += 1_000;
                        }
                        counted
                    })
                })
                .collect();
            start.wait();
            for turn in 0..MOVES {
                let id = threads[turn % WRITERS].load(Ordering::Relaxed).try_into().unwrap();
                let cpu = &cpus[(turn / WRITERS + turn) % cpus.len()];
                // SAFETY: the CPU set is valid for reads of its size.
                assert_eq!(unsafe { libc::sched_setaffinity(id, size_of_val(cpu), cpu) }, 0);
            }
            done.store(true, Ordering::Relaxed);
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        })
    }

    #[test]
    fn a_signal_handler_and_the_thread_that_it_interrupts_lose_no_increment() {
        static COUNTER: ShardedCounter = ShardedCounter::new();
        static SIZES: ShardedHistogram<Sizes> = ShardedHistogram::new();
        static HANDLED: AtomicU64 = AtomicU64::new(0);
        static DONE: AtomicBool = AtomicBool::new(false);
        extern "C" fn handle(_: libc::c_int) {
            COUNTER.inc();
            SIZES.record(100);
            HANDLED.fetch_add(1, Ordering::Relaxed);
        }
        let handler: extern "C" fn(libc::c_int) = handle;
        // SAFETY: the handler only counts.
        assert_ne!(unsafe { libc::signal(libc::SIGUSR2, handler as usize) }, libc::SIG_ERR);
        let writer = thread::spawn(|| {
            let mut counted = 0_u64;
            while !DONE.load(Ordering::Relaxed) {
                for _ in 0..1_000 {
                    COUNTER.inc();
                    SIZES.record(100);
                }
                counted += 1_000;
            }
            counted
        });
        let target = std::os::unix::thread::JoinHandleExt::as_pthread_t(&writer);
        for _ in 0..20_000 {
            // SAFETY: the thread is not joined yet.
            assert_eq!(unsafe { libc::pthread_kill(target, libc::SIGUSR2) }, 0);
        }
        DONE.store(true, Ordering::Relaxed);
        let counted = writer.join().unwrap();
        assert!(HANDLED.load(Ordering::Relaxed) > 0);
        let counted = counted + HANDLED.load(Ordering::Relaxed);
        let read = SIZES.total();
        assert_eq!((COUNTER.total(), read.count(), read.sum()), (counted, counted, 100 * counted));
    }

    /// An instrument that is empty when all its atomics are zero.
    trait Zeroed {}
    impl Zeroed for ShardedCounter {}
    impl Zeroed for ShardedHistogram<Sizes> {}

    /// Returns a new instrument, in memory that this process shares with its children.
    fn shared<I: Zeroed>() -> &'static I {
        // SAFETY: the memory is new, has the size of the instrument, and is aligned to a page. All its bytes are zero,
        // and zero bytes are a valid, empty instrument.
        unsafe {
            let memory = libc::mmap(
                std::ptr::null_mut(),
                size_of::<I>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(memory, libc::MAP_FAILED);
            &*memory.cast::<I>()
        }
    }

    /// The counter is in memory that two processes share, like published metrics after a `fork`.
    #[test]
    fn processes_that_share_a_counter_lose_no_increment() {
        const EACH: u64 = 3_000_000;
        let counter = shared::<ShardedCounter>();
        // SAFETY: the child runs nothing but the loop, and ends without unwinding.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        (0..EACH).for_each(|_| counter.inc());
        if child == 0 {
            // SAFETY: `_exit` only ends the process.
            unsafe { libc::_exit(0) };
        }
        let mut status = 1;
        // SAFETY: this process forked the child, and `status` is valid for writes.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!((status, counter.total()), (0, 2 * EACH));
    }

    /// For each instruction of an increment, stops a child process before the instruction, and continues the process on
    /// another core.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn an_increment_that_is_moved_to_another_core_counts_once_and_not_in_the_old_cell() {
        let cpus = cpus();
        assert!(cpus.len() > 1, "this test moves a process between cores, and needs two of them");
        let numbers: Vec<usize> = cpus
            .iter()
            // SAFETY: the set is initialized.
            .map(|set| (0..1024).find(|&cpu| unsafe { libc::CPU_ISSET(cpu, set) }).unwrap())
            .collect();
        let (mut stopped_before, mut stopped_after) = (0, 0);
        for steps in 0.. {
            let counter = shared::<ShardedCounter>();
            let child = Traced::counting(&cpus[0], || counter.inc());
            if !child.step(steps) {
                break;
            }
            let before = words(counter);
            child.move_to(&cpus[1]);
            child.finish();
            let after = words(counter);
            assert_eq!(counter.total(), 1, "moved after {steps} instructions");
            if before.iter().sum::<u64>() == 0 {
                stopped_before += 1;
                assert_eq!(after[SHARED_CELLS + numbers[0]], 0, "moved after {steps} instructions");
            } else {
                stopped_after += 1;
                assert_eq!(after, before, "moved after {steps} instructions");
            }
        }
        assert!(stopped_before > 5 && stopped_after > 0, "{stopped_before} {stopped_after}");
    }

    /// If a recording is stopped or moved within its restartable sequence, the sequence is aborted. The recording then
    /// adds first the count and then the sum to a shared block.
    #[test]
    #[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
    fn a_recording_that_is_moved_to_another_core_counts_once_with_its_sum() {
        assert!(is_registered(), "this test needs glibc 2.35");
        let cpus = cpus();
        assert!(cpus.len() > 1, "this test moves a process between cores, and needs two of them");
        let (mut stopped_before, mut stopped_after) = (0, 0);
        for steps in 0.. {
            let sizes = shared::<ShardedHistogram<Sizes>>();
            let child = Traced::counting(&cpus[0], || sizes.record(100));
            if !child.step(steps) {
                break;
            }
            let before = (sizes.total().count(), sizes.total().sum());
            child.move_to(&cpus[1]);
            child.finish();
            let after = sizes.total();
            assert_eq!((after.count(), after.sum()), (1, 100), "moved after {steps} instructions");
            match before {
                (0, 0) => stopped_before += 1,
                (1, 0 | 100) => stopped_after += 1,
                other => panic!("{other:?} after {steps} instructions"),
            }
        }
        assert!(stopped_before > 5 && stopped_after > 0, "{stopped_before} {stopped_after}");
    }

    /// A child process that raises a signal, counts once, and raises a signal again. The child is stopped at the first
    /// signal.
    struct Traced(libc::pid_t);

    impl Traced {
        fn counting(cpu: &libc::cpu_set_t, count: impl Fn()) -> Self {
            // SAFETY: the child makes system calls and counts, and ends without unwinding.
            unsafe {
                let child = libc::fork();
                assert!(child >= 0);
                if child == 0 {
                    libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
                    libc::sched_setaffinity(0, size_of_val(cpu), cpu);
                    libc::raise(libc::SIGUSR1);
                    count();
                    libc::raise(libc::SIGUSR1);
                    libc::_exit(0);
                }
                let child = Self(child);
                assert_eq!(child.wait(), Some(libc::SIGUSR1));
                child
            }
        }

        /// Lets the child execute `steps` instructions. Returns `false` if the child raises the second signal before that.
        fn step(&self, steps: usize) -> bool {
            for _ in 0..steps {
                // SAFETY: the child is stopped, and continues without the signal.
                assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SINGLESTEP, self.0, 0, 0) }, 0);
                if self.wait() != Some(libc::SIGTRAP) {
                    self.finish();
                    return false;
                }
            }
            true
        }

        fn move_to(&self, cpu: &libc::cpu_set_t) {
            // SAFETY: the CPU set is valid for reads of its size.
            assert_eq!(unsafe { libc::sched_setaffinity(self.0, size_of_val(cpu), cpu) }, 0);
        }

        fn finish(&self) {
            self.interrupt(0);
        }

        /// Delivers the signal, unless `signal` is zero, and lets the child run to its end.
        fn interrupt(&self, mut signal: libc::c_int) {
            loop {
                // SAFETY: the child is stopped. The call resumes the child, and delivers `signal` unless that is zero.
                assert_eq!(unsafe { libc::ptrace(libc::PTRACE_CONT, self.0, 0, signal) }, 0);
                if self.wait().is_none() {
                    return;
                }
                signal = 0;
            }
        }

        /// Returns the signal at which the child stops, or `None` if the child has exited successfully.
        fn wait(&self) -> Option<libc::c_int> {
            let mut status = 0;
            // SAFETY: this process forked the child, and `status` is valid for writes.
            assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, 0) }, self.0);
            if libc::WIFEXITED(status) {
                assert_eq!(libc::WEXITSTATUS(status), 0);
                return None;
            }
            assert!(libc::WIFSTOPPED(status), "the child was killed");
            Some(libc::WSTOPSIG(status))
        }
    }

    /// The number of shared cells, which come before the cells of the CPUs.
    const SHARED_CELLS: usize = 16;

    /// Returns all words of the counter after the word of its flags: the shared cells, the cells of the CPUs, and the
    /// baseline.
    fn words(counter: &ShardedCounter) -> Vec<u64> {
        const LINE: usize = if cfg!(target_arch = "x86_64") { 64 } else { 128 };
        let words = std::ptr::from_ref(counter).cast::<AtomicU64>();
        (1..=size_of_val(counter) / LINE)
            // SAFETY: the word is an atomic of the counter. The counter consists only of atomics, and the last atomic
            // is at the beginning of a line.
            .map(|i| unsafe { &*words.byte_add(i * LINE) }.load(Ordering::Relaxed))
            .collect()
    }

    /// Returns whether the C library has registered this thread for restartable sequences with the kernel.
    fn is_registered() -> bool {
        // SAFETY: glibc declares the symbol as `extern const unsigned int`.
        unsafe {
            let size = libc::dlsym(std::ptr::null_mut(), c"__rseq_size".as_ptr()).cast::<u32>();
            !size.is_null() && size.read() > 0
        }
    }

    #[test]
    fn a_core_counts_in_its_own_cell_if_the_c_library_supports_it() {
        let counter = ShardedCounter::new();
        (0..EACH).for_each(|_| counter.inc());
        let words = words(&counter);
        let shared: u64 = words[..SHARED_CELLS].iter().sum();
        if cfg!(all(target_arch = "x86_64", target_env = "gnu")) && is_registered() {
            // Only interrupted increments are counted in shared cells.
            assert!(shared < EACH / 10, "{shared} of {EACH} are in the shared cells");
        } else {
            assert_eq!(shared, EACH);
        }
        assert_eq!(counter.total(), EACH);
    }

    const EACH: u64 = 1_000_000;

    /// For each instruction of an increment, interrupts a child process before the instruction. The signal handler
    /// increments the same counter.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn an_interrupted_increment_and_the_increment_in_the_handler_both_count() {
        static INTERRUPTED: std::sync::atomic::AtomicPtr<ShardedCounter> =
            std::sync::atomic::AtomicPtr::new(std::ptr::null_mut());
        extern "C" fn handle(_: libc::c_int) {
            // SAFETY: the pointer refers to a counter that lives as long as the process.
            unsafe { &*INTERRUPTED.load(Ordering::Relaxed) }.inc();
        }
        let handler: extern "C" fn(libc::c_int) = handle;
        // SAFETY: the handler only counts.
        assert_ne!(unsafe { libc::signal(libc::SIGURG, handler as usize) }, libc::SIG_ERR);
        let cpus = cpus();
        let mut interrupted = 0;
        for steps in 0.. {
            let counter: &ShardedCounter = shared();
            INTERRUPTED.store(std::ptr::from_ref(counter).cast_mut(), Ordering::Relaxed);
            let child = Traced::counting(&cpus[0], || counter.inc());
            if !child.step(steps) {
                break;
            }
            child.interrupt(libc::SIGURG);
            assert_eq!(counter.total(), 2, "interrupted after {steps} instructions");
            interrupted += 1;
        }
        assert!(interrupted > 10, "{interrupted}");
    }

    #[test]
    #[ignore = "the test below runs it without restartable sequences"]
    fn threads_count_in_different_cells() {
        assert!(!is_registered());
        let counter = ShardedCounter::new();
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    (0..EACH).for_each(|_| counter.inc());
                });
            }
        });
        let used = words(&counter).iter().filter(|cell| **cell == EACH).count();
        assert_eq!((used, counter.total()), (4, 4 * EACH));
    }

    #[test]
    fn without_restartable_sequences_threads_have_different_cells_and_nothing_is_lost() {
        let tests = [
            "threads_count_in_different_cells",
            "an_interrupted_increment_and_the_increment_in_the_handler_both_count",
            "a_core_counts_in_its_own_cell_if_the_c_library_supports_it",
            "threads_that_are_moved_from_core_to_core_lose_no_increment",
            "the_counts_of_every_core_are_read",
        ];
        let tests = tests.map(|test| format!("moved_and_interrupted::{test}"));
        let this = std::env::current_exe().unwrap();
        let output = std::process::Command::new(this)
            .args(["--include-ignored", "--exact", "--nocapture"])
            .args(&tests)
            .env("GLIBC_TUNABLES", "glibc.pthread.rseq=0")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let passed = format!("{} passed", tests.len());
        assert!(output.status.success() && text.contains(&passed), "{text}");
    }
}
