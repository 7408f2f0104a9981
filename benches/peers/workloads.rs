//! The lines of the table: who is asked what.
//!
//! | Group | Stock of Ordain | Lines |
//! |---|---|---|
//! | atp | 2,000 skus at 10 places | ATP of a random sku against the echo's GET; the same pipelined |
//! | promise | 200 skus at 50 places | quote of an order of 3 lines against the echo's POST |
//! | hot | one sku at one place | a reservation against Redis, PostgreSQL, the disk; a batch, and pipelined ones, against single ones |
//! | spread | 100,000 skus at one place | the same, each of a random sku |
//! | order | 2,000 skus at 10 places | capture of an order of 3 lines against a single reservation |
//!
//! Every group starts its servers anew. The first side of a line is the subject, the others are what it is compared with.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::echo::SAME;
use super::request::{Request, SERIAL, SKU};
use super::rounds::{Asked, Side};
use super::servers::{Place, Server};
use super::stores::{Ordain, Postgres, Redis, Stock, owner};
use super::wire::Wire;

/// Bytes of a write of the disk's side: what the smallest sync costs.
const DISK_BYTES: usize = 4_096;

/// Reservations of batches that are under way together, at most.
const BATCHED_MAX: usize = 4_096;

/// All groups, in the order of the table.
pub const GROUPS: [&str; 5] = ["atp", "promise", "hot", "spread", "order"];

/// The programs under load.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `ordain`.
    pub ordain: PathBuf,
    /// `redis-server`, when there is one.
    pub redis: Option<PathBuf>,
    /// Folder of PostgreSQL's programs, when there is one.
    pub postgres: Option<PathBuf>,
}

/// How much.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Skus of the spread reservations.
    pub spread: u64,
    /// Connection counts.
    pub connections: Vec<usize>,
    /// Reservations of a batch.
    pub batches: Vec<u64>,
    /// Requests under way on a pipelined connection.
    pub depth: usize,
}

/// One comparison.
pub struct Line {
    /// Its name, by which its bars are found.
    pub name: String,
    /// What is done, in words.
    pub what: &'static str,
    /// How many connections.
    pub connections: usize,
    /// Requests under way on each.
    pub depth: usize,
    /// Subject first.
    pub sides: Vec<Side>,
}

/// What measures and keeps a line; hands its sides back.
pub type Measure<'a> = dyn FnMut(Line) -> Result<Vec<Side>, String> + 'a;

/// Starts a group's servers, measures its lines, and checks that the stores did all the work that they answered for.
pub fn run(
    group: &str,
    place: &Place,
    programs: &Programs,
    sizes: &Sizes,
    measure: &mut Measure<'_>,
) -> Result<(), String> {
    match group {
        "atp" => atp(place, programs, sizes, measure),
        "promise" => promise(place, programs, sizes, measure),
        "hot" => reserve(place, programs, sizes, Stock { skus: 1, nodes: 1 }, measure),
        "spread" => reserve(place, programs, sizes, Stock { skus: sizes.spread, nodes: 1 }, measure),
        "order" => order(place, programs, sizes, measure),
        _ => Err(format!("no group is called {group}: there are {}", GROUPS.join(", "))),
    }
}

fn atp(place: &Place, programs: &Programs, sizes: &Sizes, measure: &mut Measure<'_>) -> Result<(), String> {
    let stock = Stock { skus: 2_000, nodes: 10 };
    let server = place.ordain(&programs.ordain)?;
    let store = Ordain::fill(server.address, stock)?;
    let echo = place.echo(store.answer_bytes("GET", "/v1/atp/sku-000000", &Value::Null)?, 0)?;
    let request = Request::http("GET", &format!("/v1/atp/sku-{SKU}"), "");
    let side = |name, server: &Server, connections, depth| {
        let asked = Asked::of(server, Wire::Http, Request::new(request.clone(), stock.skus, 0), connections);
        Side::server(name, 1, Asked { depth, ..asked })
    };
    let shapes = sizes.connections.iter().map(|connections| ("atp", *connections, 1));
    let piped = [1, 4].map(|connections| ("atp pipelined", connections, sizes.depth));
    for (name, connections, depth) in shapes.chain(piped) {
        let sides = vec![side("ordain", &server, connections, depth), side("echo", &echo, connections, depth)];
        let what = "GET /v1/atp/{sku}, answered from memory; echo: GET, a fixed body of the same length";
        measure(Line { name: name.into(), what, connections, depth, sides })?;
    }
    Ok(())
}

fn promise(place: &Place, programs: &Programs, sizes: &Sizes, measure: &mut Measure<'_>) -> Result<(), String> {
    let stock = Stock { skus: 200, nodes: 50 };
    let server = place.ordain(&programs.ordain)?;
    let store = Ordain::fill(server.address, stock)?;
    let asked = order_body(&|line| format!("sku-00000{line}"));
    let echo = place.echo(0, store.answer_bytes("POST", "/v1/promises", &asked)?)?;
    let body = order_body(&|_| format!("sku-{SKU}")).to_string();
    let side = |name, server: &Server, path, connections| {
        let request = Request::new(Request::http("POST", path, &body), stock.skus, 0);
        Side::server(name, 1, Asked::of(server, Wire::Http, request, connections))
    };
    for &connections in &sizes.connections {
        let sides = vec![
            side("ordain", &server, "/v1/promises", connections),
            side("echo", &echo, SAME, connections),
            side("echo, as long", &echo, "/answer", connections),
        ];
        let what =
            "POST /v1/promises, 3 lines, 50 places; echo: the body that came, or a fixed one as long as Ordain's";
        measure(Line { name: "promise".into(), what, connections, depth: 1, sides })?;
    }
    Ok(())
}

/// Servers that hold stock and take reservations of it.
struct Reserving<'a> {
    stock: Stock,
    hot: bool,
    ordain: (Server, Ordain),
    redis: Option<(Server, Redis)>,
    postgres: Option<(Server, Postgres<'a>)>,
    /// Units that each side took.
    taken: [u64; 3],
}

impl<'a> Reserving<'a> {
    fn start(place: &Place, programs: &'a Programs, stock: Stock, connections: usize) -> Result<Self, String> {
        let server = place.ordain(&programs.ordain)?;
        let store = Ordain::fill(server.address, stock)?;
        let (mut redis, mut postgres) = (None, None);
        if let Some(program) = &programs.redis {
            let server = place.redis(program)?;
            let store = Redis::fill(server.address, stock)?;
            redis = Some((server, store));
        }
        if let Some(folder) = &programs.postgres {
            let server = place.postgres(folder, connections)?;
            let store = Postgres::fill(server.address, folder, stock)?;
            postgres = Some((server, store));
        }
        Ok(Self { stock, hot: stock.skus == 1, ordain: (server, store), redis, postgres, taken: [0; 3] })
    }

    fn sku(&self) -> String {
        if self.hot { "sku-000000".into() } else { format!("sku-{SKU}") }
    }

    fn reservation(&self) -> Value {
        json!({"owner": owner(), "ttl_s": 86_400, "lines": [{"sku": self.sku(), "quantity": 1}]})
    }

    fn single(&self, name: &'static str, connections: usize, depth: usize) -> Side {
        let request = Request::http("POST", "/v1/reservations", &self.reservation().to_string());
        self.asked(name, 1, request, connections, depth)
    }

    fn batch(&self, many: u64, connections: usize) -> Side {
        let all: Vec<Value> = (0..many).map(|_| self.reservation()).collect();
        let request = Request::http("POST", "/v1/reservations/batch", &json!({"reservations": all}).to_string());
        self.asked("batch", many, request, connections, 1)
    }

    fn asked(&self, name: &'static str, operations: u64, request: Vec<u8>, connections: usize, depth: usize) -> Side {
        let request = Request::new(request, self.stock.skus, 0);
        let asked = Asked::of(&self.ordain.0, Wire::Http, request, connections);
        Side::server(name, operations, Asked { depth, ..asked })
    }

    /// The peers, of which `lane` keeps the ids of different lines apart.
    fn peers(&self, connections: usize, lane: u64) -> Result<Vec<Side>, String> {
        let mut sides = Vec::new();
        if let Some((server, store)) = &self.redis {
            let request = Request::new(store.reserve(&self.sku()), self.stock.skus, lane);
            sides.push(Side::server("redis", 1, Asked::of(server, Wire::Redis, request, connections)));
        }
        if let Some((server, _)) = &self.postgres {
            let request = Request::new(Postgres::reserve(&self.sku())?, self.stock.skus, lane);
            let mut asked = Asked::of(server, Wire::Postgres, request, connections);
            asked.greeting = Postgres::greeting()?;
            sides.push(Side::server("postgres", 1, asked));
            if self.hot {
                let [begin, further @ ..] = Postgres::reserve_step_by_step(&self.sku())?;
                let request = Request::new(begin, self.stock.skus, lane).followed_by(further.to_vec());
                let mut asked = Asked::of(server, Wire::Postgres, request, connections);
                asked.greeting = Postgres::greeting()?;
                sides.push(Side::server("postgres, 4 trips", 1, asked));
            }
        }
        Ok(sides)
    }

    fn took(&mut self, sides: &[Side]) {
        for side in sides {
            let store = match side.name {
                "redis" => 1,
                "postgres" | "postgres, 4 trips" => 2,
                "disk" => continue,
                _ => 0,
            };
            self.taken[store] += side.answered * side.operations;
        }
    }

    fn check(&self) -> Result<(), String> {
        agree("Ordain", self.ordain.1.gone()?, self.taken[0])?;
        if let Some((_, store)) = &self.redis {
            agree("Redis", store.gone()?, self.taken[1])?;
        }
        if let Some((_, store)) = &self.postgres {
            agree("PostgreSQL", store.gone()?, self.taken[2])?;
        }
        Ok(())
    }
}

fn agree(name: &str, gone: u64, taken: u64) -> Result<(), String> {
    match gone == taken {
        true => Ok(()),
        false => Err(format!("{name} answered that it took {taken} units, and {gone} are gone")),
    }
}

fn reserve(
    place: &Place,
    programs: &Programs,
    sizes: &Sizes,
    stock: Stock,
    measure: &mut Measure<'_>,
) -> Result<(), String> {
    let most = sizes.connections.iter().copied().max().unwrap_or(1);
    let mut servers = Reserving::start(place, programs, stock, 2 * most)?;
    let kind = if servers.hot { "hot" } else { "spread" };
    let lines = |what: &str| format!("{what} {kind}");
    for (lane, &connections) in (1..).zip(&sizes.connections) {
        let mut sides = vec![servers.single("ordain", connections, 1)];
        sides.extend(servers.peers(connections, lane)?);
        if servers.hot {
            sides.push(Side::disk(place, DISK_BYTES));
        }
        let what = "one unit reserved and durable, then answered; disk: one write of 4 KiB and its fdatasync at a time, without a client";
        let line = Line { name: lines("reserve"), what, connections, depth: 1, sides };
        servers.took(&measure(line)?);
    }
    let batches = if servers.hot { &sizes.batches[..] } else { &sizes.batches[..1] };
    for &many in batches {
        // A server refuses what is too much at once, and few large batches under way show as much as many.
        let most = (BATCHED_MAX / usize::try_from(many).unwrap_or(usize::MAX)).max(1);
        let mut connections: Vec<usize> = sizes.connections.iter().map(|connections| most.min(*connections)).collect();
        connections.dedup();
        for connections in connections {
            let sides = vec![servers.batch(many, connections), servers.single("single", connections, 1)];
            let what =
                "POST /v1/reservations/batch against single reservations; rates count reservations, latencies requests";
            let name = if many == sizes.batches[0] { lines("batch") } else { format!("{} of {many}", lines("batch")) };
            servers.took(&measure(Line { name, what, connections, depth: 1, sides })?);
        }
    }
    let sides = vec![servers.single("pipelined", 4, sizes.depth), servers.single("single", 4 * sizes.depth, 1)];
    let what = "4 pipelined connections against as many requests under way on connections of their own";
    let line = Line { name: lines("pipelined"), what, connections: 4, depth: sizes.depth, sides };
    servers.took(&measure(line)?);
    servers.check()
}

fn order(place: &Place, programs: &Programs, sizes: &Sizes, measure: &mut Measure<'_>) -> Result<(), String> {
    let stock = Stock { skus: 2_000, nodes: 10 };
    let server = place.ordain(&programs.ordain)?;
    let store = Ordain::fill(server.address, stock)?;
    let order = Request::http("POST", "/v1/orders", &order_body(&|_| format!("sku-{SKU}")).to_string());
    let body = json!({"owner": owner(), "ttl_s": 86_400, "lines": [{"sku": format!("sku-{SKU}"), "quantity": 1}]});
    let reservation = Request::http("POST", "/v1/reservations", &body.to_string());
    let mut taken = 0;
    for (lane, &connections) in (1..).zip(&sizes.connections) {
        let side = |name, bytes: &Vec<u8>| {
            let request = Request::new(bytes.clone(), stock.skus, lane);
            Side::server(name, 1, Asked::of(&server, Wire::Http, request, connections))
        };
        let sides = vec![side("order", &order), side("reservation", &reservation)];
        let what =
            "POST /v1/orders: 3 lines captured, sourced over 10 places and durable, against POST /v1/reservations";
        let sides = measure(Line { name: "order".into(), what, connections, depth: 1, sides })?;
        taken += 3 * sides[0].answered + sides[1].answered;
    }
    agree("Ordain", store.gone()?, taken)
}

fn order_body(sku: &dyn Fn(u64) -> String) -> Value {
    let price = json!({"amount": 1_999, "currency": "USD"});
    let lines: Vec<Value> = (0..3).map(|n| json!({"sku": sku(n), "quantity": 1, "unit_price": price})).collect();
    json!({
        "type": "standard", "channel": "web", "channel_order_id": SERIAL,
        "customer": {"id": "customer-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main Street", "city": "Chicago", "region": "IL", "postal_code": "60602",
            "country": "US", "latitude": 41.88, "longitude": -87.63,
        },
        "lines": lines, "delivery_method": "ship",
    })
}
