//! Draws panels at their positions in Grafana, in the colors of its dark theme.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::{DRAWN_SECONDS, Line, Panel, Result};

/// The width and the height of a cell of the dashboard's grid, in pixels.
const COLUMN: i32 = 52;
const LINE: i32 = 27;
const GAP: i32 = 6;
const BACKGROUND: RGBColor = RGBColor(17, 18, 23);
const PANEL: RGBColor = RGBColor(24, 27, 31);
const GRID: RGBColor = RGBColor(44, 47, 52);
const TEXT: RGBColor = RGBColor(204, 204, 220);
const COLORS: [RGBColor; 8] = [
    RGBColor(115, 191, 105),
    RGBColor(242, 204, 12),
    RGBColor(87, 148, 242),
    RGBColor(255, 152, 48),
    RGBColor(242, 73, 92),
    RGBColor(184, 119, 217),
    RGBColor(112, 219, 237),
    RGBColor(250, 222, 176),
];
const RED: RGBColor = RGBColor(242, 73, 92);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws the panels and writes the picture.
pub(crate) fn draw(output: &Path, panels: &[Panel]) -> Result<()> {
    let bottom = |panel: &Panel| panel.top + panel.json["gridPos"]["h"].as_u64().unwrap_or(1);
    let lines = i32::try_from(panels.iter().map(bottom).max().unwrap_or(1))?;
    let size = (u32::try_from(24 * COLUMN + GAP)?, u32::try_from(lines * LINE + GAP)?);
    let root = SVGBackend::new(output, size).into_drawing_area();
    root.fill(&BACKGROUND)?;
    for panel in panels {
        let in_grid = |key: &str| panel.json["gridPos"][key].as_u64().map(i32::try_from);
        let [x, w, h] =
            ["x", "w", "h"].map(|key| in_grid(key).and_then(std::result::Result::ok).unwrap_or(1));
        let corner = (x * COLUMN + GAP, i32::try_from(panel.top)? * LINE + GAP);
        let title = panel.json["title"].as_str().unwrap_or_default();
        let area = root.clone().shrink(corner, ((w * COLUMN - GAP), (h * LINE - GAP)));
        if panel.json["type"] == "row" {
            text(&area, &format!("▾ {title}"), (4, 10), 16.0, WHITE)?;
            continue;
        }
        area.fill(&PANEL)?;
        text(&area, title, (10, 14), 14.0, WHITE)?;
        match panel.json["type"].as_str() {
            Some("stat") => number(&area, panel)?,
            Some("heatmap") => heatmap(&area.margin(26, 6, 2, 10), panel)?,
            _ => time_series(&area, panel)?,
        }
    }
    root.present()?;
    Ok(())
}

fn text(area: &Area<'_>, text: &str, at: (i32, i32), size: f64, color: RGBColor) -> Result<()> {
    let style =
        ("sans-serif", size).into_font().color(&color).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(text, &style, at)?;
    Ok(())
}

fn number(area: &Area<'_>, panel: &Panel) -> Result<()> {
    let value =
        panel.lines.first().and_then(|line| line.values.last()).map_or(0.0, |(_, value)| *value);
    let (width, height) = area.dim_in_pixel();
    let style = ("sans-serif", 52.0)
        .into_font()
        .color(&COLORS[0])
        .pos(Pos::new(HPos::Center, VPos::Center));
    area.draw_text(
        &format!("{value}"),
        &style,
        (i32::try_from(width / 2)?, i32::try_from(height / 2)? + 8),
    )?;
    Ok(())
}

fn time_series(area: &Area<'_>, panel: &Panel) -> Result<()> {
    let defaults = &panel.json["fieldConfig"]["defaults"];
    let is_stacked = defaults["custom"]["stacking"]["mode"] == "normal";
    let is_red = defaults["color"]["fixedColor"] == "red";
    let has_legend = panel.json["options"]["legend"]["showLegend"] == true;
    let lines = if is_stacked {
        stacked(&panel.lines)
    } else {
        panel.lines.iter().map(|line| line.values.clone()).collect()
    };
    let is_log = defaults["custom"]["scaleDistribution"]["type"] == "log";
    let lines: Vec<Vec<(f64, f64)>> = if is_log {
        let positive = |values: Vec<(f64, f64)>| {
            values
                .into_iter()
                .filter(|(_, value)| *value > 0.0)
                .map(|(time, value)| (time, value.log10()))
                .collect()
        };
        lines.into_iter().map(positive).collect()
    } else {
        lines
    };
    let values = || lines.iter().flatten().map(|(_, value)| *value);
    let highest = values().fold(if is_log { f64::MIN } else { 0.0 }, f64::max);
    let (lowest, highest) = if is_log {
        (values().fold(f64::MAX, f64::min).floor(), highest.ceil())
    } else {
        (0.0, if highest > 0.0 { highest * 1.1 } else { 1.0 })
    };
    let plot = area.margin(26, if has_legend { 24 } else { 4 }, 2, 10);
    let mut chart = ChartBuilder::on(&plot)
        .x_label_area_size(20)
        .y_label_area_size(66)
        .build_cartesian_2d(-DRAWN_SECONDS..0.0, lowest..highest)?;
    let unit = defaults["unit"].as_str().unwrap_or_default();
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .x_labels(5)
        .y_labels(5)
        .x_label_formatter(&|seconds| format!("{seconds:.0} s"))
        .y_label_formatter(&|value| {
            format_value(if is_log { 10_f64.powf(*value) } else { *value }, unit)
        })
        .label_style(("sans-serif", 11).into_font().color(&TEXT))
        .draw()?;
    // Draws the last line first. In a stacked panel, it is the sum of all lines, and the other lines are drawn over it.
    for (i, values) in lines.iter().enumerate().rev() {
        let color = if is_red { RED } else { COLORS[i % COLORS.len()] };
        let opacity = if is_stacked { 0.35 } else { 0.06 };
        if is_stacked {
            let below = AreaSeries::new(values.iter().copied(), 0.0, PANEL.filled().color);
            chart.draw_series(below)?;
        }
        let filled =
            AreaSeries::new(values.iter().copied(), lowest, color.mix(opacity)).border_style(color);
        chart.draw_series(filled)?;
    }
    if has_legend {
        legend(area, &panel.lines)?;
    }
    Ok(())
}

/// Returns, for each line, its values plus the values of all lines before it.
fn stacked(lines: &[Line]) -> Vec<Vec<(f64, f64)>> {
    let mut sums: Vec<Vec<(f64, f64)>> = Vec::new();
    for line in lines {
        let before = sums.last();
        let sum = line.values.iter().enumerate().map(|(i, (time, value))| {
            (*time, value + before.and_then(|before| before.get(i)).map_or(0.0, |(_, sum)| *sum))
        });
        let sum = sum.collect();
        sums.push(sum);
    }
    sums
}

fn legend(area: &Area<'_>, lines: &[Line]) -> Result<()> {
    let (width, height) = area.dim_in_pixel();
    let y = i32::try_from(height)? - 12;
    let mut x = 14;
    for (i, line) in lines.iter().enumerate() {
        let length = i32::try_from(line.name.chars().count())? * 6 + 24;
        if x + length > i32::try_from(width)? {
            text(area, "…", (x, y), 11.0, TEXT)?;
            break;
        }
        area.draw(&Rectangle::new(
            [(x, y - 1), (x + 10, y + 2)],
            COLORS[i % COLORS.len()].filled(),
        ))?;
        text(area, &line.name, (x + 15, y), 11.0, TEXT)?;
        x += length;
    }
    Ok(())
}

fn heatmap(area: &Area<'_>, panel: &Panel) -> Result<()> {
    let bound = |line: &Line| line.name.parse().unwrap_or(f64::INFINITY);
    let mut lines: Vec<&Line> = panel.lines.iter().collect();
    lines.sort_by(|a, b| bound(a).total_cmp(&bound(b)));
    // Prometheus buckets are cumulative: a bucket's own count is the difference from the bucket below it.
    let cells: Vec<Vec<(f64, f64)>> = lines
        .iter()
        .enumerate()
        .map(|(i, line)| {
            let below = i.checked_sub(1).map(|below| &lines[below].values);
            let own = line.values.iter().enumerate().map(|(j, (time, sum))| {
                (*time, sum - below.and_then(|below| below.get(j)).map_or(0.0, |(_, sum)| *sum))
            });
            own.collect()
        })
        .collect();
    let in_use = |row: &Vec<(f64, f64)>| row.iter().any(|(_, n)| *n > 0.01);
    let first = cells.iter().position(in_use).unwrap_or_default();
    let last = cells.iter().rposition(in_use).unwrap_or_default();
    let most = cells.iter().flatten().map(|(_, n)| *n).fold(0.0, f64::max);
    let rows = u32::try_from(last + 1 - first)?;
    let mut chart = ChartBuilder::on(area)
        .x_label_area_size(20)
        .y_label_area_size(66)
        .build_cartesian_2d(-DRAWN_SECONDS..0.0, 0.0..f64::from(rows))?;
    let unit = panel.json["options"]["yAxis"]["unit"].as_str().unwrap_or_default();
    let label = |row: &f64| {
        let line = format!("{row:.0}").parse::<usize>().ok().and_then(|row| lines.get(first + row));
        line.map_or(String::new(), |line| format_value(bound(line), unit))
    };
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(GRID)
        .x_labels(5)
        .y_labels(7)
        .x_label_formatter(&|seconds| format!("{seconds:.0} s"))
        .y_label_formatter(&label)
        .label_style(("sans-serif", 11).into_font().color(&TEXT))
        .draw()?;
    for (row, values) in (0..rows).map(f64::from).zip(&cells[first..=last]) {
        let drawn = values.iter().filter(|(_, n)| *n > 0.01).map(|(time, n)| {
            let share = (n / most).sqrt();
            let corners = [(time - 2.4, row + 0.04), (time - 0.1, row + 0.96)];
            Rectangle::new(corners, RGBColor(253, 141, 60).mix(0.12 + 0.88 * share).filled())
        });
        chart.draw_series(drawn)?;
    }
    Ok(())
}

/// Formats a value in one of Grafana's units.
fn format_value(value: f64, unit: &str) -> String {
    let scaled = |steps: &[(f64, &str)]| {
        let (size, name) =
            steps.iter().find(|(size, _)| value >= *size).unwrap_or(&steps[steps.len() - 1]);
        let number = value / size;
        if number >= 100.0 || number.fract() == 0.0 {
            format!("{number:.0} {name}")
        } else {
            format!("{number:.1} {name}")
        }
    };
    match unit {
        _ if value == 0.0 => "0".to_owned(),
        _ if value.is_infinite() => "+Inf".to_owned(),
        "s" => scaled(&[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")]),
        "bytes" => {
            scaled(&[(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1024.0, "KiB"), (1.0, "B")])
        }
        "binBps" => scaled(&[
            (1_073_741_824.0, "GiB/s"),
            (1_048_576.0, "MiB/s"),
            (1024.0, "KiB/s"),
            (1.0, "B/s"),
        ]),
        "percentunit" => format!("{:.2} %", value * 100.0),
        "ops" => scaled(&[(1e6, "Mops/s"), (1e3, "kops/s"), (1.0, "ops/s")]),
        _ => format!("{value:.0}"),
    }
}
