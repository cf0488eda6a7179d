//! The build script of the packages that know papyra-metrics under another path: writes the forms with that path.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=../forms.rs");
    println!("cargo::rerun-if-changed=../timed_forms.rs");
    println!("cargo::rerun-if-changed=../rename_forms.rs");
    let path = match env!("CARGO_PKG_NAME") {
        "papyra-metrics-hygiene-renamed" => "::counters",
        "papyra-metrics-hygiene-facade-user" => {
            "::papyra_metrics_hygiene_facade::telemetry::metrics"
        }
        other => panic!("no path is known for the package `{other}`"),
    };
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    for name in ["forms.rs", "timed_forms.rs"] {
        let forms = fs::read_to_string(Path::new("..").join(name))
            .expect("the forms are beside the package");
        let forms = forms
            .replace(
                "#[derive(::papyra_metrics::Metrics)]",
                "#[derive(NAME::Metrics)] #[metrics(crate = NAME)]",
            )
            .replace("#[::papyra_metrics::metrics(", "#[NAME::metrics(crate = NAME, ")
            .replace("::papyra_metrics::", "NAME::")
            .replace("NAME", path);
        fs::write(Path::new(&out).join(name), forms).expect("OUT_DIR is writable");
    }
}
