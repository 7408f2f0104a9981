//! Draws a table line by line. Each seed has a character of its own: how much of what it does, what it never does, how
//! large its groups are and how often its disk fails. What a line names is drawn from what exists, so that most lines
//! mean something; some do not, and must be refused.

mod agenda;
mod buying;
mod fulfilment;
mod kinds;
mod picking;
mod returns;
mod sourcing;

use self::kinds::{KINDS, Kind};
use self::sourcing::Manner;
use super::chance::Chance;
use super::world::World;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::order::Order;

const NODES: [&str; 3] = ["east", "west", "north"];
const SKUS: [&str; 3] = ["phone", "case", "cable"];
const SOLD: [&str; 6] = ["phone", "phone", "case", "cable", "bundle", "setup"];
/// What carriers tell.
const SEEN: [&str; 5] = ["in_transit", "out_for_delivery", "failure", "return_to_sender", "delivered"];
/// How a group of an order may reach its customer.
const WAYS: [&str; 5] = ["ship", "pickup", "curbside", "locker", "ship_to_store"];
/// Names a line may speak of: the latest ones.
const NAMES_MAX: usize = 12;

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
}

fn order_of<'a>(world: &'a World, name: &str) -> Option<&'a Order> {
    let key = world.judge.orders.get(name)?;
    match world.judge.appended.entity(&EntityKey::Order(*key)) {
        Some(Entity::Order(order)) => Some(order),
        _ => None,
    }
}
