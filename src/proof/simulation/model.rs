//! A second opinion: stock, reservations and simple orders as counters in plain maps.
//!
//! Written from the words of the domain and sharing no code with the engine: no words, ledgers, marks, records or
//! folds. It says of every request whether it is taken or refused and with which code, and of every counter what it
//! must be afterwards.
//!
//! **Left out**: more than one node for a sku, kits, services, several lines or destinations of an order, fulfilment
//! (so nothing is shipped), switching nodes off, the time after which ended things are forgotten, keys and repeats.

use std::collections::BTreeMap;

/// What the model knows of one sku at its one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    pub on_hand: u32,
    pub shortfall: u32,
    pub available: u32,
    pub committed: u32,
    pub reserved: u32,
    pub damaged: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Held,
    Claimed,
    Released,
    Expired,
}

#[derive(Debug, Clone)]
pub struct Cart {
    pub units: BTreeMap<usize, u32>,
    pub ends_at: u64,
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    pub sku: usize,
    pub committed: u32,
    pub waits: u32,
    pub cancelled: u32,
}

/// The latest edit of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub number: usize,
    pub from: u32,
    pub to: u32,
    pub ends_at: u64,
    pub open: bool,
}

/// What an edit set aside and nobody gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    pub order: String,
    pub number: usize,
    pub sku: usize,
    pub units: u32,
    pub ends_at: u64,
}

/// How long an edit can be confirmed, seconds.
const EDIT_LIFE: u64 = 900;

/// A request in the model's own words; skus by number.
#[derive(Debug, Clone)]
pub enum Request {
    Adjust(Vec<(usize, i32)>),
    Count(usize, u32),
    Damage(usize, u32),
    Repair(usize, u32),
    Reserve {
        name: String,
        seconds: u64,
        partial: bool,
        lines: Vec<(usize, u32)>,
    },
    /// Many reservations, each answered for itself.
    Batch(Vec<Request>),
    Change {
        name: String,
        seconds: Option<u64>,
        lines: Option<Vec<(usize, u32)>>,
    },
    Release(String),
    Order {
        name: String,
        claims: Option<String>,
        reacquire: bool,
        sku: usize,
        units: u32,
    },
    Cancel {
        name: String,
        units: Option<u32>,
    },
    /// An edit to so many units.
    Edit {
        name: String,
        units: u32,
    },
    /// The end of the latest edit: confirmed, or declined.
    EditEnd {
        name: String,
        confirm: bool,
        /// Which, as the request says.
        number: usize,
    },
    Wait(u64),
    Pass(u64),
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub now: u64,
    pub stock: BTreeMap<usize, Counters>,
    pub carts: BTreeMap<String, Cart>,
    pub orders: BTreeMap<String, Bought>,
    pub edits: BTreeMap<String, Change>,
    pub aside: Vec<Aside>,
    /// Names of orders as they came.
    came: Vec<String>,
}

impl Model {
    fn free(&self, sku: usize) -> u32 {
        self.stock.get(&sku).map_or(0, |counters| counters.available)
    }

    fn at(&mut self, sku: usize) -> &mut Counters {
        self.stock.entry(sku).or_default()
    }

    /// Units come free: what is owed first, then who came first, then anybody.
    fn give(&mut self, sku: usize, units: u32) {
        let counters = self.at(sku);
        let paid = units.min(counters.shortfall);
        counters.shortfall -= paid;
        let mut left = units - paid;
        for name in self.came.clone() {
            let order = self.orders.get_mut(&name).expect("who came is known");
            if order.sku == sku {
                let filled = left.min(order.waits);
                (order.waits, order.committed, left) = (order.waits - filled, order.committed + filled, left - filled);
                self.at(sku).committed += filled;
            }
        }
        self.at(sku).available += left;
    }

    fn lose(&mut self, sku: usize, units: u32) {
        let counters = self.at(sku);
        let taken = units.min(counters.available);
        counters.available -= taken;
        counters.shortfall += units - taken;
        counters.on_hand -= units;
    }

    fn end(&mut self, name: &str, fate: Fate) {
        let cart = self.carts.get_mut(name).expect("an ending cart is there");
        cart.fate = fate;
        let units = cart.units.clone();
        for (sku, n) in units {
            self.at(sku).reserved -= n;
            self.give(sku, n);
        }
    }

    /// Ends what is due, of these skus or of all.
    fn expire(&mut self, skus: Option<&[usize]>) {
        let touches = |cart: &Cart| skus.is_none_or(|skus| skus.iter().any(|sku| cart.units.contains_key(sku)));
        let due = |cart: &Cart| cart.fate == Fate::Held && cart.ends_at <= self.now && touches(cart);
        let names: Vec<String> =
            self.carts.iter().filter(|(_, cart)| due(cart)).map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| self.end(name, Fate::Expired));
        let now = self.now;
        let due = |aside: &Aside| aside.ends_at <= now && skus.is_none_or(|skus| skus.contains(&aside.sku));
        let (due, rest) = std::mem::take(&mut self.aside).into_iter().partition(due);
        self.aside = rest;
        for aside in <Vec<Aside>>::into_iter(due) {
            self.at(aside.sku).reserved -= aside.units;
            self.give(aside.sku, aside.units);
        }
    }

    /// Ends an open edit; answers what it had set aside, which is nobody's now.
    fn end_change(&mut self, name: &str) -> u32 {
        let change = self.edits.get_mut(name).expect("an ending edit is there");
        change.open = false;
        let number = change.number;
        let own = |aside: &Aside| aside.order == name && aside.number == number;
        let (own, rest) = std::mem::take(&mut self.aside).into_iter().partition(own);
        self.aside = rest;
        <Vec<Aside>>::into_iter(own)
            .map(|aside| {
                self.at(aside.sku).reserved -= aside.units;
                aside.units
            })
            .sum()
    }

    /// Carries a request out, or says with which code it is refused; each of a batch as if it came alone.
    pub fn ask_all(&mut self, request: &Request) -> Vec<Result<(), &'static str>> {
        match request {
            Request::Batch(parts) => parts.iter().map(|part| self.ask(part)).collect(),
            request => vec![self.ask(request)],
        }
    }

    fn ask(&mut self, request: &Request) -> Result<(), &'static str> {
        match request {
            Request::Batch(_) => unreachable!("a batch is asked part by part"),
            Request::Adjust(parts) => {
                let mut losses: BTreeMap<usize, u32> = BTreeMap::new();
                for (sku, n) in parts.iter().filter(|(_, n)| *n < 0) {
                    *losses.entry(*sku).or_default() += n.unsigned_abs();
                }
                let there = |sku| self.stock.get(sku).map_or(0, |counters: &Counters| counters.on_hand);
                if losses.iter().any(|(sku, n)| there(sku) < *n) {
                    return Err("insufficient_on_hand");
                }
                losses.into_iter().for_each(|(sku, n)| self.lose(sku, n));
                for (sku, n) in parts.iter().filter(|(_, n)| *n > 0) {
                    self.at(*sku).on_hand += *n as u32;
                    self.give(*sku, *n as u32);
                }
            }
            Request::Count(sku, n) => {
                let on_hand = self.at(*sku).on_hand;
                if *n < on_hand {
                    self.lose(*sku, on_hand - n);
                } else {
                    self.at(*sku).on_hand = *n;
                    self.give(*sku, n - on_hand);
                }
            }
            Request::Damage(sku, n) => {
                if self.free(*sku) < *n {
                    return Err("insufficient_state");
                }
                self.at(*sku).available -= n;
                self.at(*sku).damaged += n;
            }
            Request::Repair(sku, n) => {
                if self.at(*sku).damaged < *n {
                    return Err("insufficient_state");
                }
                self.at(*sku).damaged -= n;
                self.give(*sku, *n);
            }
            Request::Reserve { name, seconds, partial, lines } => {
                let mut units = summed(lines);
                self.expire_if_short(&units, &BTreeMap::new());
                for (sku, n) in &mut units {
                    if self.free(*sku) < *n && !partial {
                        return Err("insufficient_stock");
                    }
                    *n = self.free(*sku).min(*n);
                }
                units.retain(|_, n| *n > 0);
                if units.is_empty() {
                    return Err("insufficient_stock");
                }
                for (sku, n) in &units {
                    self.at(*sku).available -= n;
                    self.at(*sku).reserved += n;
                }
                let ends_at = self.now + seconds;
                self.carts.insert(name.clone(), Cart { units, ends_at, fate: Fate::Held });
            }
            Request::Change { name, seconds, lines } => {
                let cart = self.carts.get(name).ok_or("not_found")?.clone();
                if cart.fate != Fate::Held || cart.ends_at <= self.now {
                    return Err("reservation_expired");
                }
                let wanted = lines.as_ref().map_or(cart.units.clone(), |lines| summed(lines));
                let own = |sku: &usize| cart.units.get(sku).copied().unwrap_or(0);
                self.expire_if_short(&wanted, &cart.units);
                if wanted.iter().any(|(sku, n)| self.free(*sku) + own(sku) < *n) {
                    return Err("insufficient_stock");
                }
                let changed = self.carts.get_mut(name).expect("just seen");
                changed.units = wanted.clone();
                changed.ends_at = seconds.map_or(cart.ends_at, |seconds| self.now + seconds);
                for (sku, n) in &wanted {
                    let more = n.saturating_sub(own(sku));
                    self.at(*sku).available -= more;
                    self.at(*sku).reserved += more;
                }
                for (sku, n) in &cart.units {
                    let rest = n.saturating_sub(wanted.get(sku).copied().unwrap_or(0));
                    self.at(*sku).reserved -= rest;
                    self.give(*sku, rest);
                }
            }
            Request::Release(name) => {
                let cart = self.carts.get(name).ok_or("not_found")?;
                match cart.fate {
                    Fate::Claimed => return Err("reservation_ended"),
                    Fate::Held if cart.ends_at <= self.now => self.end(name, Fate::Expired),
                    Fate::Held => self.end(name, Fate::Released),
                    Fate::Released | Fate::Expired => {}
                }
            }
            Request::Order { name, claims, reacquire, sku, units } => {
                let mut claimed = None;
                if let Some(cart_name) = claims {
                    let cart = self.carts.get(cart_name).ok_or("unknown_reservation")?;
                    match cart.fate {
                        Fate::Held if cart.ends_at > self.now => claimed = Some(cart_name.clone()),
                        Fate::Claimed => return Err("reservation_ended"),
                        _ if *reacquire => {}
                        _ => return Err("reservation_expired"),
                    }
                }
                let mut own = claimed.as_ref().map_or(BTreeMap::new(), |name| self.carts[name].units.clone());
                let kept = own.get(sku).copied().unwrap_or(0).min(*units);
                // Who gives units back looks at what is due of theirs first, as does who finds too little.
                let rest = |(own_sku, n): (&usize, &u32)| if own_sku == sku { *n > kept } else { *n > 0 };
                let mut looked_at: Vec<usize> = own.iter().filter(|own| rest(*own)).map(|(sku, _)| *sku).collect();
                if self.free(*sku) + kept < *units {
                    looked_at.push(*sku);
                }
                self.expire(Some(&looked_at));
                let taken = self.free(*sku).min(units - kept);
                let waits = units - kept - taken;
                let counters = self.at(*sku);
                counters.reserved -= kept;
                counters.available -= taken;
                counters.committed += kept + taken;
                self.came.push(name.clone());
                self.orders.insert(name.clone(), Bought { sku: *sku, committed: kept + taken, waits, cancelled: 0 });
                if let Some(cart) = claimed {
                    own.entry(*sku).and_modify(|n| *n -= kept);
                    self.carts.get_mut(&cart).expect("just seen").fate = Fate::Claimed;
                    for (sku, rest) in own {
                        self.at(sku).reserved -= rest;
                        self.give(sku, rest);
                    }
                }
            }
            Request::Cancel { name, units } => {
                let order = *self.orders.get(name).ok_or("not_found")?;
                let open = order.waits + order.committed;
                let n = units.unwrap_or(open);
                if n > open || n == 0 {
                    return Err("not_cancellable");
                }
                let from_waiting = n.min(order.waits);
                let order = self.orders.get_mut(name).expect("just seen");
                order.waits -= from_waiting;
                order.committed -= n - from_waiting;
                order.cancelled += n;
                let sku = order.sku;
                self.at(sku).committed -= n - from_waiting;
                self.give(sku, n - from_waiting);
            }
            Request::Edit { name, units } => {
                let order = *self.orders.get(name).ok_or("not_found")?;
                let wanted = order.waits + order.committed;
                if wanted == 0 {
                    return Err("not_editable");
                }
                let before = self.edits.get(name).copied();
                if before.is_some_and(|edit| edit.open && edit.ends_at > self.now) {
                    return Err("edit_open");
                }
                let more = units.saturating_sub(wanted);
                self.expire_if_short(&BTreeMap::from([(order.sku, more)]), &BTreeMap::new());
                if self.free(order.sku) < more {
                    return Err("insufficient_stock");
                }
                let (number, ends_at) = (before.map_or(1, |edit| edit.number + 1), self.now + EDIT_LIFE);
                if more > 0 {
                    self.at(order.sku).available -= more;
                    self.at(order.sku).reserved += more;
                    self.aside.push(Aside { order: name.clone(), number, sku: order.sku, units: more, ends_at });
                }
                let change = Change { number, from: wanted, to: *units, ends_at, open: true };
                self.edits.insert(name.clone(), change);
            }
            Request::EditEnd { name, confirm, number } => {
                let order = *self.orders.get(name).ok_or("not_found")?;
                let change = *self.edits.get(name).ok_or("not_found")?;
                if *number == 0 || *number > change.number {
                    return Err("not_found");
                }
                if *number < change.number || !change.open || change.ends_at <= self.now {
                    return Err("edit_ended");
                }
                let aside = self.end_change(name);
                let stale = order.waits + order.committed != change.from;
                if !confirm || stale {
                    self.give(order.sku, aside);
                    return if *confirm { Err("edit_stale") } else { Ok(()) };
                }
                let fewer = change.from.saturating_sub(change.to);
                let from_waiting = fewer.min(order.waits);
                let order = self.orders.get_mut(name).expect("just seen");
                order.waits -= from_waiting;
                order.committed = order.committed + aside - (fewer - from_waiting);
                let sku = order.sku;
                self.at(sku).committed += aside;
                self.at(sku).committed -= fewer - from_waiting;
                self.give(sku, fewer - from_waiting);
            }
            Request::Wait(seconds) => {
                self.now += seconds;
                self.expire(None);
            }
            Request::Pass(seconds) => self.now += seconds,
        }
        Ok(())
    }

    /// A request that finds too little ends what is due of its skus before it is refused.
    fn expire_if_short(&mut self, wanted: &BTreeMap<usize, u32>, own: &BTreeMap<usize, u32>) {
        let short = |(sku, n): (&usize, &u32)| self.free(*sku) + own.get(sku).copied().unwrap_or(0) < *n;
        if wanted.iter().any(short) {
            let skus: Vec<usize> = wanted.keys().copied().collect();
            self.expire(Some(&skus));
        }
    }
}

fn summed(lines: &[(usize, u32)]) -> BTreeMap<usize, u32> {
    let mut units = BTreeMap::new();
    for (sku, n) in lines {
        *units.entry(*sku).or_default() += n;
    }
    units
}
