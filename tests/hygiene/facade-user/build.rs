//! Writes the forms as they stand under the other name.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=../forms.rs");
    let forms = fs::read_to_string("../forms.rs").expect("the forms stand beside this package");
    let forms = forms
        .replace(
            "#[derive(::papyra_metrics::Metrics)]",
            "#[derive(NAME::Metrics)] #[metrics(crate = NAME)]",
        )
        .replace("#[::papyra_metrics::metrics(", "#[NAME::metrics(crate = NAME, ")
        .replace("::papyra_metrics::", "NAME::")
        .replace("NAME", "::papyra_metrics_hygiene_facade::telemetry::metrics");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("forms.rs"), forms).expect("the folder is ours");
}
