//! Compiles whole crates with `#[derive(Metrics)]` on their structs and `#[metrics(…)]` on their functions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use proc_macro2::TokenStream;
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::Result;
use crate::corpus::{Package, array, text};
use crate::expand::errors;
use crate::items::{Function, FunctionContext, Items};
use crate::refusals;

/// The attributes that are added. The first round adds none, for comparison.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Round {
    Plain,
    Derive,
    Errors,
    All,
    ThroughSelf,
}

impl Round {
    pub(crate) const ALL: [Self; 5] =
        [Self::Plain, Self::Derive, Self::Errors, Self::All, Self::ThroughSelf];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "no attributes",
            Self::Derive => "derive, every field skipped",
            Self::Errors => "errors",
            Self::All => "errors, ok, calls, in_flight",
            Self::ThroughSelf => "errors, ok, calls, in_flight through self",
        }
    }

    fn keys(self, function: &Function) -> Option<String> {
        let m = if self == Self::ThroughSelf && function.has_self {
            "crate::__papyra::of(&self)"
        } else {
            "crate::__papyra::METRICS"
        };
        let errors_key = format!("errors = {m}.errors");
        let both = format!("{errors_key}, ok = {m}.ok");
        let other = format!("calls = {m}.calls, in_flight = {m}.open");
        match self {
            Self::Plain | Self::Derive => None,
            Self::Errors => function.returns_result.then_some(errors_key),
            Self::ThroughSelf if !function.has_self => None,
            Self::All | Self::ThroughSelf if function.returns_result => {
                Some(format!("{both}, {other}"))
            }
            Self::All | Self::ThroughSelf => Some(other),
        }
    }
}

/// The crates whose unit tests are fast and need no other crate.
const TESTED: &[&str] = &[
    "anyhow",
    "bitflags",
    "bytes",
    "chrono",
    "either",
    "log",
    "regex-syntax",
    "tracing-core",
    "uuid",
];

/// The source code of the metrics that the added attributes name. The function `of` ignores its argument. The attributes
/// of the round `ThroughSelf` call `of(&self)`, so that their expressions use `self`.
const METRICS: &str = "
#[doc(hidden)]
#[allow(dead_code)]
mod __papyra {
    pub(crate) struct Metrics {
        pub(crate) errors: ::papyra_metrics::Counter,
        pub(crate) ok: ::papyra_metrics::Counter,
        pub(crate) calls: ::papyra_metrics::Counter,
        pub(crate) open: ::papyra_metrics::Gauge,
    }
    pub(crate) static METRICS: Metrics = Metrics {
        errors: ::papyra_metrics::Counter::new(),
        ok: ::papyra_metrics::Counter::new(),
        calls: ::papyra_metrics::Counter::new(),
        open: ::papyra_metrics::Gauge::new(),
    };
    pub(crate) fn of<T: ?::core::marker::Sized>(_: &T) -> &'static Metrics {
        &METRICS
    }
}
";

/// Copies of the crates, to which attributes are added. Each copy is a separate workspace, so that the optional
/// dependencies of different crates do not conflict.
pub(crate) struct CrateCopies {
    dir: PathBuf,
    target: PathBuf,
}

/// The compiler's warnings, each with its number of occurrences.
pub(crate) type Warnings = BTreeMap<String, usize>;

#[derive(Default)]
pub(crate) struct Outcome {
    /// The number of functions and structs to which attributes were added.
    pub(crate) added: usize,
    /// The tests that pass in the crates of [`TESTED`], each with the name of its crate.
    pub(crate) passed: BTreeSet<String>,
    pub(crate) errors: Vec<String>,
    /// The expected errors: the crate and the location of each, with the reason.
    pub(crate) refused: BTreeMap<(String, String), &'static str>,
    pub(crate) warnings: Warnings,
}

impl CrateCopies {
    pub(crate) fn new(packages: &[&Package]) -> Result<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/real-code");
        let copies = Self { dir: dir.join("crates"), target: dir.join("target") };
        for package in packages {
            copies.copy(package)?;
        }
        Ok(copies)
    }

    /// Copies the files that are not rewritten.
    fn copy(&self, package: &Package) -> Result<()> {
        let to = self.dir.join(&package.name);
        copy_dir(&package.dir, &to, &package.files()?)?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(here.join("corpus/Cargo.lock"), to.join("Cargo.lock"))?;
        let manifest = fs::read_to_string(package.dir.join("Cargo.toml"))?;
        let mut manifest: DocumentMut = manifest.parse()?;
        for left_out in ["lints", "bench", "example", "test", "profile", "badges"] {
            manifest.remove(left_out);
        }
        remove_dev_dependencies(&mut manifest);
        manifest["workspace"] = Item::Table(Table::new());
        let runtime = here.join("../../papyra-metrics").canonicalize()?;
        let mut dependency = Table::new();
        dependency["path"] = value(runtime.display().to_string());
        manifest["dependencies"]["papyra-metrics"] = Item::Table(dependency);
        write_if_changed(&to.join("Cargo.toml"), &manifest.to_string())
    }

    /// Rewrites all crates for a round and checks them.
    pub(crate) fn check(&self, packages: &[&Package], round: Round) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for package in packages {
            self.rewrite(package, round, &mut outcome)?;
            self.check_one(package, round, &mut outcome)?;
            if TESTED.contains(&package.name.as_str()) {
                self.test_one(package, &mut outcome)?;
            }
        }
        Ok(outcome)
    }

    fn rewrite(&self, package: &Package, round: Round, outcome: &mut Outcome) -> Result<()> {
        for path in package.files()? {
            let text = fs::read_to_string(&path)?;
            let mut text = rewritten(&text, round, &mut outcome.added);
            if path == package.root {
                if package.edition == "2015" {
                    text.push_str("\nextern crate papyra_metrics;\n");
                }
                text.push_str(METRICS);
            }
            let to = self.dir.join(&package.name).join(path.strip_prefix(&package.dir)?);
            write_if_changed(&to, &text)?;
        }
        Ok(())
    }

    fn cargo(&self, package: &Package, command: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([command, "--lib"])
            .args(package.features.iter().flat_map(|features| ["--features", features]))
            .current_dir(self.dir.join(&package.name))
            .env("CARGO_TARGET_DIR", &self.target)
            // Turns denied lints into warnings, so that the warnings of all rounds are complete and can be compared.
            .env("RUSTFLAGS", "--cap-lints=warn");
        cargo
    }

    /// Runs the crate's unit tests. Some tests fail in every round, because the published crate lacks a file.
    fn test_one(&self, package: &Package, outcome: &mut Outcome) -> Result<()> {
        let output = self.cargo(package, "test").output()?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Some(test) = line.strip_prefix("test ").and_then(|it| it.strip_suffix(" ... ok"))
            {
                outcome.passed.insert(format!("{}: {test}", package.name));
            }
        }
        Ok(())
    }

    fn check_one(&self, package: &Package, round: Round, outcome: &mut Outcome) -> Result<()> {
        let mut cargo = self.cargo(package, "check");
        let output = cargo.args(["--quiet", "--message-format=json"]).output()?;
        let before = outcome.errors.len() + outcome.refused.len();
        for line in String::from_utf8(output.stdout)?.lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            record_message(&package.name, round, &line, outcome);
        }
        if !output.status.success() && outcome.errors.len() + outcome.refused.len() == before {
            let stderr = String::from_utf8_lossy(&output.stderr);
            outcome.errors.push(format!("{}: {stderr}", package.name));
        }
        Ok(())
    }
}

/// Records one message of cargo.
fn record_message(package: &str, round: Round, line: &Value, outcome: &mut Outcome) {
    let message = &line["message"];
    let spans = array(&message["spans"]);
    let Some(span) = spans.iter().find(|span| span["is_primary"] == true) else { return };
    let location = format!("{}:{}", text(&span["file_name"]), span["line_start"]);
    match text(&message["level"]) {
        "error" => match refusals::why(round, package, &location) {
            Some(why) => {
                outcome.refused.insert((package.to_owned(), location), why);
            }
            None => outcome.errors.push(format!("{package}: {}", text(&message["rendered"]))),
        },
        "warning" => {
            let what = text(&message["message"]);
            // The message is about the path that this tool wrote into the attribute.
            if what == "unnecessary qualification"
                && text(&message["rendered"]).contains("__papyra")
            {
                return;
            }
            *outcome.warnings.entry(format!("{package}/{location}: {what}")).or_default() += 1;
        }
        _ => {}
    }
}

/// Returns the source with the attributes of a round added to every item that accepts them. Adds the number of these
/// items to `added`.
fn rewritten(source: &str, round: Round, added: &mut usize) -> String {
    let mut insertions: Vec<(usize, String)> = Vec::new();
    if round != Round::Plain {
        let Ok(file) = syn::parse_file(source) else { return source.to_owned() };
        let items = Items::of(&file);
        for function in &items.functions {
            if let Some(keys) = round.keys(function).filter(|keys| accepts(function, keys)) {
                insertions.push((function.at, format!("#[::papyra_metrics::metrics({keys})] ")));
                *added += 1;
            }
        }
        // The derive accepts only structs with named fields.
        let structs = items.types.iter().filter(|item| item.named.is_some());
        for item in structs.filter(|_| round == Round::Derive) {
            insertions.push((item.at, "#[derive(::papyra_metrics::Metrics)] ".to_owned()));
            let skip = || "#[metrics(skip)] ".to_owned();
            insertions.extend(item.fields_at.iter().map(|&at| (at, skip())));
            *added += 1;
        }
        proc_macro2::extra::invalidate_current_thread_spans();
    }
    insertions.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    let mut from = 0;
    for (at, insertion) in insertions {
        text.push_str(&source[from..at]);
        text.push_str(&insertion);
        from = at;
    }
    text + &source[from..]
}

/// Returns whether `#[metrics(…)]` accepts the function. [`expand`](mod@crate::expand) checks the errors of refused
/// functions.
fn accepts(function: &Function, keys: &str) -> bool {
    let Ok(keys) = TokenStream::from_str(keys) else { return false };
    function.context != FunctionContext::Foreign
        && errors(papyra_metrics_expansion::measure(keys, function.tokens.clone())).is_empty()
}

/// Removes the development dependencies, which cargo would have to resolve, and the entries of features that name them.
fn remove_dev_dependencies(manifest: &mut DocumentMut) {
    let mut left_out = remove(manifest, "dev-dependencies");
    if let Some(Item::Table(targets)) = manifest.get_mut("target") {
        let targets = targets.iter_mut().filter_map(|(_, target)| target.as_table_mut());
        left_out.extend(targets.flat_map(|target| remove(target, "dev-dependencies")));
    }
    let still_there = manifest.to_string();
    left_out.retain(|name| !still_there.contains(&format!("ependencies.{name}]")));
    if let Some(Item::Table(features)) = manifest.get_mut("features") {
        for feature in features.iter_mut().filter_map(|(_, feature)| feature.as_array_mut()) {
            feature.retain(|of| {
                let of = of.as_str().unwrap_or_default();
                let name = of.split(['/', '?']).next().unwrap_or_default();
                !(of.contains('/') && left_out.iter().any(|left_out| left_out == name))
            });
        }
    }
}

fn remove(table: &mut Table, key: &str) -> Vec<String> {
    let removed = table.remove(key);
    let names = removed
        .as_ref()
        .and_then(Item::as_table)
        .map(|removed| removed.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>());
    names.unwrap_or_default()
}

fn copy_dir(from: &Path, to: &Path, except: &[PathBuf]) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_dir(&path, &to, except)?;
        } else if !is_configuration(&path) && !except.contains(&path) && !to.exists() {
            fs::copy(&path, &to)?;
        }
    }
    Ok(())
}

/// Returns whether this file configures cargo or rustup. Such files are not copied.
fn is_configuration(path: &Path) -> bool {
    ["Cargo.toml", "rust-toolchain", "rust-toolchain.toml"].iter().any(|name| path.ends_with(name))
}

/// Writes a file unless its text is unchanged, so that cargo does not build an unchanged file again.
fn write_if_changed(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    Ok(fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?)
}
