//! What is counted of the front, and how all counters are told to Prometheus.
//!
//! Counting a request is one look into a sharded map and two atomic additions. Routes are counted by their pattern, so
//! the number of series is bounded by the API, not by its callers. Samples of latencies are folded into buckets by
//! [`Meters::fold`], which the server calls every few seconds, so that nothing piles up between scrapes.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Method;
use dashmap::DashMap;
use metrics::{Counter, Histogram, Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use super::front::Front;
use crate::journal::{Counted, SEATS, SYNC_US_BOUNDS};

const REQUESTS: &str = "ordain_http_requests_total";
const SECONDS: &str = "ordain_http_request_seconds";
/// Upper bounds of the latency histograms, in seconds.
const BUCKETS_S: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Counters of the front.
pub struct Meters {
    recorder: PrometheusRecorder,
    routes: DashMap<Box<str>, Vec<Meter>>,
    followers: AtomicU64,
    connections: AtomicU64,
}

/// Counters of one route, method and status.
struct Meter {
    method: Method,
    status: u16,
    requests: Counter,
    seconds: Histogram,
}

impl Meters {
    /// Nothing counted yet.
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS_S).expect("there is at least one bucket");
        let recorder = builder.build_recorder();
        recorder.describe_counter(KeyName::from(REQUESTS), None, "Requests by route, method and status.".into());
        recorder.describe_histogram(KeyName::from(SECONDS), None, "Time until the answer began, in seconds.".into());
        Self { recorder, routes: DashMap::new(), followers: AtomicU64::new(0), connections: AtomicU64::new(0) }
    }

    /// Counts one request.
    pub fn request(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let is_it = |meter: &&Meter| meter.status == status && meter.method == *method;
        if let Some(meter) = self.routes.get(route).as_deref().and_then(|meters| meters.iter().find(is_it)) {
            return meter.count(took);
        }
        let meter = self.meter(route, method, status);
        meter.count(took);
        self.routes.entry(route.into()).or_default().push(meter);
    }

    fn meter(&self, route: &str, method: &Method, status: u16) -> Meter {
        let place = || [Label::new("route", route.to_owned()), Label::new("method", method.to_string())];
        let labels = [place().to_vec(), vec![Label::new("status", status.to_string())]].concat();
        Meter {
            method: method.clone(),
            status,
            requests: self.recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA),
            seconds: self.recorder.register_histogram(&Key::from_parts(SECONDS, place().to_vec()), &METADATA),
        }
    }

    /// A live feed was opened.
    pub fn follow(&self) {
        self.followers.fetch_add(1, Ordering::Relaxed);
    }

    /// A live feed was closed.
    pub fn unfollow(&self) {
        self.followers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Live feeds that are open.
    pub fn followers(&self) -> u64 {
        self.followers.load(Ordering::Relaxed)
    }

    /// A connection was opened.
    pub fn connect(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed.
    pub fn disconnect(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Folds samples into their buckets.
    pub fn fold(&self) {
        self.recorder.handle().run_upkeep();
    }

    /// Everything that is counted, in the text format of Prometheus.
    pub fn render(&self, front: &Front) -> String {
        let mut text = self.recorder.handle().render();
        let journal = front.journal();
        let counted = journal.counted();
        let mut add = |name: &str, kind: &str, value: u64| {
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        };
        add("ordain_http_connections", "gauge", self.connections.load(Ordering::Relaxed));
        add("ordain_live_feeds", "gauge", self.followers());
        add("ordain_journal_seats", "gauge", SEATS);
        add("ordain_journal_seats_used", "gauge", counted.seats_used);
        add("ordain_journal_appended_seq", "gauge", journal.last_seq());
        add("ordain_journal_durable_seq", "gauge", journal.durable_seq());
        add("ordain_journal_poisoned", "gauge", u64::from(journal.is_poisoned()));
        add("ordain_journal_groups_total", "counter", counted.groups);
        add("ordain_journal_frames_total", "counter", counted.frames);
        add("ordain_journal_records_total", "counter", counted.records);
        add("ordain_journal_bytes_total", "counter", counted.bytes);
        add("ordain_journal_generations_sealed_total", "counter", counted.generations_sealed);
        add("ordain_journal_snapshots_total", "counter", counted.snapshots);
        add("ordain_journal_upkeep_failures_total", "counter", counted.upkeep_failures);
        add("ordain_views_seq", "gauge", front.views().position());
        let (orders, reservations) = front.engine().counts();
        add("ordain_orders_in_memory", "gauge", orders as u64);
        add("ordain_reservations_in_memory", "gauge", reservations as u64);
        syncs(&mut text, &counted);
        text
    }
}

/// The journal's own histogram of syncs, whose buckets are not cumulative.
fn syncs(text: &mut String, counted: &Counted) {
    let name = "ordain_journal_sync_seconds";
    let _ = writeln!(text, "# TYPE {name} histogram");
    let mut sum = 0;
    for (at, count) in counted.sync_buckets.iter().enumerate() {
        sum += count;
        let bound = SYNC_US_BOUNDS.get(at).map_or("+Inf".to_owned(), |us| (*us as f64 / 1e6).to_string());
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {sum}");
    }
    let _ = writeln!(text, "{name}_sum {}\n{name}_count {sum}", counted.sync_us as f64 / 1e6);
}

impl Meter {
    fn count(&self, took: Duration) {
        self.requests.increment(1);
        self.seconds.record(took.as_secs_f64());
    }
}
