//! The tested sources: the dependencies of `corpus/Cargo.toml`, which cargo fetches.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Result;

/// A package that cargo has unpacked.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) edition: String,
    /// The directory of its manifest.
    pub(crate) dir: PathBuf,
    /// The root module of its library.
    pub(crate) root: PathBuf,
    /// The features with which it is compiled; `None` if it is only a dependency of another crate of the corpus.
    pub(crate) features: Option<String>,
}

impl Package {
    /// Returns the Rust files of the library, sorted: all files in the directory of its root module, or only the root
    /// module if it is next to the manifest.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let src = self.root.parent().filter(|src| *src != self.dir);
        match src {
            Some(src) => add_files(src, &mut files)?,
            None => files.push(self.root.clone()),
        }
        files.sort();
        Ok(files)
    }
}

fn add_files(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            add_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Returns the libraries of the corpus and of its dependencies. Fetches missing ones.
pub(crate) fn fetch() -> Result<Vec<Package>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu", "--manifest-path"])
        .arg(&manifest)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo could not fetch the crates of {}", manifest.display()).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = array(&metadata["packages"]);
    let chosen: Vec<&Value> = packages
        .iter()
        .filter(|package| package["source"].is_null())
        .flat_map(|package| array(&package["dependencies"]))
        .collect();
    let is_newest = |package: &Value| {
        packages.iter().filter(|other| other["name"] == package["name"]).all(|other| {
            // If there are several versions of a crate, the corpus depends on the newest.
            version(text(&other["version"])) <= version(text(&package["version"]))
        })
    };
    let mut found = Vec::new();
    for package in packages.iter().filter(|package| !package["source"].is_null()) {
        let library = array(&package["targets"]).iter().find(|target| {
            array(&target["kind"])
                .iter()
                .any(|kind| ["lib", "rlib", "proc-macro"].contains(&text(kind)))
        });
        let Some(library) = library else { continue };
        let dir = Path::new(text(&package["manifest_path"])).with_file_name("");
        found.push(Package {
            name: text(&package["name"]).to_owned(),
            edition: text(&library["edition"]).to_owned(),
            dir,
            root: text(&library["src_path"]).into(),
            features: chosen
                .iter()
                .find(|dependency| dependency["name"] == package["name"] && is_newest(package))
                .map(|dependency| features(dependency)),
        });
    }
    Ok(found)
}

fn features(dependency: &Value) -> String {
    array(&dependency["features"]).iter().map(text).collect::<Vec<_>>().join(",")
}

fn version(text: &str) -> Vec<u64> {
    text.split(['.', '+', '-']).take(3).filter_map(|part| part.parse().ok()).collect()
}

pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
