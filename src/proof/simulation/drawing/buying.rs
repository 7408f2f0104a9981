//! What customers do: what they reserve and order, through which channel, and how they change their minds.

use super::sourcing::Manner;
use super::{Drawing, NAMES_MAX, SKUS, SOLD, WAYS};

/// Most reservations of a batch.
const BATCH_MAX: u32 = 40;

impl Drawing {
    pub(super) fn reserve_lines(&mut self) -> String {
        let lines: Vec<String> = (0..1 + self.chance.roll(2))
            .map(|_| {
                let (sku, n) = (self.chance.pick(&SOLD[..5]), self.few(4));
                if self.chance.one_in(3) { format!("{sku} {n} at {}", self.node()) } else { format!("{sku} {n}") }
            })
            .collect();
        lines.join(" + ")
    }

    /// Many reservations: some under a key, some without a name, now and then one twice.
    pub(super) fn batch(&mut self) -> String {
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
    pub(super) fn channel(&mut self) -> Option<String> {
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
    pub(super) fn buyer(&mut self) -> String {
        if !self.channels {
            return String::new();
        }
        let channel = self.chance.pick(&["", "via web ", "via shop ", "via till ", "via nowhere "]);
        let customer = self.chance.pick(&["", "", "by customer-2 "]);
        format!("{channel}{customer}")
    }

    pub(super) fn order(&mut self) -> String {
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
    pub(super) fn edit(&mut self) -> Option<String> {
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
}
