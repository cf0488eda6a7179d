//! Draws the dashboard that `papyra-metrics dashboard` writes for the example `engine_metrics`. The data are the results of the
//! dashboard's queries, from a Prometheus server that scrapes the example.
//!
//! ```sh
//! cargo run -p papyra-metrics-dashboard-picture -- docs/guide/dashboard.svg
//! ```
//!
//! This takes three minutes. It needs `prometheus` on `PATH` or in `target/servers/bin`, where `.ci/install` puts it.

#![forbid(unsafe_code)]

mod draw;

use std::error::Error;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long the example runs before the picture is drawn. The first seconds are not drawn, because they have no rates yet.
const WARM_UP: Duration = Duration::from_secs(170);
const DRAWN_SECONDS: f64 = 150.0;

/// The titles of the rows that are drawn. These rows are drawn expanded.
const ROWS: [&str; 2] = ["Overview", "Request"];

/// A process that is killed when this value is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A panel and the results of its queries.
pub(crate) struct Panel {
    pub(crate) json: Json,
    /// The distance from the top of the picture, in units of the dashboard's grid.
    pub(crate) top: u64,
    pub(crate) lines: Vec<Line>,
}

/// A series over time.
pub(crate) struct Line {
    /// The name in the legend. In a heatmap, this is the bound of a bucket.
    pub(crate) name: String,
    /// Times and values. Times are in seconds relative to the end of the picture, so none is positive. Values that are not
    /// finite are left out.
    pub(crate) values: Vec<(f64, f64)>,
}

fn main() -> Result<()> {
    let output = std::env::args_os().nth(1).ok_or("usage: dashboard-picture FILE.svg")?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("lsm.metrics");
    let mut example = cargo(&[
        "run",
        "-q",
        "-p",
        "papyra-metrics-export-examples",
        "--example",
        "engine_metrics",
        "--",
    ]);
    example.arg(&file).arg("127.0.0.1:0").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut example = Running(example.spawn()?);
    let mut line = String::new();
    BufReader::new(example.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let target = line.split('/').nth(2).ok_or("the example prints no address")?;
    let (_prometheus, port) = scrape(target, directory.path())?;
    sleep(WARM_UP);
    let dashboard =
        cargo(&["run", "-q", "-p", "papyra-metrics-cli", "--", "dashboard", "--label", "db"])
            .arg(&file)
            .output()?;
    let dashboard: Json = serde_json::from_slice(&dashboard.stdout)?;
    let mut panels = rows(&dashboard);
    for panel in &mut panels {
        for target in panel.json["targets"].as_array().into_iter().flatten() {
            panel.lines.extend(lines(port, target)?);
        }
    }
    draw::draw(Path::new(&output), &panels)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Starts a Prometheus server that scrapes the target each second, and returns its port.
fn scrape(target: &str, directory: &Path) -> Result<(Running, u16)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = directory.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs: [{{job_name: lsm, static_configs: [{{targets: [\"{target}\"]}}]}}]\n"
    );
    std::fs::write(&config, text)?;
    let installed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/bin/prometheus");
    let program =
        if installed.exists() { installed.into_os_string() } else { OsString::from("prometheus") };
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Ok((Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?), port))
}

/// Returns the panels to draw: for each row in [`ROWS`], the heading of the row, which has no queries, and then the
/// panels in the row. Collapsed rows are expanded, and each row begins where the one before it ends.
fn rows(dashboard: &Json) -> Vec<Panel> {
    let items: Vec<&Json> = dashboard["panels"].as_array().into_iter().flatten().collect();
    let mut drawn = Vec::new();
    let mut top = 0;
    for (i, row) in items.iter().enumerate() {
        let is_drawn = row["title"].as_str().is_some_and(|title| ROWS.contains(&title));
        if row["type"] != "row" || !is_drawn {
            continue;
        }
        let number = |json: &Json, key: &str| json["gridPos"][key].as_u64().unwrap_or_default();
        let open = items[i + 1..].iter().take_while(|item| item["type"] != "row").copied();
        let closed = row["panels"].as_array().into_iter().flatten();
        let panels: Vec<&Json> = open.chain(closed).collect();
        let first = number(row, "y");
        drawn.push(Panel { json: (*row).clone(), top, lines: Vec::new() });
        let mut end = top + 1;
        for panel in panels {
            let panel_top = top + number(panel, "y") - first;
            end = end.max(panel_top + number(panel, "h"));
            drawn.push(Panel { json: panel.clone(), top: panel_top, lines: Vec::new() });
        }
        top = end;
    }
    drawn
}

/// Queries the server, and returns a line for each series of the result.
fn lines(port: u16, target: &Json) -> Result<Vec<Line>> {
    let expr = target["expr"].as_str().unwrap_or_default().replace("$__rate_interval", "8s");
    let expr = ["job", "instance", "db"]
        .iter()
        .fold(expr, |expr, name| expr.replace(&format!("\"${name}\""), "\".*\""));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64();
    let answer = ureq::get(format!("http://127.0.0.1:{port}/api/v1/query_range"))
        .query("query", &expr)
        .query("start", (now - DRAWN_SECONDS).to_string())
        .query("end", now.to_string())
        .query("step", "2.5")
        .call()?
        .body_mut()
        .read_to_string()?;
    let answer: Json = serde_json::from_str(&answer)?;
    let legend = target["legendFormat"].as_str().unwrap_or_default();
    let series = answer["data"]["result"].as_array().into_iter().flatten().map(|series| {
        let labels = series["metric"].as_object().into_iter().flatten();
        let name = labels.fold(legend.to_owned(), |name, (label, value)| {
            name.replace(&format!("{{{{{label}}}}}"), value.as_str().unwrap_or_default())
        });
        let values =
            series["values"].as_array().into_iter().flatten().filter_map(|point| {
                Some((point[0].as_f64()? - now, point[1].as_str()?.parse().ok()?))
            });
        Line { name, values: values.filter(|(_, value): &(f64, f64)| value.is_finite()).collect() }
    });
    Ok(series.collect())
}
