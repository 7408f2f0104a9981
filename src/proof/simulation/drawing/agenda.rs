//! What is drawn of dates: slots, schedules, releases, orders that rest, and what must be paid before what.

use super::Drawing;

const SLOTS: [&str; 2] = ["monday", "tuesday"];

impl Drawing {
    /// Lockers of a node, with few compartments.
    pub(super) fn lockers(&mut self) -> String {
        format!("lockers {} m {} + s {}", self.node(), self.chance.roll(3), self.chance.roll(4))
    }

    /// Times at a node: both, one, or none of them, each with few places.
    pub(super) fn slots(&mut self) -> String {
        let parts: Vec<String> = SLOTS
            .iter()
            .filter_map(|id| {
                let (begins, places) = (60 * self.few(600), self.chance.roll(4));
                (!self.chance.one_in(8)).then(|| format!("{id} {begins} {places}"))
            })
            .collect();
        let line = format!("slots {} {}", self.node(), parts.join(" + "));
        line.trim_end().to_owned()
    }

    /// The slot of an order's last line; with a blank behind.
    pub(super) fn slot(&mut self) -> String {
        format!("slot {} {} ", self.node(), self.chance.pick(&SLOTS))
    }

    /// A channel that wants its money first.
    pub(super) fn rule(&mut self) -> String {
        let marks = ["-", "authorized", "paid"];
        format!("rule till {} {}", self.chance.pick(&marks), self.chance.pick(&marks))
    }

    /// A schedule, made or made anew.
    pub(super) fn subscribe(&mut self) -> String {
        let known = if self.chance.one_in(4) { self.known(|drawing| &drawing.schedules) } else { None };
        let name = known.unwrap_or_else(|| self.name('s'));
        let every = self.chance.pick(&["PT1H", "P1D"]);
        let retry = if self.chance.one_in(3) { "retry " } else { "" };
        let lines: Vec<String> = (0..1 + self.chance.roll(2))
            .map(|_| format!("{} {}", self.chance.pick(&super::SOLD), self.few(2)))
            .collect();
        let line = format!("subscribe {name} {every} {} {retry}{}", self.few(900), lines.join(" + "));
        // Its first orders are spoken of like all others.
        let number = self.few(2);
        self.orders.push(format!("{name}:{number}"));
        if !self.schedules.contains(&name) {
            self.schedules.push(name);
        }
        line
    }

    /// What becomes of a schedule.
    pub(super) fn schedule(&mut self) -> Option<String> {
        let verb = self.chance.pick(&["pause", "resume", "resume", "skip", "unsubscribe"]);
        Some(format!("{verb} {}", self.known(|drawing| &drawing.schedules)?))
    }

    /// A draft, begun or changed, and what is done with one.
    pub(super) fn sketch(&mut self) -> Option<String> {
        let ttl = self.few(self.ttl_s);
        if self.drafts.is_empty() || self.chance.one_in(3) {
            let name = self.name('p');
            let line = format!("sketch {name} {ttl} {}", self.reserve_lines());
            self.drafts.push(name);
            self.keyed.push(line.clone());
            return Some(line);
        }
        let draft = self.known(|drawing| &drawing.drafts)?;
        Some(match self.chance.roll(8) {
            0 => format!("tear_up {draft}"),
            1 => format!("redraw {draft} - {}", self.reserve_lines()),
            2 => format!("redraw {draft} {ttl}"),
            3..=5 => {
                let line = format!("hold_for {draft} {} {}", self.few(self.ttl_s), self.reserve_lines());
                self.keyed.push(line.clone());
                line
            }
            _ => {
                let order = self.order();
                let line = format!("put_in {draft} {}", order.strip_prefix("order ").expect("an order was drawn"));
                self.keyed.push(line.clone());
                line
            }
        })
    }

    /// A release of phones, put off or brought forward.
    pub(super) fn release(&mut self) -> String {
        format!("dated phone {}", self.chance.pick(&["-60", "5", "60", "600"]))
    }

    /// What is done with an order that rests.
    pub(super) fn rests(&mut self) -> Option<String> {
        let verb = self.chance.pick(&["route", "allocate"]);
        Some(format!("{verb} {}", self.known(|drawing| &drawing.orders)?))
    }
}
