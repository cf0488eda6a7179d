//! Measures time in interleaved rounds, instructions with callgrind, and allocations with an allocator that counts them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::spin_loop;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A task to measure, done by several contestants. The first entry is the baseline.
pub struct Subject {
    /// The heading of its table.
    pub name: String,
    /// The unit of work to which times refer.
    pub unit: &'static str,
    /// The number of units in one repetition of the work.
    pub units: u64,
    pub entries: Vec<Entry>,
}

/// A contestant's implementation of a task.
pub struct Entry {
    pub contestant: &'static str,
    pub work: Work,
}

/// Work that is repeated a given number of times.
pub enum Work {
    /// On one thread. If there are several copies of the work, the rounds use them in turn.
    Alone(Vec<Box<dyn FnMut(u64)>>),
    /// On two threads at the same time; the first argument is the thread's number.
    ByTwo(Box<dyn Fn(usize, u64) + Sync>),
}

/// The results of a contestant. Times and instructions are per unit of work, and allocations are per repetition.
pub struct Measured {
    pub contestant: &'static str,
    pub nanoseconds: f64,
    pub instructions: Option<f64>,
    pub allocations: Option<f64>,
}

/// The number of rounds, and the minimum duration of a round.
#[derive(Clone, Copy)]
pub struct Effort {
    rounds: usize,
    round: Duration,
}

impl Effort {
    pub const FULL: Self = Self { rounds: 201, round: Duration::from_millis(1) };
    pub const SHORT: Self = Self { rounds: 9, round: Duration::from_micros(300) };
}

impl Subject {
    /// Measures all contestants alternately, so that other load affects all of them.
    pub fn measure(&mut self, effort: Effort) -> Vec<Measured> {
        let repeats: Vec<u64> =
            self.entries.iter_mut().map(|entry| entry.calibrate(effort.round)).collect();
        // The times of each copy of each entry's work.
        let mut times: Vec<Vec<Vec<f64>>> =
            self.entries.iter().map(|entry| vec![Vec::new(); entry.copies()]).collect();
        for round in 0..effort.rounds {
            for ((entry, &repeats), times) in self.entries.iter_mut().zip(&repeats).zip(&mut times)
            {
                let copy = round % times.len();
                let time = entry.time(copy, repeats).map(|time| time.as_secs_f64() * 1e9);
                times[copy].extend(time.map(|time| time / (repeats * self.units) as f64));
            }
        }
        let entries = self.entries.iter_mut().zip(times);
        entries
            .map(|(entry, times)| Measured {
                contestant: entry.contestant,
                nanoseconds: entry.typical(times),
                instructions: None,
                allocations: entry.allocations(),
            })
            .collect()
    }
}

impl Entry {
    pub fn alone(contestant: &'static str, work: impl FnMut(u64) + 'static) -> Self {
        Self { contestant, work: Work::Alone(vec![Box::new(work)]) }
    }

    /// Creates an entry with several copies of its work, which `make` creates at different addresses.
    ///
    /// The addresses of strings decide how many cache lines a copy of a string touches, and whether reading one string has
    /// to wait for writing another. The addresses can change the time of a small encoding by a fifth, and a single copy of the
    /// work has the same addresses in every round. The result is the mean of all copies.
    pub fn at_many_addresses<W: FnMut(u64) + 'static>(
        contestant: &'static str,
        mut make: impl FnMut() -> W,
    ) -> Self {
        let copies = (0..COPIES).map(|copy| {
            shift_addresses(copy);
            Box::new(make()) as Box<dyn FnMut(u64)>
        });
        Self { contestant, work: Work::Alone(copies.collect()) }
    }

    pub fn by_two(contestant: &'static str, work: impl Fn(usize, u64) + Sync + 'static) -> Self {
        Self { contestant, work: Work::ByTwo(Box::new(work)) }
    }

    /// Returns a number of repetitions that take at least the time `round`.
    fn calibrate(&mut self, round: Duration) -> u64 {
        let mut repeats = 1;
        while self.round(0, repeats).time() < round {
            repeats *= 2;
        }
        repeats
    }

    fn copies(&self) -> usize {
        match &self.work {
            Work::Alone(copies) => copies.len(),
            Work::ByTwo(_) => 1,
        }
    }

    /// Returns the typical time, from the times of each copy of the work. It is the mean of the typical times of the
    /// copies, so that fast and slow addresses have the same weight.
    fn typical(&self, times: Vec<Vec<f64>>) -> f64 {
        let typical = times.into_iter().filter(|times| !times.is_empty()).map(|mut times| {
            times.sort_by(f64::total_cmp);
            // Other load only makes rounds slower, and the processor sometimes runs faster for a moment, so the lower quartile
            // is the most stable. Contention between two threads varies in both directions, so the median is used for them.
            match self.work {
                Work::Alone(_) => times[times.len() / 4],
                Work::ByTwo(_) => times[times.len() / 2],
            }
        });
        let typical: Vec<f64> = typical.collect();
        typical.iter().sum::<f64>() / typical.len() as f64
    }

    /// Measures a round. If a thread had to wait for its core, or if the two threads did not overlap enough, the round is
    /// repeated, up to a limit. (Threads that do not overlap run without contention.) Returns `None` if the threads never
    /// overlapped enough.
    fn time(&mut self, copy: usize, repeats: u64) -> Option<Duration> {
        const TRIES: usize = 50;
        let mut last = None;
        for _ in 0..TRIES {
            let round = self.round(copy, repeats);
            if round.overlaps() {
                last = Some(round.time());
                if round.interruptions() == 0 {
                    break;
                }
            }
        }
        last
    }

    fn round(&mut self, copy: usize, repeats: u64) -> Round {
        match &mut self.work {
            Work::Alone(copies) => {
                let work = &mut copies[copy];
                // Loads the copy into the cache, which contains the previous copy.
                work(1);
                Round(vec![timed(|| work(repeats))])
            }
            Work::ByTwo(work) => Round(by_two(&**work, repeats).into()),
        }
    }

    /// Returns the number of allocations per repetition, or `None` for work on two threads.
    fn allocations(&mut self) -> Option<f64> {
        const REPEATS: u64 = 16;
        let Work::Alone(copies) = &mut self.work else { return None };
        let work = &mut copies[0];
        work(1);
        COUNTING.store(true, Ordering::Relaxed);
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        work(REPEATS);
        let after = ALLOCATIONS.load(Ordering::Relaxed);
        COUNTING.store(false, Ordering::Relaxed);
        Some((after - before) as f64 / REPEATS as f64)
    }
}

/// The number of copies of work [at many addresses](Entry::at_many_addresses).
pub const COPIES: usize = 16;

/// Leaks a block, so that later allocations get other addresses. The sizes of the [`COPIES`] blocks are distributed over a
/// page, and over the offsets in a cache line.
pub fn shift_addresses(copy: usize) {
    std::hint::black_box(Vec::<u8>::with_capacity(1024 + copy * (4096 / COPIES + 16)).leak());
}

/// The span of each thread in one round.
struct Round(Vec<Span>);

/// The period in which a thread worked, and the number of interruptions in it.
struct Span {
    start: Instant,
    end: Instant,
    interruptions: i64,
}

impl Round {
    /// Returns the longest time that a thread took.
    fn time(&self) -> Duration {
        self.0.iter().map(|span| span.end - span.start).max().unwrap_or_default()
    }

    /// Returns whether all threads worked at the same time for at least 85 % of the round.
    fn overlaps(&self) -> bool {
        let start = self.0.iter().map(|span| span.start).max();
        let end = self.0.iter().map(|span| span.end).min();
        let together = start
            .zip(end)
            .map_or(Duration::ZERO, |(start, end)| end.saturating_duration_since(start));
        together.as_secs_f64() >= 0.85 * self.time().as_secs_f64()
    }

    fn interruptions(&self) -> i64 {
        self.0.iter().map(|span| span.interruptions).sum()
    }
}

fn timed(work: impl FnOnce()) -> Span {
    let before = interruptions();
    let start = Instant::now();
    work();
    let end = Instant::now();
    Span { start, end, interruptions: interruptions() - before }
}

/// Calls `work` on each of two cores, one after the other.
pub fn on_two_cores(work: impl Fn() + Sync) {
    let work = &work;
    for core in 0..2 {
        std::thread::scope(|scope| {
            scope.spawn(move || {
                pin(core);
                work();
            });
        });
    }
}

/// Runs `work` on two cores at the same time.
fn by_two(work: &(dyn Fn(usize, u64) + Sync), repeats: u64) -> [Span; 2] {
    let ready = AtomicUsize::new(0);
    let run = |thread| {
        pin(thread);
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < 2 {
            spin_loop();
        }
        timed(|| work(thread, repeats))
    };
    std::thread::scope(|scope| {
        [scope.spawn(|| run(0)), scope.spawn(|| run(1))]
            .map(|thread| thread.join().expect("no contestant panics"))
    })
}

/// Returns the number of involuntary context switches of this thread.
#[cfg(target_os = "linux")]
fn interruptions() -> i64 {
    // SAFETY: a `rusage` is plain integers, for which zero is valid.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        usage.ru_nivcsw
    }
}

#[cfg(not(target_os = "linux"))]
fn interruptions() -> i64 {
    0
}

#[cfg(target_os = "linux")]
fn pin(core: usize) {
    // SAFETY: a `cpu_set_t` is plain bits, and zero is the empty set.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

#[cfg(not(target_os = "linux"))]
fn pin(_: usize) {}

struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

impl Counting {
    fn count(&self, size: usize) {
        if COUNTING.load(Ordering::Relaxed) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(size as u64, Ordering::Relaxed);
        }
    }
}

// SAFETY: every call is forwarded unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size());
        // SAFETY: the caller guarantees what `alloc` requires of `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTING.load(Ordering::Relaxed) {
            BYTES.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        }
        // SAFETY: `pointer` was allocated by the system allocator with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the result of `make`, and the bytes on the heap that `make` allocates and does not free.
pub fn bytes_held<T>(make: impl FnOnce() -> T) -> (T, u64) {
    COUNTING.store(true, Ordering::Relaxed);
    let before = BYTES.load(Ordering::Relaxed);
    let made = make();
    let after = BYTES.load(Ordering::Relaxed);
    COUNTING.store(false, Ordering::Relaxed);
    (made, after.wrapping_sub(before))
}

pub mod instructions {
    //! Counts instructions with `valgrind --tool=callgrind`, which runs this program again.

    use super::{Command, Subject, Work};
    use std::collections::HashMap;
    use std::ffi::CString;

    /// The argument with which this program runs under callgrind.
    pub const ARGUMENT: &str = "--under-callgrind";

    /// Returns the instructions per unit of work of each contestant, by [`key`], or why they could not be counted.
    pub fn count() -> Result<HashMap<String, f64>, String> {
        if !cfg!(target_arch = "x86_64") {
            return Err("requests to callgrind are implemented only for x86-64".into());
        }
        let folder = std::env::temp_dir().join(format!("callgrind-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let output = Command::new("valgrind")
            .args(["-q", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
            .arg(std::env::current_exe().map_err(|error| error.to_string())?)
            .arg(ARGUMENT)
            .output()
            .map_err(|error| format!("valgrind cannot be run: {error}"))?;
        let counts = read(&folder);
        let _ = std::fs::remove_dir_all(&folder);
        if output.status.success() && !counts.is_empty() {
            Ok(counts)
        } else {
            Err(format!("valgrind: {}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Parses the dumps. A dump contains the key of a contestant, its units of work, and the number of instructions.
    fn read(folder: &std::path::Path) -> HashMap<String, f64> {
        let mut counts = HashMap::new();
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let dump = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let after = |key: &str| dump.lines().find_map(|line| line.strip_prefix(key));
            let trigger = after("desc: Trigger: Client Request: ");
            // The line `summary` also counts threads that ended before the counts were set to zero.
            let total = after("totals: ").and_then(|total| total.trim().parse::<f64>().ok());
            if let (Some((label, divisor)), Some(total)) =
                (trigger.and_then(|trigger| trigger.rsplit_once('/')), total)
            {
                counts.insert(label.to_owned(), total / divisor.parse().unwrap_or(1.0));
            }
        }
        counts
    }

    /// Returns the key of a contestant in the map that [`count`] returns.
    pub fn key(subject: &Subject, contestant: &str) -> String {
        format!("{}: {contestant}", subject.name)
    }

    /// Runs each contestant that works on one thread between two client requests, under callgrind.
    pub fn run(subjects: Vec<Subject>) {
        for mut subject in subjects {
            let repeats = (200 / subject.units).max(1);
            let keys: Vec<String> =
                subject.entries.iter().map(|entry| key(&subject, entry.contestant)).collect();
            for (entry, key) in subject.entries.iter_mut().zip(keys) {
                let Work::Alone(copies) = &mut entry.work else { continue };
                let work = &mut copies[0];
                let label = CString::new(format!("{key}/{}", repeats * subject.units));
                let label = label.expect("names contain no zero bytes");
                // Warm up: some contestants reach their steady state only after a few runs.
                work(20);
                request(ZERO_STATS, 0);
                work(repeats);
                request(DUMP_STATS_AT, label.as_ptr() as u64);
            }
        }
    }

    const TOOL: u64 = ((b'C' as u64) << 24) | ((b'T' as u64) << 16);
    const ZERO_STATS: u64 = TOOL + 1;
    const DUMP_STATS_AT: u64 = TOOL + 3;

    /// Makes one of valgrind's client requests, as documented in `valgrind.h` for x86-64.
    #[cfg(target_arch = "x86_64")]
    fn request(number: u64, argument: u64) {
        let request = [number, argument, 0, 0, 0, 0];
        // SAFETY: the four rotations restore the register, and the exchange changes nothing.
        unsafe {
            std::arch::asm!(
                "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51",
                "xchg rbx, rbx",
                in("rax") request.as_ptr(), inout("rdx") 0_u64 => _,
            );
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn request(_: u64, _: u64) {}
}
