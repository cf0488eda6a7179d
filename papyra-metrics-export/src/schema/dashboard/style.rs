//! Defines the appearance of each kind of panel.

use super::draft::Chart;
use super::grafana::{
    Color, Custom, Exemplars, FieldConfig, FieldConfigSource, FilterValues, HeatmapColor,
    HeatmapLegend, HeatmapTooltip, Legend, Options, ReduceOptions, RowsFrame, Scale, Stacking,
    Tooltip, YAxis,
};
use super::layout::MANY;

pub(super) fn panel_type(chart: Chart) -> &'static str {
    match chart {
        Chart::Lines | Chart::Quantiles | Chart::Stack | Chart::Errors => "timeseries",
        Chart::Heatmap => "heatmap",
        Chart::Number => "stat",
    }
}

pub(super) fn field_config(chart: Chart, series: usize, unit: &str) -> FieldConfigSource {
    let is_stacked = series > 1 && matches!(chart, Chart::Stack | Chart::Errors);
    let custom = match chart {
        Chart::Lines | Chart::Quantiles | Chart::Stack | Chart::Errors => Custom::Lines {
            draw_style: "line",
            line_width: 1,
            fill_opacity: if is_stacked { 30 } else { 10 },
            show_points: "never",
            scale_distribution: match chart {
                Chart::Quantiles => Scale { kind: "log", log: Some(10) },
                _ => Scale { kind: "linear", log: None },
            },
            stacking: Stacking { group: "A", mode: if is_stacked { "normal" } else { "none" } },
        },
        Chart::Heatmap | Chart::Number => Custom::None {},
    };
    let color = match (chart, series) {
        (Chart::Errors, 1) => Color { mode: "fixed", fixed_color: Some("red") },
        _ => Color { mode: "palette-classic", fixed_color: None },
    };
    // Only errors have a fixed minimum of zero. Other panels may show gauges, which can be negative.
    let min = matches!(chart, Chart::Errors).then_some(0);
    let unit = unit.to_owned();
    let defaults = FieldConfig { unit, min, color, custom };
    FieldConfigSource { defaults, overrides: [] }
}

pub(super) fn options(chart: Chart, series: usize, unit: &str) -> Options {
    match chart {
        Chart::Lines | Chart::Quantiles | Chart::Stack | Chart::Errors => Options::TimeSeries {
            legend: match series {
                // A panel with one series needs no legend, because there is no other series to distinguish it from.
                1 => legend("hidden", "bottom", &[]),
                MANY.. => legend("table", "right", &["lastNotNull", "max"]),
                _ => legend("list", "bottom", &[]),
            },
            tooltip: Tooltip { mode: "multi", sort: "desc" },
        },
        Chart::Heatmap => Options::Heatmap {
            calculate: false,
            cell_gap: 1,
            color: HeatmapColor {
                exponent: 0.5,
                fill: "dark-orange",
                mode: "scheme",
                reverse: false,
                scale: "exponential",
                scheme: "Oranges",
                steps: 64,
            },
            exemplars: Exemplars { color: "rgba(255,0,255,0.7)" },
            filter_values: FilterValues { le: 1e-9 },
            legend: HeatmapLegend { show: true },
            rows_frame: RowsFrame { layout: "auto" },
            show_value: "never",
            tooltip: HeatmapTooltip { mode: "single", show_color_scale: true, y_histogram: true },
            y_axis: YAxis { axis_placement: "left", reverse: false, unit: unit.to_owned() },
        },
        Chart::Number => Options::Stat {
            color_mode: "value",
            graph_mode: "none",
            justify_mode: "auto",
            orientation: "auto",
            percent_change_color_mode: "standard",
            reduce_options: ReduceOptions { calcs: ["lastNotNull"], fields: "", values: false },
            show_percent_change: false,
            text_mode: "auto",
            wide_layout: true,
        },
    }
}

fn legend(
    display_mode: &'static str,
    placement: &'static str,
    calcs: &'static [&'static str],
) -> Legend {
    Legend { calcs, display_mode, placement, show_legend: display_mode != "hidden" }
}
