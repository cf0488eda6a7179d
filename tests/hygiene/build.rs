//! Generates three files for `hostile.rs`: copies of `forms.rs`, `timed_forms.rs` and `label_forms.rs` with other paths
//! instead of `::papyra_metrics`.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    write_forms("forms.rs", "::papyra_metrics_hygiene::telemetry::metrics");
    write_forms("timed_forms.rs", "crate::counters");
    write_forms("label_forms.rs", "renamed::telemetry::metrics");
}

/// Copies the file to `OUT_DIR`, with `path` instead of `::papyra_metrics`. Adds the key `crate = path` to each derive and each
/// attribute.
fn write_forms(name: &str, path: &str) {
    println!("cargo::rerun-if-changed={name}");
    let forms = fs::read_to_string(name).expect("the forms are in the package");
    let forms = ["Metrics", "Label"].iter().fold(forms, |forms, derive| {
        let plain = format!("#[derive(::papyra_metrics::{derive})]");
        let with_path = format!("#[derive(NAME::{derive})] #[metrics(crate = NAME)]");
        forms.replace(&plain, &with_path)
    });
    let forms = forms
        .replace("#[::papyra_metrics::metrics(", "#[NAME::metrics(crate = NAME, ")
        .replace("::papyra_metrics::", "NAME::")
        .replace("NAME", path);
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join(name), forms).expect("OUT_DIR is writable");
}
