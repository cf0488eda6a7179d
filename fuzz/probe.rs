//! Expands an input of the fuzzer with the derive or the attribute, and panics if the output is wrong.
//!
//! The first byte selects the form of the input. If it is a printable character, the input is Rust source. If it is a control
//! character, the input selects random words. Otherwise, the input selects productions of a grammar, which yields structs or
//! functions that usually parse. This module is used by the fuzz targets `derive` and `attribute`, and by tests that replay their
//! seeds on any compiler.

use std::fmt::Write as _;
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};

/// Expands `#[derive(Metrics)]` on an item.
pub(crate) fn derive(data: &[u8]) {
    let text = text(data, struct_of);
    let Ok(item) = TokenStream::from_str(&text) else { return };
    let output = papyra_metrics_expansion::derive(item.clone());
    check(&item, output, &text);
}

/// Expands `#[metrics(…)]` on an item. The first line of the input contains the keys, and the other lines contain the item.
pub(crate) fn attribute(data: &[u8]) {
    let text = text(data, function_of);
    let (keys, item) = text.split_once('\n').unwrap_or((&text, ""));
    let (Ok(keys), Ok(item)) = (TokenStream::from_str(keys), TokenStream::from_str(item)) else {
        return;
    };
    let good_values = values.parse2(keys.clone()).is_ok();
    let output = papyra_metrics_expansion::measure(keys, item.clone());
    // The attribute copies values to the output unchanged, because the compiler reports their errors better. So the
    // output parses only if the values do.
    if good_values {
        check(&item, output, &text);
    }
}

/// If the item parses, checks that the output parses too, and that every error has a location.
fn check(item: &TokenStream, output: TokenStream, text: &str) {
    let is_item = syn::parse2::<syn::Item>(item.clone()).is_ok();
    if let Err(error) = syn::parse2::<syn::File>(output.clone()) {
        assert!(!is_item, "the output does not parse: {error}\n{text}\n{output}");
    }
    let tokens: Vec<TokenTree> = output.into_iter().collect();
    for call in tokens.windows(3) {
        let [TokenTree::Ident(word), _, TokenTree::Group(message)] = call else { continue };
        let message = message.stream().into_iter().next().filter(|_| word == "compile_error");
        if let Some(message) = message.filter(|_| is_item) {
            // Under a fuzzer, `proc-macro2` has no locations.
            let lacks_location = !cfg!(fuzzing) && message.span().byte_range().is_empty();
            // An attribute without keys has no token to point at.
            let has_no_keys = text.starts_with('\n');
            assert!(
                !lacks_location || has_no_keys,
                "an error without a location: {message}\n{text}"
            );
        }
    }
}

/// Parses keys whose values are expressions.
fn values(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() {
        input.call(syn::Ident::parse_any)?;
        let has_value = input.parse::<Option<Token![=]>>()?.is_some()
            && !input.is_empty()
            && !input.peek(Token![,]);
        if has_value {
            input.parse::<syn::Expr>()?;
        }
        // The value ends at a comma. Everything before the comma belongs to it.
        if has_value && !input.is_empty() {
            input.parse::<Token![,]>()?;
        } else {
            input.parse::<Option<Token![,]>>()?;
        }
    }
    Ok(())
}

fn text(data: &[u8], grammar: fn(&mut Choices<'_>) -> String) -> String {
    match data {
        [0..=31, rest @ ..] => random_words(&mut Choices(rest)),
        [128..=255, rest @ ..] => grammar(&mut Choices(rest)),
        text => String::from_utf8_lossy(text).into_owned(),
    }
}

/// A source of choices, one for each byte. After the last byte, every choice is the first alternative.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        match self.0 {
            [first, rest @ ..] => {
                let first = *first;
                self.0 = rest;
                usize::from(first)
            }
            [] => 0,
        }
    }

    fn pick<'w>(&mut self, of: &[&'w str]) -> &'w str {
        of[self.byte() % of.len()]
    }

    /// Returns an accepted word or, rarely, a refused word. Many refused words would be useless, because the first mistake in an
    /// item hides later mistakes.
    fn mostly<'w>(&mut self, accepted: &[&'w str], refused: &[&'w str]) -> &'w str {
        let of = if self.byte() < 248 { accepted } else { refused };
        self.pick(of)
    }
}

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "struct", "enum", "union", "fn", "async", "unsafe", "const", "extern", "pub", "impl", "where", "for", "dyn", "mut", "ref",
    "self", "Self", "S", "x", "r#type", "T", "'a", "u64", "i64", "Counter", "Gauge", "PhantomData", "Result", "Option", "Future",
    "Pin", "Box", "Poll", "metrics", "errors", "ok", "calls", "in_flight", "crate", "name", "help", "unit", "prefix", "flatten",
    "skip", "storage", "padded", "return", "await", "move", "?", "!", "#", "=", "=>", "->", "-", ">", "<", "::", ":", ";", ",", ".", "..",
    "&", "&&", "*", "|", "@", "_", "$", "0", "1u8", "'c'", "\"x\"", "\"{self}\"", "\"9 ü\"", "b\"x\"", "c\"x\"", "r##\"x\"##",
    "/// Text.\n", "/** * Text. */", "#[metrics(errors)]", "#[cfg(unix)]", "#![allow(unused)]",
];

/// Returns any words in any order, with balanced brackets.
fn random_words(choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    let mut open = Vec::new();
    while !choices.0.is_empty() && open.len() < 40 {
        match choices.byte() {
            200..=220 => {
                let (bracket, closing) = [("(", ")"), ("[", "]"), ("{", "}")][choices.byte() % 3];
                text.push_str(bracket);
                open.push(closing);
            }
            221..=250 => text.push_str(open.pop().unwrap_or("")),
            251..=255 => text.push('\n'),
            word => text.push_str(WORDS[word % WORDS.len()]),
        }
        text.push(' ');
    }
    open.into_iter().rev().for_each(|closing| text.push_str(closing));
    text
}

#[rustfmt::skip]
const TYPES: &[&str] = &[
    "Counter", "Gauge", "T", "&'a T", "Vec<(T, [u8; N])>", "PhantomData<T>", "fn(u8) -> Vec<u8>", "<T as Trait>::Out",
    "Option<Box<dyn Fn(&u8) -> u8 + 'a>>", "[Counter; { N + 1 }]", "Map<u8, fn() -> u8>", "std::sync::atomic::AtomicI64", "*const T",
    "(Counter, Gauge)", "!", "impl Sized", "macro_type!(x)", "r#Gauge",
];

#[rustfmt::skip]
const FIELD_KEYS: &[&str] = &[
    "", "", "", "#[metrics(skip)]", "#[metrics(flatten)]", "#[metrics(flatten, prefix = \"p_\")]", "#[metrics(unit = \"bytes\")]",
    "#[metrics(help = \"\")]", "#[metrics(help = \"a\\n\\nb\")]", "/// Help.\n///\n/// More.\n", "#[doc = concat!(\"a\")]", "#[doc = 1]",
];

#[rustfmt::skip]
const WRONG_FIELD_KEYS: &[&str] = &[
    "#[metrics(errors)]", "#[metrics(padded)]", "#[metrics(name = \"x\")]", "#[metrics(name = \"x_total\", unit = \"bytes\")]", "#[metrics(unit = \"\")]",
    "#[metrics(prefix = \"p\")]", "#[metrics()]", "#[metrics]", "#[metrics = 1]", "#[metrics(errors, errors)]", "#[metrics(name)]",
    "#[metrics(name = )]", "#[metrics(name = r#\"x\"#)]", "#[metrics(error)]", "#[metrics(unit = 'b', skip = true)]", "#[metrics(crate = x)]",
    "#[metrics(\"x\")]", "#[metrics(name = \"ü\")]",
];

fn struct_of(choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    text.push_str(choices.pick(&["", "/// Docs.\n", "#[cfg(unix)] #[deprecated]", "#[repr(C)]"]));
    let plain = choices.byte() % 4 == 0;
    if plain {
        text.push_str(choices.pick(&[
            "#[metrics(storage = Storage)]",
            "#[metrics(storage = r#type, prefix = \"\")]",
        ]));
    }
    text.push_str(choices.mostly(
        &["", "#[metrics(crate = a::b)]"],
        &[
            "#[metrics(storage)]",
            "#[metrics(crate = 1)]",
            "#[metrics(padded)]",
            "#[metrics(prefix = \"9\")]",
            "#[metrics(storage = a::B)]",
        ],
    ));
    text.push_str(choices.pick(&["", "pub ", "pub(crate) ", "pub(in crate::a) "]));
    text.push_str(choices.mostly(&["struct S", "struct r#fn"], &["enum S", "union S"]));
    text.push_str(choices.pick(&[
        "",
        "<T>",
        "<'a, T: 'a + ?Sized, const N: usize>",
        "<T = u8, const N: usize = 3>",
        "<T: Fn() -> u8>",
    ]));
    let clause =
        choices.pick(&["", " where T: Clone", " where for<'b> &'b T: Into<u8>, T:", " where"]);
    if choices.byte() > 250 {
        let fields = choices.pick(&["(u8, Counter)", "", "(#[metrics(skip)] pub T)"]);
        return text + fields + clause + ";";
    }
    text.push_str(clause);
    text.push_str(" { ");
    for i in 0..choices.byte() % 8 {
        let keys = choices.mostly(FIELD_KEYS, WRONG_FIELD_KEYS);
        let numbers: &[&str] = &["u64", "i64", "::core::primitive::u64"];
        let ty =
            if plain { choices.mostly(numbers, TYPES) } else { choices.mostly(TYPES, numbers) };
        let name =
            choices.mostly(&["x", "r#type", "bytes_x", "x_"], &["x_total", "größe", "x_created"]);
        // A raw identifier is used without a number.
        let number = if name.starts_with("r#") { String::new() } else { i.to_string() };
        let _ = write!(text, "{keys} pub {name}{number}: {ty}, ");
    }
    text + "}"
}

const KEYS: &[&str] = &["errors", "ok", "calls", "in_flight"];

#[rustfmt::skip]
const METRIC_VALUES: &[&str] = &[
    "METRICS.x", "&self.x", "of(&self).x", "a.x", "f::<A, B>()", "a < b", "{ return; }", "if a { &x } else { &y }", "|x| x",
    "Some(&self.metrics.x)", "self.0.1", "format!(\"{self}\")", "METRICS",
];

#[rustfmt::skip]
const OUTPUTS: &[&str] = &[
    " -> Result<u8, E>", " -> io::Result<()>", " -> impl Future<Output = Result<u8, E>> + '_", " -> Self::Future",
    " -> Pin<Box<dyn Future<Output = Result<u8, E>> + Send + 'a>>", " -> BoxFuture<'_, Result<u8, E>>", " -> Poll<Option<Result<u8, E>>>",
    " -> Result<&'a mut u8, impl Error>", " -> Option<u8>", " -> Result<impl Iterator<Item = (u8, impl Fn(u8) -> u8)>, E>", " -> u8",
    " -> <T as Tr>::Out", " -> [u8; { 3 }]", " -> R where T: Fn() -> u8", " -> fn(u8) -> Result<u8, u8>",
];

#[rustfmt::skip]
const BODIES: &[&str] = &[
    "", "Ok(1)", "x?; Ok(1)", "return Err(e);", "Box::pin(async move { self.x()?; Ok(1) })", "let a = 1; async { self.f().await? }",
    "#![allow(unused)] let this = self; this.x()?", "self.x.y()", "todo!()", "mac!(self)", "fn g(&self) { self.x } g(self)?; a",
    "let f = |x: u8| -> u8 { x }; f(1)", "format!(\"{self:?} {a}\")?", "use a::{self, B}; self::f()?", "match self { Self { x, .. } => x? }", "Box::pin(x)",
    "impl X for Y { fn f(self) { self } } loop { break Ok(self) }", "b\"?\"; '?'; r#\"{a}\"#", "unsafe { self.x()? }", "{ { self } }", "a.await",
];

fn function_of(choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    let first = choices.byte() % KEYS.len();
    for key in &KEYS[first..] {
        let key =
            choices.mostly(&[key], &["errors", "crate", "error", "okay", "skip", "r#in_flight"]);
        let value =
            choices.mostly(METRIC_VALUES, &["write_errors", "self", "\"x\"", "1", "", "r#type"]);
        let _ = match choices.byte() {
            0..250 => write!(text, "{key} = {value}, "),
            _ => write!(text, "{key}, "),
        };
    }
    text.push('\n');
    text.push_str(choices.pick(&[
        "",
        "/// Docs.\n",
        "#[inline] ",
        "#[track_caller] ",
        "#[cfg_attr(a, b)] #[must_use] ",
    ]));
    text.push_str(choices.pick(&["", "pub ", "pub(crate) ", "default ", "pub(in a::b) "]));
    text.push_str(
        choices.mostly(&["", "async ", "unsafe ", "extern \"C\" ", "async unsafe "], &["const "]),
    );
    text.push_str(choices.mostly(&["fn f", "fn r#type"], &["struct f", "fn"]));
    text.push_str(choices.pick(&[
        "",
        "<T>",
        "<'a, T: Fn(u8) -> u8, const N: usize>",
        "<F: FnOnce() -> R, R>",
    ]));
    text.push('(');
    text.push_str(choices.pick(&[
        "",
        "&self, ",
        "&mut self, ",
        "self, ",
        "mut self, ",
        "self: &Arc<Self>, ",
        "self: Arc<Self>, ",
        "self: Pin<&mut Self>, ",
        "mut self: Pin<&mut Self>, ",
        "self: Box<Self>, ",
        "&'a mut self, ",
        "&'a self, ",
        "self: &'a mut Self, ",
    ]));
    for _ in 0..choices.byte() % 4 {
        text.push_str(choices.pick(&[
            "a: u8, ",
            "mut a: Vec<u8>, ",
            "_: &mut u8, ",
            "(a, [b, ..]): (u8, [u8; 3]), ",
            "P { x, y: Some(z), .. }: P, ",
            "x @ 1..=2: u8, ",
            "f: impl Fn(u8) -> u8, ",
            "#[cfg(unix)] a: &mut M<u8, u8>, ",
            "ref a: T, ",
            "&a: &u8, ",
            "r#type: u8, ",
            "A | B: X, ",
            "_a: u8",
        ]));
    }
    text.push(')');
    text.push_str(choices.mostly(OUTPUTS, &["", " -> ()", " -> !"]));
    text.push_str(choices.pick(&["", "", " where Self: Sized", " where T: Into<Vec<u8>>,"]));
    if choices.byte() > 250 {
        return text + ";";
    }
    let body = choices.pick(BODIES);
    let _ = write!(text, " {{ {body} }}");
    text
}
