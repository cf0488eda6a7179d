//! Instructions and cache misses of a scrape and of its baseline, as simulated by valgrind's cachegrind, which runs this program
//! again.

use std::process::{Command, ExitCode};

use super::backends::{Backend, Ten};
use super::baseline::Baseline;
use super::exported::Exported;

/// The argument with which this program runs under cachegrind, followed by what to run, the number of
/// backends and the number of runs.
pub(crate) const UNDER_CACHEGRIND: &str = "--under-cachegrind";

pub(crate) fn run_under_cachegrind(what: &str, backends: usize, runs: usize) {
    let mut exported = Exported::<Ten>::new(backends);
    let mut baseline = Baseline::new(&exported.text);
    for _ in 0..runs {
        match what {
            "baseline" => baseline.write(),
            "none" => exported.scrape(),
            _ => {
                exported.backends.iter().for_each(|backend| backend.count_all());
                exported.scrape();
            }
        }
    }
}

/// Prints the instructions and the misses in two levels of data cache, per metric.
pub(crate) fn misses() -> ExitCode {
    println!(
        "Instructions, and misses in data caches of 32 KiB and of 1 MiB, per metric, as simulated by cachegrind, which does not\n\
         prefetch:"
    );
    println!("backends  metrics              baseline          none changed           all changed");
    for backends in [1, 10, 100, 1_000, 10_000] {
        print!("{backends:8} {:8}", backends * 10);
        for what in ["baseline", "none", "all"] {
            // The setup is the same for four and for eight runs, so the difference is the cost of four runs.
            let misses = [4, 8].map(|runs| misses_of(what, backends, runs));
            let [few, more] = match misses {
                [Ok(few), Ok(more)] => [few, more],
                [Err(error), _] | [_, Err(error)] => {
                    eprintln!("{error}");
                    return ExitCode::FAILURE;
                }
            };
            #[allow(clippy::cast_precision_loss)] // far below 2⁵³
            let [instructions, first, last] =
                [0, 1, 2].map(|i| (more[i] - few[i]) as f64 / 4.0 / (backends * 10) as f64);
            print!("  {instructions:6.1} {first:6.2} {last:6.2}");
        }
        println!();
    }
    ExitCode::SUCCESS
}

/// Returns the instructions, and the misses in both levels of data cache, of the whole program.
fn misses_of(what: &str, backends: usize, runs: usize) -> Result<[i64; 3], String> {
    let file = std::env::temp_dir().join(format!("cachegrind-{}", std::process::id()));
    let output = Command::new("valgrind")
        .args(["-q", "--tool=cachegrind", "--cache-sim=yes"])
        .args(["--D1=32768,8,64", "--LL=1048576,16,64"])
        .arg(format!("--cachegrind-out-file={}", file.display()))
        .arg(std::env::current_exe().map_err(|error| error.to_string())?)
        .args([UNDER_CACHEGRIND, what, &backends.to_string(), &runs.to_string()])
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let counts = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(&file);
    let after = |key: &str| counts.lines().find_map(|line| line.strip_prefix(key));
    let sums = after("events: ").zip(after("summary: ")).map(|(events, sums)| {
        let sums = sums.split_whitespace().filter_map(|sum| sum.parse::<i64>().ok());
        let sums: Vec<_> = events.split_whitespace().zip(sums).collect();
        let of = |names: &[&str]| {
            sums.iter().filter(|(name, _)| names.contains(name)).map(|(_, sum)| sum).sum()
        };
        [of(&["Ir"]), of(&["D1mr", "D1mw"]), of(&["DLmr", "DLmw"])]
    });
    sums.ok_or_else(|| format!("valgrind: {}", String::from_utf8_lossy(&output.stderr)))
}
