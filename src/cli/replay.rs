//! `ordain replay`: what would have been. The orders of a data directory, decided again under other rules, carriers, stock,
//! outages or demand, beside what was decided; and rules that reach a target.
//!
//! Reads a copy of the log, checks it on the way and changes nothing. No server may run on the directory: a running one
//! answers the same question at `POST /v1/replays`, and a backup of it restores elsewhere.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{End, Stop, log_to_stderr, scratch_folder, there};
use crate::api::json::Json;
use crate::api::reading;
use crate::api::replay::{ReplayFigures, ReplayJson, ReplayRequest};
use crate::journal::Look;
use crate::replay::{self, Directory, Progress};

/// Decide the orders of a data directory again, and compare. Without any other option nothing is supposed, and every decision
/// must come out the same.
#[derive(Debug, Args)]
pub struct Replay {
    /// Data directory; no server may be running on it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only orders placed from this instant on (RFC 3339).
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only orders placed before this instant.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Other rules for the orders that name none: JSON, as `PUT /v1/rule-sets/{name}` takes it.
    #[arg(long, value_name = "FILE", conflicts_with = "rule_set")]
    rules: Option<PathBuf>,
    /// A rule set that the directory knows instead, or one of the presets; its active version unless one is named.
    #[arg(long, value_name = "NAME[:VERSION]")]
    rule_set: Option<String>,
    /// Other carriers: JSON lines, as `ordain import carriers` takes them. Carriers of other ids stay.
    #[arg(long, value_name = "FILE")]
    carriers: Option<PathBuf>,
    /// A node that is switched off; may be given several times.
    #[arg(long, value_name = "NODE")]
    out: Vec<String>,
    /// Units more or fewer at the beginning: CSV with the columns sku, node, delta.
    #[arg(long, value_name = "FILE")]
    stock: Option<PathBuf>,
    /// Free stock at the beginning and all that is received later, as a multiple of what it was.
    #[arg(long, value_name = "FACTOR")]
    stock_factor: Option<String>,
    /// How often every order is placed: 1.5 places half of them twice.
    #[arg(long, value_name = "FACTOR")]
    demand: Option<String>,
    /// A defined change of the recorded orders.
    #[arg(long, value_enum)]
    scenario: Option<Scenario>,
    /// Look for rules that reach this, such as `time -20%`: time, cost, shipments, splits, distance, carbon or unfilled.
    #[arg(long, value_name = "MEASURE CHANGE", allow_hyphen_values = true)]
    target: Option<String>,
    /// What may not change by more for it; may be given several times [default: cost +0%].
    #[arg(long, value_name = "MEASURE CHANGE", requires = "target", allow_hyphen_values = true)]
    at_most: Vec<String>,
    /// Print JSON, with the first plans that differ.
    #[arg(long)]
    json: bool,
    /// Where a copy of the log may be made meanwhile [default: the system's folder for such].
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// The day with the most orders, each of them twice.
    BusiestDay,
    /// Every sku has no more than its orders ask for.
    StockOut,
    /// The busiest days of all channels on one day.
    AllChannels,
}

impl Scenario {
    fn word(self) -> &'static str {
        match self {
            Self::BusiestDay => "busiest_day",
            Self::StockOut => "stock_out",
            Self::AllChannels => "all_channels",
        }
    }
}

impl Replay {
    pub(super) fn run(self) -> Result<End, Stop> {
        log_to_stderr("warn");
        there(&self.data)?;
        let rules = self.rules.as_deref().map(read).transpose()?;
        let carriers = self.carriers.as_deref().map(read).transpose()?;
        let stock = self.stock.as_deref().map(read).transpose()?;
        let asked = self.request(rules.as_deref(), carriers.as_deref(), stock.as_deref())?;
        let (suppose, target) = (replay::supposed(&asked), asked.target.as_ref().map(replay::target_of));

        let bar = ProgressBar::new_spinner();
        let style = "{spinner} {msg}";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let mut tell = |progress: Progress| {
            bar.set_message(told(progress));
            bar.tick();
            true
        };
        let scratch = scratch_folder(self.scratch);
        let look = Look { root: &self.data, scratch: &scratch, verifier: std::env::current_exe().ok() };
        let mut source = Directory::at(look);
        let replayed = replay::replay(&mut source, &suppose, target.as_ref(), &mut tell);
        bar.finish_and_clear();
        let replayed = match replayed {
            Err(stop) if stop.is_damage() => {
                eprintln!("ordain: {stop}");
                return Ok(End::Damaged);
            }
            replayed => replayed.map_err(|stop| Stop::Unexpected(stop.to_string()))?,
        };
        let shown = replay::shown(&replayed);
        if self.json {
            let json = serde_json::to_string_pretty(&shown).map_err(|error| Stop::Unexpected(error.to_string()))?;
            println!("{json}");
        } else {
            print(&shown)?;
        }
        let is_reached = shown.found.as_ref().is_none_or(|found| found.reached);
        Ok(if is_reached { End::Fine } else { End::Refused })
    }

    /// The same request that a server takes, so that both judge it alike.
    fn request(
        &self,
        rules: Option<&[u8]>,
        carriers: Option<&[u8]>,
        stock: Option<&[u8]>,
    ) -> Result<ReplayRequest, Stop> {
        let mut fields: Vec<(Cow<'_, str>, Json<'_>)> = Vec::new();
        let mut add = |name: &'static str, json: Option<Json<'static>>| {
            fields.extend(json.map(|json| (Cow::Borrowed(name), json)));
        };
        let (name, version) = match self.rule_set.as_deref().map(|named| named.split_once(':').ok_or(named)) {
            None => (None, None),
            Some(Ok((name, version))) => (Some(name), Some(version)),
            Some(Err(name)) => (Some(name), None),
        };
        add("rule_set", name.map(bare));
        add("version", version.map(bare));
        add("from", self.from.as_deref().map(bare));
        add("until", self.until.as_deref().map(bare));
        add("out", (!self.out.is_empty()).then(|| Json::List(self.out.iter().map(|node| bare(node)).collect())));
        add("stock_factor", self.stock_factor.as_deref().map(bare));
        add("demand_factor", self.demand.as_deref().map(bare));
        add("scenario", self.scenario.map(|scenario| bare(scenario.word())));
        add("stock", stock.map(rows).transpose()?);
        add("target", self.target.as_deref().map(|aim| target(aim, &self.at_most)).transpose()?);
        if let Some(rules) = rules {
            fields.push(("rules".into(), Json::parse(rules).map_err(unreadable("the rules"))?));
        }
        if let Some(carriers) = carriers {
            let lines = carriers.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
            let lines: Result<Vec<_>, _> = lines.map(Json::parse).collect();
            fields.push(("carriers".into(), Json::List(lines.map_err(unreadable("the carriers"))?)));
        }
        let told = |faults: Vec<crate::domain::rejection::Fault>| {
            let told: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.detail)).collect();
            Stop::Unexpected(told.join("; "))
        };
        reading::read(&Json::Object(fields)).map_err(told)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(file).map_err(Stop::file(file.display().to_string()))
}

fn unreadable<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Stop {
    move |error| Stop::Unexpected(format!("{what} cannot be read: {error}"))
}

fn bare(text: &str) -> Json<'static> {
    Json::Bare(Cow::Owned(text.to_owned()))
}

fn object(fields: impl IntoIterator<Item = (&'static str, Json<'static>)>) -> Json<'static> {
    Json::Object(fields.into_iter().map(|(name, json)| (Cow::Borrowed(name), json)).collect())
}

/// Rows of a table as objects, its heading naming their fields.
fn rows(text: &[u8]) -> Result<Json<'static>, Stop> {
    let mut table = csv::Reader::from_reader(text);
    let heading = table.headers().map_err(unreadable("the stock"))?.clone();
    let mut rows = Vec::new();
    for row in table.records() {
        let row = row.map_err(unreadable("the stock"))?;
        let cell = |(name, cell): (&str, &str)| (Cow::Owned(name.to_owned()), bare(cell));
        rows.push(Json::Object(heading.iter().zip(&row).map(cell).collect()));
    }
    Ok(Json::List(rows))
}

/// A target and its limits, each as `time -20%`.
fn target(aim: &str, at_most: &[String]) -> Result<Json<'static>, Stop> {
    let [measure, percent] = measured(aim)?;
    let limits = at_most.iter().map(|limit| Ok(object(measured(limit)?))).collect::<Result<Vec<_>, Stop>>()?;
    let limits = (!limits.is_empty()).then_some(("at_most", Json::List(limits)));
    Ok(object([measure, percent].into_iter().chain(limits)))
}

fn measured(text: &str) -> Result<[(&'static str, Json<'static>); 2], Stop> {
    // As it is typed, and as it is written.
    let text = text.replace('\u{2212}', "-");
    let unlike = || Stop::Unexpected(format!("{text:?} is no measure and change, such as \"time -20%\""));
    let at = text.find(|c: char| c == '+' || c == '-' || c.is_ascii_digit()).ok_or_else(unlike)?;
    let (measure, change) = text.split_at(at);
    let change = change.trim().trim_end_matches('%').trim().trim_start_matches('+');
    Ok([("measure", bare(measure.trim())), ("percent", bare(change))])
}

fn told(progress: Progress) -> String {
    let Progress { records, of, tried } = progress;
    let of = if of > 0 { format!(" (a pass is {of})") } else { String::new() };
    let tried = if tried > 0 { format!(", {tried} sets of rules tried") } else { String::new() };
    format!("{records} records read{of}{tried}")
}

fn print(shown: &ReplayJson) -> Result<(), Stop> {
    let ReplayJson { before, after, .. } = shown;
    println!("{:<32} {:>16} {:>16}   change", "", "decided", "what if");
    let currency = serde_json::to_value(before.cost.currency).unwrap_or_default();
    let currency = currency.as_str().unwrap_or_default();
    row("orders", before.orders as f64, after.orders as f64, 0);
    row(&format!("cost, minor units of {currency}"), before.cost.amount as f64, after.cost.amount as f64, 0);
    row("cost by the rules that decided", before.weighed.amount as f64, after.weighed.amount as f64, 0);
    row("shipments", before.shipments as f64, after.shipments as f64, 0);
    row("shipments an order", per_order(before, before.shipments), per_order(after, after.shipments), 3);
    row("shipments beyond the first", before.splits as f64, after.splits as f64, 0);
    if before.dated > 0 && after.dated > 0 {
        row("days to the last shipment", mean(before.days, before.dated), mean(after.days, after.dated), 3);
    }
    row("distance, km", before.distance_km as f64, after.distance_km as f64, 0);
    row("greenhouse gas, kg CO2e", before.carbon_kg as f64, after.carbon_kg as f64, 0);
    row("units from nodes", before.units as f64, after.units as f64, 0);
    row("units not filled when decided", before.unfilled as f64, after.unfilled as f64, 0);
    row("units waiting at the end", before.waiting as f64, after.waiting as f64, 0);
    println!();
    println!("{} orders, {} decisions made again: {} the same", shown.orders, shown.decided, shown.same);
    if shown.not_concerned > 0 {
        println!(
            "{} by rules that their orders name, or of a narrower scope: not by those supposed",
            shown.not_concerned
        );
    }
    if shown.unpriced > 0 {
        let told = "while no prices were known of what is worth something to orders to come";
        println!("{} by rules that weigh `opportunity`, {told}: as if nothing were", shown.unpriced);
    }
    if shown.followed > 0 {
        println!("{} of which too little was recorded were taken over", shown.followed);
    }
    if shown.owed > 0 {
        println!("{} units were taken by carts, transfers or corrections although they were not there", shown.owed);
    }
    if let Some(found) = &shown.found {
        println!();
        println!("{} after {} tries:", if found.reached { "reached" } else { "not reached; the nearest" }, found.tried);
        for measure in &found.measures {
            let change = measure.percent.map_or("nothing before".to_owned(), |percent| format!("{percent:+.2} %"));
            println!("  {:<12} {change} (at most {:+} %)", measure.measure, measure.percent_wanted);
        }
        let rules = serde_json::to_string(&found.rules).map_err(|error| Stop::Unexpected(error.to_string()))?;
        println!("{rules}");
    }
    io::Write::flush(&mut io::stdout()).map_err(Stop::file("stdout"))
}

fn row(name: &str, before: f64, after: f64, digits: usize) {
    let change = match before {
        before if before == after => String::new(),
        0.0 => "new".to_owned(),
        before => format!("{:+.1} %", (after / before - 1.0) * 100.0),
    };
    println!("{}", format!("{name:<32} {before:>16.digits$} {after:>16.digits$}   {change}").trim_end());
}

fn per_order(figures: &ReplayFigures, count: u64) -> f64 {
    mean(count, figures.orders)
}

fn mean(sum: u64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { sum as f64 / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_it_is_typed_and_as_it_is_written() {
        let read = |text| measured(text).expect("a measure and a change");
        assert_eq!(read("time -20%"), read("time \u{2212}20 %"));
        assert_ne!(read("time -20%"), read("time +20%"));
    }
}
