//! The part of Grafana's dashboard JSON that is used here: version 42 of its schema.
//!
//! The types are structs, not maps, so that the order of keys is fixed.

use serde::Serialize;

pub(super) const SCHEMA_VERSION: u32 = 42;

/// The number of columns in Grafana's grid.
pub(super) const COLUMNS: u32 = 24;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Model {
    /// Always `null`. Grafana then uses the `uid` to find the dashboard that this one replaces.
    pub(super) id: Option<u32>,
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) tags: [&'static str; 1],
    pub(super) editable: bool,
    pub(super) graph_tooltip: u32,
    pub(super) refresh: &'static str,
    pub(super) schema_version: u32,
    pub(super) time: TimeRange,
    pub(super) timezone: &'static str,
    pub(super) templating: Templating,
    pub(super) panels: Vec<Item>,
}

#[derive(Serialize)]
pub(super) struct TimeRange {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

#[derive(Serialize)]
pub(super) struct Templating {
    pub(super) list: Vec<Variable>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Variable {
    Datasource {
        name: &'static str,
        label: &'static str,
        query: &'static str,
        refresh: u32,
    },
    Query {
        name: String,
        label: String,
        datasource: DataSource,
        query: String,
        refresh: u32,
        sort: u32,
        multi: bool,
        include_all: bool,
        all_value: &'static str,
        current: Selected,
    },
}

#[derive(Serialize)]
pub(super) struct Selected {
    pub(super) text: [&'static str; 1],
    pub(super) value: [&'static str; 1],
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct DataSource {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) uid: &'static str,
}

/// A row, or a panel below an open row.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Item {
    Row(Row),
    Panel(Box<Panel>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) id: u32,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) collapsed: bool,
    pub(super) grid_pos: GridPos,
    /// The panels of a collapsed row. The panels of an open row follow the row in the list.
    pub(super) panels: Vec<Panel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct GridPos {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) w: u32,
    pub(super) h: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Panel {
    pub(super) id: u32,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) datasource: DataSource,
    pub(super) grid_pos: GridPos,
    pub(super) targets: Vec<Target>,
    pub(super) field_config: FieldConfigSource,
    pub(super) options: Options,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) ref_id: String,
    pub(super) expr: String,
    pub(super) legend_format: String,
    pub(super) format: &'static str,
    pub(super) editor_mode: &'static str,
    pub(super) range: bool,
    pub(super) instant: bool,
}

#[derive(Serialize)]
pub(super) struct FieldConfigSource {
    pub(super) defaults: FieldConfig,
    pub(super) overrides: [(); 0],
}

#[derive(Serialize)]
pub(super) struct FieldConfig {
    pub(super) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<u32>,
    pub(super) color: Color,
    pub(super) custom: Custom,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Color {
    pub(super) mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fixed_color: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum Custom {
    Lines {
        draw_style: &'static str,
        line_width: u32,
        fill_opacity: u32,
        show_points: &'static str,
        scale_distribution: Scale,
        stacking: Stacking,
    },
    None {},
}

#[derive(Serialize)]
pub(super) struct Scale {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// The base of a logarithmic scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Stacking {
    pub(super) group: &'static str,
    pub(super) mode: &'static str,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum Options {
    TimeSeries {
        legend: Legend,
        tooltip: Tooltip,
    },
    Heatmap {
        calculate: bool,
        cell_gap: u32,
        color: HeatmapColor,
        exemplars: Exemplars,
        filter_values: FilterValues,
        legend: HeatmapLegend,
        rows_frame: RowsFrame,
        show_value: &'static str,
        tooltip: HeatmapTooltip,
        y_axis: YAxis,
    },
    Stat {
        color_mode: &'static str,
        graph_mode: &'static str,
        justify_mode: &'static str,
        orientation: &'static str,
        percent_change_color_mode: &'static str,
        reduce_options: ReduceOptions,
        show_percent_change: bool,
        text_mode: &'static str,
        wide_layout: bool,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // Grafana's names
pub(super) struct Legend {
    pub(super) calcs: &'static [&'static str],
    pub(super) display_mode: &'static str,
    pub(super) placement: &'static str,
    pub(super) show_legend: bool,
}

#[derive(Serialize)]
pub(super) struct Tooltip {
    pub(super) mode: &'static str,
    pub(super) sort: &'static str,
}

#[derive(Serialize)]
pub(super) struct HeatmapColor {
    pub(super) exponent: f64,
    pub(super) fill: &'static str,
    pub(super) mode: &'static str,
    pub(super) reverse: bool,
    pub(super) scale: &'static str,
    pub(super) scheme: &'static str,
    pub(super) steps: u32,
}

#[derive(Serialize)]
pub(super) struct Exemplars {
    pub(super) color: &'static str,
}

#[derive(Serialize)]
pub(super) struct FilterValues {
    /// Cells with a value below this bound are not drawn.
    pub(super) le: f64,
}

#[derive(Serialize)]
pub(super) struct HeatmapLegend {
    pub(super) show: bool,
}

#[derive(Serialize)]
pub(super) struct RowsFrame {
    pub(super) layout: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeatmapTooltip {
    pub(super) mode: &'static str,
    pub(super) show_color_scale: bool,
    pub(super) y_histogram: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct YAxis {
    pub(super) axis_placement: &'static str,
    pub(super) reverse: bool,
    pub(super) unit: String,
}

#[derive(Serialize)]
pub(super) struct ReduceOptions {
    pub(super) calcs: [&'static str; 1],
    pub(super) fields: &'static str,
    pub(super) values: bool,
}
