//! Draws the picture of `papyra-metrics watch` in the README. The picture shows the terminal output of the command
//! while the example `live` runs. This command draws it:
//!
//! ```sh
//! cargo run -p papyra-metrics-tests --example picture -- docs/watch.svg
//! ```

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const ROWS: u16 = 24;
const COLUMNS: u16 = 96;
/// How long the backend works before the picture is taken. After this time, the bars of recent values have their full
/// width.
const WARM_UP: Duration = Duration::from_secs(14);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let output = std::env::args_os().nth(1).ok_or("usage: picture FILE.svg")?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("log.metrics");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = [
        "build",
        "-q",
        "-p",
        "papyra-metrics-cli",
        "-p",
        "papyra-metrics-examples",
        "--bins",
        "--examples",
    ];
    if !Command::new(&cargo).args(build).status()?.success() {
        return Err("the backend and the command do not build".into());
    }
    let mut backend = Command::new(&cargo)
        .args([
            "run",
            "-q",
            "-p",
            "papyra-metrics-examples",
            "--example",
            "live",
            "--",
            "--seconds",
            "20",
        ])
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let mut printed = BufReader::new(backend.stdout.take().ok_or("no output")?);
    printed.read_line(&mut line)?; // waits until the backend has published its metrics
    let screen = watch(&cargo, directory.path());
    backend.wait()?;
    std::fs::write(output, svg(screen?.screen()))?;
    Ok(())
}

/// Runs `papyra-metrics watch`. Returns the content of the terminal after the warm-up.
fn watch(cargo: &std::ffi::OsStr, directory: &std::path::Path) -> Result<vt100::Parser> {
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size)?;
    let mut command = CommandBuilder::new(cargo);
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    command.args(["run", "-q", "--manifest-path", manifest, "-p", "papyra-metrics-cli", "--"]);
    command.args(["watch", "--interval", "0.3", "log.metrics"]);
    command.cwd(directory);
    command.env("TERM", "xterm-256color");
    command.env_remove("NO_COLOR");
    let mut child = pair.slave.spawn_command(command)?;
    drop(pair.slave);
    let mut keys = pair.master.take_writer()?;
    let mut reader = pair.master.try_clone_reader()?;
    let (send, written) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = reader.read(&mut buffer) {
            if send.send(buffer[..len].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut screen = vt100::Parser::new(ROWS, COLUMNS, 0);
    let end = Instant::now() + WARM_UP;
    while let Ok(bytes) = written.recv_timeout(end.saturating_duration_since(Instant::now())) {
        screen.process(&bytes);
    }
    keys.write_all(b"q")?;
    child.wait()?;
    Ok(screen)
}

fn svg(screen: &vt100::Screen) -> String {
    const WIDTH: f32 = 8.4;
    const HEIGHT: f32 = 18.0;
    const MARGIN: f32 = 14.0;
    let width = f32::from(COLUMNS) * WIDTH + 2.0 * MARGIN;
    let height = f32::from(ROWS) * HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
         <title>papyra-metrics watch</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1c1e26\"/>\n\
         <g font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" fill=\"#d5d8df\">\n"
    );
    for row in 0..ROWS {
        let y = MARGIN + (f32::from(row) + 0.75) * HEIGHT;
        // Adjacent cells with the same style form a text, which is split into pieces at gaps. Each piece becomes a text
        // element with a fixed length, so that it has the same width in every font.
        let mut column = 0;
        while column < COLUMNS {
            let Some(first) = screen.cell(row, column) else { break };
            let style = (first.fgcolor(), first.bold());
            let start = column;
            let mut text = String::new();
            while let Some(cell) =
                screen.cell(row, column).filter(|cell| (cell.fgcolor(), cell.bold()) == style)
            {
                let shown = cell.contents();
                text.push_str(if shown.is_empty() { " " } else { &shown });
                column += 1;
            }
            let weight = if style.1 { " font-weight=\"bold\"" } else { "" };
            for (at, words) in pieces(&text) {
                let x = MARGIN + (f32::from(start) + at) * WIDTH;
                let length = cells(words) * WIDTH;
                let words = words.replace('&', "&amp;").replace('<', "&lt;");
                let _ = writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\"{}{weight}>{words}</text>",
                    color(style.0)
                );
            }
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Splits a line at gaps of several spaces. Returns each piece with the column where it begins.
fn pieces(text: &str) -> Vec<(f32, &str)> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end();
    while !rest.is_empty() {
        let piece = rest.trim_start();
        let end = piece.find("  ").unwrap_or(piece.len());
        let before = text.trim_end().strip_suffix(piece).map_or(0.0, cells);
        pieces.push((before, &piece[..end]));
        rest = &piece[end..];
    }
    pieces
}

fn cells(text: &str) -> f32 {
    u16::try_from(text.chars().count()).map_or(0.0, f32::from)
}

fn color(color: vt100::Color) -> &'static str {
    match color {
        vt100::Color::Idx(1) => " fill=\"#e95678\"",
        vt100::Color::Idx(2) => " fill=\"#29d398\"",
        vt100::Color::Idx(3) => " fill=\"#fab795\"",
        vt100::Color::Idx(6) => " fill=\"#59e3e3\"",
        _ => "",
    }
}
