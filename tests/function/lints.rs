//! The attribute on a function adds no warning, and removes only warnings that are in `NOT_REQUIRED`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Warnings that may disappear when a function gets the attribute.
const NOT_REQUIRED: &[&str] = &[
    // A function with the attribute uses a field of `self` or a static.
    "field `metrics` is never read",
    "static `ERRORS` is never used",
    "unused `self` argument",
    // A function with the attribute counts, which is impossible in a `const fn`.
    "this could be a `const fn`",
    // The attribute assumes that any macro in the body may await.
    "unused `async` for function with no await statements",
    // If a body cannot return early, generated code binds its value to a variable, so the value is no longer a return value.
    "missing `return` statement",
    // If a body may return early, it runs in a closure that captures the arguments by value. Clippy regards captured
    // arguments as consumed.
    "this argument is passed by value, but not consumed in the function body",
    "writing `&mut String` instead of `&mut str` involves a new object where a slice will do",
];

#[test]
fn measuring_a_function_adds_no_warning_and_removes_no_required_one() {
    let (bare, measured) = (warnings(false), warnings(true));
    assert!(bare.len() > 100, "too few warnings to compare: {bare:#?}");
    let lost: Vec<_> =
        bare.difference(&measured).filter(|warning| !is_not_required(warning)).collect();
    assert!(lost.is_empty(), "measuring removes {lost:#?}");
    let added: Vec<_> = measured.difference(&bare).collect();
    assert!(added.is_empty(), "measuring adds {added:#?}");
}

fn is_not_required(warning: &str) -> bool {
    NOT_REQUIRED.iter().any(|text| warning.ends_with(text))
}

/// Returns each warning about the crate in `lints/`, with the location of the warning. If `measured`, the functions of the
/// crate have the attribute.
fn warnings(measured: bool) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lints-{measured}"));
    let mut command = Command::new(env!("CARGO"));
    command.args(["clippy", "--quiet", "--offline", "--message-format", "json"]);
    command.arg("--manifest-path").arg(root.join("lints/Cargo.toml"));
    command.arg("--target-dir").arg(target);
    if measured {
        command.args(["--", "--cfg", "measured"]);
    }
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = output.stdout.split(|&byte| byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let messages = messages.filter_map(|line| line.get("message").cloned());
    messages.flat_map(|message| shown(&message)).collect()
}

/// Returns `line:column: message` for each primary location of the message.
fn shown(message: &Value) -> Vec<String> {
    let spans = message["spans"].as_array().into_iter().flatten();
    let primary = spans.filter(|span| span["is_primary"] == true);
    let shown = primary.map(|span| {
        let text = message["message"].as_str().unwrap_or_default();
        format!("{}:{}: {text}", span["line_start"], span["column_start"])
    });
    shown.collect()
}
