//! Checks the instructions of counters, families, errors by kind and timers. For example, `Counter::inc` compiles to
//! one instruction, like an increment of an `AtomicU64`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// A directory with two files: `library.so` is a C library compiled from `SOURCE`, and `library.s` is its assembly.
pub(crate) static COMPILED: LazyLock<PathBuf> = LazyLock::new(compile);

static ASSEMBLY: LazyLock<String> =
    LazyLock::new(|| std::fs::read_to_string(COMPILED.join("library.s")).unwrap());

const SOURCE: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn count_in_place(counter: &papyra_metrics::Counter) { counter.inc() }

#[unsafe(no_mangle)]
pub extern "C" fn count_padded(counter: &papyra_metrics::CachePadded<papyra_metrics::Counter>) { counter.inc() }

#[unsafe(no_mangle)]
pub fn count_sharded(counter: &papyra_metrics::ShardedCounter) { counter.inc() }

#[unsafe(no_mangle)]
pub extern "C" fn count_bare(counter: &core::sync::atomic::AtomicU64) {
    counter.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
}

#[unsafe(no_mangle)]
pub extern "C" fn count_boxed(log: &std::boxed::Box<Log>) { log.counter.inc() }

#[unsafe(no_mangle)]
pub extern "C" fn count_published(log: &papyra_metrics::Published<Log>) { log.counter.inc() }

#[derive(Clone, Copy, papyra_metrics::Label)]
pub enum Op { Get, Put, Delete }

#[derive(Clone, Copy, papyra_metrics::Label)]
pub enum Tier { Hot, Cold }

pub type ByOp<I> = papyra_metrics::Family<Op, I>;
pub type ByBoth<I> = papyra_metrics::Family<(Op, Tier), I>;

#[unsafe(no_mangle)]
pub extern "C" fn count_first_member(family: &ByOp<papyra_metrics::Counter>) { family[Op::Get].inc() }

#[unsafe(no_mangle)]
pub extern "C" fn count_first_of_product(family: &ByBoth<papyra_metrics::Counter>) {
    family[(Op::Get, Tier::Hot)].inc()
}

#[unsafe(no_mangle)]
pub extern "C" fn count_known_member(family: &ByBoth<papyra_metrics::Counter>) {
    family[(Op::Delete, Tier::Cold)].inc()
}

#[unsafe(no_mangle)]
pub extern "C" fn count_member_of_row(family: &ByBoth<papyra_metrics::Counter>) {
    family[Op::Put][Tier::Cold].inc()
}

#[unsafe(no_mangle)]
pub fn count_by_value(family: &ByBoth<papyra_metrics::Counter>, op: Op, tier: Tier) {
    family[(op, tier)].inc()
}

#[unsafe(no_mangle)]
pub fn count_sharded_member(family: &ByBoth<papyra_metrics::ShardedCounter>) {
    family[(Op::Get, Tier::Hot)].inc()
}

#[unsafe(no_mangle)]
pub fn count_sharded_by_value(family: &ByBoth<papyra_metrics::ShardedCounter>, op: Op, tier: Tier) {
    family[(op, tier)].inc()
}

pub struct Table { entries: [u64; 64], metrics: TableMetrics }

#[derive(papyra_metrics::Metrics)]
pub struct TableMetrics {
    #[metrics(errors)]
    errors: papyra_metrics::Family<Op, papyra_metrics::Counter>,
}

impl From<&usize> for Op {
    fn from(&index: &usize) -> Self { if index == 64 { Self::Put } else { Self::Delete } }
}

impl Table {
    #[inline(always)]
    fn get(&self, index: usize) -> Result<u64, usize> {
        if index >= 64 { Err(index) } else { Ok(self.entries[index]) }
    }

    #[inline(always)]
    #[papyra_metrics::metrics(errors)]
    fn get_counted(&self, index: usize) -> Result<u64, usize> {
        if index >= 64 { Err(index) } else { Ok(self.entries[index]) }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn get(table: &Table, index: usize) -> u64 { table.get(index).unwrap_or(7) }

#[unsafe(no_mangle)]
pub extern "C" fn get_counted(table: &Table, index: usize) -> u64 { table.get_counted(index).unwrap_or(7) }

#[unsafe(no_mangle)]
pub extern "C" fn count_in_library() -> u64 {
    use papyra_metrics::{ShardedCounter, ShardedHistogram, Sizes};
    static COUNTER: ShardedCounter = ShardedCounter::new();
    static SIZES: ShardedHistogram<Sizes> = ShardedHistogram::new();
    COUNTER.inc();
    SIZES.record(100);
    COUNTER.total() + SIZES.total().sum()
}

#[unsafe(no_mangle)]
pub fn measure_nothing(histogram: &papyra_metrics::Histogram) { histogram.start().stop(); }

#[derive(papyra_metrics::Metrics)]
pub struct Log { other: papyra_metrics::Counter, counter: papyra_metrics::Counter }
"#;

#[test]
fn inc_compiles_to_the_instruction_of_a_bare_atomic() {
    let ours = instructions("count_in_place");
    let bare = instructions("count_bare");
    println!("Counter::inc: {ours:?}\nAtomicU64::fetch_add: {bare:?}");
    assert_eq!(ours, bare);
    assert_eq!(instructions("count_padded"), bare);
    if cfg!(target_arch = "x86_64") {
        assert_eq!(ours.len(), 2, "one instruction and the return: {ours:?}");
        assert!(ours[0].starts_with("lock incq") || ours[0].starts_with("lock addq"), "{ours:?}");
        assert!(ours[1].starts_with("ret"), "{ours:?}");
    }
    // Published metrics are behind a pointer, like metrics in a `Box`: the code loads the pointer, increments and
    // returns.
    let published = instructions("count_published");
    println!("Counter::inc of a published struct: {published:?}");
    assert_eq!(published.len(), instructions("count_boxed").len());
    assert_eq!(published[1..], instructions("count_boxed")[1..]);
}

#[test]
fn inc_of_a_member_that_is_known_at_compile_time_is_the_instruction_of_a_bare_atomic() {
    let bare = instructions("count_bare");
    assert_eq!(instructions("count_first_member"), bare);
    assert_eq!(instructions("count_first_of_product"), bare);
    // Other members differ only in the offset from the family: 16 bytes for each member before them.
    let at = |offset: &str| -> Vec<String> {
        bare.iter().map(|line| line.replace("(%", &format!("{offset}(%"))).collect()
    };
    if cfg!(target_arch = "x86_64") {
        assert_eq!(instructions("count_known_member"), at("80"));
        assert_eq!(instructions("count_member_of_row"), at("48"));
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn inc_of_a_member_by_value_computes_an_address_without_a_branch() {
    let instructions = instructions("count_by_value");
    println!("Counter::inc by two labels: {instructions:#?}");
    let is_branch = |line: &str| line.starts_with(['j', 'c']) || line.contains("div");
    assert!(!instructions.iter().any(|line| is_branch(line)), "{instructions:#?}");
    assert_eq!(instructions.iter().filter(|line| line.starts_with("lock")).count(), 1);
    assert!(instructions.len() <= 10, "{instructions:#?}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_function_that_counts_errors_by_kind_runs_the_same_instructions_for_a_success() {
    let is_jump = |line: &&String| line.starts_with('j');
    let success = |function: &str| {
        let mut instructions = instructions(function);
        // The successful path is the block with the load of the entry.
        let load = instructions.iter().position(|line| line.contains(",8)")).expect("the load");
        instructions.truncate(load + 2);
        (
            instructions.iter().take_while(|line| !is_jump(line)).count(),
            instructions.split_off(load),
        )
    };
    let (without, counted) = (success("get"), success("get_counted"));
    println!("without: {without:?}\ncounted: {counted:?}");
    assert!(counted.0 <= without.0, "instructions before the branch");
    assert_eq!(counted.1, without.1);
    assert!(counted.1[1].starts_with("ret"), "{counted:?}");
    assert!(instructions("get_counted").iter().any(|line| line.starts_with("lock")));
}

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn a_duration_ends_with_an_instruction_that_waits_for_earlier_loads() {
    let instructions = instructions("measure_nothing");
    let readings = instructions.iter().filter(|line| line.starts_with("rdtsc"));
    let readings: Vec<&str> = readings.map(|line| line.trim()).collect();
    assert_eq!(readings, ["rdtsc", "rdtscp"], "{instructions:#?}");
}

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
fn inc_of_a_sharded_counter_has_no_lock_prefix_and_no_call() {
    let fast_path = fast_path_of("count_sharded");
    println!("ShardedCounter::inc: {fast_path:#?}");
    assert_eq!(fast_path_of("count_sharded_member").len(), fast_path.len());
    // The address of a member that is chosen by value is computed without a lock, a call or a division.
    let by_value = fast_path_of("count_sharded_by_value");
    let is_slow = |line: &String| ["lock", "call", "div"].iter().any(|it| line.contains(it));
    assert!(!by_value.iter().any(is_slow) && by_value.len() <= 24, "{by_value:#?}");
    assert_eq!(
        fast_path.iter().filter(|line| line.starts_with("add")).count(),
        1,
        "{fast_path:#?}"
    );
    assert!(
        !fast_path.iter().any(|line| line.contains("lock") || line.contains("call")),
        "{fast_path:#?}"
    );
    assert!(fast_path.len() <= 12, "{fast_path:#?}");
}

/// Returns the instructions before the first return.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
fn fast_path_of(function: &str) -> Vec<String> {
    let mut instructions = instructions(function);
    let end = instructions.iter().position(|line| line.starts_with("ret"));
    instructions.truncate(end.expect("it returns"));
    instructions
}

/// Compiles `SOURCE` with optimizations and without the compiler flags of this build. Returns the output directory.
fn compile() -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("assembly");
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../papyra-metrics");
    let manifest = format!(
        "[package]\nname = 'assembly'\nversion = '0.0.0'\nedition = '2024'\n[workspace]\n\
         [dependencies]\npapyra-metrics = {{ path = '{}', features = ['publish'] }}\n[profile.release]\ncodegen-units = 1\n",
        core.display()
    );
    std::fs::create_dir_all(package.join("src")).unwrap();
    std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(package.join("src/lib.rs"), SOURCE).unwrap();
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    std::fs::copy(lock, package.join("Cargo.lock")).unwrap();
    let emit = ["link", "asm"].map(|kind| {
        let extension = if kind == "asm" { "s" } else { "so" };
        format!("--emit={kind}={}", package.join("library").with_extension(extension).display())
    });
    let status = Command::new(env!("CARGO"))
        .args(["rustc", "--release", "--offline", "--crate-type", "cdylib", "--"])
        .args(emit)
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .unwrap();
    assert!(status.success());
    package
}

/// Returns the instructions of a function: its lines without labels, directives, and code in other sections.
fn instructions(function: &str) -> Vec<String> {
    let assembly = ASSEMBLY.as_str();
    // If two functions have identical code, the compiler may emit only one function, and an alias: `name = other_name`.
    let alias = format!("{function} = ");
    let merged = assembly.lines().find_map(|line| line.strip_prefix(&alias));
    let label = format!("{}:", merged.unwrap_or(function));
    let body = assembly.lines().skip_while(|line| *line != label).skip(1);
    let body = body.take_while(|line| !line.contains(".cfi_endproc") && !line.contains("_end"));
    let mut is_in_other_section = false;
    let instructions = body.map(str::trim).filter(|line| {
        if line.starts_with(".section") {
            is_in_other_section = !line.contains(function);
        }
        !is_in_other_section
            && !line.is_empty()
            && !line.starts_with(['.', '#', '/'])
            && !line.ends_with(':')
    });
    let instructions: Vec<_> =
        instructions.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(!instructions.is_empty(), "`{function}` is not in the assembly:\n{assembly}");
    instructions
}
