//! Assigns rows, positions and ids to panels.

use std::collections::BTreeSet;

use super::draft::{Chart, Draft};
use super::grafana::{self, COLUMNS, GridPos, Item, Panel, Row};
use super::style;

const HEIGHT: u32 = 8;
const NARROW: u32 = 8;
const WIDE: u32 = 12;
/// The width of a panel with a single number. Such a panel is not stretched.
const NUMBER: u32 = 4;
/// The smallest number of series for which a panel is wide and has its legend on the right.
pub(super) const MANY: usize = 7;

/// The largest number of panels for which all rows are open. With more panels, rows are collapsed, because the panels
/// of a collapsed row run no queries.
const ALL_OPEN: usize = 24;

/// A row that has no position yet.
pub(super) struct DraftRow {
    pub(super) title: String,
    pub(super) panels: Vec<Draft>,
}

/// Sets the positions and ids of rows and panels. The first row is open. The other rows are open unless the dashboard
/// has too many panels.
pub(super) fn arrange(rows: Vec<DraftRow>) -> Vec<Item> {
    let are_open = rows.iter().map(|row| row.panels.len()).sum::<usize>() <= ALL_OPEN;
    let mut ids = Ids::default();
    let mut items = Vec::new();
    let mut y = 0;
    for (i, row) in rows.into_iter().enumerate() {
        let is_open = are_open || i == 0;
        let id = ids.next(&format!("row/{}", row.title));
        let grid_pos = GridPos { x: 0, y, w: COLUMNS, h: 1 };
        y += 1;
        let positions = positions(&row.panels, y);
        let panels = row.panels.into_iter().zip(positions.iter());
        let panels = panels.map(|(draft, position)| panel(draft, *position, &mut ids)).collect();
        let (inside, below) = if is_open { (Vec::new(), panels) } else { (panels, Vec::new()) };
        items.push(Item::Row(Row {
            id,
            kind: "row",
            title: row.title,
            collapsed: !is_open,
            grid_pos,
            panels: inside,
        }));
        items.extend(below.into_iter().map(|panel| Item::Panel(Box::new(panel))));
        if is_open {
            y = positions.last().map_or(y, |last| last.y + last.h);
        }
    }
    items
}

/// Returns the positions of panels. The first line of panels is at the grid row `y`. The panels of each line, except
/// those with a single number, are stretched to fill the line.
fn positions(panels: &[Draft], mut y: u32) -> Vec<GridPos> {
    let widths: Vec<u32> = panels.iter().map(least_width).collect();
    let mut positions = Vec::new();
    for line in lines(&widths) {
        let mut spare = COLUMNS - line.iter().sum::<u32>();
        let mut stretched = line.iter().filter(|width| **width > NUMBER).count();
        let mut x = 0;
        for width in line {
            let mut w = *width;
            if w > NUMBER {
                let added = spare / u32::try_from(stretched).unwrap_or(1);
                (w, spare, stretched) = (w + added, spare - added, stretched - 1);
            }
            positions.push(GridPos { x, y, w, h: HEIGHT });
            x += w;
        }
        y += HEIGHT;
    }
    positions
}

fn least_width(panel: &Draft) -> u32 {
    match panel.chart {
        Chart::Number => NUMBER,
        _ if panel.series >= MANY => WIDE,
        _ => NARROW,
    }
}

/// Splits panels of these widths into lines that are about equally full. Earlier lines are fuller if the panels cannot
/// be distributed equally.
fn lines(widths: &[u32]) -> Vec<&[u32]> {
    // For each index, the best split of the panels from this index on into lines. An entry contains the cost of the
    // split, which is the sum of the squares of the lines' unused columns, and the number of panels in the first line.
    let mut best = vec![(0, 0); widths.len() + 1];
    for start in (0..widths.len()).rev() {
        let mut used = 0;
        let line = widths[start..].iter().take_while(|width| {
            used += **width;
            used <= COLUMNS
        });
        let most = line.count();
        let cost = |len: usize| {
            let unused = COLUMNS.saturating_sub(widths[start..start + len].iter().sum());
            unused * unused + best[start + len].0
        };
        let len = (1..=most).rev().min_by_key(|len| cost(*len)).unwrap_or(1);
        best[start] = (cost(len), len);
    }
    let mut lines = Vec::new();
    let mut rest = widths;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(best[widths.len() - rest.len()].1);
        lines.push(line);
        rest = after;
    }
    lines
}

fn panel(draft: Draft, grid_pos: GridPos, ids: &mut Ids) -> Panel {
    let targets = draft.queries.into_iter().enumerate();
    let targets = targets.map(|(i, query)| grafana::Target {
        ref_id: ref_id(i),
        expr: query.expr,
        legend_format: query.legend,
        format: if draft.chart == Chart::Heatmap { "heatmap" } else { "time_series" },
        editor_mode: "code",
        range: draft.chart != Chart::Number,
        instant: draft.chart == Chart::Number,
    });
    Panel {
        id: ids.next(&draft.key),
        kind: style::panel_type(draft.chart),
        title: draft.title,
        description: draft.description,
        datasource: super::variables::DATA_SOURCE,
        grid_pos,
        targets: targets.collect(),
        field_config: style::field_config(draft.chart, draft.series, &draft.unit),
        options: style::options(draft.chart, draft.series, &draft.unit),
    }
}

/// Returns the id of the query with this index: `A` to `Z`, then `AA`, `AB` and so on.
fn ref_id(mut index: usize) -> String {
    let mut id = Vec::new();
    loop {
        id.push(b'A' + u8::try_from(index % 26).unwrap_or_default());
        if index < 26 {
            break;
        }
        index = index / 26 - 1;
    }
    id.iter().rev().map(|byte| char::from(*byte)).collect()
}

/// Derives the ids of panels from their keys, so that the id of a panel does not change when other panels are added.
#[derive(Default)]
struct Ids(BTreeSet<u32>);

impl Ids {
    fn next(&mut self, key: &str) -> u32 {
        // 31 bits, so that an id is also a positive signed 32-bit integer.
        let mut id = (fnv1a(key) >> 1).max(1);
        while !self.0.insert(id) {
            id = if id >= u32::MAX >> 1 { 1 } else { id + 1 };
        }
        id
    }
}

/// Returns the 32-bit FNV-1a hash of a text.
pub(super) fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::{Ids, lines, ref_id};

    #[test]
    fn lines_are_about_equally_full() {
        for (widths, expected) in [
            (&[][..], &[][..]),
            (&[8], &[1][..]),
            (&[8; 3], &[3]),
            (&[8; 4], &[2, 2]),
            (&[8; 5], &[3, 2]),
            (&[8; 7], &[3, 2, 2]),
            (&[8, 8, 8, 8, 12, 8], &[2, 2, 2]),
            (&[4, 8, 8, 8, 12], &[3, 2]),
            (&[12, 12, 12], &[2, 1]),
        ] {
            let lens: Vec<_> = lines(widths).into_iter().map(<[u32]>::len).collect();
            assert_eq!(lens, expected, "{widths:?}");
        }
    }

    #[test]
    fn queries_are_lettered_like_the_columns_of_a_spreadsheet() {
        assert_eq!(
            [0, 25, 26, 27, 51, 52, 701, 702].map(ref_id),
            ["A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]
        );
    }

    #[test]
    fn ids_are_derived_from_keys_and_unique() {
        let mut ids = Ids::default();
        let first = ids.next("a");
        assert_eq!(Ids::default().next("a"), first);
        assert_eq!(ids.next("a"), first + 1);
        assert!(ids.next("b") != first && first < 1 << 31);
    }
}
