//! Replaying what a merchant really did: the part that the converters share.
//!
//! A converter turns a public data set into a [`Plan`]: nodes, items, stock and dated steps, each in the *lane* of one
//! order. [`run`] starts a server on an empty data directory with the clock of its requests, imports, carries out the
//! steps day by day, stops the server, checks the directory, starts it again and compares.
//!
//! Promises: steps of one lane happen in the order of their times, one after the other; days follow one another. Within a
//! day lanes run side by side over as many connections as asked for, so two orders of one day may change places. Every
//! answer that is not a success is counted under its code. In the end the [`Report`] says whether every level keeps the
//! identity, every line is somewhere whole, as many units are cancelled as were asked to be, and as many are on hand as
//! were imported, adjusted and did not leave.
//!
//! What is *not* here: what a data set means. That is the converter's.

mod books;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use books::{Books, on_hand};
use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use ordain::connectors::client::{Answer, Client, segment};
use serde::Serialize;
use serde_json::{Value, json};

/// Anything that ends a replay early, told as it is.
pub type Stop = Box<dyn std::error::Error + Send + Sync>;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What both converters can be told.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Folder with the data sets [default: $ORDAIN_DATA, else ../shared/data].
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Take only the first so many orders.
    #[arg(long)]
    pub limit: Option<usize>,
    /// Use a running server that keeps the clock of its requests, on an empty data directory, instead of starting one;
    /// the restart is then left out.
    #[arg(long)]
    pub url: Option<String>,
    /// Requests at a time.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Show no progress.
    #[arg(long)]
    pub quiet: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { data: None, limit: None, url: None, connections: 64, json: false, quiet: false }
    }
}

impl Options {
    /// The folder of one data set.
    pub fn folder(&self, name: &str) -> PathBuf {
        let chosen = self.data.clone().or_else(|| std::env::var_os("ORDAIN_DATA").map(PathBuf::from));
        chosen.unwrap_or_else(|| PathBuf::from("../shared/data")).join(name)
    }
}

/// What to import, and what then happened.
pub struct Plan {
    /// Name of the replay.
    pub name: String,
    /// Base currency.
    pub currency: &'static str,
    /// Lines of the node import.
    pub nodes: Vec<Value>,
    /// Lines of the item import.
    pub items: Vec<Value>,
    /// Lines of the stock import: `sku`, `node`, `on_hand`.
    pub stock: Vec<Value>,
    /// Steps in any order.
    pub steps: Vec<Step>,
    /// What was left out or changed on the way from the data set, counted under a code.
    pub notes: BTreeMap<&'static str, u64>,
}

/// Something that happened.
pub struct Step {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Whose: steps of one lane follow one another.
    pub lane: String,
    /// What.
    pub act: Act,
}

/// What can happen.
pub enum Act {
    /// An order comes in.
    Place(Value),
    /// Its fulfilment orders are accepted, picked, packed and shipped.
    Ship,
    /// What was shipped arrives.
    Deliver,
    /// Units of a line are cancelled.
    Cancel {
        /// The line.
        line: String,
        /// Units.
        quantity: u64,
    },
    /// Units of a line come back after delivery, to the node that shipped most of the line.
    Return {
        /// The line.
        line: String,
        /// Its sku.
        sku: String,
        /// Units.
        quantity: u64,
    },
    /// Stock changes for a reason outside all orders. A loss is taken from these nodes in turn, as far as they have.
    Adjust {
        /// The sku.
        sku: String,
        /// Where.
        nodes: Vec<String>,
        /// By how much.
        delta: i64,
        /// Why, a word of the API.
        reason: &'static str,
    },
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Name of the replay.
    pub name: String,
    /// Nodes imported.
    pub nodes: u64,
    /// Items imported.
    pub items: u64,
    /// Orders placed.
    pub placed: u64,
    /// Their lines.
    pub lines: u64,
    /// Their units.
    pub units: u64,
    /// Orders from several nodes.
    pub split: u64,
    /// Orders of which something had to wait for stock.
    pub backordered: u64,
    /// Orders whose plan is proven best.
    pub optimal: u64,
    /// Fulfilment orders shipped.
    pub shipped: u64,
    /// Fulfilment orders delivered.
    pub delivered: u64,
    /// Units cancelled.
    pub units_cancelled: u64,
    /// Units returned.
    pub units_returned: u64,
    /// Orders divided because one record could not hold them.
    pub divided: u64,
    /// Cost of all plans, minor units.
    pub cost: i64,
    /// What was refused, by step and code.
    pub refused: BTreeMap<String, u64>,
    /// An example of each refusal, in the server's words.
    pub examples: BTreeMap<String, String>,
    /// What the converter left out or changed.
    pub notes: BTreeMap<&'static str, u64>,
    /// Requests answered.
    pub requests: u64,
    /// Wall time of the steps, seconds.
    pub seconds: f64,
    /// Orders placed and carried through a second.
    pub orders_per_second: f64,
    /// Lines of them a second.
    pub lines_per_second: f64,
    /// Cells looked at in the end.
    pub cells: u64,
    /// Cells that broke the identity.
    pub identity_violations: u64,
    /// Units imported as stock.
    pub units_imported: i64,
    /// Units that came or went by adjustments.
    pub units_adjusted: i64,
    /// What does not add up over all orders and levels.
    pub books_broken: Vec<String>,
    /// Orders at the end by status.
    pub orders_by_status: BTreeMap<String, u64>,
    /// Hash of the state before and after the restart.
    pub state: Option<[String; 2]>,
    /// Whether levels, orders and state are the same after a restart.
    pub same_after_restart: Option<bool>,
    /// What differs after the restart.
    pub differences: Vec<String>,
    /// What only this replay measures.
    pub further: BTreeMap<&'static str, Value>,
}

/// An order on its way.
#[derive(Default)]
struct Lane {
    /// The placed orders: one, unless it had to be divided.
    orders: Vec<Placed>,
}

struct Placed {
    path: String,
    fulfillments: Vec<Fulfillment>,
    /// Whether fulfilment orders may have changed since they were read.
    stale: bool,
}

struct Fulfillment {
    id: String,
    node: String,
    status: String,
    lines: Vec<(String, u64)>,
}

/// Called with every order that was placed: the request and the answer.
pub type OnPlaced<'a> = dyn Fn(&Value, &Value) + Sync + 'a;

/// Carries a plan out and reports. `program` is the server: anything that knows the subcommands of `ordain`.
pub fn run(plan: Plan, options: &Options, program: &Path, on_placed: &OnPlaced<'_>) -> Result<Report, Stop> {
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = std::env::temp_dir().join(format!("ordain-replay-{}-{}", plan.name, std::process::id()));
    let server = match &options.url {
        Some(_) => None,
        None => Some(Server::start(program, &folder, plan.currency)?),
    };
    let url = server.as_ref().map_or_else(|| options.url.clone().unwrap_or_default(), |server| server.url.clone());
    let currency = plan.currency;
    let client = Client::new(&url)?;
    let skus: Vec<String> = plan.items.iter().filter_map(|item| Some(item["sku"].as_str()?.to_owned())).collect();
    let goods = plan.items.iter().filter(|item| item["kind"] == "product");
    let goods: HashSet<String> = goods.filter_map(|item| Some(item["sku"].as_str()?.to_owned())).collect();
    let (mut report, levels) = runtime.block_on(async {
        let report = replay(&client, plan, options, on_placed).await?;
        let levels = levels(&client, &skus, options).await?;
        Ok::<_, Stop>((report, levels))
    })?;
    (report.cells, report.identity_violations) = judge(&levels);
    let books = runtime.block_on(Books::read(&client, &goods))?;
    report.books_broken = report.broken(&books, on_hand(&levels));
    report.orders_by_status.clone_from(&books.by_status);

    if let Some(server) = server {
        server.stop()?;
        let before = state_hash(program, &folder)?;
        let server = Server::start(program, &folder, currency)?;
        let client = Client::new(&server.url)?;
        let (again, books_again) = runtime.block_on(async {
            Ok::<_, Stop>((self::levels(&client, &skus, options).await?, Books::read(&client, &goods).await?))
        })?;
        server.stop()?;
        let after = state_hash(program, &folder)?;
        report.differences = differences(&levels, &again);
        if books_again != books {
            report.differences.push(format!("orders: {books:?}, then {books_again:?}"));
        }
        report.same_after_restart = Some(report.differences.is_empty() && before == after);
        report.state = Some([before, after]);
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(report)
}

async fn replay(client: &Client, plan: Plan, options: &Options, on_placed: &OnPlaced<'_>) -> Result<Report, Stop> {
    let mut report = Report { name: plan.name, notes: plan.notes, ..Report::default() };
    report.nodes = import(client, "nodes", &plan.nodes).await?;
    report.items = import(client, "items", &plan.items).await?;
    import(client, "stock", &plan.stock).await?;
    report.units_imported = plan.stock.iter().filter_map(|line| line["on_hand"].as_i64()).sum();

    let mut days: BTreeMap<i64, HashMap<String, Vec<Step>>> = BTreeMap::new();
    let total = plan.steps.len() as u64;
    for step in plan.steps {
        let lanes = days.entry(step.at_ms.div_euclid(DAY_MS)).or_default();
        lanes.entry(step.lane.clone()).or_default().push(step);
    }
    let progress = if options.quiet { ProgressBar::hidden() } else { ProgressBar::new(total) };
    let style = "{msg} {wide_bar} {pos}/{len} steps {per_sec} {eta}";
    progress.set_style(ProgressStyle::with_template(style)?);
    let started = Instant::now();
    let mut lanes: HashMap<String, Lane> = HashMap::new();
    for (day, mut today) in days {
        progress.set_message(stamp(day * DAY_MS)[..10].to_owned());
        // A map gives its lanes in another order each time; a replay should not.
        let mut names: Vec<String> = today.keys().cloned().collect();
        names.sort_unstable();
        let work = names.into_iter().map(|name| {
            let mut steps = today.remove(&name).unwrap_or_default();
            steps.sort_by_key(|step| step.at_ms);
            let lane = lanes.remove(&name).unwrap_or_default();
            let progress = progress.clone();
            async move {
                let mut walk = Walk { client, on_placed, lane, told: Told::default() };
                for step in steps {
                    walk.step(step).await?;
                    progress.inc(1);
                }
                Ok::<_, Stop>((name, walk.lane, walk.told))
            }
        });
        let done: Vec<_> = stream::iter(work.collect::<Vec<_>>()).buffer_unordered(options.connections).collect().await;
        for lane in done {
            let (name, lane, told) = lane?;
            told.add_to(&mut report);
            lanes.insert(name, lane);
        }
    }
    progress.finish_and_clear();
    report.seconds = started.elapsed().as_secs_f64();
    report.orders_per_second = report.placed as f64 / report.seconds;
    report.lines_per_second = report.lines as f64 / report.seconds;
    Ok(report)
}

/// What one lane has to tell of one day.
#[derive(Default)]
struct Told(Report);

impl Told {
    fn add_to(self, report: &mut Report) {
        let from = self.0;
        report.placed += from.placed;
        report.lines += from.lines;
        report.units += from.units;
        report.split += from.split;
        report.backordered += from.backordered;
        report.optimal += from.optimal;
        report.shipped += from.shipped;
        report.delivered += from.delivered;
        report.units_cancelled += from.units_cancelled;
        report.units_returned += from.units_returned;
        report.units_adjusted += from.units_adjusted;
        report.divided += from.divided;
        report.cost += from.cost;
        report.requests += from.requests;
        for (code, count) in from.refused {
            *report.refused.entry(code).or_default() += count;
        }
        for (code, example) in from.examples {
            report.examples.entry(code).or_insert(example);
        }
    }

    /// Counts an answer; `None` when it is a refusal.
    fn take(&mut self, what: &str, answer: Answer) -> Option<Value> {
        self.0.requests += 1;
        if answer.is_fine() {
            return Some(answer.body);
        }
        let code = format!("{what}: {}", answer.code());
        *self.0.refused.entry(code.clone()).or_default() += 1;
        self.0.examples.entry(code).or_insert_with(|| answer.detail());
        None
    }
}

/// Carries out the steps of one lane.
struct Walk<'a> {
    client: &'a Client,
    on_placed: &'a OnPlaced<'a>,
    lane: Lane,
    told: Told,
}

impl Walk<'_> {
    async fn step(&mut self, step: Step) -> Result<(), Stop> {
        let time = stamp(step.at_ms);
        match step.act {
            Act::Place(order) => self.place(&time, order).await,
            Act::Ship => self.ship(&time).await,
            Act::Deliver => self.deliver(&time).await,
            Act::Cancel { line, quantity } => self.cancel(&time, &line, quantity).await,
            Act::Return { line, sku, quantity } => self.take_back(&time, &line, &sku, quantity).await,
            Act::Adjust { sku, nodes, delta, reason } => self.adjust(&time, &sku, &nodes, delta, reason).await,
        }
    }

    /// Places an order; one that a single record cannot hold is divided into halves until it can.
    async fn place(&mut self, time: &str, order: Value) -> Result<(), Stop> {
        let mut wanted = vec![order];
        while let Some(order) = wanted.pop() {
            let answer = self.client.post_at(time, "/v1/orders", &order).await?;
            if answer.code() == "record_too_large" {
                self.told.0.requests += 1;
                self.told.0.divided += 1;
                wanted.extend(halves(&order));
                continue;
            }
            let Some(placed) = self.told.take("place", answer) else { continue };
            (self.on_placed)(&order, &placed);
            let lines = placed["lines"].as_array().map_or(&[][..], Vec::as_slice);
            let waits = |line: &Value| line["buckets"]["backordered"].as_u64().unwrap_or(0) > 0;
            let placed_order = Placed::read(&placed)?;
            let told = &mut self.told.0;
            told.placed += 1;
            told.lines += lines.len() as u64;
            told.units += lines.iter().filter_map(|line| line["quantity"].as_u64()).sum::<u64>();
            told.split += u64::from(placed_order.fulfillments.len() > 1);
            told.backordered += u64::from(lines.iter().any(waits));
            told.optimal += u64::from(placed["decision"]["optimal"] == true);
            told.cost += placed["decision"]["cost"]["amount"].as_i64().unwrap_or(0);
            self.lane.orders.push(placed_order);
        }
        Ok(())
    }

    /// Reads the order again when its fulfilment orders may have changed.
    async fn refresh(&mut self) -> Result<(), Stop> {
        for order in self.lane.orders.iter_mut().filter(|order| order.stale) {
            let answer = self.client.get(&order.path).await?;
            if let Some(body) = self.told.take("read", answer) {
                *order = Placed::read(&body)?;
            }
        }
        Ok(())
    }

    async fn ship(&mut self, time: &str) -> Result<(), Stop> {
        self.refresh().await?;
        let shipment = json!({"carrier": "post", "service": "parcel", "tracking_number": "none"});
        for fulfillment in self.lane.orders.iter_mut().flat_map(|order| &mut order.fulfillments) {
            if fulfillment.status != "submitted" {
                continue;
            }
            let steps = [("accept", json!({})), ("pick", json!({})), ("pack", json!({})), ("ship", shipment.clone())];
            for (verb, body) in steps {
                let path = format!("/v1/fulfillment-orders/{}/{verb}", segment(&fulfillment.id));
                let answer = self.client.post_at(time, &path, &body).await?;
                if self.told.take(verb, answer).is_none() {
                    break;
                }
                if verb == "ship" {
                    fulfillment.status = "shipped".to_owned();
                    self.told.0.shipped += 1;
                }
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, time: &str) -> Result<(), Stop> {
        for fulfillment in self.lane.orders.iter_mut().flat_map(|order| &mut order.fulfillments) {
            if fulfillment.status != "shipped" {
                continue;
            }
            let path = format!("/v1/fulfillment-orders/{}/deliver", segment(&fulfillment.id));
            let answer = self.client.post_at(time, &path, &json!({})).await?;
            if self.told.take("deliver", answer).is_some() {
                fulfillment.status = "delivered".to_owned();
                self.told.0.delivered += 1;
            }
        }
        Ok(())
    }

    async fn cancel(&mut self, time: &str, line: &str, quantity: u64) -> Result<(), Stop> {
        let Some(order) = self.lane.orders.iter_mut().find(|order| order.has(line)) else { return Ok(()) };
        order.stale = true;
        let body = json!({"lines": [{"line": line, "quantity": quantity}], "reason": "cancelled by the customer"});
        let answer = self.client.post_at(time, &format!("{}/cancellations", order.path), &body).await?;
        if self.told.take("cancel", answer).is_some() {
            self.told.0.units_cancelled += quantity;
        }
        Ok(())
    }

    async fn take_back(&mut self, time: &str, line: &str, sku: &str, quantity: u64) -> Result<(), Stop> {
        let fulfillments = self.lane.orders.iter().flat_map(|order| &order.fulfillments);
        let units = |f: &Fulfillment| f.lines.iter().filter(|(l, _)| l == line).map(|(_, units)| *units).sum::<u64>();
        let Some(from) = fulfillments.filter(|f| f.status == "delivered").max_by_key(|f| units(f)) else {
            *self.told.0.refused.entry("return: never_delivered".to_owned()).or_default() += 1;
            return Ok(());
        };
        let node = from.node.clone();
        self.adjust(time, sku, &[node], i64::try_from(quantity)?, "returned").await
    }

    async fn adjust(
        &mut self,
        time: &str,
        sku: &str,
        nodes: &[String],
        delta: i64,
        reason: &'static str,
    ) -> Result<(), Stop> {
        let mut adjustments = Vec::new();
        if delta > 0 {
            adjustments.push(json!({"sku": sku, "node": nodes[0], "delta": delta, "reason": reason}));
        } else {
            let answer = self.client.get(&format!("/v1/stock/{}", segment(sku))).await?;
            let Some(stock) = self.told.take("read", answer) else { return Ok(()) };
            let mut left = -delta;
            for node in nodes {
                let level = stock["nodes"].as_array().into_iter().flatten().find(|level| level["node"] == **node);
                let free = level.and_then(|level| level["available"].as_i64()).unwrap_or(0).min(left);
                if free > 0 {
                    adjustments.push(json!({"sku": sku, "node": node, "delta": -free, "reason": reason}));
                    left -= free;
                }
            }
            if left > 0 {
                // The rest is asked for where the sku belongs, so that the server says what it thinks of it.
                adjustments.push(json!({"sku": sku, "node": nodes[0], "delta": -left, "reason": reason}));
            }
        }
        let body = json!({"adjustments": adjustments});
        let answer = self.client.post_at(time, "/v1/stock/adjustments", &body).await?;
        if self.told.take(reason, answer).is_some() {
            self.told.0.units_adjusted += delta;
            if reason == "returned" {
                self.told.0.units_returned += delta.unsigned_abs();
            }
        }
        Ok(())
    }
}

impl Placed {
    fn read(order: &Value) -> Result<Self, Stop> {
        let id = order["id"].as_str().ok_or("an order has an id")?;
        let fulfillment = |f: &Value| {
            let unit = |l: &Value| Some((l["line"].as_str()?.to_owned(), l["quantity"].as_u64()?));
            Some(Fulfillment {
                id: f["id"].as_str()?.to_owned(),
                node: f["node"].as_str()?.to_owned(),
                status: f["status"].as_str()?.to_owned(),
                lines: f["lines"].as_array()?.iter().filter_map(unit).collect(),
            })
        };
        let fulfillments = order["fulfillment_orders"].as_array().ok_or("an order has fulfilment orders")?;
        let fulfillments: Vec<_> = fulfillments.iter().filter_map(fulfillment).collect();
        let lines = order["lines"].as_array().into_iter().flatten();
        let stale = lines.map(|line| &line["buckets"]["backordered"]).any(|units| units.as_u64() > Some(0));
        Ok(Self { path: format!("/v1/orders/{}", segment(id)), fulfillments, stale })
    }

    fn has(&self, line: &str) -> bool {
        self.fulfillments.iter().any(|f| f.lines.iter().any(|(l, _)| l == line))
    }
}

/// The two halves of an order, each under a name of its own.
fn halves(order: &Value) -> Vec<Value> {
    let lines = order["lines"].as_array().map_or(&[][..], Vec::as_slice);
    let half = |part: &[Value], name: &str| {
        let mut half = order.clone();
        for field in ["id", "channel_order_id"] {
            half[field] = json!(format!("{}{name}", order[field].as_str().unwrap_or_default()));
        }
        half["lines"] = json!(part);
        half
    };
    let (first, second) = lines.split_at(lines.len() / 2);
    vec![half(first, ".a"), half(second, ".b")]
}

/// RFC 3339 in UTC.
pub fn stamp(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// Reads `2010-12-01 08:26:00` as UTC.
pub fn at_ms(text: &str) -> Option<i64> {
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// All rows of a gzipped table, each by column name.
pub fn table(folder: &Path, file: &str) -> Result<Vec<HashMap<String, String>>, Stop> {
    let path = folder.join(file);
    let opened = std::fs::File::open(&path).map_err(|cause| format!("{}: {cause}", path.display()))?;
    let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(opened));
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

async fn import(client: &Client, kind: &str, lines: &[Value]) -> Result<u64, Stop> {
    let chunks: Vec<std::io::Result<Vec<u8>>> = lines
        .chunks(1_000)
        .map(|lines| Ok(lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()))
        .collect();
    let path = format!("/v1/import/{kind}");
    let answer = client.stream(&path, "application/x-ndjson", stream::iter(chunks)).await?;
    match (answer.body["accepted"].as_u64(), answer.body["refused_count"].as_u64()) {
        (Some(accepted), Some(0)) => Ok(accepted),
        (Some(_), Some(refused)) => {
            Err(format!("import of {kind}: {refused} lines refused, first {}", answer.body["refused"][0]).into())
        }
        _ => Err(format!("import of {kind}: {}", answer.detail()).into()),
    }
}

/// All levels of all skus.
async fn levels(client: &Client, skus: &[String], options: &Options) -> Result<BTreeMap<String, Value>, Stop> {
    let read = |sku: String| async move {
        let answer = client.get(&format!("/v1/stock/{}", segment(&sku))).await?;
        let nodes = answer.body["nodes"].clone();
        Ok::<_, Stop>((sku, nodes))
    };
    let all: Vec<_> = stream::iter(skus.to_vec()).map(read).buffer_unordered(options.connections).collect().await;
    all.into_iter().collect()
}

/// Levels that are not what they were.
fn differences(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let pairs = before.iter().map(|(sku, level)| (sku, level, after.get(sku).unwrap_or(&Value::Null)));
    pairs.filter(|(_, was, is)| was != is).map(|(sku, was, is)| format!("{sku}: {was}, then {is}")).collect()
}

/// How many cells there are, and how many break the identity.
fn judge(levels: &BTreeMap<String, Value>) -> (u64, u64) {
    let (mut cells, mut broken) = (0, 0);
    for level in levels.values().flat_map(|nodes| nodes.as_array().into_iter().flatten()) {
        let sum = |names: &[&str]| names.iter().map(|name| level[*name].as_u64()).sum::<Option<u64>>();
        let left = sum(&["on_hand", "shortfall"]);
        let right = sum(&["available", "committed", "reserved", "safety_stock", "damaged", "quality_control"]);
        cells += 1;
        // A counter that is missing or below zero reads as none and counts as broken.
        broken += u64::from(left.is_none() || left != right);
    }
    (cells, broken)
}

/// A server of our own.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path, folder: &Path, currency: &str) -> Result<Self, Stop> {
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--clock", "replay", "--currency", currency])
            // What leaves memory leaves the state that is compared, and the last of it leaves at the next start.
            .args(["--archive-after-s", "3000000000", "--data"])
            .arg(folder)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server's output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        match line.trim().strip_prefix("listening on ") {
            Some(url) => Ok(Self { url: url.to_owned(), child }),
            None => Err(format!("the server did not start: {line:?}, {}", child.wait()?).into()),
        }
    }

    fn stop(mut self) -> Result<(), Stop> {
        let id = i32::try_from(self.child.id())?;
        let id = rustix::process::Pid::from_raw(id).ok_or("a process has an id")?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        let ended = self.child.wait()?;
        if ended.success() { Ok(()) } else { Err(format!("the server ended with {ended}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` the process is gone and this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The state hash that `check` prints; an error when it finds damage.
fn state_hash(program: &Path, folder: &Path) -> Result<String, Stop> {
    let output = Command::new(program).arg("check").arg("--data").arg(folder).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let state = text.lines().find_map(|line| line.strip_prefix("state")).map(|hash| hash.trim().to_owned());
    match state {
        Some(hash) if output.status.success() => Ok(hash),
        _ => Err(format!("check: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Whether this process was started as the server of a replay. The converters are their own servers, so that one command
/// builds all that a replay needs.
pub fn is_server() -> bool {
    let word = std::env::args_os().nth(1);
    word.is_some_and(|word| ["serve", "check", "verify-generation"].iter().any(|known| word == *known))
}

/// Prints reports, and says whether all of them are as they must be.
pub fn tell(reports: &[Report], options: &Options) -> Result<bool, Stop> {
    if options.json {
        println!("{}", serde_json::to_string_pretty(reports)?);
    } else {
        reports.iter().for_each(Report::print);
    }
    let sound = |report: &Report| report.identity_violations == 0 && report.books_broken.is_empty();
    Ok(reports.iter().all(|report| sound(report) && report.same_after_restart != Some(false)))
}

impl Report {
    /// What all orders and levels say together and does not add up to what was done.
    fn broken(&self, books: &Books, on_hand: i64) -> Vec<String> {
        let left = self.units_imported + self.units_adjusted - books.gone;
        let sums: [(&str, i128, i128); 3] = [
            ("lines whose units are not all somewhere", i128::from(books.lines_broken), 0),
            ("units cancelled", books.cancelled.into(), self.units_cancelled.into()),
            ("units on hand", on_hand.into(), left.into()),
        ];
        let wrong = sums.into_iter().filter(|(_, is, should)| is != should);
        wrong.map(|(name, is, should)| format!("{name}: {is}, should be {should}")).collect()
    }

    fn print(&self) {
        let row = |name: &str, value: String| println!("  {name:<52} {value}");
        println!("\n{}", self.name);
        row("nodes, items", format!("{}, {}", self.nodes, self.items));
        row("orders placed", format!("{} ({} lines, {} units)", self.placed, self.lines, self.units));
        row("  from several nodes", self.split.to_string());
        row("  with units waiting for stock", self.backordered.to_string());
        row("  with a plan proven best", self.optimal.to_string());
        row("  divided, one record too small", self.divided.to_string());
        row("fulfilment orders shipped", self.shipped.to_string());
        row("fulfilment orders delivered", self.delivered.to_string());
        row("units cancelled, returned", format!("{}, {}", self.units_cancelled, self.units_returned));
        row("cost of all plans, minor units", self.cost.to_string());
        for (name, value) in &self.further {
            row(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        for (note, count) in &self.notes {
            row(note, count.to_string());
        }
        row("refused", self.refused.values().sum::<u64>().to_string());
        for (code, count) in &self.refused {
            let example = self.examples.get(code).map_or("", String::as_str);
            row(&format!("  {code}"), format!("{count}, such as: {example}"));
        }
        for (status, count) in &self.orders_by_status {
            row(&format!("orders {status}"), count.to_string());
        }
        let took = Duration::from_secs_f64(self.seconds);
        row("time", format!("{took:.1?}, {} requests", self.requests));
        row("orders a second", format!("{:.0}", self.orders_per_second));
        row("lines a second", format!("{:.0}", self.lines_per_second));
        row("cells", format!("{}, identity broken in {}", self.cells, self.identity_violations));
        let books = if self.books_broken.is_empty() { "yes".to_owned() } else { self.books_broken.join("; ") };
        row("lines, cancellations and stock add up", books);
        match (&self.same_after_restart, &self.state) {
            (Some(same), Some([before, after])) => {
                row("same after a restart", if *same { "yes".to_owned() } else { "NO".to_owned() });
                for difference in self.differences.iter().take(5) {
                    row("  differs", difference.clone());
                }
                row("state", if before == after { before.clone() } else { format!("{before}, then {after}") });
            }
            _ => row("same after a restart", "not tried: the server is not ours".to_owned()),
        }
    }
}
