//! Prints how much processor time builds with `#[derive(Metrics)]` and `#[metrics(…)]` take, compared with other crates
//! and with hand-written atomics. Each time is the minimum of several runs, because other load only adds time. Needs
//! Linux, for `/proc`.
//!
//! ```sh
//! cargo run -p papyra-metrics-compile-time                    # all libraries; takes some minutes
//! cargo run -p papyra-metrics-compile-time -- vise            # one library and papyra-metrics
//! cargo run -p papyra-metrics-compile-time -- papyra-metrics  # papyra-metrics alone
//! cargo run -p papyra-metrics-compile-time -- derives         # papyra-metrics, serde_derive and thiserror
//! ```

#![forbid(unsafe_code)]

mod peers;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::peers::{
    DERIVES, OURS, PEERS, Peer, families, families_flattened_twice, flattened_twice,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RUNS: usize = 5;

fn main() -> Result<()> {
    let only: Vec<String> = env::args().skip(1).collect();
    let peers: Vec<&Peer> = PEERS
        .iter()
        .filter(|peer| {
            only.is_empty()
                || peer.name == "papyra-metrics"
                || only.iter().any(|it| it == peer.name)
        })
        .collect();
    println!("seconds of processor time, the minimum of {RUNS} runs\n");
    if only.is_empty() || only.iter().any(|it| it == "derives") {
        print_with_other_derives()?;
    }
    if only.iter().all(|it| it == "derives") && !only.is_empty() {
        return Ok(());
    }
    println!(
        "| library | dependencies | clean build, one struct | check after a touch, 100 counters and functions | release, 1,000 counters |"
    );
    println!("|---|---|---|---|---|");
    let small: Vec<Project> = peers
        .iter()
        .map(|peer| Project::of(peer, "small", &peer.program(3, 0)))
        .collect::<Result<_>>()?;
    for ((peer, small), clean) in peers.iter().zip(&small).zip(clean_builds(&small)?) {
        let crates = small.crates_below()?;
        let hundred = Project::of(peer, "hundred", &peer.program(100, 100))?;
        hundred.build(&["check"])?;
        let check = least(|| hundred.build(&["check"]))?;
        let thousand = match peer.name {
            "metered" => "–".to_owned(), // metered has no counters without functions
            "metrics-derive" => "over 1000".to_owned(), // seconds, measured once: it takes too long to repeat
            _ => seconds(release_seconds(peer, 1000)?),
        };
        println!(
            "| {} | {crates} | {} | {} | {thousand} |",
            peer.name,
            seconds(clean),
            seconds(check)
        );
    }
    let ours = PEERS
        .iter()
        .find(|peer| peer.name == "papyra-metrics")
        .ok_or("papyra-metrics is missing")?;
    println!("\n| counters of papyra-metrics, release | seconds | for each 1,000 |\n|---|---|---|");
    for counters in [250_u32, 500, 1000, 2000] {
        let cpu = release_seconds(ours, counters as usize)?;
        println!(
            "| {counters} | {} | {} |",
            seconds(cpu),
            seconds(cpu * 1000.0 / f64::from(counters))
        );
    }
    println!("\n| struct of papyra-metrics, debug | seconds |\n|---|---|");
    for (name, program) in [
        ("none", "fn main() {}".to_owned()),
        ("1,000 counters", ours.program(1000, 0)),
        ("1,000 counters, flattened twice", flattened_twice(1000)),
        ("10 families of 50 members", families(10, 50)),
        ("16 families of 250 members, flattened twice, generic", families_flattened_twice(16, 250)),
    ] {
        let project = Project::of(ours, "nested", &program)?;
        project.build(&["build"])?;
        println!("| {name} | {} |", seconds(least(|| project.build(&["build"]))?));
    }
    Ok(())
}

/// Prints the cost of a first build with papyra-metrics, with the derives of serde and thiserror, and with both. A
/// backend that uses these derives builds syn, quote and proc-macro2 even without papyra-metrics.
fn print_with_other_derives() -> Result<()> {
    println!("| clean build, one struct | dependencies | seconds |\n|---|---|---|");
    let builds = [
        ("papyra-metrics", &[OURS][..]),
        ("serde_derive and thiserror", &[DERIVES][..]),
        ("serde_derive, thiserror and papyra-metrics", &[DERIVES, OURS][..]),
    ];
    let projects: Vec<Project> = builds
        .iter()
        .map(|(name, parts)| {
            let dependencies: Vec<&str> = parts.iter().map(|part| part.dependencies).collect();
            let program: String = parts.iter().map(|part| part.items).collect();
            Project::new(name, &dependencies.join("\n"), &(program + "fn main() {}\n"))
        })
        .collect::<Result<_>>()?;
    for (((name, _), project), clean) in builds.iter().zip(&projects).zip(clean_builds(&projects)?)
    {
        println!("| {name} | {} | {} |", project.crates_below()?, seconds(clean));
    }
    println!();
    Ok(())
}

/// Returns the processor time of a release build of the program alone, after its dependencies have been built.
fn release_seconds(peer: &Peer, counters: usize) -> Result<f64> {
    let project = Project::of(peer, "thousand", &peer.program(counters, 0))?;
    project.build(&["build", "--release"])?;
    least(|| project.build(&["build", "--release"]))
}

/// Returns the processor time of a clean build of each project. The projects take turns, so that other load affects all of
/// them.
fn clean_builds(projects: &[Project]) -> Result<Vec<f64>> {
    let mut least = vec![f64::INFINITY; projects.len()];
    for _ in 0..RUNS {
        for (project, least) in projects.iter().zip(&mut least) {
            project.clean()?;
            *least = least.min(project.build(&["build"])?);
        }
    }
    Ok(least)
}

fn least(mut run: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        least = least.min(run()?);
    }
    Ok(least)
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2}")
}

struct Project {
    dir: PathBuf,
}

impl Project {
    fn of(peer: &Peer, name: &str, program: &str) -> Result<Self> {
        Self::new(&format!("{} {name}", peer.name), peer.dependencies, program)
    }

    fn new(name: &str, dependencies: &str, program: &str) -> Result<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/compile-time");
        let dir = dir.join(name.replace(", ", "-").replace(' ', "-"));
        fs::create_dir_all(dir.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}\n"
        );
        fs::write(dir.join("Cargo.toml"), manifest)?;
        fs::write(dir.join("src/main.rs"), format!("#![allow(dead_code)]\n{program}"))?;
        Ok(Self { dir })
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(arguments)
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", self.dir.join("target"));
        // Incremental caches and the user's own flags would distort the measurement.
        cargo.env("CARGO_INCREMENTAL", "0").env_remove("RUSTFLAGS").stdin(Stdio::null());
        cargo
    }

    fn clean(&self) -> Result<()> {
        match fs::remove_dir_all(self.dir.join("target")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Touches the program, so that it is compiled again, and builds it. Returns the processor time in seconds.
    fn build(&self, arguments: &[&str]) -> Result<f64> {
        let main = self.dir.join("src/main.rs");
        fs::write(&main, fs::read(&main)?)?;
        let before = child_seconds()?;
        let output = self.cargo(arguments).arg("--quiet").output()?;
        if output.status.success() {
            return Ok(child_seconds()? - before);
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} does not build: {stderr}", self.dir.display()).into())
    }

    /// Returns the number of dependencies that are built.
    fn crates_below(&self) -> Result<usize> {
        let output = self
            .cargo(&["tree", "-e", "normal,build", "--prefix", "none", "--no-dedupe"])
            .output()?;
        let tree = String::from_utf8(output.stdout)?;
        let mut crates: Vec<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
        let words = |line: &&str| line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
        crates.sort_by_key(words);
        crates.dedup_by_key(|line| words(line));
        crates.len().checked_sub(1).ok_or_else(|| "cargo tree prints nothing".into())
    }
}

/// Returns the processor time of all child processes that have ended, and of their children, in seconds.
fn child_seconds() -> Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0; // USER_HZ, the unit of time in /proc
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().ok_or("/proc/self/stat has no name")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> {
        Ok(fields.get(at).ok_or("/proc/self/stat is short")?.parse::<f64>()?)
    };
    // In proc(5), `cutime` and `cstime` are fields 16 and 17. The name is field 2, so `fields` begins with field 3.
    Ok((ticks(13)? + ticks(14)?) / TICKS_PER_SECOND)
}
