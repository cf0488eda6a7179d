//! Counts instructions with `valgrind --tool=callgrind`, which runs this program again. Instructions of the kernel are
//! not counted.

use std::process::Command;

use crate::Build;
use crate::workload::{Observer, Workload};

/// The argument with which this program runs under callgrind, followed by the positions of the build and of the workload.
pub(crate) const ARGUMENT: &str = "--under-callgrind";

/// The number of operations whose instructions are counted.
const OPERATIONS: u64 = 2_000;

/// The workloads whose instructions are counted. The others are left out: on two threads, the number depends on which
/// thread waits, and a sync is executed by the kernel, whose instructions are not counted.
pub(crate) const WORKLOADS: [Workload; 3] = [Workload::Puts, Workload::Mix, Workload::Tables];

/// Returns the instructions per operation of each build and each workload. Each pair of a build and a workload runs in a
/// separate process, so that its count does not depend on the memory that earlier pairs have used. The workloads run in
/// parallel.
pub(crate) fn count(builds: &[Build]) -> Result<Vec<[f64; WORKLOADS.len()]>, String> {
    if !cfg!(target_arch = "x86_64") {
        return Err("requests to callgrind are implemented only for x86-64".into());
    }
    eprintln!("instructions");
    let mut counts = vec![[0.0; WORKLOADS.len()]; builds.len()];
    let by_workload: Vec<Result<Vec<f64>, String>> = std::thread::scope(|scope| {
        let count_all = |workload| (0..builds.len()).map(move |build| count_one(build, workload));
        let threads: Vec<_> = (0..WORKLOADS.len())
            .map(|workload| scope.spawn(move || count_all(workload).collect::<Result<Vec<_>, _>>()))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("counting does not panic")).collect()
    });
    for (workload, counted) in by_workload.into_iter().enumerate() {
        for (counts, count) in counts.iter_mut().zip(counted?) {
            counts[workload] = count;
        }
    }
    Ok(counts)
}

#[allow(clippy::cast_precision_loss)] // the number is small
fn count_one(build: usize, workload: usize) -> Result<f64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["-q", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", folder.path().join("out").display()))
        .arg(std::env::current_exe().map_err(|error| error.to_string())?)
        .args([ARGUMENT, &build.to_string(), &workload.to_string()])
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let dumps = folder.path().read_dir().map_err(|error| error.to_string())?;
    let total = dumps.flatten().find_map(|dump| {
        let dump = std::fs::read_to_string(dump.path()).ok()?;
        let after = |key: &str| dump.lines().find_map(|line| line.strip_prefix(key));
        after("desc: Trigger: Client Request")?;
        // The line `summary` also counts threads that ended before the counts were set to zero.
        after("totals: ")?.trim().parse::<f64>().ok()
    });
    total.map(|total| total / OPERATIONS as f64).ok_or_else(|| "callgrind has no counts".to_owned())
}

/// Runs one workload of one build between two client requests, under callgrind.
pub(crate) fn run(builds: &[Build], mut arguments: impl Iterator<Item = String>) {
    let mut next = || arguments.next()?.parse::<usize>().ok();
    let (build, workload) = next().zip(next()).expect("the position of a build and of a workload");
    (builds[build].prepare)(WORKLOADS[workload])(OPERATIONS, &mut Counted);
}

struct Counted;

impl Observer for Counted {
    fn begin(&mut self) {
        request(ZERO_STATS);
    }

    fn end(&mut self) {
        request(DUMP_STATS);
    }
}

const TOOL: u64 = ((b'C' as u64) << 24) | ((b'T' as u64) << 16);
const DUMP_STATS: u64 = TOOL;
const ZERO_STATS: u64 = TOOL + 1;

/// Makes one of valgrind's client requests without arguments, as documented in `valgrind.h` for x86-64.
#[cfg(target_arch = "x86_64")]
fn request(number: u64) {
    let request = [number, 0, 0, 0, 0, 0];
    // SAFETY: the four rotations restore the register, and the exchange changes nothing.
    #[allow(unsafe_code)] // the request is a sequence of instructions
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(), inout("rdx") 0_u64 => _,
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_: u64) {}
