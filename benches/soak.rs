//! A long run at a steady load: memory grows until the published windows are full and no further, latencies do not drift,
//! the log stays within its generations.
//!
//! ```text
//! cargo bench --bench soak                       half an hour at 70 % of what the machine does
//! cargo bench --bench soak -- --minutes 5        shorter; the windows are passed as often, by a faster clock
//! cargo bench --bench soak -- --size small       keeps it alive (what `cargo test --benches` runs)
//! ```
//! A visit is four looks at what is available, one reservation of ten minutes, and its release every second time; the
//! other half lapses. First as many visits as the machine does are counted, for so long that lapses and snapshots are part
//! of what it does; then [`LOAD`] of that is asked, at fixed times whatever the server does: a latency counts from the time
//! at which its visit was due. The server is a process of its own on the clock of its requests, which runs so fast that the
//! run lasts two days: what is kept for 24 hours has begun to go at half time. Server and visitors share the machine.
//!
//! Not here: orders. Those that are done leave memory for the archive, which is kept, so its disk has no window.

#[path = "shop/mod.rs"]
mod shop;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ordain::connectors::client::Client;
use serde_json::json;
use shop::{mix, sku, stock};

/// Share of the visits that the machine does.
const LOAD: f64 = 0.7;
/// Visitors at once.
const VISITORS: u64 = 32;
/// Looks of a visit.
const LOOKS: u64 = 4;
/// Journal time of the whole run: two windows of what is kept longest.
const JOURNAL_HOURS: f64 = 48.0;
/// Lines of the report.
const LINES: u32 = 30;
/// Where journal time begins, ms since 1970.
const BEGIN_MS: i64 = 1_800_000_000_000;

struct Size {
    skus: u64,
    calibration: Duration,
    run: Duration,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let small = args.iter().any(|arg| arg == "small") || !args.iter().any(|arg| arg == "--bench");
    let minutes = args.iter().position(|arg| arg == "--minutes").and_then(|at| args.get(at + 1));
    let minutes = minutes.map_or(30.0, |minutes| minutes.parse::<f64>().expect("--minutes takes a number"));
    let size = if small {
        Size { skus: 20, calibration: Duration::from_millis(200), run: Duration::from_secs(3) }
    } else {
        Size { skus: 2_000, calibration: Duration::from_secs(120), run: Duration::from_secs_f64(minutes * 60.0) }
    };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = Server::start(dir.path());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(soak(&server, &size));
}

async fn soak(server: &Server, size: &Size) {
    let client = Client::new(&server.url).expect("an address");
    stock(&client, size.skus).await;
    let speed = JOURNAL_HOURS * 3_600.0 / size.run.as_secs_f64();
    let shop = Shop { client, skus: size.skus, began: Instant::now(), speed, visits: AtomicU64::new(0) };

    let until = Instant::now() + size.calibration;
    join_all((0..VISITORS).map(|_| async {
        while Instant::now() < until {
            shop.visit().await;
        }
    }))
    .await;
    let most = shop.visits.swap(0, Ordering::Relaxed) as f64 / size.calibration.as_secs_f64();
    let rate = most * LOAD;
    println!("{most:.0} visits a second at most, {rate:.0} asked; a minute is {:.1} h of journal time\n", speed / 60.0);

    let report = Report::begin(server, &shop);
    let pace = Duration::from_secs_f64(VISITORS as f64 / rate);
    let begin = tokio::time::Instant::now();
    let visitors = join_all((0..VISITORS).map(|visitor| {
        let (shop, report) = (&shop, &report);
        async move {
            let mut due = tokio::time::interval_at(begin + pace.mul_f64(visitor as f64 / VISITORS as f64), pace);
            while begin.elapsed() < size.run {
                let due = due.tick().await;
                shop.visit().await;
                report.took(due.elapsed());
            }
        }
    }));
    let lines = async {
        let mut line = tokio::time::interval_at(begin + size.run / LINES, size.run / LINES);
        for _ in 0..LINES {
            line.tick().await;
            report.line();
        }
    };
    tokio::join!(visitors, lines);
    report.end();
}

/// The server, a process of its own.
struct Server {
    child: Child,
    url: String,
    data: PathBuf,
}

impl Server {
    fn start(dir: &Path) -> Self {
        let data = dir.join("data");
        let mut child = Command::new(env!("CARGO_BIN_EXE_ordain"))
            .args(["serve", "--listen", "127.0.0.1:0", "--clock", "replay", "--data"])
            .arg(&data)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it tells its address");
        let url = line.trim().strip_prefix("listening on ").expect("it tells its address").to_owned();
        Self { child, url, data }
    }

    /// Resident memory, MiB.
    fn memory(&self) -> f64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).expect("the server runs");
        let pages: f64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
        pages * 4_096.0 / f64::from(1 << 20)
    }

    /// What a folder of the data directory takes, MiB.
    fn folder(&self, name: &str) -> f64 {
        allocated(&self.data.join(name)) as f64 / f64::from(1 << 20)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is read again.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes on the disk below a folder; what goes while it is read counts as gone.
fn allocated(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(meta) = std::fs::metadata(path) else { return 0 };
    if !meta.is_dir() {
        return meta.blocks() * 512;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| allocated(&entry.path())).sum()
}

/// Who visits what, and when.
struct Shop {
    client: Client,
    skus: u64,
    began: Instant,
    /// Seconds of journal time in one second.
    speed: f64,
    visits: AtomicU64,
}

impl Shop {
    /// Journal time as requests carry it.
    fn time(&self) -> String {
        let passed_ms = self.began.elapsed().as_secs_f64() * self.speed * 1_000.0;
        jiff::Timestamp::from_millisecond(BEGIN_MS + passed_ms as i64).expect("in this century").to_string()
    }

    fn journal_hours(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * self.speed / 3_600.0
    }

    async fn visit(&self) {
        let n = self.visits.fetch_add(1, Ordering::Relaxed);
        let sku = |k: u64| sku(mix(n * LOOKS + k) % self.skus);
        for look in 0..LOOKS {
            let answer = self.client.get(&format!("/v1/atp/{}", sku(look))).await.expect("the server answers");
            assert!(answer.is_fine(), "{}: {}", answer.code(), answer.detail());
        }
        let cart = json!({"owner": "cart", "ttl_s": 600, "lines": [{"sku": sku(0), "quantity": 1}]});
        let made = self.client.post_at(&self.time(), "/v1/reservations", &cart).await.expect("the server answers");
        assert!(made.is_fine(), "{}: {}", made.code(), made.detail());
        if n.is_multiple_of(2) {
            let id = made.body["id"].as_str().expect("a reservation has an id");
            let gone = self.client.delete(&format!("/v1/reservations/{id}")).await.expect("the server answers");
            assert!(gone.is_fine() || gone.code() == "reservation_expired", "{}: {}", gone.code(), gone.detail());
        }
    }
}

/// What is told of the run, line by line, and at its end.
struct Report<'a> {
    server: &'a Server,
    shop: &'a Shop,
    began: Instant,
    took: Mutex<Vec<u32>>,
    lines: Mutex<Vec<Line>>,
}

#[derive(Clone, Copy)]
struct Line {
    journal_hours: f64,
    p99: u32,
    memory: f64,
    log: f64,
}

impl<'a> Report<'a> {
    fn begin(server: &'a Server, shop: &'a Shop) -> Self {
        println!(
            "{:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11} {:>8} {:>10} {:>12}",
            "minute",
            "journal h",
            "visits/s",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "memory MiB",
            "log MiB",
            "history",
            "snapshots"
        );
        Self { server, shop, began: Instant::now(), took: Mutex::default(), lines: Mutex::default() }
    }

    fn took(&self, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        self.took.lock().expect("nobody panics with it").push(micros);
    }

    fn line(&self) {
        let mut took = std::mem::take(&mut *self.took.lock().expect("nobody panics with it"));
        took.sort_unstable();
        let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or(0);
        let mut lines = self.lines.lock().expect("nobody panics with it");
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        let rate = took.len() as f64 / (minutes * 60.0 / (lines.len() + 1) as f64);
        let line = Line {
            journal_hours: self.shop.journal_hours(),
            p99: at(0.99),
            memory: self.server.memory(),
            log: self.server.folder("wal"),
        };
        println!(
            "{minutes:>8.1} {:>9.1} {rate:>9.0} {:>9} {:>9} {:>9} {:>11.0} {:>8.0} {:>10.0} {:>12.0}",
            line.journal_hours,
            at(0.5),
            line.p99,
            at(0.999),
            line.memory,
            line.log,
            self.server.folder("history"),
            self.server.folder("snapshots"),
        );
        lines.push(line);
    }

    /// The last third against the one before it: by then the windows are full.
    fn end(&self) {
        let lines = self.lines.lock().expect("nobody panics with it");
        let third = lines.len() / 3;
        let (middle, last) = (&lines[third..2 * third], &lines[2 * third..]);
        let median = |lines: &[Line], of: fn(&Line) -> f64| {
            let mut values: Vec<f64> = lines.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!();
        for (name, of) in [("memory", (|line| line.memory) as fn(&Line) -> f64), ("p99", |line| f64::from(line.p99))] {
            let (then, now) = (median(middle, of), median(last, of));
            println!("{name} in the last third: {now:.0}, {:+.1} % of the one before", (now / then - 1.0) * 100.0);
        }
        println!("log at most {:.0} MiB", lines.iter().map(|line| line.log).fold(0.0, f64::max));
    }
}
