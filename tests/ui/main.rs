//! Code that must not compile, and the error messages. The first line of a case says which errors are expected. A case has one
//! mistake, unless it tests that one build reports several mistakes.

#[test]
fn each_mistake_is_reported_at_its_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/struct/*.rs");
    cases.compile_fail("ui/field/*.rs");
    cases.compile_fail("ui/storage/*.rs");
    cases.compile_fail("ui/function/*.rs");
    cases.compile_fail("ui/publish/*.rs");
    cases.compile_fail("ui/histogram/*.rs");
    cases.compile_fail("ui/label/*.rs");
    cases.compile_fail("ui/computed/*.rs");
    cases.compile_fail("ui/assert_delta/*.rs");
}

#[test]
fn a_mistake_in_a_type_argument_is_reported_with_its_first_use() {
    let cases = trybuild::TestCases::new();
    // The compiler finds these mistakes only when it generates code. Because one case must pass, trybuild runs `cargo build` for all
    // cases. Without such a case, trybuild would run only `cargo check`.
    cases.pass("ui/generic/distinct.rs");
    cases.compile_fail("ui/generic/duplicate-in-a-generic-struct.rs");
    cases.compile_fail("ui/generic/label-of-a-type-parameter-again.rs");
    cases.compile_fail("ui/generic/published-with-a-large-alignment.rs");
}
