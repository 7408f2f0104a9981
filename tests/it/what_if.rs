//! What-if from outside: the same answer from a running server and from its directory once it has stopped; rules that reach a
//! target; what means nothing told by field; a shadow that counts; open orders that are planned again by themselves.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ordain::domain::state::State;
use ordain::engine::whatif::{SceneKind, Suppose};
use ordain::replay::{self, Aim, Each, Live, Measure, Progress, Source, Stop, Target};
use serde_json::{Value, json};

use super::served::Served;

/// A folder, and the program on it.
fn replay(data: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ordain"));
    command.args(["replay", "--data"]).arg(data).args(more).output().expect("the binary runs")
}

fn json_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn node(server: &Served, id: &str, latitude: f64, longitude: f64) {
    let body = json!({
        "kind": "warehouse", "name": id, "latitude": latitude, "longitude": longitude, "country": "US",
        "postal_code": "10001", "time_zone": "UTC", "active": true, "handling": {"per_shipment": 100, "per_unit": 10},
    });
    server.done("PUT", &format!("/v1/nodes/{id}"), &body);
}

fn order(id: &str, channel: &str, latitude: f64, longitude: f64, quantity: u32) -> Value {
    json!({
        "id": id, "type": "standard", "channel": channel, "channel_order_id": id, "customer": {"id": "c"},
        "ship_to": {"name": "n", "line1": "l", "city": "c", "region": "NY", "postal_code": "10001", "country": "US",
                    "latitude": latitude, "longitude": longitude},
        "lines": [{"sku": "mug", "quantity": quantity, "unit_price": {"amount": 100, "currency": "USD"}}],
        "delivery_method": "ship",
    })
}

/// Two nodes; one is slow and cheap, the other quick and dear; orders come from near the cheap one.
fn shop(dir: &Path) -> Served {
    let server = Served::start(dir);
    node(&server, "quick", 40.7, -74.0);
    node(&server, "cheap", 41.9, -87.6);
    let item = json!({"name": "Mug", "kind": "product", "weight_g": 400,
                      "dimensions_mm": {"length": 90, "width": 90, "height": 90},
                      "value": {"amount": 900, "currency": "USD"}});
    server.done("PUT", "/v1/items/mug", &item);
    let service = |name: &str, from: &str, days: u32, price: u32| {
        json!({"service": name, "transit_days": [days], "zones": {"by": "distance_km", "upto": []},
               "rates": {"unit": "kg", "base": [price], "step": [0]}, "max_weight_g": 30000, "nodes": [{"node": from}]})
    };
    let services = [service("slow", "cheap", 5, 500), service("fast", "quick", 1, 600)];
    server.done("PUT", "/v1/carriers/post", &json!({"services": services}));
    let received = |node: &str| json!({"sku": "mug", "node": node, "delta": 30, "reason": "received"});
    server.done("POST", "/v1/stock/adjustments", &json!({"adjustments": [received("quick"), received("cheap")]}));
    for n in 0..8 {
        let placed = server.done("POST", "/v1/orders", &order(&format!("w{n}"), "web", 41.8, -87.0, 1 + n % 2));
        assert_eq!(placed["fulfillment_orders"][0]["node"], "cheap", "it is the nearest");
    }
    server
}

/// The lines of a streamed answer; sizes of its chunks stand between them.
fn lines(server: &Served, body: &Value) -> Vec<Value> {
    let answer = server.ask("POST", "/v1/replays", body);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let objects = text.lines().filter(|line| line.starts_with('{'));
    objects.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn result(server: &Served, body: &Value) -> Value {
    let lines = lines(server, body);
    let last = lines.last().expect("at least the result");
    assert!(last["result"].is_object(), "{last}");
    last["result"].clone()
}

#[test]
fn a_server_and_its_directory_tell_the_same_and_nothing_changes() {
    let (dir, files) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = shop(dir.path());
    let records = server.ordain.journal().last_seq();
    let same = result(&server, &json!({}));
    assert_eq!((&same["orders"], &same["decided"], &same["same"]), (&json!(8), &json!(8), &json!(8)), "{same}");
    assert_eq!((&same["before"], &same["differences"]), (&same["after"], &json!([])));
    assert_eq!(same["before"]["days"], 40, "five days each");
    let out = result(&server, &json!({"out": ["cheap"]}));
    assert_eq!((&out["same"], &out["after"]["shipments"]), (&json!(0), &json!(8)));
    assert_eq!(out["differences"][0]["after"], json!([{"node": "quick", "units": 1}]));
    let carriers = json!([{"id": "post", "services": [
        {"service": "slow", "transit_days": [5], "zones": {"by": "distance_km", "upto": []},
         "rates": {"unit": "kg", "base": [900], "step": [0]}, "max_weight_g": 30000}]}]);
    let dearer = result(&server, &json!({"carriers": carriers}));
    let cost = |figures: &Value| figures["cost"]["amount"].as_i64().expect("an amount");
    assert_eq!(cost(&dearer["after"]) - cost(&dearer["before"]), 8 * 400, "{dearer}");
    assert_eq!(server.ordain.journal().last_seq(), records, "nothing was written");
    server.stop();

    let told = json_of(&replay(dir.path(), &["--json"]));
    assert_eq!(told, same, "the directory tells what the server told");
    assert_eq!(json_of(&replay(dir.path(), &["--json", "--out", "cheap"])), out);
    let table = replay(dir.path(), &["--demand", "2", "--scenario", "stock-out"]);
    assert!(table.status.success(), "{}", String::from_utf8_lossy(&table.stderr));
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(text.contains("units not filled when decided") && text.contains("8 orders"), "{text}");
    let stock = files.path().join("stock.csv");
    std::fs::write(&stock, "sku,node,delta\nmug,cheap,-30\n").expect("written");
    let none = json_of(&replay(dir.path(), &["--json", "--stock", &stock.to_string_lossy()]));
    assert_eq!(none["differences"].as_array().map(Vec::len), Some(8), "{none}");
    let rules = files.path().join("rules.json");
    std::fs::write(&rules, r#"{"fences": [{"fence": "nodes", "in": ["quick"]}], "objective": [{"term": "shipping"}]}"#)
        .expect("written");
    let fenced = json_of(&replay(dir.path(), &["--json", "--rules", &rules.to_string_lossy()]));
    assert_eq!(fenced["after"]["days"], 8, "a day each: {fenced}");
    let preset = json_of(&replay(dir.path(), &["--json", "--rule-set", "fastest"]));
    assert_eq!(preset["after"]["days"], 8, "the fastest comes from quick");
    assert_eq!(told, json_of(&replay(dir.path(), &["--json"])), "nothing was changed by looking");
}

#[test]
fn rules_that_reach_a_target_are_found_or_the_best_of_those_tried() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = shop(dir.path());
    let faster =
        json!({"target": {"measure": "time", "percent": -50, "at_most": [{"measure": "cost", "percent": 25}]}});
    let found = result(&server, &faster);
    assert_eq!((&found["found"]["reached"], &found["after"]["days"]), (&json!(true), &json!(8)), "{found}");
    // The rules can be put as they are, and decide so.
    let draft = server.done("PUT", "/v1/rule-sets/default", &found["found"]["rules"]);
    server.done("POST", "/v1/rule-sets/default/activate", &json!({"version": draft["version"]}));
    let placed = server.done("POST", "/v1/orders", &order("after", "web", 41.8, -87.0, 1));
    assert_eq!(placed["fulfillment_orders"][0]["node"], "quick");
    server.stop();

    let until = placed["placed_at"].as_str().map(str::to_owned);
    let period: Vec<&str> = until.as_deref().map(|until| vec!["--until", until]).unwrap_or_default();
    let free = replay(dir.path(), &[&["--json", "--target", "time -50%"][..], &period].concat());
    assert_eq!(free.status.code(), Some(1), "days cost money here: {}", String::from_utf8_lossy(&free.stderr));
    let nearest = json_of(&free);
    assert_eq!(nearest["found"]["reached"], false, "{nearest}");
    assert!(nearest["found"]["tried"].as_u64() > Some(10));
    assert_eq!(nearest["found"]["measures"][1]["percent"], 0.0, "the limit is kept: {nearest}");
}

/// Reads nothing: what is refused is refused before.
struct Unread;

impl Source for Unread {
    fn read(&mut self, _: &mut Each<'_>) -> Result<State, Stop> {
        panic!("the journal is read for what is refused")
    }

    fn records(&self) -> u64 {
        0
    }
}

fn half_the_time() -> Target {
    Target { aim: Aim { measure: Measure::Time, percent: -50 }, limits: Vec::new() }
}

#[test]
fn a_target_beside_a_scenario_is_refused_before_the_journal_is_read() {
    let suppose = Suppose { scene: SceneKind::StockOut, ..Suppose::default() };
    let ended = replay::replay(&mut Unread, &suppose, Some(&half_the_time()), &mut |_| true);
    let Err(Stop::Faults(faults)) = ended else { panic!("not {ended:?}") };
    assert_eq!((faults[0].field.as_str(), faults[0].code), ("scenario", "not_of_type"));
}

#[test]
fn a_search_that_nobody_waits_for_ends_before_its_first_set_is_tried_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = shop(dir.path());
    let received = json!({"adjustments": [{"sku": "mug", "node": "cheap", "delta": 1, "reason": "received"}]});
    for _ in 0..300 {
        server.done("POST", "/v1/stock/adjustments", &received);
    }
    let mut source = Live::of(server.ordain.journal());
    let (read_before, mut refusals) = (2 * source.records(), 0);
    let mut tell = |progress: Progress| {
        let tries = progress.records > read_before;
        assert!(!tries || progress.tried == 0, "a set was tried whole: {progress:?}");
        refusals += u32::from(tries);
        !tries
    };
    let ended = replay::replay(&mut source, &Suppose::default(), Some(&half_the_time()), &mut tell);
    assert!(matches!(ended, Err(Stop::Unwanted)), "not {ended:?}");
    assert_eq!(refusals, 1, "whoever has gone is asked no more");
    server.stop();
}

#[test]
fn what_means_nothing_to_the_journal_is_told_and_ends_the_command() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = shop(dir.path());
    let unknown = server.ask("POST", "/v1/replays", &json!({"out": ["moon"], "rule_set": "none"}));
    let problem = unknown.json();
    let fields: Vec<_> = problem["errors"].as_array().into_iter().flatten().map(|error| &error["field"]).collect();
    assert_eq!((unknown.status, unknown.code().as_str()), (422, "validation_failed"), "before anything is read");
    assert_eq!(fields, [&json!("out[0]"), &json!("rule_set")]);
    server.stop();
    let code = |more: &[&str]| replay(dir.path(), more).status.code();
    assert_eq!(code(&["--out", "moon"]), Some(1));
    assert_eq!(code(&["--scenario", "calm"]), Some(2));
    assert_eq!(code(&["--demand", "twice"]), Some(1));
    assert_eq!(code(&["--target", "joy +10%"]), Some(1));
    assert_eq!(code(&["--at-most", "cost +0%"]), Some(2), "a limit of nothing");
    let nowhere = tempfile::tempdir().expect("a folder");
    assert_eq!(replay(nowhere.path(), &[]).status.code(), Some(1), "no data directory");
}

#[test]
fn a_shadow_counts_beside_the_live_rules() {
    let dir = tempfile::tempdir().expect("a folder");
    let ordain = ordain::app::Ordain::open(dir.path()).expect("opens");
    ordain.close().expect("closes");
    let data = dir.path().to_owned();
    let mut server = Serving::start(&data);
    server.shop();
    let draft = server.ask(
        "PUT",
        "/v1/rule-sets/default",
        &json!({"fences": [{"fence": "nodes", "in": ["quick"]}],
        "objective": [{"term": "shipping"}, {"term": "handling"}]}),
    );
    let shadow = json!({"version": draft["version"]});
    let put = server.ask("PUT", "/v1/rule-sets/default/shadow", &shadow);
    assert_eq!((&put["about"], &put["version"]), (&json!("shadow"), &draft["version"]), "{put}");
    for n in 0..4 {
        let placed = server.ask("POST", "/v1/orders", &order(&format!("s{n}"), "web", 41.8, -87.0, 1));
        assert_eq!(placed["fulfillment_orders"][0]["node"], "cheap", "a shadow decides nothing");
    }
    let told = server.wait_for("/v1/rule-sets/default/shadow", |told| told["looked_at"] == 4);
    assert_eq!((&told["differ"], &told["same"]), (&json!(4), &json!(0)), "{told}");
    assert_eq!((&told["live"]["days"], &told["shadow"]["days"]), (&json!(20), &json!(4)), "{told}");
    server.ask("PUT", "/v1/rule-sets/default/shadow", &json!({"version": null}));
    assert_eq!(server.ask("GET", "/v1/rule-sets/default/shadow", &Value::Null)["code"], "not_found");
    server.stop();
}

#[test]
fn what_comes_moves_open_orders_by_itself_where_that_was_put() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Serving::start(dir.path());
    server.shop();
    let moves = |delta: i32, reason: &str| json!({"adjustments": [{"sku": "mug", "node": "cheap", "delta": delta, "reason": reason}]});
    server.ask("POST", "/v1/stock/adjustments", &moves(-30, "lost"));
    let placed = server.ask("POST", "/v1/orders", &order("o1", "web", 41.8, -87.0, 1));
    assert_eq!(placed["fulfillment_orders"][0]["node"], "quick", "{placed}");
    // From the other it would arrive later.
    let put = json!({"on_receipt": "apply", "on_outage": null, "allow_later": true});
    let put = server.ask("PUT", "/v1/replanning", &put);
    let shown = json!({"on_receipt": "apply", "on_outage": null, "allow_later": true});
    assert_eq!((&put["about"], &put["replanning"]), (&json!("replanning"), &shown), "{put}");
    server.ask("POST", "/v1/stock/adjustments", &moves(1, "received"));
    let told = server.wait_for("/v1/optimisations", |told| told["items"][0]["state"] == "applied");
    let own = &told["items"][0];
    let page = server.ask("GET", "/v1/optimisations?limit=1", &Value::Null);
    assert_eq!((&page["items"][0]["id"], page["next_cursor"].is_null()), (&own["id"], told["items"][1].is_null()));
    assert_eq!((&own["reason"], &own["skus"]), (&json!("receipt"), &json!(["mug"])), "{told}");
    let moved = server.ask("GET", "/v1/orders/o1", &Value::Null);
    assert_eq!(moved["fulfillment_orders"][0]["node"], "cheap", "{moved}");
    let path = format!("/v1/optimisations/{}", own["id"].as_str().expect("an id"));
    let known = server.ask("GET", &path, &Value::Null);
    assert_eq!((&known["reason"], &known["state"]), (&json!("receipt"), &json!("applied")));
    server.stop();
}

/// The whole program: its readers of the journal too.
struct Serving {
    child: std::process::Child,
    address: String,
}

impl Serving {
    fn start(data: &Path) -> Self {
        use std::io::BufRead;
        let mut command = Command::new(env!("CARGO_BIN_EXE_ordain"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        let piped = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let mut child = piped.spawn().expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        std::io::BufReader::new(stdout).read_line(&mut line).expect("it tells where it listens");
        let address = line.trim().strip_prefix("listening on http://").expect("one line").to_owned();
        Self { child, address }
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Value {
        use std::io::Write;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = std::net::TcpStream::connect(&self.address).expect("connects");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("sent");
        super::served::answer(&mut stream).json()
    }

    /// Asks again until it is so: who counts reads behind the answers.
    fn wait_for(&mut self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let told = self.ask("GET", path, &Value::Null);
            if is_so(&told) || Instant::now() > until {
                return told;
            }
            std::thread::yield_now();
        }
    }

    fn shop(&mut self) {
        for (id, latitude, longitude) in [("quick", 40.7, -74.0), ("cheap", 41.9, -87.6)] {
            let body = json!({
                "kind": "warehouse", "name": id, "latitude": latitude, "longitude": longitude, "country": "US",
                "postal_code": "10001", "time_zone": "UTC", "active": true,
            });
            self.ask("PUT", &format!("/v1/nodes/{id}"), &body);
        }
        let item = json!({"name": "Mug", "kind": "product", "weight_g": 400,
                          "dimensions_mm": {"length": 90, "width": 90, "height": 90},
                          "value": {"amount": 900, "currency": "USD"}});
        self.ask("PUT", "/v1/items/mug", &item);
        let service = |name: &str, from: &str, days: u32, price: u32| {
            json!({"service": name, "transit_days": [days], "zones": {"by": "distance_km", "upto": []},
                   "rates": {"unit": "kg", "base": [price], "step": [0]}, "max_weight_g": 30000,
                   "nodes": [{"node": from}]})
        };
        let services = [service("slow", "cheap", 5, 500), service("fast", "quick", 1, 600)];
        self.ask("PUT", "/v1/carriers/post", &json!({"services": services}));
        let received = |node: &str| json!({"sku": "mug", "node": node, "delta": 30, "reason": "received"});
        let adjustments = json!({"adjustments": [received("quick"), received("cheap")]});
        self.ask("POST", "/v1/stock/adjustments", &adjustments);
    }

    fn stop(mut self) {
        let id = rustix::process::Pid::from_raw(self.child.id() as i32).expect("a process has an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it can be told to stop");
        assert!(self.child.wait().expect("it ends").success());
    }
}
