//! Tests `#[derive(Metrics)]` and `#[metrics(…)]` on the code of well-known crates, which was not written for them.
//!
//! First, every struct, enum, union and function is expanded in this process. No expansion may panic, the output must parse, and
//! every error must have a location. Then whole crates are compiled with the derive on their structs and the attribute on their
//! functions, except for items that the macros refuse. The crates must compile without a new warning, and the unit tests of some of
//! them must pass as before. `refusals.rs` lists the few functions that do not compile for a known reason. Any other fault makes the
//! command exit with 1.
//!
//! The command takes minutes, so it is not part of the ordinary test run. The argument `expand` runs only the first half, and `compile`
//! only the second half. If names of crates follow `compile`, only these crates are compiled.

#![forbid(unsafe_code)]

mod compile;
mod corpus;
mod expand;
mod items;
mod refusals;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::{env, fs, panic};

use crate::compile::{CrateCopies, Outcome, Round};
use crate::corpus::Package;
use crate::expand::Figures;
use crate::items::Items;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<ExitCode> {
    let mut args = env::args().skip(1);
    let half = args.next();
    let only: Vec<String> = args.collect();
    let packages = corpus::fetch()?;
    let mut good = true;
    if half.as_deref() != Some("compile") {
        good &= expand(&packages)?;
    }
    if half.as_deref() != Some("expand") {
        good &= compile(&packages, &only)?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn expand(packages: &[Package]) -> Result<bool> {
    let mut figures = Figures::default();
    let mut unread = 0;
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {})); // a panic is reported like any other fault
    for package in packages {
        for path in package.files()? {
            let name = path.strip_prefix(&package.dir).unwrap_or(&path);
            let name = format!("{}/{}", package.name, name.display());
            let Ok(file) = syn::parse_file(&fs::read_to_string(&path)?) else {
                unread += 1;
                continue;
            };
            let items = Items::of(&file);
            items.functions.iter().for_each(|function| figures.try_function(function, &name));
            items.types.iter().for_each(|item| figures.try_type(item, &name));
            proc_macro2::extra::invalidate_current_thread_spans();
        }
    }
    panic::set_hook(hook);
    let Figures { functions, types, expansions, errors, faults } = figures;
    println!(
        "{types} structs, enums and unions and {functions} functions of {} crates",
        packages.len()
    );
    println!("{unread} files are left out, because they are not complete Rust files");
    println!("{expansions} expansions, {} of them errors:", errors.values().sum::<usize>());
    for (message, count) in &errors {
        println!("{count:8} {message}");
    }
    println!(
        "{} faults: panics, errors without a location, output that does not parse, and structs refused for no reason",
        faults.len()
    );
    show(&faults);
    Ok(faults.is_empty())
}

fn compile(packages: &[Package], only: &[String]) -> Result<bool> {
    let chosen: Vec<&Package> = packages
        .iter()
        .filter(|package| package.features.is_some())
        .filter(|package| only.is_empty() || only.contains(&package.name))
        .collect();
    let copies = CrateCopies::new(&chosen)?;
    let before = copies.check(&chosen, Round::Plain)?;
    println!(
        "{} crates, {}: {} errors, {} of their own tests pass",
        chosen.len(),
        Round::Plain.name(),
        before.errors.len(),
        before.passed.len()
    );
    show(&before.errors);
    let mut good = before.errors.is_empty();
    for round in Round::ALL.into_iter().filter(|&round| round != Round::Plain) {
        let Outcome { added, passed, errors, refused, warnings } = copies.check(&chosen, round)?;
        let more = |(warning, count): &(&String, &usize)| {
            before.warnings.get(*warning).is_none_or(|old| old < count)
        };
        let new: Vec<_> =
            warnings.iter().filter(more).map(|(warning, _)| warning.clone()).collect();
        let lost: Vec<_> = before.passed.difference(&passed).cloned().collect();
        let compiles: Vec<_> = refusals::of(round)
            .filter(|(_, package, _)| chosen.iter().any(|chosen| chosen.name == *package))
            .filter(|(_, package, location)| {
                !refused.contains_key(&((*package).to_owned(), (*location).to_owned()))
            })
            .map(|(_, package, location)| format!("{package}/{location}: no longer refused"))
            .collect();
        println!(
            "{}: added {added} times, {} errors, {} refused for a known reason, {} new warnings, {} tests pass and {} no longer",
            round.name(),
            errors.len(),
            refused.len(),
            new.len(),
            passed.len(),
            lost.len(),
        );
        let mut reasons = BTreeMap::<_, usize>::new();
        for why in refused.values() {
            *reasons.entry(why).or_default() += 1;
        }
        for (why, count) in reasons {
            println!("{count:8} {why}");
        }
        for faults in [&errors, &new, &lost, &compiles] {
            show(faults);
            good &= faults.is_empty();
        }
    }
    Ok(good)
}

fn show(faults: &[String]) {
    const SHOWN: usize = 30;
    for fault in faults.iter().take(SHOWN) {
        println!("{}", fault.chars().take(2000).collect::<String>());
    }
    if faults.len() > SHOWN {
        println!("… and {} more", faults.len() - SHOWN);
    }
}
