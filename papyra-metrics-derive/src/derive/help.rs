//! Extracts the help text of a metric: the first paragraph of a doc comment.

use syn::{Attribute, Expr, Lit, Meta};

/// Returns the first paragraph of the doc comment, with its lines trimmed and joined by one space. The result is empty
/// if there is no doc comment.
pub(crate) fn first_paragraph(attrs: &[Attribute]) -> String {
    let mut paragraph = String::new();
    for text in attrs.iter().filter_map(doc) {
        let starred = is_starred(&text);
        for (i, line) in text.split('\n').enumerate() {
            let line = line.trim();
            let unstarred = line.strip_prefix('*').filter(|_| starred && i > 0);
            let line = unstarred.map_or(line, str::trim);
            if line.is_empty() && !paragraph.is_empty() {
                return paragraph;
            }
            paragraph.push_str(if line.is_empty() || paragraph.is_empty() { "" } else { " " });
            paragraph.push_str(line);
        }
    }
    paragraph
}

/// Returns the text of a doc comment, or `None` for any other attribute.
fn doc(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => string(&doc.value),
        _ => None,
    }
}

/// Returns the text of a string literal, which may be inside the invisible group of a `macro_rules!` fragment.
fn string(value: &Expr) -> Option<String> {
    match value {
        Expr::Group(group) => string(&group.expr),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) if text.suffix().is_empty() => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether each line of a block comment after the first is empty or begins with `*`. These stars are not part
/// of the text.
fn is_starred(text: &str) -> bool {
    text.split('\n').skip(1).map(str::trim_start).all(|it| it.is_empty() || it.starts_with('*'))
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::first_paragraph;

    #[test]
    fn help_is_the_first_paragraph_on_one_line() {
        let item: DeriveInput = parse_quote! {
            ///
            /// Records written,
            ///   not yet synced.
            ///
            /// More about them.
            struct Log;
        };
        assert_eq!(first_paragraph(&item.attrs), "Records written, not yet synced.");
    }

    #[test]
    fn stars_of_a_block_comment_are_not_part_of_the_help() {
        let item: DeriveInput = parse_quote! {
            /** Records
              * written.
              */
            #[doc = concat!("not ", "read")]
            #[doc(hidden)]
            struct Log;
        };
        assert_eq!(first_paragraph(&item.attrs), "Records written.");
    }
}
