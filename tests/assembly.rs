//! `inc` is one instruction: the same as on a bare atomic. The compiler's own output is the proof.

use std::path::Path;
use std::process::Command;

const SOURCE: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn count_in_place(counter: &papyra_metrics::Counter) { counter.inc() }

#[unsafe(no_mangle)]
pub extern "C" fn count_bare(counter: &core::sync::atomic::AtomicU64) {
    counter.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
}
"#;

#[test]
fn inc_is_the_one_instruction_of_a_bare_atomic() {
    let assembly = compile();
    let ours = instructions(&assembly, "count_in_place");
    let bare = instructions(&assembly, "count_bare");
    println!("Counter::inc: {ours:?}\nAtomicU64::fetch_add: {bare:?}");
    assert!(!bare.is_empty(), "the function is not in the assembly:\n{assembly}");
    assert_eq!(ours, bare);
    if cfg!(target_arch = "x86_64") {
        assert_eq!(ours.len(), 2, "one instruction and the return: {ours:?}");
        assert!(ours[0].starts_with("lock incq") || ours[0].starts_with("lock addq"), "{ours:?}");
        assert!(ours[1].starts_with("ret"), "{ours:?}");
    }
}

/// The assembly of `SOURCE`, optimised, without whatever flags this build has.
fn compile() -> String {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("assembly");
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../papyra-metrics");
    let manifest = format!(
        "[package]\nname = 'assembly'\nversion = '0.0.0'\nedition = '2024'\n[workspace]\n\
         [dependencies]\npapyra-metrics = {{ path = '{}' }}\n[profile.release]\ncodegen-units = 1\n",
        core.display()
    );
    std::fs::create_dir_all(package.join("src")).unwrap();
    std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(package.join("src/lib.rs"), SOURCE).unwrap();
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    std::fs::copy(lock, package.join("Cargo.lock")).unwrap();
    let output = package.join("assembly.s");
    let status = Command::new(env!("CARGO"))
        .args(["rustc", "--release", "--offline", "--", "--emit"])
        .arg(format!("asm={}", output.display()))
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::read_to_string(output).unwrap()
}

/// The instructions of a function: its lines that are neither labels nor directives.
fn instructions(assembly: &str, function: &str) -> Vec<String> {
    // Functions that came out the same may be merged: one is then another name of the other.
    let alias = format!("{function} = ");
    let merged = assembly.lines().find_map(|line| line.strip_prefix(&alias));
    let label = format!("{}:", merged.unwrap_or(function));
    let body = assembly.lines().skip_while(|line| *line != label).skip(1);
    let body = body.take_while(|line| !line.contains(".cfi_endproc") && !line.contains("_end"));
    let instructions = body.map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with(['.', '#', '/']) && !line.ends_with(':')
    });
    instructions.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}
