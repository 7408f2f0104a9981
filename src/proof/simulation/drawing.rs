//! Draws a table line by line. Each seed has a character of its own: how much of what it does, what it never does, how
//! large its groups are and how often its disk fails. What a line names is drawn from what exists, so that most lines
//! mean something; some do not, and must be refused.

mod agenda;
mod kinds;
mod picking;
mod sourcing;

use self::kinds::{KINDS, Kind};
use self::sourcing::Manner;
use super::chance::Chance;
use super::world::World;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentVerb};
use crate::domain::order::Order;
use crate::domain::returns::ReturnVerb;

const NODES: [&str; 3] = ["east", "west", "north"];
const SKUS: [&str; 3] = ["phone", "case", "cable"];
const SOLD: [&str; 6] = ["phone", "phone", "case", "cable", "bundle", "setup"];
/// What carriers tell.
const SEEN: [&str; 5] = ["in_transit", "out_for_delivery", "failure", "return_to_sender", "delivered"];
/// What becomes of what comes back.
const FATES: [&str; 10] =
    ["restock", "restock", "refurbish", "quarantine", "damaged", "vendor", "liquidate", "donate", "destroy", "missing"];
/// How a group of an order may reach its customer.
const WAYS: [&str; 5] = ["ship", "pickup", "curbside", "locker", "ship_to_store"];
/// Names a line may speak of: the latest ones.
const NAMES_MAX: usize = 12;
/// Most reservations of a batch.
const BATCH_MAX: u32 = 40;

/// One seed's character, and what it has named so far.
pub struct Drawing {
    chance: Chance,
    weights: Vec<u32>,
    nodes: usize,
    skus: usize,
    /// Longest life of a reservation, seconds.
    ttl_s: u32,
    /// Most units of a receipt.
    received: u32,
    /// Whether anybody names a channel, or is of a segment.
    channels: bool,
    /// By which rules orders are sourced.
    manner: Manner,
    orders: Vec<String>,
    reservations: Vec<String>,
    inbound: Vec<String>,
    transfers: Vec<String>,
    counts: Vec<String>,
    schedules: Vec<String>,
    drafts: Vec<String>,
    returns: Vec<String>,
    waves: Vec<String>,
    /// Lines under a key, to be repeated.
    keyed: Vec<String>,
    named: u32,
    full: bool,
}

impl Drawing {
    /// The character of a seed.
    pub fn of(seed: u64) -> Drawing {
        let mut chance = Chance::of(seed);
        let weights = KINDS.iter().map(|(_, often)| match chance.roll(6) {
            0 => 0,
            1 => often * 3,
            2 => often.div_ceil(3),
            _ => *often,
        });
        let mut weights: Vec<u32> = weights.collect();
        // Something must happen in every world, and be written.
        for (kind, weight) in KINDS.iter().zip(&mut weights) {
            if matches!(kind.0, Kind::Stock | Kind::Write) {
                *weight = (*weight).max(kind.1 / 4);
            }
        }
        let (nodes, skus) = (1 + chance.roll(3) as usize, 1 + chance.roll(3) as usize);
        let ttl_s = [5, 60, 600, 100_000][chance.roll(4) as usize];
        let received = [6, 6, 6, 60][chance.roll(4) as usize];
        let channels = chance.one_in(2);
        let manner = [Manner::Plain, Manner::Plain, Manner::Limited, Manner::Full][chance.roll(4) as usize];
        Drawing {
            chance,
            weights,
            nodes,
            skus,
            ttl_s,
            received,
            channels,
            manner,
            orders: Vec::new(),
            reservations: Vec::new(),
            inbound: Vec::new(),
            transfers: Vec::new(),
            counts: Vec::new(),
            schedules: Vec::new(),
            drafts: Vec::new(),
            returns: Vec::new(),
            waves: Vec::new(),
            keyed: Vec::new(),
            named: 0,
            full: false,
        }
    }

    /// The first lines: a disk, nodes, items.
    pub fn beginning(&mut self) -> Vec<String> {
        let generation = [2_000, 8_000, 60_000][self.chance.roll(3) as usize];
        let snapshot = [1_000, 10_000, 100_000][self.chance.roll(3) as usize];
        let recent = [0, 4_000, 1_000_000][self.chance.roll(3) as usize];
        let mut lines = vec![format!("disk {} {generation} {snapshot} {recent}", 1 + self.chance.roll(1_000_000))];
        let nodes = ["node east 40.7 -74.0", "node west 34.0 -118.2", "node north 41.9 -87.6"];
        lines.extend(nodes.iter().take(self.nodes).map(|line| (*line).to_owned()));
        lines.extend(SKUS.iter().map(|sku| format!("item {sku}")));
        lines.extend(["lots cable".to_owned(), "serials case".to_owned()]);
        lines.extend(["kit bundle = phone 1 + case 2".to_owned(), "work setup".to_owned()]);
        lines.extend(self.sourced());
        lines
    }

    /// The next line, in this world.
    pub fn line(&mut self, world: &World) -> String {
        let kind = KINDS[self.chance.weigh(&self.weights)].0;
        self.line_of(kind, world).unwrap_or_else(|| self.order())
    }

    fn node(&mut self) -> &'static str {
        NODES[self.chance.roll(self.nodes as u32) as usize]
    }

    fn sku(&mut self) -> &'static str {
        SKUS[self.chance.roll(self.skus as u32) as usize]
    }

    fn few(&mut self, most: u32) -> u32 {
        1 + self.chance.roll(most)
    }

    fn name(&mut self, letter: char) -> String {
        self.named += 1;
        format!("{letter}{}", self.named)
    }

    fn known(&mut self, names: impl Fn(&Self) -> &Vec<String>) -> Option<String> {
        let count = names(self).len() as u32;
        // The latest are spoken of most.
        let back = self.chance.roll(count.max(1)).min(self.chance.roll(count.max(1)));
        names(self).iter().rev().nth(back as usize).cloned()
    }

    /// An order that is so, as a rule, where there is one.
    fn order_that(&mut self, world: &World, is_so: impl Fn(&Order) -> bool) -> Option<String> {
        let fitting = self.orders.iter().filter(|name| order_of(world, name).is_some_and(&is_so));
        let fitting: Vec<String> = fitting.cloned().collect();
        if fitting.is_empty() || self.chance.one_in(3) {
            return self.known(|drawing| &drawing.orders);
        }
        fitting.get(self.chance.roll(fitting.len() as u32) as usize).cloned()
    }

    fn line_of(&mut self, kind: Kind, world: &World) -> Option<String> {
        Some(match kind {
            Kind::Stock => {
                let keyed = self.chance.one_in(3);
                let head = if keyed { format!("receipt {}", self.name('d')) } else { "stock".to_owned() };
                let parts: Vec<String> = (0..1 + self.chance.roll(3))
                    .map(|at| {
                        let n = if at > 0 && self.chance.one_in(4) { -1 } else { i64::from(self.few(self.received)) };
                        format!("{} {} {n}", self.sku(), self.node())
                    })
                    .collect();
                let line = format!("{head} {}", parts.join(" + "));
                if keyed {
                    self.keyed.push(line.clone());
                }
                line
            }
            Kind::Loss => format!("stock {} {} -{}", self.sku(), self.node(), self.few(3)),
            Kind::Count => format!("count {} {} {}", self.sku(), self.node(), self.chance.roll(8)),
            Kind::Tally => {
                let source = self.chance.pick(&["erp", "wms"]);
                let number = if self.chance.one_in(3) { "-".to_owned() } else { self.few(60).to_string() };
                let ago = if self.chance.one_in(4) { "-".to_owned() } else { self.few(300).to_string() };
                format!("tally {} {} {} {source} {number} {ago}", self.sku(), self.node(), self.chance.roll(8))
            }
            Kind::Recount => self.recount()?,
            Kind::Lot => self.lot(),
            Kind::Move => {
                let other = self.chance.pick(&["damaged", "quality_control", "safety_stock"]);
                let (from, to) = if self.chance.one_in(2) { ("available", other) } else { (other, "available") };
                format!("move {} {} {from} {to} {}", self.sku(), self.node(), self.few(4))
            }
            Kind::Reserve => {
                let name = self.name('r');
                let partial = if self.chance.one_in(3) { "partial " } else { "" };
                let ttl = self.few(self.ttl_s);
                let line = format!("reserve {name} {ttl} {partial}{}{}", self.buyer(), self.reserve_lines());
                self.reservations.push(name);
                self.keyed.push(line.clone());
                line
            }
            Kind::Batch => self.batch(),
            Kind::Change => {
                let name = self.known(|drawing| &drawing.reservations)?;
                if self.chance.one_in(6) {
                    return Some(format!("owner {name} somebody-{}", self.few(3)));
                }
                let ttl = if self.chance.one_in(2) { "-".to_owned() } else { self.few(self.ttl_s).to_string() };
                let lines = if self.chance.one_in(4) { String::new() } else { format!(" {}", self.reserve_lines()) };
                format!("change {name} {ttl}{lines}")
            }
            Kind::Release => format!("release {}", self.known(|drawing| &drawing.reservations)?),
            Kind::Order => self.order(),
            Kind::Cancel => {
                let name = self.known(|drawing| &drawing.orders)?;
                if self.chance.one_in(2) {
                    format!("cancel {name}")
                } else {
                    format!("cancel {name} 1 {}", self.few(2))
                }
            }
            Kind::Step => self.fulfilment(world)?,
            Kind::Hold => {
                let name = self.known(|drawing| &drawing.orders)?;
                let kind = self.chance.pick(&["payment", "fraud", "address", "manual"]);
                let ends = if self.chance.one_in(3) { "-".to_owned() } else { self.few(90).to_string() };
                format!("hold {name} {kind} {ends} {}", self.chance.pick(&["-", "-", "authorized", "paid"]))
            }
            Kind::Over => {
                let verb = self.chance.pick(&["over", "over", "over", "never"]);
                format!("{verb} {} {}", self.known(|drawing| &drawing.orders)?, self.few(3))
            }
            Kind::Join => {
                let (first, other) = (self.known(|drawing| &drawing.orders)?, self.known(|drawing| &drawing.orders)?);
                let verb = self.chance.pick(&["join", "merge"]);
                format!("{verb} {first} {other}")
            }
            Kind::Split => {
                let (order, name) = (self.known(|drawing| &drawing.orders)?, self.name('o'));
                let line = format!("split {order} {name} {} {}", self.few(2), self.few(3));
                self.orders.push(name);
                line
            }
            Kind::Edit => self.edit()?,
            Kind::EditEnd => {
                let name = self.known(|drawing| &drawing.orders)?;
                let edits = order_of(world, &name).map_or(0, |order| order.edits.len());
                // The latest as a rule; now and then one that is over or was never there.
                let number = if self.chance.one_in(8) { self.few(4) as usize } else { edits.max(1) };
                format!("{} {name} {number}", self.chance.pick(&["confirm", "confirm", "decline"]))
            }
            Kind::Pay => {
                let name = self.known(|drawing| &drawing.orders)?;
                let status = self.chance.pick(&["authorized", "paid", "paid", "failed", "refunded"]);
                format!("pay {name} {status} {}", 50 * self.few(8))
            }
            Kind::Return => self.asked_back(world)?,
            Kind::Back => self.coming_back(world)?,
            Kind::Dispatch => self.dispatch(world)?,
            Kind::Floor => self.floor(),
            Kind::Walk => self.walking(world)?,
            Kind::Inbound => {
                let name = self.name('i');
                let line = format!("inbound {name} {} {} {}", self.node(), self.few(900), self.sku_units());
                self.inbound.push(name);
                line
            }
            Kind::Arrival => {
                let name = self.known(|drawing| &drawing.inbound)?;
                match self.chance.roll(8) {
                    0 => format!("no_more {name}"),
                    1 | 2 => format!("redate {name} {}", self.few(900)),
                    _ => format!("come {name} {}", self.sku_units()),
                }
            }
            Kind::Transfer => {
                let name = self.name('t');
                let ends = if self.chance.one_in(4) { "-".to_owned() } else { self.few(900).to_string() };
                // A world of one node asks for what must be refused.
                let from = self.chance.roll(self.nodes as u32) as usize;
                let to = NODES[(from + 1) % self.nodes];
                let lines: Vec<String> =
                    (0..1 + self.chance.roll(2)).map(|_| format!("{} {}", self.sku(), self.few(3))).collect();
                let verb = if self.chance.one_in(4) { "draft" } else { "transfer" };
                let line = format!("{verb} {name} {} {to} {ends} {}", NODES[from], lines.join(" + "));
                self.transfers.push(name);
                self.keyed.push(line.clone());
                line
            }
            Kind::Travel => {
                let name = self.known(|drawing| &drawing.transfers)?;
                match self.chance.roll(12) {
                    0 => format!("stay {name}"),
                    10 | 11 => format!("promise {name}"),
                    1 => format!("later {name} {}", self.few(900)),
                    2 => format!("close {name}"),
                    3 => format!("close {name} {} {}", self.sku(), self.few(3)),
                    4..=6 => format!("leave {name}"),
                    _ => format!("arrive {name} {} {}", self.sku(), self.few(3)),
                }
            }
            Kind::Switch => {
                let switch = if self.chance.one_in(3) { "off" } else { "on" };
                format!("{switch} {}", self.node())
            }
            Kind::Channel => self.channel()?,
            Kind::Case => {
                let cases: Vec<_> = world.judge.appended.exceptions().map(|case| case.key).collect();
                let case = cases.get(self.chance.roll(cases.len().max(1) as u32) as usize)?;
                format!("{} {case}", self.chance.pick(&["case", "over_case"]))
            }
            Kind::Policy => match self.chance.roll(9) {
                8 => {
                    let all: Vec<String> = [30, 60, 200].iter().map(|most| self.few(*most).to_string()).collect();
                    let after: Vec<&str> = all.iter().map(|after| self.chance.pick(&["-", after])).collect();
                    format!("clocks {}", after.join(" "))
                }
                7 => {
                    let units = self.few(8).to_string();
                    format!("held_over {}", self.chance.pick(&["-", &units]))
                }
                6 if self.chance.one_in(3) => format!("owns {} {}", self.sku(), self.node()),
                6 => format!("buys {} {} {} {}", self.sku(), self.node(), self.few(300), self.few(9)),
                5 => {
                    let (node, units) = (self.node(), self.chance.roll(5).to_string());
                    let at = self.chance.pick(&["-", node]);
                    format!("keep {} {at} {}", self.sku(), self.chance.pick(&["-", &units, &units]))
                }
                4 => {
                    let all = ["first_come", "priority", "value", "promise_date", "fair_share"];
                    format!("served {}", self.chance.pick(&all))
                }
                0 => format!("terms {} {}", self.node(), self.few(60)),
                1 => format!("terms {} -", self.node()),
                2 => {
                    let (node, units) = (self.node(), self.few(6).to_string());
                    let at = self.chance.pick(&["-", node]);
                    format!("low {} {at} {}", self.sku(), self.chance.pick(&["-", &units, &units]))
                }
                _ if self.chance.one_in(3) => format!("{} ship", self.chance.pick(&["asks", "goes"])),
                _ => {
                    let what = self.chance.pick(&["cancels", "same_store", "near", "near", "asks", "elsewhere"]);
                    format!("refuses {} {what}", self.chance.pick(&WAYS))
                }
            },
            Kind::Source if self.chance.one_in(2) => {
                let name = self.known(|drawing| &drawing.orders)?;
                format!("re{}", self.slot().trim_end().replacen("slot", &format!("book {name} {}", self.few(3)), 1))
            }
            Kind::Optimise => {
                let how = self.chance.pick(&["later", "never"]);
                match self.chance.roll(6) {
                    0 => format!("propose {how}"),
                    1 => "approve".to_owned(),
                    _ => format!("optimise {how}"),
                }
            }
            Kind::Source => format!("source {}", self.known(|drawing| &drawing.orders)?),
            Kind::Rules => self.rules(),
            Kind::Able => self.able()?,
            Kind::Carrier => format!("carrier {} {}", self.chance.pick(&["post", "van"]), self.chance.roll(9)),
            Kind::Slots if self.chance.one_in(3) => self.lockers(),
            Kind::Slots => self.slots(),
            Kind::Rule if self.channels => self.rule(),
            Kind::Rule => return None,
            Kind::Subscribe => self.subscribe(),
            Kind::Schedule => self.schedule()?,
            Kind::Sketch => self.sketch()?,
            Kind::Dated => self.release(),
            Kind::Rests => self.rests()?,
            Kind::Read => {
                let orders = self.chance.one_in(2);
                let name = self.known(|drawing| if orders { &drawing.orders } else { &drawing.reservations })?;
                format!("read {name}")
            }
            Kind::Repeat => self.known(|drawing| &drawing.keyed)?,
            Kind::Write => "write".to_owned(),
            Kind::Wait => match self.chance.roll(40) {
                0 => "wait 90000".to_owned(),
                1..=9 => format!("wait {}", self.few(self.ttl_s)),
                _ => format!("wait {}", self.few(20)),
            },
            Kind::Pass => format!("pass {}", self.few(30)),
            Kind::Wall => format!("wall {}", self.chance.pick(&["-86400", "86400", "-3600", "3600", "-3601", "7200"])),
            Kind::Upkeep => "upkeep".to_owned(),
            Kind::Snapshot => "snapshot".to_owned(),
            Kind::Dies => format!("dies {}{}", self.few(40), self.deaths()),
            Kind::Killed => format!("killed{}", self.deaths()),
            Kind::SyncFails => format!("sync_fails {}", self.few(4)),
            Kind::Room => {
                self.full = !self.full;
                if self.full { "full" } else { "roomy" }.to_owned()
            }
            Kind::Restart => {
                let away = self.chance.pick(&["0", "0", "30", "-1800", "3600", "-7200", "90000", "-86400"]);
                format!("restart {away}")
            }
        })
    }

    /// A return, now and then a claim or an exchange, or the policy of them.
    fn asked_back(&mut self, world: &World) -> Option<String> {
        if self.chance.one_in(12) {
            return Some(format!("takes_back {}", self.chance.pick(&["usual", "automatic", "ahead"])));
        }
        let left = |order: &Order| (0..order.lines.len() as u16).any(|line| order.returnable(line) > 0);
        let (order, name) = (self.order_that(world, left)?, self.name('b'));
        let line = order_of(world, &order)
            .and_then(|order| (0..order.lines.len() as u16).find(|line| order.returnable(*line) > 0));
        let line = line.filter(|_| !self.chance.one_in(6)).map_or_else(|| self.few(2), |line| u32::from(line) + 1);
        let of = format!("{name} {order} {line} {}", self.few(2));
        self.returns.push(name);
        Some(match self.chance.roll(6) {
            0 => format!("claim {of}"),
            1 => format!("swap {of} {} {}", self.sku(), self.few(2)),
            _ => format!("back {of}"),
        })
    }

    /// A step of a return, legal as a rule.
    fn coming_back(&mut self, world: &World) -> Option<String> {
        let name = self.known(|drawing| &drawing.returns)?;
        let of_name = |entity: &Entity| match entity {
            Entity::Return(known) if known.id.as_deref() == Some(name.as_str()) => Some(known.status()),
            _ => None,
        };
        let status = world.judge.appended.iter().find_map(|(_, entity)| of_name(entity))?;
        let legal = status.legal();
        let fate = self.chance.pick(&FATES);
        let line = self.few(2);
        if self.chance.one_in(6) {
            return Some(format!("seen_back {name} {} {}", self.few(2), self.chance.pick(&SEEN)));
        }
        if legal.is_empty() || self.chance.one_in(12) {
            return Some(format!("{} {name}", self.chance.pick(&["allow", "deny", "forgo", "sent", "settle"])));
        }
        Some(match legal[self.chance.roll(legal.len() as u32) as usize] {
            ReturnVerb::Approve => format!("allow {name}"),
            ReturnVerb::Decline if self.chance.one_in(3) => format!("deny {name}"),
            ReturnVerb::Cancel if self.chance.one_in(3) => format!("forgo {name}"),
            ReturnVerb::Decline => format!("allow {name}"),
            ReturnVerb::Transit => format!("sent {name}"),
            ReturnVerb::Label => format!("label {name}"),
            ReturnVerb::Refund => format!("refund {name} {}", 10 * self.few(20)),
            ReturnVerb::Inspect => format!("grade {name} {line} 1"),
            ReturnVerb::Dispose => format!("fate {name} {line} 1 {fate}"),
            ReturnVerb::Close => format!("settle {name}"),
            ReturnVerb::Receive | ReturnVerb::Cancel | ReturnVerb::Expire => {
                let fate = if self.chance.one_in(4) { "-" } else { fate };
                format!("returned {name} {} {line} {} {fate}", self.node(), self.few(2))
            }
        })
    }

    /// At which steps recoveries lose power.
    fn deaths(&mut self) -> String {
        (0..self.chance.roll(4)).map(|_| format!(" {}", self.few(12))).collect()
    }

    /// Cables are told apart by lot, cases by serial number; phones are not.
    fn lot(&mut self) -> String {
        let (node, name) = (self.node(), self.chance.roll(6));
        if self.chance.one_in(3) {
            return format!("number case {node} s{name}");
        }
        let n = if self.chance.one_in(5) { -1 } else { i64::from(self.few(4)) };
        let ends = self.chance.pick(&["-", "5", "60", "600", "90000", "-60"]);
        format!("batch_of cable {node} {n} l{name} {ends}")
    }

    fn recount(&mut self) -> Option<String> {
        if self.chance.one_in(3) {
            let name = self.name('c');
            let skus = if self.chance.one_in(2) { SKUS[..self.skus].join(" + ") } else { self.sku().to_owned() };
            let line = format!("plan {name} {} {skus}", self.node());
            self.counts.push(name);
            return Some(line);
        }
        let name = self.known(|drawing| &drawing.counts)?;
        if self.chance.one_in(8) {
            return Some(format!("enough {name}"));
        }
        let ago = if self.chance.one_in(3) { "-".to_owned() } else { self.few(120).to_string() };
        Some(format!("found {name} {ago} {} {}", self.sku(), self.chance.roll(8)))
    }

    fn sku_units(&mut self) -> String {
        let lines: Vec<String> =
            (0..1 + self.chance.roll(2)).map(|_| format!("{} {}", self.sku(), self.few(self.received))).collect();
        lines.join(" + ")
    }

    fn reserve_lines(&mut self) -> String {
        let lines: Vec<String> = (0..1 + self.chance.roll(2))
            .map(|_| {
                let (sku, n) = (self.chance.pick(&SOLD[..5]), self.few(4));
                if self.chance.one_in(3) { format!("{sku} {n} at {}", self.node()) } else { format!("{sku} {n}") }
            })
            .collect();
        lines.join(" + ")
    }

    /// Many reservations: some under a key, some without a name, now and then one twice.
    fn batch(&mut self) -> String {
        let most = if self.chance.one_in(3) { BATCH_MAX } else { 6 };
        let (mut parts, mut alone): (Vec<String>, Option<String>) = (Vec::new(), None);
        for _ in 0..self.few(most) {
            if !parts.is_empty() && self.chance.one_in(12) {
                parts.push(parts[self.chance.roll(parts.len() as u32) as usize].clone());
                continue;
            }
            let letter = if self.chance.one_in(2) { 'b' } else { '-' };
            let name = self.name(letter);
            let partial = if self.chance.one_in(8) { "partial " } else { "" };
            let (ttl, buyer) = (self.few(self.ttl_s), self.buyer());
            let asked = format!("{name} {ttl} {partial}{buyer}{}", self.reserve_lines());
            if !name.starts_with('-') {
                self.reservations.push(name);
            }
            if self.chance.one_in(2) {
                parts.push(format!("key {asked}"));
                alone = Some(format!("reserve {asked}"));
            } else {
                parts.push(asked);
            }
        }
        let line = format!("batch {}", parts.join(" / "));
        // A repeat comes with the whole batch, or alone.
        self.keyed.push(line.clone());
        self.keyed.extend(alone.filter(|_| self.chance.one_in(2)));
        line
    }

    /// A channel with limits, sometimes narrowed, sometimes a segment; sometimes what it had is taken away.
    fn channel(&mut self) -> Option<String> {
        if !self.channels {
            return None;
        }
        let name = self.chance.pick(&["web", "web", "shop", "vip"]);
        let nodes = if self.chance.one_in(4) { self.node() } else { "-" };
        let customer = if name == "vip" { "customer-2" } else { "-" };
        let mut limits = Vec::new();
        for sku in SKUS {
            if !self.chance.one_in(2) {
                continue;
            }
            let floor = [0, 0, 1, 3, 6][self.chance.roll(5) as usize];
            let cap = if self.chance.one_in(2) { "-".to_owned() } else { (floor + self.chance.roll(6)).to_string() };
            limits.push(format!("{sku} {floor} {cap}"));
        }
        Some(format!("channel {name} {nodes} {customer} {}", limits.join(" + ")))
    }

    /// Through which channel, and who, when it is said; with a blank behind.
    fn buyer(&mut self) -> String {
        if !self.channels {
            return String::new();
        }
        let channel = self.chance.pick(&["", "via web ", "via shop ", "via till ", "via nowhere "]);
        let customer = self.chance.pick(&["", "", "by customer-2 "]);
        format!("{channel}{customer}")
    }

    fn order(&mut self) -> String {
        let name = self.name('o');
        let mut line = format!("order {name}");
        if self.chance.one_in(3)
            && let Some(reservation) = self.known(|drawing| &drawing.reservations)
        {
            line += &format!(" with {reservation}");
            if self.chance.one_in(2) {
                line += " reacquire";
            }
        }
        if self.chance.one_in(6) {
            line += &format!(" near {}", self.node());
        } else if self.chance.one_in(12) {
            line += &format!(" {} {}", self.chance.pick(&["to_store", "locker", "pickup", "curbside"]), self.node());
        }
        let differs = self.chance.one_in(10);
        if differs {
            line += &format!(" differs {} {}", self.chance.pick(&WAYS), self.node());
        }
        if self.chance.one_in(6) {
            line += " waits";
        }
        if self.chance.one_in(8) {
            line += " held";
        }
        let buyer = self.buyer();
        line += &format!(" {buyer}");
        if self.chance.one_in(8) {
            let tomorrow = self.manner != Manner::Plain && self.chance.one_in(3);
            line += &format!(" later {}", if tomorrow { 90_000 } else { self.few(60) });
        }
        match self.chance.roll(16) {
            0 => line += " rests",
            1 => line += &format!(" due {}", self.few(60)),
            2 => line += " early",
            3 => line += &format!(" urgent {}", self.chance.roll(10)),
            _ => {}
        }
        let books = self.chance.one_in(8);
        if books {
            line += &format!(" {}{}", self.chance.pick(&["", "brought "]), self.slot());
        }
        for at in 0..1 + self.chance.roll(3) {
            let plus = if at == 0 { "" } else { " +" };
            let far = if differs && at == 0 || self.chance.one_in(4) { " far" } else { "" };
            line += &format!("{plus} {} {}{far}", self.chance.pick(&SOLD), self.few(3));
        }
        if books {
            line += &format!(" + setup {}", self.few(2));
        }
        self.orders.push(name);
        self.keyed.push(line.clone());
        let named = [&mut self.orders, &mut self.reservations, &mut self.inbound, &mut self.transfers];
        for list in named.into_iter().chain([&mut self.returns, &mut self.keyed]) {
            let surplus = list.len().saturating_sub(NAMES_MAX);
            list.drain(..surplus);
        }
        line
    }

    /// An edit of one to three things.
    fn edit(&mut self) -> Option<String> {
        let name = self.known(|drawing| &drawing.orders)?;
        let first = self.few(2);
        let changes: Vec<String> = (0..self.few(3))
            .map(|at| match self.chance.roll(8) {
                0 => format!("{} at {}", first + at, 10 * self.few(20)),
                1 | 2 => format!("add {} {}", self.chance.pick(&SOLD), self.few(3)),
                3 | 4 => self.chance.pick(&["east", "west"]).to_owned(),
                _ => format!("{} {}", first + at, self.chance.roll(7)),
            })
            .collect();
        Some(format!("edit {name} {}", changes.join(" + ")))
    }

    /// A step of fulfilment, legal as a rule.
    fn fulfilment(&mut self, world: &World) -> Option<String> {
        let begun = |own: &FulfillmentOrder| {
            let waits = matches!(own.status, FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted);
            !waits && !own.status.legal().is_empty()
        };
        let name = self.order_that(world, |order| order.fulfillment_orders.iter().any(begun))?;
        let order = order_of(world, &name)?;
        let live: Vec<_> = order.fulfillment_orders.iter().filter(|f| !f.status.legal().is_empty()).collect();
        if live.is_empty() {
            return None;
        }
        let fulfillment = live[self.chance.roll(live.len() as u32) as usize];
        let at = format!("{name} {}", fulfillment.number);
        if self.chance.one_in(12) {
            return Some(format!(
                "{} {at}",
                self.chance.pick(&["accept", "pack", "ship", "deliver", "let_go", "go_on"])
            ));
        }
        if fulfillment.status == FulfillmentStatus::Shipped && self.chance.one_in(3) {
            return Some(format!("seen {at} {}", self.chance.pick(&SEEN)));
        }
        let legal = fulfillment.status.legal().iter().copied();
        let legal: Vec<_> = legal.filter(|verb| order.takes(fulfillment, *verb)).collect();
        // The way to the customer is taken more often than the ways off it.
        let verb = if self.chance.one_in(3) { legal[self.chance.roll(legal.len() as u32) as usize] } else { legal[0] };
        let line = fulfillment.lines.first().map_or(1, |line| line.line + 1);
        Some(match verb {
            FulfillmentVerb::Pick if self.chance.one_in(2) => format!("pick {at} {line} {}", self.few(2)),
            FulfillmentVerb::Short => {
                let reason = self.chance.pick(&["not_in_stock", "damaged", "mismatch"]);
                format!("short {at} {line} {} {reason}", self.few(2))
            }
            FulfillmentVerb::Cancel => format!("{} {at}", self.chance.pick(&["stop", "elsewhere"])),
            FulfillmentVerb::Ready if self.chance.one_in(4) => format!("ready {at} with K7PM"),
            FulfillmentVerb::HandOver if self.chance.one_in(2) => format!("hand_over {at} with K7PM"),
            FulfillmentVerb::Ready if self.chance.one_in(2) => format!("ready {at} {}", self.few(60)),
            FulfillmentVerb::Move => format!("move {at} to {}", self.node()),
            FulfillmentVerb::Split => format!("part {at} {line} {}", self.few(2)),
            FulfillmentVerb::Merge => format!("merge {at} {}", self.few(4)),
            FulfillmentVerb::CancelAccept => format!("let_go {at}"),
            FulfillmentVerb::CancelRefuse => format!("go_on {at}"),
            FulfillmentVerb::Arrive => format!("here {at}"),
            FulfillmentVerb::Receive if self.chance.one_in(3) => format!("receive {at} without {line} {}", self.few(2)),
            verb => format!("{} {at}", verb.word()),
        })
    }
}

fn order_of<'a>(world: &'a World, name: &str) -> Option<&'a Order> {
    let key = world.judge.orders.get(name)?;
    match world.judge.appended.entity(&EntityKey::Order(*key)) {
        Some(Entity::Order(order)) => Some(order),
        _ => None,
    }
}
