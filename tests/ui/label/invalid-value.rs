// Expected: one error, on the value; the message proposes `not_found`.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
enum Kind {
    #[metrics(name = "Not-Found")]
    NotFound,
}

fn main() {}
