//! The result: a table for people, and the same as JSON with every window.

use serde_json::{Value, json};

use super::bars::{Bar, Figure};
use super::rounds::Window;
use super::statistics::{Ratio, median};
use super::workloads::Line;

/// Share of its core from which the generator counts as the one that is waited for.
const GENERATOR_FULL: f64 = 0.95;
/// Share of a core that others may take before a line says so.
const OTHERS_MAX: f64 = 0.05;

/// A measured line.
pub struct Measured {
    name: String,
    what: &'static str,
    connections: usize,
    depth: usize,
    sides: Vec<(&'static str, Vec<Window>)>,
}

/// The subject of a line over another side.
struct Comparison {
    peer: &'static str,
    rate: Ratio,
    p99: Ratio,
    server_us: Ratio,
}

impl Measured {
    /// A line with the windows of its sides.
    pub fn new(line: &Line, windows: Vec<Vec<Window>>) -> Self {
        let sides = line.sides.iter().map(|side| side.name).zip(windows).collect();
        Self { name: line.name.clone(), what: line.what, connections: line.connections, depth: line.depth, sides }
    }

    fn comparisons(&self) -> Vec<Comparison> {
        let Some(((_, subject), peers)) = self.sides.split_first() else { return Vec::new() };
        let ratio = |peer: &[Window], of: fn(&Window) -> f64| Ratio::of(&column(subject, of), &column(peer, of));
        let compare = |(peer, windows): &(&'static str, Vec<Window>)| Comparison {
            peer,
            rate: ratio(windows, |window| window.rate),
            p99: ratio(windows, |window| window.latencies_us[1]),
            server_us: ratio(windows, |window| window.server_us),
        };
        peers.iter().map(compare).collect()
    }

    /// Lines of the table.
    pub fn text(&self) -> String {
        let depth = if self.depth == 1 { String::new() } else { format!(" x {} under way", self.depth) };
        let mut out = format!("\n{}, {} connections{depth}\n", self.name, self.connections);
        let mut line = |text: String| out.push_str(&format!("  {}\n", text.trim_end()));
        line(format!(
            "{:<18} {:>10} {:>9} {:>9} {:>9} {:>10} {:>11} {:>9}",
            "side", "rate/s", "p50 us", "p99 us", "p99.9 us", "cpu us/op", "server core", "generator"
        ));
        for (name, windows) in &self.sides {
            let middle = |of: fn(&Window) -> f64| median(&column(windows, of));
            line(format!(
                "{name:<18} {:>10.0} {:>9.0} {:>9.0} {:>9.0} {:>10.2} {:>10.0}% {:>8.0}%  {}",
                middle(|window| window.rate),
                middle(|window| window.latencies_us[0]),
                middle(|window| window.latencies_us[1]),
                middle(|window| window.latencies_us[2]),
                middle(|window| window.server_us),
                middle(|window| window.server_share) * 100.0,
                middle(|window| window.generator_share) * 100.0,
                remarks(windows).join(", ")
            ));
        }
        for Comparison { peer, rate, p99, server_us } in self.comparisons() {
            let subject = self.sides[0].0;
            let told = |figure, ratio: Ratio| match Bar::find(&self.name, self.connections, peer, figure) {
                Some(bar) => format!("{} ({}: {})", short(ratio), bar.told(), bar.judge(ratio).word()),
                None => short(ratio),
            };
            let (rate, p99) = (told(Figure::Rate, rate), told(Figure::P99, p99));
            line(format!("{subject} / {peer}: rate {rate}, p99 {p99}, cpu/op {}", short(server_us)));
        }
        out
    }

    /// All of it.
    pub fn json(&self) -> Value {
        let side = |(name, windows): &(&'static str, Vec<Window>)| {
            let middle = |of: fn(&Window) -> f64| median(&column(windows, of));
            json!({
                "side": name,
                "rate": middle(|window| window.rate),
                "p50_us": middle(|window| window.latencies_us[0]),
                "p99_us": middle(|window| window.latencies_us[1]),
                "p999_us": middle(|window| window.latencies_us[2]),
                "server_cpu_us_per_operation": middle(|window| window.server_us),
                "server_share": middle(|window| window.server_share),
                "server_core_busy": middle(|window| window.server_core),
                "generator_share": middle(|window| window.generator_share),
                "generator_core_busy": middle(|window| window.generator_core),
                "remarks": remarks(windows),
                "windows": windows.iter().map(|window| json!({
                    "rate": window.rate, "p50_us": window.latencies_us[0], "p99_us": window.latencies_us[1],
                    "p999_us": window.latencies_us[2], "server_cpu_us_per_operation": window.server_us,
                    "server_share": window.server_share, "server_core_busy": window.server_core,
                    "generator_share": window.generator_share, "generator_core_busy": window.generator_core,
                })).collect::<Vec<_>>(),
            })
        };
        let comparison = |compared: &Comparison| {
            let judged = |figure, ratio: Ratio| {
                let bar = Bar::find(&self.name, self.connections, compared.peer, figure);
                json!({
                    "ratio": ratio.middle, "interval": ratio.interval.map(|(low, high)| [low, high]),
                    "bar": bar.map(|bar| bar.ratio), "verdict": bar.map(|bar| bar.judge(ratio).word()),
                })
            };
            json!({
                "peer": compared.peer,
                "rate": judged(Figure::Rate, compared.rate),
                "p99": judged(Figure::P99, compared.p99),
                "server_cpu_per_operation": {
                    "ratio": compared.server_us.middle,
                    "interval": compared.server_us.interval.map(|(low, high)| [low, high]),
                },
            })
        };
        json!({
            "line": self.name, "what": self.what, "connections": self.connections, "depth": self.depth,
            "sides": self.sides.iter().map(side).collect::<Vec<_>>(),
            "comparisons": self.comparisons().iter().map(comparison).collect::<Vec<_>>(),
        })
    }
}

fn column(windows: &[Window], of: fn(&Window) -> f64) -> Vec<f64> {
    windows.iter().map(of).collect()
}

fn short(ratio: Ratio) -> String {
    let digits = if ratio.middle >= 10.0 { 1 } else { 2 };
    match ratio.interval {
        Some((low, high)) => format!("{:.digits$} [{low:.digits$}, {high:.digits$}]", ratio.middle),
        None => format!("{:.digits$}", ratio.middle),
    }
}

/// What a reader must know to believe a side.
fn remarks(windows: &[Window]) -> Vec<&'static str> {
    let middle = |of: fn(&Window) -> f64| median(&column(windows, of));
    let mut remarks = Vec::new();
    if middle(|window| window.generator_share) >= GENERATOR_FULL {
        remarks.push("GENERATOR FULL: this rate is the generator's");
    }
    if middle(|window| window.server_core - window.server_share) > OTHERS_MAX {
        remarks.push("others on the server's core");
    }
    if middle(|window| window.generator_core - window.generator_share) > OTHERS_MAX {
        remarks.push("others on the generator's core");
    }
    remarks
}
