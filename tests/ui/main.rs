//! Code that must not compile, and its messages. Each case has one mistake; the first line of its file says what to expect.

#[test]
fn mistakes_are_told_at_the_word_at_fault() {
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
fn clashes_in_a_generic_struct_show_where_it_is_used() {
    let cases = trybuild::TestCases::new();
    // A case that passes has all of them built, not only checked.
    cases.pass("ui/generic/distinct.rs");
    cases.compile_fail("ui/generic/duplicate-in-a-generic-struct.rs");
}
