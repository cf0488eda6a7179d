//! Finds the known word that is most similar to a misspelt one.

/// Returns the known word that is most similar to `word`, if the two differ by few edits: `prefix` for `prefx`.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|&candidate| (distance(word, candidate), candidate))
        .min()
        .filter(|&(distance, candidate)| distance <= 1.max(candidate.len() / 3))
        .map(|(_, candidate)| candidate)
}

/// Returns the number of edits between two words: insertions, deletions, substitutions, and transpositions of
/// neighbours (the optimal string alignment distance).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substituted.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_word_finds_the_known_one() {
        let known = ["errors", "flatten", "help", "name", "prefix", "skip", "unit"];
        assert_eq!(nearest("prefx", &known), Some("prefix"));
        assert_eq!(nearest("error", &known), Some("errors"));
        assert_eq!(nearest("flaten", &known), Some("flatten"));
        assert_eq!(nearest("unti", &known), Some("unit"));
        assert_eq!(nearest("ksip", &known), Some("skip"));
        assert_eq!(nearest("buckets", &known), None);
    }
}
