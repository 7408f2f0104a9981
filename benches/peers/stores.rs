//! What each store holds before the load, and how many units it says are gone after it.
//!
//! Every server starts with the same units of the same skus. Ordain's stand at `nodes` places per sku; the peers know no
//! places and have one counter per sku. Every answer of the load takes a known number of units, and at the end each store
//! must say that exactly those are gone: a server that answers without doing the work ends the run.
//!
//! A reservation is the same facts everywhere: an id, an owner, a sku, a quantity, an expiry. Redis does its check, its
//! decrement and its write (one string that expires) in one script; PostgreSQL does its update and its insert in one statement, which is one
//! transaction and one round trip. Both are written as well as they can be for their server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use ordain::connectors::client::Client;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use serde_json::{Value, json};

use super::request::{Request, SERIAL};
use super::servers::{START_MAX, done};

const ON_HAND: u64 = 500_000_000;
const TTL_S: &str = "86400";

/// Who reserves: somebody else every time.
pub fn owner() -> String {
    format!("cart-{SERIAL}")
}

type Unwritten = Box<dyn std::error::Error + Send + Sync>;

/// What a store begins with.
#[derive(Clone, Copy, Debug)]
pub struct Stock {
    /// Skus, `sku-000000` and on.
    pub skus: u64,
    /// Places of each of them.
    pub nodes: u64,
}

const RESERVE_IN_REDIS: &str = "local left = tonumber(redis.call('GET', KEYS[1])) \
    local wanted = tonumber(ARGV[3]) \
    if not left or left < wanted then return 0 end \
    redis.call('DECRBY', KEYS[1], wanted) \
    redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3], 'EX', ARGV[4]) \
    return 1";

const TABLES: &str = "CREATE TABLE stock (sku text PRIMARY KEY, available bigint NOT NULL); \
    CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL, \
    sku text NOT NULL, quantity bigint NOT NULL, expires_at timestamptz NOT NULL);";

const RESERVE_IN_POSTGRES: &str = "WITH taken AS (UPDATE stock SET available = available - $3 \
    WHERE sku = $2 AND available >= $3 RETURNING sku) \
    INSERT INTO reservations (owner, sku, quantity, expires_at) \
    SELECT $1, sku, $3, now() + $4 * interval '1 second' FROM taken RETURNING id, expires_at";

const TAKE_IN_POSTGRES: &str = "UPDATE stock SET available = available - $2 WHERE sku = $1 AND available >= $2";

const NOTE_IN_POSTGRES: &str = "INSERT INTO reservations (owner, sku, quantity, expires_at) \
    VALUES ($1, $2, $3, now() + $4 * interval '1 second') RETURNING id, expires_at";

/// Ordain.
pub struct Ordain {
    client: Client,
    runtime: tokio::runtime::Runtime,
    stock: Stock,
}

impl Ordain {
    /// Imports the stock.
    pub fn fill(address: SocketAddr, stock: Stock) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|fault| format!("the runtime: {fault}"))?;
        let client = Client::new(&format!("http://{address}")).map_err(|fault| fault.to_string())?;
        let filled = Self { client, runtime, stock };
        filled.import("nodes", (0..stock.nodes).map(node))?;
        filled.import("items", (0..stock.skus).map(item))?;
        let count = |n: u64| json!({"sku": sku(n / stock.nodes), "node": format!("node-{}", n % stock.nodes), "on_hand": ON_HAND / stock.nodes});
        filled.import("stock", (0..stock.skus * stock.nodes).map(count))?;
        Ok(filled)
    }

    fn import(&self, kind: &str, lines: impl Iterator<Item = Value>) -> Result<(), String> {
        let text: Vec<String> = lines.map(|line| format!("{line}\n")).collect();
        let chunks: Vec<_> = text.chunks(500).map(|lines| Ok(lines.concat().into_bytes())).collect();
        let path = format!("/v1/import/{kind}");
        let answer = self.runtime.block_on(self.client.stream(&path, "application/x-ndjson", stream::iter(chunks)));
        let answer = answer.map_err(|fault| fault.to_string())?;
        if answer.body["refused_count"] != 0 {
            return Err(format!("importing {kind}: {}", answer.body));
        }
        Ok(())
    }

    /// Length of the body that answers a request.
    pub fn answer_bytes(&self, method: &str, path: &str, body: &Value) -> Result<usize, String> {
        let asked = async {
            match method {
                "GET" => self.client.get(path).await,
                _ => self.client.post(path, body).await,
            }
        };
        let answer = self.runtime.block_on(asked).map_err(|fault| fault.to_string())?;
        match answer.is_fine() {
            true => Ok(answer.body.to_string().len()),
            false => Err(format!("{method} {path}: {}", answer.body)),
        }
    }

    /// Units that can no longer be promised.
    pub fn gone(&self) -> Result<u64, String> {
        let names: Vec<String> = (0..self.stock.skus).map(sku).collect();
        let asked = stream::iter(names.chunks(100)).then(|names| async move {
            let answer =
                self.client.post("/v1/atp", &json!({"skus": names})).await.map_err(|fault| fault.to_string())?;
            let items = answer.body["items"].as_array().ok_or_else(|| format!("ATP: {}", answer.body))?;
            Ok(items.iter().filter_map(|item| item["available"].as_u64()).sum::<u64>())
        });
        let left: Vec<Result<u64, String>> = self.runtime.block_on(asked.collect());
        let left: u64 = left.into_iter().sum::<Result<u64, String>>()?;
        Ok(self.stock.skus * (ON_HAND / self.stock.nodes * self.stock.nodes) - left)
    }
}

/// Redis, asked through its command line.
pub struct Redis {
    address: SocketAddr,
    script: String,
    stock: Stock,
}

impl Redis {
    /// Sets the counters and loads the script.
    pub fn fill(address: SocketAddr, stock: Stock) -> Result<Self, String> {
        let mut filled = Self { address, script: String::new(), stock };
        let set = "for n = 0, ARGV[1] - 1 do redis.call('SET', string.format('stock:sku-%06d', n), ARGV[2]) end";
        filled.command(&["EVAL", set, "0", &stock.skus.to_string(), &ON_HAND.to_string()])?;
        filled.script = filled.command(&["SCRIPT", "LOAD", RESERVE_IN_REDIS])?;
        Ok(filled)
    }

    fn command(&self, words: &[&str]) -> Result<String, String> {
        let port = self.address.port().to_string();
        done(Command::new("redis-cli").args(["-h", "127.0.0.1", "-p", &port, "-e"]).args(words))
    }

    /// One unit of a sku. Ids come from the client, which spares the server a counter.
    pub fn reserve(&self, sku: &str) -> Vec<u8> {
        let (key, id) = (format!("stock:{sku}"), format!("reservation:{SERIAL}"));
        Request::redis(&["EVALSHA", &self.script, "2", &key, &id, &owner(), sku, "1", TTL_S])
    }

    /// Units taken, which must be as many as there are reservations.
    pub fn gone(&self) -> Result<u64, String> {
        let sum = "local left = 0 for n = 0, ARGV[1] - 1 do \
            left = left + redis.call('GET', string.format('stock:sku-%06d', n)) end return string.format('%.0f', left)";
        let left: u64 = number(&self.command(&["EVAL", sum, "0", &self.stock.skus.to_string()])?)?;
        let keys: u64 = number(&self.command(&["DBSIZE"])?)?;
        agree("Redis", self.stock.skus * ON_HAND - left, keys - self.stock.skus)
    }
}

/// PostgreSQL, asked through `psql`.
pub struct Postgres<'a> {
    address: SocketAddr,
    programs: &'a Path,
    stock: Stock,
}

impl<'a> Postgres<'a> {
    /// Makes and fills the tables.
    pub fn fill(address: SocketAddr, programs: &'a Path, stock: Stock) -> Result<Self, String> {
        let filled = Self { address, programs, stock };
        let began = Instant::now();
        // Its port answers before it does.
        while let Err(fault) = filled.query("SELECT 1") {
            if began.elapsed() > START_MAX {
                return Err(fault);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        filled.query(TABLES)?;
        filled.query(&format!(
            "INSERT INTO stock SELECT 'sku-' || lpad(n::text, 6, '0'), {ON_HAND} FROM generate_series(0, {}) n",
            stock.skus - 1
        ))?;
        filled.query("VACUUM ANALYZE")?;
        Ok(filled)
    }

    fn query(&self, text: &str) -> Result<String, String> {
        let url = format!("postgresql://bench@{}/postgres", self.address);
        done(Command::new(self.programs.join("psql")).args([&url, "-v", "ON_ERROR_STOP=1", "-Atqc", text]))
    }

    /// What a new connection says: who it is, and the statements it prepares.
    pub fn greeting() -> Result<Vec<Vec<u8>>, String> {
        let hello = message(|out| {
            frontend::startup_message([("user", "bench"), ("database", "postgres")], out)?;
            Ok(())
        })?;
        let statements = [("reserve", RESERVE_IN_POSTGRES), ("take", TAKE_IN_POSTGRES), ("note", NOTE_IN_POSTGRES)];
        let prepare = |(name, text)| {
            message(|out| {
                frontend::parse(name, text, [], out)?;
                frontend::sync(out);
                Ok(())
            })
        };
        [Ok(hello)].into_iter().chain(statements.into_iter().map(prepare)).collect()
    }

    /// One unit of a sku, in one statement and one round trip.
    pub fn reserve(sku: &str) -> Result<Vec<u8>, String> {
        prepared("reserve", &[&owner(), sku, "1", TTL_S])
    }

    /// The same as a program sends it that asks for one thing after the other: a transaction of four round trips.
    pub fn reserve_step_by_step(sku: &str) -> Result<[Vec<u8>; 4], String> {
        let plain = |text| message(|out| Ok(frontend::query(text, out)?));
        let (take, note) = (prepared("take", &[sku, "1"])?, prepared("note", &[&owner(), sku, "1", TTL_S])?);
        Ok([plain("BEGIN")?, take, note, plain("COMMIT")?])
    }

    /// Units taken, which must be as many as there are reservations.
    pub fn gone(&self) -> Result<u64, String> {
        let left: u64 = number(&self.query("SELECT sum(available) FROM stock")?)?;
        let rows: u64 = number(&self.query("SELECT count(*) FROM reservations")?)?;
        agree("PostgreSQL", self.stock.skus * ON_HAND - left, rows)
    }
}

/// Bytes of a message of PostgreSQL's protocol.
fn message(write: impl FnOnce(&mut BytesMut) -> Result<(), Unwritten>) -> Result<Vec<u8>, String> {
    let mut bytes = BytesMut::new();
    write(&mut bytes).map_err(|fault| format!("a message to PostgreSQL: {fault}"))?;
    Ok(bytes.to_vec())
}

/// A call of a prepared statement with values as text.
fn prepared(name: &str, values: &[&str]) -> Result<Vec<u8>, String> {
    message(|out| {
        let text = |value: &&str, out: &mut BytesMut| {
            out.extend_from_slice(value.as_bytes());
            Ok(IsNull::No)
        };
        frontend::bind("", name, [], values, text, [], out).map_err(|_| "a value is too long")?;
        frontend::execute("", 0, out)?;
        frontend::sync(out);
        Ok(())
    })
}

fn agree(name: &str, gone: u64, reservations: u64) -> Result<u64, String> {
    if gone != reservations {
        return Err(format!("{name} has {reservations} reservations, and {gone} units are gone"));
    }
    Ok(gone)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

fn sku(n: u64) -> String {
    format!("sku-{n:06}")
}

/// Places around the country, no two at the same spot.
fn node(n: u64) -> Value {
    json!({
        "id": format!("node-{n}"), "kind": "warehouse", "name": "node",
        "latitude": 30.0 + (n % 10) as f64 + (n / 10) as f64 * 0.1, "longitude": -80.0 - 3.0 * (n % 10) as f64,
        "country": "US", "postal_code": "00000", "time_zone": "UTC", "active": true,
    })
}

fn item(n: u64) -> Value {
    json!({
        "sku": sku(n), "name": "item", "kind": "product", "weight_g": 400,
        "dimensions_mm": {"length": 100, "width": 100, "height": 100},
        "value": {"amount": 1_999, "currency": "USD"},
    })
}
